package cohort

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
)

// expressionSource is a matrix of expression, or of another number per gene: methylation betas, protein, copy number. What it gives
// are the genes, or one kind of score that is made of them in each sample alone.
type expressionSource struct {
	Common
	geneFile
	Format     string   `yaml:"format"`     // matrix, gct, geo, gdc_star; empty finds it by looking
	Duplicates string   `yaml:"duplicates"` // mean, sum, max, first, error
	Transform  []string `yaml:"transform"`  // in order: log2, log2p1, cpm, tpm, fpkm_uq, rank, m_value
	Lengths    string   `yaml:"lengths"`    // table of genes and their length in bp, for tpm of counts and fpkm_uq

	Annotation string `yaml:"annotation"`  // which gene each probe measures: a GPL table of GEO, or any with a header
	GeneColumn string `yaml:"gene_column"` // its column of genes; of a GCT, the column that names them (Description)
	Samples    string `yaml:"samples"`     // of GEO: title or accession

	SampleSheet string `yaml:"sample_sheet"` // of the GDC; empty looks for it in the folder
	Manifest    string `yaml:"manifest"`     // of the GDC: the files that were asked for; each has to be there and whole
	Values      string `yaml:"values"`       // column of STAR counts; unstranded
	Names       string `yaml:"names"`        // of STAR counts: gene_name or gene_id
	GeneType    string `yaml:"gene_type"`    // of STAR counts: protein_coding, …

	scores
}

// geneFile are the keys of sources that read a file of genes × samples.
type geneFile struct {
	Path        string   `yaml:"path,required"`
	Orientation string   `yaml:"orientation"` // genes_in_rows, genes_in_columns; empty finds it by looking
	IDPattern   Pattern  `yaml:"id_pattern"`  // cuts the patient out of a sample's name
	SampleType  string   `yaml:"sample_type"` // of TCGA barcodes: primary, recurrent, metastatic
	Missing     []string `yaml:"missing"`
	Decimal     string   `yaml:"decimal"`   // point, comma
	Separator   string   `yaml:"separator"` // tab, comma, semicolon, …; empty finds it by looking
}

// matrixOptions are the options of a matrix file.
func (s *expressionSource) matrixOptions(known []string) (genes.ReadOptions, error) {
	o := genes.ReadOptions{Orientation: s.Orientation, Known: known, Drop: s.Drop, Missing: s.Missing}
	var err error
	if o.Separator, err = separator(s.Separator); err != nil {
		return o, err
	}
	o.DecimalComma, err = decimalComma(s.Decimal)
	return o, err
}

func (s *expressionSource) load(_ context.Context, in input) (loaded, error) {
	path := resolve(in.base, s.Path)
	m, notes, err := s.read(path, in)
	if err != nil {
		return loaded{}, err
	}
	if s.Annotation != "" {
		gene, err := genes.ReadAnnotation(resolve(in.base, s.Annotation), s.GeneColumn)
		if err != nil {
			return loaded{}, err
		}
		var gone int
		if m, gone, err = m.Annotate(gene); err != nil {
			return loaded{}, fmt.Errorf("%s: %w", s.Annotation, err)
		}
		notes = append(notes, fmt.Sprintf("%d probes without one gene left out", gone))
	}
	m, tidied, err := genes.Tidy(m, s.Duplicates)
	if err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	m, chosen, err := s.ofPatients(m)
	if err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	lengths, err := s.lengths(in.base, m)
	if err != nil {
		return loaded{}, err
	}
	if err := genes.Transform(m, lengths, s.Transform...); err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	l := loaded{notes: slices.Concat(notes, tidied, chosen)}
	if s.scores.wanted() {
		var more []string
		l.table, more, err = s.scores.table(in.base, &s.Common, m)
		l.notes = append(l.notes, more...)
	} else {
		l.table, err = matrixTable(&s.Common, m)
	}
	if err != nil {
		return l, err
	}
	return l, s.choose(l.table)
}

