package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "encode",
		Doc:  "turn categorical columns into indicators",
		Params: []models.Param{
			{Name: "drop", Doc: "the indicator of the first level: of two-level columns, of every column, of none",
				Default: "binary", Choices: []string{"binary", "first", "none"}},
		},
		Touches: []table.Kind{table.Categorical, table.Ordinal},
		New: func(o models.Options) (Step, error) {
			return encode{o["drop"].(string)}, nil
		},
		Decode: decodeEncoded,
	})
}

// encode gives a categorical column an indicator (0 or 1) for each level that the training rows have, named column=level. A level
// that they lack has zeros everywhere; a missing value is missing everywhere. An ordinal column keeps its codes, and an unseen
// level becomes missing. A column with one level only says nothing and is dropped.
type encode struct{ drop string }

type encoded struct {
	given   []table.Column
	columns []table.Column
	from    []int // input column of each output column
	level   []int // level indicated; -1 for the code of an ordinal
	state   encodedState
	notes   []string
}

type encodedState struct {
	Levels [][]int `json:"levels"` // of each input column: the levels that have an indicator, ascending; null for ordinals
}

func (s encode) Fit(_ context.Context, t models.Training) (Fitted, error) {
	f := &encoded{given: t.X.Columns, state: encodedState{make([][]int, len(t.X.Columns))}}
	for j, c := range t.X.Columns {
		if c.Kind == table.Ordinal {
			continue
		}
		there := make([]bool, len(c.Levels))
		for i, v := range t.X.Column(j) {
			if math.IsNaN(v) || v == table.Unseen {
				continue
			}
			if v < 0 || v >= float64(len(there)) || v != math.Trunc(v) {
				return nil, fmt.Errorf("%s, row %d: %v is not the index of one of %d levels", c.Name, i+1, v, len(there))
			}
			there[int(v)] = true
		}
		levels := []int{}
		for k, ok := range there {
			if ok {
				levels = append(levels, k)
			}
		}
		switch {
		case len(levels) < 2:
			f.notes = append(f.notes, fmt.Sprintf("%s has one level in the training rows and is dropped", c.Name))
			levels = levels[:0]
		case s.drop == "first", s.drop == "binary" && len(levels) == 2:
			levels = levels[1:]
		}
		f.state.Levels[j] = levels
	}
	return f, f.describe()
}

func (f *encoded) describe() error {
	if err := checkLength("lists of levels", len(f.state.Levels), len(f.given)); err != nil {
		return err
	}
	for j, c := range f.given {
		if c.Kind == table.Ordinal {
			c.From = nil
			f.columns, f.from, f.level = append(f.columns, c), append(f.from, j), append(f.level, -1)
			continue
		}
		for i, k := range f.state.Levels[j] {
			if k < 0 || k >= len(c.Levels) || i > 0 && k <= f.state.Levels[j][i-1] {
				return fmt.Errorf("%s: level %d of %d is out of order or range", c.Name, k, len(c.Levels))
			}
			f.columns = append(f.columns, table.Column{
				Name: c.Name + "=" + c.Levels[k], Source: c.Source, Group: c.Group,
				Kind: table.Ordinal, Levels: []string{"0", "1"}, From: []string{c.Name},
			})
			f.from, f.level = append(f.from, j), append(f.level, k)
		}
	}
	return nil
}

func (f *encoded) Kind() string            { return "encode" }
func (f *encoded) Columns() []table.Column { return f.columns }
func (f *encoded) Notes() []string         { return f.notes }
func (f *encoded) Encode() ([]byte, error) { return json.Marshal(f.state) }

func (f *encoded) Apply(x models.Matrix) (models.Matrix, error) {
	out := models.NewMatrix(f.columns, x.Rows)
	for i, j := range f.from {
		to, level := out.Column(i), float64(f.level[i])
		for r, v := range x.Column(j) {
			switch {
			case v != v || level < 0 && v < 0:
				to[r] = math.NaN()
			case level < 0:
				to[r] = v
			case v == level:
				to[r] = 1
			}
		}
	}
	return out, nil
}

func decodeEncoded(columns []table.Column, state []byte) (Fitted, error) {
	f := &encoded{given: columns}
	if err := decodeStrict(state, &f.state); err != nil {
		return nil, err
	}
	return f, f.describe()
}
