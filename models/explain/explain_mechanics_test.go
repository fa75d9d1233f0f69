package explain

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// What cannot be explained is refused with what can.
func TestRefused(t *testing.T) {
	data := training(1, 60, 16, 2)
	m := fitTree(t, data)
	small, err := NewBackground(data.X, 1)
	if err != nil {
		t.Fatal(err)
	}
	lacking := small
	lacking.Columns = append([]string{"other"}, small.Columns[1:]...)
	for want, r := range map[string]Request{
		"there is no method \"lime\"":                   {Method: "lime"},
		"cannot be explained on the scale \"log-odds\"": {Scale: LogOdds},
		"is not linear":                                 {Method: Linear},
		"needs a background":                            {Method: TreeInterventional},
		"has no column \"s.c0\"":                        {Method: TreeInterventional, Background: &lacking},
		"times were asked for":                          {Times: []float64{1}},
		"time 1 is NaN":                                 {Times: []float64{math.NaN()}},
		"want 2 or more":                                {Method: Permutation, Background: &small, Pairs: 1},
	} {
		if _, err := Explain(context.Background(), m, data.X, r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want an error with %q", r, err, want)
		}
	}
	if _, err := Explain(context.Background(), m, data.X, Request{Method: Permutation}); !errors.Is(err, ErrNoBackground) {
		t.Errorf("got %v", err)
	}
	if _, err := Explain(context.Background(), m, models.NewMatrix(data.X.Columns[1:], 1), Request{}); err == nil {
		t.Error("a matrix of other columns was explained")
	}
	if got, err := Explain(context.Background(), m, data.X.Select(nil), Request{}); err != nil || len(got) != 0 {
		t.Errorf("no rows: %v %v", got, err)
	}
}

// An answer that does not add up is an error, not an answer.
func TestGapIsAnError(t *testing.T) {
	a := models.Attribution{Base: 1, Values: []float64{0.5}, Output: 1.5 + 1e-8, Scale: LogOdds}
	if err := settle(&a); !errors.Is(err, ErrGap) {
		t.Errorf("got %v", err)
	}
	a.Output = 1.5 + 1e-12
	if err := settle(&a); err != nil || a.Gap == 0 {
		t.Errorf("got %v and gap %v", err, a.Gap)
	}
	a.Output = math.NaN()
	if err := settle(&a); err == nil {
		t.Error("NaN was settled")
	}
}

func TestBackgroundPrivacy(t *testing.T) {
	x := models.NewMatrix([]table.Column{{Name: "a"}, {Name: "b"}}, 12)
	for i := range x.Rows {
		x.Column(0)[i], x.Column(1)[i] = float64(i), math.NaN()
	}
	x.Column(1)[3], x.Column(1)[8] = 7, 9 // two patients alone have a value
	b, err := NewBackground(x, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range b.Rows {
		if !math.IsNaN(r[1]) {
			t.Errorf("centroid %d has %v, of fewer than five patients", i, r[1])
		}
	}
	if _, err := NewBackground(x.Select([]int{0, 1, 2, 3}), 1); err == nil {
		t.Error("a background of four patients was made")
	}
	// Ten rows of two patients are two patients.
	if _, err := NewGroupedBackground(x.Select([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), []int{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, 1); err == nil {
		t.Error("a background of two patients was made")
	}
}

func TestBackgroundJSON(t *testing.T) {
	b := Background{Columns: []string{"a", "b"}, Rows: [][]float64{{1, math.NaN()}, {0.1, 3}}, Weights: []float64{5, 6}}
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"columns":["a","b"],"weights":[5,6],"rows":[[1,null],[0.1,3]]}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
	var back Background
	if err := json.Unmarshal(data, &back); err != nil || !math.IsNaN(back.Rows[0][1]) || back.Rows[1][0] != 0.1 {
		t.Errorf("%+v %v", back, err)
	}
	for _, bad := range []string{`{"columns":["a"],"weights":[1],"rows":[[1,2]]}`, `{"columns":["a"],"weights":[],"rows":[[1]]}`, `{"columns":["a"],"weights":[-1],"rows":[[1]]}`, `{}`, `{"columns":["a"],"weights":[0],"rows":[[1]]}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

// A tree without a split has no contribution, by any method.
func TestNoSplit(t *testing.T) {
	data := training(3, 40, 5, 2)
	m, err := tree.DecisionTree{Criterion: "gini", MinSplit: 2, MinLeaf: 30}.Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	background, err := NewBackground(data.X, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{Auto, TreeInterventional, Enumeration, Permutation} {
		got, err := Explain(context.Background(), m, data.X, Request{Method: method, Background: &background})
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		for _, row := range got {
			for _, v := range row[0].Values {
				if v != 0 || row[0].Base != row[0].Output {
					t.Errorf("%s: %+v", method, row[0])
				}
			}
		}
	}
	if got, err := Interact(context.Background(), m, data.X, Request{}); err != nil || len(got) != 40 || len(got[0][0].Values) != 0 {
		t.Errorf("interactions of no column: %v", err)
	}
}

// A path that asks more columns than fit in a word is explained by the path-dependent method and refused by name by the others.
func TestLongPath(t *testing.T) {
	const n = 80
	e := &tree.Ensemble{Features: n, Scale: tree.Identity, Base: []float64{0}, Roots: []int32{0}}
	var left, right, feature []int32
	var threshold, cover, values []float64
	for i := range n { // node 2i splits column i: left is a leaf, right goes on
		left, right, feature = append(left, int32(2*i+1), -1), append(right, int32(2*i+2), -1), append(feature, int32(i), -1)
		threshold, cover, values = append(threshold, 0, 0), append(cover, float64(n-i+1), 1), append(values, 0, float64(i))
	}
	left, right, feature = append(left, -1), append(right, -1), append(feature, -1)
	threshold, cover, values = append(threshold, 0), append(cover, 1), append(values, 1000)
	grow(e, left, right, feature, threshold, cover, values)
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	x := models.NewMatrix(make([]table.Column, n), 2)
	for j := range n {
		x.Column(j)[0], x.Column(j)[1] = 1, float64(1-2*(j%7/6))
	}
	path := pathDependent(e, 0, 1)
	phi, _, err := path.values(x, 0, 2, &scratch{})
	if err != nil {
		t.Fatal(err)
	}
	row, out := make([]float64, n), make([]float64, 1)
	for i := range 2 {
		sum := path.base[0]
		for _, v := range phi[i*n : (i+1)*n] {
			sum += v
		}
		x.Row(i, row)
		if e.Output(row, out); math.Abs(sum-out[0]) > 1e-9*1000 {
			t.Errorf("row %d: %v, the tree says %v", i, sum, out[0])
		}
	}
	if _, err := interventional(e, 0, 1, x, []float64{0.5, 0.5}, 1, false); err == nil || !strings.Contains(err.Error(), "80 different columns") {
		t.Errorf("got %v", err)
	}
	if _, err := path.interactions(row, &interactionScratch{}); err == nil {
		t.Error("interactions on a path of 80 columns")
	}
}
