package explain

import (
	"math"
	"slices"

	"github.com/voxgene/voxgene/models"
)

// linkedSum is exact for a function f of one sum over columns, however many there are: the probability of a logistic model, survival
// and cumulative hazard of a Cox model.
//
// Between a background row and the row, column j moves the sum by d_j. Were f(u) = exp(λu), a coalition's worth would be a product
// over its columns, and the Shapley value of j would be f(u₀) (e^{λd_j} − 1) ∫₀¹ Π_{l≠j} (1 − t + t e^{λd_l}) dt, because
// ∫ t^k (1−t)^(n−1−k) dt is the Shapley weight of k columns among n − 1. The integrand is a polynomial in t, so Gauss–Legendre
// quadrature with ⌈n/2⌉ points is exact, and with fewer to rounding where the d are small. The cumulative hazard is such a function.
// The others flatten out on both sides, so mirrored at points where they are flat to 1e-13 they are smooth and periodic, and a
// cosine series of some 200 terms is they to 1e-13; each term is the real part of an exponential, and Shapley values are linear in f.
type linkedSum struct {
	form       *linked
	used       []int
	background []float64 // background rows × used: what each column adds to the sum
	sums       []float64
	shares     []float64
	start      float64
	base       []float64
	targets    int
	waves      *waves // f of target k is that of u + shifts[k]; nil where it is exp(u + shifts[k])
	shifts     []float64
}

// newLinkedSum reports whether the model has such a form on the scale, and prepares it.
func newLinkedSum(m models.Model, scale string, targets int, r Request) (*linkedSum, bool, error) {
	form, ok := linkOf(m, scale, targets, r.Times)
	if !ok || form.ensemble != nil || form.softmax || form.sums() != 1 || r.Background == nil {
		return nil, false, nil
	}
	l := &linkedSum{form: form, shares: r.Background.shares(), targets: targets, shifts: make([]float64, targets), base: make([]float64, targets),
		used: active(m)}
	l.start = form.start[0]
	switch scale {
	case Probability:
		l.waves = newWaves(sigmoid, -30, 30)
	case Survival:
		l.waves = newWaves(func(v float64) float64 { return math.Exp(-math.Exp(v)) }, -30, 3.5)
	}
	if scale != Probability {
		for k, h := range baselines(m, r.Times) {
			if !(h > 0) {
				return nil, false, nil // survival is one whatever the columns say
			}
			l.shifts[k] = math.Log(h)
		}
	}
	b, err := r.Background.Matrix(m.Columns())
	if err != nil {
		return nil, false, err
	}
	l.background = l.parts(b, 0, b.Rows)
	here := make([]float64, targets)
	for i, share := range l.shares {
		l.sums = append(l.sums, l.sum(l.background[i*len(l.used):(i+1)*len(l.used)]))
		form.apply(l.sums[i:i+1], here)
		for k, v := range here {
			l.base[k] += share * v
		}
	}
	return l, true, nil
}

// spread is how far the sum can move within the background: terms, and so time, grow with it.
func (l *linkedSum) spread() float64 {
	sum := 0.0
	for j := range l.used {
		low, high := math.Inf(1), math.Inf(-1)
		for b := range l.shares {
			v := l.background[b*len(l.used)+j]
			low, high = min(low, v), max(high, v)
		}
		sum += high - low
	}
	return sum
}

func (l *linkedSum) columns() []int   { return l.used }
func (l *linkedSum) bases() []float64 { return l.base }

func (l *linkedSum) sum(parts []float64) float64 {
	sum := l.start
	for _, v := range parts {
		sum += v
	}
	return sum
}

// parts is what each used column adds to the sum, rows × used.
func (l *linkedSum) parts(x models.Matrix, lo, hi int) []float64 {
	n := len(l.used)
	out := make([]float64, (hi-lo)*n)
	for j, c := range l.used {
		for i, v := range x.Column(c)[lo:hi] {
			out[i*n+j] = l.form.linear[0][c] * v
		}
	}
	return out
}

