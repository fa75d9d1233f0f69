package survival

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// IPCW judges predictions at a time under censoring: patients whose state at that time is known stand for those who were censored
// before, by the inverse of the probability G of not being censored, estimated by Kaplan–Meier from the same patients [Graf1999].
// Events leave the risk set of G before those censored at the same time, as in riskRegression and prodlim.
//
// [Graf1999]: https://doi.org/10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5
type IPCW struct {
	observations []Observation
	times        []float64 // distinct, ascending
	g            []float64 // G just after each
	hazard       []float64 // of being censored, at each
	reached      []float64 // fraction of patients with a follow-up of at least each
	steps        []float64 // where the Brier score can change: times of the observations and of G
}

// Censoring is the probability of not being censored, G, estimated by Kaplan–Meier from some patients, to judge others by.
type Censoring struct{ times, g []float64 }

// NewCensoring estimates the censoring. Late entries and competing events are refused.
func NewCensoring(observations []Observation) (*Censoring, error) {
	w, err := NewIPCW(observations)
	if err != nil {
		return nil, err
	}
	return &Censoring{w.times, w.g}, nil
}

// before returns G(t−).
func (c *Censoring) before(t float64) float64 {
	if k, _ := slices.BinarySearch(c.times, t); k > 0 {
		return c.g[k-1]
	}
	return 1
}

// Of weighs other patients by this censoring, which their errors take as known: those of a test set by that of the training set, as
// scikit-survival does. Measures at a time when nobody is left uncensored in the training set are not finite.
func (c *Censoring) Of(observations []Observation) (*IPCW, error) {
	w, err := NewIPCW(observations)
	if err != nil {
		return nil, err
	}
	w.steps = append(slices.Clone(w.times), c.times...)
	slices.Sort(w.steps)
	w.steps = slices.Compact(w.steps)
	w.times, w.g, w.hazard, w.reached = c.times, c.g, nil, nil
	return w, nil
}

// NewIPCW estimates the censoring. Late entries and competing events are refused.
func NewIPCW(observations []Observation) (*IPCW, error) {
	if err := validate(observations, 1); err != nil {
		return nil, err
	}
	for i, o := range observations {
		if o.Entry != 0 {
			return nil, fmt.Errorf("observation %d: entry %v: weights for censoring are not defined for late entries", i, o.Entry)
		}
	}
	c := count(observations)
	w := &IPCW{observations: slices.Clone(observations), times: c.time, steps: c.time}
	g, n := 1.0, float64(len(observations))
	for k := range c.time {
		h := 0.0
		if left := c.atRisk[k] - c.events[k]; left > 0 {
			h = c.censored[k] / left
		}
		g *= 1 - h
		w.g, w.hazard, w.reached = append(w.g, g), append(w.hazard, h), append(w.reached, c.atRisk[k]/n)
	}
	return w, nil
}

// at returns G(t), before G(t−).
func (w *IPCW) at(t float64) float64 {
	if k := upTo(w.times, t); k >= 0 {
		return w.g[k]
	}
	return 1
}

func (w *IPCW) before(t float64) float64 {
	if k, _ := slices.BinarySearch(w.times, t); k > 0 {
		return w.g[k-1]
	}
	return 1
}

// Score is a measure at a time. Influence is each patient's part in its error, G being estimated taken into account; the difference
// of two models' influences gives the error of their difference (Compare).
type Score struct {
	Value     float64
	StdErr    float64
	Influence []float64
}

func newScore(value float64, influence []float64) Score {
	return Score{Value: value, StdErr: stdErr(influence), Influence: influence}
}

// stdErr is the standard deviation of influences by the root of their number.
func stdErr(influence []float64) float64 {
	n, m, squares := float64(len(influence)), 0.0, 0.0
	for _, f := range influence {
		m += f / n
	}
	for _, f := range influence {
		squares += (f - m) * (f - m)
	}
	return math.Sqrt(squares / (n - 1) / n)
}

// Interval returns the confidence limits of the score.
func (s Score) Interval(level float64) (low, high float64) {
	half := distuv.UnitNormal.Quantile(0.5+level/2) * s.StdErr
	return s.Value - half, s.Value + half
}

// Compare returns the difference of two scores of the same patients, first minus second, its standard error and two-sided p.
func Compare(first, second Score) (difference, standardError, p float64) {
	d := make([]float64, len(first.Influence))
	for i := range d {
		d[i] = first.Influence[i] - second.Influence[i]
	}
	difference, standardError = first.Value-second.Value, stdErr(d)
	return difference, standardError, 2 * distuv.UnitNormal.Survival(math.Abs(difference/standardError))
}

// state is what is known of a patient at time t: its weight, and the event; a weight of 0 is a patient censored before.
func (w *IPCW) state(i int, t, gt float64) (weight float64, event bool) {
	switch o := w.observations[i]; {
	case o.Time > t:
		return 1 / gt, false
	case o.Event > 0:
		return 1 / w.before(o.Time), true
	}
	return 0, false
}

// check names the first prediction that is not usable.
func (w *IPCW) check(name string, v []float64, low, high float64) error {
	if len(v) != len(w.observations) {
		return fmt.Errorf("%d predictions for %d observations", len(v), len(w.observations))
	}
	for i, x := range v {
		if !(x >= low && x <= high) {
			return fmt.Errorf("observation %d: %s %v: want a number from %v to %v", i, name, x, low, high)
		}
	}
	return nil
}

