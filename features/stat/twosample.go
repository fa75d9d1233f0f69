package stat

import (
	"cmp"
	"math"
	"slices"
)

// MannWhitneyU returns Mann and Whitney's U of x (the sum of its ranks less n(n+1)/2, R's W) against y, and the normal
// approximation with the variance corrected for ties. With continuity set, U is moved half a step towards its mean.
func MannWhitneyU(x, y []float64, continuity bool) Test {
	x, y = present(x), present(y)
	n1, n2 := float64(len(x)), float64(len(y))
	t := Test{Statistic: none, DF: none, DF2: none, P: none}
	if n1 == 0 || n2 == 0 {
		return t
	}
	ranks, ties := rankTies(append(slices.Clone(x), y...))
	for _, r := range ranks[:len(x)] {
		if math.IsNaN(t.Statistic) {
			t.Statistic = 0
		}
		t.Statistic += r
	}
	t.Statistic -= n1 * (n1 + 1) / 2
	n := n1 + n2
	z := t.Statistic - n1*n2/2
	if continuity {
		z = math.Copysign(max(0, math.Abs(z)-0.5), z)
	}
	t.P = NormalP(z / math.Sqrt(n1*n2/12*(n+1-ties/(n*(n-1)))))
	return t
}

// MannWhitneyExactP is the exact two-sided p-value of U by the permutation distribution of mid-ranks: the probability of a rank sum
// at least as far from its mean, as exactRankTests (Hothorn and Hornik) computes it where there are ties. It takes time in n1·n·Σranks; NaN past 200 rows, where the normal approximation serves.
func MannWhitneyExactP(x, y []float64) float64 {
	x, y = present(x), present(y)
	n1, n := len(x), len(x)+len(y)
	if n1 == 0 || n1 == n || n > 200 {
		return none
	}
	ranks := Ranks(append(slices.Clone(x), y...))
	// Twice a mid-rank is a whole number: count subsets of n1 rows by their doubled rank sum.
	total, observed := 0, 0
	doubled := make([]int, n)
	for i, r := range ranks {
		doubled[i] = int(2 * r)
		total += doubled[i]
		if i < n1 {
			observed += doubled[i]
		}
	}
	ways := make([][]float64, n1+1)
	for k := range ways {
		ways[k] = make([]float64, total+1)
	}
	ways[0][0] = 1
	for i, d := range doubled {
		for k := min(i+1, n1); k >= 1; k-- {
			for s := total; s >= d; s-- {
				ways[k][s] += ways[k-1][s-d]
			}
		}
	}
	// The mean of the doubled rank sum is n1·total/n; comparing n times each keeps to whole numbers.
	distance := func(s int) int { return max(s*n-n1*total, n1*total-s*n) }
	var all, extreme float64
	for s, w := range ways[n1] {
		all += w
		if distance(s) >= distance(observed) {
			extreme += w
		}
	}
	return extreme / all
}

// WelchT compares two means without assuming equal variances.
func WelchT(x, y []float64) Test {
	x, y = present(x), present(y)
	n1, n2 := float64(len(x)), float64(len(y))
	v1, v2 := Variance(x)/n1, Variance(y)/n2
	df := (v1 + v2) * (v1 + v2) / (v1*v1/(n1-1) + v2*v2/(n2-1))
	return tTest((Mean(x)-Mean(y))/math.Sqrt(v1+v2), df)
}

// StudentT compares two means with a pooled variance.
func StudentT(x, y []float64) Test {
	x, y = present(x), present(y)
	n1, n2 := float64(len(x)), float64(len(y))
	return tTest((Mean(x)-Mean(y))/(pooledSD(x, y)*math.Sqrt(1/n1+1/n2)), n1+n2-2)
}

// PairedT tests the mean of the differences x−y over rows in which both are there.
func PairedT(x, y []float64) Test {
	cx, cy := complete(x, y)
	d := make([]float64, len(cx))
	for i := range cx {
		d[i] = cx[i] - cy[i]
	}
	n := float64(len(d))
	return tTest(Mean(d)/math.Sqrt(Variance(d)/n), n-1)
}

func tTest(t, df float64) Test { return Test{Statistic: t, DF: df, DF2: none, P: StudentP(t, df)} }

func pooledSD(x, y []float64) float64 {
	_, s1 := squares(x)
	_, s2 := squares(y)
	return math.Sqrt((s1 + s2) / float64(len(x)+len(y)-2))
}

// CohenD is the difference of two means in units of the pooled standard deviation.
func CohenD(x, y []float64) float64 {
	x, y = present(x), present(y)
	return (Mean(x) - Mean(y)) / pooledSD(x, y)
}

// CliffDelta is P(X>Y) − P(X<Y), the effect size of the Mann–Whitney test.
func CliffDelta(x, y []float64) float64 {
	n1, n2 := float64(len(present(x))), float64(len(present(y)))
	return 2*MannWhitneyU(x, y, false).Statistic/(n1*n2) - 1
}

