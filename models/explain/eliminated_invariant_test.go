package explain

import (
	"context"
	"math"
	"testing"

	"github.com/voxgene/voxgene/models/tree"
)

// Eliminating columns finds what trying all subsets of them finds: survival early and late, where it is a sum of powers and where it is a
// series of waves, cumulative hazard and probability.
func TestEliminationAgainstSubsets(t *testing.T) {
	for _, c := range []struct {
		kind    string
		set     map[string]any
		classes int
		request Request
	}{
		{"survival_boosting", map[string]any{"rounds": 60, "max_depth": 3}, 0, Request{Times: []float64{20, 60, 120}}},
		{"survival_boosting", map[string]any{"rounds": 60, "max_depth": 4, "learning_rate": 0.3}, 0, Request{Times: []float64{20, 280}}},
		{"survival_boosting", map[string]any{"rounds": 60, "max_depth": 3}, 0, Request{Times: []float64{20, 120}, Scale: CumulativeHazard}},
		{"survival_boosting", map[string]any{"rounds": 40, "max_depth": 1}, 0, Request{Times: []float64{60}}},
		{"boosting", map[string]any{"rounds": 60, "max_depth": 3, "learning_rate": 0.3}, 2, Request{Scale: Probability}},
	} {
		data := linearTraining(64, 250, 13, c.classes)
		m := fitKind(t, c.kind, c.set, data)
		rows := data.X.Select([]int{0, 44, 90})
		background := FromMatrix(data.X.Select([]int{7, 8, 9}))
		r := c.request
		r.Background, r.Method = &background, Enumeration
		want, err := Explain(context.Background(), m, rows, r)
		if err != nil {
			t.Fatal(err)
		}
		r.Method = TreeInterventional
		got, err := Explain(context.Background(), m, rows, r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			for k, a := range got[i] {
				if a.Method != TreeInterventional || !a.Exact || a.Errors != nil {
					t.Fatalf("%s: %+v", c.kind, a)
				}
				for j, v := range a.Values {
					if w := want[i][k].Values[j]; math.Abs(v-w) > 1e-10*max(1, math.Abs(a.Output)) {
						t.Errorf("%s of %v, %s, row %d, entry %d, column %d: %v, by subsets %v", c.kind, c.set, a.Scale, i, k, j, v, w)
					}
				}
			}
		}
	}
}

// At hundreds of columns the exact values lie where orders of columns say, within their standard errors, and Auto takes them.
func TestEliminationOfManyColumns(t *testing.T) {
	data := linearTraining(65, 200, 400, 0)
	m := fitKind(t, "survival_boosting", map[string]any{"rounds": 100, "max_depth": 3}, data)
	background := FromMatrix(data.X.Select([]int{7, 8, 9, 100, 101}))
	rows := data.X.Select([]int{3, 70})
	for _, scale := range []string{Survival, CumulativeHazard} {
		got, err := Explain(context.Background(), m, rows, Request{Scale: scale, Times: []float64{50}, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		sampled, err := Explain(context.Background(), m, rows, Request{Method: Permutation, Pairs: 60, Scale: scale, Times: []float64{50}, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		off, errs, counted := 0.0, 0.0, 0
		for i := range got {
			a, s := got[i][0], sampled[i][0]
			if a.Method != TreeInterventional || !a.Exact {
				t.Fatalf("%s, exact %v", a.Method, a.Exact)
			}
			for j, v := range a.Values {
				d, e := v-s.Values[j], s.Errors[j]
				if math.Abs(d) > 6*e+1e-9 {
					t.Errorf("%s, row %d, column %d: %v, sampled %v ± %v", scale, i, j, v, s.Values[j], e)
				}
				if v != 0 {
					counted++
				}
				off += d * d
				errs += e * e
			}
		}
		if ratio := off / errs; ratio > 2 || ratio < 0.3 || counted < 60 {
			t.Errorf("%s: squared distances are %.2f times what the standard errors say, over %d values", scale, ratio, counted)
		}
	}
}

// A row whose mixtures ask too many columns of one tree is sampled, says so, and the rows beside it are exact all the same.
func TestEliminationTooWide(t *testing.T) {
	const n = 18
	data := linearTraining(66, 200, n, 0)
	m := fitKind(t, "survival_boosting", map[string]any{"rounds": 5, "max_depth": 3}, data).(*tree.CoxTrees)
	e := m.Ensemble()
	// A chain that asks every column in turn: a leaf to the left of each split.
	left, right, feature := make([]int32, 2*n+1), make([]int32, 2*n+1), make([]int32, 2*n+1)
	threshold, cover, values := make([]float64, 2*n+1), make([]float64, 2*n+1), make([]float64, 2*n+1)
	for i := range values {
		left[i], right[i], values[i], cover[i] = -1, -1, 0.1*float64(i%5), 1
	}
	for d := range n {
		left[2*d], right[2*d], feature[2*d], threshold[2*d] = int32(2*d+1), int32(2*d+2), int32(d), 0
	}
	grow(e, left, right, feature, threshold, cover, values)
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	x := gaussian(1, 3, n)
	x.Columns = data.X.Columns
	b := gaussian(2, 1, n)
	b.Columns = data.X.Columns
	for j := range n {
		b.Column(j)[0] = -1
		x.Column(j)[0], x.Column(j)[1], x.Column(j)[2] = 1, -1, 1 // the second differs in few
	}
	x.Column(3)[1], x.Column(0)[1] = 1, 1
	background := FromMatrix(b)
	form := &linked{ensemble: e, raw: []int{0}, links: []func(float64) float64{sigmoid}}
	engine := &eliminated{form: form, targets: 1, shifts: make([]float64, 1), waves: newWaves(sigmoid, -30, 30)}
	engine.shapes, engine.used = layouts(e, 0, 1)
	for _, s := range engine.shapes {
		engine.places = append(engine.places, s.places())
	}
	engine.background, engine.shares = readRows(e, engine.used, b, 0, 1, nil), []float64{1}
	_, engine.base = form.background(b, engine.shares, 1)
	engine.sample = func() (*walked, error) {
		return newWalked(form, oddModel{e: e, columns: x.Columns}, 1, Request{Background: &background})
	}
	var s scratch
	phi, errs, err := engine.values(x, 0, 3, &s)
	if err != nil {
		t.Fatal(err)
	}
	if !s.sampled[0] || s.sampled[1] || !s.sampled[2] {
		t.Fatalf("sampled: %v", s.sampled)
	}
	out, row := make([]float64, 1), make([]float64, n)
	for i := range 3 {
		sum, spread := engine.base[0], 0.0
		for p := range engine.used {
			sum += phi[i*len(engine.used)+p]
			spread += errs[i*len(engine.used)+p]
		}
		tree.ReadRow(x, i, row)
		e.Output(row, out)
		if math.Abs(sum-sigmoid(out[0])) > 1e-11 || (spread > 0) != s.sampled[i] {
			t.Errorf("row %d: sum %v, the model says %v; errors sum to %v", i, sum, sigmoid(out[0]), spread)
		}
	}
}
