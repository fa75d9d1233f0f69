package oip_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// All that is wrong in a request is told at once, each with its place, and nothing that may be an identifier is repeated.
func TestAllFaults(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	const body = `{"id": 7, "patient": "CANARY", "parameters": {"times": "1a,2CANARY"}, "outputs": [{"name": "CANARY"}, 3], "inputs": [
		{"name": "clinical.age", "shape": [2], "datatype": "INT8", "data": [61, 300]},
		{"name": "clinical.aeg", "shape": [2], "datatype": "FP64", "data": [1, 2]},
		{"name": "CANARY", "shape": [2], "datatype": "FP64", "data": [1, 2]},
		{"name": "t1.volume", "shape": [3], "datatype": "CANARY", "data": [1, 2]},
		{"name": "rna.EGFR", "shape": [3], "datatype": "FP64", "data": [1, 2, 3]},
		{"name": "rna.TP53", "shape": [2], "datatype": "BOOL", "data": ["CANARY", {"a": 1}]},
		{"name": "rna.EGFR", "shape": [2], "datatype": "BYTES", "data": ["CANARY", null]},
		{"name": "clinical.sex", "shape": "CANARY", "datatype": "BYTES", "data": ["M", "F"]},
		[], {"name": ["CANARY"]}]}`
	code, text := ask(h, "POST", "/v2/models/glioma/infer", body)
	var e struct{ Error string }
	if err := json.Unmarshal([]byte(text), &e); err != nil || code != 400 || strings.Contains(e.Error, "CANARY") {
		t.Fatalf("%d %s", code, text)
	}
	for _, want := range []string{"#/id: want a text, found a number", "#: unknown member; a request has", `#/parameters/times: time 2 is not a number with its unit`, "#/outputs/0/name: there is no such output; there are idh.label", "#/outputs/1: want an object, found a number",
		`#/inputs/0/data: input "clinical.age": element 1 is not of type INT8`, `#/inputs/1/name: the model has no input "clinical.aeg"; did you mean "clinical.age"?`,
		"#/inputs/2/name: the model has no input of this name", `#/inputs/3/data: input "t1.volume": 2 elements of data for shape [3]`, `#/inputs/3/datatype: input "t1.volume": that is not a datatype`,
		`#/inputs/4/shape: input "rna.EGFR": 3 rows, where inputs/1 has 2`, "#/inputs/5/data: element 1 is an object", `#/inputs/6/name: input "rna.EGFR" is there twice`,
		"#/inputs/7/shape: want a list, found a text", "#/inputs/8: want an object, found a list", "#/inputs/9/name: want a text, found a list"} {
		if !strings.Contains(e.Error, want) {
			t.Errorf("%s\nlacks %s", e.Error, want)
		}
	}
	// As many as twenty are listed and the others counted.
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprintf(`{"name": "x%d.CANARY", "shape": [1], "datatype": "FP64", "data": [1]}`, i)
	}
	if code, text = ask(h, "POST", "/v2/models/glioma/explain", `{"inputs": [`+strings.Join(many, ",")+`]}`); code != 400 || strings.Count(text, "#/inputs/") != 20 || !strings.Contains(text, "and 10 more") || strings.Contains(text, "CANARY") {
		t.Errorf("%d %s", code, text)
	}
	// What is not JSON has one fault: where it breaks off.
	if code, text = ask(h, "POST", "/v2/models/glioma/infer", `{"id": 7, "inputs": [{"shape": [1,]}]}`); code != 400 || !strings.Contains(text, "line 1, column 35: a comma before") {
		t.Errorf("%d %s", code, text)
	}
}
