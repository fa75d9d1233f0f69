package metrics

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a number and its interval.
type Estimate struct{ Value, Low, High float64 }

// CorrectedResampled returns the mean of a measure over the folds of repeated cross-validation, with the interval of the corrected
// resampled t-test [Nadeau2003]: the variance over folds is scaled by 1/J + test/train, because training sets overlap. The sizes are
// the mean rows of a test and of a training set. Folds where the measure is NaN are left out.
//
// [Nadeau2003]: https://doi.org/10.1023/A:1024068626366
func CorrectedResampled(folds []float64, test, train, level float64) (Estimate, error) {
	var v []float64
	for _, f := range folds {
		if !math.IsNaN(f) {
			v = append(v, f)
		}
	}
	if len(v) < 2 || !(test > 0 && train > 0) {
		return Estimate{}, fmt.Errorf("metrics: %d folds with a value, test sets of %g and training sets of %g rows: no interval", len(v), test, train)
	}
	m := mean(v)
	if len(v) > 0 && covariance(v, v) == 0 {
		return Estimate{m, m, m}, nil
	}
	se := math.Sqrt(covariance(v, v) * (1/float64(len(v)) + test/train))
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(len(v) - 1)}.Quantile(0.5+level/2) * se
	return Estimate{m, m - half, m + half}, nil
}

// CorrectedResampledTest is the two-sided p of the same test that two models, measured on the same folds, are equally good.
func CorrectedResampledTest(first, second []float64, test, train float64) (difference, p float64, err error) {
	if len(first) != len(second) {
		return 0, 0, fmt.Errorf("metrics: %d folds against %d", len(first), len(second))
	}
	var d []float64
	for i := range first {
		if x := first[i] - second[i]; !math.IsNaN(x) {
			d = append(d, x)
		}
	}
	if len(d) < 2 || !(test > 0 && train > 0) {
		return 0, 0, fmt.Errorf("metrics: %d folds in common, test sets of %g and training sets of %g rows: no test", len(d), test, train)
	}
	m, variance := mean(d), covariance(d, d)
	if variance == 0 {
		if m == 0 {
			return 0, 1, nil
		}
		return m, 0, nil
	}
	t := m / math.Sqrt(variance*(1/float64(len(d))+test/train))
	return m, 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(len(d) - 1)}.Survival(math.Abs(t)), nil
}
