package stat

import (
	"math"
	"slices"
)

// AdjustMany is Adjust for the false discovery rate over millions of p-values: the same numbers, in place, in linear time and with
// 4 bytes of scratch a value. a is BenjaminiHochberg or BenjaminiYekutieli; another adjustment falls back on Adjust.
//
// The step-up needs each p's rank. Values are dealt into buckets by size, so that only the few of a bucket have to be sorted.
func AdjustMany(p []float64, a Adjustment) {
	if a != BenjaminiHochberg && a != BenjaminiYekutieli || len(p) > math.MaxUint32 {
		copy(p, Adjust(p, a))
		return
	}
	const buckets = 1 << 16
	start := make([]int, buckets+1)
	for _, v := range p {
		if v == v {
			start[bucket(v)+1]++
		}
	}
	for k := range buckets {
		start[k+1] += start[k]
	}
	m := start[buckets]
	order := make([]uint32, m)
	next := slices.Clone(start[:buckets])
	for i, v := range p {
		if v == v {
			k := bucket(v)
			order[next[k]] = uint32(i)
			next[k]++
		}
	}
	factor := float64(m)
	if a == BenjaminiYekutieli {
		harmonic := 0.0
		for k := range m {
			harmonic += 1 / float64(k+1)
		}
		factor *= harmonic
	}
	last := 1.0
	for b := buckets - 1; b >= 0; b-- {
		group := order[start[b]:start[b+1]]
		slices.SortFunc(group, func(x, y uint32) int {
			switch {
			case p[x] < p[y]:
				return -1
			case p[x] > p[y]:
				return 1
			}
			return 0
		})
		for k := len(group) - 1; k >= 0; k-- {
			last = min(last, factor/float64(start[b]+k+1)*p[group[k]])
			p[group[k]] = last
		}
	}
}

// bucket deals p-values out so that both an even spread over (0, 1) and a heap near 0 leave few to a bucket: half the buckets are even
// in p, half even in log p below 2⁻⁸.
func bucket(p float64) int {
	const half = 1 << 15
	const cut = 1.0 / 256
	if p >= cut {
		return half + min(half-1, int((p-cut)/(1-cut)*half))
	}
	// The bits of a float rise with its value, and their top is a piecewise linear logarithm. Below 2⁻⁸ they span 2⁶²/… down to 0.
	top := math.Float64bits(cut)
	return int(math.Float64bits(max(p, 0)) / (top/half + 1))
}
