package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
)

// Similarity is how a sample is compared with centroids.
type Similarity string

// The similarities of single-sample predictors.
const (
	SpearmanSimilarity Similarity = "spearman"
	PearsonSimilarity  Similarity = "pearson"
	Euclidean          Similarity = "euclidean" // a distance: the smallest is called
)

// Centroids call the subtype of a sample by the centroid it is most like (Sørlie and others 2003; Parker and others 2009). Genes are
// centred by stored medians first, because centring by the patients at hand would make a call depend on them.
type Centroids struct {
	Genes   []string
	Names   []string
	Values  [][]float64 // a centroid each, one value a gene
	Medians []float64   // of each gene, subtracted first; nil where centroids and data are on one scale already
	By      Similarity  // empty is SpearmanSimilarity
}

// ReadCentroids reads centroids from a table with genes in rows and a column a centroid.
func ReadCentroids(path string) (Centroids, error) {
	m, err := ReadMatrix(path, ReadOptions{Orientation: "genes_in_rows"})
	if err != nil {
		return Centroids{}, err
	}
	c := Centroids{Genes: m.Genes, Names: m.Samples}
	for k := range m.Samples {
		v := make([]float64, len(m.Genes))
		m.Sample(k, v)
		if slices.ContainsFunc(v, math.IsNaN) {
			return c, fmt.Errorf("%s: centroid %s lacks a gene", path, m.Samples[k])
		}
		c.Values = append(c.Values, v)
	}
	if len(c.Names) < 2 {
		return c, fmt.Errorf("%s: there is one centroid, and two are the least to choose from", path)
	}
	return c, nil
}

// ReadMedians reads the medians to subtract from a table with a gene and a number a row.
func (c *Centroids) ReadMedians(path string) error {
	m, err := ReadMatrix(path, ReadOptions{Orientation: "genes_in_rows"})
	if err != nil {
		return err
	}
	if len(m.Samples) != 1 {
		return fmt.Errorf("%s: a gene and its median are wanted in each row, and there are %d numbers", path, len(m.Samples))
	}
	index := m.Index()
	c.Medians = make([]float64, len(c.Genes))
	for g, name := range c.Genes {
		k, ok := index[name]
		if !ok {
			return fmt.Errorf("%s: the median of %s is not there", path, name)
		}
		c.Medians[g] = m.Values[k]
	}
	return nil
}

// Calls are what centroids say of samples: a score for each centroid, and the centroid called; -1 where too few genes have values.
type Calls struct {
	Names  []string
	Scores [][]float64 // a row a sample
	Call   []int
	Used   []string // genes of the centroids that the data has
}

// leastCentroidGenes is the share of a centroid's genes that has to be there for a call.
const leastCentroidGenes = 0.5

// Apply calls each sample by itself. Half of the genes at least have to be there.
func (c Centroids) Apply(m *Matrix) (Calls, error) {
	by := c.By
	if by == "" {
		by = SpearmanSimilarity
	}
	if by != SpearmanSimilarity && by != PearsonSimilarity && by != Euclidean {
		return Calls{}, fmt.Errorf("no similarity is named %q; there are spearman, pearson, euclidean", by)
	}
	index := m.Index()
	out := Calls{Names: c.Names}
	var at, rows []int
	for g, name := range c.Genes {
		if k, ok := index[name]; ok {
			at, rows = append(at, g), append(rows, k)
			out.Used = append(out.Used, name)
		}
	}
	if float64(len(at)) < leastCentroidGenes*float64(len(c.Genes)) || len(at) < 3 {
		return out, fmt.Errorf("%d of the %d genes of the centroids are in the data, too few for a call; are the names of the same kind?", len(at), len(c.Genes))
	}
	for s := range m.Samples {
		scores := make([]float64, len(c.Names))
		var x []float64
		var of []int
		for i, k := range rows {
			if v := m.Gene(k)[s]; v == v {
				if c.Medians != nil {
					v -= c.Medians[at[i]]
				}
				x, of = append(x, v), append(of, at[i])
			}
		}
		call := -1
		for k := range c.Names {
			y := make([]float64, len(of))
			for i, g := range of {
				y[i] = c.Values[k][g]
			}
			scores[k] = similarity(by, x, y)
			if float64(len(x)) < leastCentroidGenes*float64(len(c.Genes)) {
				scores[k] = math.NaN()
			}
			better := call < 0 || by == Euclidean && scores[k] < scores[call] || by != Euclidean && scores[k] > scores[call]
			if scores[k] == scores[k] && better {
				call = k
			}
		}
		out.Scores = append(out.Scores, scores)
		out.Call = append(out.Call, call)
	}
	return out, nil
}

