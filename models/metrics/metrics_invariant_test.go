package metrics_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/models/metrics"
	"pgregory.net/rapid"
)

// The AUC is the fraction of pairs in order; swapping the classes mirrors it; DeLong's components average to it.
func TestAUCIsTheFractionOfPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "n")
		is, not, score := make([]bool, n), make([]bool, n), make([]float64, n)
		for i := range n {
			is[i] = rapid.Bool().Draw(t, "positive")
			not[i], score[i] = !is[i], float64(rapid.IntRange(0, 9).Draw(t, "score"))/10
		}
		wins, pairs := 0.0, 0.0
		for i := range n {
			for j := range n {
				if is[i] && !is[j] {
					pairs++
					switch {
					case score[i] > score[j]:
						wins++
					case score[i] == score[j]:
						wins += 0.5
					}
				}
			}
		}
		a, err := metrics.NewBinary(is, score)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := metrics.NewBinary(not, score)
		if pairs == 0 {
			if !math.IsNaN(a.AUC()) {
				t.Fatalf("AUC of one class is %g", a.AUC())
			}
			return
		}
		if math.Abs(a.AUC()-wins/pairs) > 1e-12 || math.Abs(a.AUC()+b.AUC()-1) > 1e-12 {
			t.Fatalf("AUC %g and %g, want %g", a.AUC(), b.AUC(), wins/pairs)
		}
		area := 0.0
		points := a.ROC()
		for i := 1; i < len(points); i++ {
			area += (points[i].Specificity - points[i-1].Specificity) * (points[i].Sensitivity + points[i-1].Sensitivity) / 2
		}
		if math.Abs(area-a.AUC()) > 1e-12 {
			t.Fatalf("area under the curve %g, AUC %g", area, a.AUC())
		}
	})
}

// The corrected interval is wider than the naive one, by the share of the test set in training.
func TestCorrectedResampledIsWider(t *testing.T) {
	folds := []float64{0.7, 0.8, 0.75, math.NaN(), 0.9}
	narrow, err := metrics.CorrectedResampled(folds, 1, 1e12, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	wide, _ := metrics.CorrectedResampled(folds, 1, 4, 0.95)
	ratio := (wide.High - wide.Low) / (narrow.High - narrow.Low)
	if math.Abs(ratio-math.Sqrt(2)) > 1e-9 || math.Abs(wide.Value-0.7875) > 1e-15 {
		t.Errorf("mean %g, ratio %g; want 0.7875 and √((1/4+1/4)/(1/4))", wide.Value, ratio)
	}
	if _, p, _ := metrics.CorrectedResampledTest(folds, folds, 1, 4); p != 1 {
		t.Errorf("a model against itself: p %g", p)
	}
	if _, err := metrics.CorrectedResampled(folds[:1], 1, 4, 0.95); err == nil {
		t.Error("an interval from one fold")
	}
}

func TestBadInput(t *testing.T) {
	for _, c := range []struct {
		is    []bool
		score []float64
		want  string
	}{
		{nil, nil, "metrics: no rows"},
		{[]bool{true}, nil, "metrics: 1 outcomes and 0 scores"},
		{[]bool{true, false}, []float64{1, math.NaN()}, "metrics: the score of row 1 is missing"},
	} {
		if _, err := metrics.NewBinary(c.is, c.score); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	for _, c := range []struct {
		class []int
		prob  []float64
		want  string
	}{
		{[]int{0}, []float64{1}, "metrics: 1 probabilities for 1 rows of 2 classes"},
		{[]int{2}, []float64{1, 0}, "metrics: row 0 has class 2 of 2"},
		{[]int{1}, []float64{0, 0}, "metrics: the probabilities of row 0 are all 0"},
		{[]int{1}, []float64{math.NaN(), 0}, "metrics: row 0 has the probability NaN"},
	} {
		if _, err := metrics.NewMulticlass(c.class, c.prob, 2); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
