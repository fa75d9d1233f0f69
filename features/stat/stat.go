// Package stat holds the statistics that every room uses: ranks, correlations, hypothesis tests, agreement, error control.
//
// Functions that compare columns take them as they are, with NaN for missing: rows in which any of the columns is missing are
// left out, and the number of rows used is part of the answer. A quantity that the data cannot give (a correlation with a constant,
// a test with an empty group) is NaN, never a panic. p-values are two-sided unless the name says otherwise.
package stat

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Test is the answer of a hypothesis test.
type Test struct {
	Statistic float64
	DF        float64 // degrees of freedom; NaN where the reference distribution has none
	DF2       float64 // of the denominator of an F statistic; else NaN
	P         float64
}

var none = math.NaN()

// StudentP is the two-sided p-value of a t statistic, exact to relative rounding far into the tail.
func StudentP(t, df float64) float64 {
	if math.IsNaN(t) || !(df > 0) {
		return none
	}
	if math.IsInf(t, 0) {
		return 0
	}
	return mathext.RegIncBeta(df/2, 0.5, df/(df+t*t))
}

// NormalP is the two-sided p-value of a standard normal statistic.
func NormalP(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }

// FP is the upper tail of an F statistic.
func FP(f, df1, df2 float64) float64 {
	if math.IsNaN(f) || !(df1 > 0) || !(df2 > 0) {
		return none
	}
	if f <= 0 {
		return 1
	}
	return mathext.RegIncBeta(df2/2, df1/2, df2/(df2+df1*f))
}

// ChiSquaredP is the upper tail of a chi-squared statistic.
func ChiSquaredP(x, df float64) float64 {
	if math.IsNaN(x) || !(df > 0) {
		return none
	}
	if x <= 0 {
		return 1
	}
	return mathext.GammaIncRegComp(df/2, x/2)
}

// complete returns copies of x and y without the rows in which either is missing.
func complete(x, y []float64) (cx, cy []float64) {
	cx, cy = make([]float64, 0, len(x)), make([]float64, 0, len(x))
	for i := range x {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			cx, cy = append(cx, x[i]), append(cy, y[i])
		}
	}
	return cx, cy
}

// present returns a copy of x without missing values.
func present(x []float64) []float64 {
	out := make([]float64, 0, len(x))
	for _, v := range x {
		if !math.IsNaN(v) {
			out = append(out, v)
		}
	}
	return out
}

// Mean returns the arithmetic mean of x, which has no missing value; NaN when x is empty.
func Mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// squares returns the mean and the sum of squared deviations from it, in two passes.
func squares(x []float64) (mean, ss float64) {
	mean = Mean(x)
	for _, v := range x {
		ss += (v - mean) * (v - mean)
	}
	return mean, ss
}

// Variance is the sample variance, with divisor n−1.
func Variance(x []float64) float64 {
	_, ss := squares(x)
	return ss / float64(len(x)-1)
}
