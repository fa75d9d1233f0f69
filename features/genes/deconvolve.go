package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/features/stat"
)

// Deconvolution estimates what share of a mixed sample each cell type has, from a signature matrix that the user brings: genes in
// rows, types in columns, on the linear scale of the samples.
type Deconvolution struct {
	Genes []string
	Types []string
	// Signature is a row a gene, a value a type.
	Signature [][]float64
	// NonNegative takes least squares under non-negativity (Abbas and others 2009) instead of nu-support vector regression (Newman
	// and others 2015).
	NonNegative bool
}

// NewDeconvolution takes the signature from a matrix whose samples are cell types.
func NewDeconvolution(signature *Matrix, nonNegative bool) (*Deconvolution, error) {
	d := &Deconvolution{Genes: signature.Genes, Types: signature.Samples, NonNegative: nonNegative}
	for g := range signature.Genes {
		row := slices.Clone(signature.Gene(g))
		for _, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				return nil, fmt.Errorf("signature: gene %s has the value %v; finite numbers of zero or more are wanted", signature.Genes[g], v)
			}
		}
		d.Signature = append(d.Signature, row)
	}
	if len(d.Types) < 2 || len(d.Genes) <= len(d.Types) {
		return nil, fmt.Errorf("signature: %d genes and %d types; more genes than types, and two types, are wanted", len(d.Genes), len(d.Types))
	}
	return d, nil
}

// Mixture is what a sample is made of.
type Mixture struct {
	Fractions   []float64 // of each type; they sum to one
	Weights     []float64 // as fitted
	Correlation float64   // between the sample and what the fit makes of it
	RMSE        float64   // for nu-support vector regression, on the standardised scale; else on the samples'
	Nu          float64   // chosen; 0 of least squares
}

// leastSignatureGenes is the share of the signature's genes that has to be there.
const leastSignatureGenes = 0.5

// Apply estimates the mixture of each sample by itself. Genes that the data lacks are left out of the signature; half of them at
// least have to be there.
func (d *Deconvolution) Apply(m *Matrix) ([]Mixture, error) {
	index := m.Index()
	var rows []int
	var signature [][]float64
	for g, name := range d.Genes {
		if k, ok := index[name]; ok {
			rows, signature = append(rows, k), append(signature, d.Signature[g])
		}
	}
	if float64(len(rows)) < leastSignatureGenes*float64(len(d.Genes)) || len(rows) <= len(d.Types) {
		return nil, fmt.Errorf("%d of the %d genes of the signature are in the data, too few; are the names of the same kind?", len(rows), len(d.Genes))
	}
	out := make([]Mixture, len(m.Samples))
	y := make([]float64, len(rows))
	for s := range m.Samples {
		for i, k := range rows {
			y[i] = m.Gene(k)[s]
			if !(y[i] >= 0) || math.IsInf(y[i], 0) {
				return nil, fmt.Errorf("gene %s, sample %s: %v; a mixture has finite numbers of zero or more, not logarithms", m.Genes[k], m.Samples[s], y[i])
			}
		}
		var err error
		if d.NonNegative {
			out[s], err = leastSquaresMixture(signature, y)
		} else {
			out[s], err = vectorMixture(signature, y)
		}
		if err != nil {
			return nil, fmt.Errorf("sample %s: %w", m.Samples[s], err)
		}
	}
	return out, nil
}

func leastSquaresMixture(signature [][]float64, y []float64) (Mixture, error) {
	w, err := NonNegativeLeastSquares(signature, y)
	if err != nil {
		return Mixture{}, err
	}
	x := Mixture{Weights: w, Fractions: fractions(w)}
	fit := product(signature, w)
	x.Correlation, x.RMSE = correlation(fit, y), rootMeanSquare(fit, y)
	return x, nil
}

