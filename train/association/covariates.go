package association

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/features/stat"
)

// design turns covariates into numbers: categories become indicators, the first level left out.
func design(given []variable) ([][]float64, error) {
	var out [][]float64
	for _, g := range given {
		if countDistinct(g.values) < 2 {
			return nil, fmt.Errorf("association.given: column %q has one value and takes nothing away; leave it out", g.Name)
		}
		if g.scale == numeric {
			out = append(out, g.values)
			continue
		}
		for level := 1; level < len(g.Levels); level++ {
			indicator := make([]float64, len(g.values))
			for i, code := range g.values {
				switch {
				case math.IsNaN(code):
					indicator[i] = code
				case int(code) == level:
					indicator[i] = 1
				}
			}
			if countDistinct(indicator) == 2 {
				out = append(out, indicator)
			}
		}
	}
	return out, nil
}

// residuals removes the covariates' part from every column, by least squares on the rows that have column and covariates (of ranks for a
// partial Spearman correlation, which is Pearson's of those residuals). Without covariates columns and method are as they were.
func residuals(x, y, covariates [][]float64, method stat.Method) (rx, ry [][]float64, m stat.Method) {
	if len(covariates) == 0 {
		return x, y, method
	}
	prepare := func(v []float64) []float64 {
		if method == stat.SpearmanMethod {
			return stat.Ranks(v)
		}
		return v
	}
	ranked := make([][]float64, len(covariates))
	for k, c := range covariates {
		ranked[k] = prepare(c)
	}
	one := func(columns [][]float64) [][]float64 {
		out := make([][]float64, len(columns))
		for j, c := range columns {
			out[j] = residual(prepare(c), ranked)
		}
		return out
	}
	return one(x), one(y), stat.PearsonMethod
}

// residual is what least squares on an intercept and the covariates leaves of v; NaN in rows that lack any of them.
func residual(v []float64, covariates [][]float64) []float64 {
	var rows []int
	for i := range v {
		ok := !math.IsNaN(v[i])
		for _, c := range covariates {
			ok = ok && !math.IsNaN(c[i])
		}
		if ok {
			rows = append(rows, i)
		}
	}
	out := make([]float64, len(v))
	for i := range out {
		out[i] = math.NaN()
	}
	p := len(covariates) + 1
	if len(rows) <= p {
		return out
	}
	a := mat.NewDense(len(rows), p, nil)
	b := mat.NewVecDense(len(rows), nil)
	for k, i := range rows {
		a.Set(k, 0, 1)
		for j, c := range covariates {
			a.Set(k, j+1, c[i])
		}
		b.SetVec(k, v[i])
	}
	var qr mat.QR
	qr.Factorize(a)
	var beta, fitted mat.VecDense
	if qr.SolveVecTo(&beta, false, b) != nil {
		return out // covariates that are collinear here
	}
	fitted.MulVec(a, &beta)
	for k, i := range rows {
		out[i] = v[i] - fitted.AtVec(k)
	}
	return out
}

// projection removes the covariates' part from column after column: an orthonormal basis of the covariates serves all that have every row.
type projection struct {
	covariates [][]float64
	basis      [][]float64 // nil where a covariate has holes
}

func newProjection(covariates [][]float64, method Method) projection {
	p := projection{}
	for _, c := range covariates {
		if method == Spearman {
			c = stat.Ranks(c)
		}
		p.covariates = append(p.covariates, c)
	}
	if len(covariates) == 0 {
		return p
	}
	constant := make([]float64, len(covariates[0]))
	for i := range constant {
		constant[i] = 1
	}
	for _, c := range append([][]float64{constant}, p.covariates...) {
		v := append([]float64(nil), c...)
		for range 2 { // twice, so that rounding leaves nothing
			for _, b := range p.basis {
				subtract(v, b)
			}
		}
		length := math.Sqrt(dot(v, v))
		if math.IsNaN(length) {
			p.basis = nil
			return p
		}
		if length > 1e-9*math.Sqrt(dot(c, c)) {
			for i := range v {
				v[i] /= length
			}
			p.basis = append(p.basis, v)
		}
	}
	return p
}

// residual may change v and returns what is left of it.
func (p projection) residual(v []float64) []float64 {
	if p.basis == nil || math.IsNaN(dot(v, v)) {
		return residual(v, p.covariates)
	}
	for _, b := range p.basis {
		subtract(v, b)
	}
	return v
}

// subtract removes the part of v along the unit vector b.
func subtract(v, b []float64) {
	k := dot(v, b)
	for i := range v {
		v[i] -= k * b[i]
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
