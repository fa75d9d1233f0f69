package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/models/survival"
	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"
)

// OverTime is how the procedure's survival predictions do at several times, in metrics.json.
type OverTime struct {
	Unit string `json:"unit"`
	// Times are spread over the follow-up: measures of each fold's test rows, weighed by the censoring of its training rows, averaged as
	// the headline is.
	Times        []TimePoint    `json:"times"`
	DCalibration *DCalibration  `json:"d_calibration,omitempty"`
	Calibration  *HorizonGroups `json:"calibration,omitempty"`
	RiskGroups   []RiskGroup    `json:"risk_groups,omitempty"`
}

// TimePoint is the measures at a time.
type TimePoint struct {
	Time     float64  `json:"time"`
	AUC      Estimate `json:"auc"`
	Brier    Estimate `json:"brier"`
	Marginal *float64 `json:"brier_kaplan_meier"` // of predicting the training rows' Kaplan–Meier estimate for everybody
}

// DCalibration is Haider's test that predicted survival at patients' own event times is spread evenly, on out-of-fold predictions.
type DCalibration struct {
	Patients  int       `json:"patients"`
	Bins      []float64 `json:"bins"`
	Statistic float64   `json:"statistic"`
	P         float64   `json:"p"`
}

// HorizonGroups compares predicted with observed survival at half of the follow-up in groups of equal size.
type HorizonGroups struct {
	Time   float64        `json:"time"`
	Groups []HorizonGroup `json:"groups"`
}

// HorizonGroup is one of them.
type HorizonGroup struct {
	Patients  int      `json:"patients"`
	Predicted *float64 `json:"predicted"`
	Observed  *float64 `json:"observed"` // Kaplan–Meier
	Low       *float64 `json:"low"`
	High      *float64 `json:"high"`
}

// RiskGroup is the patients that models which had not seen them put in a group, by cuts fixed on training rows.
type RiskGroup struct {
	Name     string     `json:"name"`
	Patients int        `json:"patients"`
	Events   int        `json:"events"`
	Survival []*float64 `json:"survival"` // Kaplan–Meier at the times
}

const dBins = 10

// overTime judges a survival outcome over time; nil for others, and where no curves were kept.
func (one *outcomeRun) overTime(level float64) *OverTime {
	if one.y.Kind != clinical.Survival || len(one.study.Times) == 0 || len(one.measures) == 0 || one.scheme == validate.LeaveOneOut {
		return nil
	}
	if one.overtime != nil {
		return one.overtime
	}
	points := 10
	if one.interval == validate.OverPatients || one.interval == validate.OneSet {
		points = 5 // each interval is a thousand samples of patients
	}
	out := &OverTime{Unit: one.y.Unit}
	n := len(one.study.Times)
	for k := range points {
		t := one.study.Times[(k+1)*n/points-1]
		m := validate.AtTime(t)
		p := TimePoint{Time: t, AUC: toJSON(one.estimate(m[0], -1, level)), Brier: toJSON(one.estimate(m[1], -1, level))}
		p.Marginal = finite(validate.Summarise(one.scheme, one.folds, one.result.Scores(m[2], one.y, -1), level, m[2].Bounds).Value)
		if p.AUC.Value == nil && p.Brier.Value == nil {
			continue
		}
		out.Times = append(out.Times, p)
	}
	out.DCalibration = one.dCalibration()
	if t, groups, ok, err := one.horizonGroups(level); err == nil && ok {
		out.Calibration = &HorizonGroups{Time: t}
		for _, g := range groups {
			out.Calibration.Groups = append(out.Calibration.Groups, HorizonGroup{g.Patients, finite(g.Predicted), finite(g.Observed), finite(g.Low), finite(g.High)})
		}
	}
	if names, members, err := one.riskGroups(); err == nil {
		for g, name := range names {
			if len(members[g]) == 0 {
				continue
			}
			c, err := survival.KaplanMeier(members[g])
			if err != nil {
				continue
			}
			group := RiskGroup{Name: name, Patients: len(members[g])}
			for _, o := range members[g] {
				group.Events += o.Event
			}
			for _, p := range out.Times {
				group.Survival = append(group.Survival, finite(c.At(p.Time)))
			}
			out.RiskGroups = append(out.RiskGroups, group)
		}
	}
	one.overtime = out
	return out
}

