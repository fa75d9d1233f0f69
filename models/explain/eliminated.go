package explain

import (
	"math"
	"sync"

	"github.com/voxgene/voxgene/models"
)

// eliminated is exact for a function of one sum over trees, however many columns there are: survival and cumulative hazard of boosted Cox
// models, the probability of two boosted classes. Of a background row and the row, trees leave a junction. The function is taken apart into
// exponentials of the sum, for which worths are products over cliques and Shapley values are found by sending messages:
// exp(−v) with v = H₀(t) exp(f) is Σ (−v)^m / m!, a few dozen terms where v is moderate; what flattens out on both sides is a cosine series
// (waves). The work grows with the widest clique, not with the columns; rows whose cliques are too wide are sampled, and say so.
type eliminated struct {
	form       *linked
	shapes     []*shape
	places     [][]int32
	used       []int
	targets    int
	background []float64 // rows × used, as the trees read them
	shares     []float64
	base       []float64
	hazard     bool                    // the targets are exp(sum + shift)
	powers     bool                    // or exp(−exp(sum + shift))
	shifts     []float64               // log H₀ at the times
	waves      *waves                  // of probability and survival
	sample     func() (*walked, error) // for rows whose cliques are too wide; prepared when the first is met
}

// mostPowered is up to which cumulative hazard survival is a sum of powers: the rounding of the largest is some exp(v) times a float's.
const mostPowered = 10

// newEliminated reports whether the model has such a form on the scale, and prepares it.
func newEliminated(m models.Model, scale string, targets int, r Request) (*eliminated, bool, error) {
	form, ok := linkOf(m, scale, targets, r.Times)
	if _, forest := m.(overTime); forest || !ok || form.ensemble == nil || form.softmax || form.sums() != 1 || r.Background == nil {
		return nil, false, nil
	}
	e := &eliminated{form: form, targets: targets, shifts: make([]float64, targets), hazard: scale == CumulativeHazard, powers: scale == Survival}
	switch scale {
	case Probability:
		e.waves = newWaves(sigmoid, -30, 30)
	case Survival:
		e.waves = newWaves(func(v float64) float64 { return math.Exp(-math.Exp(v)) }, -30, 3.5)
	}
	if scale != Probability {
		for k, h := range baselines(m, r.Times) {
			if !(h > 0) {
				return nil, false, nil // survival is one whatever the columns say
			}
			e.shifts[k] = math.Log(h)
		}
	}
	b, err := r.Background.Matrix(m.Columns())
	if err != nil {
		return nil, false, err
	}
	e.shapes, e.used = layouts(form.ensemble, 0, 1)
	for _, s := range e.shapes {
		e.places = append(e.places, s.places())
	}
	e.background, e.shares = readRows(form.ensemble, e.used, b, 0, b.Rows, nil), r.Background.shares()
	_, e.base = form.background(b, e.shares, targets)
	e.sample = sync.OnceValues(func() (*walked, error) { return newWalked(form, m, targets, r) })
	return e, true, nil
}

func (e *eliminated) columns() []int   { return e.used }
func (e *eliminated) bases() []float64 { return e.base }

// eliminations is what a goroutine needs.
type eliminations struct {
	junction junction
	real     passes[float64]
	complex  passes[complex128]
	step     []float64
	turn     []complex128
}

func (e *eliminated) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	n := len(e.used)
	size := n * e.targets
	phi = s.take((hi - lo) * size)
	rows := readRows(e.form.ensemble, e.used, x, lo, hi, nil)
	s.sampled = make([]bool, hi-lo)
	for i := range hi - lo {
		to := phi[i*size : (i+1)*size]
		if e.row(rows[i*n:(i+1)*n], &s.eliminations, to) {
			continue
		}
		if errs == nil {
			errs = make([]float64, len(phi))
		}
		var other scratch
		sampled, err := e.sample()
		if err != nil {
			return nil, nil, err
		}
		values, spread, err := sampled.values(x, lo+i, lo+i+1, &other)
		if err != nil {
			return nil, nil, err
		}
		copy(to, values)
		copy(errs[i*size:], spread)
		s.sampled[i] = true
	}
	return phi, errs, nil
}

// row sets the values of a row, and reports whether the cliques with every background row are narrow enough.
func (e *eliminated) row(row []float64, s *eliminations, phi []float64) bool {
	n := len(e.used)
	for b, share := range e.shares {
		if !s.junction.build(e.form.ensemble, e.shapes, e.places, row, e.background[b*n:(b+1)*n]) {
			return false
		}
		e.add(s, share, phi)
	}
	return true
}

