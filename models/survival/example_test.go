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

func ExampleIPCW_Brier() {
	obs := []survival.Observation{{Time: 5, Event: 1}, {Time: 8}, {Time: 12, Event: 1}}
	w, _ := survival.NewIPCW(obs)
	s, _ := w.Brier(6, []float64{0.2, 0.9, 0.6})
	fmt.Printf("Brier score at 6 months %.3f\n", s.Value)
	// Output: Brier score at 6 months 0.070
}

func ExampleCompareGroups() {
	obs := []survival.Observation{{Time: 5, Event: 1}, {Time: 8}, {Time: 12, Event: 1}, {Time: 3, Event: 1}, {Time: 4, Event: 1}}
	r, _ := survival.CompareGroups(obs, []int{0, 0, 0, 1, 1}, 0, nil)
	fmt.Printf("log-rank χ² %.2f on %d degree of freedom, p %.3f\n", r.Statistic, r.DF, r.P)
	// Output: log-rank χ² 4.26 on 1 degree of freedom, p 0.039
}

func ExampleAalenJohansen() {
	obs := []survival.Observation{{Time: 5, Event: 1}, {Time: 8, Event: 2}, {Time: 12, Event: 1}, {Time: 14}}
	r, _ := survival.AalenJohansen(obs)
	f, _ := r.At(0, 12)
	fmt.Printf("incidence of the first event by 12 months %.2f\n", f)
	// Output: incidence of the first event by 12 months 0.50
}
