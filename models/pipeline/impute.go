package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "impute",
		Doc:  "replace missing values",
		Params: []models.Param{
			{Name: "method", Doc: "for numeric columns; knn takes the mean of the nearest training rows, model regresses columns on each other",
				Default: "median", Choices: []string{"median", "mean", "constant", "knn", "model"}},
			{Name: "value", Doc: "for method constant", Default: 0.0},
			{Name: "categorical", Doc: "for categorical columns: the most frequent level, or missing as a level of its own",
				Default: "most_frequent", Choices: []string{"most_frequent", "level"}},
			{Name: "neighbours", Doc: "of method knn", Default: 5, Min: 1, Max: 1000},
			{Name: "keep_rows", Doc: "method knn needs the training rows: true lets the bundle hold them, and inspect says so", Default: false},
		},
		Touches: []table.Kind{table.Numeric, table.Ordinal, table.Categorical},
		New: func(o models.Options) (Step, error) {
			s := impute{o["method"].(string), o["value"].(float64), o["categorical"].(string) == "level", o["neighbours"].(int)}
			if knn := s.method == "knn"; knn != o["keep_rows"].(bool) {
				if knn {
					return nil, errors.New("method knn keeps the values of training patients in the bundle; say keep_rows: true to allow it, or take method model")
				}
				return nil, errors.New("keep_rows belongs to method knn")
			}
			return s, nil
		},
		Decode: decodeImputed,
	})
}

// MissingLevel is the level that impute adds to a categorical column when missing is to be a level of its own.
const MissingLevel = "(missing)"

// impute replaces missing values as scikit-learn's SimpleImputer does: numeric columns by the median (or mean) of the training
// rows, categorical ones by the most frequent level, the first of equals. Ordinal columns take the lower median, which is a level.
// A column without a single training value is dropped and named.
type impute struct {
	method   string
	constant float64
	level    bool
	nearest  int
}

// imputed is a fitted impute.
type imputed struct {
	columns []table.Column
	given   []table.Column
	state   imputedState
	notes   []string
	ordinal bool // a column is
}

// imputedState holds what replaces a missing value of each column that is kept.
type imputedState struct {
	Keep []int     `json:"keep"` // indices of the step's columns
	Fill []float64 `json:"fill"`
	// Of the numeric columns, where the method is knn or model.
	Neighbours  *neighbours  `json:"neighbours,omitempty"`
	Regressions *regressions `json:"regressions,omitempty"`
}

func (s impute) Fit(_ context.Context, t models.Training) (Fitted, error) {
	f := &imputed{given: t.X.Columns, state: imputedState{Keep: []int{}, Fill: []float64{}}}
	known := make([]float64, 0, t.X.Rows)
	for j, c := range t.X.Columns {
		known = known[:0]
		for _, v := range t.X.Column(j) {
			if !math.IsNaN(v) && (c.Kind == table.Numeric || v >= 0) {
				known = append(known, v)
			}
		}
		fill, ok := s.fill(c, known)
		if !ok {
			f.notes = append(f.notes, fmt.Sprintf("%s has no value in the training rows and is dropped", c.Name))
			continue
		}
		f.state.Keep = append(f.state.Keep, j)
		f.state.Fill = append(f.state.Fill, fill)
	}
	var numeric []int
	for _, j := range f.state.Keep {
		if t.X.Columns[j].Kind == table.Numeric {
			numeric = append(numeric, j)
		}
	}
	switch {
	case len(numeric) == 0:
	case s.method == "knn":
		f.state.Neighbours = newNeighbours(t.X, numeric, s.nearest)
	case s.method == "model":
		f.state.Regressions = newRegressions(t.X, numeric)
	}
	return f, f.describe()
}

// fill returns what replaces a missing value of a column with these known ones, which it sorts.
func (s impute) fill(c table.Column, known []float64) (float64, bool) {
	switch {
	case c.Kind == table.Categorical && s.level:
		return float64(len(c.Levels)), true
	case c.Kind == table.Numeric && s.method == "constant":
		return s.constant, true
	case len(known) == 0:
		return 0, false
	case c.Kind == table.Categorical:
		return mode(known, len(c.Levels)), true
	case c.Kind == table.Ordinal:
		slices.Sort(known)
		return known[(len(known)-1)/2], true
	case s.method == "mean", s.method == "knn", s.method == "model":
		return mean(known), true
	}
	slices.Sort(known)
	return Quantile(known, 0.5), true
}

