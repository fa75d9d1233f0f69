package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/registry"
)

// served returns an API over saved bundles, and its log.
func served(t testing.TB, bundles ...*bundle.Bundle) (*api.API, *registry.Registry, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	for i, b := range bundles {
		bundletest.Save(t, b, filepath.Join(dir, fmt.Sprintf("%d.voxgene", i)))
	}
	r, err := registry.Open([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	return api.New(api.Options{Registry: r, Limits: api.Limits{Body: 1 << 20, Patients: 5}, Log: slog.New(slog.NewJSONHandler(&log, nil)),
		Metrics: prometheus.NewRegistry(), Version: "test"}), r, &log
}

func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const sound = `{"patients": [{"id": "p1", "features": {"clinical.age": 61, "clinical.sex": "M", "t1.volume": 900.5, "rna.EGFR": 0.1, "rna.TP53": null}}]}`

// A model of lesions takes several rows of a patient, each named, and names them in the answer; a model of patients knows no lesion.
func TestPredictLesions(t *testing.T) {
	b, _ := bundletest.New(t)
	b.Unit = table.PerLesion
	h, _, _ := served(t, b)
	row := func(lesion string) string {
		return `{"id": "p1", ` + lesion + `"features": {"clinical.age": 61, "clinical.sex": "M", "t1.volume": 900.5, "rna.EGFR": 0.1, "rna.TP53": 1}}`
	}
	body := `{"patients": [` + row(`"lesion": "1", `) + `,` + row(`"lesion": "liver 2", `) + `]}`
	w := ask(h, "POST", "/v1/models/glioma/predict", body)
	if text := w.Body.String(); w.Code != 200 || !strings.Contains(text, `{"id":"p1","lesion":"1","outcomes"`) || !strings.Contains(text, `{"id":"p1","lesion":"liver 2","outcomes"`) {
		t.Errorf("%d %s", w.Code, text)
	}
	document := ask(h, "GET", "/openapi.json", "").Body.Bytes()
	if err := valid(t, compile(t, document, "#/components/schemas/Answer"), w.Body.Bytes()); err != nil {
		t.Error(err)
	}
	schema := ask(h, "GET", "/v1/models/glioma/schema", "").Body.Bytes()
	if err := valid(t, compile(t, schema, ""), []byte(body)); err != nil {
		t.Error(err)
	}
	if w := ask(h, "GET", "/v1/models/glioma", ""); !strings.Contains(w.Body.String(), `"unit":"lesion"`) {
		t.Error(w.Body)
	}
	same := `{"patients": [` + row(`"lesion": "1", `) + `,` + row(`"lesion": "1", `) + `]}`
	if w := ask(h, "POST", "/v1/models/glioma/predict", same); w.Code != 422 || !strings.Contains(w.Body.String(), "has the same id and lesion") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	c, _ := bundletest.New(t)
	h, _, _ = served(t, c)
	if w := ask(h, "POST", "/v1/models/glioma/predict", body); w.Code != 422 || !strings.Contains(w.Body.String(), `"pointer":"#/patients/0/lesion"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if err := valid(t, compile(t, ask(h, "GET", "/v1/models/glioma/schema", "").Body.Bytes(), ""), []byte(body)); err == nil {
		t.Error("the schema of a model of patients takes lesions")
	}
}

// The answer over HTTP is the bundle's prediction, byte for byte.
func TestPredict(t *testing.T) {
	b, x := bundletest.New(t)
	h, _, _ := served(t, b)
	var body strings.Builder
	body.WriteString(`{"patients":[`)
	for i := range 3 {
		if i > 0 {
			body.WriteString(",")
		}
		fmt.Fprintf(&body, `{"id":"p%d","features":{`, i)
		for j, c := range b.Inputs {
			if j > 0 {
				body.WriteString(",")
			}
			v, _ := json.Marshal(x.Column(j)[i])
			if len(c.Levels) > 0 {
				v, _ = json.Marshal(c.Levels[int(x.Column(j)[i])])
			}
			fmt.Fprintf(&body, "%q:%s", c.Name, v)
		}
		body.WriteString("}}")
	}
	body.WriteString(`],"times":[{"value":1,"unit":"a"}],"explain":{"top":2,"group_by":"source"}}`)
	want, err := b.Predict(context.Background(), x.Select([]int{0, 1, 2}), bundle.Request{Times: []bundle.Time{{Value: 1, Unit: "a"}}, Explain: &bundle.Explain{Top: 2, GroupBy: "source"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		want[i].ID = fmt.Sprintf("p%d", i)
	}
	predictions, _ := json.Marshal(want)
	for _, path := range []string{"/v1/models/glioma/predict", "/v1/models/glioma/explain", "/v1/models/glioma/versions/" + b.Version() + "/predict", "/v1/models/glioma/versions/" + b.Version()[:15] + "/predict"} {
		w := ask(h, "POST", path, body.String())
		text := fmt.Sprintf(`{"model":"glioma","version":%q,"intended_use":"research","predictions":%s}`+"\n", b.Version(), predictions)
		if w.Code != 200 || w.Body.String() != text {
			t.Errorf("%s: %d\n%s\nwant\n%s", path, w.Code, w.Body, text)
		}
		if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, w.Header())
		}
	}
}

// What may be left out: identifiers, times, features, a whole source. Levels may be numbers, names bare.
func TestPredictLeftOut(t *testing.T) {
	b, _ := bundletest.New(t)
	h, _, _ := served(t, b)
	w := ask(h, "POST", "/v1/models/glioma/predict", `{"patients": [{"features": {"age": 61, "clinical.sex": "X", "volume": 900.5}}]}`)
	var got struct {
		Predictions []struct {
			ID       string
			Outcomes map[string]struct{ Times []float64 }
			Warnings []map[string]string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	p := got.Predictions[0]
	if p.ID != "1" || fmt.Sprint(p.Outcomes["os"].Times) != "[365.25 730.5 1095.75 1826.25]" || len(p.Warnings) != 2 ||
		p.Warnings[0]["code"] != "unseen_level" || p.Warnings[1]["code"] != "missing_source" || p.Warnings[1]["source"] != "rna" {
		t.Errorf("got %s", w.Body)
	}
	if w := ask(h, "POST", "/v1/models/glioma/explain", sound); !strings.Contains(w.Body.String(), `"contribution":`) {
		t.Errorf("explain without an explain member: %s", w.Body)
	}
	if w := ask(h, "POST", "/v1/models/glioma/predict", strings.Replace(sound, `}}]`, `}}], "explain": true`, 1)); !strings.Contains(w.Body.String(), `"contribution":`) {
		t.Errorf("predict with explain: true: %s", w.Body)
	}
}

// Every fault has a status, a place and a way out, and an identifier that is in the log; the log has nothing of the body.
func TestPredictBadInput(t *testing.T) {
	b, _ := bundletest.New(t)
	h, _, log := served(t, b)
	edit := func(from, to string) string {
		if !strings.Contains(sound, from) {
			t.Fatalf("%s is not in the sound body", from)
		}
		return strings.Replace(sound, from, to, 1)
	}
	for _, c := range []struct {
		body, pointer, detail string
		code                  int
	}{
		{edit(`"clinical.age"`, `"clinical.aeg"`), "#/patients/0/features/clinical.aeg", `the model reads no such feature; did you mean "clinical.age"?`, 422},
		{edit(`61`, `"61"`), "#/patients/0/features/clinical.age", "want a number or null, found a text", 422},
		{edit(`61`, `1e999`), "", "line 1, column 57: a number beyond the range of 64-bit floating point", 400},
		{edit(`61`, `NaN`), "", "line 1, column 57: want a number, found 'N'", 400},
		{edit(`"M"`, `true`), "#/patients/0/features/clinical.sex", "want one of the levels F, M or null, found true or false", 422},
		{edit(`"t1.volume": 900.5`, `"t1.volume": 900.5, "volume": 3`), "#/patients/0/features/volume", "the feature is there twice", 422},
		{edit(`"features"`, `"feature"`), "#/patients/0/feature", `unknown member; did you mean "features"?`, 422},
		{edit(`"p1"`, `7`), "#/patients/0/id", "want a text, found a number", 422},
		{edit(`]}`, `], "times": [{"value": 1, "unit": "years"}]}`), "#/times/0/unit", `"years" is not a unit of time: d, wk, mo or a`, 422},
		{edit(`]}`, `], "times": [{"unit": "a"}]}`), "#/times/0", `"value" is missing`, 422},
		{edit(`]}`, `], "outcomes": ["idh", "grade"]}`), "#/outcomes/1", `glioma does not predict "grade"; it predicts [idh os]`, 422},
		{edit(`]}`, `], "explain": {"top": 0}}`), "#/explain/top", "want a whole number of 1 or more, found 0", 422},
		{edit(`]}`, `], "explain": {"group_by": "lobe"}}`), "#/explain/group_by", `"lobe" is not one of`, 422},
		{edit(`]}`, `], "patients": []}`), "#/patients", `"patients" is there twice`, 422},
		{`{"patients": []}`, "#/patients", "want one patient or more", 422},
		{`{}`, "#", `"patients" is missing`, 422},
		{`{"patients": [{"features": {}}]}`, "#/patients/0/features", "no feature was given; the model reads 5, see its schema", 422},
		{`{"patients": [` + strings.Repeat(`{"features": {"age": 1}},`, 5) + `{}]}`, "#/patients", "more than 5 patients; send them in several requests", 422},
		{`{"patients": [{"id": "a", "features": {"volume": 1}}, {"id": "a", "features": {"volume": 1}}]}`, "#/patients/1/id", "patient 0 of this request has the same id", 422},
		{`[]`, "", "line 1, column 1: want an object, found a list", 400},
		{``, "", "line 1, column 1: want an object, found the end", 400},
		{sound + "x", "", "something follows the value", 400},
	} {
		log.Reset()
		w := ask(h, "POST", "/v1/models/glioma/predict", c.body)
		var p struct {
			Status     int
			Detail, ID string
			Errors     []struct{ Pointer, Detail string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatalf("%s: %v", w.Body, err)
		}
		place, detail := "", p.Detail
		if len(p.Errors) > 0 {
			place, detail = p.Errors[0].Pointer, p.Errors[0].Detail
		}
		if w.Code != c.code || p.Status != c.code || place != c.pointer || !strings.Contains(detail, c.detail) || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s\ngot  %d %s %s\nwant %d %s %s", c.body, w.Code, place, detail, c.code, c.pointer, c.detail)
		}
		if p.ID == "" || !strings.Contains(log.String(), p.ID) {
			t.Errorf("id %q is not in the log: %s", p.ID, log)
		}
		if strings.Contains(log.String(), "p1") || strings.Contains(log.String(), "900.5") {
			t.Errorf("the log has what a client sent: %s", log)
		}
	}
}

func TestRefusals(t *testing.T) {
	b, _ := bundletest.New(t)
	h, _, _ := served(t, b)
	for _, c := range []struct {
		method, path, body string
		header             http.Header
		code               int
		contains           string
	}{
		{"POST", "/v1/models/gliom/predict", sound, nil, 404, "there are glioma"},
		{"POST", "/v1/models/glioma/versions/sha256:00000000/predict", sound, nil, 404, "the newest is sha256:"},
		{"GET", "/v1/nothing", "", nil, 404, "/v1/models"},
		{"GET", "/v1/models/glioma/predict", "", nil, 405, "POST"},
		{"DELETE", "/v1/models", "", nil, 405, "GET"},
		{"POST", "/v1/models/glioma/predict", sound, http.Header{"Content-Type": {"text/csv"}}, 415, "application/json"},
		{"POST", "/v1/models/glioma/predict", sound, http.Header{"Content-Type": {"application/json; charset=latin1"}}, 415, "UTF-8"},
		{"POST", "/v1/models/glioma/predict", sound, http.Header{"Content-Encoding": {"gzip"}}, 415, "compressed"},
		{"POST", "/v1/models/glioma/predict", strings.Repeat(" ", 1<<20+1), nil, 413, "1048576"},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		for k, v := range c.header {
			r.Header[k] = v
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s %v: %d %s, want %d …%s…", c.method, c.path, c.header, w.Code, w.Body, c.code, c.contains)
		}
		if c.code == 405 && !strings.Contains(w.Header().Get("Allow"), c.contains) {
			t.Errorf("%s %s: Allow %q", c.method, c.path, w.Header().Get("Allow"))
		}
	}
	// A body without a length is cut off at the same size.
	r := httptest.NewRequest("POST", "/v1/models/glioma/predict", io.MultiReader(strings.NewReader(strings.Repeat(" ", 1<<20)), strings.NewReader(sound)))
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = -1
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 413 {
		t.Errorf("a long body without a length: %d %s", w.Code, w.Body)
	}
}

func TestModels(t *testing.T) {
	b, _ := bundletest.New(t)
	other, _ := bundletest.Wide(t, 3)
	h, _, _ := served(t, b, other)
	w := ask(h, "GET", "/v1/models", "")
	if want := fmt.Sprintf(`{"models":[{"name":"glioma","version":%q,"versions":[%q],"intended_use":"research","outcomes":["idh","os"]},{"name":"wide",`, b.Version(), b.Version()); !strings.HasPrefix(w.Body.String(), want) {
		t.Errorf("got  %s\nwant %s", w.Body, want)
	}
	w = ask(h, "GET", "/v1/models/glioma", "")
	var m struct {
		Version  string
		Patients int
		Inputs   []bundle.Input
		Outcomes []bundle.ManifestOutcome
	}
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || m.Version != b.Version() || m.Patients != 40 || len(m.Inputs) != 5 || m.Outcomes[1].FollowUp.Limit != 3100 {
		t.Errorf("got %s", w.Body)
	}
}

func TestHealth(t *testing.T) {
	b, _ := bundletest.New(t)
	h, _, _ := served(t, b)
	for path, want := range map[string]string{"/healthz": `"live"`, "/readyz": `"ready"`, "/metrics": "voxgene_patients_total"} {
		ask(h, "POST", "/v1/models/glioma/predict", sound)
		if w := ask(h, "GET", path, ""); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	h.Drain()
	if w := ask(h, "GET", "/readyz", ""); w.Code != 503 {
		t.Errorf("a stopping server is ready: %d", w.Code)
	}
	if w := ask(h, "GET", "/metrics", ""); !strings.Contains(w.Body.String(), `voxgene_warnings_total{code="missing",model="glioma"} 3`) {
		t.Errorf("warnings are not counted: %s", w.Body)
	}
}
