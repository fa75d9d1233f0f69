package worklist_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/worklist"
)

const prediction = `{"id":"CANARY-17","outcomes":{"idh":{"kind":"class","label":"1","probabilities":{"0":0.12,"1":0.88},"explanations":[]},"os":{"kind":"survival","unit":"d","risk":1.5,"risk_group":"high","median":null,"times":[],"survival":[],"explanations":[]}},"warnings":[{"code":"out_of_range","message":"x"}]}`

// served is a front behind the gate, over a store with one result and one case of each status; keys are named after their models.
func served(t *testing.T, verifiers ...string) (http.Handler, *results.Store, results.Result, *bytes.Buffer) {
	t.Helper()
	s, err := results.Open(filepath.Join(t.TempDir(), "results.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	identity := results.Identity{Patient: "CANARY-17", Issuer: "HOSPITAL", Name: "CANARY^NAME", Birth: "19701231", Accession: "CANARY-ACC", Study: "1.2.826.99", Series: []string{"1.2.826.99.1"}}
	age := 61.0
	r, _, err := s.Keep(results.Kept{Model: "glioma", Version: "sha256:aa", Use: "research", Inputs: "sha256:01", Content: results.Content{Identity: identity, Prediction: []byte(prediction),
		Features: []results.Feature{{Name: "clinical.age", Value: &age}}, Curves: map[string]results.Curve{"os": {Unit: "d", Times: []float64{0, 10}, Survival: []float64{1, 0.5}}}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, status := range []results.Status{results.Waiting, results.NeedsMask, results.Refused, results.Done} {
		c := results.Case{Source: "upload", Model: "glioma", Status: status, Reason: "the series of CANARY-17, CANARY^NAME, is short", Content: results.CaseContent{Identity: identity, Where: fmt.Sprint(i)}}
		if status == results.Done {
			c.Result, c.Reason = r.ID, ""
		}
		if _, err := s.PutCase(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delivered(r.ID, results.Delivery{System: "pacs", Action: results.Write, Accepted: true, Detail: "stored 1.2.826.99 of CANARY^NAME"}); err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	l := slog.New(slog.NewJSONHandler(log, nil))
	mux := http.NewServeMux()
	worklist.New(worklist.Options{Store: s, Verifiers: verifiers, Log: l}).Register(mux)
	var keys []auth.Key
	for _, name := range []string{"glioma", "breast"} {
		keys = append(keys, auth.Key{Name: name, Hash: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name))), Models: []string{name}})
	}
	gate, err := auth.New(auth.Config{Keys: keys, Anonymous: "everywhere"}, "127.0.0.1:0", false, l)
	if err != nil {
		t.Fatal(err)
	}
	return gate.Wrap(mux), s, r, log
}

func ask(h http.Handler, key, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("X-API-Key", key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// Lists and results say what they should to those who may ask the model, and nothing to others; none of it names the patient.
func TestShown(t *testing.T) {
	h, s, r, log := served(t)
	for _, key := range []string{"", "glioma"} {
		for path, want := range map[string][]string{
			"/v1/cases":           {"waiting", "needs_mask", "refused", `"result":"` + r.ID, s.Subject("CANARY-17", "HOSPITAL"), "is short"},
			"/v1/results":         {r.ID, `"label":"1"`, `"probability":0.88`, `"risk_group":"high"`, `"warnings":1`, "preliminary"},
			"/v1/results/" + r.ID: {`"prediction":{"id":"` + r.Subject, `"curves":{"os"`, "research use only", `"may_verify":true`, `"system":"pacs"`, "clinical.age"},
		} {
			code, text := ask(h, key, "GET", path, "")
			for _, w := range want {
				if code != 200 || !strings.Contains(text, w) {
					t.Errorf("%s: %d without %s: %s", path, code, w, text)
				}
			}
			if strings.Contains(text, "CANARY") || strings.Contains(text, "1.2.826") || strings.Contains(text, "19701231") {
				t.Errorf("%s names the patient: %s", path, text)
			}
		}
	}
	for _, path := range []string{"/v1/cases", "/v1/results"} {
		if code, text := ask(h, "breast", "GET", path, ""); code != 200 || strings.Contains(text, "glioma") {
			t.Errorf("%s shows another model: %s", path, text)
		}
		for _, limit := range []string{"0", "-1", "x", "2001"} {
			if code, _ := ask(h, "", "GET", path+"?limit="+limit, ""); code != 422 {
				t.Errorf("limit %s: %d", limit, code)
			}
		}
	}
	if _, text := ask(h, "", "GET", "/v1/cases?limit=2", ""); strings.Count(text, `"status"`) != 2 {
		t.Errorf("two were asked for: %s", text)
	}
	for _, path := range []string{"/v1/results/" + r.ID, "/v1/results/none"} {
		key := map[bool]string{true: "breast"}[strings.Contains(path, r.ID)]
		if code, _ := ask(h, key, "GET", path, ""); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
	if strings.Contains(log.String(), "CANARY") {
		t.Error("the log names the patient")
	}
}

// Who knows the identifier finds the patient's cases; the same number of another issuer is another patient.
func TestFind(t *testing.T) {
	h, _, r, log := served(t)
	for body, want := range map[string]int{`{"patient": "CANARY-17", "issuer": "HOSPITAL"}`: 1, `{"patient": "CANARY-17"}`: 0, `{"patient": "CANARY-18", "issuer": "HOSPITAL"}`: 0} {
		code, text := ask(h, "", "POST", "/v1/results/find", body)
		if code != 200 || strings.Count(text, `"id":"`+r.ID) != want || strings.Contains(text, "CANARY") {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
	if _, text := ask(h, "breast", "POST", "/v1/results/find", `{"patient": "CANARY-17", "issuer": "HOSPITAL"}`); strings.Contains(text, r.ID) {
		t.Error("another model's result is found")
	}
	for body, want := range map[string]int{`{}`: 422, `{"patient": 1}`: 400, `{"patient": "x", "y": 1}`: 400, `[]`: 400, `{"patient": "` + strings.Repeat("x", 20000) + `"}`: 413} {
		if code, _ := ask(h, "", "POST", "/v1/results/find", body); code != want {
			t.Errorf("%.40s: %d, want %d", body, code, want)
		}
	}
	if strings.Contains(log.String(), "CANARY") {
		t.Error("the log names the patient")
	}
}

// A person verifies once and takes back for good; what was typed stands beside whose credentials it came with.
func TestVerifyAndRetract(t *testing.T) {
	h, s, r, _ := served(t, "glioma")
	at := "/v1/results/" + r.ID
	for _, c := range []struct {
		key, path, body string
		want            int
	}{
		{"", "/finalise", `{"by": "Dr A"}`, 403}, {"breast", "/finalise", `{"by": "Dr A"}`, 404}, {"glioma", "/finalise", `{"by": " "}`, 422}, {"glioma", "/finalise", `{`, 400},
		{"glioma", "/retract", `{"by": "Dr A"}`, 422}, {"glioma", "/finalise", `{"by": "Dr A"}`, 200}, {"glioma", "/finalise", `{"by": "Dr A"}`, 409},
		{"", "/retract", `{"by": "Dr A", "reason": "x"}`, 403}, {"glioma", "/retract", `{"by": "Dr B", "reason": "mask of CANARY-17 is of another lesion"}`, 200}, {"glioma", "/finalise", `{"by": "Dr A"}`, 409},
	} {
		code, text := ask(h, c.key, "POST", at+c.path, c.body)
		if code != c.want || strings.Contains(text, "CANARY") {
			t.Errorf("%s %s %s: %d, want %d: %s", c.key, c.path, c.body, code, c.want, text)
		}
	}
	kept, err := s.Get(r.ID)
	if err != nil || kept.State != results.EnteredInError || kept.By != "Dr B (glioma)" || !strings.Contains(kept.Reason, "another lesion") {
		t.Errorf("%+v %v", kept, err)
	}
	var d struct {
		May bool `json:"may_verify"`
	}
	if _, text := ask(h, "", "GET", at, ""); json.Unmarshal([]byte(text), &d) != nil || d.May {
		t.Errorf("who may not verify is told so: %s", text)
	}
}

// An erased patient leaves a row that says so and nothing else; without a store every route says what is missing.
func TestErasedAndNone(t *testing.T) {
	h, s, r, _ := served(t)
	if _, err := s.Erase("CANARY-17", "HOSPITAL"); err != nil {
		t.Fatal(err)
	}
	if code, text := ask(h, "", "GET", "/v1/results/"+r.ID, ""); code != 200 || !strings.Contains(text, `"erased":true`) || strings.Contains(text, `"prediction"`) || strings.Contains(text, "clinical.age") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := ask(h, "", "GET", "/v1/cases", ""); code != 200 || strings.Contains(text, "is short") {
		t.Errorf("%d %s", code, text)
	}
	mux := http.NewServeMux()
	worklist.New(worklist.Options{Log: slog.New(slog.DiscardHandler)}).Register(mux)
	for _, c := range [][2]string{{"GET", "/v1/cases"}, {"GET", "/v1/results"}, {"GET", "/v1/results/x"}, {"POST", "/v1/results/x/finalise"}, {"POST", "/v1/results/x/retract"}, {"POST", "/v1/results/find"}} {
		if code, text := ask(mux, "", c[0], c[1], ""); code != 404 || !strings.Contains(text, "results.path") {
			t.Errorf("%v: %d %s", c, code, text)
		}
	}
}

// A result of lesions shows each, with what its mask says of it but for names and identifiers, and says in the list what was predicted of each.
func TestShownLesions(t *testing.T) {
	h, s, _, _ := served(t)
	content := results.Content{Identity: results.Identity{Patient: "CANARY-17", Issuer: "HOSPITAL", Name: "CANARY^NAME", Study: "1.2.826.98"}}
	withheld := strings.Replace(prediction, `"warnings"`, `"abstained":["too much is missing"],"warnings"`, 1)
	for i, text := range []string{prediction, withheld} {
		content.Lesions = append(content.Lesions, results.Lesion{Name: fmt.Sprint(i + 1), Prediction: []byte(text), Curves: map[string]results.Curve{"os": {Unit: "d", Times: []float64{0}, Survival: []float64{1}}},
			Regions: []results.Region{{Source: "ct", Number: i + 1, Volume: 812.5, Label: "node of CANARY", Tracking: "CANARY-17 node", TrackingUID: "1.2.826.77", Segment: &results.Instance{Instance: "1.2.826.9", Segment: 4}, Site: &results.Code{Meaning: "Lung"}}}})
	}
	r, _, err := s.Keep(results.Kept{Model: "glioma", Version: "sha256:aa", Use: "research", Inputs: "sha256:02", Content: content})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"/v1/results":         {`"lesions":2`, `{"lesion":"1","outcome":"idh","label":"1"`, `{"lesion":"2","outcome":"os"`, `"warnings":2`},
		"/v1/results/" + r.ID: {`"lesions":[{"name":"1","label":"node of …","segment":4,"volume":812.5,"site":"Lung","curves":{"os"`, `"name":"2"`, `"prediction":{"id":"` + r.Subject, `"abstained":["too much is missing"]`},
	} {
		code, text := ask(h, "", "GET", path, "")
		for _, w := range want {
			if code != 200 || !strings.Contains(text, w) {
				t.Errorf("%s: %d without %s: %s", path, code, w, text)
			}
		}
		if strings.Contains(text, "CANARY") || strings.Contains(text, "1.2.826") || strings.Contains(text, `"abstained":true`) {
			t.Errorf("%s names the patient, or withholds all: %s", path, text)
		}
	}
	if code, text := ask(h, "", "POST", "/v1/results/"+r.ID+"/finalise", `{"by":"Dr A"}`); code != 200 || !strings.Contains(text, `"state":"final"`) {
		t.Errorf("%d %s", code, text)
	}
	if _, err := s.Erase("CANARY-17", "HOSPITAL"); err != nil {
		t.Fatal(err)
	}
	if _, text := ask(h, "", "GET", "/v1/results/"+r.ID, ""); !strings.Contains(text, `"erased":true`) || strings.Contains(text, "lesions") {
		t.Error(text)
	}
}
