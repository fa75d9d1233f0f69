package stat

import (
	"math"
	"slices"
)

// AdjustMany is Adjust for the false discovery rate over millions of p-values: the same numbers, in place, in linear time and with
// scratch for a tenth of the values. a is BenjaminiHochberg or BenjaminiYekutieli; another adjustment falls back on Adjust.
//
// The step-up needs each p's rank. Values are dealt into buckets by size, so that only the few of a bucket have to be sorted. Buckets are
// done from the largest p down and a part of them at a time: an adjusted p is at least p, so what is done never falls into a bucket that
// is still to come.
func AdjustMany(p []float64, a Adjustment) {
	if a != BenjaminiHochberg && a != BenjaminiYekutieli || len(p) > math.MaxUint32 {
		copy(p, Adjust(p, a))
		return
	}
	start := make([]uint32, buckets+1)
	for _, v := range p {
		if v == v {
			start[bucket(v)+1]++
		}
	}
	for k := range buckets {
		start[k+1] += start[k]
	}
	m := int(start[buckets])
	u := stepper{p: p, start: start, factor: float64(m), last: 1}
	if a == BenjaminiYekutieli {
		harmonic := 0.0
		for k := range m {
			harmonic += 1 / float64(k+1)
		}
		u.factor *= harmonic
	}
	share := max(m/12, 1<<16)
	for top := buckets; top > 0; {
		bottom := top - 1
		for bottom > 0 && int(start[top]-start[bottom-1]) <= share {
			bottom--
		}
		u.part(bottom, top)
		top = bottom
	}
}

// ranked is a p-value and its place.
type ranked struct {
	p  float64
	at uint32
}

// stepper takes the running minimum of factor/rank·p from the largest p down.
type stepper struct {
	p            []float64
	start        []uint32 // values in the buckets before each
	factor, last float64
	group        []ranked
	next         []uint32
}

// part adjusts the values of buckets bottom…top−1.
func (u *stepper) part(bottom, top int) {
	base := u.start[bottom]
	n := int(u.start[top] - base)
	if n == 0 {
		return
	}
	u.group = slices.Grow(u.group[:0], n)[:n]
	u.next = append(u.next[:0], u.start[bottom:top]...)
	low, high := edge(bottom)*(1-slack), edge(top)*(1+slack)
	for i, v := range u.p {
		if v >= low && v < high {
			// The edges are a little wide; the bucket decides.
			if k := bucket(v); k >= bottom && k < top {
				u.group[u.next[k-bottom]-base] = ranked{v, uint32(i)}
				u.next[k-bottom]++
			}
		}
	}
	for b := top - 1; b >= bottom; b-- {
		values := u.group[u.start[b]-base : u.start[b+1]-base]
		sortRanked(values)
		for k := len(values) - 1; k >= 0; k-- {
			u.last = min(u.last, u.factor/float64(int(u.start[b])+k+1)*values[k].p)
			u.p[values[k].at] = u.last
		}
	}
}

// sortRanked sorts by p: by insertion what a bucket holds as a rule, which takes no call a comparison.
func sortRanked(v []ranked) {
	if len(v) > 64 {
		slices.SortFunc(v, func(a, b ranked) int {
			switch {
			case a.p < b.p:
				return -1
			case a.p > b.p:
				return 1
			}
			return 0
		})
		return
	}
	for i := 1; i < len(v); i++ {
		one, j := v[i], i
		for ; j > 0 && v[j-1].p > one.p; j-- {
			v[j] = v[j-1]
		}
		v[j] = one
	}
}

// Buckets deal p-values out so that both an even spread over (0, 1) and a heap near 0 leave few to a bucket: half are even in p, half even
// in log p below 2⁻⁸.
const (
	buckets    = 1 << 21
	halfOfThem = buckets / 2
	bucketCut  = 1.0 / 256
)

// logStep is the width, in bits of a float, of a bucket below the cut: those bits rise with the value, and their top is a piecewise linear
// logarithm.
var logStep = math.Float64bits(bucketCut)/halfOfThem + 1

func bucket(p float64) int {
	if p >= bucketCut {
		return halfOfThem + min(halfOfThem-1, int((p-bucketCut)*(halfOfThem/(1-bucketCut))))
	}
	return int(math.Float64bits(max(p, 0)) / logStep)
}

const slack = 1e-12

// edge is the smallest value of bucket k but for rounding, which slack is for; above every p-value for k past the last.
func edge(k int) float64 {
	switch {
	case k == buckets:
		return math.Inf(1)
	case k == 0:
		return math.Inf(-1)
	case k < halfOfThem:
		return math.Float64frombits(uint64(k) * logStep)
	}
	return bucketCut + float64(k-halfOfThem)/(halfOfThem/(1-bucketCut))
}
