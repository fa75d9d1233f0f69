package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/leakage"
	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"
)

// ExternalOptions are how a bundle is judged on other patients.
type ExternalOptions struct {
	Output string
	Level  float64   // of intervals; 0 is 0.95
	Update Update    // empty leaves the bundle as it is
	Log    io.Writer // nil means none

	// Experiment is the experiment file that the cohort is of, or nil. Patients whom it locks are left out, or with OpenLocked they are
	// the cohort. Again is the reason for doing so another time.
	Experiment *config.Experiment
	OpenLocked bool
	Again      string
}

// external is the scheme of one fixed model on patients of elsewhere.
const external validate.Scheme = "external"

// External judges a bundle on a cohort that it was not trained on and leaves metrics.json, predictions.csv, report.html and run.json in
// the output folder. Outcomes are those of the cohort that the bundle predicts under the same name.
func External(ctx context.Context, b *bundle.Bundle, cfg cohort.Config, dir string, o ExternalOptions) (*Summary, error) {
	if o.Level == 0 {
		o.Level = 0.95
	}
	e := &config.Experiment{Name: b.Name, Config: cfg, Dir: dir, Output: o.Output}
	if x := o.Experiment; x != nil {
		e.Seed, e.File, e.Validation.Locked = x.Seed, x.File, x.Validation.Locked
	}
	e.Validation.Level = o.Level
	r, err := newRun(e, Options{Log: o.Log}, b.Config)
	if err != nil {
		return nil, err
	}
	cfg.UseScales(b.Sources)
	c, err := r.loadCohort(ctx, r.pool)
	if err != nil {
		return nil, err
	}
	var opening *Opening
	if c, opening, err = r.openOrKeep(c, b, o); err != nil {
		return nil, &InputError{err}
	}
	if c.Unit != b.Unit {
		return nil, &InputError{fmt.Errorf("the bundle predicts %s and the cohort has a row a %s: say cohort: {unit: %s}", b.Unit.Plural(), c.Unit, b.Unit)}
	}
	r.use(c)
	if r.all, err = b.Align(c.Table); err != nil {
		return nil, &InputError{err}
	}
	r.all.Volumes = Volumes(c)
	for _, whole := range c.Outcomes {
		at := slices.IndexFunc(b.Outcomes, func(o bundle.Outcome) bool { return o.Name == whole.Name })
		if at < 0 {
			r.logf("outcome %s: the bundle does not predict it", whole.Name)
			continue
		}
		one, err := r.external(ctx, b, &b.Outcomes[at], whole)
		if err != nil {
			return nil, &InputError{fmt.Errorf("outcome %s: %w", whole.Name, err)}
		}
		r.results = append(r.results, one)
	}
	if len(r.results) == 0 {
		return nil, &InputError{fmt.Errorf("the cohort has no outcome of the bundle's: %v", outcomeNames(b))}
	}
	var updates []UpdateResult
	if o.Update != "" {
		if updates, err = r.update(b, o.Update); err != nil {
			return nil, &InputError{fmt.Errorf("update: %w", err)}
		}
		for _, u := range updates {
			r.logf("outcome %s: %s updated by %d patients; %s on %d held-out patients %.4f before, %.4f after", u.Outcome, u.Method, u.Patients, u.Measure, u.HeldOut, u.Before, u.After)
		}
	}
	return r.writeExternal(b, updates, opening)
}

// openOrKeep leaves the locked patients out, or opens them and leaves all others out.
func (r *run) openOrKeep(c *cohort.Cohort, b *bundle.Bundle, o ExternalOptions) (*cohort.Cohort, *Opening, error) {
	out, err := r.setApart(c, o.OpenLocked)
	if err != nil || !o.OpenLocked {
		return out, nil, err
	}
	switch trained := trainedLocked(b); {
	case r.locked == nil:
		return nil, nil, errors.New("--open-locked: the experiment locks no patients (validation.locked)")
	case o.Update != "":
		return nil, nil, errors.New("--open-locked: a model that is updated by locked patients has seen them; leave out --update")
	case trained == nil || trained.Digest != r.locked.Digest:
		return nil, nil, errors.New("--open-locked: the bundle was not trained with these patients set apart, so it may have seen them; train it again from this experiment and seed")
	}
	opening, err := openLocked(LockedLog(r.e), b, *r.locked, o.Again)
	if err != nil {
		return nil, nil, err
	}
	r.logf("locked: %d patients opened, written to %s", r.locked.Patients, LockedLog(r.e))
	return out, &opening, nil
}

