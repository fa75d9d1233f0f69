package table

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Aggregates are the rules by which several rows of a patient become one, as configurations write them.
var Aggregates = []string{"first", "last", "mean", "median", "min", "max"}

// Aggregate returns a table of one row a unit (a patient, or a lesion or visit of one), in order of first appearance. Missing values are
// passed over; of a column that is not numeric, every rule but last takes the first value there is. An empty rule refuses a second row
// and names the choices.
func (t *Table) Aggregate(rule string, unit Unit) (*Table, error) {
	var units []Key
	rows := map[Key][]int{}
	for i, k := range t.Keys {
		k = unit.Of(k)
		if rows[k] == nil {
			units = append(units, k)
		}
		rows[k] = append(rows[k], i)
	}
	if rule == "" && len(units) < len(t.Keys) {
		for _, k := range units {
			if r := rows[k]; len(r) > 1 {
				return nil, fmt.Errorf("%d %s have several rows, %s has %d (%s); say which counts with aggregate: %s%s",
					several(units, rows), unit.Plural(), unit.Describe(k), len(r), differ(t, r), strings.Join(Aggregates, ", "), otherUnit(t, r, unit))
			}
		}
	}
	if rule != "" && !slices.Contains(Aggregates, rule) {
		return nil, fmt.Errorf("aggregate: %q is not one of %s", rule, strings.Join(Aggregates, ", "))
	}
	out := &Table{Keys: units, Columns: t.Columns, Values: make([][]float64, len(t.Values)), index: t.index}
	var values []float64
	for j, from := range t.Values {
		to := make([]float64, len(units))
		for i, k := range units {
			values = values[:0]
			for _, r := range rows[k] {
				if !Missing(from[r]) {
					values = append(values, from[r])
				}
			}
			to[i] = aggregate(values, rule, t.Columns[j].Kind)
		}
		out.Values[j] = to
	}
	return out, nil
}

// otherUnit says that rows which differ by lesion or visit may each stay, where a patient is the unit.
func otherUnit(t *Table, rows []int, unit Unit) string {
	if unit != PerPatient {
		return ""
	}
	switch differ(t, rows) {
	case "visits":
		return ", or make each visit a row with cohort: {unit: visit}"
	case "lesions":
		return ", or make each lesion a row with cohort: {unit: lesion}"
	}
	return ""
}

func aggregate(v []float64, rule string, kind Kind) float64 {
	switch {
	case len(v) == 0:
		return math.NaN()
	case rule == "last":
		return v[len(v)-1]
	case rule == "" || rule == "first" || kind == Categorical || kind == Ordinal && (rule == "mean" || rule == "median"):
		return v[0]
	case rule == "min":
		return slices.Min(v)
	case rule == "max":
		return slices.Max(v)
	case rule == "median":
		slices.Sort(v)
		return v[(len(v)-1)/2]/2 + v[len(v)/2]/2
	}
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

func several(units []Key, rows map[Key][]int) int {
	n := 0
	for _, k := range units {
		if len(rows[k]) > 1 {
			n++
		}
	}
	return n
}

// differ says by which part of the key rows of one patient differ.
func differ(t *Table, rows []int) string {
	a, b := t.Keys[rows[0]], t.Keys[rows[1]]
	switch {
	case a.Visit != b.Visit:
		return "visits"
	case a.Lesion != b.Lesion:
		return "lesions"
	case a.Region != b.Region:
		return "regions"
	case a.Reader != b.Reader:
		return "readers"
	}
	return "the same key twice"
}

// Join returns the rows with these keys, in that order, with the columns of all tables side by side. A row takes the row of a table with
// its key or, where a table does not tell lesions or visits apart, that of its patient; one that a table lacks has missing values there.
// Each table has at most one row a key (see Aggregate). Rows of other patients are left out. Tables with a column of the same name are
// refused.
func Join(rows []Key, tables ...*Table) (*Table, error) {
	out := New(rows)
	for _, t := range tables {
		row := make(map[Key]int, len(t.Keys))
		for i, k := range t.Keys {
			if _, ok := row[k]; ok {
				return nil, fmt.Errorf("patient %s has two rows where one is joined", k.Patient)
			}
			row[k] = i
		}
		from := make([]int, len(rows))
		for i, k := range rows {
			r, ok := Lookup(row, k)
			if !ok {
				r = -1
			}
			from[i] = r
		}
		for j, c := range t.Columns {
			values := make([]float64, len(rows))
			for i, r := range from {
				values[i] = math.NaN()
				if r >= 0 {
					values[i] = t.Values[j][r]
				}
			}
			if err := out.Add(c, values); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
