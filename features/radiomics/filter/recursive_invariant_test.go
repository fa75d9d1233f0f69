package filter

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The assembly and the Go code of the recursive filter agree to the bit, for rows that do and do not fill a register, in both directions.
func TestRecurseInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	random := func(n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = r.NormFloat64() * 1e3
		}
		return out
	}
	c := [8]float64(random(8))
	for i := range c {
		c[i] /= 4e3
	}
	for _, n := range []int{1, 3, 4, 5, 16, 71} {
		for _, rows := range []int{0, 1, 2, 9} {
			length := rows + 4
			x, fast := random(length*n), random(length*n)
			plain := slices.Clone(fast)
			recurse(fast, x, 4*n, 4*n, -n, n, rows, &c)
			recurseGo(plain, x, 4*n, 4*n, -n, n, rows, &c)
			if !slices.Equal(fast, plain) {
				t.Errorf("%d rows of %d, forward: they differ", rows, n)
			}
			recurse(fast, x, (length-5)*n, (length-4)*n, n, n, rows, &c)
			recurseGo(plain, x, (length-5)*n, (length-4)*n, n, n, rows, &c)
			if !slices.Equal(fast, plain) {
				t.Errorf("%d rows of %d, backward: they differ", rows, n)
			}
			addSingle(fast, x)
			addSingleGo(plain, x)
			if !slices.Equal(fast, plain) {
				t.Errorf("%d rows of %d: sums differ", rows, n)
			}
		}
	}
}
