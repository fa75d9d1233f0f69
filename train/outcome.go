package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/calibrate"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/fusion"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/leakage"
	"github.com/voxgene/voxgene/train/validate"
)

// outcomeRun is the work on one outcome and what came of it.
type outcomeRun struct {
	unit   table.Unit       // what a row is
	y      clinical.Outcome // of rows
	rows   []int            // of the feature table, those whose outcome is known
	x      models.Matrix    // predictors of rows
	known  []string         // columns left out because the outcome can be told from them
	scheme validate.Scheme
	folds  []validate.Fold
	study  validate.Study
	models []config.Model

	result     validate.Result
	interval   string // of estimates, one of those that validate names
	estimated  map[string]validate.Estimate
	measures   []validate.Measure
	kept       bundle.Outcome
	honest     honest
	importance importance
	audit      []leakage.Finding
	against    *Against
	groups     []grouping // by which the headline is broken down
	notes      []string
	overtime   *OverTime
	calibrated []Calibration
	// noConformal says why prediction sets that were asked for were not made.
	noConformal string
	level       float64 // of intervals
	foreign     bool    // the model was made elsewhere, from columns that only its authors know

	subgroups []SubgroupMetrics
}

// plan divides the patients of outcome i and builds the procedure, without fitting anything.
func (r *run) plan(i int) (*outcomeRun, error) {
	whole := r.cohort.Outcomes[i]
	one := &outcomeRun{unit: r.unit, rows: known(whole), scheme: validate.Scheme(r.e.Validation.Scheme), level: r.e.Validation.Level}
	one.y = whole.Select(one.rows)
	var keep []int
	for j, c := range r.all.Columns {
		if slices.Contains(r.cohort.KnownFrom[i], c.Name) {
			one.known = append(one.known, c.Name)
			continue
		}
		keep = append(keep, j)
	}
	if len(keep) == 0 {
		return nil, fmt.Errorf("outcome %s: no column is left to predict it", one.y.Name)
	}
	one.x = columns(r.all, keep).Select(one.rows)
	r.e.Foresee(one.x, one.y, func(row int) string { return r.unit.Describe(r.keys[one.rows[row]]) }, &r.faults)
	one.study = validate.Study{X: one.x, Seed: work.Seed(r.e.Seed), Backend: r.o.Backend}
	for _, again := range r.cohort.Again {
		one.study.Again = append(one.study.Again, models.FromTable(again).Select(one.rows))
	}
	one.study.Lower = r.cohort.Lower
	if r.cohort.Learns() {
		one.study.Learned = r.learned(one.rows)
	}
	one.study.Rows = validate.Rows{Outcome: one.y, Patient: pickRows(r.number, one.rows)}
	if r.cohort.Sites != nil {
		one.study.Rows.Site = pickRows(r.cohort.Sites, one.rows)
	}
	if column := r.e.Validation.Time; column != "" {
		times, err := r.timeColumn(column)
		if err != nil {
			return nil, err
		}
		one.study.Rows.Time = pickRows(times, one.rows)
	}
	var err error
	if one.study.Procedure, one.models, err = r.procedure(one.y); err != nil {
		return nil, err
	}
	for _, m := range one.models {
		if kind, ok := models.Lookup(m.Kind); ok && kind.Slow {
			one.study.Once = true
		}
	}
	design := r.e.Validation.Design()
	shared := r.together != nil && slices.Contains(r.together.names, one.y.Name)
	if one.scheme == validate.FoldsFile && !shared {
		ids := make([]string, len(one.rows))
		for i, row := range one.rows {
			ids[i] = r.keys[row].Patient
		}
		if design.File, err = validate.ReadFolds(r.e.Path(r.e.Validation.FoldsFile), ids); err != nil {
			return nil, err
		}
	}
	if shared {
		one.study.Joint = r.together.of(r, one)
		if err := validate.FeasibleInner(one.study.Rows, one.folds, 2); err != nil {
			return nil, fmt.Errorf("outcome %s, with patients divided for %v together: %w", one.y.Name, r.together.names, err)
		}
	} else if one.folds, err = validate.Plan(design, one.study.Rows, one.study.Seed); err != nil {
		return nil, err
	}
	if one.study.Procedure.Choices() > 1 {
		if err := validate.FeasibleInner(one.study.Rows, one.folds, design.InnerFolds); err != nil {
			return nil, err
		}
	}
	one.measures, one.interval = validate.Measures(one.y, one.scheme), validate.Interval(design, len(one.folds))
	if one.groups, err = r.groupings(one); err != nil {
		return nil, err
	}
	score := validate.Score(one.y)
	one.study.Score = func(y clinical.Outcome, p models.Prediction) float64 {
		return score.Of(y, validate.Prediction{Prediction: p, Prevalence: 0.5})
	}
	if one.y.Kind == clinical.Survival {
		if limit := bundle.NewFollowUp(one.followed()).Limit; limit > 0 {
			for k := 1; k <= curvePoints; k++ {
				one.study.Times = append(one.study.Times, limit*float64(k)/curvePoints)
			}
		}
	}
	return one, nil
}

