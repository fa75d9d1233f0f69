package stat

import (
	"math"
	"slices"
)

// SpearmanExactP is the exact two-sided p-value of Spearman's rho over all orders of y, for 3 to 9 rows without ties; NaN otherwise.
func SpearmanExactP(x, y []float64) float64 {
	cx, cy := complete(x, y)
	n := len(cx)
	if n < 3 || n > 9 || hasTies(cx) || hasTies(cy) {
		return none
	}
	rx, ry := Ranks(cx), Ranks(cy)
	observed := 0.0
	for i := range rx {
		observed += sq(rx[i] - ry[i])
	}
	below, above, all := 0, 0, 0
	used := make([]bool, n)
	var visit func(i int, sum float64)
	visit = func(i int, sum float64) {
		if i == n {
			all++
			if sum <= observed {
				below++
			}
			if sum >= observed {
				above++
			}
			return
		}
		for k := range used {
			if !used[k] {
				used[k] = true
				visit(i+1, sum+sq(float64(i-k)))
				used[k] = false
			}
		}
	}
	visit(0, 0)
	return min(1, 2*float64(min(below, above))/float64(all))
}

func hasTies(x []float64) bool {
	sorted := slices.Sorted(slices.Values(x))
	return len(slices.Compact(slices.Clone(sorted))) < len(sorted)
}

// KendallExactP is the exact two-sided p-value of Kendall's tau without ties, for 2 to 200 rows; NaN otherwise.
func KendallExactP(x, y []float64) float64 {
	cx, cy := complete(x, y)
	n := len(cx)
	if n < 2 || n > 200 || hasTies(cx) || hasTies(cy) {
		return none
	}
	pairs := n * (n - 1) / 2
	concordant := int(math.Round((Kendall(cx, cy, false).R + 1) * float64(pairs) / 2))
	// share[k] is the probability of k concordant pairs: inversions of a random order, one element after another.
	share := []float64{1}
	for i := 2; i <= n; i++ {
		next := make([]float64, len(share)+i-1)
		for k, p := range share {
			for j := range i {
				next[k+j] += p / float64(i)
			}
		}
		share = next
	}
	below, above := 0.0, 0.0
	for k, p := range share {
		if k <= concordant {
			below += p
		}
		if k >= concordant {
			above += p
		}
	}
	return min(1, 2*min(below, above))
}

// SignedRankExactP is the exact two-sided p-value of Wilcoxon's V over all signs, with mid-ranks for ties and zeros removed, for up to 100
// differences; NaN otherwise.
func SignedRankExactP(x, y []float64) float64 {
	positive, ranks, _ := signedRanks(x, y)
	n := len(ranks)
	if n == 0 || n > 100 {
		return none
	}
	total, observed := 0, 0
	ways := []float64{1}
	for i, r := range ranks {
		doubled := int(2 * r)
		total += doubled
		if positive[i] {
			observed += doubled
		}
		next := make([]float64, len(ways)+doubled)
		for s, w := range ways {
			next[s] += w / 2
			next[s+doubled] += w / 2
		}
		ways = next
	}
	distance := func(s int) int { return max(2*s-total, total-2*s) }
	p := 0.0
	for s, w := range ways {
		if distance(s) >= distance(observed) {
			p += w
		}
	}
	return min(1, p)
}
