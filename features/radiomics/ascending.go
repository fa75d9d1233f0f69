package radiomics

import (
	"math"
	"slices"
)

// fewValues is below what number comparing values is faster than counting their digits.
const fewValues = 1 << 11

// ascending returns the values of x, none of them NaN, in ascending order. Many are sorted by their digits, eleven bits at a time from the
// lowest, because a region is sorted once for each image made of it; digits that all values share, as whole numbers share most, cost nothing.
func ascending(x []float64) []float64 {
	sorted := slices.Clone(x)
	if len(x) < fewValues {
		slices.Sort(sorted)
		return sorted
	}
	const bits, digits = 11, 6
	var counts [digits][1 << bits]int32
	keys, other := make([]uint64, len(x)), make([]uint64, len(x))
	for i, v := range x {
		// The bits of a float64 ascend with it once the sign is turned, and all of them where it is negative.
		k := math.Float64bits(v)
		k ^= uint64(int64(k)>>63) | 1<<63
		keys[i] = k
		for d := range counts {
			counts[d][k>>(bits*d)&(1<<bits-1)]++
		}
	}
	for d := range counts {
		count := &counts[d]
		if int(count[keys[0]>>(bits*d)&(1<<bits-1)]) == len(x) {
			continue
		}
		at := int32(0)
		for i, n := range count {
			count[i] = at
			at += n
		}
		for _, k := range keys {
			digit := k >> (bits * d) & (1<<bits - 1)
			other[count[digit]] = k
			count[digit]++
		}
		keys, other = other, keys
	}
	for i, k := range keys {
		k ^= uint64(int64(^k)>>63) | 1<<63
		sorted[i] = math.Float64frombits(k)
	}
	return sorted
}
