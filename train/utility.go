package train

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/models/survival"
)

// Utility is a decision curve: the net benefit of acting at a threshold, beside acting on everybody; acting on nobody has none.
type Utility struct {
	Class  string         `json:"class,omitempty"` // whom the action is for; empty for the event
	Time   *float64       `json:"time,omitempty"`  // by which the event counts; survival outcomes
	Points []UtilityPoint `json:"points"`
}

// UtilityPoint is the net benefit at a threshold probability.
type UtilityPoint struct {
	Threshold float64 `json:"threshold"`
	Model     float64 `json:"model"`
	All       float64 `json:"all"`
}

// utilityThresholds is how many thresholds a curve has, up to twice the share of those whom the action is for.
const utilityThresholds = 50

// utilities returns the decision curves of out-of-fold predictions, averaged over repeats: one for two classes, one a class for more, and
// for survival that of the event by half of the follow-up.
func (one *outcomeRun) utilities() ([]Utility, error) {
	if one.y.Kind == clinical.Survival {
		return one.survivalUtility()
	}
	all, err := one.againstRest()
	if err != nil {
		return nil, err
	}
	var out []Utility
	for _, b := range all {
		u := Utility{Class: b.class}
		for _, t := range thresholds(b.Prevalence()) {
			model, everybody := b.NetBenefit(t)
			u.Points = append(u.Points, UtilityPoint{t, model, everybody})
		}
		out = append(out, u)
	}
	return out, nil
}

func thresholds(share float64) []float64 {
	last := min(0.99, 2*share)
	out := make([]float64, utilityThresholds)
	for k := range out {
		out[k] = last * float64(k+1) / utilityThresholds
	}
	return out
}

func (one *outcomeRun) survivalUtility() ([]Utility, error) {
	p := one.result.Pool(-1, len(one.rows))
	n := len(p.Prediction.Times)
	if n == 0 {
		return nil, nil
	}
	k := (n - 1) / 2
	t := p.Prediction.Times[k]
	all, err := survival.Observations(one.y.Select(p.Rows))
	if err != nil {
		return nil, err
	}
	all = survival.Cause(all, 1)
	var obs []survival.Observation
	var risk []float64
	for i := range p.Rows {
		if s := p.Survival[i*n+k]; !math.IsNaN(s) {
			obs, risk = append(obs, all[i]), append(risk, min(1, max(0, 1-s)))
		}
	}
	if len(obs) < 2*smallest {
		return nil, nil
	}
	c, err := survival.KaplanMeier(obs)
	if err != nil {
		return nil, err
	}
	if share := 1 - c.At(t); share > 0 {
		u := Utility{Time: &t}
		for _, at := range thresholds(share) {
			model, everybody, err := survival.NetBenefit(obs, risk, t, at)
			if err != nil {
				return nil, err
			}
			u.Points = append(u.Points, UtilityPoint{at, model, everybody})
		}
		return []Utility{u}, nil
	}
	return nil, nil
}

// decision draws decision curves [Vickers2006]. Acting on everybody is drawn where one curve is there alone.
//
// [Vickers2006]: https://doi.org/10.1177/0272989X06295361
func (one *outcomeRun) decision() (f figure.Figure, caption string, ok bool, err error) {
	all, err := one.utilities()
	if err != nil || len(all) == 0 {
		return f, "", false, err
	}
	var curves []figure.Curve
	last := 0.0
	for _, u := range all {
		c := figure.Curve{Name: "the procedure"}
		if len(all) > 1 {
			c.Name = u.Class
		}
		for _, p := range u.Points {
			c.X, c.Y = append(c.X, p.Threshold), append(c.Y, max(p.Model, -0.1))
			last = max(last, p.Threshold)
		}
		curves = append(curves, c)
	}
	caption = "Net benefit of acting at a threshold, beside acting on everybody and on nobody (Vickers and Elkin 2006)."
	if len(all) > 1 {
		caption = "Net benefit of acting at a threshold on patients of a class against the rest, beside acting on nobody (Vickers and Elkin 2006)."
	} else {
		everybody := figure.Curve{Name: "treat all"}
		for _, p := range all[0].Points {
			if p.All > -0.1 {
				everybody.X, everybody.Y = append(everybody.X, p.Threshold), append(everybody.Y, p.All)
			}
		}
		if len(everybody.X) > 1 {
			curves = append(curves, everybody)
		}
	}
	if t := all[0].Time; t != nil {
		caption = fmt.Sprintf("Net benefit of acting when the predicted risk of the event by %.4g %s passes a threshold, beside acting on everybody and on nobody, by Kaplan–Meier estimates (Vickers and others 2008).", *t, one.y.Unit)
	}
	curves = append(curves, figure.Curve{Name: "treat none", X: []float64{0, last}, Y: []float64{0, 0}})
	f, err = figure.Lines("", "Threshold probability", "Net benefit", curves)
	return f, caption, true, err
}