func outcomeNames(b *bundle.Bundle) []string {
	var out []string
	for _, o := range b.Outcomes {
		out = append(out, o.Name)
	}
	return out
}

// external predicts the patients whose outcome is known and sets the predictions beside what happened.
func (r *run) external(ctx context.Context, b *bundle.Bundle, o *bundle.Outcome, whole clinical.Outcome) (*outcomeRun, error) {
	if whole.Kind != o.Kind {
		return nil, fmt.Errorf("it is of kind %s here and %s in the bundle", whole.Kind, o.Kind)
	}
	y, err := inTermsOf(o, whole)
	if err != nil {
		return nil, err
	}
	one := &outcomeRun{unit: r.unit, rows: known(y), scheme: external}
	one.y = y.Select(one.rows)
	if n := patientsIn(pickRows(r.number, one.rows)); n < smallest {
		return nil, fmt.Errorf("it is known of %d patients; ten are needed", n)
	}
	one.x = r.all.Select(one.rows)
	one.study.Rows = validate.Rows{Outcome: one.y, Patient: pickRows(r.number, one.rows)}
	request := bundle.Request{Outcomes: []string{o.Name}}
	if o.Kind == clinical.Survival {
		for k := 1; k <= curvePoints && o.FollowUp.Limit > 0; k++ {
			request.Times = append(request.Times, bundle.Time{Value: o.FollowUp.Limit * float64(k) / curvePoints, Unit: o.Unit})
		}
	}
	answers, err := b.Predict(ctx, one.x, request)
	if err != nil {
		return nil, err
	}
	p := validate.Prediction{Prediction: models.Prediction{Kind: o.Kind, Rows: len(answers), Classes: o.Classes}, Prevalence: o.Threshold, Cuts: o.Groups.Cuts}
	if p.Prevalence == 0 {
		p.Prevalence = 0.5
	}
	outside := 0
	for _, a := range answers {
		answer := a.Outcomes[0]
		p.Probabilities = append(p.Probabilities, answer.Probabilities...)
		if o.Kind == clinical.Survival {
			p.Risk, p.Times, p.Survival = append(p.Risk, answer.Risk), answer.Times, append(p.Survival, answer.Survival...)
		}
		if slices.ContainsFunc(a.Warnings, func(w bundle.Warning) bool { return w.Code == bundle.OutOfRange || w.Code == bundle.UnseenLevel }) {
			outside++
		}
	}
	one.study.Times = p.Times
	fold := validate.Fold{Name: "this cohort", Test: seq(len(one.rows))}
	one.folds = []validate.Fold{fold}
	one.result = validate.Result{Folds: []validate.FoldResult{{Fold: fold, Choice: validate.Choice{Chosen: []int{0}}, Models: []validate.Prediction{p}}},
		Final: validate.Choice{Chosen: []int{0}}}
	one.models = []config.Model{{Name: b.Name}}
	one.study.Procedure = validate.Procedure{Models: []validate.Entry{{Name: b.Name, Candidates: make([]validate.Candidate, 1)}}}
	one.measures = validate.Measures(one.y, validate.Holdout)
	one.interval = validate.OneSet
	one.kept = *o
	if outside > 0 {
		one.notes = append(one.notes, fmt.Sprintf("%d of %d %s have a value outside what training saw.", outside, len(one.rows), r.unit.Plural()))
	}
	return one, nil
}

