package train

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/models/survival"
)

// roc draws the out-of-fold curve of the procedure, one a class where there are more than two.
func (one *outcomeRun) roc(level float64) (figure.Figure, error) {
	all, err := one.againstRest()
	if err != nil {
		return figure.Figure{}, err
	}
	var curves []figure.Curve
	for _, b := range all {
		c := figure.Curve{Name: b.class, Note: fmt.Sprintf("AUC %.2f", b.AUC())}
		for _, pt := range b.ROC() {
			c.X, c.Y = append(c.X, 1-pt.Specificity), append(c.Y, pt.Sensitivity)
		}
		if len(one.y.Classes) == 2 {
			c.Name = "the procedure"
			if len(one.measures) > 0 && one.measures[0].Name == "auc" {
				e := one.estimate(one.measures[0], -1, level)
				if c.Note = fmt.Sprintf("AUC %.2f", e.Value); !math.IsNaN(e.Low) {
					c.Note = fmt.Sprintf("mean AUC %.2f (%.2f to %.2f)", e.Value, e.Low, e.High)
				}
			}
		}
		curves = append(curves, c)
	}
	return figure.ROC("", curves)
}

// reliability draws observed against predicted in groups of equal size, one series a class where there are more than two.
func (one *outcomeRun) reliability(level float64) (figure.Figure, error) {
	var all []figure.Reliability
	for _, c := range one.calibrations(level) {
		r := figure.Reliability{Name: "the procedure"}
		if c.Class != "" {
			r.Name = c.Class
		}
		for _, bin := range c.Curve {
			r.Predicted, r.Observed, r.Count = append(r.Predicted, bin.Predicted), append(r.Observed, bin.Observed), append(r.Count, bin.Patients)
			if c.Class == "" { // the intervals of several classes would cover each other
				r.Low, r.High = append(r.Low, bin.Low), append(r.High, bin.High)
			}
		}
		all = append(all, r)
	}
	return figure.Calibration("", all)
}

// wilson is the score interval of a share (Wilson 1927).
func wilson(share, n, level float64) (low, high float64) {
	z := distuv.UnitNormal.Quantile((1 + level) / 2)
	middle := (share + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

// riskGroups returns the groups' names and what became of the patients in each, by cuts fixed on the training rows of each fold.
func (one *outcomeRun) riskGroups() (names []string, members [][]survival.Observation, err error) {
	p := one.result.Pool(-1, len(one.rows))
	all, err := survival.Observations(one.y.Select(p.Rows))
	if err != nil {
		return nil, nil, err
	}
	all = survival.Cause(all, 1)
	if names = one.kept.Groups.Names; len(names) == 0 {
		names = []string{"low", "high"}
	}
	members = make([][]survival.Observation, len(names))
	for i, g := range p.Group {
		members[g] = append(members[g], all[i])
	}
	return names, members, nil
}

// kaplanMeier draws survival of the risk groups.
func (one *outcomeRun) kaplanMeier(level float64) (figure.Figure, string, error) {
	names, members, err := one.riskGroups()
	if err != nil {
		return figure.Figure{}, "", err
	}
	caption := "Each patient's group is the one that models which had not seen the patient gave most often, by the median risk of their training patients."
	if one.scheme == external {
		caption = "Groups by the cuts that were fixed in training."
	}
	var groups []figure.Group
	for g, name := range names {
		if len(members[g]) == 0 {
			continue
		}
		c, err := survival.KaplanMeier(members[g])
		if err != nil {
			return figure.Figure{}, "", err
		}
		low, high := c.Interval(level, survival.LogLog)
		groups = append(groups, figure.Group{Name: name + " risk", Note: fmt.Sprintf("%d patients", len(members[g])), Curve: c, Low: low, High: high})
	}
	if len(groups) < 2 {
		caption += " All patients fell into one group."
	}
	f, err := figure.KaplanMeier("", one.y.Unit, groups)
	return f, caption, err
}

// precisionRecall draws the curve of the procedure, or one a class.
func (one *outcomeRun) precisionRecall() (figure.Figure, error) {
	all, err := one.againstRest()
	if err != nil {
		return figure.Figure{}, err
	}
	var curves []figure.Curve
	for _, b := range all {
		c := figure.Curve{Name: "the procedure"}
		if len(all) > 1 {
			c.Name, c.Note = b.class, fmt.Sprintf("average precision %.2f of %.2f", b.AveragePrecision(), b.Prevalence())
		}
		for _, pt := range b.PrecisionRecall() {
			if !math.IsNaN(pt.Precision) {
				c.X, c.Y = append(c.X, pt.Recall), append(c.Y, pt.Precision)
			}
		}
		curves = append(curves, c)
	}
	if len(all) == 1 {
		share := all[0].Prevalence()
		curves = append(curves, figure.Curve{Name: "everybody positive", X: []float64{0, 1}, Y: []float64{share, share}})
	}
	return figure.Lines("", "Sensitivity", "Precision", curves)
}

// horizonGroups compares predicted with observed survival in groups of equal size, at half of the follow-up.
func (one *outcomeRun) horizonGroups(level float64) (t float64, groups []survival.CalibrationGroup, ok bool, err error) {
	p := one.result.Pool(-1, len(one.rows))
	n := len(p.Prediction.Times)
	if n == 0 {
		return 0, nil, false, nil
	}
	k := (n - 1) / 2
	var rows []int
	var predicted []float64
	for i, row := range p.Rows {
		if s := p.Survival[i*n+k]; !math.IsNaN(s) {
			rows, predicted = append(rows, row), append(predicted, min(1, max(0, s)))
		}
	}
	if len(rows) < 20 {
		return 0, nil, false, nil
	}
	obs, err := survival.Observations(one.y.Select(rows))
	if err != nil {
		return 0, nil, false, err
	}
	t = p.Prediction.Times[k]
	groups, err = survival.CalibrationAt(survival.Cause(obs, 1), predicted, t, min(5, len(rows)/10), level)
	return t, groups, err == nil, err
}

// calibrationAt draws them.
func (one *outcomeRun) calibrationAt(level float64) (f figure.Figure, caption string, ok bool, err error) {
	t, groups, ok, err := one.horizonGroups(level)
	if err != nil || !ok {
		return f, "", false, err
	}
	r := figure.Reliability{Name: "the procedure"}
	for _, g := range groups {
		if math.IsNaN(g.Observed) || math.IsNaN(g.Low) || math.IsNaN(g.High) {
			continue
		}
		r.Predicted, r.Observed = append(r.Predicted, g.Predicted), append(r.Observed, g.Observed)
		r.Low, r.High, r.Count = append(r.Low, g.Low), append(r.High, g.High), append(r.Count, g.Patients)
	}
	if len(r.Predicted) == 0 {
		return f, "", false, nil
	}
	f, err = figure.Calibration("", []figure.Reliability{r})
	return f, fmt.Sprintf("Survival at %.4g %s: mean prediction and Kaplan–Meier estimate of groups of equal size; out of fold.", t, one.y.Unit), true, err
}
