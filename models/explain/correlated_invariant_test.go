package explain

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// Values with correlated columns against the definition: for every subset the conditional expectation of a normal distribution, by
// solving its equations.
func TestCorrelatedAgainstDefinition(t *testing.T) {
	data := linearTraining(61, 200, 6, 3)
	for i, v := range data.X.Column(1) {
		data.X.Column(4)[i] = v + data.X.Column(4)[i]/5
	}
	m := fitKind(t, "logistic", map[string]any{"penalty": "none"}, data)
	background := FromMatrix(data.X)
	rows := data.X.Select([]int{0, 90})
	got, err := Explain(context.Background(), m, rows, Request{Method: LinearCorrelated, Background: &background})
	if err != nil {
		t.Fatal(err)
	}
	intercepts, weights, _ := m.(additive).Linear()
	const n = 6
	used := []int{0, 1, 2, 3, 4, 5}
	covariance, means, err := shrunk(data.X, background.shares(), used)
	if err != nil {
		t.Fatal(err)
	}
	for i, list := range got {
		worth := make([]float64, 3<<n)
		for s := range 1 << n {
			var in, out []int
			for j := range n {
				if s>>j&1 == 1 {
					in = append(in, j)
				} else {
					out = append(out, j)
				}
			}
			expected := append([]float64{}, means...)
			if len(in) > 0 {
				a, d := mat.NewDense(len(in), len(in), nil), mat.NewVecDense(len(in), nil)
				for p, j := range in {
					d.SetVec(p, rows.Column(j)[i]-means[j])
					expected[j] = rows.Column(j)[i]
					for q, k := range in {
						a.Set(p, q, covariance.At(j, k))
					}
				}
				var u mat.VecDense
				if err := u.SolveVec(a, d); err != nil {
					t.Fatal(err)
				}
				for _, j := range out {
					for p, k := range in {
						expected[j] += covariance.At(j, k) * u.AtVec(p)
					}
				}
			}
			for c := range 3 {
				worth[s*3+c] = intercepts[c]
				for j, v := range expected {
					worth[s*3+c] += weights[c][j] * v
				}
			}
		}
		want := make([]float64, 3*n)
		shapley(worth, n, 3, want)
		for c, a := range list {
			if a.Method != LinearCorrelated || !a.Exact || math.Abs(a.Base-worth[c]) > 1e-9 {
				t.Errorf("%+v", a)
			}
			for j, v := range a.Values {
				if math.Abs(v-want[c*n+j]) > 1e-9 {
					t.Errorf("row %d class %d column %d: %v, by definition %v", i, c, j, v, want[c*n+j])
				}
			}
		}
	}
}

// Two columns that are nearly the same share what one of them has alone; uncorrelated columns have their linear values; more columns
// are sampled, add up, and lie within their errors of each other under two seeds.
func TestCorrelatedShares(t *testing.T) {
	data := linearTraining(62, 400, 9, 2)
	for i, v := range data.X.Column(2) {
		data.X.Column(5)[i] = v*2 + data.X.Column(5)[i]/1000
	}
	m := fitKind(t, "logistic", map[string]any{"penalty": "ridge"}, data)
	background := FromMatrix(data.X)
	rows := data.X.Select([]int{1, 2, 3})
	var answers [2][][]models.Attribution
	for k := range answers {
		var err error
		if answers[k], err = Explain(context.Background(), m, rows, Request{Method: LinearCorrelated, Background: &background, Seed: work.Seed(k)}); err != nil {
			t.Fatal(err)
		}
	}
	independent, err := Explain(context.Background(), m, rows, Request{Background: &background})
	if err != nil {
		t.Fatal(err)
	}
	for i := range answers[0] {
		a, b, l := answers[0][i][0], answers[1][i][0], independent[i][0]
		if a.Exact || math.Abs(a.Values[2]-a.Values[5]) > 0.02*math.Abs(a.Values[2])+5*a.Errors[2] {
			t.Errorf("row %d: twins have %v and %v", i, a.Values[2], a.Values[5])
		}
		if pair, alone := a.Values[2]+a.Values[5], l.Values[2]+l.Values[5]; math.Abs(pair-alone) > 0.3*math.Abs(alone)+0.2 {
			t.Errorf("row %d: twins have %v together, %v independently", i, pair, alone)
		}
		for j := range a.Values {
			if d := math.Abs(a.Values[j] - b.Values[j]); d > 5*math.Hypot(a.Errors[j], b.Errors[j])+1e-9 {
				t.Errorf("row %d column %d: %v ± %v and %v ± %v", i, j, a.Values[j], a.Errors[j], b.Values[j], b.Errors[j])
			}
		}
	}
}
