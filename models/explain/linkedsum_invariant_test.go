package explain

import (
	"context"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	regression "github.com/voxgene/voxgene/models/linear"
)

// Probability of a logistic model, survival and cumulative hazard of a Cox model, and the same of boosted trees of one split, by
// integration against the enumeration of all subsets of ten columns, for rows near the background and far from it.
func TestIntegrationAgainstEnumeration(t *testing.T) {
	times := []float64{20, 60, 120}
	for _, c := range []struct {
		kind    string
		set     map[string]any
		classes int
		method  string
		request Request
	}{
		{"logistic", nil, 2, Linear, Request{Scale: Probability}},
		{"cox", nil, 0, Linear, Request{Times: times}},
		{"cox", nil, 0, Linear, Request{Times: times, Scale: CumulativeHazard}},
		{"boosting", map[string]any{"rounds": 40, "max_depth": 1}, 2, TreeInterventional, Request{Scale: Probability}},
		{"survival_boosting", map[string]any{"rounds": 40, "max_depth": 1}, 0, TreeInterventional, Request{Times: times}},
		{"survival_boosting", map[string]any{"rounds": 40, "max_depth": 1}, 0, TreeInterventional, Request{Times: times, Scale: CumulativeHazard}},
	} {
		data := linearTraining(81, 250, 10, c.classes)
		m := fitKind(t, c.kind, c.set, data)
		rows := data.X.Select([]int{0, 44, 90, 91})
		for j := range rows.Columns {
			rows.Column(j)[3] *= 8
		}
		background := FromMatrix(data.X.Select([]int{7, 8, 9, 100, 101}))
		r := c.request
		r.Background, r.Method = &background, Enumeration
		want, err := Explain(context.Background(), m, rows, r)
		if err != nil {
			t.Fatal(err)
		}
		r.Method = c.method
		got, err := Explain(context.Background(), m, rows, r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			for k, a := range got[i] {
				if a.Method != c.method || !a.Exact || a.Errors != nil {
					t.Errorf("%s: %+v", c.kind, a)
				}
				for j, v := range a.Values {
					if w := want[i][k].Values[j]; math.Abs(v-w) > 1e-11*max(1, math.Abs(a.Output)) {
						t.Errorf("%s, %s, row %d, entry %d, column %d: %v, by enumeration %v", c.kind, r.Scale, i, k, j, v, w)
					}
				}
			}
		}
	}
}

// With as many columns as nobody can enumerate: columns of equal effect share equally, those that do not differ get nothing, and the
// sum meets the output, for weak columns and for strong ones.
func TestIntegrationOfManyColumns(t *testing.T) {
	for _, strength := range []float64{0.01, 0.3, 3} {
		const n = 300
		m := &regression.Logistic{Inputs: make([]table.Column, n), Classes: []string{"0", "1"}, Intercepts: []float64{-0.5}, Coefficients: [][]float64{make([]float64, n)}, Means: make([]float64, n)}
		x, b := models.NewMatrix(m.Inputs, 1), models.NewMatrix(m.Inputs, 1)
		r := work.Seed(9).Rand()
		for j := range m.Inputs {
			m.Inputs[j].Name, m.Coefficients[0][j] = string(rune('a'+j)), strength*r.NormFloat64()
			x.Values[j], b.Values[j] = r.NormFloat64(), r.NormFloat64()
		}
		x.Values[7], b.Values[7], m.Coefficients[0][7] = x.Values[6], b.Values[6], m.Coefficients[0][6]
		x.Values[8] = b.Values[8]
		background := FromMatrix(b)
		got, err := Explain(context.Background(), m, x, Request{Method: Linear, Scale: Probability, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		a := got[0][0]
		if math.Abs(a.Values[7]-a.Values[6]) > 1e-12 || math.Abs(a.Values[8]) > 1e-12 || math.Abs(a.Gap) > 1e-11 {
			t.Errorf("strength %v: twins %v and %v, unmoved %v, gap %v", strength, a.Values[6], a.Values[7], a.Values[8], a.Gap)
		}
	}
}

// Auto integrates between what it enumerates and what it samples.
func TestAutomaticOnOtherScales(t *testing.T) {
	for columns, want := range map[int]string{6: Enumeration, 30: Linear, 90: Permutation} {
		data := linearTraining(82, 200, columns, 2)
		m := fitKind(t, "logistic", map[string]any{"penalty": "ridge"}, data)
		background := FromMatrix(data.X.Select([]int{1, 2, 3}))
		got, err := Explain(context.Background(), m, data.X.Select([]int{5}), Request{Scale: Probability, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		if a := got[0][0]; a.Method != want || a.Exact != (want != Permutation) {
			t.Errorf("%d columns: %s, exact %v", columns, a.Method, a.Exact)
		}
	}
}

// A rule of n points integrates powers up to 2n − 1.
func TestQuadrature(t *testing.T) {
	for n := 1; n <= 300; n++ {
		r := legendre(n)
		for d := range 2 * n {
			sum := 0.0
			for q, x := range r.at {
				sum += r.weight[q] * math.Pow(x, float64(d))
			}
			if math.Abs(sum*float64(d+1)-1) > 1e-12 {
				t.Fatalf("%d points: the integral of t^%d is %v, not %v", n, d, sum, 1/float64(d+1))
			}
		}
	}
}
