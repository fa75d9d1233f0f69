package fhir

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/ucum"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/problem"
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
	timesAt        []string // places of times
	outcomesAt     []string
	observed       []observed
	basis          []string // references to the observations

	logical *identifier // of a patient who is known by that alone
	known   string      // fullUrl of the Patient that was sent
	entries []entry     // of the Bundle that is read
	named   bool        // a patient is named, rightly or wrongly
	coded   int         // features that were sent, rightly or wrongly
	faults
}

// observed is one feature of the patient.
type observed struct {
	name   string
	path   string // place of the value
	named  string // place of the name
	number *float64
	flag   *bool
	texts  []string // of which one may be a level
	unit   string   // UCUM code
}

// decode reads Parameters or a Bundle of observations, and notes all that is wrong in it.
func decode(body []byte) *request {
	q := &request{}
	r := q.read(body)
	if q.broken {
		return q
	}
	switch r.ResourceType {
	case "Parameters":
		for i, p := range r.Parameter {
			q.parameter(p, fmt.Sprintf("Parameters.parameter[%d]", i))
		}
	case "Bundle":
		q.bundle(r, "Bundle")
	default:
		q.lacking("", "want a resource of the type Parameters or Bundle")
		return q
	}
	if q.subject == "" && !q.named {
		q.lacking(r.ResourceType, "no patient: give the parameter subject, a Patient, or observations with a subject")
	}
	if q.coded == 0 {
		q.lacking(r.ResourceType, "no feature: give parameters feature, or observations coded in %s", FeatureSystem)
	}
	return q
}

// parameters are the names of parameters that are known.
var parameterNames = []string{"subject", "model", "version", "outcome", "origin", "time", "feature", "observation", "bundle"}

// parameter reads one parameter.
func (q *request) parameter(p parameter, path string) {
	text := first(p.String, p.Code)
	switch p.Name {
	case "subject":
		switch {
		case p.Identifier != nil:
			q.identified(p.Identifier, path)
		case p.Reference == nil || p.Reference.Reference == "" && p.Reference.Identifier == nil:
			q.named = true
			q.lacking(path, "subject wants a valueReference, or a valueIdentifier")
		default:
			q.refer(p.Reference, "", path)
		}
	case "model", "version", "outcome":
		switch {
		case text == "":
			q.lacking(path, "%s wants a valueString", p.Name)
		case p.Name == "outcome":
			q.outcomes, q.outcomesAt = append(q.outcomes, text), append(q.outcomesAt, path)
		case p.Name == "model" && q.model == "":
			q.model = text
		case p.Name == "version" && q.version == "":
			q.version = text
		default:
			q.wrong(path, "%s is there twice", p.Name)
		}
	case "origin":
		if q.origin != "" {
			q.wrong(path, "origin is there twice")
			return
		}
		q.date(first(p.Date, p.DateTime), path)
	case "time":
		q.time(p, path)
	case "feature":
		q.feature(p, path)
	case "bundle", "observation":
		switch {
		case p.Resource == nil:
			q.lacking(path, "%s wants a resource", p.Name)
		case p.Resource.ResourceType == "Bundle":
			q.bundle(p.Resource, path+".resource")
		default:
			q.resource(p.Resource, "", path+".resource")
		}
	default:
		near := ""
		if len(p.Name) < 100 && len(q.list) < problem.MaxFaults {
			if known := settings.Nearest(p.Name, parameterNames); known != "" {
				near = fmt.Sprintf(" %q; did you mean %s?", p.Name, known) // what is like none may be anything
			}
		}
		q.lacking(path, "there is no such parameter%s; known: %s", near, list(parameterNames))
	}
}

// time reads a time at which survival is wanted. What is in another unit of time than the bundles know is brought to days.
func (q *request) time(p parameter, path string) {
	d, at := p.Duration, path+".valueDuration"
	if d == nil {
		d, at = p.Quantity, path+".valueQuantity"
	}
	if d == nil || d.Value == nil || d.Code == "" {
		if d == nil {
			at = path
		}
		q.lacking(at, "time wants a valueDuration with value and UCUM code")
		return
	}
	value, unit := d.measured(&q.faults, at)
	if value == nil {
		return
	}
	t := bundle.Time{Value: *value, Unit: unit}
	if _, err := bundle.Convert(t.Value, t.Unit, "d"); err != nil {
		days, err := ucum.Convert(t.Value, t.Unit, "d")
		if err != nil {
			q.wrong(at+".code", "want a unit of time of UCUM, such as d, wk, mo or a: %v", err)
			return
		}
		t = bundle.Time{Value: days, Unit: "d"}
	}
	q.times, q.timesAt = append(q.times, t), append(q.timesAt, at)
}

