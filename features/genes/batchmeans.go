package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// BatchMeans takes the mean difference between batches away and leaves variances alone, as limma's removeBatchEffect: for figures and for
// data in which ComBat's priors have no place, such as a handful of features.
type BatchMeans struct {
	Features []string
	Batches  []string    // sorted
	Effects  [][]float64 // of each batch on each feature; they sum to zero over batches
}

// FitBatchMeans fits the effects of batches beside those of the covariates (columns, one value a sample each), which stay in the data.
func FitBatchMeans(m *Matrix, batch []string, covariates [][]float64) (*BatchMeans, error) {
	n := len(m.Samples)
	if len(batch) != n {
		return nil, fmt.Errorf("%d samples and %d batches", n, len(batch))
	}
	f := &BatchMeans{Features: m.Genes, Batches: slices.Compact(slices.Sorted(slices.Values(batch)))}
	k := len(f.Batches)
	if k < 2 {
		return nil, errors.New("there is one batch; nothing differs")
	}
	p := 1 + len(covariates)
	design := mat.NewDense(n, p+k-1, nil)
	for s, b := range batch {
		design.Set(s, 0, 1)
		for j, v := range covariates {
			if len(v) != n {
				return nil, fmt.Errorf("covariate %d has %d values for %d samples", j+1, len(v), n)
			}
			design.Set(s, 1+j, v[s])
		}
		at, _ := slices.BinarySearch(f.Batches, b)
		for j := range k - 1 { // sum contrasts: the last batch is minus the sum of the others
			switch at {
			case j:
				design.Set(s, p+j, 1)
			case k - 1:
				design.Set(s, p+j, -1)
			}
		}
	}
	if _, err := factorise(design); err != nil {
		return nil, errors.New("the covariates are confounded with the batches")
	}
	f.Effects = make([][]float64, k)
	for b := range f.Effects {
		f.Effects[b] = make([]float64, len(m.Genes))
	}
	solve := newLeastSquares(design)
	for g := range m.Genes {
		beta := solve.fit(m.Gene(g))
		last := 0.0
		for j := range k - 1 {
			v := beta[p+j]
			if math.IsNaN(v) { // too few values to tell
				v = 0
			}
			f.Effects[j][g] = v
			last -= v
		}
		f.Effects[k-1][g] = last
	}
	return f, nil
}

// Apply subtracts from each sample the effect of its batch. A batch that was not fitted is an error.
func (f *BatchMeans) Apply(m *Matrix, batch []string) (*Matrix, error) {
	if err := sameGenes(f.Features, m.Genes); err != nil {
		return nil, err
	}
	if len(batch) != len(m.Samples) {
		return nil, fmt.Errorf("%d samples and %d batches", len(m.Samples), len(batch))
	}
	out := NewMatrix(m.Genes, m.Samples)
	for s, name := range batch {
		k, ok := slices.BinarySearch(f.Batches, name)
		if !ok {
			return nil, fmt.Errorf("batch %q was not there when the effects were fitted; they are of %s", name, strings.Join(f.Batches, ", "))
		}
		for g := range m.Genes {
			out.Gene(g)[s] = m.Gene(g)[s] - f.Effects[k][g]
		}
	}
	return out, nil
}
