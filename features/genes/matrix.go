// Package genes reads expression, mutations, copy number and gene sets from the files that people have, and turns them into
// features: transforms of one sample, normalisations and batch corrections that are fitted and applied, scores and signatures.
//
// What acts on one sample alone is a function. What learns from a cohort is a plain type with a Fit and an Apply, frozen once it
// is fitted, so that altering a test patient changes nothing of it.
package genes

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Matrix is expression, or another number per gene and sample. The value of gene g in sample s is Values[g*len(Samples)+s], so a
// gene is contiguous; NaN is missing.
type Matrix struct {
	Genes   []string
	Samples []string
	Values  []float64
}

// NewMatrix returns a matrix of zeros.
func NewMatrix(genes, samples []string) *Matrix {
	return &Matrix{Genes: genes, Samples: samples, Values: make([]float64, len(genes)*len(samples))}
}

// Gene returns the values of gene g; writing to it writes to the matrix.
func (m *Matrix) Gene(g int) []float64 {
	n := len(m.Samples)
	return m.Values[g*n : (g+1)*n : (g+1)*n]
}

// Sample copies the values of sample s into dst, which has one a gene.
func (m *Matrix) Sample(s int, dst []float64) {
	n := len(m.Samples)
	for g := range m.Genes {
		dst[g] = m.Values[g*n+s]
	}
}

// SetSample copies values, one a gene, into sample s.
func (m *Matrix) SetSample(s int, values []float64) {
	n := len(m.Samples)
	for g := range m.Genes {
		m.Values[g*n+s] = values[g]
	}
}

// SelectSamples returns a copy with the samples of these indices, in this order.
func (m *Matrix) SelectSamples(at []int) *Matrix {
	names := make([]string, len(at))
	for i, s := range at {
		names[i] = m.Samples[s]
	}
	out := NewMatrix(slices.Clone(m.Genes), names)
	for g := range m.Genes {
		from, to := m.Gene(g), out.Gene(g)
		for i, s := range at {
			to[i] = from[s]
		}
	}
	return out
}

// SelectGenes returns a copy with the genes of these indices, in this order.
func (m *Matrix) SelectGenes(at []int) *Matrix {
	names := make([]string, len(at))
	for i, g := range at {
		names[i] = m.Genes[g]
	}
	out := NewMatrix(names, slices.Clone(m.Samples))
	for i, g := range at {
		copy(out.Gene(i), m.Gene(g))
	}
	return out
}

// Index maps each gene to its row. Of a name that is there twice, the first counts.
func (m *Matrix) Index() map[string]int {
	index := make(map[string]int, len(m.Genes))
	for g, name := range m.Genes {
		if _, ok := index[name]; !ok {
			index[name] = g
		}
	}
	return index
}

// transpose turns a matrix of which rows are samples into one of which rows are genes. Blocks keep both sides in the cache.
func transpose(rows [][]float64, columns int) []float64 {
	const block = 32
	out := make([]float64, len(rows)*columns)
	for i0 := 0; i0 < len(rows); i0 += block {
		for j0 := 0; j0 < columns; j0 += block {
			for i := i0; i < min(i0+block, len(rows)); i++ {
				for j := j0; j < min(j0+block, columns); j++ {
					out[j*len(rows)+i] = rows[i][j]
				}
			}
		}
	}
	return out
}

// Duplicates are the rules by which rows of one gene become one, as configurations write them. Each looks at one sample alone.
var Duplicates = []string{"mean", "sum", "max", "first", "error"}

// Collapse makes rows of the same name one, in order of first appearance, and returns how many rows went. Missing values are
// passed over. Rules that choose the probe by its mean or variance look at a cohort: see FitProbes.
func (m *Matrix) Collapse(rule string) (*Matrix, int, error) {
	if !slices.Contains(Duplicates, rule) {
		return nil, 0, fmt.Errorf("duplicates: %q is not one of %s", rule, strings.Join(Duplicates, ", "))
	}
	at := make(map[string]int, len(m.Genes))
	var names []string
	rows := make([][]int, 0, len(m.Genes))
	for g, name := range m.Genes {
		k, ok := at[name]
		if !ok {
			k = len(names)
			at[name] = k
			names = append(names, name)
			rows = append(rows, nil)
		}
		rows[k] = append(rows[k], g)
	}
	gone := len(m.Genes) - len(names)
	if gone == 0 {
		return m, 0, nil
	}
	if rule == "error" {
		for k, r := range rows {
			if len(r) > 1 {
				return nil, 0, fmt.Errorf("gene %s has %d rows; say what becomes of them with duplicates: mean, sum, max or first", names[k], len(r))
			}
		}
	}
	out := NewMatrix(names, m.Samples)
	for k, r := range rows {
		to := out.Gene(k)
		if len(r) == 1 || rule == "first" {
			copy(to, m.Gene(r[0]))
			continue
		}
		for s := range to {
			to[s] = m.combine(r, s, rule)
		}
	}
	return out, gone, nil
}

func (m *Matrix) combine(rows []int, s int, rule string) float64 {
	n, sum, most := 0, 0.0, math.Inf(-1)
	for _, g := range rows {
		if v := m.Values[g*len(m.Samples)+s]; v == v {
			n++
			sum += v
			most = max(most, v)
		}
	}
	switch {
	case n == 0:
		return math.NaN()
	case rule == "sum":
		return sum
	case rule == "max":
		return most
	}
	return sum / float64(n)
}