// curvePoints is the number of times, evenly spaced over the follow-up, at which out-of-fold survival is kept.
const curvePoints = 50

// timeColumn returns a numeric column of the feature table by its full or bare name.
func (r *run) timeColumn(name string) ([]float64, error) {
	found := -1
	for j, c := range r.all.Columns {
		if c.Name == name || pipeline.Bare(c) == name {
			if found >= 0 {
				return nil, fmt.Errorf("validation.time: several sources have a column %q; write source.column", name)
			}
			found = j
		}
	}
	if found < 0 {
		return nil, fmt.Errorf("validation.time: there is no column %q", name)
	}
	if r.all.Columns[found].Kind != table.Numeric {
		return nil, fmt.Errorf("validation.time: column %q is not numeric", name)
	}
	return r.all.Column(found), nil
}

// prepare returns the pipeline of some steps as a procedure without models.
func prepare(steps []pipeline.Spec) (validate.Procedure, error) {
	chain, err := pipeline.New(steps)
	if err != nil {
		return validate.Procedure{}, err
	}
	key, err := json.Marshal(steps)
	return validate.Procedure{Key: append(key, Version()...), Prepare: func(ctx context.Context, t models.Training) (validate.Apply, error) {
		f, err := chain.Fit(ctx, t)
		if err != nil {
			return nil, err
		}
		return f.Apply, nil
	}}, err
}

// calibrationFolds is the number of inner folds whose predictions a calibration is fitted to, scikit-learn's default.
const calibrationFolds = 5

// procedure builds the pipeline and the models that compete for an outcome.
func (r *run) procedure(y clinical.Outcome) (validate.Procedure, []config.Model, error) {
	variants, err := pipeline.Variants(r.e.Pipeline)
	if err != nil {
		return validate.Procedure{}, nil, err
	}
	var p validate.Procedure
	for i, v := range variants {
		one, err := prepare(v.Specs)
		if err != nil {
			return p, nil, err
		}
		if i == 0 {
			p = one
		} else {
			p.Others = append(p.Others, validate.Pipeline{Key: one.Key, Prepare: one.Prepare})
		}
	}
	list := r.e.ModelsFor(y.Name, y.Kind)
	for _, m := range list {
		kind, _ := models.Lookup(m.Kind)
		entry := validate.Entry{Name: m.Name, Halving: m.Search != nil && m.Search.Method == config.Halving}
		for _, pt := range m.Points(work.Seed(r.e.Seed)) {
			l, err := kind.New(pt.Options)
			if err != nil {
				return p, nil, fmt.Errorf("model %s %s: %w", m.Name, pt.Settings, err)
			}
			key, err := m.Key(pt.Options)
			if err != nil {
				return p, nil, err
			}
			if m.MissingSource != "" {
				l = fusion.PerPattern(l)
				key = append(key, "missing source "+m.MissingSource...)
			}
			if m.Calibrate != "" {
				if l, err = calibrate.New(l, m.Calibrate, calibrationFolds); err != nil {
					return p, nil, fmt.Errorf("model %s: %w", m.Name, err)
				}
				key = append(key, "calibrate "+m.Calibrate...)
			}
			c := validate.Candidate{Settings: pt.Settings, Point: pt.Settings, Key: key, Learner: l}
			if m.Joint && len(variants) > 1 {
				return p, nil, fmt.Errorf("model %s learns outcomes together, and the pipeline searches its steps' options; leave out one of the two", m.Name)
			}
			if m.Joint {
				for _, name := range r.e.Together(&m) {
					c.Joint = append(c.Joint, m.Weight(name))
				}
				c.Key = fmt.Appendf(key, " joint %v", c.Joint)
			}
			for i, v := range variants {
				c.Pipeline, c.Settings = i, strings.TrimSpace(v.Settings+" "+pt.Settings)
				entry.Candidates = append(entry.Candidates, c)
			}
		}
		p.Models = append(p.Models, entry)
	}
	if len(p.Models) == 0 {
		return p, nil, fmt.Errorf("outcome %s: no model fits it", y.Name)
	}
	return p, list, nil
}