// powered reports whether the values of the junction are sums of powers of the cumulative hazard.
func (e *eliminated) powered(j *junction) bool {
	most := math.Inf(-1)
	for _, v := range e.shifts {
		most = max(most, j.most+v)
	}
	return e.hazard || e.powers && most <= math.Log(mostPowered)
}

// add adds what a background row gives.
func (e *eliminated) add(s *eliminations, share float64, phi []float64) {
	switch j := &s.junction; {
	case len(j.cliques) == 0:
	case e.hazard:
		e.addPowers(s, share, 1, phi)
	case e.powered(j):
		e.addPowers(s, share, math.MaxInt, phi)
	default:
		e.addWaves(s, share, phi)
	}
}

// addPowers adds the values of v, or of exp(−v) where there are more powers than one.
func (e *eliminated) addPowers(s *eliminations, share float64, powers int, phi []float64) {
	j, w, n := &s.junction, &s.real, len(e.used)
	r := legendre((len(j.cliques) + 1) / 2)
	s.step = resized(s.step, len(j.u))
	w.factor = resized(w.factor, len(j.u))
	for c, u := range j.u {
		s.step[c], w.factor[c] = math.Exp(u), 1
	}
	same := func(v float64) float64 { return v }
	coefficients, ratios := make([]float64, e.targets), make([]float64, e.targets)
	size, most := share, 0.0 // the largest cumulative hazard, and its power over the factorial
	for k, shift := range e.shifts {
		coefficients[k], ratios[k] = share, math.Exp(j.start+shift)
		most = max(most, math.Exp(j.most+shift))
		if powers > 1 {
			ratios[k] = -ratios[k]
		}
	}
	for m := 1; m <= powers; m++ {
		for k := range coefficients {
			coefficients[k] *= ratios[k] / float64(m)
		}
		if size *= most / float64(m); powers > 1 && float64(m) > most && size < 1e-17*share {
			return
		}
		for c, v := range s.step {
			w.factor[c] *= v
		}
		w.integrate(j, r, same)
		for i := range j.cliques {
			for k, c := range coefficients {
				phi[k*n+int(j.cliques[i].column)] += c * w.gain[i]
			}
		}
	}
}

// addWaves adds the values of a function as a series of cosines.
func (e *eliminated) addWaves(s *eliminations, share float64, phi []float64) {
	j, w, n := &s.junction, &s.complex, len(e.used)
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range e.shifts {
		low, high = min(low, j.least+v), max(high, j.most+v)
	}
	terms := e.waves.terms(low, high)
	r := legendre((len(j.cliques) + 1) / 2)
	s.turn = resized(s.turn, len(j.u))
	w.factor = resized(w.factor, len(j.u))
	for c, u := range j.u {
		sin, cos := math.Sincos(terms.rate * u)
		s.turn[c], w.factor[c] = complex(cos, sin), 1
	}
	for m, coefficient := range terms.coefficients {
		if m == 0 {
			continue // a constant
		}
		for c, v := range s.turn {
			w.factor[c] *= v
		}
		w.integrate(j, r, func(v float64) complex128 { return complex(v, 0) })
		for k, shift := range e.shifts {
			sin, cos := math.Sincos(terms.rate * float64(m) * (j.start + shift - terms.low))
			for i := range j.cliques {
				g := w.gain[i]
				phi[k*n+int(j.cliques[i].column)] += share * coefficient * (cos*real(g) - sin*imag(g))
			}
		}
	}
}

// work estimates how often cells are visited for a row, from pairs of rows of the background; it is false where one is too wide.
func (e *eliminated) work() (float64, bool) {
	var j junction
	n, total, pairs := len(e.used), 0.0, min(len(e.shares), 16)
	for b := range pairs {
		other := (b + len(e.shares)/2) % len(e.shares)
		if !j.build(e.form.ensemble, e.shapes, e.places, e.background[b*n:(b+1)*n], e.background[other*n:(other+1)*n]) {
			return 0, false
		}
		terms := 1.0
		switch {
		case e.hazard:
		case e.powered(&j):
			terms = 30
		default:
			terms = 4 * 200 // complex numbers
		}
		total += terms * float64(j.cells) * float64((len(j.cliques)+1)/2)
	}
	return total / float64(pairs) * float64(len(e.shares)), true
}
