package explain

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// randomTraining is a few dozen rows of up to six columns (levels, missing values, a constant column, a copy of another), an outcome that
// depends on them, and at times case weights.
func randomTraining(t *rapid.T, classes int) models.Training {
	seed := rapid.Uint64().Draw(t, "seed")
	n, rows := rapid.IntRange(2, 6).Draw(t, "columns"), rapid.IntRange(40, 90).Draw(t, "rows")
	weighted := rapid.Bool().Draw(t, "weights")
	r := rand.New(rand.NewPCG(seed, 2))
	columns := make([]table.Column, n)
	for j := range columns {
		columns[j] = table.Column{Name: string(rune('a' + j))}
	}
	if n > 2 {
		columns[1].Kind, columns[1].Levels = table.Categorical, []string{"p", "q", "r", "s"}
	}
	d := models.Training{X: models.NewMatrix(columns, rows), Seed: 9}
	for j := range columns {
		for i := range rows {
			switch v := r.NormFloat64(); {
			case columns[j].Kind == table.Categorical:
				d.X.Column(j)[i] = float64(r.IntN(4))
			case j == 3:
				d.X.Column(j)[i] = 2.5
			case j == 4:
				d.X.Column(j)[i] = d.X.Column(0)[i]
			case j == 2 && r.IntN(5) == 0:
				d.X.Column(j)[i] = math.NaN()
			default:
				d.X.Column(j)[i] = math.Round(4*v) / 4
			}
		}
	}
	for i := range rows {
		score := d.X.Column(0)[i] + d.X.Column(1)[i] + 0.5*r.NormFloat64()
		if classes > 0 {
			d.Y.Class = append(d.Y.Class, max(0, min(classes-1, int(score+float64(classes)/2))))
			continue
		}
		d.Y.Time = append(d.Y.Time, math.Ceil(r.ExpFloat64()*40*math.Exp(-score/2)))
		d.Y.Event = append(d.Y.Event, min(1, r.IntN(4)))
	}
	d.Y.Name, d.Y.Kind, d.Y.Unit = "y", clinical.Survival, "mo"
	if classes > 0 {
		d.Y.Kind, d.Y.Classes = clinical.Class, []string{"0", "1", "2"}[:classes]
		copy(d.Y.Class, []int{0, 1, 2}[:classes])
	} else {
		d.Y.Event[0] = 1
	}
	if weighted {
		for range rows {
			d.Weights = append(d.Weights, 0.25+r.Float64())
		}
	}
	return d
}

// Fitted trees of every kind, whatever the data and options: interventional values, and all subsets on every other scale, are those of
// predicting every mixture of row and background.
func TestRandomFitsByDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{"decision_tree", "random_forest", "extra_trees", "boosting", "survival_forest", "survival_boosting", "logistic", "cox"}).Draw(rt, "kind")
		depth := rapid.IntRange(1, 5).Draw(rt, "depth")
		survival := slices.Contains([]string{"survival_forest", "survival_boosting", "cox"}, kind)
		classes := 0
		if !survival {
			classes = rapid.IntRange(2, 3).Draw(rt, "classes")
		}
		data := randomTraining(rt, classes)
		set := map[string]any{"max_depth": depth}
		for _, p := range []string{"trees", "rounds"} {
			if k, _ := models.Lookup(kind); slices.ContainsFunc(k.Params, func(q models.Param) bool { return q.Name == p }) {
				set[p] = 8
			}
		}
		if kind == "survival_forest" {
			data.Weights = nil // refused
		}
		if kind == "logistic" || kind == "cox" {
			set = nil
			data.X.Columns = slices.Clone(data.X.Columns)
			for j := range data.X.Columns { // they take numbers alone
				data.X.Columns[j].Kind, data.X.Columns[j].Levels = table.Numeric, nil
				for i, v := range data.X.Column(j) {
					if math.IsNaN(v) {
						data.X.Column(j)[i] = 0
					}
				}
			}
		}
		m := fitKind(t, kind, set, data)
		row, reference := data.X.Select([]int{3}), data.X.Select([]int{5, 6, 11})
		background := FromMatrix(reference)
		times := []float64{10, 25}
		type ask struct {
			Request
			number func(p models.Prediction, row, k int) float64
		}
		var asked []ask
		interventional := map[bool]string{true: TreeInterventional, false: Linear}[set != nil]
		if survival {
			over := func(p models.Prediction, row, k int) float64 { return p.Survival[row*len(times)+k] }
			hazard := func(p models.Prediction, row, k int) float64 {
				if p.Hazard != nil {
					return p.Hazard[row*len(times)+k]
				}
				return -math.Log(p.Survival[row*len(times)+k])
			}
			asked = append(asked, ask{Request{Method: interventional}, func(p models.Prediction, row, _ int) float64 { return p.Risk[row] }},
				ask{Request{Method: interventional, Scale: Survival, Times: times}, over}, ask{Request{Method: interventional, Scale: CumulativeHazard, Times: times}, hazard},
				ask{Request{Method: Enumeration, Scale: Survival, Times: times}, over})
		} else {
			k := max(1, classes-1) // of two classes the last is explained
			if classes > 2 {
				k = classes
			}
			first := classes - k
			probability := func(p models.Prediction, row, c int) float64 { return p.Probabilities[row*classes+first+c] }
			margin := func(p models.Prediction, row, c int) float64 { return p.Margin[row*k+c] }
			asked = append(asked, ask{Request{Method: Enumeration, Scale: Probability}, probability})
			if kind == "boosting" || kind == "logistic" {
				asked = append(asked, ask{Request{Method: interventional}, margin})
				if classes == 2 {
					asked = append(asked, ask{Request{Method: interventional, Scale: Probability}, probability})
				}
			} else {
				asked = append(asked, ask{Request{Method: interventional}, probability})
			}
		}
		for _, a := range asked {
			a.Background = &background
			got, err := Explain(context.Background(), m, row, a.Request)
			if err != nil {
				rt.Fatalf("%s, %s, %s: %v", kind, a.Method, a.Scale, err)
			}
			want := bruteForce(t, m, row, reference, a.Times, a.number, len(got[0]))
			for k, entry := range got[0] {
				if !entry.Exact {
					rt.Fatalf("%s, %s, %s: %s is not exact", kind, a.Method, a.Scale, entry.Method)
				}
				for j, v := range entry.Values {
					if w := want[k*len(entry.Values)+j]; math.Abs(v-w) > 1e-9*max(1, math.Abs(entry.Output)) {
						rt.Fatalf("%s, %s, %s, entry %d, column %d: %v, by definition %v", kind, entry.Method, entry.Scale, k, j, v, w)
					}
				}
			}
		}
	})
}
