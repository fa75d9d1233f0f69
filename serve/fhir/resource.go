package fhir

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/serve/structure"
)

// The parts of FHIR that are read. What else a resource holds is left aside, but for what would change its meaning: see reading.
type (
	resource struct {
		ResourceType string `json:"resourceType"`
		ID           string `json:"id"`
		// Parameters
		Parameter []parameter `json:"parameter"`
		// Bundle
		Type  string  `json:"type"`
		Entry []entry `json:"entry"`
		// Observation
		Status    string      `json:"status"`
		Subject   *reference  `json:"subject"`
		Component []component `json:"component"`
		component
	}
	// component is a part of an observation; the observation's own code and value are of the same form.
	component struct {
		Code    *concept  `json:"code"`
		Absent  *concept  `json:"dataAbsentReason"`
		Value   *quantity `json:"valueQuantity"`
		Concept *concept  `json:"valueCodeableConcept"`
		String  *string   `json:"valueString"`
		Integer *float64  `json:"valueInteger"`
		Boolean *bool     `json:"valueBoolean"`
		// The values that are no feature's.
		Range    json.RawMessage `json:"valueRange"`
		Ratio    json.RawMessage `json:"valueRatio"`
		Sampled  json.RawMessage `json:"valueSampledData"`
		Time     json.RawMessage `json:"valueTime"`
		DateTime json.RawMessage `json:"valueDateTime"`
		Period   json.RawMessage `json:"valuePeriod"`
	}
	entry struct {
		FullURL  string    `json:"fullUrl"`
		Resource *resource `json:"resource"`
	}
	parameter struct {
		Name       string      `json:"name"`
		Resource   *resource   `json:"resource"`
		Part       []parameter `json:"part"`
		String     *string     `json:"valueString"`
		Code       *string     `json:"valueCode"`
		Decimal    *float64    `json:"valueDecimal"`
		Integer    *float64    `json:"valueInteger"`
		Boolean    *bool       `json:"valueBoolean"`
		Date       *string     `json:"valueDate"`
		DateTime   *string     `json:"valueDateTime"`
		Quantity   *quantity   `json:"valueQuantity"`
		Duration   *quantity   `json:"valueDuration"`
		Concept    *concept    `json:"valueCodeableConcept"`
		Reference  *reference  `json:"valueReference"`
		Identifier *identifier `json:"valueIdentifier"`
	}
	reference struct {
		Reference  string      `json:"reference"`
		Identifier *identifier `json:"identifier"`
	}
	identifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	concept struct {
		Coding []struct {
			System string `json:"system"`
			Code   string `json:"code"`
		} `json:"coding"`
		Text string `json:"text"`
	}
	quantity struct {
		Value      *float64 `json:"value"`
		Comparator string   `json:"comparator"`
		Unit       string   `json:"unit"`
		System     string   `json:"system"`
		Code       string   `json:"code"`
	}
)

// ucumSystem is the system of units.
const ucumSystem = "http://unitsofmeasure.org"

// measured notes the number of a quantity and its UCUM code. A quantity that is a bound (comparator) is no number, and a unit under another system is
// not known.
func (q *quantity) measured(f *faults, path string) (value *float64, unit string) {
	switch {
	case q.Comparator != "":
		f.wrong(path+".comparator", "a comparator makes the quantity a bound and no value; send the value, or leave it out")
		return nil, ""
	case q.System != "" && q.System != ucumSystem && q.Code != "":
		f.wrong(path+".system", "the unit is coded in another system; units are of %s", ucumSystem)
		return nil, ""
	case q.Code == "":
		return q.Value, q.Unit
	}
	return q.Value, q.Code
}

// Elements that change what a resource means, and are not understood: https://hl7.org/fhir/R4/extensibility.html#modifierExtension and
// https://hl7.org/fhir/R4/resource-definitions.html#Resource.implicitRules.
var modifying = map[string]string{
	"modifierExtension": "a modifier extension could change what this means and is not understood",
	"implicitRules":     "implicit rules could change what this means and are not understood",
}

