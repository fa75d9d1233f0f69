package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/survival"
	"github.com/voxgene/voxgene/train/report"
)

// SurvivalCalibration compares predicted with observed survival.
type SurvivalCalibration struct {
	// Slope is the coefficient of the risk in a Cox model of this cohort: 1 for a log-hazard that fits, below 1 too extreme.
	Slope *float64 `json:"slope"`
	// At a horizon: mean predicted survival and Kaplan–Meier's.
	Horizon   float64  `json:"horizon"`
	Predicted *float64 `json:"predicted"`
	Observed  *float64 `json:"observed"`
}

// Shift says how an input differs from training.
type Shift struct {
	Column  string   `json:"column"`
	Median  *float64 `json:"median"`
	Trained *float64 `json:"trained_median"`
	// InIQR is the difference of medians in units of the interquartile range of training.
	InIQR   *float64 `json:"shift_iqr"`
	Outside float64  `json:"outside"` // share of values outside the range of training
	Missing float64  `json:"missing"`
}

// caseMix compares the inputs with what training saw, the largest shift first.
func caseMix(b *bundle.Bundle, x models.Matrix) []Shift {
	var out []Shift
	for j, in := range b.Inputs {
		if in.Kind != table.Numeric || len(in.Quantiles) < 4 {
			continue
		}
		v := slices.DeleteFunc(slices.Clone(x.Column(j)), math.IsNaN)
		s := Shift{Column: in.Name, Missing: 1 - float64(len(v))/float64(x.Rows)}
		n := len(in.Quantiles) - 1
		trained := in.Quantiles[n/2]
		s.Trained = finite(trained)
		if len(v) > 0 {
			slices.Sort(v)
			median := stat.Quantile(v, 0.5)
			s.Median = finite(median)
			if iqr := in.Quantiles[3*n/4] - in.Quantiles[n/4]; iqr > 0 {
				s.InIQR = finite((median - trained) / iqr)
			}
			low, _ := slices.BinarySearch(v, in.Quantiles[0])
			high, found := slices.BinarySearch(v, in.Quantiles[n])
			for found && high < len(v) && v[high] == in.Quantiles[n] {
				high++
			}
			s.Outside = float64(low+len(v)-high) / float64(len(v))
		}
		out = append(out, s)
	}
	size := func(s Shift) float64 {
		if s.InIQR == nil {
			return 0
		}
		return math.Abs(*s.InIQR)
	}
	slices.SortStableFunc(out, func(a, b Shift) int {
		switch {
		case size(a) > size(b):
			return -1
		case size(a) < size(b):
			return 1
		}
		return 0
	})
	return out
}

// survivalCalibration compares predicted with observed survival at half of the follow-up.
func (one *outcomeRun) survivalCalibration() *SurvivalCalibration {
	p := one.result.Folds[0].Models[0]
	obs, err := survival.Observations(one.y)
	if err != nil || len(p.Times) == 0 {
		return nil
	}
	obs = survival.Cause(obs, 1)
	k := (len(p.Times) - 1) / 2
	c := &SurvivalCalibration{Horizon: p.Times[k]}
	sum := 0.0
	for i := range len(p.Risk) {
		sum += p.Survival[i*len(p.Times)+k]
	}
	c.Predicted = finite(sum / float64(len(p.Risk)))
	if km, err := survival.KaplanMeier(obs); err == nil {
		c.Observed = finite(km.At(p.Times[k]))
	}
	if kind, ok := models.Lookup("cox"); ok {
		o, _ := models.Check(kind.Params, map[string]any{"penalty": "none"})
		if l, err := kind.New(o); err == nil {
			x := models.Matrix{Columns: []table.Column{{Name: "risk"}}, Rows: len(p.Risk), Values: p.Risk}
			if m, err := l.Fit(context.Background(), models.Training{X: x, Y: one.y}); err == nil {
				if lin, ok := m.(interface {
					Linear() ([]float64, [][]float64, []float64)
				}); ok {
					_, b, _ := lin.Linear()
					c.Slope = finite(b[0][0])
				}
			}
		}
	}
	return c
}

func calibrationTable(m *ExternalMetrics) report.Table {
	t := report.Table{Title: "Calibration at this site", Head: []string{"", "value", "ideal"}}
	number := numberOrDash
	if c := m.Calibration; c != nil {
		t.Caption = "Intervals: " + c.Interval + "."
		t.Rows = [][]string{{"slope", withLimits(c.Slope, c.SlopeLow, c.SlopeHigh), "1"}, {"intercept", withLimits(c.Intercept, c.InterceptLow, c.InterceptHigh), "0"},
			{"in the large (intercept at slope 1)", withLimits(c.InTheLarge, c.InTheLargeLow, c.InTheLargeHigh), "0"}, {"expected calibration error", number(c.ECE), "0"}}
	}
	if c := m.Survival; c != nil {
		t.Rows = [][]string{{"slope of the risk in a Cox model", number(c.Slope), "1 for a log-hazard"}, {fmt.Sprintf("survival at %.4g: predicted", c.Horizon), number(c.Predicted), ""},
			{fmt.Sprintf("survival at %.4g: observed", c.Horizon), number(c.Observed), number(c.Predicted)}}
	}
	return t
}

func caseMixTable(all []Shift) report.Table {
	t := report.Table{Title: "How these patients differ", Caption: "The inputs whose median differs most from that of the training patients, in units of their interquartile range.",
		Head: []string{"input", "median here", "in training", "shift", "outside the range"}}
	number := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return strconv.FormatFloat(*v, 'g', 4, 64)
	}
	for _, s := range all[:min(15, len(all))] {
		t.Rows = append(t.Rows, []string{s.Column, number(s.Median), number(s.Trained), number(s.InIQR), strconv.FormatFloat(100*s.Outside, 'f', 0, 64) + " %"})
	}
	return t
}
