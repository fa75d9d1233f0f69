package genes

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/features/stat"
)

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
