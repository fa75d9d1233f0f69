package validate

import (
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/models/survival"
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

func survivalMeasures() []Measure {
	rank := func(w survival.TimeWeight) func(clinical.Outcome, Prediction) float64 {
		return func(o clinical.Outcome, p Prediction) float64 {
			obs, err := survival.Observations(o)
			if err != nil {
				return math.NaN()
			}
			c, err := survival.Rank(survival.Cause(obs, 1), p.Risk, survival.ConcordanceOptions{Weight: w})
			if err != nil {
				return math.NaN()
			}
			return c.C
		}
	}
	return []Measure{
		{"c_index", "C-index (Harrell)", unit, 0.5, rank(survival.Harrell)},
		{"c_index_uno", "C-index (Uno)", unit, 0.5, rank(survival.Uno)},
		{"auc_t", "AUC at half of the follow-up", unit, 0.5, censored(func(w *survival.IPCW, _ []survival.Observation, p Prediction, curve curve) (float64, error) {
			s, err := w.AUC(curve.times[(len(curve.times)-1)/2], p.Risk)
			return s.Value, err
		})},
		{"brier_t", "Brier score at half of the follow-up", unit, math.NaN(), censored(func(w *survival.IPCW, _ []survival.Observation, _ Prediction, curve curve) (float64, error) {
			k := (len(curve.times) - 1) / 2
			s, err := w.Brier(curve.times[k], curve.column(k))
			return s.Value, err
		})},
		{"ibs", "integrated Brier score", unit, math.NaN(), censored(func(w *survival.IPCW, obs []survival.Observation, _ Prediction, curve curve) (float64, error) {
			last := 0.0
			for _, o := range obs {
				last = max(last, o.Time)
			}
			return w.IntegratedBrier(min(curve.times[len(curve.times)-1], last), curve.at)
		})},
	}
}

// curve is the predicted survival of test rows at the times that every training set of the study reaches.
type curve struct {
	times    []float64
	width    int
	survival []float64
}

func (c curve) column(k int) []float64 {
	out := make([]float64, len(c.survival)/c.width)
	for i := range out {
		out[i] = c.survival[i*c.width+k]
	}
	return out
}

// at is the survival of row i at time t: that of the last time kept which is not after t.
func (c curve) at(i int, t float64) float64 {
	k, exact := slices.BinarySearch(c.times, t)
	if exact {
		k++
	}
	if k == 0 {
		return 1
	}
	return c.survival[i*c.width+k-1]
}

// censored makes a measure that weighs patients by the inverse probability of censoring. Times past the follow-up of the training
// rows, where a model gives no survival, are left out.
func censored(f func(*survival.IPCW, []survival.Observation, Prediction, curve) (float64, error)) func(clinical.Outcome, Prediction) float64 {
	return func(o clinical.Outcome, p Prediction) float64 {
		c := curve{width: len(p.Times), survival: p.Survival}
		for k := range p.Times {
			for i := range len(p.Risk) {
				if math.IsNaN(p.Survival[i*c.width+k]) {
					k = -1
					break
				}
			}
			if k < 0 {
				break
			}
			c.times = p.Times[:k+1]
		}
		if len(c.times) == 0 {
			return math.NaN()
		}
		obs, err := survival.Observations(o)
		if err != nil {
			return math.NaN()
		}
		obs = survival.Cause(obs, 1)
		w, err := survival.NewIPCW(obs)
		if err != nil {
			return math.NaN()
		}
		v, err := f(w, obs, p, c)
		if err != nil {
			return math.NaN()
		}
		return v
	}
}
