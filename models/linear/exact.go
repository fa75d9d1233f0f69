package linear

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// exact is the negative log of the exact partial likelihood of tied times, in which each set of rows of the size that had the event
// might have been the one [Cox1972]. The sum over sets and its derivatives come from a recursion over the risk set [Gail1981], which
// costs rows × events × columns² an event time; it is for studies of hundreds of rows.
//
// [Gail1981]: https://doi.org/10.1093/biomet/68.3.703
func (n *newton) exact(b, gradient []float64, hessian *mat.SymDense) float64 {
	n.predictors(b)
	l, k := n.cox, len(n.columns)
	l.exponentiate(n.eta[0])
	sum := 0.0
	if gradient != nil {
		clear(gradient)
		hessian.Zero()
	}
	x := make([]float64, k)
	for t := range l.times {
		s := newSubsets(len(l.times[t].rows), k, gradient != nil)
		for i := range l.e {
			if l.left[i] >= t && l.entered[i] < t && l.times[t].stratum == l.times[l.left[i]].stratum {
				for c, j := range n.columns {
					x[c] = n.d.column(j)[i]
				}
				s.add(math.Exp(n.eta[0][i]-n.eta[0][l.times[t].rows[0]]), x)
			}
		}
		d := s.size
		base := n.eta[0][l.times[t].rows[0]]
		sum += math.Log(s.value[d]) + float64(d)*base
		for _, i := range l.times[t].rows {
			sum -= n.eta[0][i]
			if gradient != nil {
				for c, j := range n.columns {
					gradient[c] -= n.d.column(j)[i]
				}
			}
		}
		if gradient == nil {
			continue
		}
		for a := range k {
			ga := s.first[d*k+a] / s.value[d]
			gradient[a] += ga
			for c := a; c < k; c++ {
				gc := s.first[d*k+c] / s.value[d]
				hessian.SetSym(a, c, hessian.At(a, c)+s.second[(d*k+a)*k+c]/s.value[d]-ga*gc)
			}
		}
	}
	return sum
}

// subsets holds, for each size up to that of the events, the sum over all sets of that size of the product of e, and its derivatives.
type subsets struct {
	size, k              int
	seen                 int
	value, first, second []float64
	derivatives          bool
}

func newSubsets(size, k int, derivatives bool) *subsets {
	s := &subsets{size: size, k: k, derivatives: derivatives, value: make([]float64, size+1)}
	s.value[0] = 1
	if derivatives {
		s.first, s.second = make([]float64, (size+1)*k), make([]float64, (size+1)*k*k)
	}
	return s
}

// add lets a row with e = exp(x·β) into the sets: B(d) ← B(d) + e·B(d−1).
func (s *subsets) add(e float64, x []float64) {
	s.seen++
	k := s.k
	for d := min(s.size, s.seen); d >= 1; d-- {
		if s.derivatives {
			for a := range k {
				for c := a; c < k; c++ {
					s.second[(d*k+a)*k+c] += e * (s.second[((d-1)*k+a)*k+c] + x[a]*s.first[(d-1)*k+c] + x[c]*s.first[(d-1)*k+a] + x[a]*x[c]*s.value[d-1])
				}
			}
			for a := range k {
				s.first[d*k+a] += e * (s.first[(d-1)*k+a] + x[a]*s.value[d-1])
			}
		}
		s.value[d] += e * s.value[d-1]
	}
}