// HodgesLehmann is the median of all differences between x and y.
func HodgesLehmann(x, y []float64) float64 {
	x, y = present(x), present(y)
	d := make([]float64, 0, len(x)*len(y))
	for _, a := range x {
		for _, b := range y {
			d = append(d, a-b)
		}
	}
	return Median(d)
}

// VarianceRatioF compares two variances: F = var(x)/var(y), two-sided.
func VarianceRatioF(x, y []float64) Test {
	x, y = present(x), present(y)
	f, d1, d2 := Variance(x)/Variance(y), float64(len(x)-1), float64(len(y)-1)
	upper := FP(f, d1, d2)
	return Test{Statistic: f, DF: d1, DF2: d2, P: min(1, 2*min(upper, FP(1/f, d2, d1)))}
}

// KolmogorovSmirnov compares two distributions by the largest distance of their cumulative functions, with the asymptotic p-value.
func KolmogorovSmirnov(x, y []float64) Test {
	x, y = slices.Sorted(slices.Values(present(x))), slices.Sorted(slices.Values(present(y)))
	n1, n2 := float64(len(x)), float64(len(y))
	d, i, j := 0.0, 0, 0
	for i < len(x) && j < len(y) {
		v := min(x[i], y[j])
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		d = max(d, math.Abs(float64(i)/n1-float64(j)/n2))
	}
	if n1 == 0 || n2 == 0 {
		d = none
	}
	return Test{Statistic: d, DF: none, DF2: none, P: kolmogorovP(math.Sqrt(n1*n2/(n1+n2)) * d)}
}

// kolmogorovP is the upper tail of Kolmogorov's limiting distribution.
func kolmogorovP(z float64) float64 {
	if math.IsNaN(z) {
		return z
	}
	if z < 1 { // the other series converges here (Marsaglia, Tsang and Wang 2003)
		sum := 0.0
		for k := 1.0; k < 20; k += 2 {
			sum += math.Exp(-k * k * math.Pi * math.Pi / (8 * z * z))
		}
		return 1 - math.Sqrt(2*math.Pi)/z*sum
	}
	sum, sign := 0.0, 1.0
	for k := 1.0; k < 100; k++ {
		term := sign * math.Exp(-2*k*k*z*z)
		sum, sign = sum+term, -sign
		if math.Abs(term) < 1e-18*math.Abs(sum) {
			break
		}
	}
	return 2 * sum
}

// SignedRank returns Wilcoxon's V, the sum of ranks of positive differences x−y with zeros removed, and its normal approximation.
func SignedRank(x, y []float64, continuity bool) Test {
	positive, ranks, ties := signedRanks(x, y)
	n := float64(len(ranks))
	t := Test{Statistic: 0, DF: none, DF2: none, P: none}
	for i, r := range ranks {
		if positive[i] {
			t.Statistic += r
		}
	}
	z := t.Statistic - n*(n+1)/4
	if continuity {
		z = math.Copysign(max(0, math.Abs(z)-0.5), z)
	}
	t.P = NormalP(z / math.Sqrt(n*(n+1)*(2*n+1)/24-ties/48))
	return t
}

func signedRanks(x, y []float64) (positive []bool, ranks []float64, ties float64) {
	cx, cy := complete(x, y)
	var size []float64
	for i := range cx {
		if d := cx[i] - cy[i]; d != 0 {
			positive, size = append(positive, d > 0), append(size, math.Abs(d))
		}
	}
	ranks, ties = rankTies(size)
	return positive, ranks, ties
}

// SignTestP is the exact two-sided sign test of the differences x−y, zeros removed.
func SignTestP(x, y []float64) float64 {
	positive, ranks, _ := signedRanks(x, y)
	n, k := len(ranks), 0
	for _, p := range positive {
		if p {
			k++
		}
	}
	k = min(k, n-k)
	tail := 0.0
	for i := 0; i <= k; i++ {
		tail += math.Exp(logChoose(n, i) - float64(n)*math.Ln2)
	}
	return min(1, 2*tail)
}

func logChoose(n, k int) float64 { return logFactorial(n) - logFactorial(k) - logFactorial(n-k) }

func logFactorial(n int) float64 {
	v, _ := math.Lgamma(float64(n) + 1)
	return v
}

// Groups cuts a column into the groups of another, in ascending order of the group's value; rows with either missing are left out.
func Groups(values, group []float64) [][]float64 {
	cv, cg := complete(values, group)
	order := make([]int, len(cg))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(cg[a], cg[b]) })
	var groups [][]float64
	for k, i := range order {
		if k == 0 || cg[i] != cg[order[k-1]] {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], cv[i])
	}
	return groups
}
