package linear

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	models.Register(models.Kind{
		Name:     "logistic",
		Outcomes: []clinical.OutcomeKind{clinical.Class},
		Params: append(penaltyParams("elastic_net", "none", "ridge", "lasso", "elastic_net"),
			models.Param{Name: "class_weight", Default: "none", Choices: []string{"none", "balanced"}, Doc: "balanced lets every class count the same"},
			models.Param{Name: "grouped", Default: false, Doc: "more than two classes: a column enters for all or none"},
		),
		New: func(o models.Options) (models.Learner, error) {
			return logisticLearner{newPenalised(o), o["class_weight"].(string) == "balanced", o["grouped"].(bool)}, nil
		},
		Decode: func(parts map[string][]byte) (models.Model, error) { return decodeLogistic(parts) },
	})
}

type logisticLearner struct {
	penalised
	balanced, grouped bool
}

// Logistic is a fitted logistic regression. For two classes it has one row of coefficients and its margin is the log-odds of the last
// class; for more it has a row a class, and the probabilities are the softmax of the margins.
type Logistic struct {
	Inputs       []table.Column
	Classes      []string
	Intercepts   []float64
	Coefficients [][]float64 // on the scale of the columns, 0 where a column was left out
	StdErrs      [][]float64 // as Coefficients, NaN where left out; nil for fits with a penalty
	Means        []float64   // of the columns in training, weighted: a background for explanations
	Low, High    []float64   // 5th and 95th percentile of the columns in training; nil in models saved before they were kept
	Alpha        float64
	Lambda       float64 // 0 without penalty
	Remarks      []string
}

// Fit learns a logistic regression. It refuses missing values, categorical columns, and outcomes of one class, and names them.
func (l logisticLearner) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	if t.Y.Kind != clinical.Class {
		return nil, fmt.Errorf("logistic regression learns classes; outcome %q is of kind %s", t.Y.Name, t.Y.Kind)
	}
	p, err := problem(t)
	if err != nil {
		return nil, err
	}
	p.Family, p.Class, p.Classes = Multinomial, t.Y.Class, len(t.Y.Classes)
	if p.Classes == 2 {
		p.Family = Binomial
	}
	if err := absent(t.Y); err != nil {
		return nil, err
	}
	if l.balanced {
		p.Weights = balance(&p)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	var out *outcome
	if l.penalty == "none" {
		out, err = l.freeFit(ctx, p)
	} else {
		out, err = l.fit(ctx, p, t, p.Class, l.grouped)
	}
	if err != nil {
		return nil, err
	}
	m := &Logistic{Inputs: t.X.Columns, Classes: slices.Clone(t.Y.Classes), Intercepts: out.intercepts, Coefficients: out.coefficients,
		StdErrs: out.stdErrs, Means: p.means(), Alpha: l.alpha, Lambda: out.lambda, Remarks: append(separators(&p), out.notes...)}
	m.Low, m.High = p.ranges()
	return m, nil
}

// absent names the classes that no row has.
func absent(y clinical.Outcome) error {
	seen := make([]bool, len(y.Classes))
	for i, c := range y.Class {
		if c < 0 || c >= len(seen) {
			return fmt.Errorf("outcome %q of row %d is not known; such rows are left out before a fit", y.Name, i)
		}
		seen[c] = true
	}
	var missing, present []string
	for c, s := range seen {
		if s {
			present = append(present, y.Classes[c])
		} else {
			missing = append(missing, y.Classes[c])
		}
	}
	switch {
	case len(present) < 2:
		return fmt.Errorf("outcome %q: %w (%s)", y.Name, ErrOneClass, strings.Join(present, ", "))
	case len(missing) > 0:
		return fmt.Errorf("outcome %q: no training row has the class %s", y.Name, strings.Join(missing, ", "))
	}
	return nil
}

// balance returns weights under which every class has the same total, as scikit-learn's class_weight="balanced".
func balance(p *Problem) []float64 {
	total := make([]float64, p.Classes)
	all := 0.0
	for i, c := range p.Class {
		total[c] += p.weight(i)
		all += p.weight(i)
	}
	w := make([]float64, p.Rows)
	for i, c := range p.Class {
		w[i] = p.weight(i) * all / (float64(p.Classes) * total[c])
	}
	return w
}

