package stat

import "math"

// PearsonChiSquared tests independence in a table of counts. With yates set, a 2×2 table is corrected for continuity.
func PearsonChiSquared(table [][]float64, yates bool) Test {
	rows, cols, n := margins(table)
	smallest := math.Inf(1)
	for i := range table {
		for j := range table[i] {
			smallest = min(smallest, math.Abs(table[i][j]-rows[i]*cols[j]/n))
		}
	}
	correction := 0.0
	if yates && len(rows) == 2 && len(cols) == 2 {
		correction = min(0.5, smallest)
	}
	x := 0.0
	for i := range table {
		for j := range table[i] {
			e := rows[i] * cols[j] / n
			d := math.Abs(table[i][j]-e) - correction
			x += d * d / e
		}
	}
	df := float64((len(rows) - 1) * (len(cols) - 1))
	return Test{Statistic: x, DF: df, DF2: none, P: ChiSquaredP(x, df)}
}

func margins(table [][]float64) (rows, cols []float64, n float64) {
	rows, cols = make([]float64, len(table)), make([]float64, len(table[0]))
	for i := range table {
		for j, v := range table[i] {
			rows[i] += v
			cols[j] += v
			n += v
		}
	}
	return rows, cols, n
}

// CramerV is the effect size of PearsonChiSquared without correction.
func CramerV(table [][]float64) float64 {
	rows, cols, n := margins(table)
	return math.Sqrt(PearsonChiSquared(table, false).Statistic / (n * float64(min(len(rows), len(cols))-1)))
}

// FisherP is Fisher's exact two-sided p-value of a table of counts: the probability of all tables of the same margins that are no
// more likely than the observed one (within a relative 1e-7, as R). A table with more than two rows and columns is enumerated;
// NaN when there would be more than 20 million tables to visit.
func FisherP(table [][]float64) float64 {
	rows, cols, n := margins(table)
	if n == 0 {
		return none
	}
	f := fisher{cols: make([]int, len(cols)), budget: 20_000_000}
	constant := -logFactorial(int(n))
	for _, r := range rows {
		constant += logFactorial(int(r))
		f.rows = append(f.rows, int(r))
	}
	for j, c := range cols {
		constant += logFactorial(int(c))
		f.cols[j] = int(c)
	}
	f.observed = constant
	for i := range table {
		for _, v := range table[i] {
			f.observed -= logFactorial(int(v))
		}
	}
	f.fill(0, constant)
	if f.budget < 0 {
		return none
	}
	return min(1, f.sum)
}

// fisher walks over all tables of given margins.
type fisher struct {
	rows, cols []int // cols: what is left of each column
	observed   float64
	sum        float64
	budget     int
}

// fill chooses the cells of row i; the last row is what is left.
func (f *fisher) fill(i int, logP float64) {
	if f.budget < 0 {
		return
	}
	if i == len(f.rows)-1 {
		f.budget--
		for _, c := range f.cols {
			logP -= logFactorial(c)
		}
		if logP <= f.observed+1e-7 {
			f.sum += math.Exp(logP)
		}
		return
	}
	f.cell(i, 0, f.rows[i], logP)
}

// cell chooses how much of the row's remaining count goes to column j.
func (f *fisher) cell(i, j, left int, logP float64) {
	if j == len(f.cols)-1 {
		if left <= f.cols[j] {
			f.cols[j] -= left
			f.fill(i+1, logP-logFactorial(left))
			f.cols[j] += left
		}
		return
	}
	for v := 0; v <= min(left, f.cols[j]) && f.budget >= 0; v++ {
		f.cols[j] -= v
		f.cell(i, j+1, left-v, logP-logFactorial(v))
		f.cols[j] += v
	}
}

// OddsRatio is the conditional maximum-likelihood odds ratio of a 2×2 table and its exact confidence interval, as R's fisher.test.
func OddsRatio(table [2][2]int, level float64) (estimate, low, high float64) {
	h := newHypergeometric(table)
	x := float64(table[0][0])
	lo, hi := float64(h.lo), float64(h.lo+len(h.logP)-1)
	tail := (1 - level) / 2
	switch {
	case lo == hi:
		return none, 0, math.Inf(1)
	case x == lo:
		estimate, low = 0, 0
	case x == hi:
		estimate = math.Inf(1)
	default:
		estimate = math.Exp(bisect(func(logOR float64) float64 { return h.mean(logOR) - x }))
	}
	if x > lo {
		low = math.Exp(bisect(func(logOR float64) float64 { return h.upper(logOR, table[0][0]) - tail }))
	}
	high = math.Inf(1)
	if x < hi {
		high = math.Exp(bisect(func(logOR float64) float64 { return tail - h.lower(logOR, table[0][0]) }))
	}
	return estimate, low, high
}

// bisect finds the root of a rising function of a log odds ratio.
func bisect(f func(float64) float64) float64 {
	lo, hi := -1.0, 1.0
	for f(lo) > 0 && lo > -700 {
		lo *= 2
	}
	for f(hi) < 0 && hi < 700 {
		hi *= 2
	}
	for range 200 {
		mid := (lo + hi) / 2
		if mid == lo || mid == hi {
			break
		}
		if f(mid) < 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// hypergeometric is Fisher's non-central distribution of the first cell, by log weights at an odds ratio of 1.
type hypergeometric struct {
	lo   int
	logP []float64
}

func newHypergeometric(t [2][2]int) hypergeometric {
	m, n, k := t[0][0]+t[1][0], t[0][1]+t[1][1], t[0][0]+t[0][1]
	h := hypergeometric{lo: max(0, k-n)}
	for x := h.lo; x <= min(k, m); x++ {
		h.logP = append(h.logP, logChoose(m, x)+logChoose(n, k-x))
	}
	return h
}

// weights are the probabilities at a log odds ratio.
func (h hypergeometric) weights(logOR float64) []float64 {
	w := make([]float64, len(h.logP))
	top := math.Inf(-1)
	for i, l := range h.logP {
		w[i] = l + float64(h.lo+i)*logOR
		top = max(top, w[i])
	}
	sum := 0.0
	for i := range w {
		w[i] = math.Exp(w[i] - top)
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}

func (h hypergeometric) mean(logOR float64) float64 {
	sum := 0.0
	for i, w := range h.weights(logOR) {
		sum += w * float64(h.lo+i)
	}
	return sum
}

// upper is P(X ≥ x), lower P(X ≤ x).
func (h hypergeometric) upper(logOR float64, x int) float64 {
	sum := 0.0
	for i, w := range h.weights(logOR) {
		if h.lo+i >= x {
			sum += w
		}
	}
	return sum
}

func (h hypergeometric) lower(logOR float64, x int) float64 {
	sum := 0.0
	for i, w := range h.weights(logOR) {
		if h.lo+i <= x {
			sum += w
		}
	}
	return sum
}
