package train

import (
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"
)

// Calibration is of the probabilities of a class, averaged over repeats. Intervals are percentiles of samples of patients.
type Calibration struct {
	Class          string           `json:"class,omitempty"` // against the rest, where there are more than two
	Slope          *float64         `json:"slope"`
	SlopeLow       *float64         `json:"slope_low"`
	SlopeHigh      *float64         `json:"slope_high"`
	Intercept      *float64         `json:"intercept"`
	InterceptLow   *float64         `json:"intercept_low"`
	InterceptHigh  *float64         `json:"intercept_high"`
	InTheLarge     *float64         `json:"in_the_large"`
	InTheLargeLow  *float64         `json:"in_the_large_low"`
	InTheLargeHigh *float64         `json:"in_the_large_high"`
	ECE            *float64         `json:"ece"` // ten bins of equal width
	Interval       string           `json:"interval,omitempty"`
	Curve          []CalibrationBin `json:"curve,omitempty"` // groups of equal size
}

// CalibrationBin is a group of patients of similar probability.
type CalibrationBin struct {
	Patients  int     `json:"patients"`
	Predicted float64 `json:"predicted"`
	Observed  float64 `json:"observed"`
	Low       float64 `json:"low"` // Wilson
	High      float64 `json:"high"`
}

// calibrationInterval names the interval of slopes and intercepts.
const calibrationInterval = "percentiles of 1,000 bootstrap samples of patients, each with predictions averaged over repeats"

// classBinary is a class against the rest, out of fold.
type classBinary struct {
	class string
	*metrics.Binary
	patient []int // of each row
}

// againstRest returns the out-of-fold probabilities of the procedure, averaged over repeats: of the last of two classes, or of each of
// several. Classes that all or none of the patients have are left out.
func (one *outcomeRun) againstRest() ([]classBinary, error) {
	p := one.result.Pool(-1, len(one.rows))
	y := one.y.Select(p.Rows)
	patient := p.Rows
	if one.study.Rows.Patient != nil {
		patient = pickRows(one.study.Rows.Patient, p.Rows)
	}
	var out []classBinary
	add := func(class string, b *metrics.Binary) {
		if b.Positives() > 0 && b.Negatives() > 0 {
			out = append(out, classBinary{class, b, patient})
		}
	}
	if len(y.Classes) == 2 {
		b, err := validate.Binary(y, p.Prediction)
		if err != nil {
			return nil, err
		}
		add(y.Classes[1], b)
		return out, nil
	}
	m, err := metrics.NewMulticlass(y.Class, p.Probabilities, len(y.Classes))
	if err != nil {
		return nil, err
	}
	for k, b := range m.OneVersusRest() {
		add(y.Classes[k], b)
	}
	return out, nil
}

// calibrations judges the probabilities of a class outcome, which needs all patients at once.
func (one *outcomeRun) calibrations(level float64) []Calibration {
	if one.y.Kind != clinical.Class {
		return nil
	}
	if one.calibrated != nil {
		return one.calibrated
	}
	all, err := one.againstRest()
	if err != nil {
		return nil
	}
	for _, b := range all {
		fit := b.Calibration()
		ece, _ := metrics.CalibrationError(b.BinsByWidth(10))
		c := Calibration{Slope: finite(fit.Slope), Intercept: finite(fit.Intercept), InTheLarge: finite(fit.InTheLarge), ECE: finite(ece), Interval: calibrationInterval}
		if len(one.y.Classes) > 2 {
			c.Class = b.class
		}
		for _, bin := range b.BinsByCount(calibrationBins(b.Rows())) {
			if bin.Rows > 0 {
				low, high := wilson(bin.Observed, float64(bin.Rows), level)
				c.Curve = append(c.Curve, CalibrationBin{bin.Rows, bin.Predicted, bin.Observed, low, high})
			}
		}
		one.calibrationLimits(&c, b, level)
		one.calibrated = append(one.calibrated, c)
	}
	return one.calibrated
}