// read reads the matrix in whichever format it is.
func (s *expressionSource) read(path string, in input) (*genes.Matrix, []string, error) {
	format := s.Format
	if format == "" {
		var err error
		if format, err = formatOf(path); err != nil {
			return nil, nil, err
		}
	}
	switch format {
	case "matrix":
		o, err := s.matrixOptions(in.patients)
		if err != nil {
			return nil, nil, err
		}
		m, err := genes.ReadMatrix(path, o)
		return m, nil, err
	case "gct":
		m, err := genes.ReadGCT(path, s.GeneColumn)
		return m, nil, err
	case "geo":
		return s.readGEO(path)
	case "gdc_star":
		sheet := s.SampleSheet
		if sheet != "" {
			sheet = resolve(in.base, sheet)
		}
		if s.Names != "" && s.Names != "gene_name" && s.Names != "gene_id" {
			return nil, nil, fmt.Errorf("names: want gene_name or gene_id, not %q", s.Names)
		}
		manifest := s.Manifest
		if manifest != "" {
			manifest = resolve(in.base, manifest)
		}
		return genes.ReadSTAR(path, genes.STAROptions{SampleSheet: sheet, Manifest: manifest, Values: s.Values, IDs: s.Names == "gene_id", GeneType: s.GeneType, SampleType: s.SampleType})
	}
	return nil, nil, fmt.Errorf("format: %q is not matrix, gct, geo or gdc_star", format)
}

// formatOf tells the format of a file by its beginning; a folder is of STAR counts.
func formatOf(path string) (string, error) {
	if info, err := os.Stat(path); err != nil {
		return "", err
	} else if info.IsDir() {
		return "gdc_star", nil
	}
	f, err := table.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	start := make([]byte, 16)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	switch head := string(start[:n]); {
	case strings.HasPrefix(head, "#1."):
		return "gct", nil
	case strings.HasPrefix(head, "!Series_"), strings.HasPrefix(head, "!Sample_"):
		return "geo", nil
	}
	return "matrix", nil
}

func (s *expressionSource) readGEO(path string) (*genes.Matrix, []string, error) {
	m, series, err := genes.ReadGEO(path)
	if err != nil {
		return nil, nil, err
	}
	if m == nil {
		return nil, nil, fmt.Errorf("%s: series %s has no numbers here; those of sequencing data are in its supplementary files", path, series.Accession)
	}
	var notes []string
	if s.Annotation == "" {
		notes = append(notes, "the rows are probes of "+series.Platform+"; name its table with annotation to have genes")
	}
	switch s.Samples {
	case "", "accession":
	case "title":
		if len(series.Titles) != len(series.Samples) {
			return nil, nil, fmt.Errorf("%s: %d titles for %d samples", path, len(series.Titles), len(series.Samples))
		}
		for i, accession := range m.Samples {
			if k := slices.Index(series.Samples, accession); k >= 0 {
				m.Samples[i] = series.Titles[k]
			}
		}
	default:
		return nil, nil, fmt.Errorf("samples: want accession or title, not %q", s.Samples)
	}
	return m, notes, nil
}

// lengths returns the length of each gene, or nil when none are named.
func (s *expressionSource) lengths(base string, m *genes.Matrix) ([]float64, error) {
	if s.Lengths == "" {
		return nil, nil
	}
	path := resolve(base, s.Lengths)
	l, err := genes.ReadMatrix(path, genes.ReadOptions{Orientation: "genes_in_rows"})
	if err != nil {
		return nil, err
	}
	if len(l.Samples) != 1 {
		return nil, fmt.Errorf("%s: a gene and its length are wanted in each row", path)
	}
	index := l.Index()
	out := make([]float64, len(m.Genes))
	for g, name := range m.Genes {
		k, ok := index[name]
		if !ok || !(l.Values[k] > 0) {
			return nil, fmt.Errorf("%s: the length of %s is not there, or is not above zero", path, name)
		}
		out[g] = l.Values[k]
	}
	return out, nil
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

// patientKeys are the keys of rows of patients.
func patientKeys(patients []string) []table.Key {
	keys := make([]table.Key, len(patients))
	for i, s := range patients {
		keys[i] = table.Key{Patient: s}
	}
	return keys
}

// matrixTable makes columns of genes.
func matrixTable(c *Common, m *genes.Matrix) (*table.Table, error) {
	t := table.New(patientKeys(m.Samples))
	for g, name := range m.Genes {
		if err := t.Add(table.Column{Name: c.Name + "." + name, Source: c.Name, Group: c.Group}, m.Gene(g)); err != nil {
			return nil, err
		}
	}
	return t, nil
}
