package survival

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Incidence is the Aalen–Johansen estimate under competing events: the probability of each kind of event by each time.
type Incidence struct {
	Kinds []int     // of event, ascending
	Times []float64 // every distinct time, ascending
	Free  []float64 // probability of no event yet, just after each time
	// Cumulative[k][i] is the incidence of Kinds[k] just after Times[i], and Variance the delta-method estimate of package cmprsk.
	Cumulative, Variance [][]float64

	observations []Observation
	atRisk       []float64
	deaths       [][]float64 // by kind and time
}

// AalenJohansen returns the cumulative incidence of each kind of event [Aalen1978b]. Kaplan–Meier of one kind, others censored, would
// overstate it.
//
// [Aalen1978b]: https://www.jstor.org/stable/4615704
func AalenJohansen(observations []Observation) (*Incidence, error) {
	if err := validate(observations, math.MaxInt); err != nil {
		return nil, err
	}
	c := count(observations)
	r := &Incidence{Times: c.time, atRisk: c.atRisk, observations: slices.Clone(observations)}
	for _, o := range observations {
		if o.Event > 0 {
			r.Kinds = append(r.Kinds, o.Event)
		}
	}
	slices.Sort(r.Kinds)
	r.Kinds = slices.Compact(r.Kinds)
	if len(r.Kinds) == 0 {
		return nil, fmt.Errorf("survival: no patient had an event")
	}
	for range r.Kinds {
		r.deaths = append(r.deaths, make([]float64, len(c.time)))
		r.Cumulative = append(r.Cumulative, make([]float64, len(c.time)))
		r.Variance = append(r.Variance, make([]float64, len(c.time)))
	}
	for _, o := range observations {
		if o.Event > 0 {
			k, _ := slices.BinarySearch(r.Kinds, o.Event)
			i, _ := slices.BinarySearch(c.time, o.Time)
			r.deaths[k][i]++
		}
	}
	free := 1.0
	for i := range c.time {
		for k := range r.Kinds {
			last := 0.0
			if i > 0 {
				last = r.Cumulative[k][i-1]
			}
			r.Cumulative[k][i] = last + free*r.deaths[k][i]/c.atRisk[i]
		}
		free *= 1 - c.events[i]/c.atRisk[i]
		r.Free = append(r.Free, free)
	}
	for k := range r.Kinds {
		r.vary(k, c)
	}
	return r, nil
}

// vary fills the variance of one kind: the sum over times of what a count there, hypergeometric under ties, does to the incidence now.
func (r *Incidence) vary(k int, c counts) {
	var v1, v2, v3 float64
	before := 1.0
	for i := range c.time {
		n, f := c.atRisk[i], r.Cumulative[k][i]
		inverse := 0.0
		if r.Free[i] > 0 {
			inverse = 1 / r.Free[i]
		}
		add := func(deaths, effect float64) {
			if deaths == 0 {
				return
			}
			spread := before * before * deaths / (n * n)
			if deaths > 1 {
				spread *= 1 - (deaths-1)/(n-1)
			}
			v1 += effect * effect * spread
			v2 += effect * inverse * spread
			v3 += inverse * inverse * spread
		}
		if r.Free[i] > 0 {
			add(c.events[i]-r.deaths[k][i], f*inverse)
		}
		add(r.deaths[k][i], 1+f*inverse)
		before = r.Free[i]
		r.Variance[k][i] = max(v1+f*f*v3-2*f*v2, 0)
	}
}

// At returns the incidence of kind k (its index in Kinds) by time t, and its delta-method variance.
func (r *Incidence) At(k int, t float64) (incidence, variance float64) {
	if i := upTo(r.Times, t); i >= 0 {
		return r.Cumulative[k][i], r.Variance[k][i]
	}
	return 0, 0
}

// StdErr returns the infinitesimal jackknife standard error of the incidence of kind k by time t, as R's multi-state survfit; for k of
// −1 that of the probability of no event.
func (r *Incidence) StdErr(k int, t float64) float64 {
	last := upTo(r.Times, t)
	if last < 0 {
		return 0
	}
	// For a patient still at risk: what being counted in the denominators up to a time has done to log S and to the incidence.
	logFree, incidence := make([]float64, last+1), make([]float64, last+1)
	s, v, f := 1.0, 0.0, 0.0
	before := make([]float64, last+1) // S(t−)
	for i := range last + 1 {
		n, d := r.atRisk[i], 0.0
		for _, deaths := range r.deaths {
			d += deaths[i]
		}
		before[i] = s
		if k >= 0 {
			f += s*v*r.deaths[k][i]/n - s*r.deaths[k][i]/(n*n)
		}
		if d > 0 && n > d {
			v += d / (n * (n - d))
		}
		s *= 1 - d/n
		logFree[i], incidence[i] = v, f
	}
	sum := 0.0
	for _, o := range r.observations {
		d := r.influence(o, k, last, before, logFree, incidence)
		sum += d * d
	}
	return math.Sqrt(sum)
}

// influence is what one patient has done to the estimate at the time of index last.
func (r *Incidence) influence(o Observation, k, last int, before, logFree, incidence []float64) float64 {
	at := func(v []float64, i int) float64 {
		if i < 0 {
			return 0
		}
		return v[i]
	}
	entry := -1
	if o.Entry != 0 {
		entry = upTo(r.Times, o.Entry)
	}
	if entry >= last {
		return 0 // not yet at risk
	}
	end, _ := slices.BinarySearch(r.Times, o.Time)
	stop := min(end, last)
	// Late entry: the sums start there. The incidence's sum holds log S from the start, so what entered before is taken off.
	v := at(logFree, stop) - at(logFree, entry)
	f := at(incidence, stop) - at(incidence, entry)
	if k >= 0 {
		f -= at(logFree, entry) * (at(r.Cumulative[k], stop) - at(r.Cumulative[k], entry))
	}
	if o.Event > 0 && end <= last {
		n, d := r.atRisk[end], 0.0
		for _, deaths := range r.deaths {
			d += deaths[end]
		}
		if n > d {
			v -= 1 / (n - d)
		}
		if k >= 0 && o.Event == r.Kinds[k] {
			f += before[end] / n
		}
	}
	if k < 0 {
		return r.Free[last] * v
	}
	return f + v*(r.Cumulative[k][last]-at(r.Cumulative[k], stop))
}

// sortBy sorts indices by value, stably.
func sortBy(order []int, value []float64) {
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(value[a], value[b]) })
}
