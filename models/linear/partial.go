package linear

import (
	"cmp"
	"math"
	"slices"
)

// partial is Cox's partial likelihood [Cox1972], Efron's or Breslow's for tied events, with case weights, strata and late entries.
//
// Event times of all strata stand in one list, strata after each other and ascending within. A row is at risk at the event times
// (entered, left] of its stratum, so that risk sets are differences of suffix sums and nothing is sorted in a fit.
//
// [Cox1972]: https://doi.org/10.1111/j.2517-6161.1972.tb00899.x
type partial struct {
	w             []float64
	event         []bool
	efron         bool
	times         []eventTime
	entered, left []int // of each row: index of its last event time not yet, and still, at risk; one below its stratum's first where none
	truncated     bool
	e             []float64 // w·exp(η − c)
	a, b          []float64 // cumulated over event times: Σ 1/denominator, Σ 1/denominator²
	ownA, ownB    []float64 // the same for the events of one time alone, who leave their risk set one by one under Efron
	atRisk, tied  []float64 // Σ e at risk and having the event, at each event time
}

// eventTime is a distinct time at which some row of a stratum has the event.
type eventTime struct {
	time    float64
	stratum int
	first   bool // of its stratum
	weight  float64
	rows    []int // with the event
}

func newPartial(p *Problem, w []float64) *partial {
	l := &partial{w: w, event: p.Event, efron: p.Ties == Efron, entered: make([]int, p.Rows), left: make([]int, p.Rows), e: make([]float64, p.Rows)}
	stratum := func(i int) int {
		if p.Strata == nil {
			return 0
		}
		return p.Strata[i]
	}
	var events []int
	for i, e := range p.Event {
		if e && w[i] > 0 {
			events = append(events, i)
		}
	}
	slices.SortStableFunc(events, func(a, b int) int {
		return cmp.Or(cmp.Compare(stratum(a), stratum(b)), cmp.Compare(p.Time[a], p.Time[b]))
	})
	for _, i := range events {
		n := len(l.times)
		if n == 0 || l.times[n-1].time != p.Time[i] || l.times[n-1].stratum != stratum(i) {
			l.times = append(l.times, eventTime{time: p.Time[i], stratum: stratum(i), first: n == 0 || l.times[n-1].stratum != stratum(i)})
			n++
		}
		t := &l.times[n-1]
		t.rows = append(t.rows, i)
		t.weight += w[i]
	}
	// last returns the index of the last event time of a stratum at or before t.
	last := func(s int, t float64) int {
		k, exact := slices.BinarySearchFunc(l.times, t, func(e eventTime, t float64) int {
			return cmp.Or(cmp.Compare(e.stratum, s), cmp.Compare(e.time, t))
		})
		if exact {
			return k
		}
		return k - 1
	}
	for i := range p.Rows {
		s := stratum(i)
		l.left[i], l.entered[i] = last(s, p.Time[i]), last(s, math.Inf(-1))
		if p.Entry != nil && p.Entry[i] != 0 {
			l.entered[i] = last(s, p.Entry[i])
			l.truncated = true
		}
	}
	n := len(l.times)
	l.a, l.b, l.ownA, l.ownB = make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	l.atRisk, l.tied = make([]float64, n), make([]float64, n)
	return l
}

// exponentiate writes w·exp(η − c), c the largest η, and the sums over risk sets; it returns c.
func (l *partial) exponentiate(eta []float64) float64 {
	c := math.Inf(-1)
	for _, v := range eta {
		c = max(c, v)
	}
	clear(l.atRisk)
	clear(l.tied)
	for i, v := range eta {
		e := l.w[i] * math.Exp(v-c)
		l.e[i] = e
		if k := l.left[i]; k > l.entered[i] {
			l.atRisk[k] += e
		}
	}
	if l.truncated {
		for i, k := range l.entered {
			if l.late(i) {
				l.atRisk[k] -= l.e[i]
			}
		}
	}
	for k := len(l.times) - 1; k >= 0; k-- {
		t := &l.times[k]
		for _, i := range t.rows {
			l.tied[k] += l.e[i]
		}
		if k+1 < len(l.times) && !l.times[k+1].first {
			l.atRisk[k] += l.atRisk[k+1]
		}
	}
	return c
}

// late reports whether row i was at risk only after the first event time of its stratum.
func (l *partial) late(i int) bool {
	k := l.entered[i]
	return k >= 0 && l.left[i] > k && l.times[k].stratum == l.times[l.left[i]].stratum
}

// share returns the number of steps in which the events of a time leave the risk set, and the weight of each step.
func (l *partial) share(t *eventTime) (steps int, weight float64) {
	if l.efron && len(t.rows) > 1 {
		return len(t.rows), t.weight / float64(len(t.rows))
	}
	return 1, t.weight
}

// value returns the loss at η.
func (l *partial) value(eta [][]float64) float64 {
	return l.sum(eta[0], l.exponentiate(eta[0]))
}

func (l *partial) sum(eta []float64, c float64) float64 {
	sum := 0.0
	for k := range l.times {
		t := &l.times[k]
		steps, weight := l.share(t)
		for s := range steps {
			denominator := l.atRisk[k] - float64(s)/float64(steps)*l.tied[k]
			sum += weight * (c + math.Log(denominator))
		}
		for _, i := range t.rows {
			sum -= l.w[i] * eta[i]
		}
	}
	return sum
}

// cumulate fills a, b, ownA and ownB.
func (l *partial) cumulate() {
	a, b := 0.0, 0.0
	for k := range l.times {
		t := &l.times[k]
		if t.first {
			a, b = 0, 0
		}
		steps, weight := l.share(t)
		ownA, ownB := a, b
		for s := range steps {
			f := float64(s) / float64(steps)
			inverse := 1 / (l.atRisk[k] - f*l.tied[k])
			a += weight * inverse
			b += weight * inverse * inverse
			ownA += weight * (1 - f) * inverse
			ownB += weight * (1 - f) * (1 - f) * inverse * inverse
		}
		l.a[k], l.b[k], l.ownA[k], l.ownB[k] = a, b, ownA, ownB
	}
}

// hazards returns what multiplies e and e² of row i: the sums over the event times at which it was at risk.
func (l *partial) hazards(i int) (a, b float64) {
	k, before := l.left[i], l.entered[i]
	if k <= before {
		return 0, 0
	}
	if l.event[i] && l.w[i] > 0 {
		a, b = l.ownA[k], l.ownB[k]
	} else {
		a, b = l.a[k], l.b[k]
	}
	if l.truncated && l.late(i) {
		a -= l.a[before]
		b -= l.b[before]
	}
	return a, b
}

func (l *partial) expand(eta [][]float64, _ int, u, h []float64) float64 {
	c := l.exponentiate(eta[0])
	l.cumulate()
	for i, e := range l.e {
		a, b := l.hazards(i)
		u[i] = -e * a
		if l.event[i] {
			u[i] += l.w[i]
		}
		h[i] = max(e*a-e*e*b, l.w[i]*leastWeight)
	}
	return l.sum(eta[0], c)
}

// saturated is the largest value that −loss can reach: each event certain among those at its time.
func (l *partial) saturated() float64 {
	sum := 0.0
	for k := range l.times {
		t := &l.times[k]
		steps, weight := l.share(t)
		for s := range steps {
			sum -= weight * math.Log(t.weight*(1-float64(s)/float64(steps)))
		}
	}
	return sum
}
