package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// columnsKey is the metadata entry of a Parquet file that holds the column descriptions, so that what Write wrote reads back whole.
const columnsKey = "voxgene.columns"

// keyFields are the columns that hold the key, as written; all but patient only where a row has one.
var keyFields = [6]string{"patient", "visit", "lesion", "region", "reader", "source"}

func (k *Key) part(n int) *string {
	return [...]*string{&k.Patient, &k.Visit, &k.Lesion, &k.Region, &k.Reader, &k.Source}[n]
}

// usedKeys returns which parts of the key any row has. The patient is always there.
func usedKeys(t *Table) []int {
	used := []int{0}
	for n := 1; n < len(keyFields); n++ {
		for i := range t.Keys {
			if *t.Keys[i].part(n) != "" {
				used = append(used, n)
				break
			}
		}
	}
	return used
}

// schema is a Parquet group whose fields keep their order.
type schema struct {
	parquet.Group
	fields []parquet.Field
}

func (s schema) Fields() []parquet.Field { return s.fields }

type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

func (f field) Value(base reflect.Value) reflect.Value { return base.MapIndex(reflect.ValueOf(f.name)) }

// WriteParquet writes a table as Parquet: the key as texts, numeric columns as doubles, others as texts of their levels, missing
// values as nulls. The same table gives the same bytes.
func WriteParquet(w io.Writer, t *Table) error {
	described, err := json.Marshal(t.Columns)
	if err != nil {
		return err
	}
	s := schema{Group: parquet.Group{}}
	add := func(name string, n parquet.Node) {
		s.Group[name] = n
		s.fields = append(s.fields, field{n, name})
	}
	keys := usedKeys(t)
	for _, n := range keys {
		if t.Find(keyFields[n]) >= 0 {
			return fmt.Errorf("column %q has the name of a part of the key", keyFields[n])
		}
		add(keyFields[n], parquet.String())
	}
	for _, c := range t.Columns {
		n := parquet.Leaf(parquet.DoubleType)
		if c.Kind != Numeric {
			n = parquet.String()
		}
		add(c.Name, parquet.Optional(n))
	}
	pw := parquet.NewWriter(w, parquet.NewSchema("table", s), parquet.CreatedBy("voxgene", "1", ""),
		parquet.KeyValueMetadata(columnsKey, string(described)), parquet.Compression(&parquet.Snappy),
		parquet.PageBufferSize(min(1<<20, 64+16*t.Rows())), parquet.DataPageStatistics(false))
	writers := pw.ColumnWriters()
	values := make([]parquet.Value, t.Rows())
	for k, n := range keys {
		for i := range t.Keys {
			values[i] = parquet.ByteArrayValue([]byte(*t.Keys[i].part(n))).Level(0, 0, k)
		}
		if _, err := writers[k].WriteRowValues(values); err != nil {
			return err
		}
	}
	for j, c := range t.Columns {
		at := len(keys) + j
		for i, v := range t.Values[j] {
			switch {
			case Missing(v):
				values[i] = parquet.NullValue().Level(0, 0, at)
			case c.Kind == Numeric:
				values[i] = parquet.DoubleValue(v).Level(0, 1, at)
			default:
				text, err := c.level(v)
				if err != nil {
					return err
				}
				values[i] = parquet.ByteArrayValue([]byte(text)).Level(0, 1, at)
			}
		}
		if _, err := writers[at].WriteRowValues(values); err != nil {
			return err
		}
	}
	return pw.Close()
}

// level is the text of a value of a categorical or ordinal column.
func (c Column) level(v float64) (string, error) {
	n := int(v)
	if n < 0 || n >= len(c.Levels) || float64(n) != v {
		return "", fmt.Errorf("column %q: %v is not the index of one of its %d levels", c.Name, v, len(c.Levels))
	}
	return c.Levels[n], nil
}

func readParquetFile(path string, o Options) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return ReadParquet(path, f, info.Size(), o)
}

