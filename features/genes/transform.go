package genes

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/stat"
)

// Transforms are the names of the transforms of one sample, as configurations write them.
var Transforms = []string{"log2", "log2p1", "cpm", "tpm", "fpkm_uq", "rank", "m_value"}

// Transform changes every sample of m by the named transforms, in order. Each looks at one sample alone: a patient's values are
// the same whoever else is in the matrix.
//
//	cpm      counts per million: count / sum of the sample's counts · 10⁶
//	tpm      transcripts per million: from counts with lengths (bp), else from FPKM: value / sum of values · 10⁶ (Wagner and others 2012)
//	fpkm_uq  count · 10⁹ / (length · upper quartile of the sample's counts · number of genes), as the GDC computes it
//	log2     log₂ x; a value of zero or less is an error
//	log2p1   log₂(x + 1); a value below zero is an error
//	m_value  log₂(β / (1 − β)) of methylation (Du and others 2010); a beta outside 0 to 1 is an error, 0 and 1 become missing
//	rank     mid-rank among the sample's genes, divided by their number: from just above 0 to 1
//
// lengths is the length of each gene in bp; only tpm (of counts) and fpkm_uq use it, and it may be nil.
func Transform(m *Matrix, lengths []float64, names ...string) error {
	for _, name := range names {
		if !slices.Contains(Transforms, name) {
			return fmt.Errorf("no transform is named %q; there are %s", name, strings.Join(Transforms, ", "))
		}
		if name == "log2" || name == "log2p1" {
			if err := m.log2(name); err != nil {
				return err
			}
			continue
		}
		if name == "m_value" {
			if err := m.mValue(); err != nil {
				return err
			}
			continue
		}
		if name == "fpkm_uq" && lengths == nil {
			return fmt.Errorf("fpkm_uq needs the lengths of the genes")
		}
		if name != "rank" {
			if err := m.nonNegative(name); err != nil {
				return err
			}
		}
		x := make([]float64, len(m.Genes))
		for s := range m.Samples {
			m.Sample(s, x)
			switch name {
			case "cpm":
				scaleTo(x, 1e6)
			case "tpm":
				for g := range x {
					if lengths != nil {
						x[g] /= lengths[g]
					}
				}
				scaleTo(x, 1e6)
			case "fpkm_uq":
				fpkmUQ(x, lengths)
			case "rank":
				relativeRank(x)
			}
			m.SetSample(s, x)
		}
	}
	return nil
}

func (m *Matrix) log2(name string) error {
	add, bad := 0.0, "zero or less; log2p1 takes zeros"
	if name == "log2p1" {
		add, bad = 1, "below zero: is the file in logarithms already?"
	}
	for i, v := range m.Values {
		if v < 0 || v == 0 && add == 0 {
			return fmt.Errorf("%s: gene %s, sample %s: %g is %s", name, m.Genes[i/len(m.Samples)], m.Samples[i%len(m.Samples)], v, bad)
		}
		m.Values[i] = math.Log2(v + add)
	}
	return nil
}

func (m *Matrix) mValue() error {
	for i, v := range m.Values {
		if v < 0 || v > 1 {
			return fmt.Errorf("m_value: gene %s, sample %s: %g is no share of methylation between 0 and 1", m.Genes[i/len(m.Samples)], m.Samples[i%len(m.Samples)], v)
		}
		m.Values[i] = math.Log2(v / (1 - v))
		if math.IsInf(m.Values[i], 0) {
			m.Values[i] = math.NaN()
		}
	}
	return nil
}

func (m *Matrix) nonNegative(name string) error {
	for i, v := range m.Values {
		if v < 0 {
			return fmt.Errorf("%s: gene %s, sample %s: %g is below zero: is the file in logarithms already?", name, m.Genes[i/len(m.Samples)], m.Samples[i%len(m.Samples)], v)
		}
	}
	return nil
}

// scaleTo scales the values there are to a sum.
func scaleTo(x []float64, total float64) {
	sum := 0.0
	for _, v := range x {
		if v == v {
			sum += v
		}
	}
	for g := range x {
		x[g] = x[g] / sum * total
	}
}

// fpkmUQ is the GDC's FPKM-UQ: the upper quartile is that of the counts of the genes given (protein-coding ones in the GDC's files).
func fpkmUQ(x, lengths []float64) {
	counts := make([]float64, 0, len(x))
	for _, v := range x {
		if v == v {
			counts = append(counts, v)
		}
	}
	slices.Sort(counts)
	uq := stat.Quantile(counts, 0.75)
	for g := range x {
		x[g] = x[g] * 1e9 / (lengths[g] * uq * float64(len(counts)))
	}
}

func relativeRank(x []float64) {
	n := 0
	for _, v := range x {
		if v == v {
			n++
		}
	}
	for g, r := range stat.Ranks(x) {
		x[g] = r / float64(n)
	}
}