// inTermsOf returns the outcome with the classes of the bundle, in its order, and times in its unit.
func inTermsOf(o *bundle.Outcome, y clinical.Outcome) (clinical.Outcome, error) {
	if o.Kind == clinical.Class {
		to := make([]int, len(y.Classes))
		for k, name := range y.Classes {
			if to[k] = slices.Index(o.Classes, name); to[k] < 0 {
				return y, fmt.Errorf("class %q is not one of the bundle's: %v", name, o.Classes)
			}
		}
		class := make([]int, len(y.Class))
		for i, c := range y.Class {
			if class[i] = -1; c >= 0 {
				class[i] = to[c]
			}
		}
		y.Classes, y.Class = o.Classes, class
		return y, nil
	}
	convert := func(v []float64) ([]float64, error) {
		if v == nil {
			return nil, nil
		}
		out := make([]float64, len(v))
		for i, t := range v {
			var err error
			if out[i], err = bundle.Convert(t, y.Unit, o.Unit); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	var err error
	if y.Time, err = convert(y.Time); err != nil {
		return y, err
	}
	if y.Entry, err = convert(y.Entry); err != nil {
		return y, err
	}
	y.Unit = o.Unit
	return y, nil
}

// ExternalMetrics is one outcome's part of the metrics.json of an external validation.
type ExternalMetrics struct {
	Kind        clinical.OutcomeKind `json:"kind"`
	Patients    int                  `json:"patients"`
	Events      *int                 `json:"events,omitempty"`
	Classes     map[string]int       `json:"classes,omitempty"`
	Interval    string               `json:"interval"`
	Level       float64              `json:"level"`
	Headline    Estimates            `json:"headline"`
	Calibration *Calibration         `json:"calibration,omitempty"`
	ByClass     []Calibration        `json:"calibration_by_class,omitempty"`
	Decision    []Utility            `json:"decision_curves,omitempty"`
	Survival    *SurvivalCalibration `json:"calibration_survival,omitempty"`
	OverTime    *OverTime            `json:"over_time,omitempty"`
	CaseMix     []Shift              `json:"case_mix"`
	Update      *UpdateResult        `json:"update,omitempty"`
}

// writeExternal writes the files of an external validation.
func (r *run) writeExternal(b *bundle.Bundle, updates []UpdateResult, opening *Opening) (*Summary, error) {
	level := r.e.Validation.Level
	all := map[string]*ExternalMetrics{}
	page := report.Report{Kind: "external validation", Name: r.e.Name, Made: r.started, Config: string(b.Config), Level: level, Flow: r.flow()}
	s := &Summary{Output: r.e.Output}
	var loud []string
	if opening != nil {
		page.Kind = "locked hold-out"
		text := fmt.Sprintf("The locked hold-out of the experiment: %d patients whom nothing had looked at, opened on %s (opening %d; hash %.12s).", opening.Patients, opening.At.Format("2 January 2006, 15:04 UTC"), opening.Number, opening.Hash)
		if opening.Number > 1 {
			text = fmt.Sprintf("This is opening number %d of the same locked patients (reason given: %s). Its numbers are no longer those of a hold-out.", opening.Number, opening.Reason)
			loud = append(loud, text)
			page.Audit = append(page.Audit, report.Finding{Level: leakage.Warning, Text: text})
		} else {
			page.Audit = append(page.Audit, report.Finding{Level: leakage.Note, Text: text})
		}
	} else if r.locked != nil {
		page.Audit = append(page.Audit, report.Finding{Level: leakage.Note, Text: "Without the locked hold-out. " + r.lockedNote})
	}
	for _, one := range r.results {
		m := &ExternalMetrics{Kind: one.y.Kind, Patients: patientsIn(one.study.Rows.Patient), Interval: validate.OneSet, Level: level, Headline: Estimates{}, CaseMix: caseMix(b, one.x)}
		if one.y.Kind == clinical.Survival {
			_, n := one.scarce()
			m.Events, m.Survival, m.OverTime = &n, one.survivalCalibration(), one.overTime(level)
		} else {
			m.Classes = classCounts(one.y)
			m.Calibration, m.ByClass = one.calibrationsOf(level)
		}
		var err error
		if m.Decision, err = one.utilities(); err != nil {
			return nil, fmt.Errorf("outcome %s: decision curve: %w", one.y.Name, err)
		}
		section := report.Outcome{Name: one.y.Name, Kind: string(one.y.Kind), Description: one.counts() + ", none of whom the model was trained on.", Interval: validate.OneSet, Notes: one.notes, Warnings: slices.Clone(loud)}
		line := OutcomeSummary{Name: one.y.Name, Interval: "one set of patients", Selected: b.Name}
		for k, measure := range one.measures {
			e := one.estimate(measure, -1, level)
			m.Headline[measure.Name] = toJSON(e)
			section.Headline = append(section.Headline, report.Estimate{Title: measure.Title, Value: e.Value, Low: e.Low, High: e.High})
			if k == 0 {
				line.Measure, line.Estimate = measure.Title, e
				if e.Low <= measure.Chance {
					section.Warnings = append(section.Warnings, fmt.Sprintf("The interval of the %s reaches down to %.3f: at this site the model was not shown to do better than chance.", measure.Title, e.Low))
				}
			}
		}
		line.Warnings, line.Lines = section.Warnings, siteLines(b, one, m)
		if t, ok := one.calibrationMeasures(level); ok && len(m.ByClass) > 0 {
			section.Tables = append(section.Tables, t)
		} else {
			section.Tables = append(section.Tables, calibrationTable(m))
		}
		if t, ok := one.overTimeTable(level); ok {
			section.Tables = append(section.Tables, t)
		}
		section.Tables = append(section.Tables, caseMixTable(m.CaseMix))
		for _, u := range updates {
			if u.Outcome == one.y.Name {
				m.Update = &u
				section.Tables = append(section.Tables, report.Table{Title: "Update", Caption: fmt.Sprintf("A new version of the bundle, updated by %s on all %d patients here, lies beside this page. The comparison fits the update on half of them and judges the other half.", u.Method, u.Patients),
					Head: []string{"held-out patients", u.Measure + " before", "after"}, Rows: [][]string{{strconv.Itoa(u.HeldOut), report.Number(u.Before), report.Number(u.After)}}})
			}
		}
		if section.Figures, err = one.figures(level); err != nil {
			return nil, err
		}
		page.Outcomes = append(page.Outcomes, section)
		s.Outcomes = append(s.Outcomes, line)
		all[one.y.Name] = m
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := r.saveResults(append(text, '\n')); err != nil {
		return nil, err
	}
	page.Versions = []report.Pair{{Name: "program", Value: Version()}, {Name: "bundle", Value: b.Version()}}
	for _, name := range sortedKeys(r.hashes) {
		page.Hashes = append(page.Hashes, report.Pair{Name: name, Value: r.hashes[name]})
	}
	page.Seconds = time.Since(r.started).Seconds()
	var html bytes.Buffer
	if err := page.Write(&html); err != nil {
		return nil, err
	}
	s.Seconds = time.Since(r.started).Seconds()
	return s, r.saveReport(html.Bytes())
}

// siteLines are what the terminal says of a site: calibration, case mix, and how common the outcome is.
func siteLines(b *bundle.Bundle, one *outcomeRun, m *ExternalMetrics) []string {
	var out []string
	if c := m.Calibration; c != nil {
		out = append(out, fmt.Sprintf("calibration: intercept %s, slope %s; intercept at slope 1 %s", withLimits(c.Intercept, c.InterceptLow, c.InterceptHigh),
			withLimits(c.Slope, c.SlopeLow, c.SlopeHigh), withLimits(c.InTheLarge, c.InTheLargeLow, c.InTheLargeHigh)))
	}
	if c := m.Survival; c != nil {
		out = append(out, fmt.Sprintf("calibration: slope of the risk %s; survival at %.4g %s predicted %s, observed %s", numberOrDash(c.Slope), c.Horizon, one.y.Unit, numberOrDash(c.Predicted), numberOrDash(c.Observed)))
	}
	if t := one.kept.Threshold; len(one.y.Classes) == 2 && t > 0 {
		out = append(out, fmt.Sprintf("case mix: %s of %.0f %% of patients here and %.0f %% in training", one.y.Classes[1], 100*prevalence(one.y), 100*t))
	}
	const most = 5
	var shifts []string
	for _, s := range m.CaseMix[:min(most, len(m.CaseMix))] {
		if s.InIQR != nil {
			shifts = append(shifts, fmt.Sprintf("%s %+.2f", s.Column, *s.InIQR))
		}
	}
	if len(shifts) > 0 {
		out = append(out, fmt.Sprintf("case mix: of %d numeric inputs the medians differ most, in interquartile ranges of training, in %s", len(m.CaseMix), strings.Join(shifts, ", ")))
	}
	return out
}

func classCounts(y clinical.Outcome) map[string]int {
	n := map[string]int{}
	for _, c := range y.Class {
		n[y.Classes[c]]++
	}
	return n
}
