package genes

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// ReadOptions say how a matrix file is read.
type ReadOptions struct {
	// Orientation is genes_in_rows or genes_in_columns. Empty finds it by looking: the side on which more names are Known, else the
	// side on which more names look like genes', else rows.
	Orientation string
	// Known are names of patients or samples, which help to find the orientation; nil when there are none. A sample counts as known
	// also when its barcode is of a known patient.
	Known []string
	// Drop are names or patterns of rows or columns that hold no gene, for example an outcome that stands beside the genes.
	Drop []string
	// Missing are texts that mean missing, beside the usual ones.
	Missing []string
	// DecimalComma reads 1,5 as one and a half; fields are then separated by something else, or quoted.
	DecimalComma bool
	// Separator is the byte between fields; 0 finds it by looking (tab, semicolon, comma).
	Separator byte
}

// number reads a number as the options say it is written.
func (o *ReadOptions) number(cell []byte) (float64, bool) {
	if o.DecimalComma {
		return table.CommaNumber(cell)
	}
	return table.Number(cell)
}

// annotation are headers of columns that describe genes, in lower case.
var annotation = []string{"entrez_gene_id", "entrezgene.id", "entrez", "gene_name", "gene_type", "gene_symbol", "gene symbol", "symbol", "hugo_symbol",
	"description", "name", "gene_id", "composite.element.ref", "composite_element_ref", "chromosome", "chr", "start", "end", "strand", "length", "cytoband"}

// raw is a rectangle of numbers with names on both sides, before it is known which side has genes.
type raw struct {
	rows, columns []string
	values        [][]float64
}

// ReadMatrix reads a matrix of numbers from delimited text, genes in rows or in columns, gzipped or not. The first column has the
// names of the rows; columns of text, and those that describe genes (Entrez_Gene_Id, Description), are passed over, except that
// they name rows whose first cell is blank. Names of genes are as in the file: see CleanNames and Collapse.
func ReadMatrix(path string, o ReadOptions) (*Matrix, error) {
	in, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	s := table.NewScanner(in)
	s.Comment, s.Separator = "#", o.Separator
	r, err := readRaw(path, s, o)
	if err != nil {
		return nil, err
	}
	return r.matrix(path, o)
}

