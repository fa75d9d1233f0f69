package genes

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// STAROptions say what is read of the GDC's STAR counts.
type STAROptions struct {
	// SampleSheet is the sheet that the GDC portal gives beside a download, or the JSON metadata of its cart; empty looks for
	// gdc_sample_sheet*.tsv and metadata.*.json in the folder.
	SampleSheet string
	// Manifest is the manifest of the download. Only its files are read, and each has to be there, whole, and of a known patient.
	// Empty reads all that the sample sheet names.
	Manifest string
	// Values is the column to read; empty is unstranded, the raw counts.
	Values string
	// IDs names genes by gene_id instead of gene_name.
	IDs bool
	// GeneType keeps genes of one type, for example protein_coding; empty keeps all.
	GeneType string
	// SampleType is primary (the default), recurrent or metastatic; normal tissue is refused always.
	SampleType string
}

// ReadSTAR reads a folder of GDC files *.rna_seq.augmented_star_gene_counts.tsv, gzipped or not, as the GDC client lays them out: one
// sample a file, each in a folder named for its file id or all side by side. The sample sheet says which file is of which patient;
// one sample a patient is read. Samples of the matrix are patients, sorted. Rows of a name that is there twice are added up.
func ReadSTAR(dir string, o STAROptions) (*Matrix, []string, error) {
	if o.Values == "" {
		o.Values = "unstranded"
	}
	if o.SampleSheet == "" {
		var err error
		if o.SampleSheet, err = findSheet(dir); err != nil {
			return nil, nil, err
		}
	}
	entries, err := readSampleSheet(o.SampleSheet)
	if err != nil {
		return nil, nil, err
	}
	at, err := locate(dir)
	if err != nil {
		return nil, nil, err
	}
	if o.Manifest != "" {
		if entries, err = checkManifest(o.Manifest, o.SampleSheet, entries, at); err != nil {
			return nil, nil, err
		}
	}
	patients, files, notes, err := chooseFiles(entries, o.SampleType)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.SampleSheet, err)
	}
	var m *Matrix
	absent := 0
	var have []string
	var columns [][]float64
	for i, f := range files {
		path, ok := at[f]
		if !ok {
			absent++
			continue
		}
		names, values, err := readSTARFile(path, o)
		if err != nil {
			return nil, nil, err
		}
		if m == nil {
			m = &Matrix{Genes: names}
		} else if err := sameGenes(m.Genes, names); err != nil {
			return nil, nil, fmt.Errorf("%s: it has other genes than the files before (%w); are they of another gene model?", path, err)
		}
		have = append(have, patients[i])
		columns = append(columns, values)
	}
	if m == nil {
		return nil, nil, fmt.Errorf("%s: none of the %d files that the sample sheet names is there", dir, len(files))
	}
	if absent > 0 {
		notes = append(notes, plural(absent, "file", "files")+" of the sample sheet not in the folder")
	}
	m.Samples = have
	m.Values = transpose(columns, len(m.Genes))
	m, more, err := Tidy(m, "sum")
	return m, append(notes, more...), err
}

// sheetEntry is a row of a GDC sample sheet.
type sheetEntry struct{ file, patient, sample, kind string }

func readSampleSheet(path string) ([]sheetEntry, error) {
	if strings.EqualFold(filepath.Ext(path), ".json") {
		return readCart(path)
	}
	t, err := table.ReadTexts(path, table.Options{Key: "File Name", Columns: []string{"Case ID", "Sample ID", "Sample Type"}})
	if err != nil {
		return nil, err
	}
	first := func(s string) string { // several cases or samples of one file are separated by commas
		a, _, _ := strings.Cut(s, ",")
		return strings.TrimSpace(a)
	}
	var out []sheetEntry
	for i, k := range t.Keys {
		out = append(out, sheetEntry{k.Patient, first(t.Column("Case ID")[i]), first(t.Column("Sample ID")[i]), first(t.Column("Sample Type")[i])})
	}
	return out, nil
}

