package validate

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a number with the interval that belongs to it.
type Estimate struct {
	Value float64
	Low   float64 // NaN where there is no interval
	High  float64
	Folds int // scores that it rests on
}

// CorrectedT is the name of Resampled's interval in reports.
const CorrectedT = "corrected resampled t (Nadeau and Bengio 2003)"

// Percentile is the name of Quantiles' interval in reports.
const Percentile = "percentiles of bootstrap draws"

// Resampled returns the mean of the scores of folds, averaged over repeats, with the corrected resampled t interval at a level
// such as 0.95. Scores of one test set are not independent of those of the next, because training sets overlap, so the variance
// is multiplied by 1/J + n2/n1 where J is the number of scores, n2 the mean size of a test set and n1 that of its training
// set [Nadeau2003], instead of 1/J. The interval is cut at bounds, the least and the greatest that the score can be. Scores that are
// NaN are left out. With one score there is no interval.
//
// [Nadeau2003]: https://doi.org/10.1023/A:1024068626366
func Resampled(folds []Fold, scores []float64, level float64, bounds [2]float64) Estimate {
	// The mean of a repeat comes first, so that a fold that cannot be judged does not weaken its whole repeat.
	repeats := map[int][]float64{}
	var order []int
	var used []float64
	test, train := 0.0, 0.0
	for i, s := range scores {
		if math.IsNaN(s) {
			continue
		}
		r := folds[i].Repeat
		if _, ok := repeats[r]; !ok {
			order = append(order, r)
		}
		repeats[r] = append(repeats[r], s)
		used = append(used, s)
		test += float64(len(folds[i].Test))
		train += float64(len(folds[i].Train))
	}
	e := Estimate{Value: math.NaN(), Low: math.NaN(), High: math.NaN(), Folds: len(used)}
	if len(used) == 0 {
		return e
	}
	means := make([]float64, len(order))
	for i, r := range order {
		means[i] = mean(repeats[r])
	}
	e.Value = mean(means)
	if len(used) < 2 {
		return e
	}
	m, ss := mean(used), 0.0
	for _, s := range used {
		ss += (s - m) * (s - m)
	}
	j := float64(len(used))
	se := math.Sqrt(ss / (j - 1) * (1/j + test/train))
	half := distuv.StudentsT{Sigma: 1, Nu: j - 1}.Quantile((1+level)/2) * se
	e.Low, e.High = max(e.Value-half, bounds[0]), min(e.Value+half, bounds[1])
	return e
}

// Quantiles returns the mean of the scores of bootstrap draws with the interval of their percentiles.
func Quantiles(scores []float64, level float64) Estimate {
	used := slices.DeleteFunc(slices.Clone(scores), math.IsNaN)
	e := Estimate{Value: math.NaN(), Low: math.NaN(), High: math.NaN(), Folds: len(used)}
	if len(used) == 0 {
		return e
	}
	e.Value = mean(used)
	if len(used) < 20 {
		return e
	}
	slices.Sort(used)
	e.Low, e.High = quantile(used, (1-level)/2), quantile(used, (1+level)/2)
	return e
}

// quantile interpolates between order statistics (Hyndman and Fan's type 7, the default of R and numpy).
func quantile(sorted []float64, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := min(int(h), len(sorted)-2)
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