// separators notes columns of which a threshold alone tells two classes apart: more often a leak than a discovery.
func separators(p *Problem) []string {
	if p.Family != Binomial {
		return nil
	}
	var found []int
	for j := range p.Columns {
		low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
		for i, v := range p.column(j) {
			c := p.Class[i]
			low[c], high[c] = min(low[c], v), max(high[c], v)
		}
		if high[0] < low[1] || high[1] < low[0] {
			found = append(found, j)
		}
	}
	if found == nil {
		return nil
	}
	return []string{"separation: a threshold on a single column tells the classes apart without error: " + p.list(found)}
}

// Kind is "logistic".
func (m *Logistic) Kind() string { return "logistic" }

// Chosen returns the strength of the penalty, which inner folds may have chosen, by its name as an option.
func (m *Logistic) Chosen() map[string]float64 { return map[string]float64{"lambda": m.Lambda} }

// Columns are the columns that Predict reads.
func (m *Logistic) Columns() []table.Column { return m.Inputs }

// Notes says what was left out, and what is suspicious.
func (m *Logistic) Notes() []string { return m.Remarks }

// Linear returns the margins' intercepts and coefficients, and the columns' training means. The slices are the model's own.
func (m *Logistic) Linear() (intercepts []float64, coefficients [][]float64, means []float64) {
	return m.Intercepts, m.Coefficients, m.Means
}

// Recalibrated returns the model whose margins are intercept + slope × this one's. It has no standard errors.
func (m *Logistic) Recalibrated(intercept, slope float64) *Logistic {
	out := *m
	out.Intercepts, out.Coefficients, out.StdErrs = make([]float64, len(m.Intercepts)), make([][]float64, len(m.Coefficients)), nil
	for k, coef := range m.Coefficients {
		out.Intercepts[k] = intercept + slope*m.Intercepts[k]
		out.Coefficients[k] = make([]float64, len(coef))
		for j, b := range coef {
			out.Coefficients[k][j] = slope * b
		}
	}
	return &out
}

// Predict returns margins and probabilities. A missing or infinite value is an error that names its column.
func (m *Logistic) Predict(x models.Matrix, _ []float64) (models.Prediction, error) {
	margins, err := linearPredictors(m.Inputs, x, m.Intercepts, m.Coefficients)
	if err != nil {
		return models.Prediction{}, err
	}
	out := models.Prediction{Kind: clinical.Class, Rows: x.Rows, Classes: m.Classes, Margin: margins,
		Probabilities: make([]float64, x.Rows*len(m.Classes))}
	if len(m.Classes) == 2 {
		for i, e := range margins {
			p := 1 / (1 + math.Exp(-math.Abs(e))) // of the likelier class
			q := 1 - p
			if e < 0 {
				p, q = q, p
			}
			out.Probabilities[2*i], out.Probabilities[2*i+1] = q, p
		}
		return out, nil
	}
	k := len(m.Classes)
	for i := range x.Rows {
		softmaxRow(margins[i*k:(i+1)*k], out.Probabilities[i*k:(i+1)*k])
	}
	return out, nil
}

// softmaxRow writes probabilities that sum to one.
func softmaxRow(margin, prob []float64) {
	top, total := slices.Max(margin), 0.0
	for k, e := range margin {
		prob[k] = math.Exp(e - top)
		total += prob[k]
	}
	for k := range prob {
		prob[k] /= total
	}
}

// linearPredictors returns intercept + Σ b·x, row-major, a value a response.
func linearPredictors(inputs []table.Column, x models.Matrix, intercepts []float64, coefficients [][]float64) ([]float64, error) {
	if err := models.CheckColumns(inputs, x); err != nil {
		return nil, err
	}
	k := len(intercepts)
	out := make([]float64, x.Rows*k)
	for i := range x.Rows {
		copy(out[i*k:(i+1)*k], intercepts)
	}
	for j := range inputs {
		values := x.Column(j)
		for i, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("row %d: column %q is %v; a linear model needs every value", i, inputs[j].Name, v)
			}
		}
		for r := range k {
			b := coefficients[r][j]
			if b == 0 {
				continue
			}
			for i, v := range values {
				out[i*k+r] += b * v
			}
		}
	}
	return out, nil
}
