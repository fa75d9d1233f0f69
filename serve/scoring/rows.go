package scoring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
)

// rows are the features of each row, as objects of names and values; nil where a row could not be read, which faults then say.
type rows struct {
	list   []json.RawMessage
	faults problem.Faults
}

// inRow is the place of a fault of a row as api.Decode gives it, so that all are told alike.
func inRow(i int) string { return fmt.Sprintf("#/patients/%d", i) }

// first is the first byte of a JSON value.
func first(text json.RawMessage) byte {
	if text = bytes.TrimLeft(text, " \t\r\n"); len(text) > 0 {
		return text[0]
	}
	return 0
}

// instances reads a list of rows: objects of names and values, or lists of values in the order of the model's inputs.
func instances(text json.RawMessage, columns *registry.Columns) (rows, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return rows{}, errors.New("instances is a list of rows")
	}
	names := make([]string, len(columns.Inputs))
	for j, in := range columns.Inputs {
		names[j] = in.Name
	}
	out := rows{list: make([]json.RawMessage, len(list))}
	for i, row := range list {
		switch first(row) {
		case '{':
			out.list[i] = row
		case '[':
			out.list[i] = out.named(i, names, row)
		default:
			out.faults.Add(inRow(i), "is neither an object of names and values nor a list of values")
		}
	}
	return out, nil
}

// named puts names to the values of the i-th row; a value whose name is empty is left out. What is wrong is noted, and the row is nil.
func (r *rows) named(i int, names []string, row json.RawMessage) json.RawMessage {
	var values []json.RawMessage
	if err := json.Unmarshal(row, &values); err != nil {
		r.faults.Add(inRow(i), "is not a list of values")
		return nil
	}
	if len(values) != len(names) {
		r.faults.Add(inRow(i), "%d values for %d columns", len(values), len(names))
		return nil
	}
	out := []byte{'{'}
	for j, v := range values {
		if names[j] == "" {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(bundle.AppendString(out, names[j]), ':'), v...)
	}
	return append(out, '}')
}

// head returns the names of columns with those emptied that no input has, or that are there twice: a column is told once and not in every row.
func (r *rows) head(names []string, columns *registry.Columns, place func(k int) string) []string {
	known := make([]string, len(names))
	seen := make([]bool, len(columns.Inputs))
	for k, name := range names {
		j := columns.Find([]byte(name), len(columns.Inputs))
		switch {
		case j < 0:
			text := "the model reads no such feature"
			if !r.faults.Full() {
				if near := columns.Nearest(name); near != "" {
					text = fmt.Sprintf("%q: %s; did you mean %q?", name, text, near)
				}
			}
			r.faults.Add(place(k), "%s", text)
		case seen[j]:
			r.faults.Add(place(k), "%s: the feature is there twice", columns.Inputs[j].Name)
		default:
			seen[j], known[k] = true, name
		}
	}
	return known
}

// mlflow reads the rows of a body of MLflow: one of dataframe_split, dataframe_records, instances and inputs.
func mlflow(m map[string]json.RawMessage, columns *registry.Columns) (rows, error) {
	if len(m) != 1 {
		return rows{}, errors.New("want exactly one of dataframe_split, dataframe_records, instances and inputs, and beside it params")
	}
	for kind, text := range m {
		switch kind {
		case "dataframe_split":
			return split(text, columns)
		case "dataframe_records":
			var list []json.RawMessage
			if err := json.Unmarshal(text, &list); err != nil {
				return rows{}, errors.New("dataframe_records is a list of objects")
			}
			out := rows{list: list}
			for i, row := range list {
				if first(row) != '{' {
					out.faults.Add(inRow(i), "is not an object of names and values")
					list[i] = nil
				}
			}
			return out, nil
		case "instances", "inputs":
			if first(text) == '{' {
				return columnar(text, columns)
			}
			return instances(text, columns)
		}
	}
	return rows{}, errors.New("want one of dataframe_split, dataframe_records, instances and inputs")
}

// split reads a data frame as pandas writes it with orient split.
func split(text json.RawMessage, columns *registry.Columns) (rows, error) {
	var frame struct {
		Index   json.RawMessage   `json:"index"`
		Columns []string          `json:"columns"`
		Data    []json.RawMessage `json:"data"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&frame); err != nil {
		return rows{}, errors.New("dataframe_split has columns, a list of names, and data, a list of rows")
	}
	out := rows{list: make([]json.RawMessage, len(frame.Data))}
	names := out.head(frame.Columns, columns, func(k int) string { return fmt.Sprintf("#/dataframe_split/columns/%d", k) })
	for i, row := range frame.Data {
		out.list[i] = out.named(i, names, row)
	}
	return out, nil
}

// columnar reads an object of names and lists of values, all of one length; a value alone is a list of one.
func columnar(text json.RawMessage, columns *registry.Columns) (rows, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		return rows{}, errors.New("inputs is an object of names and lists of values")
	}
	var out rows
	all := slices.Sorted(maps.Keys(m))
	n := -1
	var built [][]byte
	for k, name := range out.head(all, columns, func(k int) string { return fmt.Sprintf("column %d by name", k+1) }) {
		values := []json.RawMessage{m[all[k]]}
		if first(m[all[k]]) == '[' {
			json.Unmarshal(m[all[k]], &values) // a list, which was read before
		}
		if n < 0 {
			n = len(values)
			built = make([][]byte, n)
		}
		if name == "" {
			continue
		}
		place := "column " + name
		if len(values) != n {
			out.faults.Add(place, "a column has %d values and the first %d", len(values), n)
			continue
		}
		for i, v := range values {
			if first(v) == '[' { // one value in a list of its own, as tensors of shape [n, 1] are
				var inner []json.RawMessage
				if json.Unmarshal(v, &inner) != nil || len(inner) != 1 {
					out.faults.Add(place, "a column has more than one value a row: row %d", i)
					continue
				}
				v = inner[0]
			}
			if len(built[i]) == 0 {
				built[i] = append(built[i], '{')
			} else {
				built[i] = append(built[i], ',')
			}
			built[i] = append(append(bundle.AppendString(built[i], name), ':'), v...)
		}
	}
	out.list = make([]json.RawMessage, len(built))
	for i := range built {
		if built[i] != nil {
			out.list[i] = append(built[i], '}')
		}
	}
	return out, nil
}
