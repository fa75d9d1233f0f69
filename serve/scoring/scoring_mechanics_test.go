package scoring_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/scoring"
)

func front(t testing.TB, bundles ...*bundle.Bundle) http.Handler {
	t.Helper()
	dir := t.TempDir()
	for i, b := range bundles {
		bundletest.Save(t, b, filepath.Join(dir, string(rune('a'+i))+".voxgene"))
	}
	r, err := registry.Open([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	(&scoring.Front{Registry: r, Limits: api.Limits{Body: 1 << 16, Patients: 4}, Log: slog.New(slog.DiscardHandler), Version: "1.2.3"}).Register(mux)
	return mux
}

func ask(h http.Handler, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

// Two patients in every form that the protocols have give what the bundle predicts, to the byte.
func TestForms(t *testing.T) {
	b, x := bundletest.New(t)
	h := front(t, b)
	rows := x.Select([]int{0, 1})
	for j, c := range [][]float64{{61, 50}, {1, 0}, {900.5, 1000}, {0.5, -0.5}, {0.25, 1}} {
		copy(rows.Column(j), c)
	}
	answers, err := b.Predict(t.Context(), rows, bundle.Request{})
	if err != nil {
		t.Fatal(err)
	}
	answers[0].ID, answers[1].ID = "1", "2"
	want, err := json.Marshal(map[string]any{"predictions": answers})
	if err != nil {
		t.Fatal(err)
	}
	lists := `[[61, "M", 900.5, 0.5, 0.25], [50, "F", 1000, -0.5, 1]]`
	objects := `[{"age": 61, "clinical.sex": "M", "t1.volume": 900.5, "rna.EGFR": 0.5, "TP53": 0.25}, {"rna.TP53": 1, "clinical.age": 50, "sex": "F", "volume": 1000, "EGFR": -0.5}]`
	columns := `{"clinical.age": [61, 50], "clinical.sex": [["M"], ["F"]], "t1.volume": [900.5, 1000], "rna.EGFR": [0.5, -0.5], "rna.TP53": [0.25, 1]}`
	for path, bodies := range map[string][]string{
		"/v1/models/glioma:predict": {`{"instances": ` + lists + `}`, `{"instances": ` + objects + `}`},
		"/invocations": {`{"instances": ` + lists + `}`, `{"instances": ` + objects + `}`, `{"instances": ` + columns + `}`, `{"inputs": ` + columns + `}`, `{"inputs": ` + lists + `}`,
			`{"dataframe_records": ` + objects + `}`, `{"dataframe_split": {"index": [0, 1], "columns": ["age", "sex", "volume", "EGFR", "TP53"], "data": ` + lists + `}, "params": {}}`},
	} {
		for _, body := range bodies {
			if code, text := ask(h, "POST", path, body); code != 200 || text != string(want) {
				t.Errorf("%s %s\ngot  %d %s\nwant %s", path, body, code, text, want)
			}
		}
	}
}

// Explanations sum to what they explain; params say what to predict.
func TestExplainAndParams(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	code, text := ask(h, "POST", "/v1/models/glioma:explain", `{"instances": [{"age": 61, "sex": "M", "volume": 900.5, "EGFR": 0.5, "TP53": 0.25}]}`)
	var got struct {
		Explanations []struct {
			Outcomes map[string]struct {
				Explanations []struct {
					Base, Output, Other float64
					Values              []struct{ Contribution float64 }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 || len(got.Explanations) != 1 || len(got.Explanations[0].Outcomes) != 2 {
		t.Fatalf("%d %s", code, text)
	}
	for name, o := range got.Explanations[0].Outcomes {
		e := o.Explanations[0]
		sum := e.Base + e.Other
		for _, v := range e.Values {
			sum += v.Contribution
		}
		if d := sum - e.Output; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s: %g for %g", name, sum, e.Output)
		}
	}
	code, text = ask(h, "POST", "/invocations", `{"dataframe_records": [{"age": 61}], "params": {"outcomes": ["os"], "times": [{"value": 1, "unit": "a"}], "explain": true}}`)
	if code != 200 || strings.Contains(text, `"idh"`) || !strings.Contains(text, `"times":[365.25]`) || !strings.Contains(text, `"contribution"`) || !strings.Contains(text, `"code":"missing"`) {
		t.Errorf("%d %s", code, text)
	}
}

func TestServer(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	for path, want := range map[string]string{"/ping": "", "/health": "", "/version": "1.2.3"} {
		if code, text := ask(h, "GET", path, ""); code != 200 || text != want {
			t.Errorf("%s: %d %q", path, code, text)
		}
	}
}

func TestRefused(t *testing.T) {
	b, _ := bundletest.New(t)
	wide, _ := bundletest.Wide(t, 2)
	one, two := front(t, b), front(t, b, wide)
	for _, c := range []struct {
		h          http.Handler
		path, body string
		code       int
		want       string
	}{
		{one, "/v1/models/glioma:predict", `{"instances": [{"aeg": 61}]}`, 400, `row 0/aeg: the model reads no such feature`},
		{one, "/v1/models/glioma:predict", `{"instances": [{"age": 61, "clinical.age": 62}]}`, 400, "the feature is there twice"},
		{one, "/v1/models/glioma:predict", `{"instances": [[1, 2]]}`, 400, "row 0: 2 values for 5 columns"},
		{one, "/v1/models/glioma:predict", `{"instances": [3]}`, 400, "row 0: is neither"},
		{one, "/v1/models/glioma:predict", `{"instances": []}`, 400, "there is no row"},
		{one, "/v1/models/glioma:predict", `{"instances": [{},{},{},{},{}]}`, 400, "more than 4 rows"},
		{one, "/v1/models/glioma:predict", `{"instance": []}`, 400, "want an object with instances"},
		{one, "/v1/models/glioma:predict", `[`, 400, "not the JSON object"},
		{one, "/v1/models/glioma:train", `{}`, 404, "want :predict or :explain"},
		{one, "/v1/models/none:predict", `{"instances": [[1]]}`, 404, "not served here"},
		{one, "/invocations", `{"inputs": {"age": [1, 2], "sex": ["M"]}}`, 400, "a column has 1 values and the first 2"},
		{one, "/invocations", `{"inputs": {"age": [[1, 2]]}}`, 400, "more than one value a row"},
		{one, "/invocations", `{"dataframe_split": {"columns": ["age"], "data": [[1, 2]]}}`, 400, "row 0: 2 values for 1 columns"},
		{one, "/invocations", `{"dataframe_split": {"columns": ["age"], "rows": []}}`, 400, "dataframe_split has columns"},
		{one, "/invocations", `{"inputs": [[1]], "instances": [[1]]}`, 400, "exactly one of"},
		{one, "/invocations", `{"dataframe_records": [{"age": 1}], "params": {"top": 3}}`, 400, "params has outcomes"},
		{one, "/invocations", `{"dataframe_records": [{"age": "old"}]}`, 400, "want a number or null"},
		{two, "/invocations", `{"dataframe_records": [{"age": 1}]}`, 400, "no default_model"},
	} {
		code, text := ask(c.h, "POST", c.path, c.body)
		var e map[string]string
		if err := json.Unmarshal([]byte(text), &e); err != nil || code != c.code || !strings.Contains(e["error"]+e["message"], c.want) || (e["error_code"] == "") != (c.path != "/invocations") {
			t.Errorf("%s %s\ngot %d %s\nwant %d %s", c.path, c.body, code, text, c.code, c.want)
		}
	}
}

func FuzzInvocations(f *testing.F) {
	b, _ := bundletest.New(f)
	h := front(f, b)
	f.Add(`{"inputs": {"age": [61, 50], "sex": [["M"], ["F"]]}, "params": {"explain": true}}`)
	f.Add(`{"dataframe_split": {"columns": ["age"], "data": [[1]]}}`)
	f.Fuzz(func(t *testing.T, body string) {
		if code, text := ask(h, "POST", "/invocations", body); code >= 500 {
			t.Errorf("%q: %d %s", body, code, text)
		}
	})
}