// Brier returns the mean squared error of predicted survival at time t.
func (w *IPCW) Brier(t float64, survival []float64) (Score, error) {
	if err := w.check("survival", survival, 0, 1); err != nil {
		return Score{}, err
	}
	gt := w.at(t)
	part := make([]float64, len(survival))
	value := 0.0
	for i, s := range survival {
		weight, event := w.state(i, t, gt)
		switch {
		case event:
			part[i] = weight * s * s
		case weight > 0:
			part[i] = weight * (1 - s) * (1 - s)
		}
		value += part[i] / float64(len(part))
	}
	influence := w.throughG(t, part)
	for i := range influence {
		influence[i] += part[i] - value
	}
	return newScore(value, influence), nil
}

// throughG returns, for parts that are divided by G, the influence on their mean of estimating G: the martingale integral of
// Σ parts still using G at u, by the fraction at risk at u.
func (w *IPCW) throughG(t float64, part []float64) []float64 {
	if w.hazard == nil {
		return make([]float64, len(part)) // G is that of others, and known
	}
	n := float64(len(part))
	using := make([]float64, len(w.times)+1) // Σ of parts whose G is taken at or after each time
	for i, o := range w.observations {
		last := upTo(w.times, t)
		if o.Time <= t { // an event: its G is that before its time
			k, _ := slices.BinarySearch(w.times, o.Time)
			last = k - 1
		}
		if last >= 0 {
			using[last] += part[i] / n
		}
	}
	for k := len(w.times) - 2; k >= 0; k-- {
		using[k] += using[k+1]
	}
	drift := make([]float64, len(w.times)) // ∫ using/reached dΛ up to each time
	sum := 0.0
	for k := range w.times {
		sum += using[k] / w.reached[k] * w.hazard[k]
		drift[k] = sum
	}
	out := make([]float64, len(part))
	for i, o := range w.observations {
		k, _ := slices.BinarySearch(w.times, o.Time)
		if o.Event > 0 { // gone before those censored at its time
			if k > 0 {
				out[i] = -drift[k-1]
			}
			continue
		}
		out[i] = using[k]/w.reached[k] - drift[k]
	}
	return out
}

// AUC returns the probability that a patient who had the event by time t had a higher risk than one who had not, ties counting one
// half [Blanche2013]. It is NaN where there are none of either.
//
// [Blanche2013]: https://doi.org/10.1002/sim.5958
func (w *IPCW) AUC(t float64, risk []float64) (Score, error) {
	if err := w.check("risk", risk, math.Inf(-1), math.Inf(1)); err != nil {
		return Score{}, err
	}
	n := len(risk)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(risk[a], risk[b]) })
	gt := w.at(t)
	weight, event := make([]float64, n), make([]bool, n)
	cases, controls := 0.0, 0.0
	for i := range n {
		weight[i], event[i] = w.state(i, t, gt)
		if event[i] {
			cases += weight[i]
		} else if weight[i] > 0 {
			controls++
		}
	}
	if cases == 0 || controls == 0 {
		return Score{Value: math.NaN(), StdErr: math.NaN(), Influence: make([]float64, n)}, nil
	}
	beaten := make([]float64, n) // of a case: the share of controls below it; of a control: the weight share of cases above it
	belowControls, aboveCases, auc := 0.0, cases, 0.0
	for first := 0; first < n; {
		end, tiedControls, tiedCases := first, 0.0, 0.0
		for ; end < n && risk[order[end]] == risk[order[first]]; end++ {
			switch i := order[end]; {
			case event[i]:
				tiedCases += weight[i]
			case weight[i] > 0:
				tiedControls++
			}
		}
		aboveCases -= tiedCases
		for ; first < end; first++ {
			if i := order[first]; event[i] {
				beaten[i] = (belowControls + tiedControls/2) / controls
				auc += weight[i] / cases * beaten[i]
			} else {
				beaten[i] = (aboveCases + tiedCases/2) / cases
			}
		}
		belowControls += tiedControls
	}
	part := make([]float64, n)
	for i := range part {
		if event[i] {
			part[i] = weight[i] * (beaten[i] - auc) / (cases / float64(n))
		}
	}
	influence := w.throughG(t, part)
	for i := range influence {
		influence[i] += part[i]
		if !event[i] && weight[i] > 0 {
			influence[i] += (beaten[i] - auc) / (controls / float64(n))
		}
	}
	return newScore(auc, influence), nil
}

// IntegratedBrier returns the Brier score averaged over time from 0 to tau, held from each time of the observations to the next, as
// package pec does. survival returns the predicted S of patient i at time t.
func (w *IPCW) IntegratedBrier(tau float64, survival func(i int, t float64) float64) (float64, error) {
	if !(tau > 0) || math.IsInf(tau, 1) {
		return 0, fmt.Errorf("tau %v: want a finite time above 0", tau)
	}
	sum := 0.0
	at := make([]float64, len(w.observations))
	for k, t := range w.steps {
		if t >= tau {
			break
		}
		next := tau
		if k+1 < len(w.steps) {
			next = min(w.steps[k+1], tau)
		}
		for i := range at {
			at[i] = survival(i, t)
		}
		if err := w.check(fmt.Sprintf("survival at %v", t), at, 0, 1); err != nil {
			return 0, err
		}
		sum += w.brier(t, at) * (next - t)
	}
	return sum / tau, nil
}

// brier is the value alone.
func (w *IPCW) brier(t float64, survival []float64) float64 {
	gt, sum := w.at(t), 0.0
	for i, s := range survival {
		weight, event := w.state(i, t, gt)
		if !event {
			s = 1 - s
		}
		if weight > 0 {
			sum += weight * s * s
		}
	}
	return sum / float64(len(survival))
}
