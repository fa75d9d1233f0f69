package explain

import (
	"context"
	"fmt"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	regression "github.com/voxgene/voxgene/models/linear"
	"github.com/voxgene/voxgene/models/tree"
)

// complete is an ensemble of complete trees of a depth, with splits at random places of random columns: as many leaves as there can
// be, where trained trees have fewer.
func complete(trees, depth, columns int) *tree.Ensemble {
	r := work.Seed(1).Rand()
	e := &tree.Ensemble{Features: columns, Scale: tree.LogOdds, Base: []float64{0}, Roots: []int32{0}}
	n := 1<<(depth+1) - 1
	for range trees {
		left, right, feature := make([]int32, n), make([]int32, n), make([]int32, n)
		threshold, cover, values := make([]float64, n), make([]float64, n), make([]float64, n)
		cover[0] = 1000
		for i := range n {
			if i >= 1<<depth-1 {
				left[i], right[i], values[i] = -1, -1, r.NormFloat64()
				continue
			}
			left[i], right[i], feature[i], threshold[i] = int32(2*i+1), int32(2*i+2), int32(r.IntN(columns)), r.NormFloat64()/2
			share := 0.1 + 0.8*r.Float64()
			cover[2*i+1], cover[2*i+2] = cover[i]*share, cover[i]*(1-share)
		}
		grow(e, left, right, feature, threshold, cover, values)
	}
	return e
}

// gaussian is rows of independent values.
func gaussian(seed work.Seed, rows, columns int) models.Matrix {
	x := models.NewMatrix(make([]table.Column, columns), rows)
	r := seed.Rand()
	for i := range x.Values {
		x.Values[i] = r.NormFloat64()
	}
	return x
}

// deep is a forest of trees grown to purity on 1,000 bootstrapped rows of a noisy outcome.
func deep(b *testing.B, trees int) *tree.Ensemble {
	b.Helper()
	x := gaussian(1, 1000, 30)
	for j := range x.Columns {
		x.Columns[j].Name = fmt.Sprint("c", j)
	}
	y := clinical.Outcome{Kind: clinical.Class, Classes: []string{"0", "1"}, Class: make([]int, x.Rows)}
	r := work.Seed(2).Rand()
	for i := range y.Class {
		if x.Column(0)[i]+x.Column(1)[i]*x.Column(2)[i]+r.NormFloat64() > 0 {
			y.Class[i] = 1
		}
	}
	e := &tree.Ensemble{Features: 30, Scale: tree.Probability, Base: []float64{0}, Roots: []int32{0}}
	for range trees {
		rows := make([]int, x.Rows)
		for i := range rows {
			rows[i] = r.IntN(x.Rows)
		}
		m, err := tree.DecisionTree{Criterion: "gini", MinSplit: 2, MinLeaf: 1}.Fit(context.Background(), models.Training{X: x, Y: y}.Select(rows))
		if err != nil {
			b.Fatal(err)
		}
		f := m.(*tree.Classifier).Ensemble()
		grow(e, f.Left, f.Right, f.Feature, f.Threshold, f.Cover, f.Values)
	}
	if err := e.Validate(); err != nil {
		b.Fatal(err)
	}
	return e
}

