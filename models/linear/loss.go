package linear

import "math"

// loss is a mean negative log-likelihood as a function of the linear predictors of all responses.
type loss interface {
	// value returns it.
	value(eta [][]float64) float64
	// expand returns it too, and for response k writes its negative gradient by linear predictor to u and the diagonal of its
	// Hessian, or of a bound on it, to h.
	expand(eta [][]float64, k int, u, h []float64) float64
}

// leastWeight keeps the diagonal off zero where a probability is 0 or 1 to rounding.
const leastWeight = 1e-9

type gaussian struct{ y, w []float64 }

func (l gaussian) value(eta [][]float64) float64 {
	sum := 0.0
	for i, e := range eta[0] {
		d := l.y[i] - e
		sum += l.w[i] * d * d
	}
	return sum / 2
}

func (l gaussian) expand(eta [][]float64, _ int, u, h []float64) float64 {
	for i, e := range eta[0] {
		u[i], h[i] = l.w[i]*(l.y[i]-e), l.w[i]
	}
	return l.value(eta)
}

// binomial counts class 1.
type binomial struct {
	class []int
	w     []float64
}

func (l binomial) value(eta [][]float64) float64 {
	sum := 0.0
	for i, e := range eta[0] {
		if l.class[i] == 1 {
			e = -e
		}
		sum += l.w[i] * softplus(e)
	}
	return sum
}

func (l binomial) expand(eta [][]float64, _ int, u, h []float64) float64 {
	sum := 0.0
	for i, e := range eta[0] {
		// With z = e^−|η|, p = 1/(1+z) or z/(1+z), and log(1+e^η) is max(η, 0) + log(1+z).
		z := math.Exp(-math.Abs(e))
		p, w := 1/(1+z), l.w[i]
		value := math.Log1p(z)
		if e < 0 {
			p = z * p
		} else {
			value += e
		}
		if l.class[i] == 1 {
			u[i] = w * (1 - p)
			value -= e
		} else {
			u[i] = -w * p
		}
		h[i] = w * max(p*(1-p), leastWeight)
		sum += w * value
	}
	return sum
}

// softplus returns log(1+e^x).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// softmax is the multinomial loss. Where bound is set, h bounds the whole Hessian of a row and not only its diagonal, as moving all
// responses at once needs. Exponentials are kept and only those of predictors that have changed are computed.
type softmax struct {
	class  []int
	w      []float64
	bound  bool
	eta, e [][]float64 // by response: predictors as they were seen, and exp(η − shift)
	shift  []float64   // of each row
	total  []float64   // Σ e
	log    []float64   // shift + log total
}

func newSoftmax(p *Problem, w []float64, bound bool) *softmax {
	l := &softmax{class: p.Class, w: w, bound: bound, shift: make([]float64, p.Rows), total: make([]float64, p.Rows), log: make([]float64, p.Rows)}
	for range p.Classes {
		seen := make([]float64, p.Rows)
		for i := range seen {
			seen[i] = math.NaN() // differs from all
		}
		l.eta, l.e = append(l.eta, seen), append(l.e, make([]float64, p.Rows))
	}
	return l
}

// see brings the exponentials up to date.
func (l *softmax) see(eta [][]float64) {
	for i := range l.class {
		changed := false
		for k, e := range eta {
			if v := e[i]; v != l.eta[k][i] {
				changed = true
				l.eta[k][i] = v
				l.e[k][i] = math.Exp(v - l.shift[i])
			}
		}
		if !changed {
			continue
		}
		total := 0.0
		for k := range eta {
			total += l.e[k][i]
		}
		if !(total > 1e-8 && total < 1e8) { // the shift has grown stale
			l.shift[i], total = eta[0][i], 0
			for _, e := range eta[1:] {
				l.shift[i] = max(l.shift[i], e[i])
			}
			for k, e := range eta {
				l.e[k][i] = math.Exp(e[i] - l.shift[i])
				total += l.e[k][i]
			}
		}
		l.total[i], l.log[i] = total, l.shift[i]+math.Log(total)
	}
}

func (l *softmax) value(eta [][]float64) float64 {
	l.see(eta)
	sum := 0.0
	for i, c := range l.class {
		sum += l.w[i] * (l.log[i] - eta[c][i])
	}
	return sum
}

func (l *softmax) expand(eta [][]float64, k int, u, h []float64) float64 {
	l.see(eta)
	sum := 0.0
	for i, c := range l.class {
		w, p := l.w[i], l.e[k][i]/l.total[i]
		u[i] = -w * p
		if c == k {
			u[i] += w
		}
		curvature := p * (1 - p)
		if l.bound {
			for _, e := range l.e {
				q := e[i] / l.total[i]
				curvature = max(curvature, 2*q*(1-q))
			}
		}
		h[i] = w * max(curvature, leastWeight)
		sum += w * (l.log[i] - eta[c][i])
	}
	return sum
}

func logSumExp(eta [][]float64, i int) float64 {
	top := eta[0][i]
	for _, e := range eta[1:] {
		top = max(top, e[i])
	}
	sum := 0.0
	for _, e := range eta {
		sum += math.Exp(e[i] - top)
	}
	return top + math.Log(sum)
}
