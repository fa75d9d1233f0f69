package explain

import (
	"context"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/work"
)

// Fits that agree have stability 1, fits at random near 0, and between the formula of Nogueira, Sechidis and Brown holds.
func TestStability(t *testing.T) {
	same := [][]float64{{3, 2, 1, 0}, {6, 4, 2, 0}, {3, 2, 1, 0}}
	if s, err := MeasureStability(same, 2); err != nil || s.Chosen != 1 || math.Abs(s.Rank-1) > 1e-15 || s.Frequency[0] != 1 || s.Frequency[2] != 0 {
		t.Errorf("%+v %v", s, err)
	}
	r := work.Seed(1).Rand()
	random := make([][]float64, 200)
	for i := range random {
		random[i] = make([]float64, 40)
		for j := range random[i] {
			random[i][j] = r.Float64()
		}
	}
	if s, err := MeasureStability(random, 8); err != nil || math.Abs(s.Chosen) > 0.02 || math.Abs(s.Rank) > 0.02 {
		t.Errorf("%+v %v", s, err)
	}
	// Two fits of four columns, the top two {0, 1} and {0, 2}: frequencies 1, ½, ½, 0; 1 − (2 · 2 · ¼ / 4) / (½ · ½) = 0.
	half := [][]float64{{4, 3, 2, 1}, {4, 2, 3, 1}}
	if s, err := MeasureStability(half, 2); err != nil || math.Abs(s.Chosen) > 1e-15 || s.Frequency[1] != 0.5 {
		t.Errorf("%+v %v", s, err)
	}
	for _, bad := range [][][]float64{{{1, 2}}, {{1, 2}, {1}}, {{1, 2}, {1, math.NaN()}}} {
		if _, err := MeasureStability(bad, 1); err == nil {
			t.Errorf("%v was measured", bad)
		}
	}
}

// A cohort compared with itself does not differ; one whose first column is spread wider differs there first.
func TestCompareCohorts(t *testing.T) {
	data := linearTraining(71, 300, 5, 2)
	m := fitKind(t, "logistic", map[string]any{"penalty": "none"}, data)
	a, err := Explain(context.Background(), m, data.X, Request{})
	if err != nil {
		t.Fatal(err)
	}
	same, err := CompareCohorts(a, a, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range same {
		if d.A != d.B || d.P < 0.99 || d.Q < 0.99 {
			t.Errorf("%+v", d)
		}
	}
	other := data.X.Select([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
	for i := range other.Column(0) {
		other.Column(0)[i] *= 20
	}
	b, err := Explain(context.Background(), m, other, Request{})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := CompareCohorts(a, b, 0)
	if err != nil || moved[0].Column != 0 || moved[0].Q > 1e-4 || moved[0].B < 5*moved[0].A {
		t.Errorf("%+v %v", moved, err)
	}
	if _, err := CompareCohorts(a, nil, 0); err == nil {
		t.Error("a cohort without patients was compared")
	}
	if _, err := CompareCohorts(a, b, 1); err == nil {
		t.Error("an explanation that is not there was compared")
	}
}
