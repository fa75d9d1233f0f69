package stat

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Correlation is an association of two columns.
type Correlation struct {
	R         float64
	N         int     // rows in which both are there
	Statistic float64 // t, or z for Kendall
	DF        float64 // of t; NaN for Kendall
	P         float64
}

// Pearson returns the product-moment correlation with its t test. With fewer than three rows, or a constant column, R or P is NaN.
func Pearson(x, y []float64) Correlation {
	cx, cy := complete(x, y)
	return withT(product(cx, cy), len(cx), 0)
}

// Spearman returns Pearson's correlation of mid-ranks, with the t approximation that R gives for exact = FALSE.
func Spearman(x, y []float64) Correlation {
	cx, cy := complete(x, y)
	return withT(product(Ranks(cx), Ranks(cy)), len(cx), 0)
}

// product is the correlation of two complete columns; NaN when one is constant.
func product(x, y []float64) float64 {
	mx, my := Mean(x), Mean(y)
	var sxx, syy, sxy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		sxx, syy, sxy = sxx+dx*dx, syy+dy*dy, sxy+dx*dy
	}
	// A column whose spread is rounding alone is constant: its correlation would be noise.
	const eps = 1e-13
	if n := float64(len(x)); sxx <= n*mx*mx*eps*eps || syy <= n*my*my*eps*eps {
		return none
	}
	return max(-1, min(1, sxy/math.Sqrt(sxx)/math.Sqrt(syy)))
}

// withT adds the t test of a correlation, given k other columns.
func withT(r float64, n, k int) Correlation {
	df := float64(n - 2 - k)
	c := Correlation{R: r, N: n, DF: df, Statistic: none, P: none}
	if df < 1 || math.IsNaN(r) {
		return c
	}
	c.Statistic = r * math.Sqrt(df/((1-r)*(1+r)))
	c.P = StudentP(c.Statistic, df)
	return c
}

// Interval returns the confidence interval of a Pearson or Spearman correlation by Fisher's z, at a level such as 0.95. It needs
// four rows.
func (c Correlation) Interval(level float64) (low, high float64) {
	if c.N < 4 || math.IsNaN(c.R) {
		return none, none
	}
	z, half := math.Atanh(c.R), NormalQuantile((1+level)/2)/math.Sqrt(float64(c.N-3))
	return math.Tanh(z - half), math.Tanh(z + half)
}

// NormalQuantile is the inverse of the standard normal distribution function.
func NormalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// Partial returns the correlation of x and y given other columns, from the inverse of their correlation matrix, with t on n−2−k
// degrees of freedom. With ranks set, all columns are ranked first (partial Spearman). NaN when columns are collinear.
func Partial(x, y []float64, given [][]float64, ranks bool) Correlation {
	columns := completeRows(append([][]float64{x, y}, given...))
	n := len(columns[0])
	if ranks {
		for j := range columns {
			columns[j] = Ranks(columns[j])
		}
	}
	p := len(columns)
	r := mat.NewSymDense(p, nil)
	for a := range p {
		r.SetSym(a, a, 1)
		for b := range a {
			v := product(columns[a], columns[b])
			if math.IsNaN(v) {
				return withT(none, n, len(given))
			}
			r.SetSym(a, b, v)
		}
	}
	var chol mat.Cholesky
	var inverse mat.SymDense
	if !chol.Factorize(r) || chol.Cond() > 1e14 || chol.InverseTo(&inverse) != nil {
		return withT(none, n, len(given))
	}
	v := -inverse.At(0, 1) / math.Sqrt(inverse.At(0, 0)*inverse.At(1, 1))
	return withT(max(-1, min(1, v)), n, len(given))
}

// completeRows returns copies of the columns without the rows in which any is missing.
func completeRows(columns [][]float64) [][]float64 {
	out := make([][]float64, len(columns))
	for i := range columns[0] {
		if slices.ContainsFunc(columns, func(c []float64) bool { return math.IsNaN(c[i]) }) {
			continue
		}
		for j, c := range columns {
			out[j] = append(out[j], c[i])
		}
	}
	return out
}

// Kendall returns tau-b with the normal approximation whose variance is corrected for ties. It takes O(n log n) (Knight 1966).
// With continuity set, |S| is reduced by one before it is tested.
func Kendall(x, y []float64, continuity bool) Correlation {
	cx, cy := complete(x, y)
	n := len(cx)
	c := Correlation{N: n, R: none, Statistic: none, DF: none, P: none}
	if n < 2 {
		return c
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(cx[a], cx[b]), cmp.Compare(cy[a], cy[b])) })
	sx, sy := make([]float64, n), make([]float64, n)
	for i, o := range order {
		sx[i], sy[i] = cx[o], cy[o]
	}
	tx := tiesOf(sx)
	joint := 0.0
	for first := 0; first < n; {
		last := first + 1
		for last < n && sx[last] == sx[first] && sy[last] == sy[first] {
			last++
		}
		t := float64(last - first)
		joint += t * (t - 1) / 2
		first = last
	}
	swaps := float64(sortSwaps(sy, make([]float64, n)))
	ty := tiesOf(sy) // ascending now
	pairs := float64(n) * float64(n-1) / 2
	s := pairs - tx.pairs - ty.pairs + joint - 2*swaps
	c.R = s / math.Sqrt((pairs-tx.pairs)*(pairs-ty.pairs))
	if math.IsInf(c.R, 0) {
		c.R = none
	}
	m := float64(n)
	variance := (m*(m-1)*(2*m+5)-tx.v-ty.v)/18 + tx.a*ty.a/(2*m*(m-1))
	if n > 2 {
		variance += tx.b * ty.b / (9 * m * (m - 1) * (m - 2))
	}
	if continuity {
		s = math.Copysign(max(0, math.Abs(s)-1), s)
	}
	c.Statistic = s / math.Sqrt(variance)
	c.P = NormalP(c.Statistic)
	return c
}

// tieSums are the sums over groups of t ties that Kendall's variance needs.
type tieSums struct{ pairs, a, b, v float64 }

func tiesOf(ascending []float64) tieSums {
	var s tieSums
	for first := 0; first < len(ascending); {
		last := first + 1
		for last < len(ascending) && ascending[last] == ascending[first] {
			last++
		}
		t := float64(last - first)
		s.pairs += t * (t - 1) / 2
		s.a += t * (t - 1)
		s.b += t * (t - 1) * (t - 2)
		s.v += t * (t - 1) * (2*t + 5)
		first = last
	}
	return s
}

// sortSwaps sorts x by merging and returns how many pairs were out of order.
func sortSwaps(x, scratch []float64) int {
	if len(x) < 2 {
		return 0
	}
	half := len(x) / 2
	left, right := x[:half], x[half:]
	swaps := sortSwaps(left, scratch[:half]) + sortSwaps(right, scratch[half:])
	copy(scratch, x)
	left, right = scratch[:half], scratch[half:len(x)]
	for k := range x {
		if len(right) == 0 || len(left) > 0 && left[0] <= right[0] {
			x[k], left = left[0], left[1:]
		} else {
			x[k], right = right[0], right[1:]
			swaps += len(left)
		}
	}
	return swaps
}
