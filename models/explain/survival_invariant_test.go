package explain

import (
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

// Risk, cumulative hazard and survival of a survival forest and of a boosted Cox model, against brute force over all subsets of ten
// columns.
func TestSurvivalAgainstBruteForce(t *testing.T) {
	data := survivalTraining(31, 250)
	times := []float64{20, 60, 120}
	rows, reference := data.X.Select([]int{0, 44}), data.X.Select([]int{7, 8, 9, 100})
	background := FromMatrix(reference)
	for kind, set := range map[string]map[string]any{"survival_forest": {"trees": 25}, "survival_boosting": {"rounds": 25, "max_depth": 3}} {
		m := fitKind(t, kind, set, data)
		for _, c := range []struct {
			name, scale, method string
			times               []float64
			want                string // method of the answer
			number              func(p models.Prediction, row, target int) float64
		}{
			{"risk", "", TreeInterventional, nil, TreeInterventional, func(p models.Prediction, row, _ int) float64 { return p.Risk[row] }},
			{"cumulative hazard", CumulativeHazard, map[string]string{"survival_forest": TreeInterventional, "survival_boosting": Enumeration}[kind], times,
				map[string]string{"survival_forest": TreeInterventional, "survival_boosting": Enumeration}[kind],
				func(p models.Prediction, row, k int) float64 { return -math.Log(p.Survival[row*len(times)+k]) }},
			{"survival", "", Auto, times, Enumeration, func(p models.Prediction, row, k int) float64 { return p.Survival[row*len(times)+k] }},
		} {
			got, err := Explain(m, rows, Request{Method: c.method, Scale: c.scale, Times: c.times, Background: &background})
			if err != nil {
				t.Fatalf("%s, %s: %v", kind, c.name, err)
			}
			for i, list := range got {
				want := bruteForce(t, m, rows.Select([]int{i}), reference, c.times, c.number, max(1, len(c.times)))
				if len(list) != max(1, len(c.times)) {
					t.Fatalf("%s, %s: %d attributions", kind, c.name, len(list))
				}
				for k, a := range list {
					if a.Method != c.want || !a.Exact {
						t.Errorf("%s, %s: %s, exact %v", kind, c.name, a.Method, a.Exact)
					}
					for j, v := range a.Values {
						if w := want[k*len(a.Values)+j]; math.Abs(v-w) > 1e-10*max(1, math.Abs(a.Output)) {
							t.Errorf("%s, %s, row %d, time %v, column %d: %v, by brute force %v", kind, c.name, i, a.Time, j, v, w)
						}
					}
				}
			}
		}
	}
}

// The cumulative hazard of a forest by the path-dependent method, against the definition.
func TestHazardPathDependent(t *testing.T) {
	data := survivalTraining(32, 250)
	m := fitKind(t, "survival_forest", map[string]any{"trees": 12}, data)
	times := []float64{30, 90}
	rows := data.X.Select([]int{3, 60})
	got, err := Explain(m, rows, Request{Scale: CumulativeHazard, Times: times})
	if err != nil {
		t.Fatal(err)
	}
	e := hazardsAt(m.(hazards), times)
	row := make([]float64, e.Features)
	for i, list := range got {
		rows.Row(i, row)
		worth := game(e, row, func(s uint, out []float64) { conditional(e, row, s, out) })
		want := make([]float64, len(times)*e.Features)
		shapley(worth, e.Features, len(times), want)
		for k, a := range list {
			if a.Method != TreePathDependent || !a.Exact || a.Scale != CumulativeHazard || a.Time != times[k] {
				t.Errorf("%+v", a)
			}
			for j, v := range a.Values {
				if math.Abs(v-want[k*e.Features+j]) > 1e-12 {
					t.Errorf("row %d time %v column %d: %v, by definition %v", i, a.Time, j, v, want[k*e.Features+j])
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
	for kind, set := range map[string]map[string]any{"survival_forest": {"trees": 25}, "survival_boosting": {"rounds": 25, "max_depth": 3}} {
		m := fitKind(t, kind, set, data)
		got, err := Explain(m, rows, Request{Method: TreeInterventional, Times: times, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		exact, err := Explain(m, rows, Request{Times: times, Background: &background})
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
		if _, err := Explain(m, rows, Request{Times: []float64{1e9}, Background: &background}); err == nil {
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
		if _, err := Explain(m, data.X, Request{Method: method, Background: &background}); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		if _, err := Explain(m, rows, Request{Method: method, Background: &background}); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
}
