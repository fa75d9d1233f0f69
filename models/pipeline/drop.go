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
		Name: "drop",
		Doc:  "drop columns that are mostly missing or constant",
		Params: []models.Param{
			{Name: "missing_above", Doc: "fraction of missing values above which a column goes; 1 keeps all", Default: 0.5, Min: 0, Max: 1},
			{Name: "common_above", Doc: "fraction of equal values above which a column goes as near-constant; 1 drops constant columns only",
				Default: 1.0, Min: 0, Max: 1},
		},
		Touches: []table.Kind{table.Numeric, table.Ordinal, table.Categorical},
		New: func(o models.Options) (Step, error) {
			return drop{o["missing_above"].(float64), o["common_above"].(float64)}, nil
		},
		Decode: decodeKept("drop"),
	})
}

// drop removes columns whose fraction of missing values in the training rows is above a limit, and columns of which one value
// makes up more than a fraction of the known ones, or all of them. What goes is named in the notes.
type drop struct{ missing, common float64 }

func (s drop) Fit(_ context.Context, t models.Training) (Fitted, error) {
	f := &kept{kind: "drop", given: t.X.Columns, state: keptState{[]int{}}}
	buffer := make([]float64, 0, t.X.Rows)
	for j, c := range t.X.Columns {
		v := sorted(t.X.Column(j), buffer)
		missing := 1 - float64(len(v))/float64(max(t.X.Rows, 1))
		common := commonest(v)
		switch {
		case len(v) == 0:
			f.notes = append(f.notes, fmt.Sprintf("%s is dropped: it has no value", c.Name))
		case missing > s.missing:
			f.notes = append(f.notes, fmt.Sprintf("%s is dropped: %.0f %% of its values are missing", c.Name, math.Floor(100*missing)))
		case common == len(v):
			f.notes = append(f.notes, fmt.Sprintf("%s is dropped: it is constant", c.Name))
		case float64(common) > s.common*float64(len(v)):
			f.notes = append(f.notes, fmt.Sprintf("%s is dropped: %.0f %% of its values are equal", c.Name, 100*float64(common)/float64(len(v))))
		default:
			f.state.Keep = append(f.state.Keep, j)
		}
	}
	return f, f.describe()
}

// commonest returns how often the most frequent of ascending values is there.
func commonest(ascending []float64) int {
	best, run := 0, 0
	for i, v := range ascending {
		if i > 0 && v == ascending[i-1] {
			run++
		} else {
			run = 1
		}
		best = max(best, run)
	}
	return best
}

// kept is what every step that only drops columns becomes.
type kept struct {
	kind    string
	given   []table.Column
	columns []table.Column
	state   keptState
	notes   []string
}

type keptState struct {
	Keep []int `json:"keep"` // indices of the step's columns, ascending
}

func (f *kept) describe() error {
	f.columns = make([]table.Column, len(f.state.Keep))
	for i, j := range f.state.Keep {
		if j < 0 || j >= len(f.given) || i > 0 && j <= f.state.Keep[i-1] {
			return fmt.Errorf("column index %d of %d is out of order or range", j, len(f.given))
		}
		f.columns[i] = f.given[j]
		f.columns[i].From = nil
	}
	return nil
}

func (f *kept) Kind() string            { return f.kind }
func (f *kept) Columns() []table.Column { return f.columns }
func (f *kept) Notes() []string         { return f.notes }
func (f *kept) Encode() ([]byte, error) { return json.Marshal(f.state) }

func (f *kept) Apply(x models.Matrix) (models.Matrix, error) {
	out := models.NewMatrix(f.columns, x.Rows)
	for i, j := range f.state.Keep {
		copy(out.Column(i), x.Column(j))
	}
	return out, nil
}

// decodeKept returns the Decode of a kind of step that only drops columns.
func decodeKept(kind string) func(columns []table.Column, state []byte) (Fitted, error) {
	return func(columns []table.Column, state []byte) (Fitted, error) {
		f := &kept{kind: kind, given: columns}
		if err := decodeStrict(state, &f.state); err != nil {
			return nil, err
		}
		return f, f.describe()
	}
}
