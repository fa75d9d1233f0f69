package explain

import (
	"context"
	"math"
	"testing"

	"github.com/voxgene/voxgene/models"
)

// Sampled values of functions of sums over trees lie where their standard errors say, about the Shapley values by enumeration: over
// all of survival and cumulative hazard at three times, and probabilities of two and three classes. The errors are small, because only
// what the secant leaves is sampled, and smaller with more orders.
func TestWalksAgainstEnumeration(t *testing.T) {
	times := []float64{20, 60, 120}
	for _, c := range []struct {
		kind    string
		set     map[string]any
		classes int
		request Request
		most    float64 // standard error, as a share of the spread of the values
	}{
		{"survival_forest of the first encoding", nil, 0, Request{Times: times}, 0.04},
		{"survival_boosting", map[string]any{"rounds": 25, "max_depth": 3}, 0, Request{Times: times}, 0.04},
		{"survival_boosting", map[string]any{"rounds": 25, "max_depth": 3}, 0, Request{Times: times, Scale: CumulativeHazard}, 0.04},
		{"boosting", map[string]any{"rounds": 25}, 2, Request{Scale: Probability}, 0.04},
		{"boosting", map[string]any{"rounds": 25}, 3, Request{Scale: Probability}, 0.08},
	} {
		data := survivalTraining(61, 250)
		if c.classes > 0 {
			data = linearTraining(61, 250, 10, c.classes)
		}
		m := models.Model(nil)
		if c.set == nil {
			m = firstForest(t, data, 25)
		} else {
			m = fitKind(t, c.kind, c.set, data)
		}
		rows := data.X.Select([]int{0, 44, 90})
		background := FromMatrix(data.X.Select([]int{7, 8, 9, 100, 101}))
		r := c.request
		r.Background, r.Method = &background, Enumeration
		want, err := Explain(context.Background(), m, rows, r)
		if err != nil {
			t.Fatal(err)
		}
		last := math.Inf(1)
		for _, pairs := range []int{0, 128} {
			r.Method, r.Pairs = Permutation, pairs
			got, err := Explain(context.Background(), m, rows, r)
			if err != nil {
				t.Fatal(err)
			}
			off, errs, spread, n := 0.0, 0.0, 0.0, 0.0
			for i := range got {
				for k, a := range got[i] {
					if a.Method != Permutation || a.Exact || a.Errors == nil || math.Abs(a.Base-want[i][k].Base) > 1e-12 {
						t.Fatalf("%s: %+v", c.kind, a)
					}
					for j, v := range a.Values {
						w := want[i][k].Values[j]
						if a.Errors[j] == 0 && math.Abs(v-w) > 1e-9 {
							t.Errorf("%s, row %d, entry %d, column %d: %v without error, exactly %v", c.kind, i, k, j, v, w)
						}
						off += (v - w) * (v - w)
						errs += a.Errors[j] * a.Errors[j]
						spread += w * w
						n++
					}
				}
			}
			if ratio := off / errs; ratio > 2 {
				t.Errorf("%s, %d pairs: squared distances are %.2f times what the standard errors say", c.kind, pairs, ratio)
			}
			if pairs == 0 && errs/spread > c.most*c.most {
				t.Errorf("%s, %s: the standard error is %.4f of the spread, want %v", c.kind, r.Scale, math.Sqrt(errs/spread), c.most)
			}
			if errs > last/8 {
				t.Errorf("%s: 16 times the orders took the variance from %g to %g", c.kind, last, errs)
			}
			last = errs
		}
	}
}

// A walk finds the same sums as the ensemble does of each mixture on its way.
func TestWalkSums(t *testing.T) {
	data := survivalTraining(62, 200)
	m := firstForest(t, data, 25)
	background := FromMatrix(data.X.Select([]int{5, 6}))
	e, err := New(m, Request{Method: Permutation, Times: []float64{40, 80}, Background: &background})
	if err != nil {
		t.Fatal(err)
	}
	w := e.engine.(*walked)
	tour := newTour(w)
	n, ensemble := len(w.used), w.form.ensemble
	x := readRows(ensemble, w.used, data.X, 100, 101, nil)
	tour.row1, tour.row0 = x, w.background[:n]
	for j, a := range w.orders[:n] {
		tour.order[a], tour.arrival[j] = int32(j), a+1
	}
	tour.walk()
	mix, sums, want := make([]float64, ensemble.Features), append([]float64{}, ensemble.Base...), make([]float64, 2)
	for j, c := range w.used {
		mix[c] = tour.row0[j]
	}
	for s := range n + 1 {
		if s > 0 {
			j := tour.order[s-1]
			mix[w.used[j]] = x[j]
		}
		ensemble.Output(mix, want)
		for o := range sums {
			if sums[o] += tour.steps[s*2+o]; math.Abs(sums[o]-want[o]) > 1e-12 {
				t.Errorf("%d columns in: sum %d is %v, the trees say %v", s, o, sums[o], want[o])
			}
		}
	}
}

// Three hundred columns are explained on the scale of survival in moments, and closely.
func TestWalksOfManyColumns(t *testing.T) {
	data := linearTraining(63, 150, 300, 0)
	m := firstForest(t, data, 60)
	background, err := NewBackground(data.X, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Explain(context.Background(), m, data.X.Select([]int{3, 70}), Request{Times: []float64{50}, Background: &background})
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range got {
		a := list[0]
		most, worst := 0.0, 0.0
		for j, v := range a.Values {
			most, worst = max(most, math.Abs(v)), max(worst, a.Errors[j])
		}
		if a.Method != Permutation || worst > 0.01*most {
			t.Errorf("%s: standard errors up to %g beside contributions up to %g", a.Method, worst, most)
		}
	}
}
