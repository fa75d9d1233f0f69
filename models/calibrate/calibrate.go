// Package calibrate makes the probabilities of any classifier agree with how often they come true.
//
// A calibration is fitted on out-of-fold predictions of the training rows, so that the model is never judged by what it has learned
// by heart, and the model itself on all of them. Methods are scikit-learn's: Platt scaling [Platt1999], isotonic regression
// [Zadrozny2002], both one class against the rest, and temperature scaling [Guo2017], which keeps the order of the classes.
//
// [Platt1999]: https://home.cs.colorado.edu/~mozer/Teaching/syllabi/6622/papers/Platt1999.pdf
// [Zadrozny2002]: https://doi.org/10.1145/775047.775151
// [Guo2017]: https://proceedings.mlr.press/v70/guo17a.html
package calibrate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
)

// Kind is the kind of a calibrated model. It is registered for decoding; configurations ask for it by calibrate: in a model.
const Kind = "calibrated"

// The methods.
const (
	Platt       = "platt"
	Isotonic    = "isotonic"
	Temperature = "temperature"
)

// Methods are the methods by name.
var Methods = []string{Platt, Isotonic, Temperature}

// fewForIsotonic is the number of rows of the rarest class below which isotonic regression follows noise and says so.
const fewForIsotonic = 50

func init() {
	models.Register(models.Kind{
		Name:     Kind,
		Outcomes: []clinical.OutcomeKind{clinical.Class},
		New: func(models.Options) (models.Learner, error) {
			return nil, fmt.Errorf("%s is not a model by itself: set calibrate: %v in another", Kind, Methods)
		},
		Decode: decode,
	})
}

// New returns a learner whose models are calibrated on the out-of-fold predictions of so many inner folds.
func New(base models.Learner, method string, folds int) (models.Learner, error) {
	if !slices.Contains(Methods, method) {
		return nil, fmt.Errorf("there is no calibration %q; there are %v", method, Methods)
	}
	if folds < 2 {
		return nil, fmt.Errorf("calibration needs at least two inner folds, not %d", folds)
	}
	return learner{base, method, folds}, nil
}

type learner struct {
	base   models.Learner
	method string
	folds  int
}

// Model is a classifier with calibrated probabilities. Its margin is the log-odds of its own probabilities where the calibration is
// smooth (Platt and temperature, two classes; temperature, more), and nil otherwise.
type Model struct {
	base    models.Model
	method  string
	classes []string
	curves  []curve // one for two classes, one a class for more; of temperature always one
	notes   []string
}

// Fit calibrates. It needs a row of each class in every inner fold's training rows.
func (l learner) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	if t.Y.Kind != clinical.Class {
		return nil, fmt.Errorf("calibration is of class probabilities; outcome %q is of kind %s", t.Y.Name, t.Y.Kind)
	}
	base, err := l.base.Fit(ctx, t)
	if err != nil {
		return nil, err
	}
	least := rarest(t.Y)
	folds := min(l.folds, least)
	if folds < 2 {
		return nil, fmt.Errorf("outcome %q: a class has %d row, and calibration needs at least two", t.Y.Name, least)
	}
	scores, err := l.outOfFold(ctx, t, folds)
	if err != nil {
		return nil, err
	}
	m := &Model{base: base, method: l.method, classes: t.Y.Classes}
	if n, ok := base.(models.Noted); ok {
		m.notes = append(m.notes, n.Notes()...)
	}
	if folds < l.folds {
		m.notes = append(m.notes, fmt.Sprintf("calibrated on %d inner folds instead of %d, because the rarest class has %d rows", folds, l.folds, least))
	}
	if l.method == Isotonic && least < fewForIsotonic {
		m.notes = append(m.notes, fmt.Sprintf("isotonic calibration of a class with %d rows follows noise; platt or temperature needs fewer", least))
	}
	m.curves = fitCurves(l.method, scores, t)
	return m, nil
}

func rarest(y clinical.Outcome) int {
	n := make([]int, len(y.Classes))
	for _, c := range y.Class {
		if c >= 0 && c < len(n) {
			n[c]++
		}
	}
	return slices.Min(n)
}