// stepsOf are the steps of a candidate's pipeline.
func (r *run) stepsOf(number int) []pipeline.Spec {
	variants, err := pipeline.Variants(r.e.Pipeline)
	if err != nil || number >= len(variants) {
		return r.e.Pipeline // the procedure was built from the same variants
	}
	return variants[number].Specs
}

// judge runs the folds of an outcome and fits the model that is kept.
func (r *run) judge(ctx context.Context, one *outcomeRun) error {
	name := one.y.Name
	r.logf("outcome %s: %s, %d columns, %d folds, %d candidates", name, one.counts(), len(one.x.Columns), len(one.folds), one.study.Procedure.Choices())
	var err error
	if one.audit, err = leakage.Audit(ctx, leakage.Input{X: one.x, Y: one.y, Patient: one.study.Rows.Patient, Site: one.study.Rows.Site, ID: r.patientNames(one.rows)}); err != nil {
		return err
	}
	for _, f := range one.audit {
		r.logf("audit: %s: %s", f.Level, f.Text)
	}
	one.study.Explain = true
	if one.result, err = one.study.Run(ctx, one.folds, r.e.Validation.InnerFolds, r.on(name)); err != nil {
		return err
	}
	one.study.Explain = false
	r.fits += one.result.Fits + 1 // on all rows
	if err := r.refit(ctx, one); err != nil {
		return err
	}
	one.subgroups = one.bySubgroup(r.e.Validation.Level)
	return r.honest(ctx, one)
}

// patientNames are the names of the patients of rows of the table, for the audit.
func (r *run) patientNames(rows []int) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = r.keys[row].Patient
	}
	return out
}

// counts says how many patients there are, by class or event.
func (one *outcomeRun) counts() string {
	n := patientsIn(one.study.Rows.Patient)
	rows := ""
	if one.unit != table.PerPatient && one.unit != "" {
		rows = fmt.Sprintf(" with %d %s", len(one.rows), one.unit.Plural())
	}
	if one.y.Kind == clinical.Survival {
		_, events := one.scarce()
		return fmt.Sprintf("%d patients%s, %d events", n, rows, events)
	}
	return fmt.Sprintf("%d patients%s (%s)", n, rows, validate.Summary(one.study.Rows, seq(len(one.rows))))
}

// scarce is what limits how much can be learnt, and of how many patients it is known: the event, or the smallest class. A patient with
// several rows counts once, for the rarest thing that is known of any.
func (one *outcomeRun) scarce() (what string, patients int) {
	return validate.Scarcest(one.study.Rows)
}

// followed is the outcome with one row a patient, where all rows of each have the same: what counts how many patients were followed.
func (one *outcomeRun) followed() clinical.Outcome {
	seen := map[int]int{}
	var first []int
	for i, p := range one.study.Rows.Patient {
		j, again := seen[p]
		if !again {
			seen[p] = i
			first = append(first, i)
		} else if one.y.Time[i] != one.y.Time[j] || one.y.Event[i] != one.y.Event[j] {
			return one.y
		}
	}
	return one.y.Select(first)
}

