package table

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// Read reads a table from a CSV, TSV or Parquet file; text may be gzipped, and lines that begin with # before its header are passed over. All problems of a file come in one error (Problems).
//
// Text in a column that is mostly numbers is an error that lists the cells, and so are infinite values, numbers with a decimal
// comma (unless Options.DecimalComma), records with more or fewer fields than the header, and rows whose patient is missing.
// A row may repeat a key: whether that is wrong is for the caller to say, with Unique or Aggregate.
func Read(path string, o Options) (*Table, error) {
	if strings.EqualFold(filepath.Ext(path), ".parquet") {
		return readParquetFile(path, o)
	}
	return read(path, func() (io.ReadCloser, error) { return Open(path) }, o)
}

// ReadText reads a table from the bytes of a CSV or TSV file; name is for messages. See Read.
func ReadText(name string, b []byte, o Options) (*Table, error) {
	return read(name, func() (io.ReadCloser, error) {
		r, err := NewText(name, bytes.NewReader(b))
		return io.NopCloser(r), err
	}, o)
}

// read reads numbers in a first pass. Columns that turn out to hold text are read again as text in a second one, which keeps the
// usual table, of numbers, at eight bytes a cell.
func read(name string, open func() (io.ReadCloser, error), o Options) (*Table, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &Problems{}
	r := &reader{name: name, o: o, p: p}
	if err := r.pass(open, r.numbers); err != nil {
		return nil, err
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	r.decide()
	if len(r.texts) > 0 {
		r.rows = 0
		if err := r.pass(open, r.text); err != nil {
			return nil, err
		}
		r.code()
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return r.table()
}

// reader is the state of reading one file.
type reader struct {
	name string
	o    Options
	p    *Problems
	h    header
	rows int

	keys  []Key
	lines []int // of each row, for messages
	cols  []column
	texts []int // columns read as text in the second pass
}

// column collects one column that is taken.
type column struct {
	name     string
	declared bool
	decl     Declaration
	values   []float64
	numbers  int       // cells that are numbers
	badCells []badCell // the first cells that are no number
	bad      int       // how many there are
	cells    []string  // of a column of text; "" is missing
}

type badCell struct {
	row  int
	text string
}

// pass runs over the file and hands each record to one of the two passes.
func (r *reader) pass(open func() (io.ReadCloser, error), record func([][]byte)) error {
	in, err := open()
	if err != nil {
		return err
	}
	defer in.Close()
	s := NewScanner(in)
	s.Separator, s.Comment = r.o.Separator, "#"
	if !s.Scan() {
		if s.Err() != nil {
			return fmt.Errorf("%s: %w", r.name, s.Err())
		}
		return fmt.Errorf("%s: the file is empty", r.name)
	}
	names := slices.Clone(s.Fields()) // the bytes stay until the buffer is refilled, so copy them too
	for j := range names {
		names[j] = bytes.Clone(names[j])
	}
	headerLine := s.Line()
	begun := false
	for s.Scan() {
		f := s.Fields()
		if !begun {
			begun = true
			if r.cols == nil {
				r.begin(headerLine, names, len(f))
				if r.p.Err() != nil {
					return nil
				}
			}
		}
		if len(f) != r.h.width() {
			r.p.Add(r.name, s.Line(), "", "%d fields where the header has %d%s", len(f), r.h.width(), raggedHint(f, s.Separator))
			continue
		}
		r.lines = append(r.lines[:r.rows], s.Line())
		record(f)
		r.rows++
	}
	if s.Err() != nil {
		return fmt.Errorf("%s: %w", r.name, s.Err())
	}
	if !begun {
		return fmt.Errorf("%s: there is a header and no row", r.name)
	}
	return nil
}

func raggedHint(f [][]byte, sep byte) string {
	if sep == ',' {
		for i := 0; i+1 < len(f); i++ {
			if _, ok := Number(f[i]); ok {
				if _, ok := Number(f[i+1]); ok {
					return "; if numbers are written with a decimal comma, save the file with points or with another separator"
				}
			}
		}
	}
	return ""
}

func (r *reader) begin(line int, names [][]byte, width int) {
	r.h = readHeader(r.name, line, names, width, r.o, r.p)
	r.cols = make([]column, len(r.h.take))
	for k, j := range r.h.take {
		c := &r.cols[k]
		c.name = r.h.names[j]
		c.decl, c.declared = r.o.declared(c.name)
	}
}

// numbers is the first pass over a record.
func (r *reader) numbers(f [][]byte) {
	r.keys = append(r.keys, r.key(f))
	for k, j := range r.h.take {
		c := &r.cols[k]
		v, ok := r.number(f[j])
		if ok {
			if v == v {
				c.numbers++
			}
			c.values = append(c.values, v)
			continue
		}
		c.values = append(c.values, math.NaN())
		c.bad++
		if len(c.badCells) < MaxProblems {
			c.badCells = append(c.badCells, badCell{r.rows, clip(f[j])})
		}
	}
}

func (r *reader) number(cell []byte) (float64, bool) {
	if v, ok := Number(cell); ok && (len(r.o.Missing) == 0 || !r.missing(cell)) {
		return v, true
	}
	if r.missing(cell) {
		return math.NaN(), true
	}
	if r.o.DecimalComma {
		return decimalComma(cell)
	}
	return 0, false
}

func (r *reader) missing(cell []byte) bool {
	if IsMissing(cell) {
		return true
	}
	for _, m := range r.o.Missing {
		if string(cell) == m {
			return true
		}
	}
	return false
}

func (r *reader) key(f [][]byte) Key {
	var k Key
	for n, to := range []*string{&k.Patient, &k.Visit, &k.Lesion, &k.Region, &k.Reader} {
		if j := r.h.keys[n]; j >= 0 {
			*to = strings.TrimSpace(string(f[j]))
		}
	}
	if k.Patient == "" || r.missing([]byte(k.Patient)) {
		r.p.Add(r.name, r.lines[r.rows], r.h.names[r.h.keys[0]], "the patient is missing")
		return k
	}
	if r.o.KeyPattern != nil {
		m := r.o.KeyPattern.FindStringSubmatch(k.Patient)
		if m == nil {
			r.p.Add(r.name, r.lines[r.rows], r.h.names[r.h.keys[0]], "%q has not the form %s", clip([]byte(k.Patient)), r.o.KeyPattern)
			return k
		}
		k.Patient = m[min(1, len(m)-1)]
	}
	return k
}

// decide settles the kind of each column and reports text among numbers.
func (r *reader) decide() {
	for k := range r.cols {
		c := &r.cols[k]
		switch {
		case c.declared && c.decl.Kind != Numeric:
			r.texts = append(r.texts, k)
		case c.bad == 0:
			c.decl.Kind = Numeric
		case !c.declared && c.numbers <= c.bad:
			c.decl.Kind = Categorical
			r.texts = append(r.texts, k)
		default:
			r.reportText(c)
		}
	}
}

func (r *reader) reportText(c *column) {
	for _, b := range c.badCells {
		line := r.lines[b.row]
		switch _, comma := decimalComma([]byte(b.text)); {
		case infinite([]byte(b.text)):
			r.p.Add(r.name, line, c.name, "%q is infinite; repair it, or list it under missing", b.text)
		case comma:
			r.p.Add(r.name, line, c.name, "%q is written with a decimal comma; set decimal: comma, or save the file with points", b.text)
		default:
			r.p.Add(r.name, line, c.name, "%q is not a number, in a column of numbers; repair it, list it under missing, or declare the column categorical", b.text)
		}
	}
	r.p.More += c.bad - len(c.badCells)
}

// text is the second pass over a record.
func (r *reader) text(f [][]byte) {
	for _, k := range r.texts {
		cell := bytes.TrimSpace(f[r.h.take[k]])
		if r.missing(cell) {
			cell = nil
		}
		c := &r.cols[k]
		c.cells = append(c.cells, string(cell))
	}
}

// MaxLevels bounds the levels of a categorical column: more are free text or identifiers, which no model can use.
const MaxLevels = 1000

// code turns texts into indices of levels.
func (r *reader) code() {
	for _, k := range r.texts {
		c := &r.cols[k]
		levels := c.decl.Levels
		if len(levels) == 0 {
			levels = slices.DeleteFunc(slices.Clone(c.cells), func(s string) bool { return s == "" })
			slices.Sort(levels)
			levels = slices.Clip(slices.Compact(levels))
			if len(levels) > MaxLevels {
				r.p.Add(r.name, 0, c.name, "%d different texts are not categories; leave the column out with columns or drop", len(levels))
				continue
			}
			c.decl.Levels = levels
		}
		index := make(map[string]int, len(levels))
		for i, l := range levels {
			index[l] = i
		}
		for i, s := range c.cells {
			if s == "" {
				c.values[i] = math.NaN()
				continue
			}
			n, ok := index[s]
			if !ok {
				r.p.Add(r.name, r.lines[i], c.name, "%q is not one of the declared levels %s", clip([]byte(s)), strings.Join(levels, ", "))
				continue
			}
			c.values[i] = float64(n)
		}
		c.cells = nil
	}
}

func (r *reader) table() (*Table, error) {
	t := New(r.keys)
	for _, c := range r.cols {
		col := Column{Name: c.name, Source: r.o.Source, Group: r.o.Group, Unit: c.decl.Unit, Kind: c.decl.Kind, Levels: c.decl.Levels}
		if r.o.Source != "" {
			col.Name = r.o.Source + "." + c.name
		}
		if err := t.Add(col, c.values); err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return t, nil
}

// clip shortens a cell for a message.
func clip(cell []byte) string {
	if len(cell) > 40 {
		return strings.ToValidUTF8(string(cell[:37]), "") + "…"
	}
	return string(cell)
}
