package genes

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// Series is what a GEO series matrix says beside its numbers.
type Series struct {
	Accession, Platform string
	// Samples are the sample accessions, Titles their titles.
	Samples, Titles []string
	// Characteristics are the characteristics of samples by name, one value a sample, "" where a sample has none.
	Characteristics map[string][]string
}

// ReadGEO reads a GEO series matrix, gzipped or not: the matrix of probes by samples, named by accession, and what is said of the
// samples. A series of sequencing data keeps its numbers in supplementary files; its matrix is nil.
func ReadGEO(path string) (*Matrix, Series, error) {
	in, err := table.Open(path)
	if err != nil {
		return nil, Series{}, err
	}
	defer in.Close()
	s := table.NewScanner(in)
	series, err := readSeries(path, s)
	if err != nil {
		return nil, series, err
	}
	m, err := readSeriesTable(path, s)
	return m, series, err
}

// readSeries reads what stands before the numbers.
func readSeries(path string, s *table.Scanner) (Series, error) {
	s.Separator = '\t'
	series := Series{Characteristics: map[string][]string{}}
	for s.Scan() {
		f := s.Fields()
		key := string(f[0])
		if key == "!series_matrix_table_begin" {
			return series, nil
		}
		series.line(key, f[1:])
	}
	return series, fmt.Errorf("%s: there is no line !series_matrix_table_begin: %w", path, errors.Join(s.Err(), errors.New("is it a series matrix?")))
}

// SeriesTable returns what a GEO series matrix says of its samples as a table in CSV: the columns sample and title, then one for each
// characteristic, by name. Age: 50 of one sample and gender: F of the next stand in columns of their own, whatever line they are on.
func SeriesTable(path string) ([]byte, error) {
	in, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	series, err := readSeries(path, table.NewScanner(in))
	if err != nil {
		return nil, err
	}
	if len(series.Samples) == 0 {
		return nil, fmt.Errorf("%s: there is no line !Sample_geo_accession", path)
	}
	names := slices.Sorted(maps.Keys(series.Characteristics))
	rows := [][]string{append([]string{"sample", "title"}, names...)}
	for i, sample := range series.Samples {
		row := []string{sample, at(series.Titles, i)}
		for _, n := range names {
			row = append(row, at(series.Characteristics[n], i))
		}
		rows = append(rows, row)
	}
	var out bytes.Buffer
	err = csv.NewWriter(&out).WriteAll(rows)
	return out.Bytes(), err
}

// at is an element of a list that may be too short.
func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func (s *Series) line(key string, f [][]byte) {
	texts := make([]string, len(f))
	for i := range f {
		texts[i] = string(f[i])
	}
	switch key {
	case "!Series_geo_accession":
		s.Accession = at(texts, 0)
	case "!Series_platform_id":
		s.Platform = at(texts, 0)
	case "!Sample_geo_accession":
		s.Samples = texts
	case "!Sample_title":
		s.Titles = texts
	case "!Sample_characteristics_ch1":
		for i, t := range texts {
			name, value, ok := strings.Cut(t, ":")
			if !ok {
				continue
			}
			name = strings.TrimSpace(name)
			if s.Characteristics[name] == nil {
				s.Characteristics[name] = make([]string, len(texts))
			}
			if i < len(s.Characteristics[name]) {
				s.Characteristics[name][i] = strings.TrimSpace(value)
			}
		}
	}
}