// calibrationsOf is the calibration of two classes, or those of more.
func (one *outcomeRun) calibrationsOf(level float64) (*Calibration, []Calibration) {
	all := one.calibrations(level)
	if len(one.y.Classes) != 2 || len(all) == 0 {
		return nil, all
	}
	return &all[0], nil
}

// calibrationBins is the number of groups of a calibration curve.
func calibrationBins(rows int) int { return min(10, max(2, rows/10)) }

// calibrationLimits draws patients with replacement and recalibrates again. There are no limits where half of the samples or more cannot be
// recalibrated, because the probabilities separate the classes.
func (one *outcomeRun) calibrationLimits(c *Calibration, b classBinary, level float64) {
	rng := one.study.Seed.Split("calibration", one.y.Name, b.class).Rand()
	var slope, intercept, large []float64
	for range resamples {
		s, err := b.resample(rng.IntN)
		if err != nil || s.Positives() == 0 || s.Negatives() == 0 {
			continue
		}
		fit := s.Calibration()
		for _, v := range []struct {
			to    *[]float64
			value float64
		}{{&slope, fit.Slope}, {&intercept, fit.Intercept}, {&large, fit.InTheLarge}} {
			if finite(v.value) != nil {
				*v.to = append(*v.to, v.value)
			}
		}
	}
	c.SlopeLow, c.SlopeHigh = percentileLimits(slope, level)
	c.InterceptLow, c.InterceptHigh = percentileLimits(intercept, level)
	c.InTheLargeLow, c.InTheLargeHigh = percentileLimits(large, level)
}

// percentileLimits are those of a bootstrap, none where fewer than half of the samples gave a value.
func percentileLimits(values []float64, level float64) (low, high *float64) {
	if len(values) < resamples/2 {
		return nil, nil
	}
	slices.Sort(values)
	return finite(stat.Quantile(values, (1-level)/2)), finite(stat.Quantile(values, (1+level)/2))
}

// resample draws as many patients as there are, each with all rows.
func (b classBinary) resample(draw func(n int) int) (*metrics.Binary, error) {
	rows := map[int][]int{}
	var patients []int
	for i, p := range b.patient {
		if rows[p] == nil {
			patients = append(patients, p)
		}
		rows[p] = append(rows[p], i)
	}
	positive, score := make([]bool, 0, b.Rows()), make([]float64, 0, b.Rows())
	for range patients {
		for _, i := range rows[patients[draw(len(patients))]] {
			y, p := b.Row(i)
			positive, score = append(positive, y), append(score, p)
		}
	}
	return metrics.NewBinary(positive, score)
}

// calibrationMeasures shows slope, intercept and error with their intervals.
func (one *outcomeRun) calibrationMeasures(level float64) (report.Table, bool) {
	all := one.calibrations(level)
	if len(all) == 0 {
		return report.Table{}, false
	}
	t := report.Table{Title: "Calibration", Head: []string{"", "slope", "intercept", "in the large", "expected error"},
		Caption: "Ideal are a slope of 1 (below 1 is too extreme), an intercept of 0, an intercept at slope 1 (in the large) of 0, and an expected calibration error of 0 (ten bins of equal width). Interval: " + calibrationInterval + "."}
	for _, c := range all {
		name := "probability of " + one.y.Classes[len(one.y.Classes)-1]
		if c.Class != "" {
			name = c.Class + " against the rest"
		}
		t.Rows = append(t.Rows, []string{name, withLimits(c.Slope, c.SlopeLow, c.SlopeHigh), withLimits(c.Intercept, c.InterceptLow, c.InterceptHigh),
			withLimits(c.InTheLarge, c.InTheLargeLow, c.InTheLargeHigh), numberOrDash(c.ECE)})
	}
	return t, true
}

// withLimits prints a number and its interval.
func withLimits(v, low, high *float64) string {
	if v == nil || low == nil || high == nil {
		return numberOrDash(v)
	}
	return fmt.Sprintf("%s (%s to %s)", report.Number(*v), report.Number(*low), report.Number(*high))
}
