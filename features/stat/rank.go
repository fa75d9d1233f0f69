package stat

import (
	"cmp"
	"math"
	"slices"
)

// Ranks returns the ranks of x from 1, ties sharing the mean of theirs (mid-ranks). A missing value has the rank NaN.
func Ranks(x []float64) []float64 {
	ranks, _ := rankTies(x)
	return ranks
}

// rankTies returns mid-ranks and Σ(t³−t) over groups of t tied values, which corrections for ties need.
func rankTies(x []float64) (ranks []float64, ties float64) {
	order := make([]int, 0, len(x))
	ranks = make([]float64, len(x))
	for i, v := range x {
		if math.IsNaN(v) {
			ranks[i] = v
			continue
		}
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	for first := 0; first < len(order); {
		last := first + 1
		for last < len(order) && x[order[last]] == x[order[first]] {
			last++
		}
		for _, i := range order[first:last] {
			ranks[i] = float64(first+last+1) / 2
		}
		t := float64(last - first)
		ties += t*t*t - t
		first = last
	}
	return ranks, ties
}

// Quantile returns the p-quantile of ascending values by linear interpolation between order statistics (type 7 of Hyndman and Fan
// 1996, the default of R and NumPy).
func Quantile(ascending []float64, p float64) float64 {
	if len(ascending) == 0 {
		return none
	}
	h := p * float64(len(ascending)-1)
	k := int(math.Floor(h))
	if k+1 >= len(ascending) {
		return ascending[len(ascending)-1]
	}
	return ascending[k] + (h-float64(k))*(ascending[k+1]-ascending[k])
}

// Median returns the median of x, which has no missing value and is left as it is.
func Median(x []float64) float64 { return Quantile(slices.Sorted(slices.Values(x)), 0.5) }
