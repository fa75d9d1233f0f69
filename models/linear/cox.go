package linear

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	models.Register(models.Kind{
		Name:     "cox",
		Outcomes: []clinical.OutcomeKind{clinical.Survival},
		Params: append(penaltyParams("auto", "auto", "none", "ridge", "lasso", "elastic_net"),
			models.Param{Name: "ties", Default: "efron", Choices: []string{"efron", "breslow"}, Doc: "how events at the same time share their risk set"},
		),
		New: func(o models.Options) (models.Learner, error) {
			ties := Efron
			if o["ties"].(string) == "breslow" {
				ties = Breslow
			}
			return coxLearner{newPenalised(o), ties}, nil
		},
		Decode: func(parts map[string][]byte) (models.Model, error) { return decodeCox(parts) },
	})
}

// eventsPerColumn is how many events a column needs for penalty: auto to fit without penalty, the usual rule of ten.
const eventsPerColumn = 10

type coxLearner struct {
	penalised
	ties Ties
}

// Cox is a fitted proportional hazards model. The log-hazard of a row, against a patient at the training means, is the sum of
// coefficient × (value − mean).
type Cox struct {
	Inputs       []table.Column
	Coefficients []float64 // on the scale of the columns, 0 where a column was left out
	StdErrs      []float64 // NaN where left out; nil for fits with a penalty
	Means        []float64 // of the columns in training, weighted
	Low, High    []float64 // 5th and 95th percentile of the columns in training; nil in models saved before they were kept
	Alpha        float64
	Lambda       float64 // 0 without penalty

	Unit     string    // of all times, UCUM
	Times    []float64 // distinct event times in training, ascending
	Hazard   []float64 // cumulative baseline hazard, at the training means, at each
	AtRisk   []int     // patients at risk in training at each
	FollowUp float64   // longest follow-up in training; nothing is predicted beyond
	Remarks  []string
}

// Fit learns a Cox model. Competing events count as censored, and the model is then of the cause-specific hazard, which it notes.
func (l coxLearner) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	if t.Y.Kind != clinical.Survival {
		return nil, fmt.Errorf("Cox regression learns times to an event; outcome %q is of kind %s", t.Y.Name, t.Y.Kind)
	}
	p, err := problem(t)
	if err != nil {
		return nil, err
	}
	p.Family, p.Time, p.Entry, p.Ties = CoxModel, t.Y.Time, t.Y.Entry, l.ties
	p.Event = make([]bool, p.Rows)
	stratum := make([]int, p.Rows)
	events, competing := 0, 0
	for i, e := range t.Y.Event {
		switch {
		case e == 1:
			p.Event[i], stratum[i] = true, 1
			events++
		case e > 1:
			competing++
		}
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("outcome %q: %w", t.Y.Name, err)
	}
	var notes []string
	if competing > 0 {
		notes = append(notes, fmt.Sprintf("%d competing events count as censored: hazard ratios are cause-specific, and one minus the curve overstates the risk of the event", competing))
	}
	penalty := l.penalty
	if penalty == "auto" {
		if penalty = "none"; events < eventsPerColumn*p.Columns {
			penalty = "ridge"
			notes = append(notes, fmt.Sprintf("penalty auto chose the ridge: %d events for %d columns", events, p.Columns))
		}
		l.alpha = 0
	}
	var out *outcome
	if penalty == "none" {
		out, err = l.freeFit(ctx, p)
	} else {
		out, err = l.fit(ctx, p, t, stratum, false)
	}
	if err != nil {
		return nil, fmt.Errorf("outcome %q: %w", t.Y.Name, err)
	}
	m := &Cox{Inputs: t.X.Columns, Coefficients: out.coefficients[0], Means: p.means(), Alpha: l.alpha, Lambda: out.lambda, Unit: t.Y.Unit,
		Remarks: append(notes, out.notes...)}
	if out.stdErrs != nil {
		m.StdErrs = out.stdErrs[0]
	}
	m.Low, m.High = p.ranges()
	m.baseline(&p)
	return m, nil
}

