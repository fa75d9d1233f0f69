package oip_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/oip"
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
	f := oip.Front{Registry: r, Limits: api.Limits{Body: 1 << 20, Patients: 10}, Log: slog.New(slog.DiscardHandler), Version: "1", Ready: func() bool { return true }}
	f.Register(mux)
	return mux
}

func ask(h http.Handler, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

// Two patients: one without a gene, one without a sex.
const two = `{"id": "7", "parameters": {"times": "1a,90a"}, "inputs": [
	{"name": "clinical.age", "shape": [2], "datatype": "FP64", "data": [61, 50]},
	{"name": "clinical.sex", "shape": [2, 1], "datatype": "BYTES", "data": [["M"], [null]]},
	{"name": "t1.volume", "shape": [2, 1], "datatype": "INT32", "parameters": {"content_type": "np"}, "data": [900, 1000]},
	{"name": "rna.EGFR", "shape": [2], "datatype": "FP32", "data": [0.5, -0.5]},
	{"name": "TP53", "shape": [2], "datatype": "FP64", "data": [null, 1]}]}`

type response struct {
	ModelName    string `json:"model_name"`
	ModelVersion string `json:"model_version"`
	ID           string
	Outputs      []struct {
		Name, Datatype string
		Shape          []int
		Data           []any
	}
}

// infer answers what the bundle predicts, in tensors whose shapes hold their data and are those of the metadata.
func TestInfer(t *testing.T) {
	b, x := bundletest.New(t)
	h := front(t, b)
	rows := x.Select([]int{0, 1})
	for j, c := range [][]float64{{61, 50}, {1, math.NaN()}, {900, 1000}, {0.5, -0.5}, {math.NaN(), 1}} {
		copy(rows.Column(j), c)
	}
	want, err := b.Predict(context.Background(), rows, bundle.Request{Times: []bundle.Time{{Value: 1, Unit: "a"}, {Value: 90, Unit: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	code, text := ask(h, "POST", "/v2/models/glioma/infer", two)
	var got response
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	if got.ID != "7" || got.ModelName != "glioma" || got.ModelVersion != b.Version() {
		t.Errorf("got %s", text)
	}
	_, text = ask(h, "GET", "/v2/models/glioma", "")
	var meta struct {
		Inputs, Outputs []struct {
			Name, Datatype string
			Shape          []int
		}
		Versions []string
	}
	if err := json.Unmarshal([]byte(text), &meta); err != nil || len(meta.Inputs) != 5 || meta.Inputs[1].Datatype != "BYTES" || len(meta.Versions) != 1 {
		t.Errorf("metadata %s", text)
	}
	if len(meta.Outputs) != len(got.Outputs) {
		t.Fatalf("%d outputs of %d described", len(got.Outputs), len(meta.Outputs))
	}
	values := map[string][]any{}
	for i, o := range got.Outputs {
		count := 1
		for _, n := range o.Shape {
			count *= n
		}
		m := meta.Outputs[i]
		if count != len(o.Data) || m.Name != o.Name || m.Datatype != o.Datatype || len(m.Shape) != len(o.Shape) {
			t.Errorf("%s: shape %v for %d elements, described as %v", o.Name, o.Shape, len(o.Data), m)
		}
		values[o.Name] = o.Data
	}
	for i, p := range want {
		idh, os := p.Outcomes[0], p.Outcomes[1]
		if values["idh.label"][i] != idh.Label || values["idh.probabilities"][2*i+1] != idh.Probabilities[1] || values["os.risk"][i] != os.Risk ||
			values["os.survival"][2*i] != os.Survival[0] || values["os.survival"][2*i+1] != nil {
			t.Errorf("patient %d: %v, want %+v", i, values, p)
		}
	}
	if w := fmt.Sprint(values["warnings"][1]); !strings.Contains(w, `"code":"missing"`) || !strings.Contains(w, "clinical.sex") {
		t.Errorf("warnings %s", w)
	}
	// Only what is asked for is answered, in that order.
	code, text = ask(h, "POST", "/v2/models/glioma/versions/"+b.Version()+"/infer", strings.Replace(two, `"inputs"`, `"outputs": [{"name": "os.risk"}, {"name": "idh.label"}], "inputs"`, 1))
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 || len(got.Outputs) != 2 || got.Outputs[0].Name != "os.risk" {
		t.Errorf("%d %s", code, text)
	}
}

// A matrix of all features gives what the tensors give.
func TestMatrix(t *testing.T) {
	b, x := bundletest.Wide(t, 3)
	h := front(t, b)
	_, one := ask(h, "POST", "/v2/models/wide/infer", fmt.Sprintf(`{"inputs": [{"name": "features", "shape": [1, 3], "datatype": "FP64", "data": [[%v, %v, null]]}]}`, x.Column(0)[0], x.Column(1)[0]))
	_, two := ask(h, "POST", "/v2/models/wide/infer", fmt.Sprintf(`{"inputs": [{"name": "f.feature1", "shape": [1], "datatype": "FP64", "data": [%v]}, {"name": "f.feature0", "shape": [1], "datatype": "FP64", "data": [%v]}]}`, x.Column(1)[0], x.Column(0)[0]))
	if one != two || !strings.Contains(one, `"y.label"`) {
		t.Errorf("%s\n%s", one, two)
	}
}

// Contributions, base and the rest sum to the output that is explained.
func TestExplain(t *testing.T) {
	b, _ := bundletest.New(t)
	code, text := ask(front(t, b), "POST", "/v2/models/glioma/explain", two)
	var got response
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	v := map[string][]any{}
	for _, o := range got.Outputs {
		v[o.Name] = o.Data
	}
	for _, name := range []string{"idh", "os"} {
		for i := range 2 {
			sum := v[name+".base_value"][i].(float64) + v[name+".other"][i].(float64)
			for _, c := range v[name+".shap_values"][i*5 : i*5+5] {
				sum += c.(float64)
			}
			if math.Abs(sum-v[name+".output"][i].(float64)) > 1e-9 {
				t.Errorf("%s, patient %d: %v, want %v", name, i, sum, v[name+".output"][i])
			}
		}
	}
}

// A patient for whom the bundle abstains has no numbers, and those beside them have theirs.
func TestAbstain(t *testing.T) {
	b, _ := bundletest.New(t)
	b.Abstain = &bundle.Abstain{Missing: 0.3}
	h := front(t, b)
	body := strings.Replace(two, `[900, 1000]`, `[900, null]`, 1)
	for _, path := range []string{"infer", "explain"} {
		code, text := ask(h, "POST", "/v2/models/glioma/"+path, body)
		var got response
		if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		for _, o := range got.Outputs {
			if o.Datatype != "FP64" || strings.HasSuffix(o.Name, ".median") {
				continue
			}
			half := len(o.Data) / 2
			if o.Data[0] == nil || o.Data[half] != nil {
				t.Errorf("%s: %v", o.Name, o.Data)
			}
		}
	}
}

func TestServer(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	for path, want := range map[string]string{
		"/v2":                     `{"extensions":["explain"],"name":"voxgene","version":"1"}`,
		"/v2/health/live":         `{"live":true}`,
		"/v2/health/ready":        `{"live":true,"ready":true}`,
		"/v2/models/glioma/ready": `{"name":"glioma","ready":true}`,
	} {
		if code, text := ask(h, "GET", path, ""); code != 200 || text != want {
			t.Errorf("%s: %d %s, want %s", path, code, text, want)
		}
	}
}

func TestInferBadInput(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	input := func(name, shape, datatype, data string) string {
		return fmt.Sprintf(`{"inputs": [{"name": %q, "shape": %s, "datatype": %q, "data": %s}]}`, name, shape, datatype, data)
	}
	for _, c := range []struct{ body, want string }{
		{input("clinical.aeg", "[1]", "FP64", "[1]"), `#/inputs/0/name: the model has no input "clinical.aeg"; did you mean "clinical.age"?`},
		{input("clinical.age", "[2]", "FP64", "[1]"), `#/inputs/0/data: input "clinical.age": 1 elements of data for shape [2]`},
		{input("clinical.age", "[1]", "FP65", "[1]"), `#/inputs/0/datatype: input "clinical.age": "FP65" is not a datatype; want FP64, FP32, FP16, INT8 to INT64, UINT8 to UINT64, BOOL or BYTES`},
		{input("clinical.age", "[1]", "BYTES", `["x"]`), `#/inputs/0/datatype: input "clinical.age" is of type BYTES; want FP64`},
		{input("clinical.age", "[1]", "FP64", `["x"]`), `#/inputs/0/data: input "clinical.age": a text in data of type FP64`},
		{input("clinical.age", "[1, 2]", "FP64", "[1, 2]"), `#/inputs/0/shape: input "clinical.age": shape [1 2]; want [n] or [n, 1]`},
		{input("clinical.age", "[11]", "FP64", "[1,1,1,1,1,1,1,1,1,1,1]"), `#/inputs/0/shape: input "clinical.age": 11 rows; a request has 1 to 10`},
		{input("clinical.age", "[]", "FP64", "[]"), `#/inputs/0/shape: input "clinical.age": want a shape of one or two numbers`},
		{input("clinical.age", "[-1]", "FP64", "[]"), `#/inputs/0/shape: input "clinical.age": shape [-1]; want whole numbers, the first one the rows`},
		{`{"inputs": []}`, "#/inputs: inputs is missing or empty; send a tensor an input"},
		{`{"input": []}`, `#: unknown member "input"; a request has id, parameters, inputs and outputs; #/inputs: inputs is missing or empty; send a tensor an input`},
		{`{"inputs": [`, "the body is not the JSON that is wanted: line 1, column 13: want an object, found the end"},
		{strings.Replace(two, "1a,90a", "1y", 1), `#/parameters/times: time 1 is not a number with its unit (d, wk, mo or a), such as 12mo`},
		{strings.Replace(two, `"inputs"`, `"outputs": [{"name": "os.rsik"}], "inputs"`, 1), `#/outputs/0/name: there is no such output; there are idh.label, idh.probabilities, os.risk, os.risk_group, os.median, os.survival, warnings`},
	} {
		code, text := ask(h, "POST", "/v2/models/glioma/infer", c.body)
		var e struct{ Error string }
		if err := json.Unmarshal([]byte(text), &e); err != nil || code != 400 || e.Error != c.want {
			t.Errorf("%s\ngot  %d %s\nwant %s", c.body, code, text, c.want)
		}
	}
	if code, text := ask(h, "POST", "/v2/models/none/infer", two); code != 404 || !strings.Contains(text, `"error"`) {
		t.Errorf("%d %s", code, text)
	}
}

// Ten thousand bodies with bytes changed: no answer is a fault of ours.
func TestMutatedBodies(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	r := rand.New(rand.NewPCG(3, 4))
	codes := map[int]int{}
	for range 10_000 {
		body := []byte(two)
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
		code, text := ask(h, "POST", "/v2/models/glioma/explain", string(body))
		if codes[code]++; code >= 500 {
			t.Fatalf("%q: %d %s", body, code, text)
		}
	}
	if codes[200] < 50 || codes[400] < 100 {
		t.Errorf("the changes test too little: %v", codes)
	}
}

func FuzzInfer(f *testing.F) {
	b, _ := bundletest.New(f)
	h := front(f, b)
	f.Add(two)
	f.Fuzz(func(t *testing.T, body string) {
		if code, text := ask(h, "POST", "/v2/models/glioma/infer", body); code >= 500 {
			t.Errorf("%q: %d %s", body, code, text)
		}
	})
}

// Every datatype of the protocol is taken for a number, nested or flat, and what it cannot hold is refused; the id comes back, and only then.
func TestDatatypes(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	ask := func(datatype, shape, data string) (int, string) {
		return ask(h, "POST", "/v2/models/glioma/infer", fmt.Sprintf(`{"inputs": [{"name": "clinical.age", "shape": %s, "datatype": %q, "data": %s}], "outputs": [{"name": "os.risk"}]}`, shape, datatype, data))
	}
	_, want := ask("FP64", "[2]", "[61, 1]")
	for datatype, beyond := range map[string][]string{
		"UINT8": {"256", "-1", "0.5"}, "UINT16": {"65536", "-1"}, "UINT32": {"4294967296", "-1"}, "UINT64": {"1e20", "-1", "0.25"},
		"INT8": {"128", "-129", "1.5"}, "INT16": {"32768"}, "INT32": {"-2147483649"}, "INT64": {"1e19"}, "FP16": {"65505"}, "FP32": {"1e39"}, "FP64": nil,
	} {
		for shape, data := range map[string]string{"[2]": "[61, 1]", "[2, 1]": "[[61], [1]]"} {
			if code, text := ask(datatype, shape, data); code != 200 || text != want {
				t.Errorf("%s %s: %d %s", datatype, shape, code, text)
			}
		}
		for _, v := range beyond {
			if code, text := ask(datatype, "[2]", "[1, "+v+"]"); code != 400 || !strings.Contains(text, "element 1 is not of type "+datatype) {
				t.Errorf("%s %s: %d %s", datatype, v, code, text)
			}
		}
	}
	_, ones := ask("FP64", "[2]", "[1, 0]")
	if code, text := ask("BOOL", "[2]", "[true, false]"); code != 200 || text != ones {
		t.Errorf("BOOL: %d %s, want %s", code, text, ones)
	}
	for _, data := range []string{"[true, 2]", `["yes", false]`} {
		if code, _ := ask("BOOL", "[2]", data); code != 400 {
			t.Errorf("BOOL %s: %d", data, code)
		}
	}
	if strings.Contains(want, `"id"`) {
		t.Errorf("an id that nobody sent: %s", want)
	}
}
