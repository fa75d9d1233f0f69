package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/features/stat"
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

// standardise fits means, covariate effects and variances, and returns the data standardised by them.
func (c *ComBat) standardise(m *Matrix, members [][]int, design *mat.Dense) *Matrix {
	n, p := len(m.Samples), len(m.Genes)
	b := len(c.Batches)
	c.Mean, c.Variance, c.Left = make([]float64, p), make([]float64, p), make([]bool, p)
	c.Beta = make([][]float64, c.Covariates)
	for j := range c.Beta {
		c.Beta[j] = make([]float64, p)
	}
	missing := slices.ContainsFunc(m.Values, math.IsNaN)
	std := NewMatrix(m.Genes, m.Samples)
	solve := newLeastSquares(design)
	for g := range m.Genes {
		x := m.Gene(g)
		if c.Left[g] = c.uniform(x, members); c.Left[g] {
			c.Variance[g] = 1 // not used; a number, so that it can be stored
			continue
		}
		beta := solve.fit(x)
		if r := c.reference(); r >= 0 {
			c.Mean[g] = beta[r]
		} else {
			for k, who := range members {
				c.Mean[g] += float64(len(who)) / float64(n) * beta[k]
			}
		}
		for j := range c.Beta {
			c.Beta[j][g] = beta[b+j]
		}
		c.Variance[g] = c.pooled(x, design, beta, members, missing)
		to := std.Gene(g)
		for s, v := range x {
			stand := c.Mean[g]
			for j := range c.Beta {
				stand += design.At(s, b+j) * c.Beta[j][g]
			}
			to[s] = (v - stand) / math.Sqrt(c.Variance[g])
		}
	}
	return std
}

// uniform reports whether a feature has one value throughout a batch, or none, so that its variance there cannot be estimated.
func (c *ComBat) uniform(x []float64, members [][]int) bool {
	for _, who := range members {
		if len(who) < 2 {
			continue
		}
		low, high, some := math.Inf(1), math.Inf(-1), 0
		for _, s := range who {
			if v := x[s]; v == v {
				low, high = min(low, v), max(high, v)
				some++
			}
		}
		if some == 0 || low == high {
			return true
		}
	}
	return false
}

// pooled is the variance of what batches and covariates leave: with n as divisor, or n−1 where values are missing, as sva has it.
func (c *ComBat) pooled(x []float64, design *mat.Dense, beta []float64, members [][]int, missing bool) float64 {
	var of []int
	if r := c.reference(); r >= 0 {
		of = members[r]
	} else {
		for s := range x {
			of = append(of, s)
		}
	}
	var rest []float64
	for _, s := range of {
		v := x[s]
		if v != v {
			continue
		}
		for j, b := range beta {
			v -= design.At(s, j) * b
		}
		rest = append(rest, v)
	}
	if missing {
		return stat.Variance(rest)
	}
	sum := 0.0
	for _, v := range rest {
		sum += v * v
	}
	return sum / float64(len(rest))
}

