package metrics

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// placements returns DeLong's structural components: for each positive row the fraction of negatives below it, for each negative
// row the fraction of positives above it, in row order. O(n log n) by the sorted order [Sun2014].
//
// [Sun2014]: https://doi.org/10.1109/LSP.2014.2337313
func (b *Binary) placements() (v10, v01 []float64) {
	p, n := float64(b.Positives()), float64(b.Negatives())
	at := make([]float64, len(b.score))
	below, above, i := 0.0, p, 0
	b.runs(func(_ float64, pos, neg int) {
		above -= float64(pos)
		for end := i + pos + neg; i < end; i++ {
			row := b.order[i]
			if b.positive[row] {
				at[row] = (below + float64(neg)/2) / n
			} else {
				at[row] = (above + float64(pos)/2) / p
			}
		}
		below += float64(neg)
	})
	for row, v := range at {
		if b.positive[row] {
			v10 = append(v10, v)
		} else {
			v01 = append(v01, v)
		}
	}
	return v10, v01
}

// AUCVariance is DeLong's variance of the AUC [DeLong1988]. It is for one fixed model on one held-out set, not for cross-validation.
//
// [DeLong1988]: https://doi.org/10.2307/2531595
func (b *Binary) AUCVariance() float64 {
	v10, v01 := b.placements()
	return covariance(v10, v10)/float64(len(v10)) + covariance(v01, v01)/float64(len(v01))
}

// AUCInterval returns DeLong's confidence interval, cut to [0, 1].
func (b *Binary) AUCInterval(level float64) (low, high float64) {
	half := distuv.UnitNormal.Quantile(0.5+level/2) * math.Sqrt(b.AUCVariance())
	auc := b.AUC()
	return max(auc-half, 0), min(auc+half, 1)
}

// Comparison is a test that two AUCs are the same.
type Comparison struct {
	Difference float64 // first minus second
	StdErr     float64
	Covariance float64 // of the two AUCs; 0 for unpaired sets
	Statistic  float64 // normal where paired, Student's t with DF degrees of freedom where not
	DF         float64 // +Inf where paired
	P          float64 // two-sided
}

// Interval returns the confidence interval of the difference.
func (c Comparison) Interval(level float64) (low, high float64) {
	half := distuv.UnitNormal.Quantile(0.5+level/2) * c.StdErr
	return c.Difference - half, c.Difference + half
}

// CompareAUC is DeLong's test of two scores on the same rows.
func CompareAUC(a, b *Binary) (Comparison, error) {
	if len(a.positive) != len(b.positive) {
		return Comparison{}, fmt.Errorf("metrics: paired scores of %d and %d rows", len(a.positive), len(b.positive))
	}
	for i := range a.positive {
		if a.positive[i] != b.positive[i] {
			return Comparison{}, fmt.Errorf("metrics: row %d has two different outcomes", i)
		}
	}
	a10, a01 := a.placements()
	b10, b01 := b.placements()
	cov := covariance(a10, b10)/float64(len(a10)) + covariance(a01, b01)/float64(len(a01))
	c := Comparison{Difference: a.AUC() - b.AUC(), Covariance: cov, DF: math.Inf(1)}
	c.StdErr = math.Sqrt(max(0, a.AUCVariance()+b.AUCVariance()-2*cov)) // rounding can take a difference of nothing below zero
	c.Statistic = c.Difference / c.StdErr
	if c.StdErr == 0 && c.Difference == 0 { // scores that order the rows alike
		c.Statistic = 0
	}
	c.P = 2 * distuv.UnitNormal.Survival(math.Abs(c.Statistic))
	return c, nil
}

// CompareUnpairedAUC is the test for scores on different patients, with Welch's degrees of freedom, as in pROC.
func CompareUnpairedAUC(a, b *Binary) Comparison {
	va, vb := a.AUCVariance(), b.AUCVariance()
	c := Comparison{Difference: a.AUC() - b.AUC(), StdErr: math.Sqrt(va + vb)}
	c.Statistic = c.Difference / c.StdErr
	c.DF = (va + vb) * (va + vb) / (va*va/float64(a.Rows()-1) + vb*vb/float64(b.Rows()-1))
	c.P = 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: c.DF}.Survival(math.Abs(c.Statistic))
	return c
}

// covariance has the divisor n−1.
func covariance(a, b []float64) float64 {
	ma, mb := mean(a), mean(b)
	sum := 0.0
	for i := range a {
		sum += (a[i] - ma) * (b[i] - mb)
	}
	return sum / float64(len(a)-1)
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
