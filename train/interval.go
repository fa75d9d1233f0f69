package train

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/models/survival"
	"github.com/voxgene/voxgene/train/validate"
)

// resamples is the number of bootstrap samples of patients behind an interval.
const resamples = 1000

// estimate summarises a measure over the folds, for a model or, where model is negative, for the procedure.
func (one *outcomeRun) estimate(m validate.Measure, model int, level float64) validate.Estimate {
	key := fmt.Sprintf("%s %d", m.Name, model)
	e, ok := one.estimated[key]
	if !ok {
		e = one.summarise(one.result, m, model, level)
		if one.estimated == nil {
			one.estimated = map[string]validate.Estimate{}
		}
		one.estimated[key] = e
	}
	return e
}

// summarise gives the number and the interval that belongs to it: DeLong's or the jackknife's for one model on one set of patients
// where there is one, samples of patients for other single sets or where the experiment asks for them, and that of the scheme otherwise.
func (one *outcomeRun) summarise(r validate.Result, m validate.Measure, model int, level float64) validate.Estimate {
	scores := r.Scores(m, one.y, model)
	e := validate.Summarise(one.scheme, one.folds, scores, level, m.Bounds)
	if one.interval != validate.OneSet && one.interval != validate.OverPatients || math.IsNaN(e.Value) {
		return e
	}
	if one.interval == validate.OneSet {
		p, y := r.Folds[0].Of(model), one.y.Select(one.folds[0].Test)
		switch {
		case one.severalRows(): // formulas count every row as a patient of its own
		case m.Name == "auc" && len(y.Classes) == 2:
			if b, err := validate.Binary(y, p); err == nil {
				e.Low, e.High = b.AUCInterval(level)
			}
			return e
		case m.Name == "c_index":
			if obs, err := survival.Observations(y); err == nil {
				if c, err := survival.Rank(survival.Cause(obs, 1), p.Risk, survival.ConcordanceOptions{}); err == nil {
					half := distuv.UnitNormal.Quantile((1+level)/2) * c.StdErr
					e.Low, e.High = max(0, c.C-half), min(1, c.C+half)
				}
			}
			return e
		}
	}
	e.Low, e.High = one.overPatients(r, m, model, level)
	return e
}

// severalRows reports whether a patient has more than one row.
func (one *outcomeRun) severalRows() bool {
	return patientsIn(one.study.Rows.Patient) < len(one.study.Rows.Patient)
}

// overPatients draws patients with replacement and measures again, each patient with what every repeat said of all his rows: the mean
// over folds, averaged over repeats, of which the interval is a percentile. It is not defined where fewer than half of the samples can
// be judged.
func (one *outcomeRun) overPatients(r validate.Result, m validate.Measure, model int, level float64) (low, high float64) {
	patient := one.study.Rows.Patient
	number := map[int]int{}
	for _, p := range patient {
		if _, ok := number[p]; !ok {
			number[p] = len(number)
		}
	}
	type fold struct {
		y validate.Rows
		p validate.Prediction
	}
	folds := make([]fold, len(r.Folds))
	for k, f := range r.Folds {
		folds[k] = fold{validate.Rows{Outcome: one.y.Select(f.Fold.Test)}, f.Judged(one.y, model)}
	}
	rng := one.study.Seed.Split("interval", one.y.Name, m.Name).Rand()
	times := make([]int, len(number))
	values := make([]float64, 0, resamples)
	scores := make([]float64, len(folds))
	var rows []int
	for range resamples {
		clear(times)
		for range times {
			times[rng.IntN(len(times))]++
		}
		for k, f := range r.Folds {
			rows = rows[:0]
			for i, row := range f.Fold.Test {
				for range times[number[patient[row]]] {
					rows = append(rows, i)
				}
			}
			scores[k] = math.NaN()
			if len(rows) > 0 {
				scores[k] = m.Of(folds[k].y.Outcome.Select(rows), folds[k].p.Select(rows))
			}
		}
		if v := validate.Summarise(one.scheme, one.folds, scores, level, m.Bounds).Value; !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) < resamples/2 {
		return none, none
	}
	slices.Sort(values)
	return stat.Quantile(values, (1-level)/2), stat.Quantile(values, (1+level)/2)
}

// differs tests whether two models, or two studies on the same folds, are equally good by a measure: DeLong's paired test for the AUC
// of two classes on one set of patients, the corrected resampled t over folds otherwise. NaN stands for no test.
func (one *outcomeRun) differs(m validate.Measure, first, second validate.Result, a, b int) (difference, p float64) {
	if len(one.folds) == 1 {
		difference = first.Scores(m, one.y, a)[0] - second.Scores(m, one.y, b)[0]
		if m.Name != "auc" || len(one.y.Classes) != 2 || one.severalRows() {
			return difference, none
		}
		y := one.y.Select(one.folds[0].Test)
		x, errX := validate.Binary(y, first.Folds[0].Of(a))
		z, errZ := validate.Binary(y, second.Folds[0].Of(b))
		if errX != nil || errZ != nil || x.Positives() < 2 || x.Negatives() < 2 {
			return difference, none
		}
		c, err := metrics.CompareAUC(x, z)
		if err != nil {
			return difference, none
		}
		return c.Difference, c.P
	}
	test, train := one.sizes()
	difference, p, err := metrics.CorrectedResampledTest(first.Scores(m, one.y, a), second.Scores(m, one.y, b), test, train)
	if err != nil {
		return none, none
	}
	return difference, p
}

// testName names what differs does.
func (one *outcomeRun) testName() string {
	if len(one.folds) == 1 {
		return "DeLong's paired test"
	}
	return "corrected resampled t"
}

// sizes are the mean numbers of rows of a test and of a training set.
func (one *outcomeRun) sizes() (test, train float64) {
	n := float64(len(one.folds))
	for _, f := range one.folds {
		test, train = test+float64(len(f.Test))/n, train+float64(len(f.Train))/n
	}
	return test, train
}
