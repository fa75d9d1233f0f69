package metrics

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Confusion is a table of counts: rows are the true classes (or one rater), columns the predicted (or the other).
type Confusion [][]int

// NewConfusion tabulates two classifications of the same rows into classes 0…n−1.
func NewConfusion(truth, predicted []int, classes int) Confusion {
	c := make(Confusion, classes)
	for k := range c {
		c[k] = make([]int, classes)
	}
	for i, t := range truth {
		c[t][predicted[i]]++
	}
	return c
}

// margins returns the totals of rows and columns, the diagonal and all.
func (c Confusion) margins() (rows, columns []float64, diagonal, total float64) {
	rows, columns = make([]float64, len(c)), make([]float64, len(c))
	for i := range c {
		for j, n := range c[i] {
			rows[i] += float64(n)
			columns[j] += float64(n)
			total += float64(n)
		}
		diagonal += float64(c[i][i])
	}
	return rows, columns, diagonal, total
}

// Accuracy is the fraction on the diagonal.
func (c Confusion) Accuracy() float64 {
	_, _, diagonal, total := c.margins()
	return diagonal / total
}

// BalancedAccuracy is the mean recall of the classes that occur.
func (c Confusion) BalancedAccuracy() float64 {
	rows, _, _, _ := c.margins()
	sum, n := 0.0, 0.0
	for k, r := range rows {
		if r > 0 {
			sum += float64(c[k][k]) / r
			n++
		}
	}
	return sum / n
}

// Macro returns the unweighted means over classes of precision, recall and F1, and F1 weighted by prevalence. What is not defined
// counts 0, as in scikit-learn.
func (c Confusion) Macro() (precision, recall, f1, weightedF1 float64) {
	rows, columns, _, total := c.margins()
	k := float64(len(c))
	for i := range c {
		tp := float64(c[i][i])
		if tp == 0 {
			continue
		}
		f := 2 * tp / (rows[i] + columns[i])
		precision += tp / columns[i] / k
		recall += tp / rows[i] / k
		f1 += f / k
		weightedF1 += f * rows[i] / total
	}
	return precision, recall, f1, weightedF1
}

// MCC is Matthews' correlation for any number of classes [Gorodkin2004]; 0 where all rows fall in one class of a margin.
//
// [Gorodkin2004]: https://doi.org/10.1016/j.compbiolchem.2004.09.006
func (c Confusion) MCC() float64 {
	rows, columns, diagonal, total := c.margins()
	product, r2, c2 := 0.0, 0.0, 0.0
	for k := range c {
		product += rows[k] * columns[k]
		r2 += rows[k] * rows[k]
		c2 += columns[k] * columns[k]
	}
	below := math.Sqrt((total*total - r2) * (total*total - c2))
	if below == 0 {
		return 0
	}
	return (diagonal*total - product) / below
}

// KappaWeight says how much a disagreement counts by the distance of its classes.
type KappaWeight int

// The weights of Cohen's kappa.
const (
	Unweighted KappaWeight = iota
	Linear
	Quadratic
)

// Kappa is Cohen's agreement beyond chance; NaN where chance explains all.
func (c Confusion) Kappa(w KappaWeight) float64 {
	k, _ := c.KappaVariance(w)
	return k
}

// KappaVariance returns kappa and its large-sample variance [Fleiss1969].
//
// [Fleiss1969]: https://doi.org/10.1037/h0028106
func (c Confusion) KappaVariance(weight KappaWeight) (kappa, variance float64) {
	rows, columns, _, total := c.margins()
	last := float64(len(c) - 1)
	w := func(i, j int) float64 {
		d := math.Abs(float64(i-j)) / last
		switch weight {
		case Linear:
			return 1 - d
		case Quadratic:
			return 1 - d*d
		}
		if i == j {
			return 1
		}
		return 0
	}
	observed, expected := 0.0, 0.0
	rowMean, columnMean := make([]float64, len(c)), make([]float64, len(c))
	for i := range c {
		for j, n := range c[i] {
			observed += w(i, j) * float64(n) / total
			expected += w(i, j) * rows[i] * columns[j] / (total * total)
			rowMean[i] += w(i, j) * columns[j] / total
			columnMean[j] += w(i, j) * rows[i] / total
		}
	}
	for i := range c {
		for j, n := range c[i] {
			t := w(i, j)*(1-expected) - (rowMean[i]+columnMean[j])*(1-observed)
			variance += float64(n) / total * t * t
		}
	}
	t := observed*expected - 2*expected + observed
	variance = (variance - t*t) / (total * math.Pow(1-expected, 4))
	return (observed - expected) / (1 - expected), variance
}

// McNemar compares two classifiers on the same rows by the rows that only the first (b) or only the second (c) got right: the
// chi-squared statistic with and without continuity correction, their p, and the exact two-sided binomial p.
func McNemar(b, c int) (corrected, correctedP, statistic, p, exact float64) {
	n, d := float64(b+c), math.Abs(float64(b-c))
	chi := distuv.ChiSquared{K: 1}
	corrected = max(d-1, 0) * max(d-1, 0) / n
	statistic = d * d / n
	exact = min(1, 2*distuv.Binomial{N: n, P: 0.5}.CDF(float64(min(b, c))))
	return corrected, chi.Survival(corrected), statistic, chi.Survival(statistic), exact
}
