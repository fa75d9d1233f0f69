package explain

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// survivalTraining is rows of ten columns, one of levels and some values missing, and follow-up that depends on them.
func survivalTraining(seed work.Seed, rows int) models.Training {
	data := linearTraining(seed, rows, 10, 0)
	data.X.Columns[1].Kind, data.X.Columns[1].Levels = table.Categorical, []string{"u", "v", "w"}
	r := seed.Split("levels").Rand()
	for i := range rows {
		data.X.Column(1)[i] = float64(r.IntN(3))
		if r.IntN(10) == 0 {
			data.X.Column(2)[i] = math.NaN()
		}
	}
	return data
}

// bruteForce returns Shapley values of every target from the model's own predictions for all subsets of its columns, one prediction a
// subset and background row.
func bruteForce(t *testing.T, m models.Model, row, background models.Matrix, times []float64, number func(p models.Prediction, row, target int) float64, targets int) []float64 {
	t.Helper()
	n := len(row.Columns)
	worth := make([]float64, targets<<n)
	for b := range background.Rows {
		mix := models.NewMatrix(row.Columns, 1<<n)
		for j := range n {
			for s := range 1 << n {
				if mix.Column(j)[s] = background.Column(j)[b]; s>>j&1 == 1 {
					mix.Column(j)[s] = row.Column(j)[0]
				}
			}
		}
		p, err := m.Predict(mix, times)
		if err != nil {
			t.Fatal(err)
		}
		for s := range 1 << n {
			for k := range targets {
				worth[s*targets+k] += number(p, s, k) / float64(background.Rows)
			}
		}
	}
	phi := make([]float64, targets*n)
	shapley(worth, n, targets, phi)
	return phi
}

