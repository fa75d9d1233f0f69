package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// ComBatOptions say which of the variants of ComBat is fitted (Johnson, Li and Rabinovic 2007; sva).
type ComBatOptions struct {
	MeanOnly      bool // leave the variances of batches alone
	NonParametric bool // priors are the other features' estimates instead of a normal and an inverse gamma
	// Reference is the batch to which the others are brought; it stays as it is. Empty brings all to their mean.
	Reference string
	// Smallest is the number of samples that a batch needs; 0 means 5.
	Smallest int
	// Outcome is the class of each sample, -1 where not known, and is never adjusted for: fitting refuses batches that tell it.
	// nil when there is none.
	Outcome []int `json:"-"`
}

// ComBat removes what differs between batches, frozen on the samples it was fitted on. A new sample of a fitted batch is adjusted
// by itself.
type ComBat struct {
	Features []string
	Batches  []string // sorted
	Options  ComBatOptions
	// Covariates is the number of columns that Fit was given and Apply wants.
	Covariates int
	Mean       []float64   // grand mean of each feature
	Variance   []float64   // pooled variance
	Beta       [][]float64 // effect of each covariate on each feature
	Gamma      [][]float64 // additive effect of each batch on each feature, in standard deviations
	Delta      [][]float64 // multiplicative effect on the variance
	Left       []bool      // features that do not vary within a batch and are left alone
}

// conv is the relative change at which sva stops to refine the parametric estimates.
const conv = 1e-4

// FitComBat fits batch effects. covariates are columns of biology to preserve, one value a sample each (codes for classes, not the
// outcome that a model is to learn). Missing values of m are passed over.
//
// It refuses a batch with fewer samples than asked for, covariates that batches determine, and batches that tell the outcome; the
// error then has the table of batches and classes.
func FitComBat(m *Matrix, batch []string, covariates [][]float64, o ComBatOptions) (*ComBat, error) {
	n := len(m.Samples)
	if len(batch) != n {
		return nil, fmt.Errorf("%d samples and %d batches", n, len(batch))
	}
	c := &ComBat{Features: m.Genes, Options: o, Covariates: len(covariates), Batches: slices.Compact(slices.Sorted(slices.Values(batch)))}
	members, err := c.check(batch)
	if err != nil {
		return nil, err
	}
	design, err := c.design(batch, covariates, n)
	if err != nil {
		return nil, err
	}
	std := c.standardise(m, members, design)
	return c, c.shrink(m, std, members, batch)
}

// check returns the samples of each batch, or why they cannot be corrected.
func (c *ComBat) check(batch []string) ([][]int, error) {
	least := c.Options.Smallest
	if least == 0 {
		least = 5
	}
	if len(c.Batches) < 2 {
		return nil, errors.New("there is one batch; nothing differs")
	}
	members := make([][]int, len(c.Batches))
	for s, b := range batch {
		k, _ := slices.BinarySearch(c.Batches, b)
		members[k] = append(members[k], s)
	}
	for k, who := range members {
		if c.Batches[k] == "" {
			return nil, fmt.Errorf("the batch of %d samples is not known", len(who))
		}
		if len(who) < least {
			return nil, fmt.Errorf("batch %q has %d samples, and %d are needed to estimate its effect", c.Batches[k], len(who), least)
		}
	}
	if r := c.Options.Reference; r != "" && !slices.Contains(c.Batches, r) {
		return nil, fmt.Errorf("there is no batch %q to refer to; there are %s", r, strings.Join(c.Batches, ", "))
	}
	return members, c.confounded(members)
}

// confounded refuses batches that each hold patients of one class.
func (c *ComBat) confounded(members [][]int) error {
	y := c.Options.Outcome
	if y == nil {
		return nil
	}
	if len(y) < 1 {
		return errors.New("the outcome has no value")
	}
	classes := slices.Max(y) + 1
	var text strings.Builder
	seen := map[int]bool{}
	pure := true
	for k, who := range members {
		count := make([]int, classes)
		kinds := 0
		for _, s := range who {
			if y[s] >= 0 {
				if count[y[s]] == 0 {
					kinds++
				}
				count[y[s]]++
				seen[y[s]] = true
			}
		}
		pure = pure && kinds <= 1
		fmt.Fprintf(&text, "\n  %s: %v", c.Batches[k], count)
	}
	if pure && len(seen) > 1 {
		return fmt.Errorf("the batch tells the outcome, so removing one removes the other; patients of each class by batch:%s", text.String())
	}
	return nil
}

// design is the design matrix: a column a batch, then the covariates.
func (c *ComBat) design(batch []string, covariates [][]float64, n int) (*mat.Dense, error) {
	b := len(c.Batches)
	d := mat.NewDense(n, b+len(covariates), nil)
	for s, name := range batch {
		k, _ := slices.BinarySearch(c.Batches, name)
		d.Set(s, k, 1)
		if r := c.reference(); r >= 0 {
			d.Set(s, r, 1)
		}
	}
	for j, v := range covariates {
		if len(v) != n {
			return nil, fmt.Errorf("covariate %d has %d values for %d samples", j+1, len(v), n)
		}
		for s, x := range v {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, fmt.Errorf("covariate %d is missing for a sample; impute it before", j+1)
			}
			d.Set(s, b+j, x)
		}
	}
	var svd mat.SVD
	if !svd.Factorize(d, mat.SVDNone) {
		return nil, errors.New("the design of batches and covariates cannot be decomposed")
	}
	v := svd.Values(nil)
	if len(v) < b+len(covariates) || v[len(v)-1] < 1e-10*v[0] {
		return nil, errors.New("the covariates are confounded with the batches: at least one is constant within each batch, or a sum of others")
	}
	return d, nil
}

