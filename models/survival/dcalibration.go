package survival

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// DCalibration says whether predicted survival at the time of each patient's own event is spread evenly, as it must be if the curves
// are true [Haider2020].
//
// [Haider2020]: https://jmlr.org/papers/v21/18-772.html
type DCalibration struct {
	Bins      []float64 // expected number of events by predicted survival, [0, 1/k), …; sums to the number of patients
	Statistic float64   // chi-squared, k−1 degrees of freedom
	P         float64
}

// NewDCalibration tests in k bins. survival is each patient's predicted S at its own time; a censored patient counts in the bins at and
// below its own, by how likely its event falls there.
func NewDCalibration(observations []Observation, survival []float64, k int) (DCalibration, error) {
	if err := validate(observations, 1); err != nil {
		return DCalibration{}, err
	}
	if len(survival) != len(observations) || k < 2 {
		return DCalibration{}, fmt.Errorf("%d predictions for %d observations in %d bins", len(survival), len(observations), k)
	}
	d := DCalibration{Bins: make([]float64, k)}
	width := 1 / float64(k)
	for i, s := range survival {
		if !(s >= 0 && s <= 1) {
			return DCalibration{}, fmt.Errorf("observation %d: survival %v: want a number from 0 to 1", i, s)
		}
		b := min(int(s*float64(k)), k-1)
		switch {
		case observations[i].Event > 0:
			d.Bins[b]++
		case s == 0:
			d.Bins[0]++
		default: // the event is uniform on [0, s)
			d.Bins[b] += (s - float64(b)*width) / s
			for j := range b {
				d.Bins[j] += width / s
			}
		}
	}
	expected := float64(len(survival)) * width
	for _, n := range d.Bins {
		d.Statistic += (n - expected) * (n - expected) / expected
	}
	d.P = distuv.ChiSquared{K: float64(k - 1)}.Survival(d.Statistic)
	return d, nil
}

// CalibrationAt compares predicted with observed survival at a horizon: patients are put in k groups of equal size by predicted
// survival, and each group's Kaplan–Meier estimate at t, with its limits, stands beside the mean prediction.
func CalibrationAt(observations []Observation, survival []float64, t float64, k int, level float64) ([]CalibrationGroup, error) {
	if err := validate(observations, 1); err != nil {
		return nil, err
	}
	if len(survival) != len(observations) || k < 1 || k > len(survival) {
		return nil, fmt.Errorf("%d predictions for %d observations in %d groups", len(survival), len(observations), k)
	}
	order := make([]int, len(survival))
	for i, s := range survival {
		if !(s >= 0 && s <= 1) {
			return nil, fmt.Errorf("observation %d: survival %v: want a number from 0 to 1", i, s)
		}
		order[i] = i
	}
	sortBy(order, survival)
	var out []CalibrationGroup
	for g := range k {
		rows := order[g*len(order)/k : (g+1)*len(order)/k]
		var members []Observation
		c := CalibrationGroup{Patients: len(rows)}
		for _, i := range rows {
			members = append(members, observations[i])
			c.Predicted += survival[i] / float64(len(rows))
		}
		km, err := KaplanMeier(members)
		if err != nil {
			return nil, err
		}
		c.Observed, c.Low, c.High = km.At(t), math.NaN(), math.NaN()
		if i := upTo(km.Times, t); i >= 0 {
			low, high := km.Interval(level, LogLog)
			c.Low, c.High = low[i], high[i]
		}
		if km.Times[len(km.Times)-1] < t && c.Observed > 0 {
			c.Observed, c.Low, c.High = math.NaN(), math.NaN(), math.NaN() // nobody was followed that long
		}
		out = append(out, c)
	}
	return out, nil
}

// CalibrationGroup is one group of CalibrationAt. Observed is NaN where nobody was followed to the horizon.
type CalibrationGroup struct {
	Patients            int
	Predicted           float64
	Observed, Low, High float64
}