// dCalibration tests the out-of-fold predictions, averaged over repeats. Between the times at which curves are kept they are taken as
// straight, and a follow-up past the last of them is censored there.
func (one *outcomeRun) dCalibration() *DCalibration {
	p := one.result.Pool(-1, len(one.rows))
	width := len(p.Prediction.Times)
	all, err := survival.Observations(one.y.Select(p.Rows))
	if err != nil || width == 0 {
		return nil
	}
	var obs []survival.Observation
	var own []float64
	for i, o := range survival.Cause(all, 1) {
		curve := p.Survival[i*width : (i+1)*width]
		last := slices.IndexFunc(curve, math.IsNaN)
		if last < 0 {
			last = width
		}
		if last == 0 {
			continue
		}
		times := p.Prediction.Times[:last]
		if o.Time > times[last-1] {
			o.Time, o.Event = times[last-1], 0
		}
		obs, own = append(obs, o), append(own, min(1, max(0, between(times, curve, o.Time))))
	}
	d, err := survival.NewDCalibration(obs, own, dBins)
	if err != nil || len(obs) < 5*dBins {
		return nil // fewer than five expected in a bin
	}
	return &DCalibration{len(obs), d.Bins, d.Statistic, d.P}
}

// between returns a curve, which is 1 at time 0, at a time up to its last.
func between(times, curve []float64, t float64) float64 {
	k, _ := slices.BinarySearch(times, t)
	if k == len(times) {
		return curve[k-1]
	}
	from, at := 0.0, 1.0
	if k > 0 {
		from, at = times[k-1], curve[k-1]
	}
	return at + (curve[k]-at)*(t-from)/(times[k]-from)
}

// overTimeFigures draws AUC and Brier score over time.
func (one *outcomeRun) overTimeFigures(level float64) (auc, brier figure.Figure, ok bool, err error) {
	o := one.overTime(level)
	if o == nil || len(o.Times) < 2 {
		return auc, brier, false, nil
	}
	curve := func(name string, value func(TimePoint) *float64) figure.Curve {
		c := figure.Curve{Name: name}
		for _, p := range o.Times {
			if v := value(p); v != nil {
				c.X, c.Y = append(c.X, p.Time), append(c.Y, *v)
			}
		}
		return c
	}
	drawn := func(title string, all ...figure.Curve) (figure.Figure, error) {
		all = slices.DeleteFunc(all, func(c figure.Curve) bool { return len(c.X) < 2 })
		if len(all) == 0 {
			return figure.Figure{}, nil
		}
		return figure.Lines("", "Time ("+o.Unit+")", title, all)
	}
	limits := fmt.Sprintf("%g %% interval", 100*level)
	auc, err = drawn("AUC", curve("the procedure", func(p TimePoint) *float64 { return p.AUC.Value }), curve(limits+", lower", func(p TimePoint) *float64 { return p.AUC.Low }),
		curve(limits+", upper", func(p TimePoint) *float64 { return p.AUC.High }))
	if err == nil {
		brier, err = drawn("Brier score", curve("the procedure", func(p TimePoint) *float64 { return p.Brier.Value }),
			curve("Kaplan–Meier of the training patients", func(p TimePoint) *float64 { return p.Marginal }))
	}
	return auc, brier, err == nil && auc.SVG != nil && brier.SVG != nil, err
}

// overTimeTable shows the same as numbers, and D-calibration.
func (one *outcomeRun) overTimeTable(level float64) (report.Table, bool) {
	o := one.overTime(level)
	if o == nil || len(o.Times) == 0 {
		return report.Table{}, false
	}
	t := report.Table{Title: "Over time", Head: []string{"time (" + o.Unit + ")", "AUC", "Brier score", "Brier of Kaplan–Meier"},
		Caption: "Means over folds, weighed by the censoring of each fold's training patients. A useful model's Brier score is below that of predicting the training patients' Kaplan–Meier estimate for everybody."}
	if one.scheme == external {
		t.Head, t.Caption = t.Head[:3], "Weighed by the censoring of these patients."
	}
	text := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return report.Number(*v)
	}
	whole := func(e Estimate) string {
		s := text(e.Value)
		if e.Low != nil && e.High != nil {
			s += " (" + text(e.Low) + " to " + text(e.High) + ")"
		}
		return s
	}
	for _, p := range o.Times {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("%.4g", p.Time), whole(p.AUC), whole(p.Brier), text(p.Marginal)}[:len(t.Head)])
	}
	if d := o.DCalibration; d != nil {
		t.Caption += fmt.Sprintf(" D-calibration (Haider and others 2020) of %d curves in %d bins: chi-squared %.1f, p %s; a small p says that the curves are not calibrated.",
			d.Patients, len(d.Bins), d.Statistic, report.PValue(d.P))
	}
	return t, true
}
