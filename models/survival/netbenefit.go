package survival

import (
	"fmt"
	"math"
)

// NetBenefit is the net benefit at time t of acting on the patients whose risk of the event by t is threshold or more, and of acting on
// everybody [Vickers2008]: the share of true positives less that of false ones at the odds of the threshold, each by the Kaplan–Meier
// estimate of those whom it is about. Without censoring it is that of a binary outcome. risk is in [0, 1], threshold between 0 and 1.
//
// [Vickers2008]: https://doi.org/10.1186/1472-6947-8-53
func NetBenefit(observations []Observation, risk []float64, t, threshold float64) (model, all float64, err error) {
	if len(risk) != len(observations) {
		return 0, 0, fmt.Errorf("survival: %d risks of %d patients", len(risk), len(observations))
	}
	if !(threshold > 0 && threshold < 1) {
		return 0, 0, fmt.Errorf("survival: threshold %v is not between 0 and 1", threshold)
	}
	benefit := func(of []Observation) (float64, error) {
		if len(of) == 0 {
			return 0, nil
		}
		c, err := KaplanMeier(of)
		if err != nil {
			return 0, err
		}
		s, share := c.At(t), float64(len(of))/float64(len(observations))
		return (1-s)*share - s*share*threshold/(1-threshold), nil
	}
	var above []Observation
	for i, r := range risk {
		switch {
		case math.IsNaN(r) || r < 0 || r > 1:
			return 0, 0, fmt.Errorf("survival: patient %d has the risk %v, which is no probability", i, r)
		case r >= threshold:
			above = append(above, observations[i])
		}
	}
	if model, err = benefit(above); err != nil {
		return 0, 0, err
	}
	all, err = benefit(observations)
	return model, all, err
}
