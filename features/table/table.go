// Package table holds the feature table: rows with keys × typed columns.
//
// A table is the one thing that passes from the readers to training. Columns are contiguous, because a gene table has twenty
// thousand of them and five hundred rows. A missing value is NaN in every kind of column, and nothing else is NaN: readers turn
// what a file calls missing into NaN and refuse what is not a number.
package table

import (
	"fmt"
	"math"
	"slices"
)

// Key says whose row it is. A row of extracted features has all that apply; a row that a model reads has a patient, and a visit
// or lesion where cohort.unit says so.
type Key struct {
	Patient, Visit, Lesion, Region, Reader, Source string
}

// Kind is the scale of a column.
type Kind uint8

// The kinds of column. Values of Ordinal and Categorical columns are indices into Levels.
const (
	Numeric Kind = iota
	Ordinal
	Categorical
)

// String returns the name of the kind as configurations write it.
func (k Kind) String() string {
	switch k {
	case Numeric:
		return "numeric"
	case Ordinal:
		return "ordinal"
	case Categorical:
		return "categorical"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MarshalText writes the kind's name, so that stored descriptions read as configurations do.
func (k Kind) MarshalText() ([]byte, error) {
	if k > Categorical {
		return nil, fmt.Errorf("column %s has no name", k)
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads the name of a kind.
func (k *Kind) UnmarshalText(text []byte) error {
	for _, known := range []Kind{Numeric, Ordinal, Categorical} {
		if string(text) == known.String() {
			*k = known
			return nil
		}
	}
	return fmt.Errorf("%q is not a kind of column: numeric, ordinal or categorical", text)
}

// Unseen is the value of a categorical or ordinal cell whose level was not among those a model was trained with.
const Unseen = -1

// Column describes a column.
type Column struct {
	Name   string   `json:"name"`             // full name, source.column
	Source string   `json:"source,omitempty"` // name of the source it came from
	Group  string   `json:"group,omitempty"`  // clinical, imaging, gene, or the user's own
	Unit   string   `json:"unit,omitempty"`   // UCUM; empty means none stated
	Kind   Kind     `json:"kind"`
	Levels []string `json:"levels,omitempty"` // of ordinal (in order) and categorical (sorted) columns
	// From names the columns that this one was made from; empty where it is itself one that was read. Attributions go back along it.
	From []string `json:"from,omitempty"`
}

// Table is rows × columns. Values[j] is column j and has one value a row.
type Table struct {
	Keys    []Key
	Columns []Column
	Values  [][]float64

	index map[string]int // of the columns that Add appended, by name
}

// New returns a table of the given rows and no column.
func New(keys []Key) *Table { return &Table{Keys: keys} }

// Rows is the number of rows.
func (t *Table) Rows() int { return len(t.Keys) }

// Add appends a column. Its values are kept, not copied; there must be one a row and no column of that name yet.
func (t *Table) Add(c Column, values []float64) error {
	if len(values) != len(t.Keys) {
		return fmt.Errorf("column %q has %d values for %d rows", c.Name, len(values), len(t.Keys))
	}
	if t.Find(c.Name) >= 0 {
		return fmt.Errorf("column %q is there twice", c.Name)
	}
	if t.index == nil {
		t.index = map[string]int{}
	}
	t.index[c.Name] = len(t.Columns)
	t.Columns = append(t.Columns, c)
	t.Values = append(t.Values, values)
	return nil
}

// Find returns the index of the column with that full name, or -1.
func (t *Table) Find(name string) int {
	if j, ok := t.index[name]; ok && j < len(t.Columns) && t.Columns[j].Name == name {
		return j
	}
	if len(t.index) == len(t.Columns) {
		return -1
	}
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// Select returns a table of the rows with these indices, in this order. Values are copied, column descriptions shared.
func (t *Table) Select(rows []int) *Table {
	out := &Table{Keys: make([]Key, len(rows)), Columns: t.Columns, Values: make([][]float64, len(t.Values))}
	flat := make([]float64, len(rows)*len(t.Values))
	for i, r := range rows {
		out.Keys[i] = t.Keys[r]
	}
	for j, from := range t.Values {
		to := flat[j*len(rows) : (j+1)*len(rows) : (j+1)*len(rows)]
		for i, r := range rows {
			to[i] = from[r]
		}
		out.Values[j] = to
	}
	return out
}

// Missing reports whether a value is missing.
func Missing(v float64) bool { return math.IsNaN(v) }
