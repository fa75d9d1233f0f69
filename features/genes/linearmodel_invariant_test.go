package genes

import (
	"math"
	"testing"
)

// The F of one coefficient is the square of its t, and that of several does not depend on which level of a factor comes first.
func TestF(t *testing.T) {
	m := random(60, 18, 9)
	for i, v := range m.Values {
		m.Values[i] = math.Log2(v)
	}
	design := func(base int) [][]float64 {
		var d [][]float64
		for s := range m.Samples {
			row := []float64{1}
			for level := range 3 {
				if level == base {
					continue
				}
				if s%3 == level {
					row = append(row, 1)
				} else {
					row = append(row, 0)
				}
			}
			d = append(d, row)
		}
		return d
	}
	fit := func(base int) *LinearModel {
		f, err := FitLinearModel(m, design(base), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Moderate(false); err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b := fit(0), fit(2)
	for g := range m.Genes {
		one, p, err := a.F(g, []int{1})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(one-a.T(g, 1)*a.T(g, 1)) > 1e-9*one+1e-12 || math.Abs(p-a.P(g, 1)) > 1e-9 {
			t.Errorf("gene %d: F %g, t² %g; p %g and %g", g, one, a.T(g, 1)*a.T(g, 1), p, a.P(g, 1))
		}
		x, _, err := a.F(g, []int{1, 2})
		if err != nil {
			t.Fatal(err)
		}
		y, _, err := b.F(g, []int{1, 2})
		if err != nil || math.Abs(x-y) > 1e-8*math.Abs(x) {
			t.Errorf("gene %d: %g and %g, %v", g, x, y, err)
		}
	}
}
