package fhir

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/registry"
)

// request is what a body says: whose features, for which model, from when on.
type request struct {
	subject        string // reference to the patient
	model, version string
	origin         string // date of time zero, as it came
	originDate     time.Time
	times          []bundle.Time
	outcomes       []string
	observed       []observed
	basis          []string // references to the observations

	logical  *identifier // of a patient who is known by that alone
	known    string      // fullUrl of the Patient that was sent
	entries  []entry     // of the Bundle that is read
	warnings []bundle.Warning
}

// observed is one feature of the patient.
type observed struct {
	name, path string
	number     *float64
	flag       *bool
	texts      []string // of which one may be a level
	unit       string   // UCUM code
}

func wrong(path, format string, args ...any) error {
	return &issue{http.StatusUnprocessableEntity, "invalid", fmt.Sprintf(format, args...), path}
}

// decode reads Parameters or a Bundle of observations.
func decode(body []byte) (*request, error) {
	r, err := read(body)
	if err != nil {
		return nil, err
	}
	q := &request{}
	switch r.ResourceType {
	case "Parameters":
		for i, p := range r.Parameter {
			if err := q.parameter(p, fmt.Sprintf("Parameters.parameter[%d]", i)); err != nil {
				return nil, err
			}
		}
	case "Bundle":
		if err := q.bundle(r, "Bundle"); err != nil {
			return nil, err
		}
	default:
		return nil, wrong("", "want Parameters or a Bundle, found %.100q", r.ResourceType)
	}
	if q.subject == "" {
		return nil, wrong(r.ResourceType, "no patient: give the parameter subject, a Patient, or observations with a subject")
	}
	if len(q.observed) == 0 {
		return nil, wrong(r.ResourceType, "no feature: give parameters feature, or observations coded in %s", FeatureSystem)
	}
	return q, nil
}

// parameter reads one parameter.
func (q *request) parameter(p parameter, path string) error {
	text := first(p.String, p.Code)
	switch p.Name {
	case "subject":
		switch {
		case p.Identifier != nil:
			return q.identified(p.Identifier, path)
		case p.Reference == nil || p.Reference.Reference == "" && p.Reference.Identifier == nil:
			return wrong(path, "subject wants a valueReference, or a valueIdentifier")
		}
		return q.refer(p.Reference, "", path)
	case "model", "version", "outcome":
		if text == "" {
			return wrong(path, "%s wants a valueString", p.Name)
		}
		switch {
		case p.Name == "outcome":
			q.outcomes = append(q.outcomes, text)
		case p.Name == "model" && q.model == "":
			q.model = text
		case p.Name == "version" && q.version == "":
			q.version = text
		default:
			return wrong(path, "%s is there twice", p.Name)
		}
	case "origin":
		if q.origin != "" {
			return wrong(path, "origin is there twice")
		}
		return q.date(first(p.Date, p.DateTime), path)
	case "time":
		d := p.Duration
		if d == nil {
			d = p.Quantity
		}
		if d == nil || d.Value == nil || d.Code == "" {
			return wrong(path, "time wants a valueDuration with value and UCUM code")
		}
		if _, _, err := d.measured(path); err != nil {
			return err
		}
		q.times = append(q.times, bundle.Time{Value: *d.Value, Unit: d.Code})
	case "feature":
		return q.feature(p, path)
	case "bundle", "observation":
		if p.Resource == nil {
			return wrong(path, "%s wants a resource", p.Name)
		}
		if p.Resource.ResourceType == "Bundle" {
			return q.bundle(p.Resource, path+".resource")
		}
		return q.resource(p.Resource, "", path+".resource")
	default:
		return wrong(path, "there is no parameter %.100q; known: subject, model, version, outcome, origin, time, feature, observation, bundle", p.Name)
	}
	return nil
}

// date reads the date of time zero.
func (q *request) date(text, path string) error {
	day := text
	if len(day) > 10 {
		day = day[:10]
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return wrong(path, "origin wants a valueDate with year, month and day")
	}
	q.origin, q.originDate = day, t
	return nil
}

