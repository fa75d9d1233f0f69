package fhir

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
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
}

// observed is one feature of the patient.
type observed struct {
	name, path string
	number     *float64
	text       string
	unit       string // UCUM code
}

// The parts of FHIR that are read. What else a resource holds is left aside, but for modifier extensions, which would change its meaning.
type (
	resource struct {
		ResourceType string            `json:"resourceType"`
		ID           string            `json:"id"`
		Modifiers    []json.RawMessage `json:"modifierExtension"`
		// Parameters
		Parameter []parameter `json:"parameter"`
		// Bundle
		Type  string  `json:"type"`
		Entry []entry `json:"entry"`
		// Observation
		Status       string     `json:"status"`
		Code         *concept   `json:"code"`
		Subject      *reference `json:"subject"`
		Quantity     *quantity  `json:"valueQuantity"`
		Concept      *concept   `json:"valueCodeableConcept"`
		ValueString  *string    `json:"valueString"`
		ValueInteger *float64   `json:"valueInteger"`
	}
	entry struct {
		FullURL  string    `json:"fullUrl"`
		Resource *resource `json:"resource"`
	}
	parameter struct {
		Name      string      `json:"name"`
		Resource  *resource   `json:"resource"`
		Part      []parameter `json:"part"`
		String    *string     `json:"valueString"`
		Code      *string     `json:"valueCode"`
		Decimal   *float64    `json:"valueDecimal"`
		Integer   *float64    `json:"valueInteger"`
		Date      *string     `json:"valueDate"`
		DateTime  *string     `json:"valueDateTime"`
		Quantity  *quantity   `json:"valueQuantity"`
		Duration  *quantity   `json:"valueDuration"`
		Reference *reference  `json:"valueReference"`
	}
	reference struct {
		Reference string `json:"reference"`
	}
	concept struct {
		Coding []struct {
			System string `json:"system"`
			Code   string `json:"code"`
		} `json:"coding"`
		Text string `json:"text"`
	}
	quantity struct {
		Value *float64 `json:"value"`
		Code  string   `json:"code"`
		Unit  string   `json:"unit"`
	}
)

func wrong(path, format string, args ...any) error {
	return &issue{http.StatusUnprocessableEntity, "invalid", fmt.Sprintf(format, args...), path}
}

// decode reads Parameters or a Bundle of observations.
func decode(body []byte) (*request, error) {
	var r resource
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, &issue{http.StatusBadRequest, "structure", "the body is not FHIR in JSON: " + err.Error(), ""}
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
		if err := q.bundle(&r, "Bundle"); err != nil {
			return nil, err
		}
	default:
		return nil, wrong("", "want Parameters or a Bundle, found %q", r.ResourceType)
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
		if p.Reference == nil || p.Reference.Reference == "" {
			return wrong(path, "subject wants a valueReference")
		}
		return q.patient(p.Reference.Reference, path)
	case "model", "version", "outcome":
		if text == "" {
			return wrong(path, "%s wants a valueString", p.Name)
		}
		switch p.Name {
		case "model":
			q.model = text
		case "version":
			q.version = text
		default:
			q.outcomes = append(q.outcomes, text)
		}
	case "origin":
		return q.date(first(p.Date, p.DateTime), path)
	case "time":
		d := p.Duration
		if d == nil {
			d = p.Quantity
		}
		if d == nil || d.Value == nil || d.Code == "" {
			return wrong(path, "time wants a valueDuration with value and UCUM code")
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
		return wrong(path, "there is no parameter %q; known: subject, model, version, outcome, origin, time, feature, observation, bundle", p.Name)
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
	for _, part := range p.Part {
		switch part.Name {
		case "name":
			o.name = first(part.String, part.Code)
		case "value":
			switch {
			case part.Decimal != nil:
				o.number = part.Decimal
			case part.Integer != nil:
				o.number = part.Integer
			case part.Quantity != nil:
				o.number, o.unit = part.Quantity.Value, part.Quantity.Code
			default:
				o.text = first(part.String, part.Code)
			}
		default:
			return wrong(path, "a feature has the parts name and value, not %q", part.Name)
		}
	}
	if o.name == "" {
		return wrong(path, "a feature without a name")
	}
	q.observed = append(q.observed, o)
	return nil
}

func (q *request) bundle(r *resource, path string) error {
	for i, e := range r.Entry {
		if e.Resource == nil {
			continue
		}
		if err := q.resource(e.Resource, e.FullURL, fmt.Sprintf("%s.entry[%d].resource", path, i)); err != nil {
			return err
		}
	}
	return nil
}

// resource reads a patient or an observation; others are left aside.
func (q *request) resource(r *resource, url, path string) error {
	if len(r.Modifiers) > 0 {
		return wrong(path+".modifierExtension", "a modifier extension could change what this means and is not understood")
	}
	switch r.ResourceType {
	case "Patient":
		if r.ID != "" {
			return q.patient("Patient/"+r.ID, path)
		}
		return q.patient(url, path)
	case "Observation":
		return q.observation(r, url, path)
	}
	return nil
}

// patient notes whose features these are; two patients in one request are refused.
func (q *request) patient(ref, path string) error {
	if q.subject != "" && ref != "" && ref != q.subject {
		return wrong(path, "a second patient; the operation is for one")
	}
	if ref != "" {
		q.subject = ref
	}
	return nil
}

// observation reads an observation that is coded as one of our features; others are left aside.
func (q *request) observation(r *resource, url, path string) error {
	if r.Subject != nil {
		if err := q.patient(r.Subject.Reference, path+".subject"); err != nil {
			return err
		}
	}
	if r.Code == nil {
		return nil
	}
	for _, c := range r.Code.Coding {
		if c.System != FeatureSystem {
			continue
		}
		switch r.Status {
		case "final", "amended", "corrected", "preliminary":
		default:
			return wrong(path+".status", "the observation of %s has status %q and cannot be used", c.Code, r.Status)
		}
		o := observed{name: c.Code, path: path}
		switch {
		case r.Quantity != nil:
			o.number, o.unit = r.Quantity.Value, r.Quantity.Code
		case r.ValueInteger != nil:
			o.number = r.ValueInteger
		case r.ValueString != nil:
			o.text = *r.ValueString
		case r.Concept != nil:
			o.text = r.Concept.Text
			if len(r.Concept.Coding) > 0 {
				o.text = r.Concept.Coding[0].Code
			}
		}
		q.observed = append(q.observed, o)
		if r.ID != "" {
			url = "Observation/" + r.ID
		}
		if url != "" {
			q.basis = append(q.basis, url)
		}
		return nil
	}
	return nil
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
			return d, wrong(o.path, "the model reads no %q", o.name)
		case seen[j]:
			return d, wrong(o.path, "%s is there twice", o.name)
		case o.unit != "" && inputs[j].Unit != "" && o.unit != inputs[j].Unit:
			return d, wrong(o.path, "%s is in %s; the model reads %s", o.name, o.unit, inputs[j].Unit)
		}
		seen[j] = true
		switch numeric := inputs[j].Kind == table.Numeric; {
		case numeric && o.number != nil:
			d.X.Values[j] = *o.number
		case numeric && o.text != "":
			return d, wrong(o.path, "%s is a number, found a text", o.name)
		case !numeric && o.number != nil:
			d.X.Values[j] = bundle.Level(inputs[j].Column, strconv.FormatFloat(*o.number, 'f', -1, 64))
		case !numeric && o.text != "":
			d.X.Values[j] = bundle.Level(inputs[j].Column, o.text)
		}
	}
	return d, nil
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
