package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// LinearModel is a linear model of each gene on one design, as limma's lmFit: samples are rows of the design.
type LinearModel struct {
	Genes    []string
	Coef     [][]float64 // a row a gene, a value a coefficient
	Unscaled [][]float64 // standard deviation of each coefficient over sigma
	Sigma    []float64
	DF       []float64 // residual degrees of freedom
	Average  []float64 // mean of each gene

	Moderation Moderation

	covariance [][]float64 // unscaled, p×p, a row a gene; of complete unweighted genes one is shared
	whole      *factored
}

// FitLinearModel fits each gene by least squares, weighted where weights (of the shape of m) is not nil. Missing values are left out
// gene by gene; a gene that has too few left has NaN and no degree of freedom. The design has a row a sample, full column rank and
// fewer columns than there are samples.
func FitLinearModel(m *Matrix, design [][]float64, weights *Matrix) (*LinearModel, error) {
	n := len(m.Samples)
	if len(design) != n || n == 0 {
		return nil, fmt.Errorf("the design has %d rows for %d samples", len(design), n)
	}
	p := len(design[0])
	x := mat.NewDense(n, p, nil)
	for s, row := range design {
		if len(row) != p {
			return nil, fmt.Errorf("row %d of the design has %d values where others have %d", s+1, len(row), p)
		}
		x.SetRow(s, row)
	}
	if n <= p {
		return nil, fmt.Errorf("the design has %d columns for %d samples; there have to be fewer", p, n)
	}
	whole, err := factorise(x)
	if err != nil {
		return nil, err
	}
	f := &LinearModel{Genes: m.Genes, whole: whole}
	for g := range m.Genes {
		var w []float64
		if weights != nil {
			w = weights.Gene(g)
		}
		if err := f.fitGene(m.Gene(g), x, w); err != nil {
			return nil, fmt.Errorf("gene %s: %w", m.Genes[g], err)
		}
	}
	return f, nil
}

// factored is a design, or some rows of it, made ready to fit.
type factored struct {
	x   *mat.Dense
	qr  mat.QR
	cov []float64 // (XᵀX)⁻¹
	sd  []float64 // square roots of its diagonal
}

func factorise(x *mat.Dense) (*factored, error) {
	n, p := x.Dims()
	f := &factored{x: x}
	if n < p {
		return nil, fmt.Errorf("%d values for %d coefficients", n, p)
	}
	f.qr.Factorize(x)
	if !(f.qr.Cond() < 1e12) {
		return nil, errors.New("a column of the design is a sum of others; leave one out")
	}
	f.cov = unscaledCovariance(&f.qr, p)
	for j := range p {
		f.sd = append(f.sd, math.Sqrt(f.cov[j*p+j]))
	}
	return f, nil
}

// fitGene adds the fit of one gene.
func (f *LinearModel) fitGene(y []float64, x *mat.Dense, w []float64) error {
	_, p := x.Dims()
	var at []int
	sum := 0.0
	for s, v := range y {
		if v == v {
			at = append(at, s)
			sum += v
		}
	}
	d, b := f.whole, mat.NewVecDense(max(1, len(at)), nil)
	for k, s := range at {
		b.SetVec(k, y[s])
	}
	if len(at) <= p {
		f.add(nans(p), nans(p), nans(p*p), math.NaN(), 0, sum/float64(len(at)))
		return nil
	}
	if len(at) < len(y) || w != nil {
		a := mat.NewDense(len(at), p, nil)
		for k, s := range at {
			root := 1.0
			if w != nil {
				if !(w[s] > 0) || math.IsInf(w[s], 0) {
					return fmt.Errorf("a weight is %v", w[s])
				}
				root = math.Sqrt(w[s])
			}
			for j := range p {
				a.Set(k, j, x.At(s, j)*root)
			}
			b.SetVec(k, y[s]*root)
		}
		var err error
		if d, err = factorise(a); err != nil {
			f.add(nans(p), nans(p), nans(p*p), math.NaN(), 0, sum/float64(len(at)))
			return nil
		}
	}
	beta := mat.NewVecDense(p, nil)
	if err := d.qr.SolveVecTo(beta, false, b); err != nil {
		return err
	}
	var fitted mat.VecDense
	fitted.MulVec(d.x, beta)
	rss := 0.0
	for k := range at {
		r := b.AtVec(k) - fitted.AtVec(k)
		rss += r * r
	}
	df := float64(len(at) - p)
	f.add(slices.Clone(beta.RawVector().Data), d.sd, d.cov, math.Sqrt(rss/df), df, sum/float64(len(at)))
	return nil
}

func (f *LinearModel) add(coef, sd, cov []float64, sigma, df, average float64) {
	f.Coef = append(f.Coef, coef)
	f.Unscaled = append(f.Unscaled, sd)
	f.covariance = append(f.covariance, cov)
	f.Sigma = append(f.Sigma, sigma)
	f.DF = append(f.DF, df)
	f.Average = append(f.Average, average)
}

// Residuals returns, for each gene, its residual effects (sample − coefficient of them) scaled to a mean square of one, which Camera
// wants. The matrix is the one fitted, without weights and without missing values.
func (f *LinearModel) Residuals(m *Matrix) ([][]float64, error) {
	n, p := f.whole.x.Dims()
	if err := sameGenes(f.Genes, m.Genes); err != nil {
		return nil, err
	}
	if n != len(m.Samples) {
		return nil, fmt.Errorf("%d samples were fitted and %d are given", n, len(m.Samples))
	}
	var q mat.Dense
	f.whole.qr.QTo(&q)
	out := make([][]float64, len(m.Genes))
	for g := range m.Genes {
		if slices.ContainsFunc(m.Gene(g), math.IsNaN) {
			return nil, fmt.Errorf("gene %s has missing values; impute them before", m.Genes[g])
		}
		var effects mat.VecDense
		effects.MulVec(q.T(), mat.NewVecDense(n, m.Gene(g)))
		scale := 1 / max(f.Sigma[g], 1e-4)
		for k := p; k < n; k++ {
			out[g] = append(out[g], effects.AtVec(k)*scale)
		}
	}
	return out, nil
}

// unscaledCovariance is (XᵀX)⁻¹ = R⁻¹R⁻ᵀ of a factorised design.
func unscaledCovariance(qr *mat.QR, p int) []float64 {
	var r mat.Dense
	qr.RTo(&r)
	inverse := mat.NewDense(p, p, nil)
	for j := range p { // back substitution of unit vectors
		for i := p - 1; i >= 0; i-- {
			v := 0.0
			if i == j {
				v = 1
			}
			for k := i + 1; k < p; k++ {
				v -= r.At(i, k) * inverse.At(k, j)
			}
			inverse.Set(i, j, v/r.At(i, i))
		}
	}
	var c mat.Dense
	c.Mul(inverse, inverse.T())
	return c.RawMatrix().Data
}
