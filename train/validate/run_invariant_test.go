package validate_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/validate"
)

// centroid is a small learner: the score of a row is its projection on the line between the means of two classes. With most > 0
// it looks at its first columns only.
type centroid struct {
	most int
	saw  func(models.Training) // is told what Fit was given
}

type centroidModel struct {
	columns []table.Column
	w       []float64
	bias    float64
}

func (c centroid) Fit(_ context.Context, t models.Training) (models.Model, error) {
	if c.saw != nil {
		c.saw(t)
	}
	m := &centroidModel{columns: t.X.Columns, w: make([]float64, len(t.X.Columns))}
	for j := range t.X.Columns {
		if c.most > 0 && j >= c.most {
			break
		}
		var sum [2]float64
		var n [2]float64
		for i, v := range t.X.Column(j) {
			sum[t.Y.Class[i]] += v
			n[t.Y.Class[i]]++
		}
		a, b := sum[0]/n[0], sum[1]/n[1]
		m.w[j] = b - a
		m.bias -= (b - a) * (a + b) / 2
	}
	return m, nil
}

func (m *centroidModel) Kind() string                       { return "centroid" }
func (m *centroidModel) Columns() []table.Column            { return m.columns }
func (m *centroidModel) Encode() (map[string][]byte, error) { return nil, nil }

func (m *centroidModel) Predict(x models.Matrix, _ []float64) (models.Prediction, error) {
	p := models.Prediction{Kind: clinical.Class, Rows: x.Rows, Classes: []string{"a", "b"}}
	for i := range x.Rows {
		s := m.bias
		for j, w := range m.w {
			s += w * x.Column(j)[i]
		}
		q := 1 / (1 + math.Exp(-s))
		p.Probabilities = append(p.Probabilities, 1-q, q)
	}
	return p, nil
}

// study is a cohort of two classes whose first column tells them apart by shift standard deviations.
func study(n, columns int, shift float64, seed work.Seed) *validate.Study {
	rng := seed.Rand()
	c := make([]table.Column, columns)
	for j := range c {
		c[j].Name = fmt.Sprintf("t.c%d", j)
	}
	x := models.NewMatrix(c, n)
	y := clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"a", "b"}, Class: make([]int, n)}
	for i := range n {
		y.Class[i] = i % 2
		for j := range columns {
			x.Column(j)[i] = rng.NormFloat64()
		}
		x.Column(0)[i] += shift * float64(i%2)
	}
	score := validate.Score(y)
	return &validate.Study{Rows: validate.Rows{Outcome: y}, X: x, Seed: seed,
		Score: func(o clinical.Outcome, p models.Prediction) float64 {
			return score.Of(o, validate.Prediction{Prediction: p})
		},
		Procedure: validate.Procedure{Models: []validate.Entry{
			{Name: "one", Candidates: []validate.Candidate{{Settings: "most=1", Key: []byte("1"), Learner: centroid{most: 1}}, {Settings: "most=2", Key: []byte("2"), Learner: centroid{most: 2}}}},
			{Name: "all", Candidates: []validate.Candidate{{Key: []byte("all"), Learner: centroid{}}}},
		}}}
}

func run(t *testing.T, s *validate.Study, pool work.Pool) validate.Result {
	t.Helper()
	folds, err := validate.Plan(validate.Design{Scheme: validate.NestedCV, Folds: 4, Repeats: 2}, s.Rows, s.Seed)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run(context.Background(), folds, 3, pool)
	if err != nil {
		t.Fatal(err)
	}
	r.Seconds = 0
	return r
}

// What comes out does not depend on how many fits ran at once, nor on how much of the work an earlier run had done.
func TestRunIsTheSameResumed(t *testing.T) {
	want := run(t, study(60, 5, 1, 3), work.Pool{Jobs: 1})
	if got := run(t, study(60, 5, 1, 3), work.Pool{Jobs: 4}); !reflect.DeepEqual(got, want) {
		t.Error("four at once give another result than one")
	}
	store, err := work.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// The first run is stopped after ten items.
	ctx, stop := context.WithCancel(context.Background())
	s := study(60, 5, 1, 3)
	folds, _ := validate.Plan(validate.Design{Scheme: validate.NestedCV, Folds: 4, Repeats: 2}, s.Rows, s.Seed)
	if _, err := s.Run(ctx, folds, 3, work.Pool{Jobs: 2, Store: store, Progress: func(done, _ int) {
		if done == 10 {
			stop()
		}
	}}); err == nil {
		t.Fatal("the first run was not stopped")
	}
	if got := run(t, study(60, 5, 1, 3), work.Pool{Store: store}); !reflect.DeepEqual(got, want) {
		t.Error("a resumed run gives another result")
	}
	fresh := study(60, 5, 1, 3)
	fresh.Procedure.Models[0].Candidates[0].Learner = centroid{saw: func(models.Training) { t.Error("finished work is done again") }}
	run(t, fresh, work.Pool{Store: store})
	// What networks made elsewhere is not taken for what they would be here.
	again := int64(0)
	elsewhere := study(60, 5, 1, 3)
	elsewhere.Backend = "xla:cuda"
	elsewhere.Procedure.Models[0].Candidates[0].Learner = centroid{most: 1, saw: func(models.Training) { atomic.AddInt64(&again, 1) }}
	if got := run(t, elsewhere, work.Pool{Store: store}); !reflect.DeepEqual(got, want) || again == 0 {
		t.Errorf("on another backend %d fits were done again, or the result is another", again)
	}
}