// describe works out the columns from the state.
func (f *imputed) describe() error {
	if err := checkLength("values", len(f.state.Fill), len(f.state.Keep)); err != nil {
		return err
	}
	if n := f.state.Neighbours; n != nil {
		if err := n.check(len(f.given)); err != nil {
			return err
		}
	}
	if r := f.state.Regressions; r != nil {
		if err := r.check(len(f.given)); err != nil {
			return err
		}
	}
	f.columns = make([]table.Column, len(f.state.Keep))
	for i, j := range f.state.Keep {
		if j < 0 || j >= len(f.given) || i > 0 && j <= f.state.Keep[i-1] {
			return fmt.Errorf("column index %d of %d is out of order or range", j, len(f.given))
		}
		c := f.given[j]
		c.From = nil
		fill := f.state.Fill[i]
		if c.Kind != table.Numeric && (fill < 0 || fill != math.Trunc(fill) || fill > float64(len(c.Levels))) {
			return fmt.Errorf("%s: %v is not the index of a level", c.Name, fill)
		}
		if c.Kind == table.Categorical && int(fill) == len(c.Levels) {
			c.Levels = append(c.Levels[:len(c.Levels):len(c.Levels)], MissingLevel)
		}
		f.columns[i], f.ordinal = c, f.ordinal || c.Kind == table.Ordinal
	}
	return nil
}

func (f *imputed) Kind() string            { return "impute" }
func (f *imputed) Columns() []table.Column { return f.columns }

// HoldsRows is the number of training rows whose values the step holds.
func (f *imputed) HoldsRows() int {
	if f.state.Neighbours == nil {
		return 0
	}
	return f.state.Neighbours.Rows
}

func (f *imputed) Notes() []string         { return f.notes }
func (f *imputed) Encode() ([]byte, error) { return json.Marshal(f.state) }

func (f *imputed) Apply(x models.Matrix) (models.Matrix, error) {
	out := models.NewMatrix(f.columns, x.Rows)
	if x.Rows == 1 && f.state.Neighbours == nil && f.state.Regressions == nil { // a served patient: no slice a column
		for i, j := range f.state.Keep {
			v := x.Values[j]
			if v != v || f.ordinal && v < 0 && f.columns[i].Kind == table.Ordinal {
				v = f.state.Fill[i]
			}
			out.Values[i] = v
		}
		return out, nil
	}
	filled := map[int][]float64{} // numeric columns by a method of many columns
	if n := f.state.Neighbours; n != nil {
		for c, v := range n.fill(x) {
			filled[n.On[c]] = v
		}
	}
	if r := f.state.Regressions; r != nil {
		for c, v := range r.fill(x) {
			filled[r.On[c]] = v
		}
	}
	for i, j := range f.state.Keep {
		to, fill := out.Column(i), f.state.Fill[i]
		if v, ok := filled[j]; ok {
			copy(to, v)
		} else {
			copy(to, x.Column(j))
		}
		ordinal := f.columns[i].Kind == table.Ordinal
		for r, v := range to {
			if v != v || ordinal && v < 0 { // an unseen level of an ordinal has no place on the scale
				to[r] = fill
			}
		}
	}
	return out, nil
}

func decodeImputed(columns []table.Column, state []byte) (Fitted, error) {
	f := &imputed{given: columns}
	if err := decodeStrict(state, &f.state); err != nil {
		return nil, err
	}
	return f, f.describe()
}

// mode returns the most frequent of level indices, the smallest of equals.
func mode(known []float64, levels int) float64 {
	counts := make([]int, levels+1)
	for _, v := range known {
		if int(v) < len(counts) {
			counts[int(v)]++
		}
	}
	best := 0
	for k, n := range counts {
		if n > counts[best] {
			best = k
		}
	}
	return float64(best)
}
