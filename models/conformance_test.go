package models_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/calibrate"
	"github.com/voxgene/voxgene/models/fusion"
	_ "github.com/voxgene/voxgene/models/linear"
	_ "github.com/voxgene/voxgene/models/neural"
	_ "github.com/voxgene/voxgene/models/tree"
)

// One suite for every registered kind: what all models promise.

// small keeps fits short: options that a kind has are set to these.
var small = map[string]any{"trees": 25, "rounds": 25, "inner_folds": 3, "lambdas": 20,
	"epochs": 40, "norm": "none", "learning_rate": 0.01, "hidden": []any{8}, "widths": []any{4, 6}, "embedding": 8}

// drawsColumns are the kinds that draw among columns, whose fits another order of columns may change.
var drawsColumns = []string{"random_forest", "extra_trees", "survival_forest", "boosting", "survival_boosting", "mlp", "fusion", calibrate.Kind,
	fusion.PatternsKind + " of survival_forest"}

type subject struct {
	kind models.Kind
	name string
	data models.Training
}

func (s subject) learner(t testing.TB) models.Learner {
	t.Helper()
	set := map[string]any{}
	for _, p := range s.kind.Params {
		if v, ok := small[p.Name]; ok {
			set[p.Name] = v
		}
	}
	o, problems := models.Check(s.kind.Params, set)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	l, err := s.kind.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (s subject) fit(t testing.TB, data models.Training) models.Model {
	t.Helper()
	m, err := s.learner(t).Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s subject) times() []float64 {
	if s.data.Y.Kind == clinical.Survival {
		return []float64{0, 1, 10, 100, 1e9}
	}
	return nil
}

// data is synthetic: the outcome follows the first two of five columns; some rows are of the same patient.
func data(kind clinical.OutcomeKind, classes int) models.Training {
	const rows = 72
	r := models.Training{Seed: 11}.Seed.Rand()
	var columns []table.Column
	for _, n := range []string{"clinical.age", "t1.volume", "t1.entropy", "rna.TP53", "rna.EGFR"} {
		source, _, _ := strings.Cut(n, ".")
		columns = append(columns, table.Column{Name: n, Source: source})
	}
	d := models.Training{X: models.NewMatrix(columns, rows), Seed: 3, Groups: make([]int, rows), Y: clinical.Outcome{Name: "outcome", Kind: kind, Unit: "d"}}
	for i := range d.X.Values {
		d.X.Values[i] = math.Round(100*r.NormFloat64()) / 50
	}
	crops := models.Volumes{Source: "t1", Channels: []string{"image"}, Size: [3]int{4, 4, 2}, Spacing: [3]float64{1, 1, 1}, Values: make([]float32, 32*rows), Crop: make([]int, rows)}
	if kind == clinical.Class {
		d.Y.Classes = []string{"A", "B", "C"}[:classes]
	}
	for i := range rows {
		d.Groups[i] = i - i%12/11 // every twelfth row is of the patient before it
		score := d.X.Column(0)[i] - d.X.Column(1)[i] + r.NormFloat64()
		crops.Crop[i] = i
		for k := range 32 { // what the columns say, as a difference between left and right
			crops.Values[32*i+k] = float32((d.X.Column(0)[i] - d.X.Column(1)[i]) * float64(1-k%4/2*2))
		}
		if kind == clinical.Class {
			k := 0
			for k < classes-1 && score > 1.5*float64(k) {
				k++
			}
			d.Y.Class = append(d.Y.Class, k)
			continue
		}
		d.Y.Time = append(d.Y.Time, math.Ceil(60*math.Exp(-score)*r.ExpFloat64())+1)
		d.Y.Event = append(d.Y.Event, min(1, r.IntN(4)))
	}
	d.X.Volumes = []models.Volumes{crops}
	return d
}

// each runs a test for every kind and outcome.
func each(t *testing.T, f func(t *testing.T, s subject)) {
	for _, k := range append(models.Kinds(), calibrated(t, "logistic", calibrate.Platt), calibrated(t, "random_forest", calibrate.Isotonic),
		calibrated(t, "boosting", calibrate.Temperature), calibrated(t, "decision_tree", calibrate.Platt), fused(t, "logistic", fusion.Stacked), fused(t, "random_forest", fusion.Mean),
		fused(t, "cox", fusion.Mean), fused(t, "survival_forest", fusion.Stacked), perPattern(t, "logistic"), perPattern(t, "survival_forest")) {
		if k.Params == nil || k.Name == fusion.LateKind && k.Fits != nil {
			continue // a wrapper, tested around other kinds
		}
		for _, o := range k.Outcomes {
			subjects := []subject{{k, k.Name, data(o, 0)}}
			if o == clinical.Class {
				subjects = []subject{{k, k.Name + ", two classes", data(o, 2)}, {k, k.Name + ", three classes", data(o, 3)}}
			}
			for _, s := range subjects {
				t.Run(s.name, func(t *testing.T) { f(t, s) })
			}
		}
	}
}

// fused returns a kind of late fusion of the three sources of the data by models of another kind.
func fused(t *testing.T, base, combine string) models.Kind {
	t.Helper()
	b, ok := models.Lookup(base)
	if !ok {
		t.Fatalf("no kind %q", base)
	}
	k, _ := models.Lookup(fusion.LateKind)
	build := k.New
	k.Name, k.Params, k.Outcomes, k.Fits = fusion.LateKind+" of "+base, b.Params, b.Outcomes, nil
	k.New = func(o models.Options) (models.Learner, error) {
		part := map[string]any{"kind": base, "options": o}
		return build(models.Options{"sources": map[string]any{"clinical": part, "t1": part, "rna": part}, "combine": combine, "inner_folds": 3})
	}
	return k
}

// perPattern returns a kind whose learners are those of another, one for each set of sources.
func perPattern(t *testing.T, base string) models.Kind {
	t.Helper()
	b, ok := models.Lookup(base)
	if !ok {
		t.Fatalf("no kind %q", base)
	}
	k, _ := models.Lookup(fusion.PatternsKind)
	k.Name, k.Params, k.Outcomes = fusion.PatternsKind+" of "+base, b.Params, b.Outcomes
	k.New = func(o models.Options) (models.Learner, error) {
		l, err := b.New(o)
		return fusion.PerPattern(l), err
	}
	return k
}

// calibrated returns a kind whose learners are those of another, calibrated.
func calibrated(t *testing.T, base, method string) models.Kind {
	t.Helper()
	b, ok := models.Lookup(base)
	if !ok {
		t.Fatalf("no kind %q", base)
	}
	k, _ := models.Lookup(calibrate.Kind)
	k.Params = b.Params
	k.New = func(o models.Options) (models.Learner, error) {
		l, err := b.New(o)
		if err != nil {
			return nil, err
		}
		return calibrate.New(l, method, 3)
	}
	return k
}

func predict(t testing.TB, m models.Model, x models.Matrix, times []float64) models.Prediction {
	t.Helper()
	p, err := m.Predict(x, times)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// numbers are all numbers of a prediction, of one row where row is 0 or more.
func numbers(p models.Prediction, row int) []float64 {
	var out []float64
	for _, v := range [][]float64{p.Margin, p.Probabilities, p.Risk, p.Survival, p.Median} {
		if row >= 0 && p.Rows > 0 {
			w := len(v) / p.Rows
			v = v[row*w : (row+1)*w]
		}
		out = append(out, v...)
	}
	return out
}

func sameBits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}
