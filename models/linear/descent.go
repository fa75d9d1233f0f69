package linear

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// solver minimises the penalised loss at one λ after another by cyclical coordinate descent on its quadratic approximations, over
// the columns that are active; what is left out is proved to belong at 0 by its gradient.
type solver struct {
	d            *design
	loss         loss
	intercept    bool
	grouped      bool
	lasso, ridge float64 // λα and λ(1−α), before penalty factors
	tolerance    float64 // of v·δ², the loss that a last change can have been worth

	offset [][]float64
	eta    [][]float64 // of each response
	ready  bool        // room.u and room.h are those at eta, of the only response
	value  float64     // the loss there
	r      []*response
	room   scratch
}

// response is one linear predictor.
type response struct {
	b         []float64 // of standardised columns
	intercept float64
	active    []int
	isActive  []bool
	screen    screen
}

// scratch is the memory of one Newton step.
type scratch struct {
	u, h, r, eta []float64
	before       []float64   // coefficients at the start of the step, by position in active
	hx           [][]float64 // h∘x, by position in active
	v            []float64
}

func newSolver(d *design, l loss, responses int, offset []float64) *solver {
	s := &solver{d: d, loss: l, tolerance: 1e-7}
	n := d.rows
	for k := range responses {
		s.r = append(s.r, &response{b: make([]float64, d.columns), isActive: make([]bool, d.columns), screen: newScreen(d.columns)})
		s.eta = append(s.eta, make([]float64, n))
		off := make([]float64, n)
		for i := range off {
			if offset != nil {
				off[i] = offset[i*responses+k]
			}
		}
		copy(s.eta[k], off)
		s.offset = append(s.offset, off)
	}
	s.room = scratch{u: make([]float64, n), h: make([]float64, n), r: make([]float64, n), eta: make([]float64, n)}
	return s
}

// activate lets column j of response k move.
func (s *solver) activate(k, j int) {
	if r := s.r[k]; !r.isActive[j] {
		r.isActive[j] = true
		r.active = append(r.active, j)
	}
}

// excluded reports whether column j takes part in no fit.
func (s *solver) excluded(j int) bool { return s.d.norm[j] == 0 }

// penalty is what the coefficients cost.
func (s *solver) penalty() float64 {
	sum := 0.0
	if s.grouped {
		for _, j := range s.r[0].active {
			squares := 0.0
			for _, r := range s.r {
				squares += r.b[j] * r.b[j]
			}
			sum += s.d.penalty[j] * (s.lasso*math.Sqrt(squares) + s.ridge/2*squares)
		}
		return sum
	}
	for _, r := range s.r {
		for _, j := range r.active {
			b := r.b[j]
			sum += s.d.penalty[j] * (s.lasso*math.Abs(b) + s.ridge/2*b*b)
		}
	}
	return sum
}

// maxSteps bounds Newton steps at one λ, maxSweeps the passes over the active columns in one step.
const (
	maxSteps  = 2000
	maxSweeps = 20000

	// innerAccuracy is how far, by its first sweep, a Newton step is solved.
	innerAccuracy = 0.1
)

// descend minimises over the active columns.
func (s *solver) descend() {
	for range maxSteps {
		change := 0.0
		if s.grouped {
			change = s.groupedStep()
		} else {
			for k := range s.r {
				change = max(change, s.step(k))
			}
			s.centre()
		}
		if change < s.tolerance {
			return
		}
	}
}

// step minimises the quadratic approximation in response k and goes there, or part of the way where that is not downhill. It returns
// the largest v·δ².
func (s *solver) step(k int) float64 {
	r, m := s.r[k], &s.room
	if !s.ready {
		s.value = s.loss.expand(s.eta, k, m.u, m.h)
	}
	before := s.value + s.penalty()
	s.prepare(r)
	was := r.intercept
	copy(m.r, m.u)
	s.sweep(r)
	change := 0.0
	if s.intercept {
		d := r.intercept - was
		change = floats.Sum(m.h) * d * d
	}
	for a, j := range r.active {
		d := r.b[j] - m.before[a]
		change = max(change, m.v[a]*d*d)
	}
	copy(m.eta, s.eta[k])
	s.move(k, was)
	for half := 0; half < 30; half++ {
		s.evaluate()
		if s.value+s.penalty() <= before+1e-13*(1+math.Abs(before)) {
			break
		}
		for a, j := range r.active {
			r.b[j] = (r.b[j] + m.before[a]) / 2
		}
		r.intercept = (r.intercept + was) / 2
		e := s.eta[k]
		for i := range e {
			e[i] = (e[i] + m.eta[i]) / 2
		}
		s.ready = false
	}
	return change
}