func (l *linkedSum) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	n := len(l.used)
	phi = s.take((hi - lo) * l.targets * n)
	rows := l.parts(x, lo, hi)
	w := newProducts(n, l.targets)
	for i := range hi - lo {
		row := rows[i*n : (i+1)*n]
		to := phi[i*l.targets*n : (i+1)*l.targets*n]
		for b, share := range l.shares {
			low, high := l.sums[b], l.sums[b]
			for j, v := range row {
				d := v - l.background[b*n+j]
				w.step[j] = d
				low, high = low+min(d, 0), high+max(d, 0)
			}
			if l.waves == nil {
				w.real(l.sums[b], l.shifts, share, to)
				continue
			}
			terms := l.waves.terms(low+slices.Min(l.shifts), high+slices.Max(l.shifts))
			for m, c := range terms.coefficients {
				w.turn(terms.rate*float64(m), terms.low-l.sums[b], l.shifts, share*c, to)
			}
		}
	}
	return phi, nil, nil
}

// products integrates products over columns.
type products struct {
	step           []float64 // d of each column
	re, im         []float64 // of exp(λ d)
	aheadRe, ahead []float64 // product of the factors of the columns before each
	sumRe, sumIm   []float64 // the integral without each column
	cos, sin       []float64 // of each target's phase
}

func newProducts(n, targets int) *products {
	v := func() []float64 { return make([]float64, n) }
	return &products{v(), v(), v(), v(), v(), v(), v(), make([]float64, targets), make([]float64, targets)}
}

// turn adds, for the term weight · cos(ω(u + shift − low)) of each target, what its Shapley values are; offset is low less the
// background's sum.
func (w *products) turn(omega, offset float64, shifts []float64, weight float64, phi []float64) {
	if omega == 0 {
		return // a constant
	}
	n, chords := len(w.step), 0.0
	for j, d := range w.step {
		w.im[j], w.re[j] = math.Sincos(omega * d)
		chords += math.Hypot(w.re[j]-1, w.im[j])
		w.sumRe[j], w.sumIm[j] = 0, 0
	}
	rule := ruleFor(n, chords)
	for q, t := range rule.at {
		re, im := 1.0, 0.0
		for j, c := range w.re {
			w.aheadRe[j], w.ahead[j] = re, im
			a, b := 1-t+t*c, t*w.im[j]
			re, im = re*a-im*b, re*b+im*a
		}
		re, im = rule.weight[q], 0.0
		for j := n - 1; j >= 0; j-- {
			x, y := w.aheadRe[j], w.ahead[j]
			w.sumRe[j] += re*x - im*y
			w.sumIm[j] += re*y + im*x
			a, b := 1-t+t*w.re[j], t*w.im[j]
			re, im = re*a-im*b, re*b+im*a
		}
	}
	for k, s := range shifts {
		w.sin[k], w.cos[k] = math.Sincos(omega * (s - offset))
	}
	for j := range w.step {
		a, b := w.re[j]-1, w.im[j]
		x, y := a*w.sumRe[j]-b*w.sumIm[j], a*w.sumIm[j]+b*w.sumRe[j]
		for k := range shifts {
			phi[k*n+j] += weight * (w.cos[k]*x - w.sin[k]*y)
		}
	}
}

// real adds the Shapley values of exp(u + shift) for each target.
func (w *products) real(sum float64, shifts []float64, share float64, phi []float64) {
	n := len(w.step)
	for j, d := range w.step {
		w.re[j], w.sumRe[j] = math.Expm1(d), 0
	}
	// Where the integrand is largest it may be out of a float's reach while the answer is not: the sum is put in with each factor's share.
	rule := legendre((n + 1) / 2)
	for q, t := range rule.at {
		p := rule.weight[q]
		for j, c := range w.re {
			w.aheadRe[j] = p
			p *= 1 + t*c
		}
		p = 1
		for j := n - 1; j >= 0; j-- {
			w.sumRe[j] += w.aheadRe[j] * p
			p *= 1 + t*w.re[j]
		}
	}
	for k, s := range shifts {
		f := share * math.Exp(sum+s)
		for j, c := range w.re {
			phi[k*n+j] += f * c * w.sumRe[j]
		}
	}
}
