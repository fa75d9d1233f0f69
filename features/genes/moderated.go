package genes

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/voxgene/voxgene/features/stat"
)

// LinearFits are the least-squares fits of many genes (or other rows) on one design, as limma's lmFit.
type LinearFits struct {
	// Coefficients and Unscaled are gene × coefficient; Unscaled times Sigma is the standard error.
	Coefficients, Unscaled [][]float64
	Sigma                  []float64 // residual standard deviation of each gene
	DF                     []float64 // residual degrees of freedom
	// Residuals are gene × (sample − coefficient) effects of mean square 1, which Camera needs; nil where a gene has missing values.
	Residuals [][]float64
}

// ErrDesign says that the coefficients of a design cannot be told apart.
var ErrDesign = errors.New("genes: the columns of the design are linearly dependent, or there are no more samples than coefficients")

// FitLinear fits every row of expression (gene × sample) on the design (coefficient × sample, an intercept included where one is wanted).
// A gene with missing values is fitted on the samples it has; with too few of those its numbers are NaN.
func FitLinear(expression, design [][]float64) (*LinearFits, error) {
	p := len(design)
	if p == 0 || len(expression) == 0 {
		return nil, fmt.Errorf("genes: %d coefficients and %d genes; want at least one of each", p, len(expression))
	}
	n := len(design[0])
	full, err := decompose(design, nil)
	if err != nil {
		return nil, err
	}
	f := &LinearFits{
		Coefficients: make([][]float64, len(expression)), Unscaled: make([][]float64, len(expression)),
		Sigma: make([]float64, len(expression)), DF: make([]float64, len(expression)), Residuals: make([][]float64, len(expression)),
	}
	for g, row := range expression {
		if len(row) != n {
			return nil, fmt.Errorf("genes: row %d has %d samples and the design %d", g+1, len(row), n)
		}
		d := full
		if slices.ContainsFunc(row, math.IsNaN) {
			f.Residuals = nil
			var rows []int
			for i, v := range row {
				if !math.IsNaN(v) {
					rows = append(rows, i)
				}
			}
			if d, err = decompose(design, rows); err != nil {
				f.missing(g, p)
				continue
			}
		}
		f.fit(g, d, row)
	}
	return f, nil
}

func (f *LinearFits) missing(g, p int) {
	nan := make([]float64, p)
	for k := range nan {
		nan[k] = math.NaN()
	}
	f.Coefficients[g], f.Unscaled[g], f.Sigma[g], f.DF[g] = nan, nan, math.NaN(), 0
}

// decomposition is Q, R of a design on some of the samples.
type decomposition struct {
	rows     []int // nil for all
	n, p     int
	q        *mat.Dense // n × n
	r        *mat.TriDense
	unscaled []float64 // square roots of the diagonal of (X'X)⁻¹
}

func decompose(design [][]float64, rows []int) (*decomposition, error) {
	d := &decomposition{rows: rows, n: len(design[0]), p: len(design)}
	if rows != nil {
		d.n = len(rows)
	}
	if d.n <= d.p {
		return nil, ErrDesign
	}
	x := mat.NewDense(d.n, d.p, nil)
	for j, c := range design {
		for k := range d.n {
			x.Set(k, j, c[d.at(k)])
		}
	}
	var qr mat.QR
	qr.Factorize(x)
	if !(qr.Cond() < 1e12) {
		return nil, ErrDesign
	}
	d.q = new(mat.Dense)
	qr.QTo(d.q)
	var r mat.Dense
	qr.RTo(&r)
	d.r = mat.NewTriDense(d.p, mat.Upper, nil)
	for i := range d.p {
		for j := i; j < d.p; j++ {
			d.r.SetTri(i, j, r.At(i, j))
		}
	}
	var inverse mat.TriDense
	if err := inverse.InverseTri(d.r); err != nil {
		return nil, ErrDesign
	}
	d.unscaled = make([]float64, d.p)
	for i := range d.p {
		sum := 0.0
		for j := i; j < d.p; j++ {
			sum += inverse.At(i, j) * inverse.At(i, j)
		}
		d.unscaled[i] = math.Sqrt(sum)
	}
	return d, nil
}

func (d *decomposition) at(k int) int {
	if d.rows == nil {
		return k
	}
	return d.rows[k]
}

// fit solves one gene.
func (f *LinearFits) fit(g int, d *decomposition, row []float64) {
	y := mat.NewVecDense(d.n, nil)
	for k := range d.n {
		y.SetVec(k, row[d.at(k)])
	}
	var effects, beta mat.VecDense
	effects.MulVec(d.q.T(), y)
	_ = beta.SolveVec(d.r, effects.SliceVec(0, d.p)) // the triangle's condition was checked
	residual := make([]float64, d.n-d.p)
	ss := 0.0
	for k := range residual {
		residual[k] = effects.AtVec(d.p + k)
		ss += residual[k] * residual[k]
	}
	f.DF[g] = float64(d.n - d.p)
	f.Sigma[g] = math.Sqrt(ss / f.DF[g])
	f.Coefficients[g], f.Unscaled[g] = slices.Clone(beta.RawVector().Data), d.unscaled
	if f.Residuals != nil {
		scale := 1 / math.Sqrt(max(ss/f.DF[g], 1e-8))
		for k := range residual {
			residual[k] *= scale
		}
		f.Residuals[g] = residual
	}
}

