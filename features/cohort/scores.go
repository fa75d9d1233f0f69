package cohort

import (
	"errors"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
)

// scores are the keys of an expression source that turn genes into scores. Each looks at one sample alone, so a patient's scores do
// not depend on the others; those that learn from a cohort are steps of the pipeline.
type scores struct {
	Sets       string `yaml:"sets"`       // GMT: ssGSEA, not divided by the range
	LeastGenes int    `yaml:"min_genes"`  // of a set that have to be in the data; 1
	Signatures string `yaml:"signatures"` // table of signature, gene, weight: weighted sums

	Centroids  string `yaml:"centroids"`  // table of genes × subtypes: nearest centroid
	Medians    string `yaml:"medians"`    // of the centroids' genes, subtracted first
	Similarity string `yaml:"similarity"` // spearman, pearson, euclidean

	Deconvolve string `yaml:"deconvolve"` // table of genes × cell types
	Method     string `yaml:"method"`     // nu_svr, nnls

	Recurrence string `yaml:"recurrence_score"` // table of gene, low, high: the 21-gene score, for research
}

func (s scores) wanted() bool {
	return s.Sets != "" || s.Signatures != "" || s.Centroids != "" || s.Deconvolve != "" || s.Recurrence != ""
}

// table makes the columns of all scores that are asked for.
func (s scores) table(base string, c *Common, m *genes.Matrix) (*table.Table, []string, error) {
	t := table.New(patientKeys(m.Samples))
	var notes []string
	add := func(name string, values []float64) error {
		return t.Add(table.Column{Name: c.Name + "." + name, Source: c.Name, Group: c.Group}, values)
	}
	for _, part := range []struct {
		file string
		make func(path string) ([]string, error)
	}{
		{s.Sets, func(path string) ([]string, error) { return s.setScores(path, m, add) }},
		{s.Signatures, func(path string) ([]string, error) { return nil, signatureScores(path, m, add) }},
		{s.Centroids, func(path string) ([]string, error) { return s.calls(base, path, c, m, t) }},
		{s.Deconvolve, func(path string) ([]string, error) { return nil, s.mixtures(path, m, add) }},
		{s.Recurrence, func(path string) ([]string, error) {
			return []string{"the recurrence score is for research; it is not the commercial test"}, recurrenceScore(path, m, add)
		}},
	} {
		if part.file == "" {
			continue
		}
		more, err := part.make(resolve(base, part.file))
		if err != nil {
			return nil, nil, err
		}
		notes = append(notes, more...)
	}
	return t, notes, nil
}

func (s scores) setScores(path string, m *genes.Matrix, add func(string, []float64) error) ([]string, error) {
	sets, err := genes.ReadGMT(path)
	if err != nil {
		return nil, err
	}
	sets, notes, err := genes.Usable(sets, m.Index(), s.LeastGenes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	x, err := genes.SSGSEA(m, sets)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for k, name := range x.Sets {
		if err := add(name, x.Values[k]); err != nil {
			return nil, err
		}
	}
	return notes, nil
}

func signatureScores(path string, m *genes.Matrix, add func(string, []float64) error) error {
	list, err := genes.ReadSignatures(path)
	if err != nil {
		return err
	}
	for _, s := range list {
		x, err := s.Apply(m)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := add(s.Name, x); err != nil {
			return err
		}
	}
	return nil
}

// calls adds the subtype and the similarity to each centroid.
func (s scores) calls(base, path string, c *Common, m *genes.Matrix, t *table.Table) ([]string, error) {
	centroids, err := genes.ReadCentroids(path)
	if err != nil {
		return nil, err
	}
	centroids.By = genes.Similarity(s.Similarity)
	if s.Medians != "" {
		if err := centroids.ReadMedians(resolve(base, s.Medians)); err != nil {
			return nil, err
		}
	}
	x, err := centroids.Apply(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	call := make([]float64, len(x.Call))
	for i, k := range x.Call {
		call[i] = float64(k)
		if k < 0 {
			call[i] = math.NaN()
		}
	}
	col := table.Column{Name: c.Name + ".subtype", Source: c.Name, Group: c.Group, Kind: table.Categorical, Levels: x.Names}
	if err := t.Add(col, call); err != nil {
		return nil, err
	}
	for k, name := range x.Names {
		v := make([]float64, len(x.Scores))
		for i := range v {
			v[i] = x.Scores[i][k]
		}
		if err := t.Add(table.Column{Name: c.Name + ".like_" + name, Source: c.Name, Group: c.Group}, v); err != nil {
			return nil, err
		}
	}
	return []string{fmt.Sprintf("subtypes are called from %d of the %d genes of the centroids", len(x.Used), len(centroids.Genes))}, nil
}

func (s scores) mixtures(path string, m *genes.Matrix, add func(string, []float64) error) error {
	if s.Method != "" && s.Method != "nu_svr" && s.Method != "nnls" {
		return fmt.Errorf("method: want nu_svr or nnls, not %q", s.Method)
	}
	signature, err := genes.ReadMatrix(path, genes.ReadOptions{Orientation: "genes_in_rows"})
	if err != nil {
		return err
	}
	d, err := genes.NewDeconvolution(signature, s.Method == "nnls")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	x, err := d.Apply(m)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for k, name := range d.Types {
		v := make([]float64, len(x))
		for i := range x {
			v[i] = x[i].Fractions[k]
		}
		if err := add(name, v); err != nil {
			return err
		}
	}
	return nil
}

func recurrenceScore(path string, m *genes.Matrix, add func(string, []float64) error) error {
	r, err := genes.ReadRecurrenceRanges(path)
	if err != nil {
		return err
	}
	x, err := r.Apply(m)
	var missing *genes.MissingGenes
	if errors.As(err, &missing) {
		return fmt.Errorf("%w; a score without all of its genes would be another", err)
	}
	if err != nil {
		return err
	}
	return add("recurrence_score", x)
}
