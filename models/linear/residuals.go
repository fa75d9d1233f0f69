package linear

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// CoxResiduals are the residuals of a Cox fit without penalty, with Efron's or Breslow's ties.
type CoxResiduals struct {
	Martingale []float64 // of each row: events seen less events expected
	Deviance   []float64 // the same, made symmetric
	// Schoenfeld has, for each event in order of stratum and time (rows of Events), the columns of Fitted less their mean at risk.
	Schoenfeld [][]float64
	Events     []int
	// DFBeta is, for each row, about how much the coefficients of Fitted would fall if the row were left out.
	DFBeta [][]float64
}

var errNotCox = errors.New("not a Cox fit with Efron's or Breslow's ties")

// Residuals returns the residuals of a Cox fit.
func (r *Regression) Residuals() (*CoxResiduals, error) {
	n := r.newton
	if n == nil || n.p.Family != CoxModel || n.p.Ties == Exact {
		return nil, errNotCox
	}
	l, k, rows := n.cox, len(n.columns), n.p.Rows
	times := len(l.times)
	// Cumulated over event times: Σ weight/Σe · mean of x; own: of the events of a time, under Efron; and their mean over the steps.
	sum, own, average := make([]float64, times*k), make([]float64, times*k), make([]float64, times*k)
	mean := make([]float64, k)
	n.riskSets(false, func(s *riskSet) {
		for step := range s.steps {
			f := float64(step) / float64(s.steps)
			inverse := s.mean(step, mean)
			for a, m := range mean {
				sum[s.time*k+a] += s.weight * inverse * m
				own[s.time*k+a] += (1 - f) * s.weight * inverse * m
				average[s.time*k+a] += m / float64(s.steps)
			}
		}
	})
	l.cumulate()
	for t := range times {
		if l.times[t].first {
			continue
		}
		for a := range k {
			own[t*k+a] += sum[(t-1)*k+a]
			sum[t*k+a] += sum[(t-1)*k+a]
		}
	}
	out := &CoxResiduals{Martingale: make([]float64, rows), Deviance: make([]float64, rows), DFBeta: make([][]float64, rows)}
	score := make([]float64, k)
	for i := range rows {
		hazard, _ := l.hazards(i)
		e := 0.0
		if l.w[i] > 0 {
			e = l.e[i] / l.w[i]
		}
		event := 0.0
		if l.event[i] {
			event = 1
		}
		m := event - e*hazard
		out.Martingale[i] = m
		inside := m
		if event == 1 {
			inside += math.Log(1 - m)
		}
		out.Deviance[i] = math.Copysign(math.Sqrt(max(-2*inside, 0)), m)
		n.scoreResidual(i, e, hazard, sum, own, average, score)
		out.DFBeta[i] = n.unscale(score)
	}
	n.schoenfeld(out, average)
	return out, nil
}

// scoreResidual writes a row's part in the score: its covariates' distance from the mean at risk, at its event less over its time.
func (n *newton) scoreResidual(i int, e, hazard float64, sum, own, average, dst []float64) {
	l, k := n.cox, len(n.columns)
	t := l.left[i]
	clear(dst)
	if t <= l.entered[i] {
		return
	}
	event := l.event[i] && l.w[i] > 0
	for a, j := range n.columns {
		x := n.d.column(j)[i]
		s := sum[t*k+a]
		if event {
			s = own[t*k+a]
			dst[a] = x - average[t*k+a]
		}
		if l.late(i) {
			s -= sum[l.entered[i]*k+a]
		}
		dst[a] -= e * (x*hazard - s)
	}
}

// unscale returns covariance × score on the scale of the columns.
func (n *newton) unscale(score []float64) []float64 {
	out := make([]float64, len(score))
	for a, j := range n.columns {
		for b, s := range score {
			out[a] += n.covariance.At(a, b) * s
		}
		out[a] /= n.d.scale[j]
	}
	return out
}

// schoenfeld fills the residuals of events.
func (n *newton) schoenfeld(out *CoxResiduals, average []float64) {
	l, k := n.cox, len(n.columns)
	for t := range l.times {
		for _, i := range l.times[t].rows {
			row := make([]float64, k)
			for a, j := range n.columns {
				row[a] = (n.d.column(j)[i] - average[t*k+a]) * n.d.scale[j]
			}
			out.Schoenfeld, out.Events = append(out.Schoenfeld, row), append(out.Events, i)
		}
	}
}

// Transform is the function of time whose interaction with a column ProportionalHazards tests.
type Transform int

// The transforms of R's cox.zph: one minus Kaplan–Meier just before the event, which far-off late times cannot dominate, and time.
const (
	KMTransform Transform = iota
	Identity
)

// HazardTest is a score test that hazard ratios do not change over time [Grambsch1994].
//
// [Grambsch1994]: https://doi.org/10.1093/biomet/81.3.515
type HazardTest struct {
	Statistic []float64 // chi-squared with one degree of freedom, of each column of Fitted
	Global    float64   // of all together, one degree of freedom a column
}

// ProportionalHazards tests each column of a Cox fit, and all.
func (r *Regression) ProportionalHazards(g Transform) (HazardTest, error) {
	n := r.newton
	if n == nil || n.p.Family != CoxModel || n.p.Ties == Exact {
		return HazardTest{}, errNotCox
	}
	l, k := n.cox, len(n.columns)
	if k == 0 {
		return HazardTest{}, errors.New("no column was fitted")
	}
	at := l.transformed(g, n.p)
	score := make([]float64, k)
	full := make([]float64, k*k)
	cross, square := make([]float64, k*k), make([]float64, k*k)
	mean := make([]float64, k)
	n.riskSets(true, func(s *riskSet) {
		v := at[s.time]
		s.variance(1, full)
		s.variance(v, cross)
		s.variance(v*v, square)
		for step := range s.steps {
			s.mean(step, mean)
			for a := range k {
				score[a] -= v * s.weight * mean[a]
			}
		}
		for _, i := range l.times[s.time].rows {
			for a, j := range n.columns {
				score[a] += v * l.w[i] * n.d.column(j)[i]
			}
		}
	})
	return solveScore(k, score, full, cross, square)
}

// transformed returns g at each event time, less its mean over events.
func (l *partial) transformed(g Transform, p *Problem) []float64 {
	order := make([]int, len(l.times))
	for t := range order {
		order[t] = t
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(l.times[a].time, l.times[b].time) })
	at := make([]float64, len(l.times))
	survival, events, mean := 1.0, 0.0, 0.0
	for first := 0; first < len(order); {
		time, end, d := l.times[order[first]].time, first, 0.0
		for ; end < len(order) && l.times[order[end]].time == time; end++ {
			d += float64(len(l.times[order[end]].rows))
		}
		atRisk := 0.0
		for i, t := range p.Time { // of all strata together
			if t >= time && (p.Entry == nil || p.Entry[i] == 0 || p.Entry[i] < time) {
				atRisk++
			}
		}
		v := time
		if g == KMTransform {
			v = 1 - survival
		}
		survival *= 1 - d/atRisk
		events += d
		mean += d * v
		for ; first < end; first++ {
			at[order[first]] = v
		}
	}
	for t := range at {
		at[t] -= mean / events
	}
	return at
}
