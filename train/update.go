package train

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/calibrate"
	"github.com/voxgene/voxgene/models/linear"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/train/validate"
)

// Update is a way to fit a model to a new site without learning it anew.
type Update string

// The updates, as the command line names them.
const (
	Intercept      Update = "intercept"       // of the log-odds: the outcome is more or less common here
	Slope          Update = "slope"           // and how far apart they are
	BaselineHazard Update = "baseline_hazard" // of a Cox model
)

// minUpdateEvents is the number of patients of the rarer class, or of events, below which nothing is updated.
const minUpdateEvents = 20

// UpdateResult compares a model before and after its update on patients who took no part in it.
type UpdateResult struct {
	Outcome  string  `json:"outcome"`
	Method   Update  `json:"method"`
	Patients int     `json:"patients"` // on whom the kept update was fitted
	HeldOut  int     `json:"held_out"` // patients of the comparison
	Measure  string  `json:"measure"`
	Before   float64 `json:"before"`
	After    float64 `json:"after"`
}

// update writes a new version of the bundle, linked to the old one, beside the other files. Before and after are compared on half of the
// patients, with the update fitted on the other half; the one that is kept is fitted on all.
func (r *run) update(b *bundle.Bundle, method Update) ([]UpdateResult, error) {
	next := &bundle.Bundle{Name: b.Name, CreatedBy: b.CreatedBy, IntendedUse: b.IntendedUse, Patients: b.Patients, Unit: b.Unit, Metrics: b.Metrics, Inputs: b.Inputs, Sources: b.Sources, Abstain: b.Abstain, Outcomes: slices.Clone(b.Outcomes)}
	var results []UpdateResult
	for _, one := range r.results {
		at := slices.IndexFunc(next.Outcomes, func(o bundle.Outcome) bool { return o.Name == one.y.Name })
		o := &next.Outcomes[at]
		if (method == BaselineHazard) != (o.Kind == clinical.Survival) {
			continue
		}
		_, scarce := one.scarce()
		if scarce < minUpdateEvents {
			return nil, fmt.Errorf("outcome %s: %d events (or patients of the rarer class); an update wants %d", o.Name, scarce, minUpdateEvents)
		}
		half, err := validate.Plan(validate.Design{Scheme: validate.Holdout, TestFraction: 0.5}, one.study.Rows, work.Seed(0).Split("update"))
		if err != nil {
			return nil, err
		}
		trial, err := one.updated(o, method, half[0].Train)
		if err != nil {
			return nil, fmt.Errorf("outcome %s: %w", o.Name, err)
		}
		measure := "brier"
		if o.Kind == clinical.Survival {
			measure = "ibs"
		}
		res := UpdateResult{Outcome: o.Name, Method: method, Patients: patientsIn(one.study.Rows.Patient), HeldOut: patientsIn(pickRows(one.study.Rows.Patient, half[0].Test)), Measure: measure}
		if res.Before, err = one.scoreOf(o, o.Model, measure, half[0].Test); err != nil {
			return nil, err
		}
		if res.After, err = one.scoreOf(o, trial, measure, half[0].Test); err != nil {
			return nil, err
		}
		if o.Model, err = one.updated(o, method, seq(len(one.rows))); err != nil {
			return nil, fmt.Errorf("outcome %s: %w", o.Name, err)
		}
		if o.Kind == clinical.Class {
			o.Threshold, o.Conformal = prevalence(one.y), nil // sets were for the old probabilities
		} else {
			o.FollowUp = bundle.NewFollowUp(one.followed())
		}
		results = append(results, res)
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("no outcome of this cohort can be updated by %s", method)
	}
	var err error
	if next.Config, err = linked(b, results); err != nil {
		return nil, err
	}
	file, err := next.Encode()
	if err != nil {
		return nil, err
	}
	return results, r.save(BundleFile, file)
}

// linked is the configuration of the new version: the old one's, with where it came from.
func linked(b *bundle.Bundle, results []UpdateResult) ([]byte, error) {
	config := map[string]any{}
	if err := json.Unmarshal(b.Config, &config); err != nil {
		return nil, fmt.Errorf("the bundle's configuration: %w", err)
	}
	config["updated"] = map[string]any{"from": b.Version(), "by": results}
	return json.MarshalIndent(config, "", "  ")
}

// features are the columns that reach the model of an outcome, for these rows.
func (one *outcomeRun) features(o *bundle.Outcome, rows []int) (models.Matrix, error) {
	inputs := o.Chain.Inputs()
	keep := make([]int, len(inputs))
	for i, c := range inputs {
		keep[i] = slices.IndexFunc(one.x.Columns, func(d table.Column) bool { return d.Name == c.Name })
	}
	x := columns(one.x, keep).Select(rows)
	x.Columns = inputs
	return o.Chain.Apply(x)
}

