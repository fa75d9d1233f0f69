package genes

import (
	"errors"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/stat"
)

// LibrarySizes returns the sum of the counts of each sample.
func LibrarySizes(counts *Matrix) []float64 {
	sizes := make([]float64, len(counts.Samples))
	for g := range counts.Genes {
		for s, v := range counts.Gene(g) {
			sizes[s] += v
		}
	}
	return sizes
}

// CPM returns counts per million of effective library sizes (library size · factor).
func CPM(counts *Matrix, sizes []float64) *Matrix {
	out := NewMatrix(counts.Genes, counts.Samples)
	for g := range counts.Genes {
		from, to := counts.Gene(g), out.Gene(g)
		for s, v := range from {
			to[s] = v / sizes[s] * 1e6
		}
	}
	return out
}

// LogCPM returns log₂ counts per million with a prior count that is scaled to each library, so that zeros of libraries of any size
// have the same value (edgeR's cpm(log = TRUE)). It looks at all samples through their mean size; see TMM for one that does not.
func LogCPM(counts *Matrix, sizes []float64, prior float64) *Matrix {
	mean := stat.Mean(sizes)
	out := NewMatrix(counts.Genes, counts.Samples)
	for g := range counts.Genes {
		from, to := counts.Gene(g), out.Gene(g)
		for s, v := range from {
			to[s] = logCPM(v, sizes[s], mean, prior)
		}
	}
	return out
}

func logCPM(count, size, mean, prior float64) float64 {
	p := prior * size / mean
	return math.Log2((count + p) / (size + 2*p) * 1e6)
}

// PerKilobase divides each gene by its length in kilobases: CPM becomes RPKM. Of logarithms it subtracts log₂ of that.
func PerKilobase(m *Matrix, lengths []float64, logarithms bool) {
	for g, l := range lengths {
		row := m.Gene(g)
		for s := range row {
			if logarithms {
				row[s] -= math.Log2(l / 1000)
			} else {
				row[s] /= l / 1000
			}
		}
	}
}

// SizeFactors are DESeq2's: the median over genes of the ratio of a sample's counts to the gene's geometric mean among the samples
// it was fitted on (Anders and Huber 2010).
type SizeFactors struct {
	Genes    []string
	LogMeans []float64 // log of the geometric mean of each gene; -Inf leaves it out
	// Scale divides factors, so that those of the fitted samples have a geometric mean of one; 1 unless positive counts are used.
	Scale float64
}

// FitSizeFactors fits geometric means. Genes with a zero are left out, unless positive is set: then zeros count as one in the
// mean (DESeq2's poscounts), for data in which every gene has a zero somewhere.
func FitSizeFactors(counts *Matrix, positive bool) (SizeFactors, error) {
	f := SizeFactors{Genes: counts.Genes, LogMeans: make([]float64, len(counts.Genes)), Scale: 1}
	usable := false
	for g := range counts.Genes {
		sum, any := 0.0, false
		for s, v := range counts.Gene(g) {
			if !(v >= 0) {
				return f, fmt.Errorf("gene %s, sample %s: %v is not a count", counts.Genes[g], counts.Samples[s], v)
			}
			any = any || v > 0
			if v > 0 || !positive {
				sum += math.Log(v)
			}
		}
		f.LogMeans[g] = sum / float64(len(counts.Samples))
		if !any {
			f.LogMeans[g] = math.Inf(-1)
		}
		usable = usable || !math.IsInf(f.LogMeans[g], 0)
	}
	if !usable {
		return f, errors.New("every gene has a zero in some sample; use positive counts")
	}
	if positive {
		factors, err := f.Factors(counts)
		if err != nil {
			return f, err
		}
		sum := 0.0
		for _, v := range factors {
			sum += math.Log(v)
		}
		f.Scale = math.Exp(sum / float64(len(factors)))
	}
	return f, nil
}

// Factors returns the size factor of each sample. The genes have to be those fitted, in order.
func (f SizeFactors) Factors(counts *Matrix) ([]float64, error) {
	if err := sameGenes(f.Genes, counts.Genes); err != nil {
		return nil, err
	}
	out := make([]float64, len(counts.Samples))
	x := make([]float64, len(counts.Genes))
	for s := range out {
		counts.Sample(s, x)
		out[s] = medianRatio(x, f.LogMeans) / f.Scale
		if !(out[s] > 0) {
			return nil, fmt.Errorf("sample %s has no count of a gene that the factors are made from", counts.Samples[s])
		}
	}
	return out, nil
}

// sameGenes returns an error that says where two lists of genes part.
func sameGenes(want, got []string) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d genes were fitted and %d are given", len(want), len(got))
	}
	for g := range want {
		if want[g] != got[g] {
			return fmt.Errorf("gene %d is %s where %s was fitted", g+1, got[g], want[g])
		}
	}
	return nil
}

