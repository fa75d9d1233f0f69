package metrics

import "math"

// Counts is a binary confusion table.
type Counts struct{ TP, FP, TN, FN int }

// At returns the counts when a row is called positive at a score of the threshold or more.
func (b *Binary) At(threshold float64) Counts {
	var c Counts
	for i, s := range b.score {
		switch {
		case s >= threshold && b.positive[i]:
			c.TP++
		case s >= threshold:
			c.FP++
		case b.positive[i]:
			c.FN++
		default:
			c.TN++
		}
	}
	return c
}

func ratio(a, b int) float64 { return float64(a) / float64(b) }

// Sensitivity (recall), Specificity, Precision (positive predictive value) and NPV; NaN where the denominator is 0.
func (c Counts) Sensitivity() float64 { return ratio(c.TP, c.TP+c.FN) }

// Specificity is TN/(TN+FP).
func (c Counts) Specificity() float64 { return ratio(c.TN, c.TN+c.FP) }

// Precision is TP/(TP+FP).
func (c Counts) Precision() float64 { return ratio(c.TP, c.TP+c.FP) }

// NPV is TN/(TN+FN).
func (c Counts) NPV() float64 { return ratio(c.TN, c.TN+c.FN) }

// Accuracy is the fraction called right.
func (c Counts) Accuracy() float64 { return ratio(c.TP+c.TN, c.TP+c.TN+c.FP+c.FN) }

// BalancedAccuracy is the mean of sensitivity and specificity.
func (c Counts) BalancedAccuracy() float64 { return (c.Sensitivity() + c.Specificity()) / 2 }

// F returns the F score with recall weighing beta times as much as precision.
func (c Counts) F(beta float64) float64 {
	b2 := beta * beta
	return (1 + b2) * float64(c.TP) / ((1+b2)*float64(c.TP) + b2*float64(c.FN) + float64(c.FP))
}

// Jaccard is TP/(TP+FP+FN).
func (c Counts) Jaccard() float64 { return ratio(c.TP, c.TP+c.FP+c.FN) }

// LikelihoodRatios returns sensitivity/(1−specificity) and (1−sensitivity)/specificity.
func (c Counts) LikelihoodRatios() (positive, negative float64) {
	return c.Sensitivity() / (1 - c.Specificity()), (1 - c.Sensitivity()) / c.Specificity()
}

// MCC is Matthews' correlation; 0 where a margin of the table is empty, as in scikit-learn.
func (c Counts) MCC() float64 { return c.table().MCC() }

// Kappa is Cohen's.
func (c Counts) Kappa() float64 { return c.table().Kappa(Unweighted) }

func (c Counts) table() Confusion { return Confusion{{c.TN, c.FP}, {c.FN, c.TP}} }

// NetBenefit is TP/n − FP/n·pt/(1−pt) at a threshold probability pt [Vickers2006]; TreatAll that of calling every row positive.
//
// [Vickers2006]: https://doi.org/10.1177/0272989X06295361
func (b *Binary) NetBenefit(pt float64) (model, treatAll float64) {
	c, n, odds := b.At(pt), float64(b.Rows()), pt/(1-pt)
	return float64(c.TP)/n - float64(c.FP)/n*odds, b.Prevalence() - (1-b.Prevalence())*odds
}

// Reclassification says what a second model changes [Pencina2008]: the net fraction of events moved up and of non-events moved
// down, their sum (the continuous NRI), and the gain in mean separation (IDI).
//
// [Pencina2008]: https://doi.org/10.1002/sim.2929
type Reclassification struct{ Events, NonEvents, NRI, IDI float64 }

// Reclassify compares a second score with a first on the same rows.
func Reclassify(first, second *Binary) Reclassification {
	var r Reclassification
	p, n := float64(first.Positives()), float64(first.Negatives())
	for i := range first.score {
		d := second.score[i] - first.score[i]
		move := 0.0
		if d != 0 {
			move = math.Copysign(1, d)
		}
		if first.positive[i] {
			r.Events += move / p
			r.IDI += d / p
		} else {
			r.NonEvents -= move / n
			r.IDI -= d / n
		}
	}
	r.NRI = r.Events + r.NonEvents
	return r
}
