package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The parts of FHIR that are read. What else a resource holds is left aside, but for what would change its meaning: see scrutinise.
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

// ucum is the system of units.
const ucum = "http://unitsofmeasure.org"

// measured is the number of a quantity and its UCUM code. A quantity that is a bound (comparator) is no number, and a unit under another system is
// not known.
func (q *quantity) measured(path string) (*float64, string, error) {
	switch {
	case q.Comparator != "":
		return nil, "", wrong(path, "the comparator %.2s makes the quantity a bound and no value; send the value, or leave it out", q.Comparator)
	case q.System != "" && q.System != ucum && q.Code != "":
		return nil, "", wrong(path, "the unit is coded in %.100q; units are of %s", q.System, ucum)
	case q.Code == "":
		return q.Value, q.Unit, nil
	}
	return q.Value, q.Code, nil
}

// read decodes a body. A value of the wrong type is told with its place.
func read(body []byte) (*resource, error) {
	kind, err := scrutinise(body)
	if err != nil {
		return nil, err
	}
	var r resource
	err = json.Unmarshal(body, &r)
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typed):
		place := kind
		for part := range strings.SplitSeq(typed.Field, ".") { // encoding/json names embedded structs as well
			if part != "" && part != "component" {
				place += "." + part
			}
		}
		return nil, &issue{http.StatusUnprocessableEntity, "structure", "a " + typed.Value + " where FHIR has another type", place}
	case err != nil:
		return nil, &issue{http.StatusBadRequest, "structure", "the body is not FHIR in JSON: " + err.Error(), ""}
	}
	return &r, nil
}

// Elements that change what a resource means, and are not understood: https://hl7.org/fhir/R4/extensibility.html#modifierExtension and
// https://hl7.org/fhir/R4/resource-definitions.html#Resource.implicitRules.
var modifying = map[string]string{
	"modifierExtension": "a modifier extension could change what this means and is not understood",
	"implicitRules":     "implicit rules could change what this means and are not understood",
}

// scrutinise looks at every property of a body: none may be there twice, and none may change the meaning of the rest. It returns the type of the
// resource, for places in it.
func scrutinise(body []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	broken := func(err error) (string, error) {
		return "", &issue{http.StatusBadRequest, "structure", "the body is not FHIR in JSON: " + strings.Replace(err.Error(), "EOF", "it ends too early", 1), ""}
	}
	type level struct {
		list  bool
		named bool   // a property's name was read and its value was not
		name  string // of that property
		index int
		seen  map[string]bool
	}
	var stack []level
	kind := ""
	place := func() string {
		var b strings.Builder
		b.WriteString(kind)
		for _, l := range stack {
			if l.list {
				b.WriteString("[" + strconv.Itoa(l.index) + "]")
			} else if l.named {
				b.WriteString("." + l.name)
			}
		}
		return strings.TrimPrefix(b.String(), ".")
	}
	value := func() { // a value was read
		if n := len(stack); n > 0 && stack[n-1].list {
			stack[n-1].index++
		} else if n > 0 {
			stack[n-1].named = false
		}
	}
	for {
		token, err := d.Token()
		if err != nil {
			return broken(err)
		}
		switch delimiter, _ := token.(json.Delim); delimiter {
		case '{', '[':
			if len(stack) == maxDepth {
				return "", &issue{http.StatusUnprocessableEntity, "structure", fmt.Sprintf("more than %d objects and lists in one another", maxDepth), ""}
			}
			stack = append(stack, level{list: delimiter == '[', seen: map[string]bool{}})
			continue
		case '}', ']':
			stack = stack[:len(stack)-1]
			value()
			if len(stack) == 0 {
				if d.More() {
					return broken(errors.New("something follows the resource"))
				}
				return kind, nil
			}
			continue
		}
		n := len(stack)
		if n == 0 {
			return "", &issue{http.StatusBadRequest, "structure", "the body is not FHIR in JSON: a resource is an object", ""}
		}
		top := &stack[n-1]
		if top.list || top.named {
			if n == 1 && top.name == "resourceType" {
				kind, _ = token.(string)
			}
			value()
			continue
		}
		top.name, top.named = token.(string), true
		switch {
		case top.seen[top.name]:
			return "", &issue{http.StatusUnprocessableEntity, "structure", fmt.Sprintf("the property %.100q is there twice", top.name), place()}
		case modifying[top.name] != "":
			return "", &issue{http.StatusUnprocessableEntity, "extension", modifying[top.name], place()}
		}
		top.seen[top.name] = true
	}
}

// maxDepth bounds how deep a body is nested: a Bundle in Parameters is ten deep, and an extension takes two more.
const maxDepth = 64