// Moderated are t statistics with variances shrunk towards a prior that all genes together give (Smyth 2004; limma's eBayes).
type Moderated struct {
	DFPrior, S2Prior float64
	S2Post           []float64   // of each gene
	DFTotal          []float64   // of each gene
	T, P             [][]float64 // gene × coefficient; P is two-sided
	fits             *LinearFits
}

// Moderate shrinks the variances of the fits. With fewer than three genes there is nothing to learn a prior from, and the t statistics
// are the ordinary ones.
func (f *LinearFits) Moderate() *Moderated {
	m := &Moderated{fits: f, S2Post: make([]float64, len(f.Sigma)), DFTotal: make([]float64, len(f.Sigma))}
	m.DFPrior, m.S2Prior = f.prior()
	pooled := 0.0
	for _, d := range f.DF {
		pooled += d
	}
	for g, s := range f.Sigma {
		switch {
		case math.IsInf(m.DFPrior, 1):
			m.S2Post[g] = m.S2Prior
		case m.DFPrior == 0:
			m.S2Post[g] = s * s
		default:
			m.S2Post[g] = (m.DFPrior*m.S2Prior + f.DF[g]*s*s) / (m.DFPrior + f.DF[g])
		}
		m.DFTotal[g] = min(f.DF[g]+m.DFPrior, pooled)
		t, p := make([]float64, len(f.Coefficients[g])), make([]float64, len(f.Coefficients[g]))
		for k, b := range f.Coefficients[g] {
			t[k] = b / (f.Unscaled[g][k] * math.Sqrt(m.S2Post[g]))
			p[k] = stat.StudentP(t[k], m.DFTotal[g])
		}
		m.T, m.P = append(m.T, t), append(m.P, p)
	}
	return m
}

// prior fits a scaled F distribution to the variances by the moments of their logarithms (limma's fitFDist).
func (f *LinearFits) prior() (df, s2 float64) {
	var e []float64
	spread := 0.0
	for g, s := range f.Sigma {
		if f.DF[g] > 0 && s > 0 {
			half := f.DF[g] / 2
			e = append(e, math.Log(s*s)-mathext.Digamma(half)+math.Log(half))
			spread += trigamma(half)
		}
	}
	if len(e) < 3 {
		return 0, 0
	}
	mean := stat.Mean(e)
	excess := stat.Variance(e) - spread/float64(len(e))
	if excess <= 0 {
		return math.Inf(1), math.Exp(mean)
	}
	df = 2 * trigammaInverse(excess)
	return df, math.Exp(mean + mathext.Digamma(df/2) - math.Log(df/2))
}

// LogOdds are the B statistics of one coefficient: the log-odds that a gene differs when a given share of all genes does (limma's default
// is .01).
func (m *Moderated) LogOdds(coefficient int, share float64) []float64 {
	v0 := m.variancePrior(coefficient, share)
	out := make([]float64, len(m.T))
	for g := range m.T {
		u2 := m.fits.Unscaled[g][coefficient] * m.fits.Unscaled[g][coefficient]
		r := (u2 + v0) / u2
		t2, df := m.T[g][coefficient]*m.T[g][coefficient], m.DFTotal[g]
		kernel := (1 + df) / 2 * math.Log((t2+df)/(t2/r+df))
		if m.DFPrior > 1e6 {
			kernel = t2 * (1 - 1/r) / 2
		}
		out[g] = math.Log(share/(1-share)) - math.Log(r)/2 + kernel
	}
	return out
}

// variancePrior is the prior variance of a coefficient among genes that differ, from the largest t statistics (limma's tmixture). All
// genes have to have the same degrees of freedom, which is so where none has missing values; with others it uses the largest.
func (m *Moderated) variancePrior(coefficient int, share float64) float64 {
	order := make([]int, len(m.T))
	maxDF := 0.0
	for g := range order {
		order[g] = g
		maxDF = max(maxDF, m.DFTotal[g])
	}
	size := func(g int) float64 { return math.Abs(m.T[g][coefficient]) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size(b), size(a)) })
	n := float64(len(order))
	target := int(math.Ceil(share / 2 * n))
	p := max(float64(target)/n, share)
	low, high := 0.1*0.1/m.S2Prior, 4*4/m.S2Prior
	dist, sum := distuv.StudentsT{Sigma: 1, Nu: maxDF}, 0.0
	for r, g := range order[:target] {
		p0 := stat.StudentP(size(g), maxDF)
		wanted := ((float64(r)+0.5)/n - (1-p)*p0) / p
		v := 0.0
		if wanted > p0 {
			q := dist.Quantile(1 - wanted/2)
			u := m.fits.Unscaled[g][coefficient]
			v = u * u * (size(g)*size(g)/(q*q) - 1)
		}
		sum += min(max(v, low), high)
	}
	return sum / float64(target)
}