// vectorMixture fits nu = ¼, ½ and ¾ on standardised data and takes the one whose fractions come nearest the sample.
func vectorMixture(signature [][]float64, y []float64) (Mixture, error) {
	var all []float64
	for _, row := range signature {
		all = append(all, row...)
	}
	mean, sd := stat.Mean(all), math.Sqrt(stat.Variance(all))
	my, sy := stat.Mean(y), math.Sqrt(stat.Variance(y))
	if !(sd > 0) || !(sy > 0) {
		return Mixture{}, errors.New("the signature or the sample does not vary")
	}
	x := make([][]float64, len(signature))
	for g, row := range signature {
		x[g] = make([]float64, len(row))
		for k, v := range row {
			x[g][k] = (v - mean) / sd
		}
	}
	z := make([]float64, len(y))
	for g, v := range y {
		z[g] = (v - my) / sy
	}
	best := Mixture{RMSE: math.Inf(1)}
	for _, nu := range []float64{0.25, 0.5, 0.75} {
		w, err := nuRegression(x, z, nu, 1, 1e-9)
		if err != nil {
			return Mixture{}, err
		}
		f := fractions(w)
		fit := product(x, f)
		if e := rootMeanSquare(fit, z); e < best.RMSE {
			best = Mixture{Fractions: f, Weights: w, Correlation: correlation(fit, z), RMSE: e, Nu: nu}
		}
	}
	if best.Fractions == nil {
		return best, errors.New("no type has a positive weight")
	}
	return best, nil
}

// fractions cuts negative weights and scales the others to a sum of one.
func fractions(w []float64) []float64 {
	f := make([]float64, len(w))
	sum := 0.0
	for k, v := range w {
		f[k] = max(v, 0)
		sum += f[k]
	}
	for k := range f {
		f[k] /= sum
	}
	return f
}

func product(rows [][]float64, w []float64) []float64 {
	out := make([]float64, len(rows))
	for g, row := range rows {
		for k, v := range row {
			out[g] += v * w[k]
		}
	}
	return out
}

func rootMeanSquare(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum / float64(len(a)))
}

// NonNegativeLeastSquares minimises |A·w − y| over w of zero or more, by the active-set method of Lawson and Hanson (1974). Rows of
// a are equations.
func NonNegativeLeastSquares(a [][]float64, y []float64) ([]float64, error) {
	n := len(a)
	if n == 0 || n != len(y) {
		return nil, fmt.Errorf("%d equations and %d values", n, len(y))
	}
	p := len(a[0])
	w := make([]float64, p)
	passive := make([]bool, p)
	rest := slices.Clone(y)
	for range 30 * p {
		gradient := make([]float64, p)
		best := -1
		for k := range p {
			for i := range n {
				gradient[k] += a[i][k] * rest[i]
			}
			if !passive[k] && (best < 0 || gradient[k] > gradient[best]) {
				best = k
			}
		}
		scale := 0.0
		for i := range n {
			scale += math.Abs(a[i][max(best, 0)] * y[i])
		}
		if best < 0 || gradient[best] <= 1e-14*scale {
			return w, nil
		}
		passive[best] = true
		for {
			z, err := restricted(a, y, passive)
			if err != nil {
				return nil, err
			}
			step := 1.0
			for k := range p {
				if passive[k] && z[k] <= 0 {
					step = min(step, w[k]/(w[k]-z[k]))
				}
			}
			for k := range p {
				if passive[k] {
					w[k] += step * (z[k] - w[k])
					if step < 1 && w[k] <= 1e-15*math.Abs(z[k]) || z[k] <= 0 && w[k] < 1e-300 {
						w[k], passive[k] = 0, false
					}
				}
			}
			if step == 1 {
				break
			}
		}
		fit := product(a, w)
		for i := range rest {
			rest[i] = y[i] - fit[i]
		}
	}
	return w, nil
}

// restricted solves the least squares of the passive columns alone; others are zero.
func restricted(a [][]float64, y []float64, passive []bool) ([]float64, error) {
	var at []int
	for k, p := range passive {
		if p {
			at = append(at, k)
		}
	}
	d := mat.NewDense(len(a), len(at), nil)
	for i := range a {
		for j, k := range at {
			d.Set(i, j, a[i][k])
		}
	}
	var qr mat.QR
	qr.Factorize(d)
	x := mat.NewVecDense(len(at), nil)
	if err := qr.SolveVecTo(x, false, mat.NewVecDense(len(y), slices.Clone(y))); err != nil {
		return nil, errors.New("cell types of the signature cannot be told apart")
	}
	z := make([]float64, len(passive))
	for j, k := range at {
		z[k] = x.AtVec(j)
	}
	return z, nil
}
