package linear

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// centre moves each column's coefficients, which a softmax leaves free up to a constant, to where the penalty is least, and the
// intercepts to mean 0. With the lasso alone that is the median, as in glmnet.
func (s *solver) centre() {
	if len(s.r) < 2 {
		return
	}
	mean := 0.0
	for _, r := range s.r {
		mean += r.intercept / float64(len(s.r))
	}
	for k, r := range s.r {
		r.intercept -= mean
		floats.AddConst(-mean, s.eta[k])
	}
	done := map[int]bool{}
	b := make([]float64, len(s.r))
	for _, r := range s.r {
		for _, j := range r.active {
			if done[j] {
				continue
			}
			done[j] = true
			for k, o := range s.r {
				b[k] = o.b[j]
			}
			shift := s.cheapest(b, s.d.penalty[j])
			if shift == 0 {
				continue
			}
			for k, o := range s.r {
				o.b[j] -= shift
				if o.b[j] != 0 {
					s.activate(k, j)
				}
				floats.AddScaled(s.eta[k], -shift, s.d.column(j))
			}
		}
	}
}

// cheapest returns the shift c that minimises Σ lasso·|bₖ−c| + ridge/2·(bₖ−c)²: a root between or at the values, found in their order.
func (s *solver) cheapest(b []float64, factor float64) float64 {
	sorted := slices.Clone(b)
	slices.Sort(sorted)
	n := float64(len(sorted))
	mean := floats.Sum(sorted) / n
	if factor == 0 || s.lasso == 0 {
		return mean
	}
	if s.ridge == 0 {
		h := len(sorted) / 2
		if len(sorted)%2 == 1 {
			return sorted[h]
		}
		return (sorted[h-1] + sorted[h]) / 2
	}
	// The derivative by c, lasso·(below − above) + ridge·(n·c − Σb), rises; below is the number of values under c.
	for k, v := range sorted {
		base := s.ridge * n * (v - mean)
		if base+s.lasso*(2*float64(k+1)-n) >= 0 {
			if base+s.lasso*(2*float64(k)-n) <= 0 {
				return v // the kink holds the root
			}
			return mean - s.lasso*(2*float64(k)-n)/(s.ridge*n)
		}
	}
	return mean
}

// groupedStep moves all responses of each active column together, under the norm of its coefficients [Simon2013]. One bound on the
// curvature of a row serves all responses.
//
// [Simon2013]: https://arxiv.org/abs/1311.6529
func (s *solver) groupedStep() float64 {
	m := &s.room
	n, responses := s.d.rows, len(s.r)
	residual := make([][]float64, responses)
	before := 0.0
	for k := range s.r {
		residual[k] = make([]float64, n)
		before = s.loss.expand(s.eta, k, residual[k], m.h)
	}
	before += s.penalty()
	active := s.r[0].active
	s.prepare(s.r[0])
	old := make([][]float64, responses)
	oldIntercept := make([]float64, responses)
	for k, r := range s.r {
		oldIntercept[k] = r.intercept
		old[k] = make([]float64, len(active))
		for a, j := range active {
			old[k][a] = r.b[j]
		}
	}
	s.groupedSweep(residual)
	change, total := 0.0, floats.Sum(m.h)
	for k, r := range s.r {
		d := r.intercept - oldIntercept[k]
		change = max(change, total*d*d)
		for a, j := range active {
			d := r.b[j] - old[k][a]
			change = max(change, m.v[a]*d*d)
		}
	}
	s.predictors()
	for half := 0; half < 30; half++ {
		after := s.loss.value(s.eta) + s.penalty()
		if after <= before+1e-13*(1+math.Abs(before)) {
			break
		}
		for k, r := range s.r {
			r.intercept = (r.intercept + oldIntercept[k]) / 2
			for a, j := range active {
				r.b[j] = (r.b[j] + old[k][a]) / 2
			}
		}
		s.predictors()
	}
	return change
}

// groupedSweep minimises the bound.
func (s *solver) groupedSweep(residual [][]float64) {
	m := &s.room
	total := floats.Sum(m.h)
	g := make([]float64, len(s.r))
	for range maxSweeps {
		change := 0.0
		for k, r := range s.r {
			d := floats.Sum(residual[k]) / total
			r.intercept += d
			floats.AddScaled(residual[k], -d, m.h)
			change = max(change, total*d*d)
		}
		for a, j := range s.r[0].active {
			v, f := m.v[a], s.d.penalty[j]
			if v == 0 {
				continue
			}
			x, squares := s.d.column(j), 0.0
			for k, r := range s.r {
				g[k] = floats.Dot(x, residual[k]) + v*r.b[j]
				squares += g[k] * g[k]
			}
			shrink := 0.0
			if size := math.Sqrt(squares); size > s.lasso*f {
				shrink = (1 - s.lasso*f/size) / (v + s.ridge*f)
			}
			for k, r := range s.r {
				if d := shrink*g[k] - r.b[j]; d != 0 {
					r.b[j] = shrink * g[k]
					floats.AddScaled(residual[k], -d, m.hx[a])
					change = max(change, v*d*d)
				}
			}
		}
		if change < s.tolerance/4 {
			return
		}
	}
}
