package serve_test

import (
	"bytes"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"log/slog"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
)

// Ten thousand requests to each front, each a sound one with some bytes changed, doubled, cut or replaced: none is answered as a fault of
// ours, nothing panics, and no log names the patient.
func TestMutatedRequests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models, c.Results.Path = []string{path}, filepath.Join(t.TempDir(), "results.db")
	var log bytes.Buffer
	s, err := serve.New(c, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h := s.Handler()
	const words = `{}[]",:0123456789.eE+-\u0000 null true "1e999" NaN patients features inputs parameter`
	for front, sound := range map[string]string{
		"/v1/models/glioma/explain": `{"patients": [{"id": "CANARY-17", "features": {"clinical.age": 61, "clinical.sex": "M", "t1.volume": 900.5}}], "times": [{"value": 1, "unit": "a"}], "explain": {"top": 3, "group_by": "source"}}`,
		"/v2/models/glioma/infer":   `{"id": "CANARY", "inputs": [{"name": "clinical.age", "shape": [2], "datatype": "FP64", "data": [50, 60]}, {"name": "clinical.sex", "shape": [2], "datatype": "BYTES", "data": ["M", "F"]}]}`,
		"/fhir/$predict":            `{"resourceType": "Parameters", "parameter": [{"name": "subject", "valueReference": {"reference": "Patient/CANARY"}}, {"name": "origin", "valueDate": "2026-01-02"}, {"name": "feature", "part": [{"name": "name", "valueString": "age"}, {"name": "value", "valueDecimal": 50}]}, {"name": "time", "valueDuration": {"value": 1, "system": "http://unitsofmeasure.org", "code": "a"}}]}`,
		"/v1/results/find":          `{"patient": "CANARY-17", "issuer": "HOSPITAL"}`,
		"/v1/models/glioma:predict": `{"instances": [{"age": 61, "sex": "M", "volume": 900.5}, [50, "F", 1000, 0.5, -0.5]]}`,
		"/invocations":              `{"dataframe_split": {"index": [0], "columns": ["age", "sex"], "data": [[61, "M"], [50, null]]}, "params": {"times": [{"value": 1, "unit": "a"}], "explain": true}}`,
	} {
		r := work.Seed(8).Split("mutate", front).Rand()
		codes := map[int]int{}
		for range 10_000 {
			body := []byte(sound)
			for range 1 + r.IntN(4) {
				at := r.IntN(len(body) + 1)
				switch end := min(len(body), at+r.IntN(20)); r.IntN(5) {
				case 0:
					body = append(body[:at:at], body[end:]...)
				case 1:
					body = append(body[:end:end], body[at:]...)
				case 2:
					if at < len(body) {
						body[at] = byte(r.IntN(256))
					}
				case 3:
					from := r.IntN(len(words))
					body = append(append(body[:at:at], words[from:min(len(words), from+1+r.IntN(6))]...), body[end:]...)
				case 4:
					body = body[:at]
				}
			}
			q := httptest.NewRequest("POST", front, bytes.NewReader(body))
			q.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, q)
			codes[w.Code]++
			if w.Code >= 500 {
				t.Fatalf("%s: %d %s\n%s", front, w.Code, w.Body, body)
			}
		}
		if codes[200] == 0 || codes[200] == 10_000 {
			t.Errorf("%s: answers %v", front, codes)
		}
	}
	if log.Len() > 0 || strings.Contains(log.String(), "CANARY") {
		t.Errorf("the log has faults: %s", &log)
	}
}
