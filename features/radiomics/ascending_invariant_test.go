package radiomics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The order is that of slices.Sort, whatever the values and however many.
func TestAscendingInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for name, draw := range map[string]func() float64{
		"normal": r.NormFloat64, "whole": func() float64 { return float64(r.IntN(3000) - 1024) }, "one value": func() float64 { return -7.5 },
		"any bits": func() float64 {
			for {
				if v := math.Float64frombits(r.Uint64()); v == v {
					return v
				}
			}
		},
		"ends": func() float64 {
			return []float64{math.Inf(1), math.Inf(-1), 0, 5e-324, -5e-324, math.MaxFloat64, 1}[r.IntN(7)]
		},
	} {
		for _, n := range []int{1, fewValues - 1, fewValues, 3*fewValues + 17} {
			x := make([]float64, n)
			for i := range x {
				x[i] = draw()
			}
			want, was := slices.Clone(x), slices.Clone(x)
			slices.Sort(want)
			if got := ascending(x); !slices.Equal(got, want) {
				t.Errorf("%s, %d values: not in order", name, n)
			}
			if !slices.Equal(x, was) {
				t.Errorf("%s, %d values: the argument changed", name, n)
			}
		}
	}
}

func BenchmarkAscending(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	x := make([]float64, 50_000)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	b.Run("digits", func(b *testing.B) {
		for b.Loop() {
			ascending(x)
		}
	})
	b.Run("slices.Sort", func(b *testing.B) {
		for b.Loop() {
			slices.Sort(slices.Clone(x))
		}
	})
}
