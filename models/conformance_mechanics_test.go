package models_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
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

func TestFitIsDeterministic(t *testing.T) {
	each(t, func(t *testing.T, s subject) {
		values, class, time := slices.Clone(s.data.X.Values), slices.Clone(s.data.Y.Class), slices.Clone(s.data.Y.Time)
		var first map[string][]byte
		for _, n := range []int{1, 2, 4} {
			before := runtime.GOMAXPROCS(n)
			parts, err := s.fit(t, s.data).Encode()
			runtime.GOMAXPROCS(before)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = parts
				continue
			}
			for name, b := range first {
				if string(parts[name]) != string(b) || len(parts) != len(first) {
					t.Errorf("%s differs with GOMAXPROCS %d", name, n)
				}
			}
		}
		if !sameBits(values, s.data.X.Values) || !slices.Equal(class, s.data.Y.Class) || !slices.Equal(time, s.data.Y.Time) {
			t.Error("Fit wrote to its training data")
		}
	})
}

func TestLoadedModelPredictsTheSame(t *testing.T) {
	each(t, func(t *testing.T, s subject) {
		m := s.fit(t, s.data)
		parts, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := models.Decode(m.Kind(), parts)
		if err != nil {
			t.Fatal(err)
		}
		a, b := predict(t, m, s.data.X, s.times()), predict(t, loaded, s.data.X, s.times())
		if !sameBits(numbers(a, -1), numbers(b, -1)) || !slices.Equal(a.Classes, b.Classes) {
			t.Error("loaded, the model predicts differently")
		}
		again, err := loaded.Encode()
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range parts {
			if string(again[name]) != string(b) {
				t.Errorf("encoded again, %s differs", name)
			}
		}
		if loaded.Kind() != m.Kind() || !slices.EqualFunc(loaded.Columns(), m.Columns(), func(a, b table.Column) bool { return a.Name == b.Name && a.Kind == b.Kind }) {
			t.Error("kind or columns are lost")
		}
	})
}

func TestPredictionsAreWhatTheContractSays(t *testing.T) {
	each(t, func(t *testing.T, s subject) {
		m := s.fit(t, s.data)
		p := predict(t, m, s.data.X, s.times())
		if p.Rows != s.data.X.Rows || p.Kind != s.data.Y.Kind {
			t.Fatalf("%d rows of kind %s", p.Rows, p.Kind)
		}
		if p.Kind == clinical.Class {
			classPrediction(t, s, p)
		} else {
			survivalPrediction(t, s, p)
		}
		// A row alone, and rows in several goroutines, are predicted as in the batch.
		var group sync.WaitGroup
		for i := range p.Rows {
			group.Go(func() {
				one, err := m.Predict(s.data.X.Select([]int{i}), s.times())
				if err != nil || !sameBits(numbers(one, 0), numbers(p, i)) {
					t.Errorf("row %d alone: %v %v, in the batch %v", i, err, numbers(one, 0), numbers(p, i))
				}
			})
		}
		group.Wait()
		if none, err := m.Predict(models.NewMatrix(m.Columns(), 0), s.times()); err != nil || none.Rows != 0 {
			t.Errorf("no row: %d rows, %v", none.Rows, err)
		}
	})
}

func classPrediction(t *testing.T, s subject, p models.Prediction) {
	k := len(s.data.Y.Classes)
	if !slices.Equal(p.Classes, s.data.Y.Classes) || len(p.Probabilities) != p.Rows*k {
		t.Fatalf("classes %v, %d probabilities", p.Classes, len(p.Probabilities))
	}
	right := 0
	for i := range p.Rows {
		sum, best := 0.0, 0
		for c, q := range p.Probabilities[i*k : (i+1)*k] {
			if !(q >= 0 && q <= 1) {
				t.Fatalf("row %d has the probability %g", i, q)
			}
			sum += q
			if q > p.Probabilities[i*k+best] {
				best = c
			}
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("row %d: probabilities sum to %.17g", i, sum)
		}
		if best == s.data.Y.Class[i] {
			right++
		}
	}
	if right*2 < p.Rows {
		t.Errorf("%d of %d training rows right: the model learned nothing", right, p.Rows)
	}
	switch width := len(p.Margin) / p.Rows; {
	case p.Margin == nil:
	case k == 2 && width != 1 || k > 2 && width != k:
		t.Errorf("%d margins a row for %d classes", width, k)
	case k == 2:
		for i, e := range p.Margin {
			if q := 1 / (1 + math.Exp(-e)); math.Abs(q-p.Probabilities[2*i+1]) > 1e-9 {
				t.Fatalf("row %d: margin %g and probability %g", i, e, p.Probabilities[2*i+1])
			}
		}
	}
}

