package genes_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/genes"
)

// The fast score is the running sum's, walked gene by gene.
func TestScoreInvariant(t *testing.T) {
	statistic := []float64{0.3, -2, 1.5, 0, 4, -0.5, 2.2, -3, 0.1, -1}
	set := []int{4, 7, 0, 8}
	r := genes.Rank(statistic, 1)
	order := []int{4, 6, 2, 0, 8, 3, 5, 9, 1, 7}
	total, sum, best := 0.0, 0.0, 0.0
	in := map[int]bool{}
	for _, g := range set {
		in[g] = true
		total += math.Abs(statistic[g])
	}
	for _, g := range order {
		if in[g] {
			sum += math.Abs(statistic[g]) / total
		} else {
			sum -= 1.0 / 6
		}
		if math.Abs(sum) > math.Abs(best) {
			best = sum
		}
	}
	if got := r.Score(set).Score; math.Abs(got-best) > 1e-12 {
		t.Errorf("score %g, want %g", got, best)
	}
	for _, bad := range [][]int{nil, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {3}} {
		if got := r.Score(bad).Score; !math.IsNaN(got) {
			t.Errorf("set %v has the score %g", bad, got)
		}
	}
}

// A gene with a hole is fitted on the samples it has; too few and its numbers are NaN; a design that cannot be solved is refused.
func TestLinearModelBadInput(t *testing.T) {
	nan := math.NaN()
	m := &genes.Matrix{Genes: []string{"a", "b", "c"}, Samples: []string{"1", "2", "3", "4"}, Values: []float64{1, 2, 5, 6, 1, nan, 5, 6, nan, nan, 5, nan}}
	f, err := genes.FitLinearModel(m, [][]float64{{1, 0}, {1, 0}, {1, 1}, {1, 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(f.Coef[0][1]-4) > 1e-12 || math.Abs(f.Coef[1][1]-4.5) > 1e-12 || f.DF[1] != 1 || !math.IsNaN(f.Coef[2][1]) {
		t.Errorf("got %+v", f)
	}
	if err := f.Moderate(false); err == nil {
		t.Error("two variances made a prior")
	}
	if _, err := genes.FitLinearModel(m, [][]float64{{1, 2}, {1, 2}, {1, 2}, {1, 2}}, nil); err == nil {
		t.Error("a collinear design was taken")
	}
	if _, err := genes.FitLinearModel(m, [][]float64{{1, 0, 0, 1}, {1, 0, 1, 0}, {1, 1, 0, 0}, {1, 1, 1, 1}}, nil); err == nil {
		t.Error("a design without residual degrees of freedom was taken")
	}
}
