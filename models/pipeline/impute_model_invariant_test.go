package pipeline

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/work"
)

// The columns that predict one are the first ten of all others by correlation, those that come first among equal ones.
func TestClosestInvariant(t *testing.T) {
	rng := work.Seed(9).Rand()
	z := make([][]float64, 40)
	for c := range z {
		z[c] = make([]float64, 23)
		for i := range z[c] {
			z[c][i] = math.Round(2 * rng.NormFloat64()) // so that some tie
		}
		if c%7 == 3 {
			copy(z[c], z[c-1])
		}
	}
	clear(z[5]) // constant
	wanted := make([]bool, len(z))
	for c := range wanted {
		wanted[c] = c%3 > 0
	}
	dot := func(a, b []float64) (sum float64) {
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}
	for c, got := range closest(z, wanted) {
		var want []int
		for k := range z {
			if k != c && dot(z[k], z[k]) > 0 && dot(z[c], z[c]) > 0 && wanted[c] {
				want = append(want, k)
			}
		}
		size := func(k int) float64 { return math.Abs(dot(z[c], z[k])) / math.Sqrt(dot(z[c], z[c])*dot(z[k], z[k])) }
		slices.SortStableFunc(want, func(a, b int) int { return cmp.Compare(size(b), size(a)) })
		if want = want[:min(len(want), regressors)]; !slices.Equal(got, want) {
			t.Errorf("column %d: %v, want %v", c, got, want)
		}
	}
}
