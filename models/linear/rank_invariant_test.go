package linear

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A rank is that of the sorted values, ties and order as they come.
func TestRanked(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 200; n++ {
		v := make([]float64, n)
		for i := range v {
			v[i] = float64(rng.IntN(1 + n/(1+n%3)))
			if n%7 == 0 {
				v[i] = float64(i)
			}
		}
		sorted := slices.Sorted(slices.Values(v))
		for k := range v {
			if got := ranked(slices.Clone(v), k); got != sorted[k] {
				t.Fatalf("rank %d of %v is %v, want %v", k, v, got, sorted[k])
			}
		}
		again := slices.Clone(v)
		if n > 3 && (ranked(again, n/20) != sorted[n/20] || ranked(again[n/20:], n-1-n/20-n/20) != sorted[n-1-n/20]) {
			t.Fatalf("two ranks in turn of %v", v)
		}
	}
}
