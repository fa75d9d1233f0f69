package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
)

// FilterByExpression returns which genes have counts worth analysing, by edgeR's filterByExpr with its defaults: at least ten
// counts, in a library of median size, in about 70 % of the samples of the smallest group, and fifteen in all. sizes are effective
// library sizes; nil sums the counts. group is nil where all samples are of one.
func FilterByExpression(counts *Matrix, sizes []float64, group []int) ([]bool, error) {
	const (
		minCount, minTotal = 10, 15
		large, proportion  = 10, 0.7
		tolerance          = 1e-14
	)
	n := len(counts.Samples)
	if n == 0 || group != nil && len(group) != n {
		return nil, fmt.Errorf("%d samples and %d groups", n, len(group))
	}
	if sizes == nil {
		sizes = LibrarySizes(counts)
	}
	smallest := n
	if group != nil {
		count := map[int]int{}
		for _, k := range group {
			count[k]++
		}
		for _, c := range count {
			smallest = min(smallest, c)
		}
	}
	need := float64(smallest)
	if need > large {
		need = large + (need-large)*proportion
	}
	cutoff := minCount / stat.Median(sizes) * 1e6
	keep := make([]bool, len(counts.Genes))
	for g := range keep {
		total, above := 0.0, 0.0
		for s, v := range counts.Gene(g) {
			total += v
			if v/sizes[s]*1e6 >= cutoff {
				above++
			}
		}
		keep[g] = above >= need-tolerance && total >= minTotal-tolerance
	}
	return keep, nil
}

// Kept returns the indices that are true.
func Kept(keep []bool) []int {
	var at []int
	for g, k := range keep {
		if k {
			at = append(at, g)
		}
	}
	return at
}

// ProbeRule is a way to choose among the probes of a gene that looks at a cohort.
type ProbeRule string

// The rules: the probe with the highest mean, or the highest variance, among the samples it is fitted on.
const (
	HighestMean     ProbeRule = "highest_mean"
	HighestVariance ProbeRule = "highest_variance"
)

// Probes is a choice of one probe for each gene.
type Probes struct {
	Probe []string // chosen, in order of Gene
	Gene  []string
}

// FitProbes chooses the probe of each gene on fitted samples; gene holds the gene of each row, "" for none. Genes are in order of
// first appearance; of equals the first probe counts.
func FitProbes(m *Matrix, gene []string, rule ProbeRule) (Probes, error) {
	if len(gene) != len(m.Genes) {
		return Probes{}, fmt.Errorf("%d probes and %d genes", len(m.Genes), len(gene))
	}
	if rule != HighestMean && rule != HighestVariance {
		return Probes{}, fmt.Errorf("no rule is named %q; there are highest_mean and highest_variance", rule)
	}
	var p Probes
	at, best := map[string]int{}, []float64(nil)
	for g, name := range gene {
		if name == "" {
			continue
		}
		score := present(m.Gene(g), rule)
		k, ok := at[name]
		switch {
		case !ok:
			at[name] = len(p.Gene)
			p.Gene, p.Probe, best = append(p.Gene, name), append(p.Probe, m.Genes[g]), append(best, score)
		case score > best[k]:
			p.Probe[k], best[k] = m.Genes[g], score
		}
	}
	if p.Gene == nil {
		return p, errors.New("no probe has a gene")
	}
	return p, nil
}

// present is the mean or variance of the values there are, -Inf of none.
func present(x []float64, rule ProbeRule) float64 {
	v := slices.DeleteFunc(slices.Clone(x), math.IsNaN)
	if len(v) == 0 {
		return math.Inf(-1)
	}
	if rule == HighestMean {
		return stat.Mean(v)
	}
	return stat.Variance(v)
}

// Apply returns the chosen probes under the names of their genes.
func (p Probes) Apply(m *Matrix) (*Matrix, error) {
	index := m.Index()
	at := make([]int, len(p.Probe))
	for k, probe := range p.Probe {
		g, ok := index[probe]
		if !ok {
			return nil, fmt.Errorf("probe %s of gene %s is not there", probe, p.Gene[k])
		}
		at[k] = g
	}
	out := m.SelectGenes(at)
	copy(out.Genes, p.Gene)
	return out, nil
}
