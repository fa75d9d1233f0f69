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
)

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
