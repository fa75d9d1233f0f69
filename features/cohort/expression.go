package cohort

import (
	"context"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
)

// expressionSource is a matrix of expression, or of another number per gene: methylation betas, protein, copy number.
type expressionSource struct {
	Common
	geneFile
	Duplicates string   `yaml:"duplicates"` // mean, sum, max, first, error
	Transform  []string `yaml:"transform"`  // log2, log2p1, cpm, tpm, rank, in order
}

// geneFile are the keys of sources that read a file of genes × samples.
type geneFile struct {
	Path        string   `yaml:"path,required"`
	Orientation string   `yaml:"orientation"` // genes_in_rows, genes_in_columns; empty finds it by looking
	IDPattern   Pattern  `yaml:"id_pattern"`  // cuts the patient out of a sample's name
	SampleType  string   `yaml:"sample_type"` // of TCGA barcodes: primary, recurrent, metastatic
	Missing     []string `yaml:"missing"`
}

func (s *expressionSource) load(_ context.Context, in input) (loaded, error) {
	path := resolve(in.base, s.Path)
	m, err := genes.ReadMatrix(path, genes.ReadOptions{Orientation: s.Orientation, Known: in.patients, Drop: s.Drop, Missing: s.Missing})
	if err != nil {
		return loaded{}, err
	}
	m, notes, err := genes.Tidy(m, s.Duplicates)
	if err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	m, more, err := s.ofPatients(m)
	if err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := genes.Transform(m, nil, s.Transform...); err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	t, err := matrixTable(&s.Common, m)
	return loaded{table: t, notes: append(notes, more...)}, err
}

// ofPatients keeps one sample a patient and names it after the patient.
func (g geneFile) ofPatients(m *genes.Matrix) (*genes.Matrix, []string, error) {
	if g.IDPattern.Regexp == nil && genes.IsBarcodes(m.Samples) {
		kind := g.SampleType
		if kind == "" {
			kind = "primary"
		}
		c, err := genes.ChooseSamples(m.Samples, kind)
		if err != nil {
			return nil, nil, err
		}
		m = m.SelectSamples(c.Samples)
		m.Samples = c.Patients
		return m, c.Notes, nil
	}
	if g.SampleType != "" {
		return nil, nil, fmt.Errorf("sample_type is for TCGA barcodes, and the samples are named %q, …", m.Samples[0])
	}
	if g.IDPattern.Regexp == nil {
		return m, nil, nil
	}
	first := map[string]string{}
	names := slices.Clone(m.Samples)
	for i, n := range names {
		found := g.IDPattern.FindStringSubmatch(n)
		if found == nil {
			return nil, nil, fmt.Errorf("sample %q has not the form %s", n, g.IDPattern)
		}
		p := found[min(1, len(found)-1)]
		if before, ok := first[p]; ok {
			return nil, nil, fmt.Errorf("samples %q and %q are both of patient %s; leave one out with drop", before, n, p)
		}
		first[p] = n
		names[i] = p
	}
	return &genes.Matrix{Genes: m.Genes, Samples: names, Values: m.Values}, nil, nil
}

// matrixTable makes columns of genes, of the genes that the source takes.
func matrixTable(c *Common, m *genes.Matrix) (*table.Table, error) {
	keys := make([]table.Key, len(m.Samples))
	for i, s := range m.Samples {
		keys[i] = table.Key{Patient: s}
	}
	t := table.New(keys)
	for g, name := range m.Genes {
		if err := t.Add(table.Column{Name: c.Name + "." + name, Source: c.Name, Group: c.Group}, m.Gene(g)); err != nil {
			return nil, err
		}
	}
	return t, c.choose(t)
}
