package explain

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// ensembled is a model of trees.
type ensembled interface {
	Ensemble() *tree.Ensemble
}

// choose returns what a request is about. A row of zeros is predicted to see what the model answers.
func choose(m models.Model, r Request) ([]target, error) {
	if err := finiteTimes(r.Times); err != nil {
		return nil, err
	}
	p, err := m.Predict(models.Blank(m), r.Times)
	if err != nil {
		return nil, err
	}
	if p.Kind == clinical.Class {
		return ofClasses(p, r)
	}
	for k, s := range p.Survival {
		if math.IsNaN(s) {
			return nil, fmt.Errorf("the model predicts no survival at time %v: it is past the follow-up of training, or the model has no baseline", r.Times[k])
		}
	}
	return ofSurvival(m, r)
}

func finiteTimes(times []float64) error {
	for i, t := range times {
		if math.IsNaN(t) || math.IsInf(t, 0) || t < 0 {
			return fmt.Errorf("time %d is %v; want a finite time of 0 or more", i+1, t)
		}
	}
	return nil
}

func ofClasses(p models.Prediction, r Request) ([]target, error) {
	if len(r.Times) > 0 {
		return nil, errors.New("times were asked for, and the model predicts a class")
	}
	allowed := []string{Probability}
	if p.Margin != nil {
		allowed = []string{LogOdds, Probability}
	}
	scale, err := among(r.Scale, allowed)
	if err != nil {
		return nil, err
	}
	k := len(p.Classes)
	if k == 2 {
		t := target{class: p.Classes[1], time: math.NaN(), scale: scale, number: func(p models.Prediction, row int) float64 { return p.Probabilities[row*2+1] }}
		if scale == LogOdds {
			t.number = func(p models.Prediction, row int) float64 { return p.Margin[row] }
		}
		return []target{t}, nil
	}
	out := make([]target, k)
	for c := range out {
		out[c] = target{class: p.Classes[c], time: math.NaN(), scale: scale, number: func(p models.Prediction, row int) float64 { return p.Probabilities[row*k+c] }}
		if scale == LogOdds {
			out[c].number = func(p models.Prediction, row int) float64 { return p.Margin[row*k+c] }
		}
	}
	return out, nil
}

func ofSurvival(m models.Model, r Request) ([]target, error) {
	risk := LogHazard
	if e, ok := m.(ensembled); ok {
		risk = string(e.Ensemble().Scale)
	}
	if s, ok := m.(interface{ RiskScale() string }); ok {
		risk = s.RiskScale()
	}
	if len(r.Times) == 0 {
		scale, err := among(r.Scale, []string{risk})
		if err != nil {
			return nil, fmt.Errorf("%w; for survival and cumulative hazard give times", err)
		}
		return []target{{time: math.NaN(), scale: scale, number: func(p models.Prediction, row int) float64 { return p.Risk[row] }}}, nil
	}
	scale, err := among(r.Scale, []string{Survival, CumulativeHazard})
	if err != nil {
		return nil, err
	}
	out := make([]target, len(r.Times))
	for k, t := range r.Times {
		out[k] = target{time: t, scale: scale, number: func(p models.Prediction, row int) float64 { return p.Survival[row*len(r.Times)+k] }}
		if scale == CumulativeHazard {
			out[k].number = func(p models.Prediction, row int) float64 {
				if p.Hazard != nil {
					return p.Hazard[row*len(r.Times)+k]
				}
				return -math.Log(p.Survival[row*len(r.Times)+k])
			}
		}
	}
	return out, nil
}

// among returns the scale asked for, or the first where none was.
func among(scale string, allowed []string) (string, error) {
	if scale == "" {
		return allowed[0], nil
	}
	if !slices.Contains(allowed, scale) {
		return "", fmt.Errorf("the model cannot be explained on the scale %q; it can on %q", scale, allowed)
	}
	return scale, nil
}

// automatic is the method for a request that leaves it open.
func automatic(m models.Model, scale string, targets int, r Request) string {
	if _, err := coefficients(m, scale); err == nil {
		return Linear
	}
	if _, ok := m.(combination); ok {
		if _, err := newCombined(m, scale, targets, r); err == nil {
			return Combined
		}
	}
	if own := ownMethods(m); len(own) > 0 {
		return own[0]
	}
	if _, err := ensembleOf(m, scale, r.Times); err == nil {
		return TreePathDependent
	}
	few := fewColumns
	if _, ok := linkOf(m, scale, targets, r.Times); ok {
		few = fewLinked
	}
	n := len(active(m))
	if n <= few {
		return Enumeration
	}
	if l, ok, err := newLinkedSum(m, scale, targets, r); n <= fewIntegrated && ok && err == nil && l.spread() < widest {
		return Linear
	}
	if e, ok, err := newEliminated(m, scale, targets, r); ok && err == nil {
		if work, narrow := e.work(); narrow && work < mostWork {
			return TreeInterventional
		}
	}
	return Permutation
}

// active returns the columns that a model can react to: those that its trees ask, those with a coefficient, or all.
func active(m models.Model) []int {
	var out []int
	switch m := m.(type) {
	case additive:
		_, weights, _ := m.Linear()
		for j := range weights[0] {
			if slices.ContainsFunc(weights, func(w []float64) bool { return w[j] != 0 }) {
				out = append(out, j)
			}
		}
	case ensembled:
		_, out = asked(m.Ensemble())
	default:
		for j := range m.Columns() {
			out = append(out, j)
		}
	}
	return out
}
