package fhir_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/fhir"
	"github.com/voxgene/voxgene/serve/registry"
)

func front(t testing.TB, bundles ...*bundle.Bundle) http.Handler {
	t.Helper()
	dir := t.TempDir()
	for i, b := range bundles {
		bundletest.Save(t, b, filepath.Join(dir, fmt.Sprintf("%d.voxgene", i)))
	}
	r, err := registry.Open([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	f := fhir.Front{Registry: r, Limits: api.Limits{Body: 1 << 20, Patients: 1}, Log: slog.New(slog.DiscardHandler), Version: "1", Now: func() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC) }}
	f.Register(mux)
	return mux
}

func ask(h http.Handler, method, path, body string) (int, []byte) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/fhir+json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Header().Get("Content-Type") != "application/fhir+json" {
		return 0, []byte("content type " + w.Header().Get("Content-Type"))
	}
	return w.Code, w.Body.Bytes()
}

const parameters = `{"resourceType": "Parameters", "parameter": [
	{"name": "subject", "valueReference": {"reference": "Patient/17"}}, {"name": "model", "valueString": "glioma"}, {"name": "origin", "valueDate": "2024-01-31"},
	{"name": "time", "valueDuration": {"value": 1, "unit": "year", "system": "http://unitsofmeasure.org", "code": "a"}},
	{"name": "time", "valueDuration": {"value": 90, "code": "a"}},
	{"name": "feature", "part": [{"name": "name", "valueString": "clinical.age"}, {"name": "value", "valueInteger": 81}]},
	{"name": "feature", "part": [{"name": "name", "valueString": "clinical.sex"}, {"name": "value", "valueCode": "M"}]},
	{"name": "feature", "part": [{"name": "name", "valueString": "t1.volume"}, {"name": "value", "valueQuantity": {"value": 900.5, "code": "mm3"}}]},
	{"name": "feature", "part": [{"name": "name", "valueString": "rna.EGFR"}, {"name": "value", "valueDecimal": 0.1}]}]}`

const observations = `{"resourceType": "Bundle", "type": "collection", "entry": [
	{"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "17", "name": [{"family": "CANARY"}]}},
	{"resource": {"resourceType": "Observation", "id": "a", "status": "final", "subject": {"reference": "Patient/17"}, "code": {"coding": [{"system": "urn:voxgene:feature", "code": "clinical.age"}]}, "valueQuantity": {"value": 81, "code": "a"}}},
	{"resource": {"resourceType": "Observation", "id": "b", "status": "final", "subject": {"reference": "Patient/17"}, "code": {"coding": [{"system": "urn:voxgene:feature", "code": "clinical.sex"}]}, "valueCodeableConcept": {"coding": [{"code": "M"}]}}},
	{"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/17"}, "code": {"coding": [{"system": "urn:voxgene:feature", "code": "t1.volume"}]}, "valueQuantity": {"value": 900.5, "code": "mm3"}}},
	{"resource": {"resourceType": "Observation", "id": "d", "status": "final", "subject": {"reference": "Patient/17"}, "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}, "valueQuantity": {"value": 13}}},
	{"resource": {"resourceType": "Observation", "id": "c", "status": "final", "subject": {"reference": "Patient/17"}, "code": {"coding": [{"system": "urn:voxgene:feature", "code": "rna.EGFR"}]}, "valueQuantity": {"value": 0.1}}}]}`

const schemaURL = "http://hl7.org/fhir/json-schema/4.0"

