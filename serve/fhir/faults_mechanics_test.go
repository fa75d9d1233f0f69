package fhir_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/fhir"
	"github.com/voxgene/voxgene/serve/registry"
)

// issues are the issues of an OperationOutcome as "code expression: diagnostics".
func issues(t *testing.T, text string) []string {
	t.Helper()
	var o struct {
		ResourceType string
		Issue        []struct {
			Severity, Code, Diagnostics string
			Expression                  []string
		}
	}
	if err := json.Unmarshal([]byte(text), &o); err != nil || o.ResourceType != "OperationOutcome" {
		t.Fatal(err, text)
	}
	var out []string
	for _, i := range o.Issue {
		out = append(out, strings.TrimSpace(i.Code+" "+strings.Join(i.Expression, ""))+": "+i.Diagnostics)
	}
	return out
}

// All that is wrong is told at once, each with its place; what follows from another fault is not told beside it; nothing that may be an identifier is
// repeated.
func TestAllFaults(t *testing.T) {
	observation := func(id, rest string) string {
		return fmt.Sprintf(`{"resource": {"resourceType": "Observation", "id": %q, "subject": {"reference": "Patient/17"}, "code": {"coding": [{"system": "urn:voxgene:feature", "code": %s}}`, id, rest)
	}
	bundle := `{"resourceType": "Bundle", "type": "collection", "entry": [
		{"resource": {"resourceType": "Medication", "id": "CANARY", "status": 3, "code": "anything", "subject": 7}},
		` + strings.Join([]string{
		observation("a", `"clinical.age"}]}, "status": "CANARY", "valueQuantity": {"value": 61, "code": "CANARY{CANARY}", "comparator": "<"}`),
		observation("b", `"clinical.aeg"}]}, "status": "final", "valueInteger": 61`),
		observation("c", `"CANARY"}]}, "status": "final", "valueInteger": 61`),
		observation("d", `"t1.volume"}]}, "status": "final", "valueQuantity": {"value": "CANARY", "code": "mm3"}`),
		observation("e", `"rna.EGFR"}]}, "status": "final", "valueInteger": 1, "valueInteger": 2, "dataAbsentReason": {"text": "CANARY"}`),
		observation("f", `"rna.TP53"}]}, "status": "final", "valueString": "CANARY", "implicitRules": "CANARY"`),
		observation("g", `"clinical.sex"}]}, "status": "final", "valueString": "M", "valueCodeableConcept": {"text": "F"}, "Status": "final"`),
		strings.Replace(observation("h", `"rna.TP53"}]}, "status": "final", "valueInteger": 1`), "Patient/17", "Patient/CANARY", 1),
	}, ",\n") + `]}`
	code, text := predicted(t, bundle)
	if code != 422 || strings.Contains(text, "CANARY") {
		t.Fatalf("%d %s", code, text)
	}
	got := issues(t, text)
	at := "Bundle.entry[%d].resource"
	for i, want := range []string{
		"structure " + fmt.Sprintf(at, 4) + ".valueQuantity.value: want a number, found a text",
		"structure " + fmt.Sprintf(at, 5) + ".valueInteger: the property valueInteger is there twice",
		"extension " + fmt.Sprintf(at, 6) + ".implicitRules: implicit rules",
		"structure " + fmt.Sprintf(at, 7) + ".Status: the property is written status",
		"invalid " + fmt.Sprintf(at, 1) + ".valueQuantity.comparator: a comparator",
		"invalid " + fmt.Sprintf(at, 1) + ".status: an observation of this status",
		"invalid " + fmt.Sprintf(at, 5) + ".dataAbsentReason: a value, and a reason",
		"invalid " + fmt.Sprintf(at, 7) + ": the feature has 2 values",
		"invalid " + fmt.Sprintf(at, 8) + ".subject: a second patient",
		"invalid " + fmt.Sprintf(at, 2) + `.code.coding[0].code: the model reads no "clinical.aeg"; did you mean "clinical.age"?`,
		"invalid " + fmt.Sprintf(at, 3) + ".code.coding[0].code: the model reads no feature of this name",
		"invalid " + fmt.Sprintf(at, 6) + ".valueString: rna.TP53 is a number, found a text",
		"invalid " + fmt.Sprintf(at, 8) + ".code.coding[0].code: rna.TP53 is there twice",
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("issue %d of %s\nis not %s", i, strings.Join(got, "\n"), want)
		}
	}
	if len(got) != 13 || strings.Count(text, "(id ") != 1 {
		t.Errorf("%d issues: %s", len(got), strings.Join(got, "\n"))
	}

	code, text = predicted(t, `{"resourceType": "Parameters", "parameter": [{"name": "subjct", "valueString": "CANARY"}, {"name": "CANARY"}, {"name": "origin", "valueDate": "CANARY"}, {"name": "outcome", "valueString": "idx"},
		{"name": "time", "valueDuration": {"value": -1, "code": "a"}}, {"name": "time", "valueDuration": {"value": 1, "code": "kg"}}, {"name": "time", "valueDuration": {"value": 1, "code": "CANARY"}}, {"name": "time", "valueString": "CANARY"},
		"CANARY", {"name": "feature", "part": [{"name": "CANARY"}, {"name": "value", "valueUrl": "CANARY"}]}]}`)
	if code != 422 || strings.Contains(text, "CANARY") {
		t.Fatalf("%d %s", code, text)
	}
	got = issues(t, text)
	at = "invalid Parameters.parameter[%d]"
	for _, want := range []string{
		fmt.Sprintf(at, 0) + `: there is no such parameter "subjct"; did you mean subject?`, fmt.Sprintf(at, 1) + ": there is no such parameter; known", fmt.Sprintf(at, 2) + ": origin wants", fmt.Sprintf(at, 3) + ": glioma does not predict",
		fmt.Sprintf(at, 4) + ".valueDuration: -1 is not a time", fmt.Sprintf(at, 5) + ".valueDuration.code: want a unit of time of UCUM, such as d, wk, mo or a: the units are not commensurable", fmt.Sprintf(at, 6) + ".valueDuration.code: want a unit of time",
		fmt.Sprintf(at, 7) + ": time wants a valueDuration", "structure Parameters.parameter[8]: want an object, found a text", fmt.Sprintf(at, 9) + ".part[0]: a feature has the parts", fmt.Sprintf(at, 9) + ".part[1]: a value is a decimal", fmt.Sprintf(at, 9) + ": a feature without a name",
	} {
		if !strings.Contains("\n"+strings.Join(got, "\n"), "\n"+want) {
			t.Errorf("%s\nlacks %s", strings.Join(got, "\n"), want)
		}
	}

	// Twenty are listed and the others counted.
	many := make([]string, 33)
	for i := range many {
		many[i] = `{"name": "feature", "part": [{"name": "value", "valueInteger": 1}]}`
	}
	code, text = predicted(t, `{"resourceType": "Parameters", "parameter": [{"name": "subject", "valueReference": {"reference": "Patient/17"}}, `+strings.Join(many, ",")+`]}`)
	if got = issues(t, text); code != 422 || len(got) != 21 || got[20] != "informational: and 13 more" {
		t.Errorf("%d %s", code, strings.Join(got, "\n"))
	}
}