// feature reads a parameter feature with the parts name and value.
func (q *request) feature(p parameter, path string) error {
	o := observed{path: path}
	for i, part := range p.Part {
		at := fmt.Sprintf("%s.part[%d]", path, i)
		for _, other := range p.Part[:i] {
			if other.Name == part.Name {
				return wrong(at, "%.100s is there twice", part.Name)
			}
		}
		switch part.Name {
		case "name":
			o.name = first(part.String, part.Code)
		case "value":
			if err := o.value(&part, at); err != nil {
				return err
			}
		default:
			return wrong(path, "a feature has the parts name and value, not %.100q", part.Name)
		}
	}
	if o.name == "" {
		return wrong(path, "a feature without a name")
	}
	q.observed = append(q.observed, o)
	return nil
}

// value reads the part value of a feature.
func (o *observed) value(part *parameter, path string) (err error) {
	switch {
	case part.Decimal != nil:
		o.number = part.Decimal
	case part.Integer != nil:
		o.number = part.Integer
	case part.Quantity != nil:
		o.number, o.unit, err = part.Quantity.measured(path)
	case part.Boolean != nil:
		o.flag = part.Boolean
	case part.Concept != nil:
		o.texts = part.Concept.words()
	case part.String != nil, part.Code != nil:
		o.texts = []string{first(part.String, part.Code)}
	default:
		err = wrong(path, "a value is a decimal, integer, Quantity, boolean, string, code or CodeableConcept; leave the part out where it is not known")
	}
	return err
}

// features brings what was observed to the inputs of a bundle. A unit that is not the input's is refused: nothing is converted.
func (q *request) features(e *registry.Entry) (api.Decoded, error) {
	inputs := e.Columns.Inputs
	d := api.Decoded{IDs: []string{q.subject}, X: models.Matrix{Rows: 1, Values: make([]float64, len(inputs))},
		Request: bundle.Request{Times: q.times, Outcomes: q.outcomes}}
	for j := range d.X.Values {
		d.X.Values[j] = math.NaN()
	}
	seen := make([]bool, len(inputs))
	for _, o := range q.observed {
		j := e.Columns.Find([]byte(o.name), len(inputs))
		switch {
		case j < 0:
			if near := e.Bundle.Nearest(o.name); near != "" && len(o.name) < 200 {
				return d, wrong(o.path, "the model reads no %q; did you mean %q?", o.name, near)
			}
			return d, wrong(o.path, "the model reads no %.200q", o.name)
		case seen[j]:
			return d, wrong(o.path, "%s is there twice", o.name)
		case o.unit != "" && inputs[j].Unit != "" && o.unit != inputs[j].Unit:
			return d, wrong(o.path, "%s is in %.50s; the model reads %s", o.name, o.unit, inputs[j].Unit)
		case o.unit != "" && o.unit != "1" && inputs[j].Unit == "":
			q.warnings = append(q.warnings, bundle.Warning{Code: UnitNotChecked, Feature: inputs[j].Name,
				Message: fmt.Sprintf("the value came in %.50s, and the model does not say in which unit it was trained", o.unit)})
		}
		seen[j] = true
		text := level(inputs[j].Levels, o.texts)
		switch numeric := inputs[j].Kind == table.Numeric; {
		case o.flag != nil && numeric:
			d.X.Values[j] = map[bool]float64{true: 1}[*o.flag]
		case o.flag != nil:
			d.X.Values[j] = bundle.Level(inputs[j].Column, strconv.FormatBool(*o.flag))
		case numeric && o.number != nil:
			d.X.Values[j] = *o.number
		case numeric && text != "":
			return d, wrong(o.path, "%s is a number, found a text", o.name)
		case !numeric && o.number != nil:
			d.X.Values[j] = bundle.Level(inputs[j].Column, strconv.FormatFloat(*o.number, 'f', -1, 64))
		case !numeric && text != "":
			d.X.Values[j] = bundle.Level(inputs[j].Column, text)
		}
	}
	return d, nil
}

// UnitNotChecked is the code of the warning that a value came with a unit and the model has none to hold it against.
const UnitNotChecked = "unit_not_checked"

// level is the first text that is one of the levels, or the first where none is.
func level(levels, texts []string) string {
	for _, t := range texts {
		if slices.Contains(levels, t) {
			return t
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return texts[0]
}

func first(texts ...*string) string {
	for _, t := range texts {
		if t != nil {
			return *t
		}
	}
	return ""
}

func list(names []string) string { return strings.Join(names, ", ") }