// schema compiles the JSON schema of FHIR R4 that HL7 publishes.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := compiler(t).Compile(schemaURL)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// compiler holds that schema, of which it also compiles parts.
func compiler(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	f, err := os.Open(oracle.Data(t, "fhir", "fhir.schema.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(z)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaURL, v); err != nil {
		t.Fatal(err)
	}
	return c
}

// Everything that is answered is FHIR R4 by the published schema.
func TestSchema(t *testing.T) {
	s := schema(t)
	b, _ := bundletest.New(t)
	h := front(t, b)
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/fhir/$predict", parameters},
		{"POST", "/fhir/$predict", observations},
		{"POST", "/fhir/$predict", strings.Replace(parameters, `{"name": "origin", "valueDate": "2024-01-31"},`, "", 1)},
		{"POST", "/fhir/$predict", `{"resourceType": "Parameters"}`},
		{"POST", "/fhir/$predict", `{`},
		{"GET", "/fhir/metadata", ""},
		{"GET", "/fhir/OperationDefinition/predict", ""},
	} {
		code, text := ask(h, c.method, c.path, c.body)
		// R4 is 4.0.1, by a technical correction that the schema's own list of versions, 4.0.0's, does not have.
		known := strings.Replace(string(text), `"fhirVersion":"4.0.1"`, `"fhirVersion":"4.0.0"`, 1)
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(known))
		if err != nil {
			t.Fatalf("%d %v: %s", code, err, text)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v\n%s", c.path, err, text)
		}
	}
	// Also where the bundle abstains: then there is no value, and it says why (obs-6).
	b.Abstain = &bundle.Abstain{OutOfRange: 0.1}
	code, text := ask(front(t, b), "POST", "/fhir/$predict", parameters)
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil || code != 200 {
		t.Fatalf("%d %v: %s", code, err, text)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	if o := resources(t, text)["Observation"][0]; o["dataAbsentReason"] == nil || o["valueCodeableConcept"] != nil || o["component"] != nil || !strings.Contains(fmt.Sprint(o["note"]), "1 of 5 inputs are outside") {
		t.Errorf("got %v", o)
	}
	// The schema tells resources from what is not one.
	if err := s.Validate(map[string]any{"resourceType": "RiskAssessment", "predictions": []any{}}); err == nil {
		t.Error("the schema takes an unknown member")
	}
}

