package survival_test

import (
	"fmt"

	"github.com/voxgene/voxgene/models/survival"
)

func ExampleKaplanMeier() {
	c, _ := survival.KaplanMeier([]survival.Observation{{Time: 5, Event: 1}, {Time: 8}, {Time: 12, Event: 1}})
	fmt.Printf("%.2f at 6 months, %.2f at 12, median %g\n", c.At(6), c.At(12), c.Median())
	// Output: 0.67 at 6 months, 0.00 at 12, median 12
}

func ExampleRank() {
	obs := []survival.Observation{{Time: 5, Event: 1}, {Time: 8}, {Time: 12, Event: 1}}
	c, _ := survival.Rank(obs, []float64{2, 3, 1}, survival.ConcordanceOptions{})
	fmt.Printf("C = %.2f over %g pairs\n", c.C, c.Concordant+c.Discordant)
	// Output: C = 0.50 over 2 pairs
}