// RLE normalises by the relative log expression, edgeR's factors of DESeq's median of ratios, and takes log₂ counts per million of
// effective library sizes: those are size factors times a constant, so the fitted samples have edgeR's very values.
type RLE struct {
	SizeFactors SizeFactors
	Size        float64 // effective library size of a size factor of one
	MeanSize    float64 // mean effective library size of the fitted samples, which scales the prior count
}

// FitRLE fits the reference on samples of counts.
func FitRLE(counts *Matrix) (RLE, error) {
	f, err := FitSizeFactors(counts, false)
	if err != nil {
		return RLE{}, err
	}
	factors, err := f.Factors(counts)
	if err != nil {
		return RLE{}, err
	}
	sum := 0.0 // factors/size have a geometric mean of one, edgeR's scale
	for s, size := range LibrarySizes(counts) {
		sum += math.Log(factors[s] / size)
	}
	r := RLE{SizeFactors: f, Size: math.Exp(-sum / float64(len(factors)))}
	r.MeanSize = stat.Mean(factors) * r.Size
	return r, nil
}

// Apply returns log₂ counts per million of effective library sizes, each sample by itself.
func (r RLE) Apply(counts *Matrix) (*Matrix, error) {
	factors, err := r.SizeFactors.Factors(counts)
	if err != nil {
		return nil, err
	}
	out := NewMatrix(counts.Genes, counts.Samples)
	for g := range counts.Genes {
		from, to := counts.Gene(g), out.Gene(g)
		for s, v := range from {
			to[s] = logCPM(v, factors[s]*r.Size, r.MeanSize, tmmPrior)
		}
	}
	return out, nil
}

// TMM normalises the composition of libraries against a frozen reference, and takes log₂ counts per million. The reference is the
// mean over the fitted samples of their proportions, not one patient's library as in NormFactors, so that it can be stored.
type TMM struct {
	Genes     []string
	Reference []float64 // mean proportion of each gene, times MeanSize
	MeanSize  float64   // mean effective library size, which scales the prior count
	Scale     float64   // geometric mean of the fitted samples' factors
}

// tmmPrior is the prior count of log-CPM, edgeR's default.
const tmmPrior = 2

// FitTMM fits the reference on samples of counts.
func FitTMM(counts *Matrix) (TMM, error) {
	if _, _, err := expressedColumns(counts); err != nil {
		return TMM{}, err
	}
	sizes := LibrarySizes(counts)
	t := TMM{Genes: counts.Genes, Reference: make([]float64, len(counts.Genes)), MeanSize: stat.Mean(sizes), Scale: 1}
	for g := range counts.Genes {
		for s, v := range counts.Gene(g) {
			t.Reference[g] += v / sizes[s]
		}
		t.Reference[g] *= t.MeanSize / float64(len(sizes))
	}
	f, err := t.Factors(counts)
	if err != nil {
		return t, err
	}
	sum, effective := 0.0, 0.0
	for s, v := range f {
		sum += math.Log(v)
		effective += sizes[s] * v
	}
	t.Scale = math.Exp(sum / float64(len(f)))
	t.MeanSize = effective / t.Scale / float64(len(f))
	return t, nil
}

// Factors returns the normalisation factor of each sample, each by itself.
func (t TMM) Factors(counts *Matrix) ([]float64, error) {
	if err := sameGenes(t.Genes, counts.Genes); err != nil {
		return nil, err
	}
	total := 0.0
	for _, v := range t.Reference {
		total += v
	}
	out := make([]float64, len(counts.Samples))
	x := make([]float64, len(counts.Genes))
	for s := range out {
		counts.Sample(s, x)
		size := 0.0
		for g, v := range x {
			if !(v >= 0) {
				return nil, fmt.Errorf("gene %s, sample %s: %v is not a count", counts.Genes[g], counts.Samples[s], v)
			}
			size += v
		}
		if size == 0 {
			return nil, fmt.Errorf("sample %s has no count", counts.Samples[s])
		}
		out[s] = tmm(x, t.Reference, size, total) / t.Scale
	}
	return out, nil
}

// Apply returns log₂ counts per million of effective library sizes.
func (t TMM) Apply(counts *Matrix) (*Matrix, error) {
	f, err := t.Factors(counts)
	if err != nil {
		return nil, err
	}
	sizes := LibrarySizes(counts)
	out := NewMatrix(counts.Genes, counts.Samples)
	for g := range counts.Genes {
		from, to := counts.Gene(g), out.Gene(g)
		for s, v := range from {
			to[s] = logCPM(v, sizes[s]*f[s], t.MeanSize, tmmPrior)
		}
	}
	return out, nil
}
