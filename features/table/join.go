package table

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Aggregates are the rules by which several rows of a patient become one, as configurations write them.
var Aggregates = []string{"first", "last", "mean", "median", "min", "max"}

// Aggregate returns a table of one row a patient, in order of first appearance. Missing values are passed over; of a column that
// is not numeric, every rule but last takes the first value there is. An empty rule refuses a second row and names the choices.
func (t *Table) Aggregate(rule string) (*Table, error) {
	var patients []string
	rows := map[string][]int{}
	for i, k := range t.Keys {
		if rows[k.Patient] == nil {
			patients = append(patients, k.Patient)
		}
		rows[k.Patient] = append(rows[k.Patient], i)
	}
	if rule == "" && len(patients) < len(t.Keys) {
		for _, p := range patients {
			if r := rows[p]; len(r) > 1 {
				return nil, fmt.Errorf("%d patients have several rows, %s has %d (%s); say which counts with aggregate: %s",
					several(patients, rows), p, len(r), differ(t, r), strings.Join(Aggregates, ", "))
			}
		}
	}
	if rule != "" && !slices.Contains(Aggregates, rule) {
		return nil, fmt.Errorf("aggregate: %q is not one of %s", rule, strings.Join(Aggregates, ", "))
	}
	keys := make([]Key, len(patients))
	for i, p := range patients {
		keys[i] = Key{Patient: p}
	}
	out := &Table{Keys: keys, Columns: t.Columns, Values: make([][]float64, len(t.Values)), index: t.index}
	var values []float64
	for j, from := range t.Values {
		to := make([]float64, len(patients))
		for i, p := range patients {
			values = values[:0]
			for _, r := range rows[p] {
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

func several(patients []string, rows map[string][]int) int {
	n := 0
	for _, p := range patients {
		if len(rows[p]) > 1 {
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

// Join returns one row for each of the patients, in that order, with the columns of all tables side by side; a patient that a
// table lacks has missing values there. Each table has at most one row a patient (see Aggregate). Rows of other patients are left
// out. Tables with a column of the same name are refused.
func Join(patients []string, tables ...*Table) (*Table, error) {
	keys := make([]Key, len(patients))
	for i, p := range patients {
		keys[i] = Key{Patient: p}
	}
	out := New(keys)
	for _, t := range tables {
		row := make(map[string]int, len(t.Keys))
		for i, k := range t.Keys {
			if _, ok := row[k.Patient]; ok {
				return nil, fmt.Errorf("patient %s has two rows where one is joined", k.Patient)
			}
			row[k.Patient] = i
		}
		from := make([]int, len(patients))
		for i, p := range patients {
			r, ok := row[p]
			if !ok {
				r = -1
			}
			from[i] = r
		}
		for j, c := range t.Columns {
			values := make([]float64, len(patients))
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
