package radiomics

import "math"

// maximalCorrelation is the second largest singular value of A = p(i, j)/√(px(i)·py(j)), whose square is the second largest eigenvalue
// of Haralick's Q. The largest is 1, with the vectors √px and √py, and is taken out first. A region of one level
// gives 1, as in PyRadiomics.
func (m *cooccurrence) maximalCorrelation(p []pair) float64 {
	n := len(m.t.grey)
	if m.t.present < 2 {
		return 1
	}
	if n < 2 {
		return 0
	}
	rx, ry := make([]float64, n), make([]float64, n)
	for i := range n {
		rx[i], ry[i] = math.Sqrt(m.px[i]), math.Sqrt(m.py[i])
	}
	a := make([]pair, len(p))
	for k, c := range p {
		a[k] = pair{c.i, c.j, c.p / (rx[c.i] * ry[c.j])}
	}
	// The operator is AAᵀ without the first pair: symmetric, not negative, and sparse.
	half := make([]float64, n)
	apply := func(dst, src []float64) {
		clear(half)
		for _, c := range a {
			half[c.j] += c.p * src[c.i]
		}
		project(half, ry)
		clear(dst)
		for _, c := range a {
			dst[c.i] += c.p * half[c.j]
		}
		project(dst, rx)
	}
	return math.Sqrt(max(lanczos(apply, n, rx), 0))
}

// project removes from v its part along the unit vector u.
func project(v, u []float64) {
	d := 0.0
	for i, x := range u {
		d += v[i] * x
	}
	for i, x := range u {
		v[i] -= d * x
	}
}

// lanczos is the largest eigenvalue of a symmetric operator of n rows on the space orthogonal to the unit vector u, by Lanczos'
// method with full reorthogonalisation, until two steps change it by less than 10⁻¹³ of itself.
func lanczos(apply func(dst, src []float64), n int, u []float64) float64 {
	q := make([]float64, n)
	for i := range q { // a start with a part along every eigenvector, the same in each run
		q[i] = math.Sin(float64(3*i+1)) + 0.5
	}
	project(q, u)
	if !unit(q) {
		return 0
	}
	basis := [][]float64{q}
	var alpha, beta []float64
	last, still := math.Inf(-1), 0
	for len(alpha) < n {
		w := make([]float64, n)
		k := len(basis) - 1
		apply(w, basis[k])
		d := 0.0
		for i, x := range basis[k] {
			d += w[i] * x
		}
		alpha = append(alpha, d)
		for range 2 {
			for _, b := range basis {
				project(w, b)
			}
			project(w, u)
		}
		top := largestTridiagonal(alpha, beta)
		if math.Abs(top-last) <= 1e-13*math.Abs(top) {
			if still++; still == 3 {
				return top
			}
		} else {
			still = 0
		}
		last = top
		norm := 0.0
		for _, x := range w {
			norm += x * x
		}
		norm = math.Sqrt(norm)
		if norm <= 1e-14 {
			return top
		}
		for i := range w {
			w[i] /= norm
		}
		beta = append(beta, norm)
		basis = append(basis, w)
	}
	return last
}

// unit scales v to length 1, and says whether it could.
func unit(v []float64) bool {
	s := 0.0
	for _, x := range v {
		s += x * x
	}
	if s = math.Sqrt(s); s < 1e-12 {
		return false
	}
	for i := range v {
		v[i] /= s
	}
	return true
}

// largestTridiagonal is the largest eigenvalue of the symmetric tridiagonal matrix with the given diagonal and off-diagonal, by
// bisection on the signs of Sturm's sequence.
func largestTridiagonal(alpha, beta []float64) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for i, a := range alpha {
		r := 0.0
		if i > 0 {
			r += beta[i-1]
		}
		if i < len(beta) && i < len(alpha)-1 {
			r += beta[i]
		}
		low, high = min(low, a-r), max(high, a+r)
	}
	for range 100 {
		middle := low + (high-low)/2
		if middle <= low || middle >= high {
			break
		}
		above := false // an eigenvalue above the middle: a positive pivot
		d := 1.0
		for i, a := range alpha {
			b := 0.0
			if i > 0 {
				b = beta[i-1] * beta[i-1] / d
			}
			d = a - middle - b
			if d == 0 {
				d = 1e-300
			}
			if d > 0 {
				above = true
				break
			}
		}
		if above {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}