// The properties of resources that are not read may be of any type: an Encounter has a list of types, where a Bundle has a code.
func TestOtherResources(t *testing.T) {
	body := strings.Replace(observationOf("clinical.age", `, "valueInteger": 70`), `"entry": [`, `"entry": [{"resource": {"resourceType": "Encounter", "type": [{"text": "visit"}], "status": "finished"}}, {"resource": {"type": {"text": "x"}, "resourceType": "DocumentReference"}}, `, 1)
	if code, text := predicted(t, body); code != 200 {
		t.Errorf("%d %s", code, text)
	}
	if code, text := predicted(t, strings.Replace(body, `"status": "finished"`, `"modifierExtension": [{"url": "x"}]`, 1)); code != 422 || !strings.Contains(text, "Bundle.entry[0].resource.modifierExtension") {
		t.Errorf("%d %s", code, text)
	}
}

// A value in another unit is brought to the model's, and the answer says so; the prediction is that of the value in the model's unit.
func TestUnits(t *testing.T) {
	quantity := func(name string, value float64, code string) string {
		return observationOf(name, fmt.Sprintf(`, "valueQuantity": {"value": %v, "system": "http://unitsofmeasure.org", "code": %q}`, value, code))
	}
	for _, c := range []struct {
		name     string
		value    float64
		code     string
		same     float64 // in the model's unit
		warnings string
	}{
		{"t1.volume", 0.9, "mL", 900, "unit_converted: 0.9 mL was converted to the model's unit: 900 mm3"}, {"t1.volume", 0.9, "cm3{tumour of John}", 900, "unit_converted: 0.9 cm3 was converted"}, {"t1.volume", 9e-4, "L", 900, "unit_converted"},
		{"t1.volume", 900, "uL", 900, ""}, {"t1.volume", 900, "mm3", 900, ""}, {"clinical.age", 732, "mo", 61, "unit_converted: 732 mo was converted to the model's unit: 61 a"}, {"clinical.age", 22280.25, "d", 61, "unit_converted"},
		{"clinical.age", 61, "a_j", 61, ""}, {"rna.EGFR", 1, "mg/dL", 1, "unit_not_checked: the value came in mg/dL"}, {"rna.EGFR", 1, "CANARY", 1, "unit_not_checked: the value came with a unit"},
	} {
		code, text := predicted(t, quantity(c.name, c.value, c.code))
		if strings.Contains(c.code, "{") {
			if code != 422 || !strings.Contains(text, "without spaces") {
				t.Errorf("%s: %d %s", c.code, code, text)
			}
			code, text = predicted(t, quantity(c.name, c.value, strings.ReplaceAll(c.code, " ", "_")))
		}
		if code != 200 || strings.Contains(text, "CANARY") || strings.Contains(text, "John") || strings.Contains(text, "unit_") != (c.warnings != "") || !strings.Contains(text, c.warnings) {
			t.Fatalf("%v %s: %d %s", c.value, c.code, code, text)
		}
		_, plain := predicted(t, observationOf(c.name, fmt.Sprintf(`, "valueInteger": %v`, c.same)))
		if got, want := probabilities(t, text), probabilities(t, plain); got != want {
			t.Errorf("%v %s predicts %s, want %s", c.value, c.code, got, want)
		}
	}
	for _, c := range [][3]string{{"t1.volume", "mg", "t1.volume is in mg; the model reads mm3: the units are not commensurable"}, {"clinical.age", "[pH]", "which is not converted"}, {"clinical.age", "y", "did you mean a?"}, {"clinical.age", "CANARY", "no unit of UCUM"}} {
		if code, text := predicted(t, quantity(c[0], 1, c[1])); code != 422 || !strings.Contains(text, c[2]) || strings.Contains(text, "CANARY") {
			t.Errorf("%d %s\nwant %s", code, text, c[2])
		}
	}
	// From mass to amount of substance takes a molar mass.
	b, _ := bundletest.New(t)
	for j := range b.Inputs {
		if b.Inputs[j].Name == "rna.EGFR" {
			b.Inputs[j].Unit = "mmol/L"
		}
	}
	if code, text := ask(front(t, b), "POST", "/fhir/$predict", quantity("rna.EGFR", 99, "mg/dL")); code != 422 || !strings.Contains(string(text), "from mass to amount of substance takes a molar mass") {
		t.Errorf("%d %s", code, text)
	}
	// A time in another unit is brought to days.
	hours := strings.Replace(parameters, `{"value": 90, "code": "a"}`, `{"value": 2400, "code": "h"}`, 1)
	if code, text := predicted(t, hours); code != 200 || !strings.Contains(text, `"end":"2024-05-10"`) {
		t.Errorf("%d %s", code, text)
	}
}

// What was converted is in the audit, with the value that the model was given.
func TestUnitsAudit(t *testing.T) {
	b, _ := bundletest.New(t)
	dir := t.TempDir()
	bundletest.Save(t, b, filepath.Join(dir, "glioma.voxgene"))
	r, err := registry.Open([]string{filepath.Join(dir, "glioma.voxgene")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(filepath.Join(dir, "audit.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	mux := http.NewServeMux()
	f := fhir.Front{Registry: r, Limits: api.Limits{Body: 1 << 20, Patients: 1}, Log: slog.New(slog.DiscardHandler), Version: "1", Audit: log, Now: time.Now}
	f.Register(mux)
	if code, text := ask(mux, "POST", "/fhir/$predict", observationOf("t1.volume", `, "valueQuantity": {"value": 0.9, "code": "mL"}`)); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	entries, err := log.Of("Patient/17")
	if err != nil || len(entries) != 1 || entries[0].Inputs[2] != 900 || !strings.Contains(string(entries[0].Answer), `{"code":"unit_converted","feature":"t1.volume","message":"0.9 mL was converted to the model's unit: 900 mm3"}`) {
		t.Errorf("%+v %v", entries, err)
	}
}
