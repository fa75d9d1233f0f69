package linear

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// gaussian is half the residual sum of squares.
func (n *newton) gaussian(b, gradient []float64, hessian *mat.SymDense) float64 {
	n.predictors(b)
	sum := 0.0
	r := make([]float64, n.p.Rows)
	for i, e := range n.eta[0] {
		r[i] = n.weights[i] * (e - n.p.Y[i])
		sum += r[i] * (e - n.p.Y[i]) / 2
	}
	if gradient != nil {
		n.gradient(gradient, 0, r)
		n.curvature(hessian, 0, 0, n.weights)
	}
	return sum
}

// logistic is the negative log-likelihood of two or more classes against the first.
func (n *newton) logistic(b, gradient []float64, hessian *mat.SymDense) float64 {
	n.predictors(b)
	rows, classes := n.p.Rows, n.p.Classes
	sum := 0.0
	if n.p.Family == Binomial {
		u, h := make([]float64, rows), make([]float64, rows)
		sum = binomial{n.p.Class, n.weights}.expand(n.eta, 0, u, h)
		if gradient != nil {
			floats.Scale(-1, u)
			n.gradient(gradient, 0, u)
			n.curvature(hessian, 0, 0, h)
		}
		return sum
	}
	prob := make([]float64, rows*classes) // class-major
	for i, c := range n.p.Class {
		z := logSumExp(n.eta, i)
		sum += n.weights[i] * (z - n.eta[c][i])
		for k := range classes {
			prob[k*rows+i] = math.Exp(n.eta[k][i] - z)
		}
	}
	if gradient == nil {
		return sum
	}
	v := make([]float64, rows)
	for f := range n.free {
		p := prob[(f+1)*rows : (f+2)*rows]
		for i, c := range n.p.Class {
			v[i] = n.weights[i] * p[i]
			if c == f+1 {
				v[i] -= n.weights[i]
			}
		}
		n.gradient(gradient, f, v)
		for g := f; g < n.free; g++ {
			q := prob[(g+1)*rows : (g+2)*rows]
			for i := range v {
				v[i] = -n.weights[i] * p[i] * q[i]
				if f == g {
					v[i] += n.weights[i] * p[i]
				}
			}
			n.curvature(hessian, f, g, v)
		}
	}
	return sum
}

// gradient writes Xᵀr of response f.
func (n *newton) gradient(dst []float64, f int, r []float64) {
	base := f * (len(n.columns) + n.intercept)
	if n.intercept == 1 {
		dst[base] = floats.Sum(r)
	}
	for i, j := range n.columns {
		dst[base+n.intercept+i] = floats.Dot(n.d.column(j), r)
	}
}

// curvature writes XᵀWX of responses f ≤ g.
func (n *newton) curvature(dst *mat.SymDense, f, g int, w []float64) {
	k := len(n.columns) + n.intercept
	wx := make([]float64, len(w))
	for a := range k {
		copy(wx, w)
		if a >= n.intercept {
			floats.MulTo(wx, w, n.d.column(n.columns[a-n.intercept]))
		}
		first := a
		if f != g {
			first = 0
		}
		for b := first; b < k; b++ {
			v := 0.0
			if b < n.intercept {
				v = floats.Sum(wx)
			} else {
				v = floats.Dot(wx, n.d.column(n.columns[b-n.intercept]))
			}
			dst.SetSym(f*k+a, g*k+b, v)
		}
	}
}

// classes reports whether b gives every row its own class the largest predictor: complete separation.
func (n *newton) classes(b []float64) bool {
	n.predictors(b)
	for i, c := range n.p.Class {
		if n.weights[i] == 0 {
			continue
		}
		if n.p.Family == Binomial {
			if e := n.eta[0][i]; e == 0 || (e > 0) != (c == 1) {
				return false
			}
			continue
		}
		for k := range n.eta {
			if k != c && n.eta[k][i] >= n.eta[c][i] {
				return false
			}
		}
	}
	return true
}