// firstForest is a forest of the first encoding, whose S(t) is exp(−H(t)).
func firstForest(t *testing.T, data models.Training, trees int) models.Model {
	t.Helper()
	parts, err := fitKind(t, "survival_forest", map[string]any{"trees": trees}, data).Encode()
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Clone(parts["curves.bin"])
	copy(b, "VXHAZD01")
	steps := int(binary.LittleEndian.Uint32(b[16:]))
	for at := len(b) - 8*steps; at < len(b); at += 8 {
		step := math.Float64frombits(binary.LittleEndian.Uint64(b[at:]))
		binary.LittleEndian.PutUint64(b[at:], math.Float64bits(step/float64(trees)))
	}
	parts["curves.bin"] = b
	m, err := models.Decode("survival_forest", parts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Risk, cumulative hazard and survival of survival forests and of a boosted Cox model, against brute force over all subsets of ten
// columns.
func TestSurvivalAgainstBruteForce(t *testing.T) {
	data := survivalTraining(31, 250)
	times := []float64{20, 60, 120}
	rows, reference := data.X.Select([]int{0, 44}), data.X.Select([]int{7, 8, 9, 100})
	background := FromMatrix(reference)
	hazard := func(p models.Prediction, row, k int) float64 {
		if p.Hazard != nil {
			return p.Hazard[row*len(times)+k]
		}
		return -math.Log(p.Survival[row*len(times)+k])
	}
	survives := func(p models.Prediction, row, k int) float64 { return p.Survival[row*len(times)+k] }
	for name, m := range map[string]models.Model{"survival_forest": fitKind(t, "survival_forest", map[string]any{"trees": 25}, data),
		"survival_boosting": fitKind(t, "survival_boosting", map[string]any{"rounds": 25, "max_depth": 3}, data), "survival_forest of the first encoding": firstForest(t, data, 25)} {
		over := TreeInterventional
		if name == "survival_forest of the first encoding" {
			over = Enumeration
		}
		for _, c := range []struct {
			name, scale, method string
			times               []float64
			want                string // method of the answer
			number              func(p models.Prediction, row, target int) float64
		}{
			{"risk", "", TreeInterventional, nil, TreeInterventional, func(p models.Prediction, row, _ int) float64 { return p.Risk[row] }},
			{"cumulative hazard", CumulativeHazard, over, times, over, hazard},
			{"cumulative hazard by subsets", CumulativeHazard, Enumeration, times, Enumeration, hazard},
			{"survival", "", over, times, over, survives},
			{"survival by subsets", "", Enumeration, times, Enumeration, survives},
		} {
			got, err := Explain(context.Background(), m, rows, Request{Method: c.method, Scale: c.scale, Times: c.times, Background: &background})
			if err != nil {
				t.Fatalf("%s, %s: %v", name, c.name, err)
			}
			for i, list := range got {
				want := bruteForce(t, m, rows.Select([]int{i}), reference, c.times, c.number, max(1, len(c.times)))
				if len(list) != max(1, len(c.times)) {
					t.Fatalf("%s, %s: %d attributions", name, c.name, len(list))
				}
				for k, a := range list {
					if a.Method != c.want || !a.Exact {
						t.Errorf("%s, %s: %s, exact %v", name, c.name, a.Method, a.Exact)
					}
					for j, v := range a.Values {
						if w := want[k*len(a.Values)+j]; math.Abs(v-w) > 1e-10*max(1, math.Abs(a.Output)) {
							t.Errorf("%s, %s, row %d, time %v, column %d: %v, by brute force %v", name, c.name, i, a.Time, j, v, w)
						}
					}
				}
			}
		}
	}
}

// The cumulative hazard and survival of a forest by the path-dependent method, against the definition.
func TestOverTimePathDependent(t *testing.T) {
	data := survivalTraining(32, 250)
	m := fitKind(t, "survival_forest", map[string]any{"trees": 12}, data)
	times := []float64{30, 90}
	rows := data.X.Select([]int{3, 60})
	row := make([]float64, len(data.X.Columns))
	for _, scale := range []string{CumulativeHazard, Survival} {
		got, err := Explain(context.Background(), m, rows, Request{Scale: scale, Times: times})
		if err != nil {
			t.Fatal(err)
		}
		e, _ := sumsOverTime(m, scale, times)
		for i, list := range got {
			rows.Row(i, row)
			worth := game(e, row, func(s uint, out []float64) { conditional(e, row, s, out) })
			want := make([]float64, len(times)*e.Features)
			shapley(worth, e.Features, len(times), want)
			for k, a := range list {
				if a.Method != TreePathDependent || !a.Exact || a.Scale != scale || a.Time != times[k] {
					t.Errorf("%+v", a)
				}
				for j, v := range a.Values {
					if math.Abs(v-want[k*e.Features+j]) > 1e-12 {
						t.Errorf("%s, row %d time %v column %d: %v, by definition %v", scale, i, a.Time, j, v, want[k*e.Features+j])
					}
				}
			}
		}
	}
}

// Survival of a forest is exact at any number of columns: what two ways that share no code find on three hundred columns is the same, and an
// explanation at three times is one of each.
func TestSurvivalOfManyColumns(t *testing.T) {
	data := linearTraining(63, 150, 300, 0)
	m := fitKind(t, "survival_forest", map[string]any{"trees": 60}, data)
	background := FromMatrix(data.X.Select([]int{7, 8, 9, 100, 101}))
	rows, times := data.X.Select([]int{3, 70}), []float64{20, 50, 90}
	for _, scale := range []string{Survival, CumulativeHazard} {
		if _, err := Explain(context.Background(), m, rows, Request{Scale: scale, Times: times}); err != nil {
			t.Fatal(err)
		}
		got, err := Explain(context.Background(), m, rows, Request{Method: TreeInterventional, Scale: scale, Times: times, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		alone, err := Explain(context.Background(), m, rows, Request{Method: TreeInterventional, Scale: scale, Times: times[1:2], Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		walked, err := Explain(context.Background(), m, rows, Request{Method: Permutation, Scale: scale, Times: times, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			for k, a := range got[i] {
				for j, v := range a.Values {
					if w := walked[i][k]; !a.Exact || math.Abs(v-w.Values[j]) > 1e-11 || w.Errors[j] > 1e-11 {
						t.Fatalf("%s, row %d, time %v, column %d: %v, along orders %v ± %v", scale, i, a.Time, j, v, w.Values[j], w.Errors[j])
					}
					if k == 1 && math.Abs(v-alone[i][0].Values[j]) > 1e-13 {
						t.Fatalf("%s, row %d, column %d: %v, at one time alone %v", scale, i, j, v, alone[i][0].Values[j])
					}
				}
			}
		}
	}
}

// Survival at a time, rescaled from the trees' own scale, adds up and lies near the Shapley values; asked for a time past the
// follow-up, the answer is an error that says so.
func TestSurvivalRescaled(t *testing.T) {
	data := survivalTraining(33, 250)
	times := []float64{20, 60}
	background := FromMatrix(data.X.Select([]int{7, 8, 9, 100}))
	rows := data.X.Select([]int{0, 44, 90})
	for kind, m := range map[string]models.Model{"survival_forest of the first encoding": firstForest(t, data, 25),
		"survival_boosting": fitKind(t, "survival_boosting", map[string]any{"rounds": 25, "max_depth": 3}, data)} {
		got, err := Explain(context.Background(), m, rows, Request{Method: TreeInterventionalRescaled, Times: times, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		exact, err := Explain(context.Background(), m, rows, Request{Times: times, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			for k, a := range got[i] {
				if a.Method != TreeInterventionalRescaled || a.Exact || a.Scale != Survival || a.Time != times[k] {
					t.Errorf("%+v", a)
				}
				for j, v := range a.Values {
					if d := math.Abs(v - exact[i][k].Values[j]); d > 0.05 {
						t.Errorf("%s, row %d, column %d: %v, exactly %v", kind, i, j, v, exact[i][k].Values[j])
					}
				}
			}
		}
		if _, err := Explain(context.Background(), m, rows, Request{Times: []float64{1e9}, Background: &background}); err == nil {
			t.Errorf("%s: survival was explained past the follow-up", kind)
		}
	}
}

// A level that training had not seen is missing, as it is for the model.
func TestUnseenLevel(t *testing.T) {
	data := training(34, 200, 8, 2)
	data.X.Columns[1].Kind = table.Ordinal
	m := fitKind(t, "random_forest", map[string]any{"trees": 20}, data)
	rows := data.X.Select([]int{0, 1, 2, 3})
	for i := range rows.Rows {
		rows.Column(1)[i] = table.Unseen
	}
	background := FromMatrix(rows)
	for _, method := range []string{TreePathDependent, TreeInterventional} {
		if _, err := Explain(context.Background(), m, data.X, Request{Method: method, Background: &background}); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		if _, err := Explain(context.Background(), m, rows, Request{Method: method, Background: &background}); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
}