func similarity(by Similarity, x, y []float64) float64 {
	switch by {
	case SpearmanSimilarity:
		return correlation(stat.Ranks(x), stat.Ranks(y))
	case PearsonSimilarity:
		return correlation(x, y)
	}
	sum := 0.0
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	return math.Sqrt(sum)
}

func correlation(x, y []float64) float64 {
	mx, my := stat.Mean(x), stat.Mean(y)
	xy, xx, yy := 0.0, 0.0, 0.0
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
		yy += (y[i] - my) * (y[i] - my)
	}
	return xy / math.Sqrt(xx*yy)
}

// Signature is a score of genes with weights: Σ weight · value, plus Intercept.
type Signature struct {
	Name      string
	Genes     []string
	Weights   []float64
	Intercept float64
}

// ReadSignatures reads signatures from a table with the columns signature, gene and weight. A row whose gene is (Intercept) gives
// the intercept.
func ReadSignatures(path string) ([]Signature, error) {
	t, err := table.ReadTexts(path, table.Options{Key: "signature", Columns: []string{"gene", "weight"}})
	if err != nil {
		return nil, err
	}
	var out []Signature
	at := map[string]int{}
	var problems table.Problems
	gene, weight := t.Column("gene"), t.Column("weight")
	for i, k := range t.Keys {
		n, ok := at[k.Patient]
		if !ok {
			n = len(out)
			at[k.Patient] = n
			out = append(out, Signature{Name: k.Patient})
		}
		w, ok := table.Number([]byte(weight[i]))
		switch {
		case !ok:
			problems.Add(path, t.Lines[i], "weight", "%q is not a number", weight[i])
		case gene[i] == "(Intercept)":
			out[n].Intercept = w
		case gene[i] == "" || slices.Contains(out[n].Genes, gene[i]):
			problems.Add(path, t.Lines[i], "gene", "the gene is missing, or is in the signature already")
		default:
			out[n].Genes, out[n].Weights = append(out[n].Genes, gene[i]), append(out[n].Weights, w)
		}
	}
	return out, problems.Err()
}

// Apply scores each sample by itself. Every gene has to be there: a sum without some of its terms is another score. A sample in
// which one is missing has the score NaN.
func (s Signature) Apply(m *Matrix) ([]float64, error) {
	index := m.Index()
	var missing []string
	for _, g := range s.Genes {
		if _, ok := index[g]; !ok {
			missing = append(missing, g)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("signature %s: %w", s.Name, &MissingGenes{missing})
	}
	if len(s.Genes) == 0 {
		return nil, errors.New("signature " + s.Name + " has no gene")
	}
	out := make([]float64, len(m.Samples))
	for i := range out {
		out[i] = s.Intercept
	}
	for k, g := range s.Genes {
		for i, v := range m.Gene(index[g]) {
			out[i] += s.Weights[k] * v
		}
	}
	return out, nil
}

// MissingGenes says which genes a score needs and the data lacks.
type MissingGenes struct{ Genes []string }

// Error names the genes.
func (e *MissingGenes) Error() string {
	return fmt.Sprintf("%s not in the data: %s", plural(len(e.Genes), "gene is", "genes are"), some(e.Genes))
}
