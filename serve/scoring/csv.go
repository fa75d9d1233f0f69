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
// and left aside. A row or a cell that cannot be read is noted with its place, and the others are read on.
func frame(body []byte, columns *registry.Columns, most int) (rows, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return rows{}, errors.New("the table is empty; want a header of names, and a row a patient")
	}
	if err != nil {
		return rows{}, fmt.Errorf("the body is not CSV: %w", err)
	}
	var out rows
	all, from := slices.Clone(header), 0
	if all[0] == "" {
		from = 1
	}
	names := append(make([]string, from), out.head(all[from:], columns, func(k int) string { return fmt.Sprintf("column %d", from+k+1) })...)
	numeric := make([]bool, len(names))
	for k, name := range names {
		if j := columns.Find([]byte(name), len(columns.Inputs)); j >= 0 {
			numeric[k] = columns.Inputs[j].Kind == table.Numeric
		}
	}
	for n := 0; ; n++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if n == most {
			return rows{}, fmt.Errorf("more than %d rows; send them in several requests", most)
		}
		if errors.Is(err, csv.ErrFieldCount) {
			line, _ := r.FieldPos(0)
			out.faults.Add(fmt.Sprintf("%s (line %d)", inRow(n), line), "wrong number of fields: %d for %d columns", len(cells), len(names))
			out.list = append(out.list, nil)
			continue
		}
		if err != nil { // of quotation marks: where the next row begins is not known
			out.faults.Add(inRow(n), "the body is not CSV from here on: %v", err)
			out.list = append(out.list, nil)
			return out, nil
		}
		row := []byte{'{'}
		for k, cell := range cells {
			if names[k] == "" {
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
					out.faults.Add(fmt.Sprintf("%s, column %.100q (line %d, character %d)", inRow(n), names[k], line, column), "want a number, or nothing where it is not known")
					v = 0
				}
				row = strconv.AppendFloat(row, v, 'g', -1, 64)
			}
		}
		out.list = append(out.list, append(row, '}'))
	}
}