// ReadParquet reads a table from a Parquet file of flat columns: those of WriteParquet, and those of pandas or Arrow. Numbers of
// any width become numeric, texts and truth values categorical. Options.Separator and DecimalComma do not apply.
func ReadParquet(name string, in io.ReaderAt, size int64, o Options) (t *Table, err error) {
	defer func() { // the library trusts what a footer says
		if e := recover(); e != nil {
			t, err = nil, fmt.Errorf("%s: the Parquet file is damaged: %v", name, e)
		}
	}()
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := checkFooter(in, size); err != nil {
		return nil, fmt.Errorf("%s: the Parquet file is damaged: %w", name, err)
	}
	f, err := parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := checkRows(f, size); err != nil {
		return nil, fmt.Errorf("%s: the Parquet file is damaged: %w", name, err)
	}
	described := map[string]Column{}
	if text, ok := f.Lookup(columnsKey); ok {
		var list []Column
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fmt.Errorf("%s: metadata %s: %w", name, columnsKey, err)
		}
		for _, c := range list {
			described[c.Name] = c
		}
	}
	pr := &parquetReader{reader: reader{name: name, o: o, p: &Problems{}}, file: f, in: in, size: size}
	fields := f.Schema().Fields()
	header := make([][]byte, len(fields))
	for j, fd := range fields {
		header[j] = []byte(fd.Name())
	}
	pr.h = readHeader(name, 0, header, len(header), o, pr.p)
	if err := pr.p.Err(); err != nil {
		return nil, err
	}
	if err := pr.read(fields, described); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := pr.p.Err(); err != nil {
		return nil, err
	}
	t, err = pr.table()
	if err != nil {
		return nil, err
	}
	for j := range t.Columns { // what Write described, where the caller says nothing else
		if c, ok := described[pr.cols[j].name]; ok && o.Source == "" {
			t.Columns[j].Source, t.Columns[j].Group, t.Columns[j].Unit = c.Source, c.Group, c.Unit
		}
	}
	return t, nil
}

type parquetReader struct {
	reader
	file *parquet.File
	in   io.ReaderAt
	size int64
}

func (r *parquetReader) read(fields []parquet.Field, described map[string]Column) error {
	rows := int(r.file.NumRows())
	if rows < 0 || int64(rows) != r.file.NumRows() {
		return fmt.Errorf("%d rows", r.file.NumRows())
	}
	for k, j := range r.h.keys {
		if j < 0 {
			continue
		}
		_, texts, err := r.column(fields, j, true)
		if err != nil {
			return err
		}
		if r.keys == nil {
			r.keys = make([]Key, len(texts))
		}
		for i, s := range texts {
			*r.keys[i].part(k) = s
		}
	}
	for i := range r.keys {
		r.lines = append(r.lines, i+1)
		k := &r.keys[i]
		if k.Patient == "" {
			r.p.Add(r.name, i+1, keyFields[0], "the patient is missing")
		} else if r.o.KeyPattern != nil {
			if m := r.o.KeyPattern.FindStringSubmatch(k.Patient); m != nil {
				k.Patient = m[min(1, len(m)-1)]
			} else {
				r.p.Add(r.name, i+1, keyFields[0], "%q has not the form %s", clip([]byte(k.Patient)), r.o.KeyPattern)
			}
		}
	}
	for _, j := range r.h.take {
		c := column{name: r.h.names[j]}
		c.decl, c.declared = r.o.declared(c.name)
		if d, ok := described[c.name]; ok && !c.declared {
			c.decl = Declaration{Kind: d.Kind, Levels: d.Levels, Unit: d.Unit}
		}
		var err error
		if c.values, c.cells, err = r.column(fields, j, c.declared && c.decl.Kind != Numeric); err != nil {
			return err
		}
		if c.cells != nil {
			if c.declared && c.decl.Kind == Numeric {
				r.p.Add(r.name, 0, c.name, "declared numeric, and it holds texts")
			}
			if c.decl.Kind == Numeric {
				c.decl.Kind = Categorical
			}
			c.values = make([]float64, len(c.cells))
			r.texts = append(r.texts, len(r.cols))
		}
		r.cols = append(r.cols, c)
	}
	r.code()
	return nil
}