func (c *ComBat) reference() int {
	if c.Options.Reference == "" {
		return -1
	}
	return slices.Index(c.Batches, c.Options.Reference)
}

// Validate returns an error when the parts of a correction that was stored do not fit each other.
func (c *ComBat) Validate() error {
	p, b := len(c.Features), len(c.Batches)
	sound := len(c.Mean) == p && len(c.Variance) == p && len(c.Left) == p && len(c.Gamma) == b && len(c.Delta) == b && len(c.Beta) == c.Covariates &&
		slices.IsSorted(c.Batches)
	for _, list := range [][][]float64{c.Gamma, c.Delta, c.Beta} {
		for _, v := range list {
			sound = sound && len(v) == p
		}
	}
	if !sound {
		return errors.New("the parts of the batch correction do not fit each other")
	}
	return nil
}

// Knows reports whether a batch was fitted.
func (c *ComBat) Knows(batch string) bool {
	_, ok := slices.BinarySearch(c.Batches, batch)
	return ok
}

// Learn adds a batch that was not fitted from samples of it, of which no outcome is needed; means, covariate effects and variances
// stay as they are. It returns a new ComBat.
func (c *ComBat) Learn(batch string, m *Matrix, covariates [][]float64) (*ComBat, error) {
	if c.Knows(batch) {
		return nil, fmt.Errorf("batch %q is known already", batch)
	}
	if err := c.fits(m, covariates); err != nil {
		return nil, err
	}
	least := c.Options.Smallest
	if least == 0 {
		least = 5
	}
	if len(m.Samples) < least {
		return nil, fmt.Errorf("batch %q has %d samples, and %d are needed to estimate its effect", batch, len(m.Samples), least)
	}
	std := NewMatrix(m.Genes, m.Samples)
	hat := make([]float64, len(m.Genes))
	who := make([]int, len(m.Samples))
	for s := range who {
		who[s] = s
	}
	for g := range m.Genes {
		n := 0.0
		for s, v := range m.Gene(g) {
			z := (v - c.stand(g, s, covariates)) / math.Sqrt(c.Variance[g])
			std.Gene(g)[s] = z
			if z == z {
				hat[g] += z
				n++
			}
		}
		hat[g] /= n
	}
	gamma, delta := c.shrinkBatch(std, who, hat)
	out := *c
	k, _ := slices.BinarySearch(c.Batches, batch)
	out.Batches = slices.Insert(slices.Clone(c.Batches), k, batch)
	out.Gamma = slices.Insert(slices.Clone(c.Gamma), k, gamma)
	out.Delta = slices.Insert(slices.Clone(c.Delta), k, delta)
	return &out, nil
}

func (c *ComBat) fits(m *Matrix, covariates [][]float64) error {
	if err := sameGenes(c.Features, m.Genes); err != nil {
		return err
	}
	if len(covariates) != c.Covariates {
		return fmt.Errorf("%d covariates were fitted and %d are given", c.Covariates, len(covariates))
	}
	for j, v := range covariates {
		if len(v) != len(m.Samples) {
			return fmt.Errorf("covariate %d has %d values for %d samples", j+1, len(v), len(m.Samples))
		}
	}
	return nil
}

// stand is the value that feature g of sample s has without its batch and its own deviation.
func (c *ComBat) stand(g, s int, covariates [][]float64) float64 {
	v := c.Mean[g]
	for j := range c.Beta {
		v += covariates[j][s] * c.Beta[j][g]
	}
	return v
}

// Apply adjusts each sample by the effect of its batch. A batch that was not fitted is an error.
func (c *ComBat) Apply(m *Matrix, batch []string, covariates [][]float64) (*Matrix, error) {
	if err := c.fits(m, covariates); err != nil {
		return nil, err
	}
	if len(batch) != len(m.Samples) {
		return nil, fmt.Errorf("%d samples and %d batches", len(m.Samples), len(batch))
	}
	out := NewMatrix(m.Genes, m.Samples)
	reference := c.reference()
	for s, name := range batch {
		k, ok := slices.BinarySearch(c.Batches, name)
		if !ok {
			return nil, fmt.Errorf("batch %q was not there when the correction was fitted; it knows %s", name, strings.Join(c.Batches, ", "))
		}
		for g := range m.Genes {
			v := m.Gene(g)[s]
			if c.Left[g] || k == reference {
				out.Gene(g)[s] = v
				continue
			}
			sd, stand := math.Sqrt(c.Variance[g]), c.stand(g, s, covariates)
			out.Gene(g)[s] = ((v-stand)/sd-c.Gamma[k][g])/math.Sqrt(c.Delta[k][g])*sd + stand
		}
	}
	return out, nil
}
