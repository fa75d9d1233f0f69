package fhir_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// observationOf is a Bundle of one patient and one observation of a feature, with the rest of the observation.
func observationOf(name, rest string) string {
	return fmt.Sprintf(`{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Observation", "id": "a", "status": "final",
		"subject": {"reference": "Patient/17"}, "code": {"coding": [{"system": "urn:voxgene:feature", "code": %q}]}%s}}]}`, name, rest)
}

// predicted asks for a prediction of idh and returns the answer's text, which holds its probability.
func predicted(t *testing.T, body string) (int, string) {
	t.Helper()
	b, _ := bundletest.New(t)
	code, text := ask(front(t, b), "POST", "/fhir/$predict", body)
	return code, string(text)
}

// probabilities are those of every class and time of an answer.
func probabilities(t *testing.T, text string) string {
	t.Helper()
	var b struct {
		Entry []struct {
			Resource struct {
				Component  []struct{ ValueQuantity struct{ Value float64 } }
				Prediction []struct{ ProbabilityDecimal float64 }
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err, text)
	}
	var out []string
	for _, e := range b.Entry {
		for _, c := range e.Resource.Component {
			out = append(out, fmt.Sprint(c.ValueQuantity.Value))
		}
		for _, p := range e.Resource.Prediction {
			out = append(out, fmt.Sprint(p.ProbabilityDecimal))
		}
	}
	if len(out) < 4 {
		t.Fatalf("%v in %s", out, text)
	}
	return strings.Join(out, " ")
}

// The same value gives the same prediction in whatever form of value[x] it comes, as an observation, a component of one, or a parameter.
func TestValues(t *testing.T) {
	parameter := func(name, value string) string {
		return fmt.Sprintf(`{"resourceType": "Parameters", "parameter": [{"name": "subject", "valueReference": {"reference": "Patient/17"}},
			{"name": "feature", "part": [{"name": "name", "valueString": %q}, {"name": "value", %s}]}]}`, name, value)
	}
	component := func(name, value string) string {
		return fmt.Sprintf(`{"resourceType": "Bundle", "type": "searchset", "entry": [{"search": {"mode": "match"}, "resource": {"resourceType": "Observation", "status": "amended",
			"subject": {"reference": "Patient/17/_history/3"}, "code": {"coding": [{"system": "http://loinc.org", "code": "85353-1"}]},
			"component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": {"value": 120}}, {"code": {"coding": [{"system": "urn:voxgene:feature", "code": %q}]}, %s}]}}]}`, name, value)
	}
	for _, same := range [][]string{
		{parameter("clinical.age", `"valueInteger": 70`), parameter("age", `"valueDecimal": 70.0`), parameter("clinical.age", `"valueQuantity": {"value": 70, "system": "http://unitsofmeasure.org", "code": "a"}`),
			observationOf("clinical.age", `, "valueInteger": 70`), observationOf("clinical.age", `, "valueQuantity": {"value": 70, "unit": "a"}`), component("clinical.age", `"valueInteger": 70`)},
		{parameter("clinical.sex", `"valueCode": "F"`), parameter("clinical.sex", `"valueString": "F"`), observationOf("clinical.sex", `, "valueString": "F"`), observationOf("clinical.sex", `, "valueCodeableConcept": {"text": "F"}`),
			// Of several codings the one that the model knows.
			observationOf("clinical.sex", `, "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "248152002"}, {"system": "urn:hospital", "code": "F"}], "text": "Female"}`),
			component("clinical.sex", `"valueCodeableConcept": {"coding": [{"code": "F"}]}`)},
		// Whether a gene is mutated, as 1 and 0.
		{parameter("rna.TP53", `"valueBoolean": true`), parameter("rna.TP53", `"valueInteger": 1`), observationOf("rna.TP53", `, "valueBoolean": true`)},
	} {
		want := ""
		for i, body := range same {
			code, text := predicted(t, body)
			if code != 200 {
				t.Fatalf("%d %s\n%s", code, text, body)
			}
			if got := probabilities(t, text); i == 0 {
				want = got
			} else if got != want {
				t.Errorf("%s\npredicts %s, want %s", body, got, want)
			}
		}
	}
	// Absent with a reason, or without a value, is missing, and the answer says so.
	for _, body := range []string{observationOf("clinical.age", `, "dataAbsentReason": {"text": "unknown"}`), observationOf("clinical.age", ``)} {
		if code, text := predicted(t, body); code != 200 || !strings.Contains(text, "missing: ") {
			t.Errorf("%d %s", code, text)
		}
	}
	// A unit that the model has none to hold against is told.
	if code, text := predicted(t, parameter("rna.EGFR", `"valueQuantity": {"value": 1, "code": "mg"}`)); code != 200 || !strings.Contains(text, "unit_not_checked: the value came in mg") {
		t.Errorf("%d %s", code, text)
	}
}

// What would change the meaning of a value, or is none, is refused with its place.
func TestRefusedResources(t *testing.T) {
	deep := strings.Repeat(`{"extension": [`, 80) + strings.Repeat("]}", 80)
	for _, c := range []struct{ body, want, expression string }{
		{observationOf("clinical.age", `, "valueQuantity": {"value": 70, "comparator": "<"}`), "a comparator makes the quantity a bound", "Bundle.entry[0].resource.valueQuantity.comparator"},
		{observationOf("clinical.age", `, "valueQuantity": {"value": 70, "system": "urn:local", "code": "yr"}`), "the unit is coded in another system", "Bundle.entry[0].resource.valueQuantity.system"},
		{observationOf("clinical.age", `, "valueQuantity": {"value": 70, "unit": "years"}`), "no unit of UCUM, whose codes are case-sensitive; did you mean a?); the model reads a", "Bundle.entry[0].resource.valueQuantity"},
		{observationOf("t1.volume", `, "valueQuantity": {"value": 0.9, "system": "http://unitsofmeasure.org", "code": "mm2"}`), "t1.volume is in mm2; the model reads mm3: the units are not commensurable", "Bundle.entry[0].resource.valueQuantity"},
		{observationOf("clinical.age", `, "valueRange": {"low": {"value": 60}}`), "of a type that is no feature's", "Bundle.entry[0].resource"},
		{observationOf("clinical.age", `, "valuePeriod": {}`), "of a type that is no feature's", "Bundle.entry[0].resource"},
		{observationOf("clinical.age", `, "valueInteger": 70, "valueString": "70"`), "has 2 values", "Bundle.entry[0].resource"},
		{observationOf("clinical.age", `, "valueInteger": 70, "dataAbsentReason": {"text": "unknown"}`), "a value, and a reason why there is none", "Bundle.entry[0].resource.dataAbsentReason"},
		{observationOf("clinical.age", `, "valueInteger": 70, "valueInteger": 71`), "the property valueInteger is there twice", "Bundle.entry[0].resource.valueInteger"},
		{observationOf("clinical.age", `, "valueInteger": "70"`), "want a number, found a text", "Bundle.entry[0].resource.valueInteger"},
		{observationOf("clinical.age", `, "valueInteger": 70, "implicitRules": "urn:x"`), "implicit rules", "Bundle.entry[0].resource.implicitRules"},
		{observationOf("clinical.age", `, "valueInteger": 70, "component": [{"modifierExtension": [{"url": "urn:not"}]}]`), "modifier extension", "Bundle.entry[0].resource.component[0].modifierExtension"},
		{observationOf("clinical.age", `, "valueInteger": 70, "contained": [{"resourceType": "Patient", "id": "p", "implicitRules": "urn:x"}]`), "implicit rules", "Bundle.entry[0].resource.contained[0].implicitRules"},
		{observationOf("clinical.age", `, "valueInteger": 70, "extension": `+"["+deep+"]"), "more than 64 objects and lists in one another", ""},
		{strings.Replace(observationOf("clinical.age", `, "valueInteger": 70`), "Patient/17", "#p", 1), "the patient is contained in the resource", "Bundle.entry[0].resource.subject"},
		{strings.Replace(observationOf("clinical.age", `, "valueInteger": 70`), "collection", "history", 1), "a Bundle of this type is none of resources as they are now", "Bundle.type"},
		{strings.Replace(parameters, `{"name": "model"`, `{"name": "model", "valueString": "glioma"}, {"name": "model"`, 1), "model is there twice", "Parameters.parameter[2]"},
		{strings.Replace(parameters, `"valueInteger": 81`, `"valueUrl": "x"`, 1), "a value is a decimal, integer, Quantity", "Parameters.parameter[5].part[1]"},
		{strings.Replace(parameters, `{"name": "value", "valueInteger": 81}`, `{"name": "value", "valueInteger": 81}, {"name": "value", "valueInteger": 82}`, 1), "value is there twice", "Parameters.parameter[5].part[2]"},
	} {
		code, text := predicted(t, c.body)
		var o struct {
			Issue []struct {
				Diagnostics string
				Expression  []string
			}
		}
		if err := json.Unmarshal([]byte(text), &o); err != nil || code != 422 || len(o.Issue) != 1 || !strings.Contains(o.Issue[0].Diagnostics, c.want) || strings.Join(o.Issue[0].Expression, "") != c.expression {
			t.Errorf("got  %d %s\nwant 422 %s %s", code, text, c.want, c.expression)
		}
	}
}

// References between entries are resolved by fullUrl, as https://hl7.org/fhir/R4/bundle.html#references has it; two patients are refused.
func TestReferences(t *testing.T) {
	bundle := func(patientURL, patientID, ownURL, subject string) string {
		id := ""
		if patientID != "" {
			id = fmt.Sprintf(`, "id": %q`, patientID)
		}
		return fmt.Sprintf(`{"resourceType": "Bundle", "type": "collection", "entry": [
			{"fullUrl": %q, "resource": {"resourceType": "Observation", "status": "final", "subject": %s, "code": {"coding": [{"system": "urn:voxgene:feature", "code": "clinical.age"}]}, "valueInteger": 70}},
			{"fullUrl": %q, "resource": {"resourceType": "Patient"%s}}]}`, ownURL, subject, patientURL, id)
	}
	ref := func(text string) string { return fmt.Sprintf(`{"reference": %q}`, text) }
	for body, want := range map[string]string{
		bundle("urn:uuid:0b1", "", "urn:uuid:0b2", ref("urn:uuid:0b1")):                                                                                                    `"subject":{"reference":"urn:uuid:0b1"}`,
		bundle("urn:uuid:0b1", "17", "urn:uuid:0b2", ref("urn:uuid:0b1")):                                                                                                  `"subject":{"reference":"Patient/17"}`,
		bundle("urn:uuid:0b1", "17", "urn:uuid:0b2", ref("Patient/17")):                                                                                                    `"subject":{"reference":"Patient/17"}`,
		bundle("https://a.example/r4/Patient/17", "17", "https://a.example/r4/Observation/1", ref("Patient/17")):                                                           `"subject":{"reference":"Patient/17"}`,
		bundle("https://a.example/r4/Patient/17", "17", "urn:uuid:0b2", ref("https://a.example/r4/Patient/17")):                                                            `"subject":{"reference":"Patient/17"}`,
		bundle("https://a.example/r4/Patient/17", "17", "urn:uuid:0b2", ref("https://a.example/r4/Patient/17/_history/2")):                                                 `"subject":{"reference":"Patient/17"}`,
		bundle("https://a.example/r4/Patient/17", "17", "https://b.example/r4/Observation/1", ref("Patient/17")):                                                           "a second patient",
		bundle("https://a.example/r4/Patient/17", "17", "https://a.example/r4/Observation/1", ref("Patient/18")):                                                           "a second patient",
		bundle("urn:uuid:0b1", "", "urn:uuid:0b2", ref("urn:uuid:0b3")):                                                                                                    "a second patient",
		observationOf("clinical.age", `, "valueInteger": 70`):                                                                                                              `"subject":{"reference":"Patient/17"}`,
		strings.Replace(observationOf("clinical.age", `, "valueInteger": 70`), `"reference": "Patient/17"`, `"identifier": {"system": "urn:oid:1.2.3", "value": "P1"}`, 1): `"subject":{"identifier":{"system":"urn:oid:1.2.3","value":"P1"},"type":"Patient"}`,
		strings.Replace(parameters, `"valueReference": {"reference": "Patient/17"}`, `"valueIdentifier": {"value": "P1"}`, 1):                                              `"subject":{"identifier":{"value":"P1"},"type":"Patient"}`,
		`{"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "http://a/Patient/17", "resource": {"resourceType": "Patient", "id": "17"}}, {"fullUrl": "http://b/Patient/17", "resource": {"resourceType": "Patient", "id": "17"}}]}`: "a second patient; the operation is for one: send a request for each",
	} {
		code, text := predicted(t, body)
		if !strings.Contains(text, want) || (code == 200) != strings.HasPrefix(want, `"subject"`) {
			t.Errorf("%s\ngot  %d %.400s\nwant %s", body, code, text, want)
		}
	}
}

// Only JSON is written and read: "SHALL … 406 Not Acceptable" and "415 Unsupported Media Type", https://hl7.org/fhir/R4/http.html#mime-type. Every
// refusal is an OperationOutcome.
func TestFormats(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	for _, c := range []struct {
		method, path, accept, content string
		want                          int
	}{
		{"GET", "/fhir/metadata", "", "", 200},
		{"GET", "/fhir/metadata", "application/fhir+json; fhirVersion=4.0, text/html;q=0.9", "", 200},
		{"GET", "/fhir/metadata", "application/fhir+xml, */*;q=0.1", "", 200},
		{"GET", "/fhir/metadata", "application/fhir+xml", "", 406},
		{"GET", "/fhir/metadata", "application/fhir+xml, application/json;q=0", "", 406},
		{"GET", "/fhir/metadata?_format=xml", "application/fhir+json", "", 406},
		{"GET", "/fhir/metadata?_format=json", "application/fhir+xml", "", 200},
		{"GET", "/fhir/metadata?_format=application/fhir+json", "", "", 200},
		{"POST", "/fhir/$predict", "", "application/fhir+json", 200},
		{"POST", "/fhir/$predict", "application/fhir+xml", "application/fhir+json", 406},
		{"POST", "/fhir/$predict", "", "application/fhir+xml", 415},
		{"POST", "/fhir/$predict", "", "", 415},
		{"GET", "/fhir/$predict", "", "", 405},
		{"PUT", "/fhir/metadata", "", "", 405},
		{"GET", "/fhir/Patient/17", "", "", 404},
		{"POST", "/fhir/", "", "", 404},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(parameters))
		for name, value := range map[string]string{"Accept": c.accept, "Content-Type": c.content} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var o struct{ ResourceType string }
		if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil || w.Code != c.want || w.Header().Get("Content-Type") != "application/fhir+json" || (w.Code >= 400) != (o.ResourceType == "OperationOutcome") {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
		if (w.Code == 405) != (w.Header().Get("Allow") != "") {
			t.Errorf("%+v: Allow %q", c, w.Header().Get("Allow"))
		}
	}
}
