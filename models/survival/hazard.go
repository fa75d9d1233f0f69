package survival

// Hazard is a right-continuous cumulative hazard. It is 0 before Times[0].
type Hazard struct {
	Times      []float64 // every distinct time of the observations, ascending
	Cumulative []float64
	Variance   []float64 // Σ d/n², the variance of the Nelson–Aalen estimate
}

// NelsonAalen returns the cumulative hazard Σ d/n [Aalen1978].
//
// [Aalen1978]: https://doi.org/10.1214/aos/1176344247
func NelsonAalen(observations []Observation) (Hazard, error) {
	return hazard(observations, func(n, d float64) (float64, float64) { return d / n, d / (n * n) })
}

// FlemingHarrington returns the cumulative hazard with tied events taken one after the other, Σ 1/n + 1/(n−1) + … + 1/(n−d+1)
// [Fleming1984]. It is the baseline that goes with Efron's ties; exp(−H) is near Kaplan–Meier.
//
// [Fleming1984]: https://doi.org/10.1080/03610928408828837
func FlemingHarrington(observations []Observation) (Hazard, error) {
	return hazard(observations, func(n, d float64) (step, variance float64) {
		for k := 0.0; k < d; k++ {
			step += 1 / (n - k)
			variance += 1 / ((n - k) * (n - k))
		}
		return step, variance
	})
}

func hazard(observations []Observation, step func(n, d float64) (float64, float64)) (Hazard, error) {
	if err := validate(observations, 1); err != nil {
		return Hazard{}, err
	}
	c := count(observations)
	h := Hazard{Times: c.time, Cumulative: make([]float64, len(c.time)), Variance: make([]float64, len(c.time))}
	cumulative, variance := 0.0, 0.0
	for i := range c.time {
		if c.events[i] > 0 {
			s, v := step(c.atRisk[i], c.events[i])
			cumulative += s
			variance += v
		}
		h.Cumulative[i], h.Variance[i] = cumulative, variance
	}
	return h, nil
}

// At returns H(t).
func (h Hazard) At(t float64) float64 {
	if i := upTo(h.Times, t); i >= 0 {
		return h.Cumulative[i]
	}
	return 0
}