// classMargin is the margin of a row's own class over the others.
func (n *newton) classMargin() (least, most float64) {
	least = math.Inf(1)
	see := func(m float64) { least, most = min(least, m), max(most, m) }
	for i, c := range n.p.Class {
		switch {
		case n.weights[i] == 0:
		case n.p.Family == Binomial && c == 1:
			see(n.eta[0][i])
		case n.p.Family == Binomial:
			see(-n.eta[0][i])
		default:
			for k := range n.eta {
				if k != c {
					see(n.eta[c][i] - n.eta[k][i])
				}
			}
		}
	}
	return least, most
}

// riskMargin is the margin of those having the event over all at risk with them, by the largest and smallest of each risk set.
func (n *newton) riskMargin() (least, most float64) {
	l, eta := n.cox, n.eta[0]
	least = math.Inf(1)
	for t := range l.times {
		top, bottom := math.Inf(-1), math.Inf(1)
		for i, v := range eta {
			if l.left[i] >= t && l.entered[i] < t && l.times[l.left[i]].stratum == l.times[t].stratum {
				top, bottom = max(top, v), min(bottom, v)
			}
		}
		for _, i := range l.times[t].rows {
			least, most = min(least, eta[i]-top), max(most, eta[i]-bottom)
		}
	}
	return least, most
}

// partial is the negative log partial likelihood. Its Hessian is XᵀDX, D the diagonal of the hazards, less one to three rank-one
// terms an event time.
func (n *newton) partial(b, gradient []float64, hessian *mat.SymDense) float64 {
	n.predictors(b)
	l := n.cox
	c := l.exponentiate(n.eta[0])
	sum := l.sum(n.eta[0], c)
	if gradient == nil {
		return sum
	}
	l.cumulate()
	rows := n.p.Rows
	r, h := make([]float64, rows), make([]float64, rows)
	for i, e := range l.e {
		a, _ := l.hazards(i)
		h[i] = e * a
		r[i] = h[i]
		if l.event[i] {
			r[i] -= l.w[i]
		}
	}
	n.gradient(gradient, 0, r)
	n.curvature(hessian, 0, 0, h)
	n.outer(hessian)
	return sum
}

// outer subtracts the rank-one terms of the partial likelihood's Hessian.
func (n *newton) outer(hessian *mat.SymDense) {
	l, k := n.cox, len(n.columns)
	sums, tied := l.riskSums(n.d, n.columns)
	raw := hessian.RawSymmetric()
	for t := range l.times {
		steps, weight := l.share(&l.times[t])
		s, d := sums[t*k:(t+1)*k], tied[t*k:(t+1)*k]
		var ss, sd, dd float64
		for i := range steps {
			f := float64(i) / float64(steps)
			inverse := 1 / (l.atRisk[t] - f*l.tied[t])
			w := weight * inverse * inverse
			ss += w
			sd += w * f
			dd += w * f * f
		}
		for a := range k {
			x, y := ss*s[a]-sd*d[a], dd*d[a]-sd*s[a]
			row := raw.Data[a*raw.Stride : a*raw.Stride+k]
			if sd == 0 {
				for b := a; b < k; b++ {
					row[b] -= x * s[b]
				}
				continue
			}
			for b := a; b < k; b++ {
				row[b] -= x*s[b] + y*d[b]
			}
		}
	}
}

// riskSums returns Σ e·x over those at risk and over those having the event, for each event time and column, row-major.
func (l *partial) riskSums(d *design, columns []int) (atRisk, tied []float64) {
	k := len(columns)
	atRisk, tied = make([]float64, len(l.times)*k), make([]float64, len(l.times)*k)
	for c, j := range columns {
		x := d.column(j)
		for i, e := range l.e {
			if t := l.left[i]; t > l.entered[i] {
				atRisk[t*k+c] += e * x[i]
				if l.truncated && l.late(i) {
					atRisk[l.entered[i]*k+c] -= e * x[i]
				}
			}
		}
	}
	for t := len(l.times) - 1; t >= 0; t-- {
		for _, i := range l.times[t].rows {
			for c, j := range columns {
				tied[t*k+c] += l.e[i] * d.column(j)[i]
			}
		}
		if t+1 < len(l.times) && !l.times[t+1].first {
			floats.Add(atRisk[t*k:(t+1)*k], atRisk[(t+1)*k:(t+2)*k])
		}
	}
	return atRisk, tied
}
