package validate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/survival"
)

// training is what the training rows of a fold say of follow-up.
type training struct {
	censoring *survival.Censoring
	curve     survival.Curve // of everybody
}

// Judged returns the predictions as Of does, to be judged by the censoring of the fold's training rows: test sets are small, and
// weights that a test set makes for itself are noisy. A fold without training rows, as patients of elsewhere are, uses its own.
func (f FoldResult) Judged(o clinical.Outcome, model int) Prediction {
	p := f.Of(model)
	if o.Kind != clinical.Survival || len(f.Fold.Train) == 0 {
		return p
	}
	obs, err := survival.Observations(o.Select(f.Fold.Train))
	if err != nil {
		return p
	}
	obs = survival.Cause(obs, 1)
	c, err := survival.NewCensoring(obs)
	if err != nil {
		return p // late entries: no measure at a time is defined
	}
	if curve, err := survival.KaplanMeier(obs); err == nil {
		p.training = &training{c, curve}
	}
	return p
}

// censoring is that of the training rows, nil where they are not known.
func (p Prediction) censoring() *survival.Censoring {
	if p.training == nil {
		return nil
	}
	return p.training.censoring
}

// AtTime returns the measures of predictions at one of the study's times: AUC, Brier score, and the Brier score of predicting for
// everybody the Kaplan–Meier estimate of the training rows, which a model should be below.
func AtTime(t float64) []Measure {
	at := func(f func(*survival.IPCW, Prediction, curve, int) (float64, error)) func(clinical.Outcome, Prediction) float64 {
		return censored(func(w *survival.IPCW, _ []survival.Observation, p Prediction, c curve) (float64, error) {
			k, found := slices.BinarySearch(c.times, t)
			if !found {
				return 0, errors.New("past the follow-up")
			}
			return f(w, p, c, k)
		})
	}
	return []Measure{
		{fmt.Sprintf("auc_t %v", t), "AUC(t)", unit, 0.5, at(func(w *survival.IPCW, p Prediction, _ curve, _ int) (float64, error) {
			s, err := w.AUC(t, p.Risk)
			return s.Value, err
		})},
		{fmt.Sprintf("brier_t %v", t), "Brier(t)", unit, math.NaN(), at(func(w *survival.IPCW, _ Prediction, c curve, k int) (float64, error) {
			s, err := w.Brier(t, c.column(k))
			return s.Value, err
		})},
		{fmt.Sprintf("brier_t_marginal %v", t), "Brier(t) of Kaplan–Meier", unit, math.NaN(), at(func(w *survival.IPCW, p Prediction, _ curve, _ int) (float64, error) {
			if p.training == nil {
				return 0, errors.New("no training rows")
			}
			same := make([]float64, len(p.Risk))
			for i := range same {
				same[i] = p.training.curve.At(t)
			}
			s, err := w.Brier(t, same)
			return s.Value, err
		})},
	}
}

func survivalMeasures() []Measure {
	rank := func(w survival.TimeWeight) func(clinical.Outcome, Prediction) float64 {
		return func(o clinical.Outcome, p Prediction) float64 {
			obs, err := survival.Observations(o)
			if err != nil {
				return math.NaN()
			}
			c, err := survival.Rank(survival.Cause(obs, 1), p.Risk, survival.ConcordanceOptions{Weight: w, Censoring: p.censoring()})
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

// censored makes a measure that weighs patients by the inverse probability of censoring, that of the training rows where they are
// known. Times past the follow-up of the training
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
		var w *survival.IPCW
		if g := p.censoring(); g != nil {
			w, err = g.Of(obs)
		} else {
			w, err = survival.NewIPCW(obs)
		}
		if err != nil {
			return math.NaN()
		}
		v, err := f(w, obs, p, c)
		if err != nil || math.IsInf(v, 0) {
			return math.NaN()
		}
		return v
	}
}