// resources of an answer, by type.
func resources(t *testing.T, text []byte) map[string][]map[string]any {
	t.Helper()
	var b struct {
		Type  string
		Entry []struct {
			FullURL  string `json:"fullUrl"`
			Resource map[string]any
		}
	}
	if err := json.Unmarshal(text, &b); err != nil || b.Type != "collection" {
		t.Fatalf("%v: %s", err, text)
	}
	out := map[string][]map[string]any{}
	urls := map[string]bool{}
	for _, e := range b.Entry {
		if e.FullURL != "urn:uuid:"+e.Resource["id"].(string) || urls[e.FullURL] {
			t.Errorf("fullUrl %s of %v", e.FullURL, e.Resource["id"])
		}
		urls[e.FullURL] = true
		out[e.Resource["resourceType"].(string)] = append(out[e.Resource["resourceType"].(string)], e.Resource)
	}
	// References within the answer resolve.
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["reference"].(string); ok && strings.HasPrefix(ref, "urn:uuid:") && len(ref) > 20 && !urls[ref] {
				t.Errorf("%s is not in the answer", ref)
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	for _, list := range out {
		for _, r := range list {
			walk(r)
		}
	}
	return out
}

// The invariants of R4 that the schema does not hold: ras-2, obs-6, obs-7, dom-2 to dom-6; and that the numbers are the prediction's.
func TestInvariants(t *testing.T) {
	b, x := bundletest.New(t)
	h := front(t, b)
	row := x.Select([]int{0})
	for j, v := range []float64{81, 1, 900.5, 0.1, math.NaN()} {
		row.Column(j)[0] = v
	}
	want, err := b.Predict(t.Context(), row, bundle.Request{Times: []bundle.Time{{Value: 1, Unit: "a"}, {Value: 90, Unit: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	code, text := ask(h, "POST", "/fhir/$predict", parameters)
	if code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	all := resources(t, text)
	for kind, list := range all {
		for _, r := range list {
			if _, ok := r["contained"]; ok { // dom-2 to dom-5 are about contained resources
				t.Errorf("%s contains others", kind)
			}
			if div := r["text"].(map[string]any)["div"].(string); !strings.Contains(div, "For research use only") { // dom-6
				t.Errorf("%s has the narrative %s", kind, div)
			}
			if kind != "Device" && kind != "Provenance" && r["subject"].(map[string]any)["reference"] != "Patient/17" {
				t.Errorf("%s is of %v", kind, r["subject"])
			}
			if status := r["status"]; kind != "Device" && kind != "Provenance" && status != "preliminary" {
				t.Errorf("%s is %v", kind, status)
			}
		}
	}
	risk := all["RiskAssessment"][0]["prediction"].([]any)
	first := risk[0].(map[string]any)
	p := first["probabilityDecimal"].(float64)
	if math.Abs(p-100*(1-want[0].Outcomes[1].Survival[0])) > 1e-5 || p > 100 { // ras-2
		t.Errorf("probability %v, survival %v", p, want[0].Outcomes[1].Survival[0])
	}
	if period := fmt.Sprint(first["whenPeriod"]); period != "map[end:2025-01-30 start:2024-01-31]" { // 365.25 days on
		t.Errorf("period %s", period)
	}
	if _, ok := risk[1].(map[string]any)["probabilityDecimal"]; ok {
		t.Error("a probability beyond the follow-up")
	}
	if got := first["relativeRisk"].(float64); math.Abs(got-math.Exp(want[0].Outcomes[1].Risk)) > 1e-12 {
		t.Errorf("relative risk %v", got)
	}
	o := all["Observation"][0]
	if o["valueCodeableConcept"].(map[string]any)["text"] != want[0].Outcomes[0].Label || o["dataAbsentReason"] != nil { // obs-6
		t.Errorf("got %v", o["valueCodeableConcept"])
	}
	own, _ := json.Marshal(o["code"])
	for _, c := range o["component"].([]any) {
		if code, _ := json.Marshal(c.(map[string]any)["code"]); string(code) == string(own) { // obs-7
			t.Errorf("a component has the observation's code %s", code)
		}
	}
	if len(all["DiagnosticReport"]) != 1 || len(all["Device"]) != 1 || len(all["Provenance"][0]["target"].([]any)) != 3 {
		t.Errorf("got %s", text)
	}
	if notes := fmt.Sprint(o["note"]); !strings.Contains(notes, "out_of_range") || !strings.Contains(notes, "rna.TP53") {
		t.Errorf("notes %s", notes)
	}
	// The same request gives the same identifiers; observations give what parameters give, with their references as basis.
	if _, again := ask(h, "POST", "/fhir/$predict", parameters); string(again) != string(text) {
		t.Error("the same request gives another answer")
	}
	code, text = ask(h, "POST", "/fhir/$predict", observations)
	same := resources(t, text)
	if got := same["Observation"][0]; code != 200 || fmt.Sprint(got["component"]) != fmt.Sprint(o["component"]) || fmt.Sprint(got["derivedFrom"]) !=
		"[map[reference:Observation/a] map[reference:Observation/b] map[reference:urn:uuid:2] map[reference:Observation/c]]" {
		t.Errorf("%d %s", code, text)
	}
	if strings.Contains(string(text), "CANARY") {
		t.Error("the patient's name is in the answer")
	}
	if when := fmt.Sprint(same["RiskAssessment"][0]["prediction"]); strings.Contains(when, "when") || !strings.Contains(when, "within 365.25 d") {
		t.Errorf("without a date of time zero: %s", when)
	}
}

func TestBadInput(t *testing.T) {
	b, _ := bundletest.New(t)
	other, _ := bundletest.Wide(t, 2)
	h := front(t, b, other)
	edit := func(text, from, to string) string {
		t.Helper()
		if !strings.Contains(text, from) {
			t.Fatalf("no %s", from)
		}
		return strings.Replace(text, from, to, 1)
	}
	for _, c := range []struct {
		body             string
		status           int
		want, expression string
	}{
		{edit(parameters, "clinical.age", "clinical.aeg"), 422, `the model reads no "clinical.aeg"; did you mean "clinical.age"?`, "Parameters.parameter[5].part[0]"},
		{edit(parameters, `"code": "mm3"`, `"code": "mg"`), 422, "t1.volume is in mg; the model reads mm3: the units are not commensurable", "Parameters.parameter[7].part[1].valueQuantity"},
		{edit(parameters, `"valueInteger": 81`, `"valueString": "old"`), 422, "clinical.age is a number, found a text", "Parameters.parameter[5].part[1]"},
		{edit(parameters, `"glioma"`, `"gliom"`), 404, "not served here", ""},
		{edit(parameters, `{"name": "model", "valueString": "glioma"},`, ""), 400, "there are glioma, wide", "Parameters.parameter"},
		{edit(parameters, `2024-01-31`, "2024"), 422, "year, month and day", "Parameters.parameter[2]"},
		{edit(parameters, `"code": "a"}}`, `"code": "y"}}`), 422, "want a unit of time of UCUM", "Parameters.parameter[3].valueDuration.code"},
		{edit(parameters, `"name": "subject"`, `"name": "patient"`), 422, "there is no such parameter; known: subject", "Parameters.parameter[0]"},
		{edit(observations, `"id": "a", "status": "final"`, `"id": "a", "status": "entered-in-error"`), 422, "an observation of this status cannot be used", "Bundle.entry[1].resource.status"},
		{edit(observations, `"id": "a", `, `"id": "a", "modifierExtension": [{"url": "x"}], `), 422, "modifier extension", "Bundle.entry[1].resource.modifierExtension"},
		{edit(observations, `"id": "b", "status": "final", "subject": {"reference": "Patient/17"}`, `"id": "b", "status": "final", "subject": {"reference": "Patient/18"}`), 422, "a second patient", "Bundle.entry[2].resource.subject"},
		{`{"resourceType": "Patient"}`, 422, "want a resource of the type Parameters or Bundle", ""},
		{`{"resourceType": "Parameters"}`, 422, "no patient", "Parameters"},
		{`{`, 400, "not FHIR in JSON", ""},
	} {
		status, text := ask(h, "POST", "/fhir/$predict", c.body)
		var o struct {
			ResourceType string
			Issue        []struct {
				Diagnostics string
				Expression  []string
			}
		}
		if err := json.Unmarshal(text, &o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 {
			t.Fatalf("%d %s", status, text)
		}
		if i := o.Issue[0]; status != c.status || !strings.Contains(i.Diagnostics, c.want) || strings.Join(i.Expression, "") != c.expression {
			t.Errorf("got  %d %s %v\nwant %d %s %s", status, i.Diagnostics, i.Expression, c.status, c.want, c.expression)
		}
	}
}

// Ten thousand bodies with bytes changed: no answer is a fault of ours.
func TestMutatedBodies(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	r := rand.New(rand.NewPCG(3, 4))
	codes := map[int]int{}
	for n := range 10_000 {
		body := []byte([]string{parameters, observations}[n%2])
		for range 1 + r.IntN(3) {
			i, j := r.IntN(len(body)), r.IntN(len(body))
			switch r.IntN(3) {
			case 0:
				body[i] = `{}[]",:0-.eE19tf`[r.IntN(16)]
			case 1:
				body = append(body[:i], body[min(len(body), i+1+r.IntN(8)):]...)
			case 2:
				body[i], body[j] = body[j], body[i]
			}
			if len(body) == 0 {
				body = []byte{'{'}
			}
		}
		code, text := ask(h, "POST", "/fhir/$predict", string(body))
		if codes[code]++; code >= 500 || code == 0 {
			t.Fatalf("%q: %d %s", body, code, text)
		}
	}
	if codes[200] < 100 || codes[400] < 100 || codes[422] < 100 {
		t.Errorf("the changes test too little: %v", codes)
	}
}