// explainAll explains all rows, as one goroutine does.
func explainAll(b *testing.B, t *trees, x models.Matrix) {
	b.Helper()
	var s scratch
	for lo := 0; lo < x.Rows; lo += block {
		if _, _, err := t.values(x, lo, min(lo+block, x.Rows), &s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPathDependent300Depth6Rows1000(b *testing.B) {
	e, x := complete(300, 6, 30), gaussian(3, 1000, 30)
	for b.Loop() {
		explainAll(b, pathDependent(e, 0, 1), x)
	}
}

func BenchmarkInterventional300Depth6Rows1000Background100(b *testing.B) {
	e, x, background := complete(300, 6, 30), gaussian(3, 1000, 30), gaussian(4, 100, 30)
	for b.Loop() {
		t, err := interventional(e, 0, 1, background, equalShares(100), x.Rows, false)
		if err != nil {
			b.Fatal(err)
		}
		explainAll(b, t, x)
	}
}

func BenchmarkPathDependentDeepForest100Rows1000(b *testing.B) {
	e, x := deep(b, 100), gaussian(3, 1000, 30)
	b.ReportMetric(float64(e.Nodes())/100, "nodes/tree")
	for b.Loop() {
		explainAll(b, pathDependent(e, 0, 1), x)
	}
}

func BenchmarkInterventionalDeepForest100Rows1000Background100(b *testing.B) {
	e, x, background := deep(b, 100), gaussian(3, 1000, 30), gaussian(4, 100, 30)
	for b.Loop() {
		t, err := interventional(e, 0, 1, background, equalShares(100), x.Rows, false)
		if err != nil {
			b.Fatal(err)
		}
		explainAll(b, t, x)
	}
}

// One row of a server that prepared the explanation when it loaded the model.
func BenchmarkServedRow300Depth6(b *testing.B) {
	e, x := complete(300, 6, 30), gaussian(3, 1, 30)
	t := pathDependent(e, 0, 1)
	var s scratch
	for b.Loop() {
		if _, _, err := t.values(x, 0, 1, &s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkServedRowInterventional300Depth6(b *testing.B) {
	e, x := complete(300, 6, 30), gaussian(3, 1, 30)
	t, err := interventional(e, 0, 1, gaussian(4, 100, 30), equalShares(100), keepFrom, false)
	if err != nil {
		b.Fatal(err)
	}
	var s scratch
	for b.Loop() {
		if _, _, err := t.values(x, 0, 1, &s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPreparePathDependent300Depth6(b *testing.B) {
	e := complete(300, 6, 30)
	for b.Loop() {
		pathDependent(e, 0, 1)
	}
}

// The probability of a logistic model with 20,000 coefficients, one row, 100 background rows: 400 walks over all columns.
func BenchmarkSampledProbability20000Columns(b *testing.B) {
	const n = 20000
	m := &regression.Logistic{Inputs: make([]table.Column, n), Classes: []string{"0", "1"}, Intercepts: []float64{0}, Coefficients: [][]float64{make([]float64, n)}, Means: make([]float64, n)}
	r := work.Seed(5).Rand()
	for j := range m.Inputs {
		m.Inputs[j].Name, m.Coefficients[0][j] = fmt.Sprint("g", j), r.NormFloat64()/100
	}
	x, background := gaussian(6, 1, n), gaussian(7, 100, n)
	x.Columns, background.Columns = m.Inputs, m.Inputs
	rows := FromMatrix(background)
	e, err := New(m, Request{Method: Permutation, Scale: Probability, Background: &rows})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := e.Each(context.Background(), x, func(int, []models.Attribution) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// Survival of a forest at one time, every subset of ten columns: one row, 20 background rows.
func BenchmarkSurvivalEnumerated10Columns(b *testing.B) {
	data := survivalTraining(41, 500)
	m := fitKind(b, "survival_forest", map[string]any{"trees": 100}, data)
	background := FromMatrix(data.X.Select([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}))
	e, err := New(m, Request{Times: []float64{60}, Background: &background})
	if err != nil {
		b.Fatal(err)
	}
	x := data.X.Select([]int{30})
	for b.Loop() {
		if err := e.Each(context.Background(), x, func(int, []models.Attribution) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewBackground500x2000(b *testing.B) {
	x := gaussian(8, 500, 2000)
	for b.Loop() {
		if _, err := NewBackground(x, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// servedSurvival explains one row's survival at a time with 100 background rows.
func servedSurvival(b *testing.B, kind string, set map[string]any, columns int, method string, time float64) {
	b.Helper()
	data := linearTraining(42, 500, columns, 0)
	m := fitKind(b, kind, set, data)
	background, err := NewBackground(data.X, 1)
	if err != nil {
		b.Fatal(err)
	}
	e, err := New(m, Request{Method: method, Times: []float64{time}, Background: &background})
	if err != nil {
		b.Fatal(err)
	}
	x, a := data.X.Select([]int{30}), models.Attribution{}
	for b.Loop() {
		if err := e.Each(context.Background(), x, func(_ int, list []models.Attribution) error { a = list[0]; return nil }); err != nil {
			b.Fatal(err)
		}
	}
	most, worst := 0.0, 0.0
	for j, v := range a.Values {
		most = max(most, v, -v)
		if a.Errors != nil {
			worst = max(worst, a.Errors[j])
		}
	}
	b.ReportMetric(100*worst/most, "%error")
	if one, ok := e.engine.(*eliminated); ok {
		visits, _ := one.work()
		b.ReportMetric(visits, "visits")
	}
}

func BenchmarkSurvivalForest300Columns30(b *testing.B) {
	servedSurvival(b, "survival_forest", map[string]any{"trees": 300}, 30, TreeInterventional, 10)
}

func BenchmarkSurvivalForest300Columns500(b *testing.B) {
	servedSurvival(b, "survival_forest", map[string]any{"trees": 300}, 500, TreeInterventional, 10)
}

func BenchmarkSurvivalBoosting100Columns30(b *testing.B) {
	servedSurvival(b, "survival_boosting", map[string]any{"rounds": 100, "max_depth": 3}, 30, TreeInterventional, 10)
}

func BenchmarkSurvivalBoosting100Columns500(b *testing.B) {
	servedSurvival(b, "survival_boosting", map[string]any{"rounds": 100, "max_depth": 3}, 500, TreeInterventional, 10)
}

func BenchmarkSurvivalBoosting100Columns30Sampled(b *testing.B) {
	servedSurvival(b, "survival_boosting", map[string]any{"rounds": 100, "max_depth": 3}, 30, Permutation, 10)
}

func BenchmarkSurvivalCoxIntegratedColumns30(b *testing.B) {
	servedSurvival(b, "cox", map[string]any{"penalty": "ridge"}, 30, Linear, 60)
}
