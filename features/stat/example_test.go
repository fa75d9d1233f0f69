package stat_test

import (
	"fmt"

	"github.com/voxgene/voxgene/features/stat"
)

func ExampleSpearman() {
	volume := []float64{12, 40, 33, 8, 21}
	expression := []float64{5.1, 9.9, 8.0, 5.3, 6.2}
	c := stat.Spearman(volume, expression)
	fmt.Printf("rho %.2f, n %d, p %.3f\n", c.R, c.N, c.P)
	// Output: rho 0.90, n 5, p 0.037
}

func ExampleAdjust() {
	fmt.Printf("%.3f\n", stat.Adjust([]float64{0.001, 0.02, 0.03, 0.5}, stat.BenjaminiHochberg))
	// Output: [0.004 0.040 0.040 0.500]
}