// evaluate finds the loss at eta; where there is one response, its expansion too, which the next step starts from.
func (s *solver) evaluate() {
	if s.ready = len(s.r) == 1; s.ready {
		s.value = s.loss.expand(s.eta, 0, s.room.u, s.room.h)
		return
	}
	s.value = s.loss.value(s.eta)
}

// prepare fills the scratch for the active columns of a response.
func (s *solver) prepare(r *response) {
	m := &s.room
	m.before, m.v = m.before[:0], m.v[:0]
	for a, j := range r.active {
		if a == len(m.hx) {
			m.hx = append(m.hx, make([]float64, s.d.rows))
		}
		x := s.d.column(j)
		m.v = append(m.v, weigh(m.hx[a], m.h, x))
		m.before = append(m.before, r.b[j])
	}
}

// weigh writes h∘x and returns Σ h·x².
func weigh(dst, h, x []float64) float64 {
	dst, h = dst[:len(x)], h[:len(x)]
	a, b := 0.0, 0.0
	i := 0
	for ; i+1 < len(x); i += 2 {
		p, q := h[i]*x[i], h[i+1]*x[i+1]
		dst[i], dst[i+1] = p, q
		a += p * x[i]
		b += q * x[i+1]
	}
	if i < len(x) {
		dst[i] = h[i] * x[i]
		a += dst[i] * x[i]
	}
	return a + b
}

// sweep minimises the quadratic over intercept and active columns; m.r is kept equal to its negative gradient by η. Between full
// passes only coefficients off zero are visited.
func (s *solver) sweep(r *response) {
	m := &s.room
	total := floats.Sum(m.h)
	tolerance := s.tolerance / 4
	full := true
	for n := range maxSweeps {
		change := 0.0
		if s.intercept {
			d := floats.Sum(m.r) / total
			r.intercept += d
			floats.AddScaled(m.r, -d, m.h)
			change = total * d * d
		}
		for a, j := range r.active {
			b := r.b[j]
			if !full && b == 0 {
				continue
			}
			v, f := m.v[a], s.d.penalty[j]
			if v == 0 {
				continue
			}
			g := floats.Dot(s.d.column(j), m.r) + v*b
			if to := soft(g, s.lasso*f) / (v + s.ridge*f); to != b {
				d := to - b
				r.b[j] = to
				floats.AddScaled(m.r, -d, m.hx[a])
				change = max(change, v*d*d)
			}
		}
		if n == 0 { // the approximation is not worth more than a fraction of what the step is
			tolerance = max(tolerance, innerAccuracy*change)
		}
		if change < tolerance {
			if full {
				return
			}
			full = true
			continue
		}
		full = false
	}
}

// soft is the soft threshold.
func soft(g, t float64) float64 {
	switch {
	case g > t:
		return g - t
	case g < -t:
		return g + t
	}
	return 0
}

// move brings η of response k to where the coefficients now are.
func (s *solver) move(k int, was float64) {
	r, e := s.r[k], s.eta[k]
	if d := r.intercept - was; d != 0 {
		floats.AddConst(d, e)
	}
	for a, j := range r.active {
		if d := r.b[j] - s.room.before[a]; d != 0 {
			floats.AddScaled(e, d, s.d.column(j))
		}
	}
}

// predictors recomputes η from the coefficients, so that rounding does not add up along a path.
func (s *solver) predictors() {
	s.ready = false
	for k, r := range s.r {
		e := s.eta[k]
		copy(e, s.offset[k])
		floats.AddConst(r.intercept, e)
		for _, j := range r.active {
			if r.b[j] != 0 {
				floats.AddScaled(e, r.b[j], s.d.column(j))
			}
		}
	}
}
