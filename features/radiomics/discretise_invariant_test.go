package radiomics

import (
	"math"
	"testing"
)

// Values of any size have a histogram: where the width of a bin is lost in their rounding, or more bins lie below them than numbers tell apart, each
// value is a bin of its own.
func TestHistogramOfAnyValues(t *testing.T) {
	for _, values := range [][]float64{{1e18}, {-1e18, 1e18}, {0, 1e21}, {-1e300, 0, 1e300}, {1e18, math.Nextafter(1e18, 2e18)}, {0, math.MaxFloat64}, {1e17, 1e17 + 64, 1e17 + 128}} {
		entropy, uniformity := histogramMeasures(values, Settings{BinWidth: 25})
		n := float64(len(values))
		if math.Abs(entropy-math.Log2(n)) > 1e-12 || math.Abs(uniformity-1/n) > 1e-12 {
			t.Errorf("%g: entropy %g, uniformity %g", values, entropy, uniformity)
		}
	}
	if entropy, _ := histogramMeasures([]float64{0, 1, 24, 25, 26, 50}, Settings{BinWidth: 25}); math.Abs(entropy-(0.5+math.Log2(3)/3+math.Log2(6)/6)) > 1e-12 {
		t.Errorf("%g", entropy)
	}
}
