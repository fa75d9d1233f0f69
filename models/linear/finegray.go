package linear

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Subdistribution is a Fine–Gray regression: of the incidence of one kind of event where others compete [Fine1999]. A coefficient is
// the log of a subdistribution hazard ratio, which orders incidences; it is not a cause-specific effect.
//
// [Fine1999]: https://doi.org/10.1080/01621459.1999.10474144
type Subdistribution struct {
	Coefficients []float64
	StdErrs      []float64 // robust, the estimate of censoring taken into account
	Covariance   *mat.SymDense
	LogLik       float64 // pseudo-log partial likelihood
}

// FineGray fits the incidence of events of kind 1. event numbers the kind of each row's: 0 censored, 1 the event, 2 and up competing.
// Of the problem it reads columns and times; late entries, strata, weights and offsets are refused.
func FineGray(p Problem, event []int) (*Subdistribution, error) {
	p.Family, p.Event = CoxModel, make([]bool, p.Rows)
	if len(event) != p.Rows {
		return nil, fmt.Errorf("%d events for %d rows", len(event), p.Rows)
	}
	for i, e := range event {
		p.Event[i] = e == 1
	}
	if p.Entry != nil || p.Strata != nil || p.Weights != nil || p.Offset != nil {
		return nil, errors.New("a Fine–Gray regression takes no late entries, strata, weights or offsets")
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	d, err := newDesign(&p, nil, nil, true)
	if err != nil {
		return nil, err
	}
	var all []int
	for j := range p.Columns {
		all = append(all, j)
	}
	if kept, aliased := d.aliased(all); len(kept) < p.Columns {
		return nil, fmt.Errorf("columns of one value, or that others determine, cannot be fitted: %s", p.list([]int{aliased[0].Column}))
	}
	f := newFineGray(&p, d, event)
	return f.fit()
}

// fineGray holds rows in order of time. Those with a competing event stay at risk, with the weight G(t−)/G(T−), G the Kaplan–Meier
// estimate of censoring.
type fineGray struct {
	d     *design
	order []int
	event []int
	time  []float64
	g     []float64 // G just before each row's time
	times []fgTime
}

// fgTime is a distinct time.
type fgTime struct {
	first, end int // rows in order
	events     float64
	censored   float64
	g          float64 // G just before
	s0         float64 // risk set
	mean       []float64
}

func newFineGray(p *Problem, d *design, event []int) *fineGray {
	f := &fineGray{d: d, event: event, time: p.Time, order: make([]int, p.Rows), g: make([]float64, p.Rows)}
	for i := range f.order {
		f.order[i] = i
	}
	slices.SortStableFunc(f.order, func(a, b int) int { return cmp.Compare(p.Time[a], p.Time[b]) })
	g := 1.0
	for first := 0; first < len(f.order); {
		t := fgTime{first: first, end: first, g: g, mean: make([]float64, d.columns)}
		for ; t.end < len(f.order) && p.Time[f.order[t.end]] == p.Time[f.order[first]]; t.end++ {
			i := f.order[t.end]
			f.g[i] = g
			switch event[i] {
			case 0:
				t.censored++
			case 1:
				t.events++
			}
		}
		g *= 1 - t.censored/float64(len(f.order)-first)
		f.times = append(f.times, t)
		first = t.end
	}
	return f
}

// expand returns the loss and fills gradient and Hessian at b, and each time's risk set.
func (f *fineGray) expand(b []float64) (value float64, gradient []float64, hessian *mat.SymDense, e []float64) {
	k, n := f.d.columns, len(f.order)
	eta := make([]float64, n)
	for j, v := range b {
		for i, x := range f.d.column(j) {
			eta[i] += v * x
		}
	}
	e = make([]float64, n)
	for i, v := range eta {
		e[i] = math.Exp(v)
	}
	gradient, hessian = make([]float64, k), mat.NewSymDense(k, nil)
	// Sums over rows not yet gone, and over competing events gone, divided by their G.
	here, gone := newMoments(k), newMoments(k)
	for _, i := range f.order {
		here.add(e[i], f.d, i)
	}
	for t := range f.times {
		at := &f.times[t]
		if at.events > 0 {
			s0 := here.s0 + at.g*gone.s0
			at.s0 = s0
			for a := range k {
				at.mean[a] = (here.s1[a] + at.g*gone.s1[a]) / s0
			}
			for a := range k {
				for c := a; c < k; c++ {
					v := (here.s2[a*k+c]+at.g*gone.s2[a*k+c])/s0 - at.mean[a]*at.mean[c]
					hessian.SetSym(a, c, hessian.At(a, c)+at.events*v)
				}
			}
			value += at.events * math.Log(s0)
		}
		for _, i := range f.order[at.first:at.end] {
			if f.event[i] == 1 {
				value -= eta[i]
				for a := range k {
					gradient[a] += at.mean[a] - f.d.column(a)[i]
				}
			}
			here.add(-e[i], f.d, i)
			if f.event[i] > 1 {
				gone.add(e[i]/f.g[i], f.d, i)
			}
		}
	}
	return value, gradient, hessian, e
}

// moments are Σ w, Σ w·x and Σ w·x·xᵀ.
type moments struct {
	s0     float64
	s1, s2 []float64
}

func newMoments(k int) *moments { return &moments{s1: make([]float64, k), s2: make([]float64, k*k)} }

func (m *moments) add(w float64, d *design, i int) {
	m.s0 += w
	for a := range m.s1 {
		x := w * d.column(a)[i]
		m.s1[a] += x
		for c := a; c < len(m.s1); c++ {
			m.s2[a*len(m.s1)+c] += x * d.column(c)[i]
		}
	}
}

func (f *fineGray) fit() (*Subdistribution, error) {
	k := f.d.columns
	b, trial := make([]float64, k), make([]float64, k)
	value, gradient, hessian, e := f.expand(b)
	var c mat.Cholesky
	for range maxNewton {
		if !c.Factorize(hessian) {
			return nil, fmt.Errorf("%w (the information matrix is singular)", ErrSeparated)
		}
		var step mat.VecDense
		if err := c.SolveVecTo(&step, mat.NewVecDense(k, gradient)); err != nil && !errors.As(err, new(mat.Condition)) {
			return nil, err
		}
		largest, scale, before := 0.0, 1.0, value
		for half := 0; half < 40; half++ {
			largest = 0
			for a := range b {
				trial[a] = b[a] - scale*step.AtVec(a)
				largest = max(largest, math.Abs(scale*step.AtVec(a)))
			}
			if value, gradient, hessian, e = f.expand(trial); value <= before+1e-12*(1+math.Abs(before)) {
				break
			}
			scale /= 2
		}
		copy(b, trial)
		if largest < 1e-10 {
			return f.result(b, value, hessian, e)
		}
	}
	return nil, ErrSeparated
}

// result brings the fit to the scale of the columns, with the sandwich of Fine and Gray's influences.
func (f *fineGray) result(b []float64, value float64, hessian *mat.SymDense, e []float64) (*Subdistribution, error) {
	k := len(b)
	var c mat.Cholesky
	var inverse mat.SymDense
	if !c.Factorize(hessian) {
		return nil, fmt.Errorf("%w (the information matrix is singular)", ErrSeparated)
	}
	if err := c.InverseTo(&inverse); err != nil && !errors.As(err, new(mat.Condition)) {
		return nil, err
	}
	meat := mat.NewSymDense(k, nil)
	for _, u := range f.influences(e) {
		meat.SymRankOne(meat, 1, mat.NewVecDense(k, u))
	}
	var half, full mat.Dense
	half.Mul(&inverse, meat)
	full.Mul(&half, &inverse)
	s := &Subdistribution{LogLik: -value, Covariance: mat.NewSymDense(k, nil)}
	for a := range k {
		for d := a; d < k; d++ {
			s.Covariance.SetSym(a, d, full.At(a, d)/f.d.scale[a]/f.d.scale[d])
		}
		s.Coefficients = append(s.Coefficients, b[a]/f.d.scale[a])
		s.StdErrs = append(s.StdErrs, math.Sqrt(s.Covariance.At(a, a)))
	}
	return s, nil
}

// influences returns each row's part in the score: its own events and risk, and what its censoring did to the weights of others.
func (f *fineGray) influences(e []float64) [][]float64 {
	k, n := f.d.columns, len(f.order)
	// Cumulated from the end: Σ G(s−)·dΛ and the same times the mean, over event times at or after each; and from the start, without G.
	later, laterMean := make([]float64, len(f.times)+1), make([]float64, (len(f.times)+1)*k)
	for t := len(f.times) - 1; t >= 0; t-- {
		at := &f.times[t]
		step := 0.0
		if at.events > 0 {
			step = at.g * at.events / at.s0
		}
		later[t] = later[t+1] + step
		for a := range k {
			laterMean[t*k+a] = laterMean[(t+1)*k+a] + step*at.mean[a]
		}
	}
	out := make([][]float64, n)
	sofar, sofarMean := 0.0, make([]float64, k)
	goneE, goneX := 0.0, make([]float64, k) // Σ e/G and Σ e·x/G of competing events gone
	drift := make([]float64, k)             // ∫ q/π dΛᶜ
	for t := range f.times {
		at := &f.times[t]
		if at.events > 0 {
			step := at.events / at.s0
			sofar += step
			for a := range k {
				sofarMean[a] += step * at.mean[a]
			}
		}
		atRisk := float64(n - at.first)
		jump := make([]float64, k)
		for a := range k {
			// G(s−) with s after this time is what censoring here changes.
			q := goneX[a]*later[t+1] - goneE*laterMean[(t+1)*k+a]
			jump[a] = q / atRisk
			drift[a] += jump[a] * at.censored / atRisk
		}
		for _, i := range f.order[at.first:at.end] {
			u := make([]float64, k)
			for a := range k {
				x := f.d.column(a)[i]
				u[a] = -e[i] * (x*sofar - sofarMean[a])
				switch {
				case f.event[i] == 1:
					u[a] += x - at.mean[a]
				case f.event[i] > 1:
					u[a] -= e[i] / f.g[i] * (x*later[t+1] - laterMean[(t+1)*k+a])
				default:
					u[a] += jump[a]
				}
				u[a] -= drift[a]
			}
			out[i] = u
		}
		for _, i := range f.order[at.first:at.end] {
			if f.event[i] > 1 {
				goneE += e[i] / f.g[i]
				for a := range k {
					goneX[a] += e[i] / f.g[i] * f.d.column(a)[i]
				}
			}
		}
	}
	return out
}