// readRaw reads the rectangle behind the scanner, header first.
func readRaw(path string, s *table.Scanner, o ReadOptions) (*raw, error) {
	if !s.Scan() {
		if s.Err() != nil {
			return nil, fmt.Errorf("%s: %w", path, s.Err())
		}
		return nil, fmt.Errorf("%s: the file is empty", path)
	}
	var header []string
	for _, f := range s.Fields() {
		header = append(header, strings.TrimSpace(string(f)))
	}
	r := &raw{}
	var problems table.Problems
	var take, texts []int // fields that hold numbers, and those that by the first row do not
	width := len(header)
	number := table.Number
	if o.DecimalComma {
		number = table.CommaNumber
	}
	for s.Scan() {
		f := s.Fields()
		if take == nil {
			if len(f) == len(header)+1 { // R leaves out the header of row names
				header = append([]string{""}, header...)
			}
			width = len(header)
			if len(f) == width {
				if take, texts = numberFields(header, f, o); len(take) == 0 {
					return nil, fmt.Errorf("%s, line %d: no field holds a number%s", path, s.Line(), commaHint(f, o))
				}
				for _, j := range take {
					r.columns = append(r.columns, header[j])
				}
			}
		}
		if len(f) != width {
			problems.Add(path, s.Line(), "", "%d fields where the header has %d", len(f), width)
			continue
		}
		name := rowName(f, take)
		if table.MatchAny(o.Drop, name) {
			continue
		}
		if len(r.rows) < textRows {
			texts = slices.DeleteFunc(texts, func(j int) bool {
				_, number := o.number(f[j])
				hint := commaHint(f[j:j+1], o)
				switch {
				case number:
					problems.Add(path, s.Line(), header[j], "%q is a number, and the first row has text in this column; where it holds no gene or sample, list it under drop", clip(f[j]))
				case hint != "":
					problems.Add(path, s.Line(), header[j], "%q is not a number%s", clip(f[j]), hint)
				}
				return number || hint != ""
			})
		}
		values := make([]float64, len(take))
		for k, j := range take {
			v, ok := number(f[j])
			if !ok || len(o.Missing) > 0 && isMissing(f[j], o) {
				v = math.NaN()
				if !isMissing(f[j], o) {
					problems.Add(path, s.Line(), header[j], "%q is not a number%s", clip(f[j]), commaHint(f[j:j+1], o))
				}
			}
			values[k] = v
		}
		r.rows = append(r.rows, name)
		r.values = append(r.values, values)
	}
	if s.Err() != nil {
		return nil, fmt.Errorf("%s: %w", path, s.Err())
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if len(r.rows) == 0 {
		return nil, fmt.Errorf("%s: there is a header and no row", path)
	}
	return r, nil
}

func isMissing(cell []byte, o ReadOptions) bool {
	return table.IsMissing(cell) || slices.Contains(o.Missing, string(cell))
}

// textRows is the number of rows in which a column of text is looked through for numbers: one that has both is a mistake of the file,
// and passing it over would lose a patient.
const textRows = 100

// numberFields returns the fields that hold numbers, judged by the header and the first row, and those that hold text.
func numberFields(header []string, first [][]byte, o ReadOptions) (take, texts []int) {
	for j := 1; j < len(header); j++ {
		_, number := o.number(first[j])
		switch {
		case slices.Contains(annotation, strings.ToLower(header[j])) || table.MatchAny(o.Drop, header[j]):
		case !number && !isMissing(first[j], o):
			texts = append(texts, j)
		default:
			take = append(take, j)
		}
	}
	if len(take) > 0 { // texts before the numbers describe rows, and some may look like numbers
		texts = slices.DeleteFunc(texts, func(j int) bool { return j < take[0] && commaHint(first[j:j+1], o) == "" })
	}
	return take, texts
}

// commaHint says what to do where cells are numbers with the other decimal sign.
func commaHint(cells [][]byte, o ReadOptions) string {
	for _, c := range cells {
		if _, ok := o.number(c); ok {
			continue
		}
		_, point := table.Number(c)
		_, comma := table.CommaNumber(c)
		switch {
		case comma:
			return " with a point; decimal: comma reads it"
		case point:
			return " with a comma, as decimal: comma wants it"
		}
	}
	return ""
}

// rowName is the first cell, or where it is blank the first of the cells before the numbers that is not.
func rowName(f [][]byte, take []int) string {
	for _, cell := range f[:take[0]] {
		if c := bytes.TrimSpace(cell); !table.IsMissing(c) {
			return string(c)
		}
	}
	return ""
}

// matrix settles which side has the genes.
func (r *raw) matrix(path string, o ReadOptions) (*Matrix, error) {
	inRows := true
	switch o.Orientation {
	case "genes_in_rows":
	case "genes_in_columns":
		inRows = false
	case "":
		inRows = r.genesInRows(o.Known)
	default:
		return nil, fmt.Errorf("%s: orientation: want genes_in_rows or genes_in_columns, not %q", path, o.Orientation)
	}
	samples := r.columns
	if !inRows {
		samples = r.rows
	}
	if twice := firstTwice(samples); twice != "" {
		return nil, fmt.Errorf("%s: sample %q is there twice", path, twice)
	}
	if !inRows {
		return &Matrix{Genes: r.columns, Samples: r.rows, Values: transpose(r.values, len(r.columns))}, nil
	}
	m := NewMatrix(r.rows, r.columns)
	for g, v := range r.values {
		copy(m.Gene(g), v)
	}
	return m, nil
}

func (r *raw) genesInRows(known []string) bool {
	if known != nil {
		set := make(map[string]bool, len(known))
		for _, k := range known {
			set[k] = true
		}
		rows, columns := knownNames(r.rows, set), knownNames(r.columns, set)
		if rows != columns {
			return columns > rows
		}
	}
	if b := IsBarcodes(r.rows); b != IsBarcodes(r.columns) {
		return !b
	}
	return geneLike(r.rows) >= geneLike(r.columns)
}

func knownNames(names []string, known map[string]bool) int {
	n := 0
	for _, name := range names {
		if b, ok := ParseBarcode(name); known[name] || ok && known[b.Patient] {
			n++
		}
	}
	return n
}

var geneName = pattern(`^(ENS[A-Z]*G\d{11}(\.\d+)?|[A-Z][A-Z0-9]{1,9}(-[A-Z0-9]{1,6})?|C\d+orf\d+|\d+(_[a-z]+)?_at|hsa-[a-z]+-.+|[NX][MR]_\d+)$`)

// geneLike is the share of names that look like names of genes or probes.
func geneLike(names []string) float64 {
	n := 0
	for _, name := range names {
		if geneName().MatchString(name) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(names)))
}

func firstTwice(names []string) string {
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		if seen[n] {
			return n
		}
		seen[n] = true
	}
	return ""
}

// clip shortens a cell for a message.
func clip(cell []byte) string {
	if len(cell) > 40 {
		return strings.ToValidUTF8(string(cell[:37]), "") + "…"
	}
	return string(cell)
}