// chooseFiles takes one file a patient: by the barcode rule where samples have TCGA barcodes, else by sample type and then the first
// sample and file by name.
func chooseFiles(entries []sheetEntry, sampleType string) (patients, files, notes []string, err error) {
	if sampleType == "" {
		sampleType = "primary"
	}
	slices.SortFunc(entries, func(a, b sheetEntry) int { return strings.Compare(a.sample+"\t"+a.file, b.sample+"\t"+b.file) })
	samples := make([]string, len(entries))
	for i, e := range entries {
		samples[i] = e.sample
	}
	if IsBarcodes(samples) {
		c, err := ChooseSamples(samples, sampleType)
		if err != nil {
			return nil, nil, nil, err
		}
		for _, s := range c.Samples {
			files = append(files, entries[s].file)
		}
		return c.Patients, files, c.Notes, nil
	}
	if _, ok := sampleTypes[sampleType]; !ok {
		return nil, nil, nil, fmt.Errorf("sample_type: %q is not primary, recurrent or metastatic", sampleType)
	}
	seen := map[string]bool{}
	out := 0
	for _, e := range entries {
		kind := strings.ToLower(e.kind)
		if !strings.HasPrefix(kind, sampleType) || strings.Contains(kind, "normal") || seen[e.patient] || e.patient == "" {
			out++
			continue
		}
		seen[e.patient] = true
		patients, files = append(patients, e.patient), append(files, e.file)
	}
	if out > 0 {
		notes = append(notes, plural(out, "sample", "samples")+" left out: not "+sampleType+", or a further one of a patient")
	}
	order := make([]int, len(patients))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(patients[a], patients[b]) })
	p, f := make([]string, len(order)), make([]string, len(order))
	for i, k := range order {
		p[i], f[i] = patients[k], files[k]
	}
	if len(p) == 0 {
		return nil, nil, nil, fmt.Errorf("no sample is %s", sampleType)
	}
	return p, f, notes, nil
}

// locate finds the files of a folder and of the folders in it, by name; a name with .gz also counts without.
func locate(dir string) (map[string]string, error) {
	at := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel, _ := filepath.Rel(dir, path); strings.Count(rel, string(os.PathSeparator)) > 2 {
				return fs.SkipDir
			}
			return nil
		}
		at[d.Name()] = path
		at[strings.TrimSuffix(d.Name(), ".gz")] = path
		return nil
	})
	return at, err
}

// readSTARFile reads one sample.
func readSTARFile(path string, o STAROptions) (names []string, values []float64, err error) {
	in, err := table.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	s := table.NewScanner(in)
	s.Separator, s.Plain, s.Comment = '\t', true, "#"
	if !s.Scan() {
		return nil, nil, fmt.Errorf("%s: there is no header: %w", path, cmp.Or(s.Err(), io.ErrUnexpectedEOF))
	}
	var header []string
	for _, f := range s.Fields() {
		header = append(header, string(f))
	}
	name, kind, value := slices.Index(header, "gene_name"), slices.Index(header, "gene_type"), slices.Index(header, o.Values)
	if o.IDs {
		name = slices.Index(header, "gene_id")
	}
	if name < 0 || kind < 0 || value < 0 {
		return nil, nil, fmt.Errorf("%s: the header lacks gene_name, gene_type or %s; it has %s", path, o.Values, strings.Join(header, ", "))
	}
	var problems table.Problems
	for s.Scan() {
		f := s.Fields()
		if len(f) != len(header) {
			problems.Add(path, s.Line(), "", "%d fields where the header has %d", len(f), len(header))
			continue
		}
		if !strings.HasPrefix(string(f[0]), "ENS") || o.GeneType != "" && string(f[kind]) != o.GeneType {
			continue // N_unmapped and the like, or another type
		}
		n := string(f[name])
		if strings.HasSuffix(string(f[0]), "_PAR_Y") {
			n += "_PAR_Y"
		}
		v, ok := table.Number(f[value])
		if !ok {
			v = math.NaN()
			problems.Add(path, s.Line(), o.Values, "%q is not a number", clip(f[value]))
		}
		names, values = append(names, n), append(values, v)
	}
	if s.Err() != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, s.Err())
	}
	if len(names) == 0 && problems.Err() == nil {
		return nil, nil, fmt.Errorf("%s: no gene", path)
	}
	return names, values, problems.Err()
}
