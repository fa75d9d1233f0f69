package metrics

import "math"

// AUC is the probability that a positive row has the higher score, ties counting one half.
func (b *Binary) AUC() float64 {
	below, wins := 0, 0.0
	b.runs(func(_ float64, pos, neg int) {
		wins += float64(pos) * (float64(below) + float64(neg)/2)
		below += neg
	})
	return wins / (float64(b.Positives()) * float64(b.Negatives()))
}

// ROCPoint is one threshold of the curve: a row is called positive when its score is above it.
type ROCPoint struct{ Threshold, Sensitivity, Specificity float64 }

// ROC returns the curve from threshold −Inf to +Inf; the thresholds between are midpoints of neighbouring distinct scores.
func (b *Binary) ROC() []ROCPoint {
	p, n := float64(b.Positives()), float64(b.Negatives())
	points := []ROCPoint{{math.Inf(-1), 1, 0}}
	missed, spared, last := 0, 0, math.NaN()
	b.runs(func(s float64, pos, neg int) {
		if !math.IsNaN(last) {
			points = append(points, ROCPoint{last/2 + s/2, 1 - float64(missed)/p, float64(spared) / n})
		}
		missed, spared, last = missed+pos, spared+neg, s
	})
	return append(points, ROCPoint{math.Inf(1), 0, 1})
}

// Youden returns the points of the curve at which sensitivity + specificity is largest; more than one where they tie.
func (b *Binary) Youden() []ROCPoint {
	return best(b.ROC(), func(p ROCPoint) float64 { return p.Sensitivity + p.Specificity })
}

// ClosestTopLeft returns the points of the curve nearest to sensitivity 1, specificity 1.
func (b *Binary) ClosestTopLeft() []ROCPoint {
	return best(b.ROC(), func(p ROCPoint) float64 {
		return -(1-p.Sensitivity)*(1-p.Sensitivity) - (1-p.Specificity)*(1-p.Specificity)
	})
}

func best(points []ROCPoint, value func(ROCPoint) float64) []ROCPoint {
	var out []ROCPoint
	top := math.Inf(-1)
	for _, p := range points {
		v := value(p)
		switch {
		case math.Abs(v-top) < 1e-12:
			out = append(out, p)
		case v > top:
			top, out = v, []ROCPoint{p}
		}
	}
	return out
}

// SensitivityAt returns the sensitivity of the ROC polygon at a specificity, interpolated on its lines.
func (b *Binary) SensitivityAt(specificity float64) float64 {
	points := b.ROC()
	for i, p := range points {
		if p.Specificity >= specificity {
			if i == 0 || p.Specificity == specificity {
				return p.Sensitivity
			}
			q := points[i-1]
			f := (specificity - q.Specificity) / (p.Specificity - q.Specificity)
			return q.Sensitivity + f*(p.Sensitivity-q.Sensitivity)
		}
	}
	return math.NaN()
}

// PartialAUC returns the area under the curve where specificity is at least the given one, and the same corrected so that chance
// is 0.5 and perfection 1 [McClish1989]; the correction is NaN where the curve lies below the diagonal.
//
// [McClish1989]: https://doi.org/10.1177/0272989X8900900307
func (b *Binary) PartialAUC(specificity float64) (area, corrected float64) {
	points := b.ROC()
	last := ROCPoint{Specificity: specificity, Sensitivity: b.SensitivityAt(specificity)}
	for _, p := range points {
		if p.Specificity >= specificity {
			area += (p.Specificity - last.Specificity) * (p.Sensitivity + last.Sensitivity) / 2
			last = p
		}
	}
	width := 1 - specificity
	chance := width * width / 2
	if area < chance {
		return area, math.NaN()
	}
	return area, (1 + (area-chance)/(width-chance)) / 2
}

// AveragePrecision is Σ (Rₙ − Rₙ₋₁)·Pₙ over thresholds, scikit-learn's summary of the precision–recall curve.
func (b *Binary) AveragePrecision() float64 {
	sum, last := 0.0, 0.0
	for _, p := range b.PrecisionRecall()[1:] {
		sum += (p.Recall - last) * p.Precision
		last = p.Recall
	}
	return sum
}

// PRPoint is one threshold of the precision–recall curve: a row is called positive when its score is at least Threshold.
type PRPoint struct{ Threshold, Precision, Recall float64 }

// PrecisionRecall returns the curve from recall 0 (precision 1 by convention) to 1.
func (b *Binary) PrecisionRecall() []PRPoint {
	points := []PRPoint{{math.Inf(1), 1, 0}}
	tp, called := 0, 0
	for i := len(b.order) - 1; i >= 0; i-- {
		called++
		if b.positive[b.order[i]] {
			tp++
		}
		if s := b.score[b.order[i]]; i == 0 || b.score[b.order[i-1]] != s {
			points = append(points, PRPoint{s, float64(tp) / float64(called), float64(tp) / float64(b.positives)})
		}
	}
	return points
}

// PRAUC is the trapezoidal area under the precision–recall curve. Linear interpolation there is optimistic; AveragePrecision is not.
func (b *Binary) PRAUC() float64 {
	area := 0.0
	points := b.PrecisionRecall()
	for i := 1; i < len(points); i++ {
		area += (points[i].Recall - points[i-1].Recall) * (points[i].Precision + points[i-1].Precision) / 2
		if points[i].Recall == 1 {
			break // scikit-learn before 1.3 drops the thresholds past full recall
		}
	}
	return area
}
