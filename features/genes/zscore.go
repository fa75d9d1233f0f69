package genes

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/features/stat"
)

// Standard holds the mean and standard deviation of genes among the samples it was fitted on, for scores that compare a sample with
// them. Genes that do not vary are left out.
type Standard struct {
	Genes    []string
	Mean, SD []float64
}

// FitStandard fits means and standard deviations (divisor n−1).
func FitStandard(m *Matrix) (Standard, error) {
	var f Standard
	for g, name := range m.Genes {
		sd := math.Sqrt(stat.Variance(m.Gene(g)))
		if !(sd > 0) {
			continue
		}
		f.Genes = append(f.Genes, name)
		f.Mean = append(f.Mean, stat.Mean(m.Gene(g)))
		f.SD = append(f.SD, sd)
	}
	if f.Genes == nil {
		return f, errors.New("no gene varies")
	}
	return f, nil
}

// apply returns the z-scores of the fitted genes.
func (f Standard) apply(m *Matrix) (*Matrix, error) {
	index := m.Index()
	z := NewMatrix(f.Genes, m.Samples)
	for k, name := range f.Genes {
		g, ok := index[name]
		if !ok {
			return nil, fmt.Errorf("gene %s was fitted and is not there", name)
		}
		for s, v := range m.Gene(g) {
			z.Gene(k)[s] = (v - f.Mean[k]) / f.SD[k]
		}
	}
	return z, nil
}

// Combine scores each set by the sum of its genes' z-scores over the square root of their number (Lee and others 2008).
func (f Standard) Combine(m *Matrix, sets []Set) (Scores, error) {
	z, err := f.apply(m)
	if err != nil {
		return Scores{}, err
	}
	out, members, err := newScores(z, sets)
	if err != nil {
		return out, err
	}
	for k, at := range members {
		for _, g := range at {
			for s, v := range z.Gene(g) {
				out.Values[k][s] += v
			}
		}
		for s := range out.Values[k] {
			out.Values[k][s] /= math.Sqrt(float64(len(at)))
		}
	}
	return out, nil
}

// PLAGE scores sets by the first right singular vector of their z-scores, the direction in which their genes vary together
// (Tomfohr, Lu and Kepler 2005). The sign is the one that most of the set's weight agrees with.
type PLAGE struct {
	Standard Standard
	Sets     []Set
	Weights  [][]float64 // of the genes of each set, in order of members
}

// FitPLAGE fits the directions.
func FitPLAGE(m *Matrix, sets []Set) (*PLAGE, error) {
	std, err := FitStandard(m)
	if err != nil {
		return nil, err
	}
	z, err := std.apply(m)
	if err != nil {
		return nil, err
	}
	_, members, err := newScores(z, sets)
	if err != nil {
		return nil, err
	}
	p := &PLAGE{Standard: std, Sets: sets}
	for k, at := range members {
		a := mat.NewDense(len(at), len(m.Samples), nil)
		for i, g := range at {
			a.SetRow(i, z.Gene(g))
		}
		var svd mat.SVD
		if !svd.Factorize(a, mat.SVDThinU) {
			return nil, fmt.Errorf("gene set %s: the singular value decomposition failed", sets[k].Name)
		}
		var u mat.Dense
		svd.UTo(&u)
		w := mat.Col(nil, 0, &u)
		sum := 0.0
		for _, v := range w {
			sum += v
		}
		d := svd.Values(nil)[0]
		if sum < 0 {
			d = -d
		}
		for i := range w {
			w[i] /= d
		}
		p.Weights = append(p.Weights, w)
	}
	return p, nil
}

// Apply scores each sample by itself.
func (p *PLAGE) Apply(m *Matrix) (Scores, error) {
	z, err := p.Standard.apply(m)
	if err != nil {
		return Scores{}, err
	}
	out, members, err := newScores(z, p.Sets)
	if err != nil {
		return out, err
	}
	for k, at := range members {
		for i, g := range at {
			for s, v := range z.Gene(g) {
				out.Values[k][s] += p.Weights[k][i] * v
			}
		}
	}
	return out, nil
}

// Validate returns an error when the parts of what was stored do not fit each other.
func (f Standard) Validate() error {
	if len(f.Genes) == 0 || len(f.Mean) != len(f.Genes) || len(f.SD) != len(f.Genes) {
		return errors.New("the parts of the z-scores do not fit each other")
	}
	return nil
}

// Validate returns an error when the parts of what was stored do not fit each other.
func (p *PLAGE) Validate() error {
	if err := p.Standard.Validate(); err != nil {
		return err
	}
	index := (&Matrix{Genes: p.Standard.Genes}).Index()
	if len(p.Weights) != len(p.Sets) {
		return errors.New("PLAGE has not a direction for each set")
	}
	for k, set := range p.Sets {
		if len(set.Indices(index)) != len(p.Weights[k]) {
			return fmt.Errorf("gene set %s has not a weight for each gene", set.Name)
		}
	}
	return nil
}
