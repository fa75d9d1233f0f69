package genes

import (
	"errors"
	"math"
)

// nuRegression fits a linear nu-support vector regression (Schölkopf and others 2000) and returns its weights. The dual, with a pair
// of multipliers a row, is solved by sequential minimal optimisation with second-order working sets, within each half of the pairs
// (Fan, Chen and Lin 2005; Chang and Lin 2002), until no pair violates optimality by more than tolerance.
func nuRegression(x [][]float64, y []float64, nu, cost, tolerance float64) ([]float64, error) {
	n := len(x)
	s := &smo{n: n, x: x, cost: cost, alpha: make([]float64, 2*n), gradient: make([]float64, 2*n), kernel: make([][]float64, n)}
	left := cost * nu * float64(n) / 2
	for i := range n { // a feasible start: as much as fits, the same on both sides
		s.alpha[i] = min(left, cost)
		s.alpha[i+n] = s.alpha[i]
		left -= s.alpha[i]
		s.gradient[i], s.gradient[i+n] = -y[i], y[i]
	}
	// The pairs start equal and cancel in the quadratic part, so the gradient is the linear part alone.
	const most = 10_000_000
	for range most {
		i, j, violation := s.pair()
		if violation < tolerance {
			return s.weights(), nil
		}
		s.step(i, j)
	}
	return nil, errors.New("the support vector regression did not converge")
}

// smo is the state of the solver. Multiplier i < n is of the upper side of row i, i ≥ n of the lower side of row i−n.
type smo struct {
	n               int
	x               [][]float64
	cost            float64
	alpha, gradient []float64
	kernel          [][]float64 // rows computed so far
}

func (s *smo) row(i int) []float64 {
	i %= s.n
	if s.kernel[i] == nil {
		k := make([]float64, s.n)
		for j := range s.n {
			for c, v := range s.x[i] {
				k[j] += v * s.x[j][c]
			}
		}
		s.kernel[i] = k
	}
	return s.kernel[i]
}

// q is the element of the dual's matrix: the kernel, with a sign for multipliers of opposite sides.
func (s *smo) q(i, j int) float64 {
	k := s.row(i)[j%s.n]
	if (i < s.n) != (j < s.n) {
		return -k
	}
	return k
}

// pair chooses two multipliers of the same side: the first violates optimality most, the second gives the largest decrease.
func (s *smo) pair() (bestI, bestJ int, violation float64) {
	bestI, bestJ = -1, -1
	gain := math.Inf(-1)
	for side := range 2 {
		from, to := side*s.n, (side+1)*s.n
		i, top := -1, math.Inf(-1)
		for t := from; t < to; t++ {
			if s.alpha[t] < s.cost && -s.gradient[t] > top {
				i, top = t, -s.gradient[t]
			}
		}
		if i < 0 {
			continue
		}
		bottom := math.Inf(-1)
		for t := from; t < to; t++ {
			if s.alpha[t] <= 0 {
				continue
			}
			bottom = max(bottom, s.gradient[t])
			if d := top + s.gradient[t]; d > 0 {
				curvature := max(s.q(i, i)+s.q(t, t)-2*s.q(i, t), 1e-12)
				if g := d * d / curvature; g > gain {
					bestI, bestJ, gain = i, t, g
				}
			}
		}
		violation = max(violation, top+bottom)
	}
	if bestI < 0 {
		return 0, 0, 0
	}
	return bestI, bestJ, violation
}

// step moves weight from multiplier j to i, keeping their sum.
func (s *smo) step(i, j int) {
	curvature := max(s.q(i, i)+s.q(j, j)-2*s.q(i, j), 1e-12)
	d := (s.gradient[j] - s.gradient[i]) / curvature
	d = min(d, s.cost-s.alpha[i], s.alpha[j])
	s.alpha[i] += d
	s.alpha[j] -= d
	if s.cost-s.alpha[i] < 1e-15*s.cost {
		s.alpha[i] = s.cost
	}
	if s.alpha[j] < 1e-15*s.cost {
		s.alpha[j] = 0
	}
	ki, kj := s.row(i), s.row(j)
	sign := 1.0
	if i >= s.n {
		sign = -1
	}
	for t := range s.n {
		change := sign * d * (ki[t] - kj[t])
		s.gradient[t] += change
		s.gradient[t+s.n] -= change
	}
}

// weights are those of the linear function.
func (s *smo) weights() []float64 {
	w := make([]float64, len(s.x[0]))
	for i, row := range s.x {
		a := s.alpha[i] - s.alpha[i+s.n]
		for k, v := range row {
			w[k] += a * v
		}
	}
	return w
}
