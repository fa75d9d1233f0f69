package api_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// compile compiles the schema at a pointer of a document.
func compile(t *testing.T, document []byte, pointer string) *jsonschema.Schema {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("memory:document", v); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("memory:document" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return s.Validate(v)
}

// Answers and problems are what the document says they are.
func TestDocumentAnswers(t *testing.T) {
	b, _ := bundletest.New(t)
	h, _, _ := served(t, b)
	doc := ask(h, "GET", "/openapi.json", "").Body.Bytes()
	const schemas = "#/components/schemas/"
	for _, c := range []struct{ method, path, body, schema string }{
		{"POST", "/v1/models/glioma/predict", sound, "Answer"},
		{"POST", "/v1/models/glioma/explain", sound, "Answer"},
		{"POST", "/v1/models/glioma/predict", strings.Replace(sound, "]}", `], "times": [{"value": 90, "unit": "a"}]}`, 1), "Answer"},
		{"POST", "/v1/models/glioma/predict", `{"patients": 1}`, "Problem"},
		{"GET", "/v1/models", "", "Models"},
		{"GET", "/v1/models/glioma", "", "Model"},
		{"GET", "/v1/models/none", "", "Problem"},
	} {
		w := ask(h, c.method, c.path, c.body)
		if err := valid(t, compile(t, doc, schemas+c.schema), w.Body.Bytes()); err != nil {
			t.Errorf("%s %s: %v\n%s", c.method, c.path, err, w.Body)
		}
	}
	var d struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	// Each route of the document is served, and its methods are the ones that it lists.
	for path, item := range d.Paths {
		if strings.HasPrefix(path, "/v2") || strings.HasPrefix(path, "/fhir") || strings.HasSuffix(path, "/studies") || slices.ContainsFunc([]string{"/v1/jobs", "/v1/cases", "/v1/results", "/v1/scans"}, func(p string) bool { return strings.HasPrefix(path, p) }) || strings.Contains(path, ":") ||
			path == "/invocations" || path == "/ping" || path == "/health" || path == "/version" {
			continue // the whole server is asked for these, in package serve
		}
		for _, method := range []string{"get", "post"} {
			_, listed := item[method]
			real := strings.NewReplacer("{model}", "glioma", "{version}", b.Version()).Replace(path)
			w := ask(h, strings.ToUpper(method), real, "{}")
			if served := w.Code != http.StatusMethodNotAllowed && w.Code != http.StatusNotFound; served != listed {
				t.Errorf("%s %s: listed %v, answered %d", method, path, listed, w.Code)
			}
		}
	}
}

// The decoder takes a body exactly when the model's schema does: sound bodies, and bodies with one to three random changes. What JSON
// Schema cannot say is left out: repeated members, equal ids, scales and times that an outcome cannot be explained on.
func TestSchemaInvariant(t *testing.T) {
	b, _ := bundletest.New(t)
	h, _, _ := served(t, b)
	w := ask(h, "GET", "/v1/models/glioma/schema", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/schema+json" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	schema := compile(t, w.Body.Bytes(), "")
	document := compile(t, ask(h, "GET", "/openapi.json", "").Body.Bytes(), "#/components/schemas/Request")
	const whole = `{"patients": [{"id": "a", "features": {"clinical.age": 61, "clinical.sex": "M", "t1.volume": 900.5, "rna.EGFR": 0.1, "rna.TP53": null}},
		{"id": "b", "features": {"age": 50, "sex": 1, "rna.EGFR": 1, "TP53": -2}}], "outcomes": ["os"], "times": [{"value": 1, "unit": "a"}], "explain": {"top": 3, "group_by": "group", "method": "linear"}}`
	r := rand.New(rand.NewPCG(1, 2))
	taken, refused := 0, 0
	for range 3000 {
		var body any
		if err := json.Unmarshal([]byte(whole), &body); err != nil {
			t.Fatal(err)
		}
		for range r.IntN(4) {
			body = change(r, body)
		}
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		code := ask(h, "POST", "/v1/models/glioma/predict", string(text)).Code
		err = valid(t, schema, text)
		if strings.Contains(string(text), `"id":"a"`) && strings.Count(string(text), `"id":"a"`) > 1 {
			continue
		}
		if (code == 200) != (err == nil) || code >= 500 {
			t.Fatalf("%s\nanswered %d, the schema says %v", text, code, err)
		}
		if code == 200 {
			taken++
			if err := valid(t, document, text); err != nil {
				t.Fatalf("%s\nis taken, and the document's Request says %v", text, err)
			}
		} else {
			refused++
		}
	}
	if taken < 300 || refused < 300 {
		t.Errorf("%d taken, %d refused: the changes test one side only", taken, refused)
	}
}

// change makes one random change somewhere in a JSON value.
func change(r *rand.Rand, v any) any {
	values := []any{nil, true, "M", "x", "a", 1.0, -1.0, 0.5, []any{}, map[string]any{}, "os", 1e30}
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if len(keys) == 0 || r.IntN(12) == 0 {
			v[[]string{"extra", "times", "outcomes", "explain", "rna.EGFR", "volume", "unit", "id"}[r.IntN(8)]] = values[r.IntN(len(values))]
			return v
		}
		k := keys[r.IntN(len(keys))]
		if r.IntN(8) == 0 {
			delete(v, k)
			return v
		}
		v[k] = change(r, v[k])
		return v
	case []any:
		if len(v) == 0 || r.IntN(8) == 0 {
			return append(v, values[r.IntN(len(values))])
		}
		i := r.IntN(len(v))
		if r.IntN(8) == 0 {
			return append(v[:i], v[i+1:]...)
		}
		v[i] = change(r, v[i])
		return v
	}
	return values[r.IntN(len(values))]
}