// updated fits the update on these rows.
func (one *outcomeRun) updated(o *bundle.Outcome, method Update, rows []int) (models.Model, error) {
	x, err := one.features(o, rows)
	if err != nil {
		return nil, err
	}
	p, err := o.Model.Predict(x, nil)
	if err != nil {
		return nil, err
	}
	y := one.y.Select(rows)
	if cox, ok := o.Model.(*linear.Cox); ok && method == BaselineHazard {
		return rebased(cox, y, p.Risk), nil
	}
	if o.Kind != clinical.Class || len(o.Classes) != 2 || method == BaselineHazard {
		return nil, fmt.Errorf("a model of kind %s cannot be updated by %s; models of two classes take intercept and slope, cox takes baseline_hazard", o.Model.Kind(), method)
	}
	b, err := validate.Binary(y, validate.Prediction{Prediction: p})
	if err != nil {
		return nil, err
	}
	if m, ok := o.Model.(*linear.Logistic); ok {
		return recalibrated(m, b.Calibration(), method) // stays a table of coefficients
	}
	intercept, slope, err := change(b.Calibration(), method)
	if err != nil {
		return nil, err
	}
	return calibrate.Recalibrate(o.Model, o.Classes, intercept, slope, updateNote(method))
}

func updateNote(method Update) string { return fmt.Sprintf("updated at a new site: %s", method) }

// change is what an update does to log-odds.
func change(c metrics.Calibration, method Update) (intercept, slope float64, err error) {
	intercept, slope = c.InTheLarge, 1.0
	if method == Slope {
		intercept, slope = c.Intercept, c.Slope
	}
	if math.IsNaN(intercept) || math.IsNaN(slope) || slope <= 0 {
		return 0, 0, fmt.Errorf("the calibration of these patients (intercept %.3g, slope %.3g) cannot be turned into an update", intercept, slope)
	}
	return intercept, slope, nil
}

// recalibrated moves the log-odds of a logistic model.
func recalibrated(m *linear.Logistic, c metrics.Calibration, method Update) (models.Model, error) {
	intercept, slope, err := change(c, method)
	if err != nil {
		return nil, err
	}
	out := *m
	out.Intercepts = []float64{intercept + slope*m.Intercepts[0]}
	out.Coefficients = [][]float64{slices.Clone(m.Coefficients[0])}
	for j := range out.Coefficients[0] {
		out.Coefficients[0][j] *= slope
	}
	out.StdErrs = nil
	out.Remarks = append(slices.Clone(m.Remarks), updateNote(method))
	return &out, nil
}

// rebased gives a Cox model the baseline hazard of other patients (Breslow's estimate at its coefficients).
func rebased(m *linear.Cox, y clinical.Outcome, risk []float64) models.Model {
	out := *m
	out.Times, out.Hazard, out.AtRisk, out.FollowUp = nil, nil, nil, slices.Max(y.Time)
	times := slices.Clone(y.Time)
	slices.Sort(times)
	h := 0.0
	for _, t := range slices.Compact(times) {
		events, sum, atRisk := 0.0, 0.0, 0
		for i, last := range y.Time {
			if last >= t && (y.Entry == nil || y.Entry[i] < t) {
				sum += math.Exp(risk[i])
				atRisk++
			}
			if last == t && y.Event[i] == 1 {
				events++
			}
		}
		if events > 0 {
			h += events / sum
			out.Times, out.Hazard, out.AtRisk = append(out.Times, t), append(out.Hazard, h), append(out.AtRisk, atRisk)
		}
	}
	out.Unit = y.Unit
	out.Remarks = append(slices.Clone(m.Remarks), updateNote(BaselineHazard))
	return &out
}

// scoreOf judges a model of the outcome on these rows.
func (one *outcomeRun) scoreOf(o *bundle.Outcome, m models.Model, measure string, rows []int) (float64, error) {
	x, err := one.features(o, rows)
	if err != nil {
		return 0, err
	}
	y := one.y.Select(rows)
	p, err := m.Predict(x, one.result.Folds[0].Models[0].Times)
	if err != nil {
		return 0, err
	}
	for _, k := range validate.Measures(y, validate.Holdout) {
		if k.Name == measure {
			return k.Of(y, validate.Prediction{Prediction: p, Prevalence: 0.5}), nil
		}
	}
	return none, nil
}
