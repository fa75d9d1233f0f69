package radiomics

import (
	"fmt"
	"math"
)

// maxLevels bounds the number of grey levels: more would be one voxel a level in the largest region.
const maxLevels = 1 << 24

// edges are the borders of the bins of a discretisation, as PyRadiomics makes them with numpy: bin k (from 1) is
// [start + (k−1)·step, start + k·step).
type edges struct {
	start, step float64
	count       int // 0 for bins of a given width
	last        float64
}

// binEdges are the bins for values from low to high: of binWidth, with borders at its multiples, or binCount of equal width.
func binEdges(low, high float64, set Settings) edges {
	if set.BinCount > 0 {
		if low == high {
			low, high = low-0.5, high+0.5
		}
		return edges{start: low, step: (high - low) / float64(set.BinCount), count: set.BinCount, last: high + 1}
	}
	start := low - pythonMod(low, set.BinWidth)
	return edges{start: start, step: (start + set.BinWidth) - start}
}

// pythonMod is a % b in Python for b > 0: of the sign of b.
func pythonMod(a, b float64) float64 {
	m := math.Mod(a, b)
	if m < 0 {
		m += b
	}
	return m
}

// edge is the lower border of bin k, from 1.
func (e edges) edge(k int) float64 {
	if e.count > 0 && k == e.count+1 {
		return e.last
	}
	return e.start + float64(k-1)*e.step
}

func (e edges) upper(k int) float64 { return e.edge(k + 1) }

// level is the bin of a value that is not below the first border.
func (e edges) level(x float64) int {
	k := int((x-e.start)/e.step) + 1
	if e.count > 0 {
		k = min(k, e.count)
	}
	for k > 1 && x < e.edge(k) {
		k--
	}
	for (e.count == 0 || k < e.count) && x >= e.edge(k+1) {
		k++
	}
	return k
}

// tooManyLevels refuses a bin width that is absurd for the range of the values.
func (e edges) tooManyLevels(low, high float64) error {
	if n := (high - low) / e.step; !(n < maxLevels) {
		return fmt.Errorf("a bin width of %g cuts the range of the region, %g to %g, into %.3g grey levels (at most %d): choose a larger binWidth or set binCount",
			e.step, low, high, n, maxLevels)
	}
	return nil
}