// baseline fills the cumulative hazard at the training means: Breslow's estimate, with Efron's ties where the fit had them.
func (m *Cox) baseline(p *Problem) {
	eta := make([]float64, p.Rows)
	for j, b := range m.Coefficients {
		if b == 0 {
			continue
		}
		for i, v := range p.column(j) {
			eta[i] += b * (v - m.Means[j])
		}
	}
	l := newPartial(p, rawWeights(p))
	c := l.exponentiate(eta)
	l.cumulate()
	scale := math.Exp(-c) // undoes the shift of the exponents
	m.FollowUp = slices.Max(p.Time)
	m.AtRisk = make([]int, len(l.times))
	for i, k := range l.left {
		if k > l.entered[i] {
			m.AtRisk[k]++
			if l.late(i) {
				m.AtRisk[l.entered[i]]--
			}
		}
	}
	for k := len(l.times) - 2; k >= 0; k-- {
		m.AtRisk[k] += m.AtRisk[k+1]
	}
	for k, t := range l.times {
		m.Times, m.Hazard = append(m.Times, t.time), append(m.Hazard, l.a[k]*scale)
	}
}

// Kind is "cox".
func (m *Cox) Kind() string { return "cox" }

// Chosen returns the strength of the penalty, which inner folds may have chosen, by its name as an option.
func (m *Cox) Chosen() map[string]float64 { return map[string]float64{"lambda": m.Lambda} }

// Columns are the columns that Predict reads.
func (m *Cox) Columns() []table.Column { return m.Inputs }

// Notes says what was left out, and what the model is not.
func (m *Cox) Notes() []string { return m.Remarks }

// BaselineAt returns the cumulative hazard, at the training means, at time t; NaN past the follow-up.
func (m *Cox) BaselineAt(t float64) float64 {
	if t > m.FollowUp || math.IsNaN(t) {
		return math.NaN()
	}
	k, exact := slices.BinarySearch(m.Times, t)
	if exact {
		k++
	}
	if k == 0 {
		return 0
	}
	return m.Hazard[k-1]
}

// AtRiskAt returns how many training patients were still at risk at time t: those at the first event time at or after it, 0 past the
// last event.
func (m *Cox) AtRiskAt(t float64) int {
	k, _ := slices.BinarySearch(m.Times, t)
	if k == len(m.Times) {
		return 0
	}
	return m.AtRisk[k]
}

// Linear returns the risk as intercept and coefficients, and the columns' training means; at the means the risk is 0.
func (m *Cox) Linear() (intercepts []float64, coefficients [][]float64, means []float64) {
	shift := 0.0
	for j, b := range m.Coefficients {
		shift -= b * m.Means[j]
	}
	return []float64{shift}, [][]float64{m.Coefficients}, m.Means
}

// Predict returns log-hazards, survival at the times asked for and median survival. A missing or infinite value is an error that
// names its column.
func (m *Cox) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	intercepts, coefficients, _ := m.Linear()
	risk, err := linearPredictors(m.Inputs, x, intercepts, coefficients)
	if err != nil {
		return models.Prediction{}, err
	}
	out := models.Prediction{Kind: clinical.Survival, Rows: x.Rows, Risk: risk, Times: times,
		Survival: make([]float64, x.Rows*len(times)), Median: make([]float64, x.Rows)}
	baseline := make([]float64, len(times))
	for k, t := range times {
		baseline[k] = m.BaselineAt(t)
	}
	for i, r := range risk {
		hazard := math.Exp(r)
		for k, h := range baseline {
			out.Survival[i*len(times)+k] = survivalOf(h, hazard)
		}
		out.Median[i] = math.Inf(1)
		if k, _ := slices.BinarySearch(m.Hazard, math.Ln2/hazard); k < len(m.Times) {
			out.Median[i] = m.Times[k]
		}
	}
	return out, nil
}

// survivalOf returns exp(−h·hazard) with 0·∞ taken as 0: nobody has died yet.
func survivalOf(h, hazard float64) float64 {
	if h == 0 {
		return 1
	}
	return math.Exp(-h * hazard)
}