// column reads one column as numbers, or as texts when it holds texts or text is asked for.
func (r *parquetReader) column(fields []parquet.Field, j int, text bool) (numbers []float64, texts []string, err error) {
	if !fields[j].Leaf() || fields[j].Repeated() {
		return nil, nil, fmt.Errorf("column %q is nested; flat columns are read", fields[j].Name())
	}
	leaf := 0
	for _, f := range fields[:j] {
		if !f.Leaf() {
			return nil, nil, fmt.Errorf("column %q stands before and is nested; flat columns are read", f.Name())
		}
		leaf++
	}
	kind := fields[j].Type().Kind()
	switch kind {
	case parquet.Int32, parquet.Int64, parquet.Float, parquet.Double:
	case parquet.Boolean, parquet.ByteArray:
		text = true
	default:
		return nil, nil, fmt.Errorf("column %q has type %s, which is neither number nor text", fields[j].Name(), fields[j].Type())
	}
	if lt := fields[j].Type().LogicalType(); lt != nil {
		switch lt.Value.(type) {
		case *format.DecimalType, *format.DateType, *format.TimeType, *format.TimestampType:
			return nil, nil, fmt.Errorf("column %q has type %s; write it as a number with a unit, or as text", fields[j].Name(), fields[j].Type())
		}
	}
	buf := make([]parquet.Value, 1024)
	for g, group := range r.file.RowGroups() {
		if err := func() error {
			described := &r.file.Metadata().RowGroups[g]
			if err := checkPages(r.in, r.size, &described.Columns[leaf].MetaData, described.NumRows); err != nil {
				return fmt.Errorf("column %q: the Parquet file is damaged: %w", fields[j].Name(), err)
			}
			pages := group.ColumnChunks()[leaf].Pages()
			defer pages.Close()
			for {
				page, err := pages.ReadPage()
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return fmt.Errorf("column %q: %w", fields[j].Name(), err)
				}
				values := page.Values()
				for {
					n, err := values.ReadValues(buf)
					for _, v := range buf[:n] {
						if text {
							texts = append(texts, r.textOf(v))
						} else {
							numbers = append(numbers, r.numberOf(v, fields[j].Name(), len(numbers)))
						}
					}
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						return fmt.Errorf("column %q: %w", fields[j].Name(), err)
					}
				}
				parquet.Release(page)
			}
		}(); err != nil {
			return nil, nil, err
		}
	}
	if got := max(len(numbers), len(texts)); int64(got) != r.file.NumRows() {
		return nil, nil, fmt.Errorf("column %q has %d values for %d rows", fields[j].Name(), got, r.file.NumRows())
	}
	if text && texts == nil {
		texts = []string{}
	}
	return numbers, texts, nil
}

func (r *parquetReader) textOf(v parquet.Value) string {
	var s string
	switch {
	case v.IsNull():
		return ""
	case v.Kind() == parquet.ByteArray:
		s = string(v.ByteArray())
	case v.Kind() == parquet.Boolean:
		s = strconv.FormatBool(v.Boolean())
	case v.Kind() == parquet.Double:
		s = strconv.FormatFloat(v.Double(), 'g', -1, 64)
	case v.Kind() == parquet.Float:
		s = strconv.FormatFloat(float64(v.Float()), 'g', -1, 32)
	case v.Kind() == parquet.Int32:
		s = strconv.FormatInt(int64(v.Int32()), 10)
	default:
		s = strconv.FormatInt(v.Int64(), 10)
	}
	if r.missing([]byte(s)) {
		return ""
	}
	return s
}

func (r *parquetReader) numberOf(v parquet.Value, column string, row int) float64 {
	f := math.NaN()
	switch {
	case v.IsNull():
	case v.Kind() == parquet.Double:
		f = v.Double()
	case v.Kind() == parquet.Float:
		f = float64(v.Float())
	case v.Kind() == parquet.Int32:
		f = float64(v.Int32())
	case v.Kind() == parquet.Int64:
		f = float64(v.Int64())
	}
	if math.IsInf(f, 0) {
		r.p.Add(r.name, row+1, column, "the value is infinite")
		return math.NaN()
	}
	return f
}
