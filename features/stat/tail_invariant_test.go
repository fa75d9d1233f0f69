package stat_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/stat"
)

// The table agrees with the t distribution over all correlations, at few and at many degrees of freedom.
func TestCorrelationTailInvariant(t *testing.T) {
	for _, df := range []float64{1, 2, 3, 8, 57, 114, 498, 5000} {
		tail := stat.NewCorrelationTail(df)
		worst, at := 0.0, 0.0
		for k := 0; k <= 200000; k++ {
			r := math.Sin(float64(k) / 200000 * math.Pi / 2) // dense near ±1
			want := stat.StudentP(r*math.Sqrt(df/((1-r)*(1+r))), df)
			got := tail.P(r)
			if want < 1e-300 {
				continue
			}
			if e := math.Abs(got-want) / want; !(e <= worst) {
				worst, at = e, r
			}
		}
		if !(worst < 1e-9) {
			t.Errorf("df %g: relative error %.2g at r = %g", df, worst, at)
		}
	}
	if !math.IsNaN(stat.NewCorrelationTail(9).P(math.NaN())) {
		t.Error("NaN has a p-value")
	}
	if p := stat.NewCorrelationTail(9).P(1); p != 0 {
		t.Errorf("r = 1: p = %g", p)
	}
}

func BenchmarkCorrelationTail(b *testing.B) {
	tail, r, sum := stat.NewCorrelationTail(498), -0.4, 0.0
	for b.Loop() {
		sum += tail.P(r)
		if r += 1e-4; r > 0.4 {
			r = -0.4
		}
	}
	_ = sum
}
