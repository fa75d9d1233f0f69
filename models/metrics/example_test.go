package metrics_test

import (
	"fmt"

	"github.com/voxgene/voxgene/models/metrics"
)

func ExampleNewBinary() {
	b, _ := metrics.NewBinary([]bool{false, true, false, true}, []float64{0.1, 0.4, 0.4, 0.9})
	c := b.At(0.5)
	fmt.Printf("AUC %.3f, Brier %.3f, sensitivity %.1f\n", b.AUC(), b.Brier(), c.Sensitivity())
	// Output: AUC 0.875, Brier 0.135, sensitivity 0.5
}

func ExampleNewMulticlass() {
	m, _ := metrics.NewMulticlass([]int{0, 1, 2}, []float64{0.8, 0.1, 0.1, 0.3, 0.6, 0.1, 0.5, 0.2, 0.3}, 3)
	auc, _ := m.HandTill()
	fmt.Printf("Hand–Till %.2f, accuracy %.2f\n", auc, m.Confusion().Accuracy())
	// Output: Hand–Till 1.00, accuracy 0.67
}
