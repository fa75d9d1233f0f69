package explain

import (
	"math"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// hazards is a model of trees whose cumulative hazard at a time is a sum over its trees: a survival forest.
type hazards interface {
	ensembled
	At(time float64) *tree.Ensemble
}

// linked is a model whose targets are functions of sums over trees or over columns: the probability of a boosted or logistic class,
// the survival of a forest or of a Cox model.
type linked struct {
	ensemble *tree.Ensemble          // nil for a linear model
	linear   [][]float64             // of a linear model, coefficients by sum
	start    []float64               // and the intercepts
	raw      []int                   // the sum that each target is a function of
	links    []func(float64) float64 // and which
	softmax  bool                    // or all targets are the softmax of all sums
}

// apply sets the targets from the sums.
func (l *linked) apply(sums, targets []float64) {
	if !l.softmax {
		for k, f := range l.links {
			targets[k] = f(sums[l.raw[k]])
		}
		return
	}
	high, total := math.Inf(-1), 0.0
	for _, v := range sums {
		high = max(high, v)
	}
	for k, v := range sums {
		targets[k] = math.Exp(v - high)
		total += targets[k]
	}
	for k := range targets {
		targets[k] /= total
	}
}

// sums is the number of sums.
func (l *linked) sums() int {
	if l.ensemble != nil {
		return l.ensemble.Outputs()
	}
	return len(l.start)
}

// linearLinkOf returns the form of a linear model on a scale on which it is not itself a sum.
func linearLinkOf(m models.Model, a additive, scale string, targets int, times []float64) (*linked, bool) {
	intercepts, weights, _ := a.Linear()
	l := &linked{linear: weights, start: intercepts, raw: make([]int, targets)}
	switch {
	case scale == Probability && targets == 1 && len(weights) == 1:
		l.links = []func(float64) float64{sigmoid}
	case scale == Probability && targets == len(weights):
		l.softmax = true
	case (scale == Survival || scale == CumulativeHazard) && len(times) > 0 && len(weights) == 1:
		return l, l.proportional(m, scale, times)
	default:
		return nil, false
	}
	return l, true
}

// proportional sets the links of a proportional hazards model, and reports whether its baseline is known at every time.
func (l *linked) proportional(m models.Model, scale string, times []float64) bool {
	for _, h := range baselines(m, times) {
		if math.IsNaN(h) {
			return false
		}
		if scale == Survival {
			l.links = append(l.links, func(u float64) float64 { return math.Exp(-h * math.Exp(u)) })
		} else {
			l.links = append(l.links, func(u float64) float64 { return h * math.Exp(u) })
		}
	}
	return true
}

// linkOf returns the form of a linear model or of one of trees on a scale on which it is not itself a sum.
func linkOf(m models.Model, scale string, targets int, times []float64) (*linked, bool) {
	if a, ok := m.(additive); ok {
		return linearLinkOf(m, a, scale, targets, times)
	}
	t, ok := m.(ensembled)
	if !ok {
		return nil, false
	}
	e := t.Ensemble()
	l := &linked{ensemble: e, raw: make([]int, targets)}
	switch {
	case scale == Probability && e.Scale == tree.LogOdds && targets == 1:
		l.links = []func(float64) float64{sigmoid}
	case scale == Probability && e.Scale == tree.LogOdds && targets == e.Outputs():
		l.softmax = true
	case scale == Survival && isHazards(m):
		l.ensemble = hazardsAt(m.(hazards), times)
		for k := range targets {
			l.raw[k] = k
			l.links = append(l.links, func(h float64) float64 { return math.Exp(-h) })
		}
	case (scale == Survival || scale == CumulativeHazard) && len(times) > 0 && e.Scale == tree.LogHazard && e.Outputs() == 1:
		return l, l.proportional(m, scale, times)
	default:
		return nil, false
	}
	return l, true
}

func isHazards(m models.Model) bool {
	_, ok := m.(hazards)
	return ok
}

// hazardsAt returns a forest with the cumulative hazard at each time as an output.
func hazardsAt(m hazards, times []float64) *tree.Ensemble {
	e := *m.Ensemble()
	k := len(times)
	e.Base, e.Targets, e.Values = make([]float64, k), nil, make([]float64, e.Nodes()*k)
	for i, t := range times {
		at := m.At(t)
		e.Base[i] = at.Base[0]
		for n, v := range at.Values {
			e.Values[n*k+i] = v
		}
	}
	return &e
}

// baselines returns the cumulative hazard of a proportional hazards model, at a log-hazard of nought, at each time, read off its own
// prediction for a row of zeros: −log S(t) = H₀(t) exp(risk).
func baselines(m models.Model, times []float64) []float64 {
	out := make([]float64, len(times))
	p, err := m.Predict(models.NewMatrix(m.Columns(), 1), times)
	for k := range out {
		if out[k] = math.NaN(); err == nil {
			out[k] = -math.Log(p.Survival[k]) / math.Exp(p.Risk[0])
		}
		if math.IsInf(out[k], 0) {
			out[k] = math.NaN() // survival of nought says nothing
		}
	}
	return out
}
