package validate

import (
	"math"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/metrics"
)

// Measure is one way to judge the predictions of one test set.
type Measure struct {
	Name   string     // as metrics.json has it
	Title  string     // for a report
	Bounds [2]float64 // least and greatest value
	Chance float64    // what guessing scores; NaN where it depends on the data
	// Of returns NaN where the test set cannot be judged: one class only, no comparable pair.
	Of func(o clinical.Outcome, p Prediction) float64
}

// Measures returns the measures of an outcome; the first is the one that decides between candidates. A test set of one patient
// (leave-one-out) has no discrimination of its own, so there only the measures of single predictions are left.
func Measures(o clinical.Outcome, scheme Scheme) []Measure {
	var all []Measure
	switch {
	case o.Kind == clinical.Survival:
		all = survivalMeasures()
	case len(o.Classes) == 2:
		all = binaryMeasures()
	default:
		all = multiclassMeasures()
	}
	if scheme != LeaveOneOut {
		return all
	}
	var single []Measure
	for _, m := range all {
		if m.Name == "brier" || m.Name == "log_loss" {
			single = append(single, m)
		}
	}
	return single
}

// Score is the first measure of an outcome, by which candidates are chosen.
func Score(o clinical.Outcome) Measure { return Measures(o, NestedCV)[0] }

var unit = [2]float64{0, 1}

func binaryMeasures() []Measure {
	probability := func(f func(*metrics.Binary) float64) func(clinical.Outcome, Prediction) float64 {
		return func(o clinical.Outcome, p Prediction) float64 {
			b, err := Binary(o, p)
			if err != nil {
				return math.NaN()
			}
			return f(b)
		}
	}
	both := func(f func(*metrics.Binary) float64) func(clinical.Outcome, Prediction) float64 {
		return probability(func(b *metrics.Binary) float64 {
			if b.Positives() == 0 || b.Negatives() == 0 {
				return math.NaN()
			}
			return f(b)
		})
	}
	threshold := func(f func(metrics.Counts) float64) func(clinical.Outcome, Prediction) float64 {
		return func(o clinical.Outcome, p Prediction) float64 {
			return both(func(b *metrics.Binary) float64 { return f(b.At(p.Prevalence)) })(o, p)
		}
	}
	nan := math.NaN()
	return []Measure{
		{"auc", "AUC", unit, 0.5, both((*metrics.Binary).AUC)},
		{"average_precision", "average precision", unit, nan, both((*metrics.Binary).AveragePrecision)},
		{"balanced_accuracy", "balanced accuracy", unit, 0.5, threshold(metrics.Counts.BalancedAccuracy)},
		{"sensitivity", "sensitivity", unit, nan, threshold(metrics.Counts.Sensitivity)},
		{"specificity", "specificity", unit, nan, threshold(metrics.Counts.Specificity)},
		{"mcc", "Matthews correlation", [2]float64{-1, 1}, 0, threshold(metrics.Counts.MCC)},
		{"kappa", "Cohen's kappa", [2]float64{-1, 1}, 0, threshold(metrics.Counts.Kappa)},
		{"brier", "Brier score", unit, nan, probability((*metrics.Binary).Brier)},
		{"log_loss", "log-loss", [2]float64{0, math.Inf(1)}, nan, probability((*metrics.Binary).LogLoss)},
	}
}

// Binary returns the probabilities of the last class beside what was true.
func Binary(o clinical.Outcome, p Prediction) (*metrics.Binary, error) {
	positive, score := make([]bool, len(o.Class)), make([]float64, len(o.Class))
	for i, c := range o.Class {
		positive[i], score[i] = c == 1, p.Probabilities[2*i+1]
	}
	return metrics.NewBinary(positive, score)
}

func multiclassMeasures() []Measure {
	of := func(f func(*metrics.Multiclass) float64) func(clinical.Outcome, Prediction) float64 {
		return func(o clinical.Outcome, p Prediction) float64 {
			m, err := metrics.NewMulticlass(o.Class, p.Probabilities, len(o.Classes))
			if err != nil {
				return math.NaN()
			}
			return f(m)
		}
	}
	// A class that the test set lacks makes these undefined.
	all := func(f func(*metrics.Multiclass) float64) func(clinical.Outcome, Prediction) float64 {
		return func(o clinical.Outcome, p Prediction) float64 {
			seen := make([]bool, len(o.Classes))
			for _, c := range o.Class {
				seen[c] = true
			}
			for _, s := range seen {
				if !s {
					return math.NaN()
				}
			}
			return of(f)(o, p)
		}
	}
	nan := math.NaN()
	return []Measure{
		{"auc", "AUC (one class against the rest, mean)", unit, 0.5, all(func(m *metrics.Multiclass) float64 { a, _ := m.AUC(); return a })},
		{"auc_hand_till", "AUC (Hand and Till)", unit, 0.5, all(func(m *metrics.Multiclass) float64 { a, _ := m.HandTill(); return a })},
		{"accuracy", "accuracy", unit, nan, of(func(m *metrics.Multiclass) float64 { return m.Confusion().Accuracy() })},
		{"balanced_accuracy", "balanced accuracy", unit, nan, all(func(m *metrics.Multiclass) float64 { return m.Confusion().BalancedAccuracy() })},
		{"mcc", "Matthews correlation", [2]float64{-1, 1}, 0, all(func(m *metrics.Multiclass) float64 { return m.Confusion().MCC() })},
		{"kappa", "Cohen's kappa", [2]float64{-1, 1}, 0, all(func(m *metrics.Multiclass) float64 { return m.Confusion().Kappa(metrics.Unweighted) })},
		{"brier", "Brier score (sum over classes)", [2]float64{0, 2}, nan, of((*metrics.Multiclass).Brier)},
		{"log_loss", "log-loss", [2]float64{0, math.Inf(1)}, nan, of((*metrics.Multiclass).LogLoss)},
	}
}