// Whatever the test rows hold, the models of a fold have seen the same training rows and are the same; and no fit, inner or
// outer, is ever given a row of its fold's test set.
func TestTestRowsChangeNothing(t *testing.T) {
	saw := func(alter bool) (map[string]bool, validate.Result) {
		s := study(40, 3, 1, 5)
		folds, _ := validate.Plan(validate.Design{Scheme: validate.NestedCV, Folds: 4, Repeats: 1}, s.Rows, s.Seed)
		f := folds[:1]
		if alter {
			for _, i := range f[0].Test {
				for j := range s.X.Columns {
					s.X.Column(j)[i] = 1e6 * float64(i+j)
				}
				s.Rows.Outcome.Class[i] = 1 - s.Rows.Outcome.Class[i]
			}
		}
		var mu sync.Mutex
		seen := map[string]bool{}
		for m := range s.Procedure.Models {
			for c := range s.Procedure.Models[m].Candidates {
				l := s.Procedure.Models[m].Candidates[c].Learner.(centroid)
				l.saw = func(tr models.Training) {
					if len(tr.Y.Class) == 40 {
						return // the final choice is made on all rows
					}
					mu.Lock()
					defer mu.Unlock()
					seen[fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%v %v", tr.X.Values, tr.Y.Class)))] = true
				}
				s.Procedure.Models[m].Candidates[c].Learner = l
			}
		}
		r, err := s.Judge(context.Background(), f, 3, work.Pool{})
		if err != nil {
			t.Fatal(err)
		}
		return seen, r
	}
	a, ra := saw(false)
	b, rb := saw(true)
	if !reflect.DeepEqual(a, b) {
		t.Error("altering test rows changes what fits are given")
	}
	if !reflect.DeepEqual(ra.Folds[0].Choice, rb.Folds[0].Choice) {
		t.Errorf("altering test rows changes the choice: %+v, %+v", ra.Folds[0].Choice, rb.Folds[0].Choice)
	}
}

// The inner folds find the better candidate, the outer folds measure it, and a strong effect is seen.
func TestRunFindsWhatIsThere(t *testing.T) {
	s := study(200, 40, 2, 9)
	r := run(t, s, work.Pool{})
	e := validate.Summarise(validate.NestedCV, folds(r), r.Scores(validate.Score(s.Rows.Outcome), s.Rows.Outcome, -1), 0.95, [2]float64{0, 1})
	// Two normal classes two standard deviations apart have an AUC of Φ(2/√2) = 0.921.
	if !(e.Low < 0.921 && 0.921 < e.High) || math.Abs(e.Value-0.921) > 0.05 {
		t.Errorf("AUC %.3f (%.3f to %.3f), want about 0.921", e.Value, e.Low, e.High)
	}
	if s.Procedure.Models[r.Final.Winner].Name != "one" {
		t.Errorf("the final choice is %s", s.Procedure.Models[r.Final.Winner].Name)
	}
	null, err := s.Permutations(context.Background(), 19, 3, func(r validate.Rows, seed work.Seed) ([]validate.Fold, error) {
		return validate.RepeatedKFold(r, 4, 1, seed), nil
	}, work.Pool{})
	if err != nil {
		t.Fatal(err)
	}
	if null.AtLeast != 0 || null.P != 1.0/20 || len(null.Scores) != 19 {
		t.Errorf("p = %v with %d of %d as good", null.P, null.AtLeast, len(null.Scores))
	}
}

func folds(r validate.Result) []validate.Fold {
	out := make([]validate.Fold, len(r.Folds))
	for i, f := range r.Folds {
		out[i] = f.Fold
	}
	return out
}

// With nothing to find, the interval of the headline misses one half about as rarely as its level says, and the permutation p is
// not small more often than it should be.
func TestNothingIsFoundWhereNothingIs(t *testing.T) {
	missed, small := 0, 0
	for seed := range 30 {
		s := study(60, 30, 0, work.Seed(seed))
		r := run(t, s, work.Pool{})
		e := validate.Summarise(validate.NestedCV, folds(r), r.Scores(validate.Score(s.Rows.Outcome), s.Rows.Outcome, -1), 0.95, [2]float64{0, 1})
		if e.Low > 0.5 || e.High < 0.5 {
			missed++
		}
		s.Procedure = s.Procedure.At(r)
		null, err := s.Permutations(context.Background(), 19, 3, func(r validate.Rows, seed work.Seed) ([]validate.Fold, error) {
			return validate.RepeatedKFold(r, 4, 1, seed), nil
		}, work.Pool{})
		if err != nil {
			t.Fatal(err)
		}
		if null.P <= 0.1 {
			small++
		}
	}
	// Thirty draws of chance 0.05 exceed 5, and of chance 0.1 exceed 8, once in a hundred (binomial).
	if missed > 5 || small > 8 {
		t.Errorf("of 30: %d intervals miss 0.5, %d p-values are at most 0.1", missed, small)
	}
}

// Permuted outcomes stay within sites, and time and event stay together.
func TestPermuteInvariants(t *testing.T) {
	o := clinical.Outcome{Name: "os", Kind: clinical.Survival}
	var sites []string
	for i := range 40 {
		o.Time, o.Event = append(o.Time, float64(i)), append(o.Event, i%3/2)
		sites = append(sites, []string{"x", "y"}[i/25])
	}
	p := validate.Permute(validate.Rows{Outcome: o, Site: sites}, work.Seed(4).Rand())
	seen := map[float64]bool{}
	moved := 0
	for i, v := range p.Time {
		if seen[v] {
			t.Fatalf("time %v twice", v)
		}
		seen[v] = true
		if p.Event[i] != int(v)%3/2 {
			t.Errorf("time %v has the event of another patient", v)
		}
		if sites[int(v)] != sites[i] {
			t.Errorf("row %d of site %s was given an outcome of site %s", i, sites[i], sites[int(v)])
		}
		if int(v) != i {
			moved++
		}
	}
	if moved < 20 {
		t.Errorf("only %d of 40 moved", moved)
	}
}
