package linear

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// screen remembers gradients, so that most columns need not be read again when the residuals have moved little: by Cauchy–Schwarz a
// gradient changes by at most the column's norm times the distance that the residuals moved.
type screen struct {
	gradient  []float64
	snapshot  []int // which residuals the gradient was computed with, −1 none
	snapshots [][]float64
	distance  []float64 // of each snapshot from the residuals now
}

// maxSnapshots bounds the memory, in numbers.
const maxSnapshots = 4 << 20

func newScreen(columns int) screen {
	s := screen{gradient: make([]float64, columns), snapshot: make([]int, columns)}
	for j := range s.snapshot {
		s.snapshot[j] = -1
	}
	return s
}

// see takes the residuals as the present ones.
func (s *screen) see(u []float64) {
	if (len(s.snapshots)+1)*len(u) > max(maxSnapshots, 2*len(u)) {
		s.snapshots, s.distance = nil, nil
		for j := range s.snapshot {
			s.snapshot[j] = -1
		}
	}
	s.snapshots = append(s.snapshots, append([]float64(nil), u...))
	s.distance = s.distance[:0]
	for _, old := range s.snapshots {
		s.distance = append(s.distance, floats.Distance(old, u, 2))
	}
}

// bound returns an upper bound of the size of column j's gradient now.
func (s *screen) bound(j int, norm float64) float64 {
	k := s.snapshot[j]
	if k < 0 {
		return math.Inf(1)
	}
	return math.Abs(s.gradient[j]) + norm*s.distance[k]
}

// set records the gradient of column j under the present residuals.
func (s *screen) set(j int, g float64) {
	s.gradient[j], s.snapshot[j] = g, len(s.snapshots)-1
}

// look computes the gradients of response k that may reach the threshold, and activates the columns beyond it. It returns how many.
func (s *solver) look(k int, threshold float64) int {
	r, added := s.r[k], 0
	s.loss.expand(s.eta, k, s.room.u, s.room.h)
	r.screen.see(s.room.u)
	for j := range s.d.columns {
		if r.isActive[j] || s.excluded(j) {
			continue
		}
		limit := threshold * s.d.penalty[j]
		if r.screen.bound(j, s.d.norm[j]) <= limit {
			continue
		}
		g := floats.Dot(s.d.column(j), s.room.u)
		r.screen.set(j, g)
		if math.Abs(g) > limit {
			s.activate(k, j)
			added++
		}
	}
	return added
}

// lookGrouped is look for columns whose responses enter together, by the norm of their gradients.
func (s *solver) lookGrouped(threshold float64) int {
	for k := range s.r {
		s.loss.expand(s.eta, k, s.room.u, s.room.h)
		s.r[k].screen.see(s.room.u)
	}
	added := 0
	last := func(k int) []float64 { return s.r[k].screen.snapshots[len(s.r[k].screen.snapshots)-1] }
	for j := range s.d.columns {
		if s.r[0].isActive[j] || s.excluded(j) {
			continue
		}
		limit := threshold * s.d.penalty[j]
		bound, squares := 0.0, 0.0
		for k := range s.r {
			b := s.r[k].screen.bound(j, s.d.norm[j])
			bound += b * b
		}
		if math.Sqrt(bound) <= limit {
			continue
		}
		for k := range s.r {
			g := floats.Dot(s.d.column(j), last(k))
			s.r[k].screen.set(j, g)
			squares += g * g
		}
		if math.Sqrt(squares) > limit {
			for k := range s.r {
				s.activate(k, j)
			}
			added++
		}
	}
	return added
}

// solve minimises over all columns: over the active ones, then over those that their gradient lets in, until none is left.
func (s *solver) solve() {
	for {
		s.predictors()
		s.descend()
		added := 0
		if s.grouped {
			added = s.lookGrouped(s.lasso)
		} else {
			for k := range s.r {
				added += s.look(k, s.lasso)
			}
		}
		if added == 0 {
			return
		}
	}
}
