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

// ofRows makes a matrix of rows.
func ofRows(rows [][]float64) models.Matrix {
	c := make([]table.Column, len(rows[0]))
	for j := range c {
		c[j] = table.Column{Name: fmt.Sprintf("t.x%d", j), Source: "t", Group: "imaging"}
	}
	x := models.NewMatrix(c, len(rows))
	for i, r := range rows {
		for j, v := range r {
			x.Column(j)[i] = v
		}
	}
	return x
}

// fitStep fits one step by its options on x.
func fitStep(t *testing.T, name string, set map[string]any, x models.Matrix) pipeline.Fitted {
	t.Helper()
	k, _ := pipeline.Lookup(name)
	o, problems := models.Check(k.Params, set)
	for _, err := range problems {
		t.Fatal(err)
	}
	s, err := k.New(o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Fit(context.Background(), models.Training{X: x, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// KNNImputer of scikit-learn 1.2.1, on its training rows and on others. Values printed by KNNImputer(n_neighbors=k).
func TestNeighboursOracle(t *testing.T) {
	na := math.NaN()
	train := ofRows([][]float64{{1, 2, na, 0.5}, {3, 4, 3, 1.5}, {na, 6, 5, 2.25}, {8, 8, 7, 3.5}, {2.5, na, 1, 4.75}, {6, 1, na, 5.125}})
	other := ofRows([][]float64{{na, 5, 4, na}, {7, na, na, 1}})
	for k, want := range map[int]struct{ train, other [][3]float64 }{
		1: {[][3]float64{{0, 2, 3}, {2, 0, 3}, {4, 1, 4}, {5, 2, 1}}, [][3]float64{{0, 0, 3}, {0, 3, 1.5}, {1, 1, 6}, {1, 2, 5}}},
		2: {[][3]float64{{0, 2, 4}, {2, 0, 5.5}, {4, 1, 2.5}, {5, 2, 2}}, [][3]float64{{0, 0, 2}, {0, 3, 1.875}, {1, 1, 7}, {1, 2, 6}}},
		3: {[][3]float64{{0, 2, 3}, {2, 0, 4}, {4, 1, 7.0 / 3}, {5, 2, 3}}, [][3]float64{{0, 0, 4}, {0, 3, 17.0 / 12}, {1, 1, 6}, {1, 2, 5}}},
	} {
		f := fitStep(t, "impute", map[string]any{"method": "knn", "neighbours": k, "keep_rows": true}, train)
		check := oracle.Absolute(t, "imputed value", fmt.Sprintf("knn, %d neighbours", k), "scikit-learn 1.2.1 KNNImputer", 1e-12)
		for part, x := range map[string]models.Matrix{"training rows": train, "other rows": other} {
			out, err := f.Apply(x)
			if err != nil {
				t.Fatal(err)
			}
			cells := want.train
			if part == "other rows" {
				cells = want.other
			}
			for _, c := range cells {
				check.Near(fmt.Sprintf("%s, row %v, column %v", part, c[0], c[1]), out.Column(int(c[1]))[int(c[0])], c[2])
			}
		}
	}
}

// QuantileTransformer of scikit-learn 1.2.1 with as many quantiles as a grid has: 0.375 between the quantiles of 0, 1, 4, 9 and 16.
func TestRankOracle(t *testing.T) {
	var rows [][]float64
	for i := range 5 {
		rows = append(rows, []float64{float64(i * i)})
	}
	f := fitStep(t, "scale", map[string]any{"method": "rank"}, ofRows(rows))
	out, err := f.Apply(ofRows([][]float64{{-1}, {0}, {2.5}, {4}, {10}, {16}, {20}}))
	if err != nil {
		t.Fatal(err)
	}
	check := oracle.Absolute(t, "rank", "scale, method rank", "scikit-learn 1.2.1 QuantileTransformer", 1e-7)
	for i, v := range []float64{0, 0, 0.375, 0.5, 0.78571429, 1, 1} {
		check.Near(fmt.Sprint(i), out.Column(0)[i], v)
	}
}

// Columns that follow from others are filled with what follows, also in rows that training never saw, and never beyond its range.
func TestImputationByModel(t *testing.T) {
	na := math.NaN()
	var rows [][]float64
	for i := range 60 {
		a, b := math.Sin(float64(i)), math.Cos(3*float64(i))
		c := 2*a - b + 0.5
		if i%5 == 0 {
			c = na
		}
		rows = append(rows, []float64{a, b, c})
	}
	f := fitStep(t, "impute", map[string]any{"method": "model"}, ofRows(rows))
	out, err := f.Apply(ofRows([][]float64{{0.3, 0.2, na}, {na, 0.1, na}, {50, 0, na}}))
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Column(2)[0]; math.Abs(got-0.9) > 0.05 {
		t.Errorf("filled %v where 0.9 follows", got)
	}
	if got := out.Column(2)[2]; !(got < 4) {
		t.Errorf("filled %v, beyond what training saw", got)
	}
	for j := range 3 {
		for i, v := range out.Column(j) {
			if math.IsNaN(v) {
				t.Errorf("row %d, column %d is still missing", i, j)
			}
		}
	}
}