func survivalPrediction(t *testing.T, s subject, p models.Prediction) {
	times := s.times()
	if len(p.Risk) != p.Rows || len(p.Median) != p.Rows || len(p.Survival) != p.Rows*len(times) || !slices.Equal(p.Times, times) {
		t.Fatalf("%d risks, %d medians, %d survivals, times %v", len(p.Risk), len(p.Median), len(p.Survival), p.Times)
	}
	for i := range p.Rows {
		if math.IsNaN(p.Risk[i]) || math.IsInf(p.Risk[i], 0) || !(p.Median[i] > 0) {
			t.Errorf("row %d: risk %g, median %g", i, p.Risk[i], p.Median[i])
		}
		last := 1.0
		for k, v := range p.Survival[i*len(times) : (i+1)*len(times)] {
			if times[k] == 1e9 {
				if !math.IsNaN(v) {
					t.Errorf("row %d: S = %g past the follow-up", i, v)
				}
				continue
			}
			if !(v >= 0 && v <= last) {
				t.Errorf("row %d: S(%g) = %g after %g", i, times[k], v, last)
			}
			last = v
		}
		if p.Survival[i*len(times)] != 1 {
			t.Errorf("row %d: S(0) = %g", i, p.Survival[i*len(times)])
		}
	}
}

// permuted returns the training data with its columns in another order.
func permuted(d models.Training, order []int) models.Training {
	x := models.NewMatrix(make([]table.Column, len(order)), d.X.Rows)
	x.Volumes = d.X.Volumes
	for to, from := range order {
		x.Columns[to] = d.X.Columns[from]
		copy(x.Column(to), d.X.Column(from))
	}
	d.X = x
	return d
}

func TestColumnsInAnotherOrder(t *testing.T) {
	each(t, func(t *testing.T, s subject) {
		m := s.fit(t, s.data)
		other := permuted(s.data, []int{3, 1, 4, 0, 2})
		if _, err := m.Predict(other.X, s.times()); err == nil || !strings.Contains(err.Error(), "rna.TP53") {
			t.Errorf("columns in another order: got %v, want an error that names one", err)
		}
		if slices.Contains(drawsColumns, s.kind.Name) {
			return
		}
		a, b := predict(t, m, s.data.X, s.times()), predict(t, s.fit(t, other), other.X, s.times())
		for i, v := range numbers(a, -1) {
			if w := numbers(b, -1)[i]; math.Abs(v-w) > 1e-6*(1+math.Abs(v)) {
				t.Fatalf("fitted with columns in another order, a prediction is %g, not %g", w, v)
			}
		}
	})
}

func changed(d models.Training, f func(*models.Training)) models.Training {
	x := models.NewMatrix(slices.Clone(d.X.Columns), d.X.Rows)
	x.Volumes = d.X.Volumes
	copy(x.Values, d.X.Values)
	d.X = x
	d.Y.Class, d.Y.Time, d.Y.Event = slices.Clone(d.Y.Class), slices.Clone(d.Y.Time), slices.Clone(d.Y.Event)
	f(&d)
	return d
}

// usable fails unless predictions are numbers, but for survival past the follow-up.
func usable(t *testing.T, p models.Prediction) {
	t.Helper()
	for _, v := range slices.Concat(p.Margin, p.Probabilities, p.Risk) {
		if math.IsNaN(v) {
			t.Error("a prediction is NaN")
			return
		}
	}
}

