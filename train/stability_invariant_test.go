package train

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/train/validate"
)

// Shares do not depend on the scale on which a fold's winner is explained, a column that a fold's pipeline dropped has none there, and
// folds that cannot be explained are left out.
func TestStability(t *testing.T) {
	one := &outcomeRun{}
	one.result.Folds = []validate.FoldResult{
		{Columns: []string{"a", "b", "c"}, Contributions: []float64{6, 3, 1}},
		{Columns: []string{"b", "a"}, Contributions: []float64{0.03, 0.07}},
		{Columns: []string{"a", "c"}},
		{Columns: []string{"a", "d"}, Contributions: []float64{8, 2}},
	}
	s := one.stability()
	if s == nil || s.Folds != 3 || s.Top != 2 || len(s.Columns) != 4 {
		t.Fatalf("%+v", s)
	}
	want := []StableColumn{{"a", 0.7, 0.6, 0.8, 1}, {"b", 0.2, 0, 0.3, 2.0 / 3}, {"d", 0.2 / 3, 0, 0.2, 1.0 / 3}, {"c", 0.1 / 3, 0, 0.1, 0}}
	for k, w := range want {
		g := s.Columns[k]
		for n, d := range []float64{g.Share - w.Share, g.Low - w.Low, g.High - w.High, g.InTop - w.InTop} {
			if g.Column != w.Column || math.Abs(d) > 1e-12 {
				t.Errorf("%d, %d: %+v, want %+v", k, n, g, w)
			}
		}
	}
	one.result.Folds = one.result.Folds[2:]
	if one.stability() != nil {
		t.Error("one fold has a stability")
	}
}
