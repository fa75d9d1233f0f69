package batch

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/table"
)

// Sheet is the rows of several outcomes under common columns: those of the cases, then diagnostics, then features, each in the order
// in which they first occur. A row without a column has an empty cell there.
type Sheet struct {
	Cases []Case
	Extra []string
	Rows  []Row

	diagnostics, features []string
}

// NewSheet gathers the rows of all outcomes.
func NewSheet(cases []Case, extra []string, outcomes []Outcome) *Sheet {
	s := &Sheet{Cases: cases, Extra: extra}
	seen := map[string]bool{}
	note := func(list *[]string, name string) {
		if !seen[name] {
			seen[name] = true
			*list = append(*list, name)
		}
	}
	for _, o := range outcomes {
		for _, r := range o.Rows {
			s.Rows = append(s.Rows, r)
			for _, d := range r.Diagnostics {
				note(&s.diagnostics, d.Name)
			}
			for _, f := range r.Features {
				note(&s.features, f.Name)
			}
		}
	}
	return s
}

// Write writes the sheet in the format that a file name ends in: .csv, .json or .parquet.
func (s *Sheet) Write(w io.Writer, name string) error {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return s.csv(w)
	case ".json":
		return s.json(w)
	case ".parquet":
		return s.parquet(w)
	}
	return fmt.Errorf("%s: want a name that ends in .csv, .json or .parquet", name)
}

// number writes a value so that it reads back to the bit.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func (s *Sheet) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	header := append([]string{}, s.Extra...)
	header = append(header, "Image", "Mask", "Label")
	header = append(header, s.diagnostics...)
	if err := c.Write(append(header, s.features...)); err != nil {
		return err
	}
	for _, r := range s.Rows {
		from := s.Cases[r.Case]
		var row []string
		for _, name := range s.Extra {
			row = append(row, from.Extra[name])
		}
		row = append(row, from.Image, from.Mask, strconv.Itoa(r.Label))
		cells := r.cells(func(x float64) string { return number(x) })
		for _, name := range s.diagnostics {
			row = append(row, cells[name])
		}
		for _, name := range s.features {
			row = append(row, cells[name])
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// cells are the texts of a row by column.
func (r Row) cells(write func(float64) string) map[string]string {
	out := make(map[string]string, len(r.Diagnostics)+len(r.Features))
	for _, d := range r.Diagnostics {
		out[d.Name] = d.Text
	}
	for _, f := range r.Features {
		out[f.Name] = write(f.Value)
	}
	return out
}

// json writes a list of objects with their keys in the order of the columns; NaN and infinities are null.
func (s *Sheet) json(w io.Writer) error {
	var b strings.Builder
	b.WriteString("[")
	for i, r := range s.Rows {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n {")
		first := true
		put := func(name, raw string) {
			if !first {
				b.WriteString(", ")
			}
			first = false
			key, _ := json.Marshal(name) // a string always marshals
			b.Write(key)
			b.WriteString(": " + raw)
		}
		text := func(name, value string) {
			raw, _ := json.Marshal(value)
			put(name, string(raw))
		}
		from := s.Cases[r.Case]
		for _, name := range s.Extra {
			text(name, from.Extra[name])
		}
		text("Image", from.Image)
		text("Mask", from.Mask)
		put("Label", strconv.Itoa(r.Label))
		for _, d := range r.Diagnostics {
			text(d.Name, d.Text)
		}
		for _, f := range r.Features {
			if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) {
				put(f.Name, "null")
				continue
			}
			put(f.Name, number(f.Value))
		}
		b.WriteString("}")
	}
	b.WriteString("\n]\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// parquet writes the features as a feature table. A row's patient is the column that a user passed through as ID, Patient or PatientID,
// or the image's path; its region is the label. Diagnostics are not part of it.
func (s *Sheet) parquet(w io.Writer) error {
	keys := make([]table.Key, len(s.Rows))
	for i, r := range s.Rows {
		c := s.Cases[r.Case]
		keys[i] = table.Key{Patient: c.Image, Region: strconv.Itoa(r.Label)}
		for _, name := range s.Extra {
			switch strings.ToLower(name) {
			case "id", "patient", "patientid", "patient_id":
				keys[i].Patient = c.Extra[name]
			}
		}
	}
	columns := make(map[string][]float64, len(s.features))
	for _, name := range s.features {
		v := make([]float64, len(s.Rows))
		for i := range v {
			v[i] = math.NaN()
		}
		columns[name] = v
	}
	for i, r := range s.Rows {
		for _, f := range r.Features {
			columns[f.Name][i] = f.Value
		}
	}
	t := table.New(keys)
	for _, name := range s.features {
		if err := t.Add(table.Column{Name: name, Group: "imaging"}, columns[name]); err != nil {
			return err
		}
	}
	return table.WriteParquet(w, t)
}

// Dictionary writes what the feature columns are in the codes of the Image Biomarker Standardisation Initiative, as CSV.
func (s *Sheet) Dictionary(w io.Writer) error {
	features := make([]radiomics.Feature, len(s.features))
	for i, name := range s.features {
		features[i].Name = name
	}
	c := csv.NewWriter(w)
	if err := c.Write([]string{"column", "family", "code", "aggregation", "name"}); err != nil {
		return err
	}
	for _, e := range radiomics.Dictionary(features) {
		if err := c.Write([]string{e.Column, e.Family, e.Code, e.Aggregation, e.Name}); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
