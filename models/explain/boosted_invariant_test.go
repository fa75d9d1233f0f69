package explain

import (
	"context"
	"math"
	"testing"
)

// Forests and boosting of every kind of outcome are explained on the scale on which they are sums, with the model's own prediction
// as output.
func TestEveryKindOfTrees(t *testing.T) {
	for _, c := range []struct {
		kind    string
		classes int
		set     map[string]any
		scale   string
	}{
		{"decision_tree", 3, nil, Probability},
		{"random_forest", 2, map[string]any{"trees": 20}, Probability},
		{"random_forest", 3, map[string]any{"trees": 20}, Probability},
		{"extra_trees", 2, map[string]any{"trees": 20}, Probability},
		{"boosting", 2, map[string]any{"rounds": 30}, LogOdds},
		{"boosting", 3, map[string]any{"rounds": 30}, LogOdds},
	} {
		data := training(21, 200, 8, c.classes)
		m := fitKind(t, c.kind, c.set, data)
		background, err := NewBackground(data.X, 1)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict(data.X, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{Auto, TreeInterventional} {
			got, err := Explain(context.Background(), m, data.X, Request{Method: method, Background: &background})
			if err != nil {
				t.Fatalf("%s of %d classes, %s: %v", c.kind, c.classes, method, err)
			}
			for i, row := range got {
				if want := map[bool]int{true: 1, false: c.classes}[c.classes == 2]; len(row) != want {
					t.Fatalf("%s of %d classes: %d attributions", c.kind, c.classes, len(row))
				}
				for k, a := range row {
					output := p.Probabilities[i*c.classes+k]
					if c.classes == 2 {
						output = p.Probabilities[i*2+1]
					}
					if c.scale == LogOdds {
						output = p.Margin[i*len(row)+k]
					}
					if a.Scale != c.scale || a.Output != output || !a.Exact {
						t.Fatalf("%s of %d classes, row %d: %+v, want output %v", c.kind, c.classes, i, a, output)
					}
				}
			}
		}
	}
}

// The probability of a boosted model: rescaled values sum to it and follow their definition, enumeration and sampling are of the
// Shapley values themselves, and the two are near each other here.
func TestProbabilityOfBoosting(t *testing.T) {
	data := training(22, 200, 6, 2)
	m := fitKind(t, "boosting", map[string]any{"rounds": 25, "learning_rate": 0.2}, data)
	rows := data.X.Select([]int{0, 9, 31})
	reference := data.X.Select([]int{3, 4, 5, 60})
	background := FromMatrix(reference)
	got, err := Explain(context.Background(), m, rows, Request{Method: TreeInterventionalRescaled, Scale: Probability, Background: &background})
	if err != nil {
		t.Fatal(err)
	}
	exact, err := Explain(context.Background(), m, rows, Request{Method: Enumeration, Scale: Probability, Background: &background})
	if err != nil {
		t.Fatal(err)
	}
	automatic, err := Explain(context.Background(), m, rows, Request{Scale: Probability, Background: &background})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		a := got[i][0]
		if a.Method != TreeInterventionalRescaled || a.Exact || a.Scale != Probability || automatic[i][0].Method != Enumeration {
			t.Errorf("%+v", a)
		}
		want := make([]float64, len(a.Values))
		for b := range reference.Rows {
			one := FromMatrix(reference.Select([]int{b}))
			margin, err := Explain(context.Background(), m, rows.Select([]int{i}), Request{Method: TreeInterventional, Background: &one})
			if err != nil {
				t.Fatal(err)
			}
			l := margin[0][0]
			if l.Output == l.Base {
				continue
			}
			for j, v := range l.Values {
				want[j] += v * (sigmoid(l.Output) - sigmoid(l.Base)) / (l.Output - l.Base) / float64(reference.Rows)
			}
		}
		far := 0.0
		for j, v := range a.Values {
			if math.Abs(v-want[j]) > 1e-12 {
				t.Errorf("row %d column %d: %v, want %v", i, j, v, want[j])
			}
			far = max(far, math.Abs(v-exact[i][0].Values[j]))
		}
		if far == 0 || far > 0.1 {
			t.Errorf("row %d: rescaled and exact values are %v apart", i, far)
		}
	}
	if _, err := Interact(context.Background(), m, rows, Request{Method: TreeInterventionalRescaled, Scale: Probability, Background: &background}); err == nil {
		t.Error("interactions of rescaled values were given")
	}
}