// shrink estimates the effects of batches and draws them to what is usual among features.
func (c *ComBat) shrink(m, std *Matrix, members [][]int, batch []string) error {
	b := len(c.Batches)
	design, err := c.design(batch, nil, len(m.Samples))
	if err != nil {
		return err
	}
	solve := newLeastSquares(design)
	hat := make([][]float64, b) // location
	for k := range hat {
		hat[k] = make([]float64, len(m.Genes))
	}
	for g := range m.Genes {
		if c.Left[g] {
			continue
		}
		for k, v := range solve.fit(std.Gene(g)) {
			hat[k][g] = v
		}
	}
	c.Gamma, c.Delta = make([][]float64, b), make([][]float64, b)
	for k, who := range members {
		if k == c.reference() {
			c.Gamma[k], c.Delta[k] = make([]float64, len(m.Genes)), ones(len(m.Genes))
			continue
		}
		c.Gamma[k], c.Delta[k] = c.shrinkBatch(std, who, hat[k])
	}
	return nil
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// shrinkBatch is the empirical Bayes estimate of one batch's effects.
func (c *ComBat) shrinkBatch(std *Matrix, who []int, hat []float64) (gamma, delta []float64) {
	p := len(std.Genes)
	gamma, delta = make([]float64, p), ones(p)
	var at []int // features that are adjusted
	var g, d []float64
	x := make([][]float64, 0, p)
	for f := range p {
		if c.Left[f] {
			continue
		}
		values := make([]float64, 0, len(who))
		for _, s := range who {
			if v := std.Gene(f)[s]; v == v {
				values = append(values, v)
			}
		}
		at = append(at, f)
		g = append(g, hat[f])
		if c.Options.MeanOnly || len(who) < 2 {
			d = append(d, 1)
		} else {
			d = append(d, stat.Variance(values))
		}
		x = append(x, values)
	}
	if len(at) == 0 {
		return gamma, delta
	}
	var gs, ds []float64
	switch {
	case c.Options.NonParametric:
		gs, ds = nonParametric(x, g, d)
	case c.Options.MeanOnly || len(who) < 2:
		mean, t2 := stat.Mean(g), stat.Variance(g)
		gs, ds = make([]float64, len(g)), d
		for i := range g {
			gs[i] = (t2*g[i] + mean) / (t2 + 1)
		}
	default:
		gs, ds = parametric(x, g, d)
	}
	for i, f := range at {
		gamma[f], delta[f] = gs[i], ds[i]
	}
	if c.Options.MeanOnly {
		delta = ones(p)
	}
	return gamma, delta
}

// parametric refines location and scale in turn under a normal and an inverse gamma prior, whose parameters are their moments among
// features, until no estimate changes by more than conv. As in sva, changes are relative to signed values.
func parametric(x [][]float64, hatG, hatD []float64) (g, d []float64) {
	meanG, t2 := stat.Mean(hatG), stat.Variance(hatG)
	meanD, varD := stat.Mean(hatD), stat.Variance(hatD)
	a := (2*varD + meanD*meanD) / varD
	b := (meanD*varD + meanD*meanD*meanD) / varD
	g, d = slices.Clone(hatG), slices.Clone(hatD)
	for range 10000 {
		change := math.Inf(-1)
		for i := range x {
			n := float64(len(x[i]))
			newG := (t2*n*hatG[i] + d[i]*meanG) / (t2*n + d[i])
			sum := 0.0
			for _, v := range x[i] {
				sum += (v - newG) * (v - newG)
			}
			newD := (0.5*sum + b) / (n/2 + a - 1)
			change = max(change, math.Abs(newG-g[i])/g[i], math.Abs(newD-d[i])/d[i])
			g[i], d[i] = newG, newD
		}
		if change <= conv {
			break
		}
	}
	return g, d
}

// nonParametric weighs the estimates of all other features by how likely they make a feature's values.
func nonParametric(x [][]float64, hatG, hatD []float64) (g, d []float64) {
	g, d = make([]float64, len(x)), make([]float64, len(x))
	logs := make([]float64, len(x))
	for i, values := range x {
		n := float64(len(values))
		sum, squares := 0.0, 0.0
		for _, v := range values {
			sum += v
			squares += v * v
		}
		best := math.Inf(-1)
		for k := range x {
			logs[k] = math.Inf(-1)
			if k != i {
				s2 := squares - 2*hatG[k]*sum + n*hatG[k]*hatG[k]
				logs[k] = -n/2*math.Log(2*math.Pi*hatD[k]) - s2/(2*hatD[k])
				best = max(best, logs[k])
			}
		}
		total := 0.0
		for k := range x {
			if k == i {
				continue
			}
			w := math.Exp(logs[k] - best)
			total += w
			g[i] += w * hatG[k]
			d[i] += w * hatD[k]
		}
		g[i] /= total
		d[i] /= total
	}
	return g, d
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
