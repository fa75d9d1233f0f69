package tree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	models.Register(models.Kind{
		Name: "survival_boosting", Outcomes: []clinical.OutcomeKind{clinical.Survival},
		Params: append(slices.DeleteFunc(boostingParams(), func(p models.Param) bool { return p.Name == "base_score" }),
			models.Param{Name: "ties", Doc: "tied events count together (breslow), or as XGBoost counts them by the order of rows", Default: "breslow", Choices: []string{"breslow", "xgboost"}}),
		New: func(o models.Options) (models.Learner, error) {
			full := models.Options{"base_score": 0.0}
			for k, v := range o {
				full[k] = v
			}
			return SurvivalBoosting{Boosting: boostingOptions(full), Ties: o["ties"].(string)}, nil
		},
		Decode: decodeCoxTrees,
	})
}

// SurvivalBoosting boosts the log-hazard of a Cox model: trees fitted to gradients of the partial likelihood (Ridgeway 1999; XGBoost's
// survival:cox). Left truncation (Entry) and case weights are taken; competing events count as censoring. Curves come from Breslow's
// baseline hazard.
type SurvivalBoosting struct {
	Boosting
	// Ties "xgboost" counts tied events for a row only up to its own place in the order of rows, as XGBoost does.
	Ties string
}

// Fit boosts.
func (b SurvivalBoosting) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	event, err := checkTimes(t)
	if err != nil {
		return nil, err
	}
	weight := ones(t)
	var loss *coxLoss
	r, err := b.run(ctx, t, weighing(weight), func(fitted []int32) objective {
		loss = newCoxLoss(t.Y.Entry, t.Y.Time, event, weight, fitted)
		loss.oneByOne = b.Ties == "xgboost"
		return loss
	})
	if err != nil {
		return nil, err
	}
	e := r.ensemble(LogHazard)
	mean, total := 0.0, 0.0
	for _, row := range r.fitted {
		mean += weight[row] * r.margins[row]
		total += weight[row]
	}
	mean /= total
	e.Base[0] -= mean // risks are against the training mean
	for i := range r.margins {
		r.margins[i] -= mean
	}
	a := about{Kind: "survival_boosting", Columns: t.X.Columns, Notes: r.notes}
	return newCoxTrees(a, e, loss.baseline(r.margins)), nil
}

// baseline is a cumulative hazard as a step function: Hazard[i] from Times[i] on, nought before; FollowUp is the last training time.
type baseline struct {
	Times    []float64 `json:"times,omitempty"`
	Hazard   []float64 `json:"hazard,omitempty"`
	FollowUp float64   `json:"follow_up,omitempty"`
}

// baseline returns Breslow's estimate of the cumulative hazard at a margin of nought.
func (o *coxLoss) baseline(margins []float64) baseline {
	b := baseline{FollowUp: o.time[o.byTime[len(o.byTime)-1]]}
	high := math.Inf(-1)
	for _, r := range o.byTime {
		high = max(high, margins[r])
	}
	sum := 0.0
	o.each(margins, o.byTime, o.byEntry, func(leaving []int32, events, atRisk float64) {
		if events > 0 && atRisk > 0 {
			sum += events / atRisk * math.Exp(-high)
			b.Times, b.Hazard = append(b.Times, o.time[leaving[0]]), append(b.Hazard, sum)
		}
	})
	return b
}

// at returns the cumulative hazard at a time, NaN past the follow-up.
func (b baseline) at(t float64) float64 {
	if !(t <= b.FollowUp) || len(b.Times) == 0 {
		return math.NaN()
	}
	i, found := slices.BinarySearch(b.Times, t)
	if found {
		i++
	}
	if i == 0 {
		return 0
	}
	return b.Hazard[i-1]
}

// reach returns the first time at which the cumulative hazard is at least h, +Inf where it never is.
func (b baseline) reach(h float64) float64 {
	i, _ := slices.BinarySearch(b.Hazard, h)
	if i == len(b.Times) {
		return math.Inf(1)
	}
	return b.Times[i]
}

func (b baseline) check() error {
	if len(b.Times) != len(b.Hazard) || math.IsNaN(b.FollowUp) {
		return errors.New("the baseline hazard is damaged")
	}
	for i, h := range b.Hazard {
		if !(h >= 0) || math.IsInf(h, 0) || i > 0 && h < b.Hazard[i-1] {
			return errors.New("the baseline hazard falls")
		}
	}
	return checkAscending(b.Times)
}

// CoxTrees is a fitted survival_boosting model, or a survival:cox model that XGBoost saved; the latter has no baseline and hence no curves.
type CoxTrees struct {
	about    about
	e        *Ensemble
	runner   *runner
	baseline baseline
}

const partBaseline = "baseline.json"

func newCoxTrees(a about, e *Ensemble, b baseline) *CoxTrees {
	return &CoxTrees{a, e, newRunner(e), b}
}

// Kind is survival_boosting.
func (m *CoxTrees) Kind() string { return m.about.Kind }

// Columns are the columns that Predict expects.
func (m *CoxTrees) Columns() []table.Column { return m.about.Columns }

// Notes says what is to be known of the fit.
func (m *CoxTrees) Notes() []string { return m.about.Notes }

// Ensemble returns the model's trees; their output is the log-hazard against the training mean.
func (m *CoxTrees) Ensemble() *Ensemble { return m.e }

// WriteText writes a summary of the model.
func (m *CoxTrees) WriteText(w io.Writer) error { return writeSummary(w, m.about, m.e) }

// Predict returns the log-hazard of each row as its risk, S(t) at the times, and the median. Without a baseline S(t) and the median are NaN.
func (m *CoxTrees) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	if err := models.CheckColumns(m.about.Columns, x); err != nil {
		return models.Prediction{}, err
	}
	p := models.Prediction{Kind: clinical.Survival, Rows: x.Rows, Risk: make([]float64, x.Rows), Times: times,
		Survival: make([]float64, x.Rows*len(times)), Median: make([]float64, x.Rows)}
	m.runner.score(x, p.Risk)
	hazards := make([]float64, len(times))
	for k, t := range times {
		hazards[k] = m.baseline.at(t)
	}
	for i, r := range p.Risk {
		relative := math.Exp(r)
		for k, h := range hazards {
			p.Survival[i*len(times)+k] = survivalOf(h, relative)
		}
		p.Median[i] = math.NaN()
		if len(m.baseline.Times) > 0 {
			p.Median[i] = m.baseline.reach(math.Ln2 / relative)
		}
	}
	return p, nil
}

// survivalOf is exp(-hazard × relative); nought hazard is survival whatever the risk.
func survivalOf(hazard, relative float64) float64 {
	if hazard == 0 {
		return 1
	}
	return math.Exp(-hazard * relative)
}

// Encode returns the parts that a bundle stores.
func (m *CoxTrees) Encode() (map[string][]byte, error) {
	a, err := json.Marshal(m.about)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(m.baseline)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{partTrees: m.e.Encode(), partAbout: a, partBaseline: b}, nil
}

func decodeCoxTrees(parts map[string][]byte) (models.Model, error) {
	const kind = "survival_boosting"
	a, e, err := decode(kind, parts)
	if err != nil {
		return nil, err
	}
	var b baseline
	if err := json.Unmarshal(parts[partBaseline], &b); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", kind, partBaseline, err)
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", kind, partBaseline, err)
	}
	if e.Scale != LogHazard || e.Outputs() != 1 {
		return nil, fmt.Errorf("%s: %d outputs on the scale %q", kind, e.Outputs(), e.Scale)
	}
	return newCoxTrees(a, e, b), nil
}
