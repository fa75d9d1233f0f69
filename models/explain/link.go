package explain

import (
	"math"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// overTime is a model of trees whose cumulative hazard at a time is a sum over its trees: a survival forest. S(t) is one too, but for
// forests of an early encoding, whose S(t) is exp(−H(t)).
type overTime interface {
	ensembled
	HazardAt(time float64) *tree.Ensemble
	SurvivalAt(time float64) (*tree.Ensemble, bool)
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

// background returns the sums of the trees for background rows, rows × sums, and the targets' means over them.
func (l *linked) background(b models.Matrix, shares []float64, targets int) (sums, base []float64) {
	e := l.ensemble
	sums, base = make([]float64, b.Rows*e.Outputs()), make([]float64, targets)
	row, here := make([]float64, e.Features), make([]float64, targets)
	for i, share := range shares {
		tree.ReadRow(b, i, row)
		of := sums[i*e.Outputs() : (i+1)*e.Outputs()]
		e.Output(row, of)
		l.apply(of, here)
		for k, v := range here {
			base[k] += share * v
		}
	}
	return sums, base
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
	case len(times) > 0 && l.overTime(m, scale, times):
	case scale == Survival && exponential(m):
		l.ensemble = atTimes(m.(overTime).HazardAt, times)
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

// overTime sets the form of a forest whose numbers are themselves sums over its trees, and reports whether they are: other methods than those
// for sums then find them without a prediction for each mixture of rows.
func (l *linked) overTime(m models.Model, scale string, times []float64) bool {
	e, ok := sumsOverTime(m, scale, times)
	if !ok {
		return false
	}
	l.ensemble = e
	for k := range times {
		l.raw[k] = k
		l.links = append(l.links, func(u float64) float64 { return u })
	}
	return true
}

// exponential reports whether a model is a forest whose S(t) is exp(−H(t)), with H a sum over its trees.
func exponential(m models.Model) bool {
	f, ok := m.(overTime)
	if !ok {
		return false
	}
	_, sum := f.SurvivalAt(0)
	return !sum
}

// sumsOverTime returns a forest's trees with S(t) or the cumulative hazard at each time for outputs, where that is a sum over them.
func sumsOverTime(m models.Model, scale string, times []float64) (*tree.Ensemble, bool) {
	f, ok := m.(overTime)
	if !ok || len(times) == 0 {
		return nil, false
	}
	switch {
	case scale == CumulativeHazard:
		return atTimes(f.HazardAt, times), true
	case scale == Survival && !exponential(m):
		return atTimes(func(time float64) *tree.Ensemble {
			e, _ := f.SurvivalAt(time)
			return e
		}, times), true
	}
	return nil, false
}

// atTimes returns trees with an output a time.
func atTimes(at func(time float64) *tree.Ensemble, times []float64) *tree.Ensemble {
	first := at(times[0])
	e, k := *first, len(times)
	e.Base, e.Targets, e.Values = make([]float64, k), nil, make([]float64, e.Nodes()*k)
	for i, t := range times {
		here := first
		if i > 0 {
			here = at(t)
		}
		e.Base[i] = here.Base[0]
		for n, v := range here.Values {
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
