package train

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/models/survival"
	"github.com/voxgene/voxgene/train/validate"
)

// roc draws the out-of-fold curve of the procedure, one a class where there are more than two.
func (one *outcomeRun) roc(level float64) (figure.Figure, error) {
	p := one.result.Pool(-1, len(one.rows))
	y := one.y.Select(p.Rows)
	curve := func(name string, b *metrics.Binary) figure.Curve {
		c := figure.Curve{Name: name}
		for _, pt := range b.ROC() {
			c.X, c.Y = append(c.X, 1-pt.Specificity), append(c.Y, pt.Sensitivity)
		}
		return c
	}
	var curves []figure.Curve
	if len(y.Classes) == 2 {
		b, err := validate.Binary(y, p.Prediction)
		if err != nil {
			return figure.Figure{}, err
		}
		c := curve("the procedure", b)
		if len(one.measures) > 0 && one.measures[0].Name == "auc" {
			if e := one.estimate(one.measures[0], -1, level); !math.IsNaN(e.Low) {
				c.Note = fmt.Sprintf("mean AUC %.2f (%.2f to %.2f)", e.Value, e.Low, e.High)
			} else {
				c.Note = fmt.Sprintf("AUC %.2f", e.Value)
			}
		}
		curves = append(curves, c)
	} else {
		m, err := metrics.NewMulticlass(y.Class, p.Probabilities, len(y.Classes))
		if err != nil {
			return figure.Figure{}, err
		}
		for k, b := range m.OneVersusRest() {
			if b.Positives() > 0 && b.Negatives() > 0 {
				c := curve(y.Classes[k], b)
				c.Note = fmt.Sprintf("AUC %.2f", b.AUC())
				curves = append(curves, c)
			}
		}
	}
	return figure.ROC("", curves)
}

// reliability draws observed against predicted in groups of equal size.
func (one *outcomeRun) reliability(level float64) (figure.Figure, error) {
	p := one.result.Pool(-1, len(one.rows))
	b, err := validate.Binary(one.y.Select(p.Rows), p.Prediction)
	if err != nil {
		return figure.Figure{}, err
	}
	r := figure.Reliability{Name: "the procedure"}
	for _, bin := range b.BinsByCount(min(10, max(2, b.Rows()/10))) {
		if bin.Rows == 0 {
			continue
		}
		low, high := wilson(bin.Observed, float64(bin.Rows), level)
		r.Predicted, r.Observed = append(r.Predicted, bin.Predicted), append(r.Observed, bin.Observed)
		r.Low, r.High, r.Count = append(r.Low, low), append(r.High, high), append(r.Count, bin.Rows)
	}
	return figure.Calibration("", []figure.Reliability{r})
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
	p := one.result.Pool(-1, len(one.rows))
	b, err := validate.Binary(one.y.Select(p.Rows), p.Prediction)
	if err != nil {
		return figure.Figure{}, err
	}
	c := figure.Curve{Name: "the procedure"}
	for _, pt := range b.PrecisionRecall() {
		if !math.IsNaN(pt.Precision) {
			c.X, c.Y = append(c.X, pt.Recall), append(c.Y, pt.Precision)
		}
	}
	chance := figure.Curve{Name: "everybody positive", X: []float64{0, 1}, Y: []float64{b.Prevalence(), b.Prevalence()}}
	return figure.Lines("", "Sensitivity", "Precision", []figure.Curve{c, chance})
}

// decision draws the net benefit of acting on the procedure's probabilities [Vickers2006] over thresholds up to twice the prevalence.
//
// [Vickers2006]: https://doi.org/10.1177/0272989X06295361
func (one *outcomeRun) decision() (figure.Figure, error) {
	p := one.result.Pool(-1, len(one.rows))
	b, err := validate.Binary(one.y.Select(p.Rows), p.Prediction)
	if err != nil {
		return figure.Figure{}, err
	}
	model, all, nobody := figure.Curve{Name: "the procedure"}, figure.Curve{Name: "treat all"}, figure.Curve{Name: "treat none"}
	last := min(0.99, 2*b.Prevalence())
	for k := 1; k <= 100; k++ {
		t := last * float64(k) / 100
		m, a := b.NetBenefit(t)
		model.X, model.Y = append(model.X, t), append(model.Y, m)
		if a > -0.1 {
			all.X, all.Y = append(all.X, t), append(all.Y, a)
		}
	}
	nobody.X, nobody.Y = []float64{0, last}, []float64{0, 0}
	return figure.Lines("", "Threshold probability", "Net benefit", []figure.Curve{model, all, nobody})
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