// A missing value is learned from and predicted, or it is an error that names its column; it is never a NaN.
func TestMissingValues(t *testing.T) {
	each(t, func(t *testing.T, s subject) {
		holes := changed(s.data, func(d *models.Training) { d.X.Column(2)[5] = math.NaN() })
		m, err := s.learner(t).Fit(context.Background(), holes)
		switch {
		case err == nil:
			usable(t, predict(t, m, holes.X, s.times()))
		case !strings.Contains(err.Error(), "t1.entropy"):
			t.Errorf("missing in training: %v, which does not name the column", err)
		}
		whole := s.fit(t, s.data)
		p, err := whole.Predict(holes.X, s.times())
		switch {
		case err == nil:
			usable(t, p)
		case !strings.Contains(err.Error(), "t1.entropy"):
			t.Errorf("missing in prediction: %v, which does not name the column", err)
		}
	})
}

// A column of one value changes nothing but notes; a category is split on, or an error names its column.
func TestConstantAndCategoricalColumns(t *testing.T) {
	each(t, func(t *testing.T, s subject) {
		constant := changed(s.data, func(d *models.Training) {
			for i := range d.X.Column(4) {
				d.X.Column(4)[i] = 2.5
			}
		})
		usable(t, predict(t, s.fit(t, constant), constant.X, s.times()))
		categories := changed(s.data, func(d *models.Training) {
			d.X.Columns[3].Kind, d.X.Columns[3].Levels = table.Categorical, []string{"low", "mid", "high"}
			for i := range d.X.Column(3) {
				d.X.Column(3)[i] = float64(i % 3)
			}
		})
		m, err := s.learner(t).Fit(context.Background(), categories)
		if err != nil {
			if !strings.Contains(err.Error(), "rna.TP53") {
				t.Errorf("a category: %v, which does not name the column", err)
			}
			return
		}
		unseen := changed(categories, func(d *models.Training) { d.X.Column(3)[0] = table.Unseen })
		usable(t, predict(t, m, unseen.X, s.times()))
	})
}

// What cannot be learned from is an error that says what is wrong, and a context that has ended stops a fit.
func TestOutcomesThatTeachNothing(t *testing.T) {
	each(t, func(t *testing.T, s subject) {
		one := changed(s.data, func(d *models.Training) { clear(d.Y.Class); clear(d.Y.Event) })
		if _, err := s.learner(t).Fit(context.Background(), one); err == nil || !strings.Contains(err.Error(), "class") && !strings.Contains(err.Error(), "event") && !strings.Contains(err.Error(), "censored") {
			t.Errorf("one class or no event: %v", err)
		}
		wrong := s.data
		if wrong.Y.Kind == clinical.Class {
			wrong.Y = data(clinical.Survival, 0).Y
		} else {
			wrong.Y = data(clinical.Class, 2).Y
		}
		if _, err := s.learner(t).Fit(context.Background(), wrong); err == nil && !slices.Contains(s.kind.Outcomes, wrong.Y.Kind) {
			t.Error("an outcome of another kind was learned")
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.learner(t).Fit(ended, s.data); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that had ended: %v", err)
		}
	})
}

// No damage to a model's bytes makes a decoder or its prediction panic.
func TestDamagedModels(t *testing.T) {
	each(t, func(t *testing.T, s subject) {
		parts, err := s.fit(t, s.data).Encode()
		if err != nil {
			t.Fatal(err)
		}
		try := func(what string, damaged map[string][]byte, mustFail bool) {
			defer func() {
				if e := recover(); e != nil {
					t.Errorf("%s: panic: %v", what, e)
				}
			}()
			m, err := models.Decode(s.kind.Name, damaged)
			if err == nil && mustFail {
				t.Errorf("%s was decoded", what)
			}
			if err == nil {
				_, _ = m.Predict(models.NewMatrix(m.Columns(), 2), s.times())
			}
		}
		try("nothing", nil, true)
		for name, b := range parts {
			missing := map[string][]byte{}
			for n, v := range parts {
				if n != name {
					missing[n] = v
				}
			}
			if len(parts) == 1 {
				try(name+" missing", missing, true)
			}
			for _, n := range []int{0, 1, len(b) / 3, len(b) - 2} {
				missing[name] = b[:n]
				try(fmt.Sprintf("%s cut to %d bytes", name, n), missing, true)
			}
			r := models.Training{Seed: 5}.Seed.Rand()
			for range 200 {
				flipped := slices.Clone(b)
				flipped[r.IntN(len(b))] ^= byte(1 << r.IntN(8))
				missing[name] = flipped
				try(name+" with a bit flipped", missing, false)
			}
		}
	})
}