// refit fits the final choice to all rows of the outcome.
func (r *run) refit(ctx context.Context, one *outcomeRun) error {
	final := one.result.Final
	chain, err := pipeline.New(r.stepsOf(one.study.Procedure.Models[final.Winner].Candidates[final.Chosen[final.Winner]].Pipeline))
	if err != nil {
		return err
	}
	t := models.Training{X: one.x, Y: one.y, Groups: one.study.Rows.Patient, Seed: one.study.Seed.Split("final", one.y.Name),
		Again: one.study.Again, Lower: one.study.Lower}
	candidate := one.study.Procedure.Models[final.Winner].Candidates[final.Chosen[final.Winner]]
	on := t // what the pipeline is fitted on
	if candidate.Joint != nil {
		t = one.study.Joint.Whole(one.y, candidate.Joint, one.study.Seed.Split("final joint"))
		t.Lower = one.study.Lower
		on = validate.FirstKnown(t)
	}
	ctx = work.WithStore(ctx, r.pool.Store)
	fitted, err := chain.Fit(ctx, on)
	if err != nil {
		return fmt.Errorf("all rows: %w", err)
	}
	var harmonised models.Matrix
	if t.X, harmonised, err = fitted.ApplyHarmonised(t.X); err != nil {
		return fmt.Errorf("all rows: %w", err)
	}
	m, err := candidate.Learner.Fit(ctx, t)
	if err != nil {
		return fmt.Errorf("all rows: %w", err)
	}
	one.notes = append(one.notes, fitted.Notes()...)
	if n, ok := m.(models.Noted); ok {
		one.notes = append(one.notes, n.Notes()...)
	}
	if candidate.Joint != nil { // what follows describes the patients of this outcome
		t, harmonised = t.Select(one.study.Joint.Row), harmonised.Select(one.study.Joint.Row)
	}
	one.kept = bundle.Outcome{Name: one.y.Name, Kind: one.y.Kind, Classes: one.y.Classes, Unit: one.y.Unit, Origin: one.y.Origin, Chain: fitted, Model: m, Ranges: bundle.NewRanges(harmonised)}
	if t.X.Rows >= explain.Smallest {
		b, err := explain.NewGroupedBackground(t.X, t.Groups, t.Seed.Split("background"))
		if err != nil {
			return fmt.Errorf("background of explanations: %w", err)
		}
		one.kept.Background = &b
	}
	if one.kept.Space, err = bundle.NewSpace(t.X); err != nil {
		return fmt.Errorf("distances from the cohort: %w", err)
	}
	if err := one.explain(ctx, t.X); err != nil {
		one.notes = append(one.notes, "explanation: "+err.Error())
	}
	if err := one.explainOverTime(ctx, t.X); err != nil {
		one.notes = append(one.notes, "explanation over time: "+err.Error())
	}
	if err := ctx.Err(); err != nil {
		return err // a run that is stopped is not one whose explanations failed
	}
	if one.y.Kind == clinical.Class {
		if len(one.y.Classes) == 2 {
			one.kept.Threshold = prevalence(one.y)
		}
		return r.conformal(one)
	}
	p, err := m.Predict(t.X, nil)
	if err != nil {
		return fmt.Errorf("all rows: %w", err)
	}
	if err := r.conformal(one); err != nil {
		return err
	}
	one.kept.FollowUp = bundle.NewFollowUp(one.followed())
	one.kept.Groups, err = bundle.NewRiskGroups(p.Risk, riskGroups)
	return err
}

// riskGroups is how many groups the training risks are cut into, at their median.
const riskGroups = 2

func prevalence(y clinical.Outcome) float64 {
	n := 0
	for _, c := range y.Class {
		if c == len(y.Classes)-1 {
			n++
		}
	}
	return float64(n) / float64(len(y.Class))
}

func pickRows[T any](from []T, rows []int) []T {
	to := make([]T, len(rows))
	for i, r := range rows {
		to[i] = from[r]
	}
	return to
}

func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// finite returns nil for what JSON cannot hold.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// none is a number that is not there.
var none = math.NaN()