// readSeriesTable reads the rows up to !series_matrix_table_end.
func readSeriesTable(path string, s *table.Scanner) (*Matrix, error) {
	if !s.Scan() {
		return nil, fmt.Errorf("%s: the file ends where the table begins; download it again: %w", path, cmp.Or(s.Err(), io.ErrUnexpectedEOF))
	}
	r := &raw{}
	for _, f := range s.Fields()[1:] {
		r.columns = append(r.columns, string(f))
	}
	var problems table.Problems
	for s.Scan() {
		f := s.Fields()
		if string(f[0]) == "!series_matrix_table_end" {
			break
		}
		if len(f) != len(r.columns)+1 {
			problems.Add(path, s.Line(), "", "%d fields where the header has %d", len(f), len(r.columns)+1)
			continue
		}
		r.rows = append(r.rows, string(f[0]))
		r.values = append(r.values, readNumbers(path, s.Line(), f[1:], r.columns, &problems))
	}
	if s.Err() != nil {
		return nil, fmt.Errorf("%s: %w", path, s.Err())
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if len(r.rows) == 0 {
		return nil, nil
	}
	return r.matrix(path, ReadOptions{Orientation: "genes_in_rows"})
}

// readNumbers reads cells as numbers; what is neither a number nor missing is a problem.
func readNumbers(path string, line int, f [][]byte, names []string, problems *table.Problems) []float64 {
	values := nans(len(f))
	for j, cell := range f {
		if v, ok := table.Number(cell); ok {
			values[j] = v
		} else if !table.IsMissing(cell) {
			problems.Add(path, line, names[j], "%q is not a number", clip(cell))
		}
	}
	return values
}

// ReadGCT reads a GCT file (1.2 or 1.3), gzipped or not. Metadata of rows and columns is passed over, but that rows are named by the
// column named, where there is a name: Description of GTEx, a symbol among the metadata of 1.3. Empty takes the first column.
func ReadGCT(path, names string) (*Matrix, error) {
	in, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	s := table.NewScanner(in)
	s.Separator, s.Plain = '\t', true
	if !s.Scan() || len(s.Fields()) == 0 || !bytes.HasPrefix(s.Fields()[0], []byte("#1.")) {
		return nil, fmt.Errorf("%s: the first line of a GCT file is #1.2 or #1.3", path)
	}
	version := string(s.Fields()[0])
	if !s.Scan() {
		return nil, fmt.Errorf("%s: the file ends after its first line", path)
	}
	counts := make([]int, 4) // rows, columns, row metadata, column metadata
	for i, f := range s.Fields() {
		if len(f) == 0 || i >= len(counts) {
			continue
		}
		if counts[i], err = strconv.Atoi(string(f)); err != nil || counts[i] < 0 || counts[i] > 1<<24 {
			return nil, fmt.Errorf("%s, line %d: %q is not a number of rows or columns", path, s.Line(), clip(f))
		}
	}
	skip := 2 // name and description
	if version == "#1.3" {
		skip = 1 + counts[2]
	}
	if !s.Scan() {
		return nil, fmt.Errorf("%s: there is no header", path)
	}
	r := &raw{}
	width := len(s.Fields())
	if width <= skip || width-skip != counts[1] {
		return nil, fmt.Errorf("%s, line %d: %d samples where line 2 says %d", path, s.Line(), width-skip, counts[1])
	}
	for _, f := range s.Fields()[skip:] {
		r.columns = append(r.columns, strings.TrimSpace(string(f)))
	}
	name := 0
	if names != "" {
		if name = slices.IndexFunc(s.Fields()[:skip], func(f []byte) bool { return string(f) == names }); name < 0 {
			return nil, fmt.Errorf("%s, line %d: no column %q describes the rows", path, s.Line(), names)
		}
	}
	for range counts[3] {
		if !s.Scan() {
			break
		}
	}
	var problems table.Problems
	for s.Scan() {
		f := s.Fields()
		if len(f) != width {
			problems.Add(path, s.Line(), "", "%d fields where the header has %d", len(f), width)
			continue
		}
		row := f[name]
		if table.IsMissing(row) {
			row = f[0]
		}
		r.rows = append(r.rows, string(bytes.TrimSpace(row)))
		r.values = append(r.values, readNumbers(path, s.Line(), f[skip:], r.columns, &problems))
	}
	if s.Err() != nil {
		return nil, fmt.Errorf("%s: %w", path, s.Err())
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if len(r.rows) != counts[0] {
		return nil, fmt.Errorf("%s: %d rows where line 2 says %d; is the file whole?", path, len(r.rows), counts[0])
	}
	return r.matrix(path, ReadOptions{Orientation: "genes_in_rows"})
}

// ReadAnnotation reads which gene each probe of a platform measures, from a GPL table of GEO or any table with a header: column is
// the header of the genes, and an empty one looks for Gene Symbol, GENE_SYMBOL, Symbol or ORF. A probe of several genes (A /// B) has none,
// because what it measures cannot be told.
func ReadAnnotation(path, column string) (map[string]string, error) {
	in, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	s := table.NewScanner(in)
	var header []string
	for s.Scan() {
		if c := s.Fields()[0]; len(c) > 0 && (c[0] == '#' || c[0] == '^' || c[0] == '!') {
			s.Separator = 0 // comments do not decide it
			s.Reset()
			continue
		}
		for _, f := range s.Fields() {
			header = append(header, strings.TrimSpace(string(f)))
		}
		break
	}
	if header == nil {
		return nil, fmt.Errorf("%s: there is no header: %w", path, cmp.Or(s.Err(), io.ErrUnexpectedEOF))
	}
	at := slices.Index(header, column)
	if column == "" {
		for _, name := range []string{"Gene Symbol", "GENE_SYMBOL", "Gene symbol", "Symbol", "SYMBOL", "gene_symbol", "HUGO.gene.symbol", "gene", "ILMN_Gene", "ORF"} {
			if at = slices.Index(header, name); at >= 0 {
				break
			}
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("%s: no column of genes; the header has %s", path, some(header))
	}
	gene := map[string]string{}
	for s.Scan() {
		f := s.Fields()
		if len(f) <= at {
			continue // !platform_table_end
		}
		g := strings.TrimSpace(string(f[at]))
		if strings.Contains(g, "///") || strings.Contains(g, "|") || table.IsMissing([]byte(g)) || g == "---" {
			g = ""
		}
		gene[string(f[0])] = g
	}
	return gene, s.Err()
}

// Annotate names rows by the gene of their probe and drops those that have none. It returns how many went.
func (m *Matrix) Annotate(gene map[string]string) (*Matrix, int, error) {
	var keep []int
	for g, probe := range m.Genes {
		if gene[probe] != "" {
			keep = append(keep, g)
		}
	}
	if len(keep) == 0 {
		return nil, 0, fmt.Errorf("no probe, such as %s, is in the annotation; is it of another platform?", m.Genes[0])
	}
	out := m.SelectGenes(keep)
	for k, probe := range out.Genes {
		out.Genes[k] = gene[probe]
	}
	return out, len(m.Genes) - len(keep), nil
}
