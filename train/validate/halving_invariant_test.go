package validate_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/validate"
)

// oneColumn predicts by a column alone, and records with how many rows it was fitted.
type oneColumn struct {
	column int
	fitted *[]int
}

func (l oneColumn) Fit(_ context.Context, t models.Training) (models.Model, error) {
	*l.fitted = append(*l.fitted, t.X.Rows)
	return byColumn{l.column, t.X.Columns, t.Y.Classes}, nil
}

type byColumn struct {
	column  int
	columns []table.Column
	classes []string
}

func (m byColumn) Kind() string                       { return "by column" }
func (m byColumn) Columns() []table.Column            { return m.columns }
func (m byColumn) Encode() (map[string][]byte, error) { return nil, nil }
func (m byColumn) Predict(x models.Matrix, _ []float64) (models.Prediction, error) {
	p := models.Prediction{Kind: clinical.Class, Rows: x.Rows, Classes: m.classes}
	for _, v := range x.Column(m.column) {
		q := 1 / (1 + math.Exp(-v))
		p.Probabilities = append(p.Probabilities, 1-q, q)
	}
	return p, nil
}

// Of nine candidates all are tried on a ninth of the inner training rows, three on a third, one on all; the one that knows the outcome
// is among them and is chosen. A model without halving is fitted once, on all rows.
func TestHalving(t *testing.T) {
	const rows, good = 300, 7
	columns := make([]table.Column, 9)
	for j := range columns {
		columns[j] = table.Column{Name: fmt.Sprintf("t.x%d", j)}
	}
	x := models.NewMatrix(columns, rows)
	y := clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"a", "b"}, Class: make([]int, rows)}
	rng := work.Seed(4).Rand()
	for i := range rows {
		y.Class[i] = i % 2
		for j := range columns {
			x.Column(j)[i] = rng.NormFloat64()
		}
		x.Column(good)[i] += 3 * float64(i%2)
	}
	fitted := make([][]int, 10)
	halved := validate.Entry{Name: "halved", Halving: true}
	for j := range 9 {
		halved.Candidates = append(halved.Candidates, validate.Candidate{Key: []byte{byte(j)}, Learner: oneColumn{j, &fitted[j]}})
	}
	plain := validate.Entry{Name: "plain", Candidates: []validate.Candidate{{Key: []byte("p"), Learner: oneColumn{0, &fitted[9]}}}}
	score := validate.Score(y)
	s := validate.Study{Rows: validate.Rows{Outcome: y}, X: x, Seed: 3, Procedure: validate.Procedure{Models: []validate.Entry{plain, halved}},
		Score: func(o clinical.Outcome, p models.Prediction) float64 {
			return score.Of(o, validate.Prediction{Prediction: p})
		}}
	folds := validate.RepeatedKFold(s.Rows, 3, 1, 1)[:1]
	r, err := s.Judge(context.Background(), folds, 2, work.Pool{Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Folds[0].Choice; c.Winner != 1 || c.Chosen[1] != good {
		t.Errorf("chosen %+v", c)
	}
	inner := map[int]int{} // fits by number of rows, of the halved candidates
	for _, f := range fitted[:9] {
		for _, n := range f {
			inner[n]++
		}
	}
	// 200 outer training rows, 100 in an inner fold; a ninth would be 12, and ten of each class are the least.
	if inner[20] != 2*9 || inner[34] != 2*3 || inner[100] != 2*1 || inner[200] != 1 {
		t.Errorf("fits by rows: %v", inner)
	}
	if !slices.Equal(slices.Sorted(slices.Values(fitted[9])), []int{100, 100, 200}) {
		t.Errorf("the plain model was fitted on %v rows", fitted[9])
	}
	if r.Fits != 2*(9+3+1+1)+2 {
		t.Errorf("%d fits counted", r.Fits)
	}
}

// Where fits take long the choice is made on one inner hold-out: each candidate is fitted once inside an outer fold, and the one that knows
// the outcome is chosen all the same.
func TestOnceInvariant(t *testing.T) {
	const rows, good = 120, 2
	columns := []table.Column{{Name: "t.a"}, {Name: "t.b"}, {Name: "t.c"}}
	x := models.NewMatrix(columns, rows)
	y := clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"a", "b"}, Class: make([]int, rows)}
	rng := work.Seed(8).Rand()
	for i := range rows {
		y.Class[i] = i % 2
		for j := range columns {
			x.Column(j)[i] = rng.NormFloat64()
		}
		x.Column(good)[i] += 4 * float64(i%2)
	}
	fitted := make([][]int, len(columns))
	var entries []validate.Entry
	for j, c := range columns {
		entries = append(entries, validate.Entry{Name: c.Name, Candidates: []validate.Candidate{{Key: []byte{byte(j)}, Learner: oneColumn{j, &fitted[j]}}}})
	}
	score := validate.Score(y)
	s := validate.Study{Rows: validate.Rows{Outcome: y}, X: x, Seed: 3, Once: true, Procedure: validate.Procedure{Models: entries},
		Score: func(o clinical.Outcome, p models.Prediction) float64 {
			return score.Of(o, validate.Prediction{Prediction: p})
		}}
	r, err := s.Judge(context.Background(), validate.RepeatedKFold(s.Rows, 3, 1, 1), 5, work.Pool{Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	for k, f := range r.Folds {
		if f.Choice.Winner != good {
			t.Errorf("fold %d: model %d was chosen", k+1, f.Choice.Winner)
		}
	}
	for j, f := range fitted {
		if want := []int{64, 64, 64, 80, 80, 80}; !slices.Equal(slices.Sorted(slices.Values(f)), want) {
			t.Errorf("model %d was fitted on %v rows, want %v: four fifths of the outer training rows, and all of them", j, f, want)
		}
	}
}
