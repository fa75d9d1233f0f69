package explain

import (
	"context"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	_ "github.com/voxgene/voxgene/models/linear"
)

// fitKind fits a registered kind with its defaults and these options.
func fitKind(t testing.TB, kind string, set map[string]any, data models.Training) models.Model {
	t.Helper()
	k, ok := models.Lookup(kind)
	if !ok {
		t.Fatalf("no kind %s", kind)
	}
	o, problems := models.Check(k.Params, set)
	for _, err := range problems {
		t.Fatal(err)
	}
	l, err := k.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := l.Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// complete rows, and an outcome that depends on them.
func linearTraining(seed work.Seed, rows, columns, classes int) models.Training {
	r := seed.Rand()
	x := models.NewMatrix(make([]table.Column, columns), rows)
	for j := range x.Columns {
		x.Columns[j].Name = string(rune('a' + j))
	}
	class, times, events := make([]int, rows), make([]float64, rows), make([]int, rows)
	for i := range rows {
		score := 0.0
		for j := range columns {
			v := r.NormFloat64()*float64(j+1) + float64(j)
			x.Column(j)[i] = v
			score += v / float64(j+1) * float64(j%3-1)
		}
		class[i] = min(classes-1, max(0, int(math.Round(score+r.NormFloat64()+float64(classes-1)/2))))
		times[i], events[i] = math.Ceil(r.ExpFloat64()*math.Exp(-score/2)*100)+1, 1
		if c := math.Ceil(r.Float64() * 300); c < times[i] {
			times[i], events[i] = c, 0
		}
	}
	t := models.Training{X: x, Seed: seed}
	if classes > 0 {
		t.Y = clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"A", "B", "C"}[:classes], Class: class}
	} else {
		t.Y = clinical.Outcome{Name: "os", Kind: clinical.Survival, Time: times, Event: events, Unit: "d"}
	}
	return t
}

// Linear values are those of the definition: the enumeration of all subsets, on the log-odds and the log-hazard.
func TestLinearAgainstDefinition(t *testing.T) {
	for name, classes := range map[string]int{"logistic": 2, "multinomial": 3, "cox": 0} {
		data := linearTraining(4, 150, 6, max(classes, 0))
		kind := name
		if kind == "multinomial" {
			kind = "logistic"
		}
		m := fitKind(t, kind, map[string]any{"penalty": "none"}, data)
		x := data.X.Select([]int{0, 7, 90})
		background, err := NewBackground(data.X, 2)
		if err != nil {
			t.Fatal(err)
		}
		fast, err := Explain(context.Background(), m, x, Request{Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		slow, err := Explain(context.Background(), m, x, Request{Method: Enumeration, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		means, err := Explain(context.Background(), m, x, Request{}) // the model's own training means are the background's
		if err != nil {
			t.Fatal(err)
		}
		for i := range fast {
			if want := max(1, classes); classes != 2 && len(fast[i]) != want || classes == 2 && len(fast[i]) != 1 {
				t.Fatalf("%s: %d attributions", name, len(fast[i]))
			}
			for k, a := range fast[i] {
				if a.Method != Linear || !a.Exact || math.Abs(a.Gap) > 1e-12 {
					t.Errorf("%s: %+v", name, a)
				}
				for j, v := range a.Values {
					if w := slow[i][k].Values[j]; math.Abs(v-w) > 1e-10 {
						t.Errorf("%s, row %d, class %d, column %d: %v, by definition %v", name, i, k, j, v, w)
					}
					if w := means[i][k].Values[j]; math.Abs(v-w) > 1e-10 {
						t.Errorf("%s, row %d, class %d, column %d: %v, against the model's means %v", name, i, k, j, v, w)
					}
				}
			}
		}
	}
}

// Survival of a Cox model is not a sum: at few columns it is enumerated, at many it is sampled, and the two agree.
func TestCoxSurvival(t *testing.T) {
	data := linearTraining(8, 200, 7, 0)
	m := fitKind(t, "cox", map[string]any{"penalty": "none"}, data)
	background, err := NewBackground(data.X, 2)
	if err != nil {
		t.Fatal(err)
	}
	x := data.X.Select([]int{3, 50})
	r := Request{Background: &background, Times: []float64{30, 100}, Seed: 1}
	exact, err := Explain(context.Background(), m, x, r)
	if err != nil {
		t.Fatal(err)
	}
	r.Method, r.Pairs = Permutation, 6
	sampled, err := Explain(context.Background(), m, x, r)
	if err != nil {
		t.Fatal(err)
	}
	r.Method, r.Scale = Enumeration, CumulativeHazard
	hazard, err := Explain(context.Background(), m, x, r)
	if err != nil {
		t.Fatal(err)
	}
	for i := range exact {
		for k, a := range exact[i] {
			if a.Method != Enumeration || a.Scale != Survival || a.Time != r.Times[k] || !a.Exact {
				t.Errorf("%+v", a)
			}
			if h := hazard[i][k]; math.Abs(math.Exp(-h.Output)-a.Output) > 1e-12 || h.Scale != CumulativeHazard {
				t.Errorf("hazard %+v, survival %v", h, a.Output)
			}
			for j, v := range a.Values {
				b := sampled[i][k]
				if math.Abs(v-b.Values[j]) > 4.5*b.Errors[j]+1e-12 {
					t.Errorf("row %d time %v column %d: %v ± %v, exactly %v", i, a.Time, j, b.Values[j], b.Errors[j], v)
				}
			}
		}
	}
}

// Probabilities of logistic models and survival of a Cox model are functions of sums: what is enumerated and sampled from the sums is
// what predictions say.
func TestLinksOfSums(t *testing.T) {
	for name, classes := range map[string]int{"binary": 2, "three classes": 3, "cox": 0} {
		data := linearTraining(14, 200, 6, classes)
		kind := "logistic"
		r := Request{Scale: Probability}
		if classes == 0 {
			kind, r = "cox", Request{Times: []float64{30, 100}}
		}
		m := fitKind(t, kind, map[string]any{"penalty": "none"}, data)
		reference := data.X.Select([]int{1, 2, 3, 50})
		background := FromMatrix(reference)
		r.Background, r.Pairs, r.Seed = &background, 20, 3
		rows := data.X.Select([]int{0, 99})
		exact, err := Explain(context.Background(), m, rows, r)
		if err != nil {
			t.Fatal(err)
		}
		r.Method = Permutation
		sampled, err := Explain(context.Background(), m, rows, r)
		if err != nil {
			t.Fatal(err)
		}
		targets := len(exact[0])
		for i := range exact {
			want := bruteForce(t, m, rows.Select([]int{i}), reference, r.Times, func(p models.Prediction, row, k int) float64 {
				switch classes {
				case 0:
					return p.Survival[row*len(r.Times)+k]
				case 2:
					return p.Probabilities[row*2+1]
				}
				return p.Probabilities[row*classes+k]
			}, targets)
			for k, a := range exact[i] {
				s := sampled[i][k]
				for j, v := range a.Values {
					if w := want[k*len(a.Values)+j]; math.Abs(v-w) > 1e-12 || a.Method != Enumeration {
						t.Errorf("%s, %s, row %d, entry %d, column %d: %v, by brute force %v", name, a.Method, i, k, j, v, w)
					}
					if d := math.Abs(v - s.Values[j]); d > 5*s.Errors[j]+1e-9 {
						t.Errorf("%s, row %d, entry %d, column %d: %v ± %v, exactly %v", name, i, k, j, s.Values[j], s.Errors[j], v)
					}
				}
			}
		}
	}
}
