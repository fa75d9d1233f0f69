package explain

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models"
)

// graded is a logistic model that also takes integrated gradients of itself, by the midpoint rule in a number of steps.
type graded struct {
	models.Model
	steps int
	fault error
}

func (g graded) AttributionMethods() []string { return []string{IntegratedGradients} }

func (g graded) Attribute(_ context.Context, x models.Matrix, r models.AttributionRequest) (models.Contributions, error) {
	if g.fault != nil {
		return models.Contributions{}, g.fault
	}
	intercepts, weights, _ := g.Model.(additive).Linear()
	n := len(x.Columns)
	margin := func(row []float64) float64 {
		sum := intercepts[0]
		for j, v := range row {
			sum += weights[0][j] * v
		}
		return sum
	}
	values, bases := make([]float64, x.Rows*n), make([]float64, 1)
	row, other, between := make([]float64, n), make([]float64, n), make([]float64, n)
	for b, share := range r.Shares {
		r.Background.Row(b, other)
		bases[0] += share * sigmoid(margin(other))
		for i := range x.Rows {
			x.Row(i, row)
			for s := range g.steps {
				t := (float64(s) + 0.5) / float64(g.steps)
				for j := range between {
					between[j] = other[j] + t*(row[j]-other[j])
				}
				p := sigmoid(margin(between))
				for j := range row {
					values[i*n+j] += share / float64(g.steps) * p * (1 - p) * weights[0][j] * (row[j] - other[j])
				}
			}
		}
	}
	return models.Contributions{Values: values, Bases: bases}, nil
}

// A model that explains itself is asked to, by its own method where none is named; its gap is shown, narrow with many steps and wide
// with one, and a fault of its is the answer's.
func TestOwnMethod(t *testing.T) {
	data := linearTraining(71, 120, 4, 2)
	m := fitKind(t, "logistic", nil, data)
	background := FromMatrix(data.X.Select([]int{1, 2, 3}))
	rows := data.X.Select([]int{0, 50, 100, 119})
	for i := range rows.Values {
		rows.Values[i] *= 10 // far from the background, where one step is too few
	}
	for steps, narrow := range map[int]bool{400: true, 1: false} {
		got, err := Explain(context.Background(), graded{Model: m, steps: steps}, rows, Request{Scale: Probability, Background: &background})
		if err != nil {
			t.Fatal(err)
		}
		wide := false
		for _, list := range got {
			a := list[0]
			sum := a.Base
			for _, v := range a.Values {
				sum += v
			}
			if a.Method != IntegratedGradients || a.Exact || math.Abs(sum+a.Gap-a.Output) > 1e-12 {
				t.Errorf("%+v", a)
			}
			wide = wide || Wide(a)
			if narrow && math.Abs(a.Gap) > 1e-3 {
				t.Errorf("gap %v with %d steps", a.Gap, steps)
			}
		}
		if wide == narrow {
			t.Errorf("%d steps: a wide gap %v", steps, wide)
		}
	}
	if _, err := Explain(context.Background(), m, rows, Request{Method: ExpectedGradients, Background: &background}); err == nil || !strings.Contains(err.Error(), "no gradients") {
		t.Errorf("a model without gradients: %v", err)
	}
	if _, err := Explain(context.Background(), graded{Model: m, steps: 1}, rows, Request{Scale: Probability}); !errors.Is(err, ErrNoBackground) {
		t.Errorf("no background: %v", err)
	}
	fault := errors.New("no device")
	if _, err := Explain(context.Background(), graded{m, 1, fault}, rows, Request{Scale: Probability, Background: &background}); !errors.Is(err, fault) {
		t.Errorf("a fault of the model: %v", err)
	}
}