// outOfFold returns the scores of each row by a model that was not fitted to it, row-major.
func (l learner) outOfFold(ctx context.Context, t models.Training, folds int) ([]float64, error) {
	fold := linear.Folds(t.Y.Class, t.Groups, folds, t.Seed.Split("calibration"))
	var out []float64
	for f := range folds {
		var train, test []int
		for i, k := range fold {
			if k == f {
				test = append(test, i)
			} else {
				train = append(train, i)
			}
		}
		in := t.Select(train)
		in.Seed = t.Seed.SplitInt("calibration", f)
		m, err := l.base.Fit(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("inner fold %d of the calibration: %w", f, err)
		}
		p, err := m.Predict(t.X.Select(test), nil)
		if err != nil {
			return nil, fmt.Errorf("inner fold %d of the calibration: %w", f, err)
		}
		s := scoresOf(p)
		width := len(s) / len(test)
		if out == nil {
			out = make([]float64, width*len(t.Y.Class))
		}
		for k, i := range test {
			copy(out[i*width:(i+1)*width], s[k*width:(k+1)*width])
		}
	}
	return out, nil
}

// scoresOf returns a model's margins, or where it has none the logarithms of its probabilities as margins, kept finite.
func scoresOf(p models.Prediction) []float64 {
	if p.Margin != nil {
		return p.Margin
	}
	k := len(p.Classes)
	logit := func(q float64) float64 {
		q = min(max(q, 1e-6), 1-1e-6)
		return math.Log(q / (1 - q))
	}
	var out []float64
	if k == 2 {
		for i := range p.Rows {
			out = append(out, logit(p.Probabilities[2*i+1]))
		}
		return out
	}
	for _, q := range p.Probabilities {
		out = append(out, math.Log(max(q, 1e-6)))
	}
	return out
}

// Kind is "calibrated".
func (m *Model) Kind() string { return Kind }

// Columns are those of the model that is calibrated.
func (m *Model) Columns() []table.Column { return m.base.Columns() }

// Notes are those of the model that is calibrated, and of the calibration.
func (m *Model) Notes() []string { return m.notes }

// Base is the model that is calibrated: what explanations explain.
func (m *Model) Base() models.Model { return m.base }

// Method is how it is calibrated.
func (m *Model) Method() string { return m.method }

// Predict returns calibrated probabilities.
func (m *Model) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	p, err := m.base.Predict(x, times)
	if err != nil {
		return p, err
	}
	scores := scoresOf(p)
	out := models.Prediction{Kind: p.Kind, Rows: p.Rows, Classes: m.classes, Probabilities: make([]float64, p.Rows*len(m.classes))}
	k := len(m.classes)
	if k == 2 {
		m.predictTwo(scores, &out)
		return out, nil
	}
	if m.method == Temperature {
		out.Margin = make([]float64, len(scores))
		for i := range scores {
			out.Margin[i] = m.curves[0].Slope * scores[i]
		}
	}
	for i := range p.Rows {
		row := out.Probabilities[i*k : (i+1)*k]
		if m.method == Temperature {
			softmax(out.Margin[i*k:(i+1)*k], row)
			continue
		}
		total := 0.0
		for c := range row {
			row[c] = m.curves[c].at(scores[i*k+c])
			total += row[c]
		}
		for c := range row {
			if row[c] /= total; total == 0 {
				row[c] = 1 / float64(k) // every class ruled out: nothing is known
			}
		}
	}
	return out, nil
}

func (m *Model) predictTwo(scores []float64, out *models.Prediction) {
	c := m.curves[0]
	if m.method != Isotonic {
		out.Margin = make([]float64, len(scores))
	}
	for i, s := range scores {
		q := c.at(s)
		if m.method != Isotonic {
			out.Margin[i] = c.margin(s)
		}
		out.Probabilities[2*i], out.Probabilities[2*i+1] = 1-q, q
	}
}

// softmax writes probabilities that sum to one.
func softmax(margin, prob []float64) {
	top, total := slices.Max(margin), 0.0
	for k, e := range margin {
		prob[k] = math.Exp(e - top)
		total += prob[k]
	}
	for k := range prob {
		prob[k] /= total
	}
}