// reading are the rules of a body's structure.
var reading = structure.Rules{Depth: maxDepth, Refused: modifying, Resources: []string{"Parameters", "Bundle", "Observation", "Patient"}}

// read decodes a body and notes what is wrong in its structure.
func (q *request) read(body []byte) *resource {
	var r resource
	found, more, kind, err := structure.Check(body, reflect.TypeFor[resource](), reading)
	if err == nil {
		q.structural(found, more, kind)
		err = json.Unmarshal(body, &r)
		if typed := (*json.UnmarshalTypeError)(nil); errors.As(err, &typed) { // which the structure told, or is of a resource that is not read
			err = nil
		}
	}
	if err != nil {
		q.broken = true
		q.add(http.StatusBadRequest, "structure", "", "the body is not FHIR in JSON: %v", err)
	}
	return &r
}

// maxDepth bounds how deep a body is nested: a Bundle in Parameters is ten deep, and an extension takes two more.
const maxDepth = 64

// bundleTypes are those whose entries are resources as they are now.
var bundleTypes = []string{"", "collection", "searchset", "document", "message", "transaction", "batch"}

func (q *request) bundle(r *resource, path string) {
	if !slices.Contains(bundleTypes, r.Type) {
		q.wrong(path+".type", "a Bundle of this type is none of resources as they are now; send a collection")
		q.named, q.coded = true, q.coded+1 // as far as is known
		return
	}
	q.entries = r.Entry
	defer func() { q.entries = nil }()
	for i, e := range r.Entry {
		if e.Resource != nil {
			q.resource(e.Resource, e.FullURL, fmt.Sprintf("%s.entry[%d].resource", path, i))
		}
	}
}

// resource reads a patient or an observation; others are left aside.
func (q *request) resource(r *resource, url, path string) {
	switch r.ResourceType {
	case "Patient":
		if url == "" {
			url = "Patient/" + r.ID
		}
		if q.known != "" && q.known != url {
			q.second(path)
			return
		}
		q.known = url
		if r.ID != "" {
			url = "Patient/" + r.ID
		}
		q.patient(url, path)
	case "Observation":
		q.observation(r, url, path)
	}
}

// second notes that a request is of two patients.
func (q *request) second(path string) {
	q.wrong(path, "a second patient; the operation is for one: send a request for each")
}

// patient notes whose features these are; two patients in one request are refused.
func (q *request) patient(ref, path string) {
	ref, _, _ = strings.Cut(ref, "/_history/")
	switch {
	case strings.HasPrefix(ref, "#"):
		q.wrong(path, "the patient is contained in the resource, and so is nobody outside it; refer to a Patient")
	case q.subject != "" && ref != "" && ref != q.subject:
		q.second(path)
	case ref != "":
		q.subject = ref
	}
}

// refer notes the patient that a reference in an entry of its own address leads to. A reference to a Patient of the same Bundle is that
// Patient, whether by its fullUrl or relative to the entry (https://hl7.org/fhir/R4/bundle.html#references).
func (q *request) refer(ref *reference, own, path string) {
	q.named = true
	text, _, _ := strings.Cut(ref.Reference, "/_history/")
	if text == "" && ref.Identifier != nil {
		q.identified(ref.Identifier, path)
		return
	}
	absolute := text
	if base, _, ok := strings.Cut(own, "/Observation/"); ok && strings.Contains(base, "://") && !strings.Contains(text, ":") {
		absolute = base + "/" + text
	}
	for _, e := range q.entries {
		if e.Resource == nil || e.Resource.ResourceType != "Patient" {
			continue
		}
		address := strings.Contains(e.FullURL, "://") && strings.Contains(absolute, "://")
		if absolute == e.FullURL && absolute != "" || !address && e.Resource.ID != "" && text == "Patient/"+e.Resource.ID {
			if e.Resource.ID == "" {
				q.patient(e.FullURL, path)
			} else {
				q.patient("Patient/"+e.Resource.ID, path)
			}
			return
		}
		if address { // of another server, on which the same id is of someone else
			text = absolute
		}
	}
	q.patient(text, path)
}

