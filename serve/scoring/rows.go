package scoring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/registry"
)

// instances reads a list of rows: objects of names and values, or lists of values in the order of the model's inputs.
func instances(text json.RawMessage, columns *registry.Columns) (rows, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, errors.New("instances is a list of rows")
	}
	names := make([]string, len(columns.Inputs))
	for j, in := range columns.Inputs {
		names[j] = in.Name
	}
	out := make(rows, len(list))
	for i, row := range list {
		switch first(row) {
		case '{':
			out[i] = row
		case '[':
			var err error
			if out[i], err = named(names, row); err != nil {
				return nil, fmt.Errorf("row %d: %w", i, err)
			}
		default:
			return nil, fmt.Errorf("row %d is neither an object of names and values nor a list of values", i)
		}
	}
	return out, nil
}

// first is the first byte of a JSON value.
func first(text json.RawMessage) byte {
	if text = bytes.TrimLeft(text, " \t\r\n"); len(text) > 0 {
		return text[0]
	}
	return 0
}

// named puts names to a row's values.
func named(names []string, row json.RawMessage) (json.RawMessage, error) {
	var values []json.RawMessage
	if err := json.Unmarshal(row, &values); err != nil {
		return nil, errors.New("not a list of values")
	}
	if len(values) != len(names) {
		return nil, fmt.Errorf("%d values for %d columns", len(values), len(names))
	}
	out := []byte{'{'}
	for j, v := range values {
		if j > 0 {
			out = append(out, ',')
		}
		out = append(append(bundle.AppendString(out, names[j]), ':'), v...)
	}
	return append(out, '}'), nil
}

// mlflow reads the rows of a body of MLflow: one of dataframe_split, dataframe_records, instances and inputs.
func mlflow(m map[string]json.RawMessage, columns *registry.Columns) (rows, error) {
	if len(m) != 1 {
		return nil, errors.New("want exactly one of dataframe_split, dataframe_records, instances and inputs, and beside it params")
	}
	for kind, text := range m {
		switch kind {
		case "dataframe_split":
			return split(text)
		case "dataframe_records":
			var list rows
			if err := json.Unmarshal(text, &list); err != nil {
				return nil, errors.New("dataframe_records is a list of objects")
			}
			return list, nil
		case "instances", "inputs":
			if first(text) == '{' {
				return columnar(text)
			}
			return instances(text, columns)
		}
	}
	return nil, errors.New("want one of dataframe_split, dataframe_records, instances and inputs")
}

// split reads a data frame as pandas writes it with orient split.
func split(text json.RawMessage) (rows, error) {
	var frame struct {
		Index   json.RawMessage   `json:"index"`
		Columns []string          `json:"columns"`
		Data    []json.RawMessage `json:"data"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&frame); err != nil {
		return nil, errors.New("dataframe_split has columns, a list of names, and data, a list of rows")
	}
	out := make(rows, len(frame.Data))
	for i, row := range frame.Data {
		var err error
		if out[i], err = named(frame.Columns, row); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return out, nil
}

// columnar reads an object of names and lists of values, all of one length; a value alone is a list of one.
func columnar(text json.RawMessage) (rows, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, errors.New("inputs is an object of names and lists of values")
	}
	names := slices.Sorted(maps.Keys(m))
	var out [][]byte
	for k, name := range names {
		values := []json.RawMessage{m[name]}
		if first(m[name]) == '[' {
			if err := json.Unmarshal(m[name], &values); err != nil {
				return nil, errors.New("inputs is an object of names and lists of values")
			}
		}
		if k == 0 {
			out = make([][]byte, len(values))
		}
		if len(values) != len(out) {
			return nil, fmt.Errorf("a column has %d values and the first %d", len(values), len(out))
		}
		for i, v := range values {
			if first(v) == '[' { // one value in a list of its own, as tensors of shape [n, 1] are
				var inner []json.RawMessage
				if json.Unmarshal(v, &inner) != nil || len(inner) != 1 {
					return nil, errors.New("a column has more than one value a row")
				}
				v = inner[0]
			}
			if k == 0 {
				out[i] = []byte{'{'}
			} else {
				out[i] = append(out[i], ',')
			}
			out[i] = append(append(bundle.AppendString(out[i], name), ':'), v...)
		}
	}
	list := make(rows, len(out))
	for i := range out {
		list[i] = append(out[i], '}')
	}
	return list, nil
}
