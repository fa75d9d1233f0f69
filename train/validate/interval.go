package validate

import (
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/models/metrics"
)

// Estimate is a number with the interval that belongs to it.
type Estimate struct {
	Value float64
	Low   float64 // NaN where there is no interval
	High  float64
	Folds int // scores that it rests on
}

// The intervals, as reports name them. CorrectedT and Percentile are those of Summarise.
const (
	CorrectedT = "corrected resampled t (Nadeau and Bengio 2003)"
	Percentile = "percentiles of the bootstrap draws"
	// OneSet and OverPatients rest on predictions, not on the spread over folds; callers compute them.
	OneSet       = "one fixed model on one set of patients: DeLong (AUC of two classes), jackknife (C), percentiles of 1,000 bootstrap samples of patients (all others)"
	OverPatients = "percentiles of 1,000 bootstrap samples of patients, each with the predictions of all repeats"
)

// Interval names the interval of a design whose plan has so many folds.
func Interval(d Design, folds int) string {
	switch {
	case folds == 1:
		return OneSet
	case d.OverPatients:
		return OverPatients
	case d.Scheme == Bootstrap:
		return Percentile
	}
	return CorrectedT
}

// Summarise returns the mean of the scores of a scheme's folds, averaged over repeats, with the interval that belongs to the
// scheme: the corrected resampled t for folds, percentiles for bootstrap draws, none for a single test set (see Interval). Scores that are NaN are
// left out. Intervals are cut at the bounds of the measure.
func Summarise(s Scheme, folds []Fold, scores []float64, level float64, bounds [2]float64) Estimate {
	e := Estimate{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
	repeats := map[int][]float64{}
	var order []int
	var used []float64
	test, train := 0.0, 0.0
	for i, v := range scores {
		if math.IsNaN(v) {
			continue
		}
		r := folds[i].Repeat
		if _, ok := repeats[r]; !ok {
			order = append(order, r)
		}
		repeats[r] = append(repeats[r], v)
		used = append(used, v)
		test += float64(len(folds[i].Test))
		train += float64(len(folds[i].Train))
	}
	if e.Folds = len(used); e.Folds == 0 {
		return e
	}
	means := make([]float64, len(order))
	for i, r := range order {
		means[i] = mean(repeats[r])
	}
	e.Value = mean(means)
	switch {
	case s == Bootstrap:
		if len(used) >= 20 {
			slices.Sort(used)
			e.Low, e.High = stat.Quantile(used, (1-level)/2), stat.Quantile(used, (1+level)/2)
		}
	case len(used) > 1:
		n := float64(len(used))
		if m, err := metrics.CorrectedResampled(used, test/n, train/n, level); err == nil {
			// Where repeats have lost different numbers of folds the two means differ a little; the interval stays with ours.
			e.Low, e.High = e.Value-(m.Value-m.Low), e.Value+(m.High-m.Value)
		}
	}
	e.Low, e.High = within(e.Low, bounds), within(e.High, bounds)
	return e
}

// within cuts v at bounds; NaN stays.
func within(v float64, bounds [2]float64) float64 { return math.Max(bounds[0], math.Min(v, bounds[1])) }

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