// bundleTypes are those whose entries are resources as they are now.
var bundleTypes = []string{"", "collection", "searchset", "document", "message", "transaction", "batch"}

func (q *request) bundle(r *resource, path string) error {
	if !slices.Contains(bundleTypes, r.Type) {
		return wrong(path+".type", "a Bundle of type %.50q is none of resources as they are now; send a collection", r.Type)
	}
	q.entries = r.Entry
	defer func() { q.entries = nil }()
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
	switch r.ResourceType {
	case "Patient":
		if url == "" {
			url = "Patient/" + r.ID
		}
		if q.known != "" && q.known != url {
			return wrong(path, "a second patient; the operation is for one: send a request for each")
		}
		q.known = url
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
	ref, _, _ = strings.Cut(ref, "/_history/")
	switch {
	case strings.HasPrefix(ref, "#"):
		return wrong(path, "the patient is contained in the resource, and so is nobody outside it; refer to a Patient")
	case q.subject != "" && ref != "" && ref != q.subject:
		return wrong(path, "a second patient; the operation is for one: send a request for each")
	case ref != "":
		q.subject = ref
	}
	return nil
}

// refer notes the patient that a reference in an entry of its own address leads to. A reference to a Patient of the same Bundle is that
// Patient, whether by its fullUrl or relative to the entry (https://hl7.org/fhir/R4/bundle.html#references).
func (q *request) refer(ref *reference, own, path string) error {
	text, _, _ := strings.Cut(ref.Reference, "/_history/")
	if text == "" && ref.Identifier != nil {
		return q.identified(ref.Identifier, path)
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
				return q.patient(e.FullURL, path)
			}
			return q.patient("Patient/"+e.Resource.ID, path)
		}
		if address { // of another server, on which the same id is of someone else
			text = absolute
		}
	}
	return q.patient(text, path)
}

// identified notes a patient who is known by an identifier alone.
func (q *request) identified(id *identifier, path string) error {
	if id.Value == "" {
		return wrong(path, "the patient's identifier has no value")
	}
	if err := q.patient(id.System+"|"+id.Value, path); err != nil {
		return err
	}
	q.logical = id
	return nil
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
func (q *request) observation(r *resource, url, path string) error {
	if r.Subject != nil {
		if err := q.refer(r.Subject, url, path+".subject"); err != nil {
			return err
		}
	}
	before := len(q.observed)
	if err := q.component(&r.component, path); err != nil {
		return err
	}
	for i := range r.Component {
		if err := q.component(&r.Component[i], fmt.Sprintf("%s.component[%d]", path, i)); err != nil {
			return err
		}
	}
	if len(q.observed) == before {
		return nil
	}
	switch r.Status {
	case "final", "amended", "corrected", "preliminary":
	default:
		return wrong(path+".status", "the observation of %s has status %.50q and cannot be used", q.observed[before].name, r.Status)
	}
	if r.ID != "" {
		url = "Observation/" + r.ID
	}
	if url != "" {
		q.basis = append(q.basis, url)
	}
	return nil
}

// component reads a code and its value, where the code is one of ours.
func (q *request) component(c *component, path string) error {
	if c.Code == nil {
		return nil
	}
	name := ""
	for _, coding := range c.Code.Coding {
		if coding.System == FeatureSystem {
			name = coding.Code
			break
		}
	}
	if name == "" {
		return nil
	}
	o := observed{name: name, path: path}
	values := 0
	var err error
	if c.Value != nil {
		o.number, o.unit, err = c.Value.measured(path + ".valueQuantity")
		values++
	}
	if c.Integer != nil {
		o.number = c.Integer
		values++
	}
	if c.Boolean != nil {
		o.flag = c.Boolean
		values++
	}
	if c.String != nil {
		o.texts = []string{*c.String}
		values++
	}
	if c.Concept != nil {
		o.texts = c.Concept.words()
		values++
	}
	for _, other := range []json.RawMessage{c.Range, c.Ratio, c.Sampled, c.Time, c.DateTime, c.Period} {
		if other != nil {
			return wrong(path, "the value of %s is of a type that is no feature's; want valueQuantity, valueInteger, valueBoolean, valueString or valueCodeableConcept", name)
		}
	}
	switch {
	case err != nil:
		return err
	case values > 1:
		return wrong(path, "%s has %d values", name, values)
	case values > 0 && c.Absent != nil: // obs-6
		return wrong(path+".dataAbsentReason", "%s has a value and a reason why there is none", name)
	}
	q.observed = append(q.observed, o)
	return nil
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
