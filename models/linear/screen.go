package linear

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// screen remembers gradients, so that most columns need not be read again when the residuals have moved little. With the residuals now
// a·then + e, e at right angles to then, a gradient is at most |a| times what it was plus the column's norm times that of e.
type screen struct {
	gradient  []float64
	snapshot  []int // which residuals the gradient was computed with, −1 none
	snapshots [][]float64
	along     []float64 // |a| for each snapshot
	away      []float64 // norm of e
}

// maxSnapshots bounds the memory, in numbers; with fewer columns than fewColumns every gradient is simply computed.
const (
	maxSnapshots = 4 << 20
	fewColumns   = 512
)

func newScreen(columns int) screen {
	s := screen{gradient: make([]float64, columns), snapshot: make([]int, columns)}
	for j := range s.snapshot {
		s.snapshot[j] = -1
	}
	return s
}

// see takes the residuals as the present ones.
func (s *screen) see(u []float64) {
	if len(s.snapshot) < fewColumns {
		s.snapshots = append(s.snapshots[:0], u)
		return
	}
	if (len(s.snapshots)+1)*len(u) > max(maxSnapshots, 2*len(u)) {
		s.snapshots = nil
		for j := range s.snapshot {
			s.snapshot[j] = -1
		}
	}
	s.snapshots = append(s.snapshots, append([]float64(nil), u...))
	s.along, s.away = s.along[:0], s.away[:0]
	squares := floats.Dot(u, u)
	for _, then := range s.snapshots[:len(s.snapshots)-1] {
		product, before := floats.Dot(u, then), floats.Dot(then, then)
		a := 0.0
		if before > 0 {
			a = product / before
		}
		// Rounding is allowed for, so that the bound stays one.
		rest := max(squares-a*product, 0) + 1e-14*squares
		s.along, s.away = append(s.along, math.Abs(a)), append(s.away, math.Sqrt(rest))
	}
	s.along, s.away = append(s.along, 1), append(s.away, 0)
}

// now returns the present residuals.
func (s *screen) now() []float64 { return s.snapshots[len(s.snapshots)-1] }

// bound returns an upper bound of the size of column j's gradient now.
func (s *screen) bound(j int, norm float64) float64 {
	k := s.snapshot[j]
	if k < 0 {
		return math.Inf(1)
	}
	return s.along[k]*math.Abs(s.gradient[j]) + norm*s.away[k]
}

// compute returns the gradient of column j under the present residuals, and remembers it.
func (s *screen) compute(j int, x []float64) float64 {
	g := floats.Dot(x, s.now())
	if len(s.snapshot) >= fewColumns {
		s.gradient[j], s.snapshot[j] = g, len(s.snapshots)-1
	}
	return g
}

// see expands every response and shows its residuals to its screen.
func (s *solver) see() {
	for k, r := range s.r {
		u := s.room.u
		if k > 0 {
			u = make([]float64, s.d.rows)
		}
		if k > 0 || !s.ready {
			s.loss.expand(s.eta, k, u, s.room.h)
		}
		r.screen.see(u)
	}
	if len(s.r) > 1 {
		s.ready = false
	}
}

// look computes the gradients that may reach the threshold, and activates the columns beyond it. It returns how many.
func (s *solver) look(threshold float64) int {
	if s.grouped {
		return s.lookGrouped(threshold)
	}
	s.see()
	added := 0
	for j := range s.d.columns {
		if s.excluded(j) {
			continue
		}
		limit := threshold * s.d.penalty[j]
		for k, r := range s.r {
			if r.isActive[j] || r.screen.bound(j, s.d.norm[j]) <= limit {
				continue
			}
			if g := r.screen.compute(j, s.d.column(j)); math.Abs(g) > limit {
				s.activate(k, j)
				added++
			}
		}
	}
	return added
}

// lookGrouped is look for columns whose responses enter together, by the norm of their gradients.
func (s *solver) lookGrouped(threshold float64) int {
	s.see()
	added := 0
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
			g := s.r[k].screen.compute(j, s.d.column(j))
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
		if s.look(s.lasso) == 0 {
			return
		}
	}
}
