package pipeline_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/pipeline"
)

// evaluate works out one formula for one row. The functions of one number are taken from the step itself; the readers in docs/readers
// have them again, and are compared with predictions where Python and R are there.
func evaluate(f pipeline.Formula, row []float64) (v float64, known bool) {
	if f.Op == "sum" {
		for i, j := range f.Of {
			v += f.Times[i] * (row[j] - f.Less[i])
		}
		return v, true
	}
	x := row[f.Column]
	if f.Ordinal && x < 0 {
		x = math.NaN()
	}
	switch f.Op {
	case "fill":
		if math.IsNaN(x) {
			return *f.Fill, true
		}
	case "level":
		if !math.IsNaN(x) {
			if x == float64(*f.Level) {
				return 1, true
			}
			return 0, true
		}
	case "scale":
		return (x - *f.Centre) / *f.Spread, true
	case "yeo_johnson", "rank":
		return 0, false
	case "log":
		return math.Copysign(math.Log1p(math.Abs(x)), x), true
	}
	return x, true
}

// Formulas make of every row what the chain makes of it, for each step but those that look at a row as a whole, which are named.
func TestFormulasInvariant(t *testing.T) {
	train := mixed(60, 1)
	test := mixed(40, 2)
	for j := range test.X.Columns {
		if len(test.X.Columns[j].Levels) > 0 {
			test.X.Column(j)[3] = -1 // a level that training had not seen
		}
	}
	whole := 0
	for name, chain := range chains(t) {
		f, err := chain.Fit(context.Background(), train)
		if err != nil {
			continue // steps of survival, or of counts
		}
		steps, err := f.Formulas()
		if err != nil {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
			whole++
			continue
		}
		want, err := f.Apply(test.X)
		if err != nil {
			t.Fatal(err)
		}
		for i := range test.X.Rows {
			row, known := make([]float64, len(test.X.Columns)), true
			test.X.Row(i, row)
			for _, s := range steps {
				next := make([]float64, len(s.Columns))
				for j, formula := range s.Columns {
					var ok bool
					next[j], ok = evaluate(formula, row)
					known = known && ok
				}
				row = next
			}
			if !known {
				continue
			}
			if len(row) != len(want.Columns) {
				t.Fatalf("%s: %d columns, want %d", name, len(row), len(want.Columns))
			}
			for j, v := range row {
				if w := want.Column(j)[i]; math.Float64bits(v) != math.Float64bits(w) && math.Abs(v-w) > 1e-12*(1+math.Abs(w)) {
					t.Errorf("%s, row %d, %s: %v, want %v", name, i, want.Columns[j].Name, v, w)
				}
			}
		}
	}
	if whole != 3 {
		t.Errorf("%d steps have no formulas; harmonise, normalise and score_sets have none", whole)
	}
}