// identified notes a patient who is known by an identifier alone.
func (q *request) identified(id *identifier, path string) {
	q.named = true
	if id.Value == "" {
		q.wrong(path, "the patient's identifier has no value")
		return
	}
	q.patient(id.System+"|"+id.Value, path)
	if q.subject == id.System+"|"+id.Value {
		q.logical = id
	}
}

// whom is the reference to the patient.
func (q *request) whom() object {
	if q.logical == nil {
		return object{"reference": q.subject}
	}
	id := object{"value": q.logical.Value}
	if q.logical.System != "" {
		id["system"] = q.logical.System
	}
	return object{"type": "Patient", "identifier": id}
}

// observation reads an observation, or the components of one, that are coded as our features; others are left aside.
func (q *request) observation(r *resource, url, path string) {
	if r.Subject != nil {
		q.refer(r.Subject, url, path+".subject")
	}
	before := q.coded
	q.component(&r.component, path)
	for i := range r.Component {
		q.component(&r.Component[i], fmt.Sprintf("%s.component[%d]", path, i))
	}
	if q.coded == before {
		return
	}
	switch r.Status {
	case "final", "amended", "corrected", "preliminary":
	default:
		q.lacking(path+".status", "an observation of this status cannot be used; want final, amended, corrected or preliminary")
	}
	if r.ID != "" {
		url = "Observation/" + r.ID
	}
	if url != "" {
		q.basis = append(q.basis, url)
	}
}

// component reads a code and its value, where the code is one of ours.
func (q *request) component(c *component, path string) {
	if c.Code == nil {
		return
	}
	o := observed{path: path}
	for i, coding := range c.Code.Coding {
		if coding.System == FeatureSystem {
			o.name, o.named = coding.Code, fmt.Sprintf("%s.code.coding[%d].code", path, i)
			break
		}
	}
	if o.name == "" {
		return
	}
	q.coded++
	var at []string // places of values
	if c.Value != nil {
		o.path = path + ".valueQuantity"
		o.number, o.unit = c.Value.measured(&q.faults, o.path)
		at = append(at, o.path)
	}
	if c.Integer != nil {
		o.number = c.Integer
		at = append(at, path+".valueInteger")
	}
	if c.Boolean != nil {
		o.flag = c.Boolean
		at = append(at, path+".valueBoolean")
	}
	if c.String != nil {
		o.texts = []string{*c.String}
		at = append(at, path+".valueString")
	}
	if c.Concept != nil {
		o.texts = c.Concept.words()
		at = append(at, path+".valueCodeableConcept")
	}
	for _, other := range []json.RawMessage{c.Range, c.Ratio, c.Sampled, c.Time, c.DateTime, c.Period} {
		if other != nil {
			q.wrong(path, "a value of a type that is no feature's; want valueQuantity, valueInteger, valueBoolean, valueString or valueCodeableConcept")
		}
	}
	if len(at) > 1 {
		q.wrong(path, "the feature has %d values", len(at))
	}
	if len(at) > 0 && c.Absent != nil { // obs-6
		q.wrong(path+".dataAbsentReason", "a value, and a reason why there is none")
	}
	if len(at) == 1 {
		o.path = at[0]
	}
	q.observed = append(q.observed, o)
}

// words are the codes of a concept, and its text: one of them may be a level.
func (c *concept) words() []string {
	var out []string
	for _, coding := range c.Coding {
		if coding.Code != "" {
			out = append(out, coding.Code)
		}
	}
	if c.Text != "" {
		out = append(out, c.Text)
	}
	return out
}
