package tree

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Classifier is a fitted model of trees for a class outcome: decision_tree, random_forest, extra_trees and boosting. Its ensemble has
// the scale Probability (one output, of the last class, where there are two classes; else one a class) or LogOdds.
type Classifier struct {
	about  about
	e      *Ensemble
	runner *runner
}

// about is the part of a model beside its trees, stored as JSON.
type about struct {
	Kind    string         `json:"kind"`
	Columns []table.Column `json:"columns"`
	Classes []string       `json:"classes,omitempty"`
	Notes   []string       `json:"notes,omitempty"`
	// OutOfBag is the score on rows that a tree was not grown on; nil where all trees were grown on all rows.
	OutOfBag *OutOfBag `json:"out_of_bag,omitempty"`
}

// The parts of a model of trees.
const (
	partTrees = "trees.bin"
	partAbout = "trees.json"
)

func newClassifier(a about, e *Ensemble) *Classifier {
	return &Classifier{a, e, newRunner(e)}
}

// Kind is the name under which the model's kind is registered.
func (m *Classifier) Kind() string { return m.about.Kind }

// Columns are the columns that Predict expects.
func (m *Classifier) Columns() []table.Column { return m.about.Columns }

// Classes are the classes that it tells apart, in the order of the outcome.
func (m *Classifier) Classes() []string { return m.about.Classes }

// Notes says what is to be known of the fit.
func (m *Classifier) Notes() []string { return m.about.Notes }

// OutOfBag returns how well a forest predicts rows that its trees were not grown on, or nil.
func (m *Classifier) OutOfBag() *OutOfBag { return m.about.OutOfBag }

// Ensemble returns the model's trees.
func (m *Classifier) Ensemble() *Ensemble { return m.e }

// Predict predicts every row of x. Missing values go the way that training chose for them.
func (m *Classifier) Predict(x models.Matrix, _ []float64) (models.Prediction, error) {
	if err := models.CheckColumns(m.about.Columns, x); err != nil {
		return models.Prediction{}, err
	}
	k := len(m.about.Classes)
	p := models.Prediction{Kind: clinical.Class, Rows: x.Rows, Classes: m.about.Classes, Probabilities: make([]float64, x.Rows*k)}
	outputs := m.e.Outputs()
	raw := p.Probabilities
	if outputs != k {
		raw = make([]float64, x.Rows*outputs)
	}
	if m.e.Scale == LogOdds {
		raw = make([]float64, x.Rows*outputs)
		p.Margin = raw
	}
	m.runner.score(x, raw)
	for i := range x.Rows {
		probabilities(m.e.Scale, raw[i*outputs:(i+1)*outputs], p.Probabilities[i*k:(i+1)*k])
	}
	return p, nil
}

// probabilities turns a row's outputs into probabilities that sum to one; raw and out may be the same.
func probabilities(s Scale, raw, out []float64) {
	if len(raw) == 1 {
		p := raw[0]
		if s == LogOdds {
			p = logistic(p)
		}
		p = min(max(p, 0), 1)
		out[0], out[1] = 1-p, p
		return
	}
	high := math.Inf(-1)
	for _, v := range raw {
		high = max(high, v)
	}
	sum := 0.0
	for k, v := range raw {
		if s == LogOdds {
			v = math.Exp(v - high)
		}
		out[k] = max(v, 0)
		sum += out[k]
	}
	for k := range out {
		out[k] /= sum
	}
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Encode returns the parts that a bundle stores.
func (m *Classifier) Encode() (map[string][]byte, error) {
	b, err := json.Marshal(m.about)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{partTrees: m.e.Encode(), partAbout: b}, nil
}

// decode reads the parts that all models of trees have.
func decode(kind string, parts map[string][]byte) (about, *Ensemble, error) {
	var a about
	for _, name := range []string{partTrees, partAbout} {
		if _, ok := parts[name]; !ok {
			return a, nil, fmt.Errorf("%s: the part %s is missing", kind, name)
		}
	}
	if err := json.Unmarshal(parts[partAbout], &a); err != nil {
		return a, nil, fmt.Errorf("%s: %s: %w", kind, partAbout, err)
	}
	if a.Kind != kind {
		return a, nil, fmt.Errorf("%s: the parts are of a model of kind %q", kind, a.Kind)
	}
	e, err := DecodeEnsemble(parts[partTrees])
	if err != nil {
		return a, nil, fmt.Errorf("%s: %s: %w", kind, partTrees, err)
	}
	if e.Features != len(a.Columns) {
		return a, nil, fmt.Errorf("%s: trees read %d columns, %d are described", kind, e.Features, len(a.Columns))
	}
	return a, e, nil
}

// DecodeClassifier returns the Decode of a kind whose models are classifiers of trees.
func DecodeClassifier(kind string) func(map[string][]byte) (models.Model, error) {
	return func(parts map[string][]byte) (models.Model, error) {
		a, e, err := decode(kind, parts)
		if err != nil {
			return nil, err
		}
		if err := checkOutputs(kind, a.Classes, e); err != nil {
			return nil, err
		}
		return newClassifier(a, e), nil
	}
}

// checkRows returns an error where there is nothing to learn from.
func checkRows(t models.Training, want clinical.OutcomeKind) error {
	switch {
	case t.Y.Kind != want:
		return fmt.Errorf("outcome %q is a %s outcome; this kind learns %s outcomes", t.Y.Name, t.Y.Kind, want)
	case t.X.Rows != t.Y.Rows():
		return fmt.Errorf("%d rows and %d outcomes", t.X.Rows, t.Y.Rows())
	case t.X.Rows == 0:
		return errors.New("no rows to learn from")
	case len(t.X.Columns) == 0:
		return errors.New("no columns to learn from")
	case t.Weights != nil && len(t.Weights) != t.X.Rows:
		return fmt.Errorf("%d rows and %d weights", t.X.Rows, len(t.Weights))
	}
	for i, w := range t.Weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("row %d has weight %v; want a finite weight of 0 or more", i+1, w)
		}
	}
	for i := range t.X.Rows {
		if !t.Y.Known(i) {
			return fmt.Errorf("row %d: the outcome %q is not known; leave such rows out", i+1, t.Y.Name)
		}
	}
	return nil
}

// NewClassifier returns the model that an ensemble grown elsewhere makes for a kind of its own. Its scale must be Probability or LogOdds,
// with one output for two classes or one a class.
func NewClassifier(kind string, columns []table.Column, classes, notes []string, e *Ensemble) (*Classifier, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	if e.Features != len(columns) {
		return nil, fmt.Errorf("%s: trees read %d columns, %d are described", kind, e.Features, len(columns))
	}
	if err := checkOutputs(kind, classes, e); err != nil {
		return nil, err
	}
	return newClassifier(about{Kind: kind, Columns: columns, Classes: classes, Notes: notes}, e), nil
}

// checkOutputs returns an error unless the outputs are those of classes.
func checkOutputs(kind string, classes []string, e *Ensemble) error {
	switch k := len(classes); {
	case k < 2:
		return fmt.Errorf("%s: %d classes", kind, k)
	case e.Outputs() != k && !(k == 2 && e.Outputs() == 1):
		return fmt.Errorf("%s: %d outputs for %d classes", kind, e.Outputs(), k)
	case e.Scale != Probability && e.Scale != LogOdds:
		return fmt.Errorf("%s: the scale is %q", kind, e.Scale)
	}
	return nil
}
