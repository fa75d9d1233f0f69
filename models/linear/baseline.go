package linear

import (
	"math"
	"slices"
)

// Baseline is the cumulative hazard of a Cox fit without penalty, with all that the error of a patient's curve needs.
type Baseline struct {
	newton   *newton
	hazard   []float64 // cumulated, of a patient at the means, at each event time
	variance []float64 // Σ 1/(Σe)²
	mean     []float64 // Σ mean of x · hazard step, k numbers a time
}

// Baseline returns the baseline of a Cox fit, by strata where it has them.
func (r *Regression) Baseline() (*Baseline, error) {
	n := r.newton
	if n == nil || n.p.Family != CoxModel || n.p.Ties == Exact {
		return nil, errNotCox
	}
	l, k := n.cox, len(n.columns)
	b := &Baseline{newton: n, hazard: make([]float64, len(l.times)), variance: make([]float64, len(l.times)), mean: make([]float64, len(l.times)*k)}
	mean := make([]float64, k)
	n.riskSets(false, func(s *riskSet) {
		for step := range s.steps {
			inverse := s.mean(step, mean)
			b.hazard[s.time] += s.weight * inverse
			b.variance[s.time] += s.weight * inverse * inverse
			for a, m := range mean {
				b.mean[s.time*k+a] += s.weight * inverse * m
			}
		}
	})
	shift := slices.Max(n.eta[0]) // e was divided by its exponential
	scale := math.Exp(-shift)
	for t := range l.times {
		b.hazard[t] *= scale
		b.variance[t] *= scale * scale
		for a := range k {
			b.mean[t*k+a] *= scale
		}
		if !l.times[t].first {
			b.hazard[t] += b.hazard[t-1]
			b.variance[t] += b.variance[t-1]
			for a := range k {
				b.mean[t*k+a] += b.mean[(t-1)*k+a]
			}
		}
	}
	return b, nil
}

// At returns the survival at time t of a patient with these column values, in a stratum, and its standard error: the errors of the
// baseline and of the coefficients together [Tsiatis1981].
//
// [Tsiatis1981]: https://doi.org/10.1214/aos/1176345335
func (b *Baseline) At(t float64, x []float64, stratum int) (survival, stdErr float64) {
	n := b.newton
	l, k := n.cox, len(n.columns)
	at := -1
	for i, e := range l.times {
		if e.stratum == stratum && e.time <= t {
			at = i
		}
	}
	if at < 0 {
		return 1, 0
	}
	eta := 0.0
	away := make([]float64, k)
	for a, j := range n.columns {
		z := (x[j] - n.d.mean[j]) / n.d.scale[j]
		eta += n.b[a] * z
		away[a] = z*b.hazard[at] - b.mean[at*k+a]
	}
	hazard := math.Exp(eta)
	variance := b.variance[at]
	for a := range k {
		for c := range k {
			variance += away[a] * n.covariance.At(a, c) * away[c]
		}
	}
	survival = math.Exp(-b.hazard[at] * hazard)
	return survival, survival * hazard * math.Sqrt(variance)
}