// date reads the date of time zero.
func (q *request) date(text, path string) {
	day := text
	if len(day) > 10 {
		day = day[:10]
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		q.lacking(path, "origin wants a valueDate with year, month and day")
		return
	}
	q.origin, q.originDate = day, t
}

// feature reads a parameter feature with the parts name and value.
func (q *request) feature(p parameter, path string) {
	q.coded++
	o := observed{path: path, named: path}
	for i, part := range p.Part {
		at := fmt.Sprintf("%s.part[%d]", path, i)
		if slices.ContainsFunc(p.Part[:i], func(other parameter) bool { return other.Name == part.Name }) && (part.Name == "name" || part.Name == "value") {
			q.wrong(at, "%s is there twice", part.Name)
			continue
		}
		switch part.Name {
		case "name":
			o.name, o.named = first(part.String, part.Code), at
		case "value":
			o.value(&part, &q.faults, at)
		default:
			q.wrong(at, "a feature has the parts name and value, and no other")
		}
	}
	if o.name == "" {
		q.lacking(o.named, "a feature without a name")
		return
	}
	q.observed = append(q.observed, o)
}

// value reads the part value of a feature.
func (o *observed) value(part *parameter, f *faults, path string) {
	o.path = path
	switch {
	case part.Decimal != nil:
		o.number = part.Decimal
	case part.Integer != nil:
		o.number = part.Integer
	case part.Quantity != nil:
		o.path += ".valueQuantity"
		o.number, o.unit = part.Quantity.measured(f, o.path)
	case part.Boolean != nil:
		o.flag = part.Boolean
	case part.Concept != nil:
		o.texts = part.Concept.words()
	case part.String != nil, part.Code != nil:
		o.texts = []string{first(part.String, part.Code)}
	default:
		f.lacking(path, "a value is a decimal, integer, Quantity, boolean, string, code or CodeableConcept; leave the part out where it is not known")
	}
}

// features brings what was observed to the inputs of a bundle, in the units of the model, and notes what cannot be brought to them.
func (q *request) features(e *registry.Entry) api.Decoded {
	inputs := e.Columns.Inputs
	d := api.Decoded{IDs: []string{q.subject}, X: models.Matrix{Rows: 1, Values: make([]float64, len(inputs))},
		Request: bundle.Request{Times: q.times, Outcomes: q.outcomes}}
	for j := range d.X.Values {
		d.X.Values[j] = math.NaN()
	}
	seen := make([]bool, len(inputs))
	var notes []bundle.Warning
	for _, o := range q.observed {
		j := e.Columns.Find([]byte(o.name), len(inputs))
		switch {
		case j < 0 && len(q.list) >= problem.MaxFaults:
			q.more++
			continue
		case j < 0:
			if near := e.Columns.Nearest(o.name); near != "" {
				q.wrong(o.named, "the model reads no %q; did you mean %q?", o.name, near)
			} else { // which may be anything
				q.wrong(o.named, "the model reads no feature of this name; GET /v1/models/%s lists those that it does", e.Bundle.Name)
			}
			continue
		case seen[j]:
			q.wrong(o.named, "%s is there twice", o.name)
			continue
		}
		seen[j] = true
		text := level(inputs[j].Levels, o.texts)
		switch numeric := inputs[j].Kind == table.Numeric; {
		case o.flag != nil && numeric:
			d.X.Values[j] = map[bool]float64{true: 1}[*o.flag]
		case o.flag != nil:
			d.X.Values[j] = bundle.Level(inputs[j].Column, strconv.FormatBool(*o.flag))
		case numeric && o.number != nil:
			v, note, err := inUnit(*o.number, o.unit, inputs[j])
			if err != nil {
				q.wrong(o.path, "%v", err)
				continue
			}
			d.X.Values[j] = v
			if note != nil {
				notes = append(notes, *note)
			}
		case numeric && text != "":
			q.wrong(o.path, "%s is a number, found a text", o.name)
		case !numeric && o.number != nil:
			d.X.Values[j] = bundle.Level(inputs[j].Column, strconv.FormatFloat(*o.number, 'f', -1, 64))
		case !numeric && text != "":
			d.X.Values[j] = bundle.Level(inputs[j].Column, text)
		}
	}
	d.Notes = [][]bundle.Warning{notes}
	for _, wrong := range e.Bundle.Check(d.Request) {
		q.wrong(q.asked(wrong.Place), "%s", wrong.Text)
	}
	return d
}

// asked is the parameter that a part of the request came from, such as times[0].unit.
func (q *request) asked(place string) string {
	for name, list := range map[string][]string{"times[": q.timesAt, "outcomes[": q.outcomesAt} {
		if rest, ok := strings.CutPrefix(place, name); ok {
			number, _, _ := strings.Cut(rest, "]")
			if i, err := strconv.Atoi(number); err == nil && i < len(list) {
				return list[i]
			}
		}
	}
	return "Parameters"
}

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
