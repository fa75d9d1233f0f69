package scoring

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/registry"
)

// absent are the cells that pandas.read_csv takes for a missing value (na_values of its documentation).
var absent = []string{"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}

// frame reads rows as pandas writes a data frame with to_csv: a header of names, and a row a patient. A first column without a name is the index,
// and left aside.
func frame(body []byte, columns *registry.Columns, most int) (rows, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the table is empty; want a header of names, and a row a patient")
	}
	if err != nil {
		return nil, fmt.Errorf("the body is not CSV: %w", err)
	}
	names := slices.Clone(header)
	numeric := make([]bool, len(names))
	for k, name := range names {
		if j := columns.Find([]byte(name), len(columns.Inputs)); j >= 0 {
			numeric[k] = columns.Inputs[j].Kind == table.Numeric
		}
	}
	var out rows
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the body is not CSV: %w", err)
		}
		if len(out) == most {
			return nil, fmt.Errorf("more than %d rows; send them in several requests", most)
		}
		row := []byte{'{'}
		for k, cell := range cells {
			if k == 0 && names[0] == "" {
				continue
			}
			if len(row) > 1 {
				row = append(row, ',')
			}
			row = append(bundle.AppendString(row, names[k]), ':')
			switch {
			case slices.Contains(absent, strings.TrimSpace(cell)):
				row = append(row, "null"...)
			case !numeric[k]:
				row = bundle.AppendString(row, cell)
			default:
				v, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
				if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
					line, column := r.FieldPos(k)
					return nil, fmt.Errorf("row %d, column %.100q (line %d, character %d): want a number, or nothing where it is not known", len(out), names[k], line, column)
				}
				row = strconv.AppendFloat(row, v, 'g', -1, 64)
			}
		}
		out = append(out, append(row, '}'))
	}
}
