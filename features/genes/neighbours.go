package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Neighbours imputes a gene by the genes that behave most like it among the samples it was fitted on (Troyanskaya and others 2001).
// What it stores are names of genes and means, no sample.
type Neighbours struct {
	Genes []string
	Near  [][]int   // of each gene, the rows of its nearest, nearest first; nil for one with too many missing values
	Mean  []float64 // of each gene, for samples in which no neighbour has a value
}

// The limits of impute.knn: a gene with more than half of its values missing takes the mean of the sample, and a sample with more
// than eight tenths missing is refused.
const (
	mostMissingOfGene   = 0.5
	mostMissingOfSample = 0.8
)

// MaxNeighbourGenes bounds the genes among which neighbours are sought: the work grows with their square.
const MaxNeighbourGenes = 12000

// FitNeighbours finds the k nearest genes of each, by the mean squared difference over the samples that both have.
func FitNeighbours(m *Matrix, k int) (*Neighbours, error) {
	p, n := len(m.Genes), len(m.Samples)
	if k < 1 || p <= k {
		return nil, fmt.Errorf("%d neighbours among %d genes", k, p)
	}
	if p > MaxNeighbourGenes {
		return nil, fmt.Errorf("neighbours are sought among at most %d genes, and there are %d; filter them before", MaxNeighbourGenes, p)
	}
	for s := range n {
		missing := 0
		for g := range p {
			if v := m.Gene(g)[s]; v != v {
				missing++
			}
		}
		if float64(missing) > mostMissingOfSample*float64(p) {
			return nil, fmt.Errorf("sample %s lacks %d of %d genes; leave it out", m.Samples[s], missing, p)
		}
	}
	f := &Neighbours{Genes: m.Genes, Near: make([][]int, p), Mean: make([]float64, p)}
	var usable []int
	for g := range p {
		sum, have := 0.0, 0
		for _, v := range m.Gene(g) {
			if v == v {
				sum += v
				have++
			}
		}
		f.Mean[g] = sum / float64(have)
		if float64(n-have) <= mostMissingOfGene*float64(n) {
			usable = append(usable, g)
		}
	}
	if len(usable) <= k {
		return nil, errors.New("too few genes have half of their values")
	}
	distance := make([]float64, len(usable))
	order := make([]int, len(usable))
	for _, g := range usable {
		x := m.Gene(g)
		for i, other := range usable {
			order[i] = i
			distance[i] = math.Inf(1)
			if other != g {
				distance[i] = meanSquare(x, m.Gene(other))
			}
		}
		slices.SortFunc(order, func(a, b int) int {
			switch {
			case distance[a] < distance[b]:
				return -1
			case distance[a] > distance[b]:
				return 1
			}
			return a - b
		})
		f.Near[g] = make([]int, k)
		for i := range k {
			f.Near[g][i] = usable[order[i]]
		}
	}
	return f, nil
}

// meanSquare is the mean squared difference over places that both have; +Inf where there is none.
func meanSquare(a, b []float64) float64 {
	sum, n := 0.0, 0
	for i, v := range a {
		if d := v - b[i]; d == d {
			sum += d * d
			n++
		}
	}
	if n == 0 {
		return math.Inf(1)
	}
	return sum / float64(n)
}

// Apply fills missing values with the mean of what the neighbours have in the same sample.
func (f *Neighbours) Apply(m *Matrix) (*Matrix, error) {
	if err := sameGenes(f.Genes, m.Genes); err != nil {
		return nil, err
	}
	out := NewMatrix(m.Genes, m.Samples)
	copy(out.Values, m.Values)
	for s := range m.Samples {
		whole, have := 0.0, 0
		for g := range m.Genes {
			if v := m.Gene(g)[s]; v == v {
				whole += v
				have++
			}
		}
		for g := range m.Genes {
			if v := m.Gene(g)[s]; v == v {
				continue
			}
			sum, n := 0.0, 0
			for _, k := range f.Near[g] {
				if v := m.Gene(k)[s]; v == v {
					sum += v
					n++
				}
			}
			switch {
			case f.Near[g] == nil && have > 0:
				out.Gene(g)[s] = whole / float64(have)
			case n == 0:
				out.Gene(g)[s] = f.Mean[g]
			default:
				out.Gene(g)[s] = sum / float64(n)
			}
		}
	}
	return out, nil
}
