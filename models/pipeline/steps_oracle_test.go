package pipeline_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

var nan = math.NaN()

// numeric returns a matrix of numeric columns from rows.
func numeric(rows ...[]float64) models.Matrix {
	columns := make([]table.Column, len(rows[0]))
	for j := range columns {
		columns[j] = table.Column{Name: fmt.Sprintf("t.x%d", j), Source: "t", Group: "clinical"}
	}
	m := models.NewMatrix(columns, len(rows))
	for i, row := range rows {
		for j, v := range row {
			m.Column(j)[i] = v
		}
	}
	return m
}

// one returns a chain of a single step with these options.
func one(t testing.TB, step string, set map[string]any) pipeline.Chain {
	t.Helper()
	k, ok := pipeline.Lookup(step)
	if !ok {
		t.Fatalf("no step %s", step)
	}
	options, problems := models.Check(k.Params, set)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c, err := pipeline.New([]pipeline.Spec{{Step: step, Options: options}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The examples in the docstrings of scikit-learn 1.2.1's StandardScaler, RobustScaler, MinMaxScaler and SimpleImputer.
func TestStepsOracle(t *testing.T) {
	for _, c := range []struct {
		reference, step  string
		options          map[string]any
		train, use, want models.Matrix
	}{
		{"StandardScaler", "scale", map[string]any{"method": "zscore"},
			numeric([]float64{0, 0}, []float64{0, 0}, []float64{1, 1}, []float64{1, 1}),
			numeric([]float64{0, 0}, []float64{0, 0}, []float64{1, 1}, []float64{1, 1}, []float64{2, 2}),
			numeric([]float64{-1, -1}, []float64{-1, -1}, []float64{1, 1}, []float64{1, 1}, []float64{3, 3})},
		{"RobustScaler", "scale", map[string]any{"method": "robust"},
			numeric([]float64{1, -2, 2}, []float64{-2, 1, 3}, []float64{4, 1, -2}),
			numeric([]float64{1, -2, 2}, []float64{-2, 1, 3}, []float64{4, 1, -2}),
			numeric([]float64{0, -2, 0}, []float64{-1, 0, 0.4}, []float64{1, 0, -1.6})},
		{"MinMaxScaler", "scale", map[string]any{"method": "minmax"},
			numeric([]float64{-1, 2}, []float64{-0.5, 6}, []float64{0, 10}, []float64{1, 18}),
			numeric([]float64{-1, 2}, []float64{-0.5, 6}, []float64{0, 10}, []float64{1, 18}, []float64{2, 2}),
			numeric([]float64{0, 0}, []float64{0.25, 0.25}, []float64{0.5, 0.5}, []float64{1, 1}, []float64{1.5, 0})},
		{"SimpleImputer", "impute", map[string]any{"method": "mean"},
			numeric([]float64{7, 2, 3}, []float64{4, nan, 6}, []float64{10, 5, 9}),
			numeric([]float64{nan, 2, 3}, []float64{4, nan, 6}, []float64{10, nan, 9}),
			numeric([]float64{7, 2, 3}, []float64{4, 3.5, 6}, []float64{10, 3.5, 9})},
	} {
		check := oracle.Absolute(t, "step "+c.step, fmt.Sprint(c.options["method"]), "scikit-learn 1.2.1 docstring of "+c.reference, 1e-15)
		f, err := one(t, c.step, c.options).Fit(context.Background(), models.Training{X: c.train})
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Apply(c.use)
		if err != nil {
			t.Fatal(err)
		}
		for j := range got.Columns {
			for i, v := range got.Column(j) {
				check.Near(fmt.Sprintf("%s row %d column %d", c.reference, i, j), v, c.want.Column(j)[i])
			}
		}
	}
}

// R 4.2: quantile(c(1, 2, 4, 8, 16), c(0, .1, .25, .5, .9, 1)).
func TestQuantileOracle(t *testing.T) {
	check := oracle.Absolute(t, "quantile", "type 7", "R 4.2 quantile", 1e-15)
	want := []float64{1, 1.4, 2, 4, 12.8, 16}
	for i, p := range []float64{0, .1, .25, .5, .9, 1} {
		check.Near(fmt.Sprint(p), pipeline.Quantile([]float64{1, 2, 4, 8, 16}, p), want[i])
	}
}
