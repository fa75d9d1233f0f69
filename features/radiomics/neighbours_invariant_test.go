package radiomics

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Counting in vectors and voxel by voxel agree, and so does a region that is too sparse for vectors.
func TestNeighboursInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, n := range []int{1, 7, 8, 9, 64, 1003} {
		const margin = 40
		levels := make([]int32, n+2*margin)
		for i := range levels {
			levels[i] = int32(r.IntN(4))
		}
		offsets := []int{1, -1, 5, -5, margin, -margin, 17}
		fast, plain := make([]int32, n), make([]int32, n)
		countAlike(fast, levels, margin, offsets)
		countAlikeGo(plain, levels, margin, offsets)
		if !slices.Equal(fast, plain) {
			t.Errorf("%d voxels: alike %v and %v", n, fast, plain)
		}
		more, counts := make([]int32, n), make([]int32, n)
		sumTones(fast, counts, levels, margin, offsets)
		sumTonesGo(plain, more, levels, margin, offsets)
		if !slices.Equal(fast, plain) || !slices.Equal(counts, more) {
			t.Errorf("%d voxels: sums differ", n)
		}
	}
}
