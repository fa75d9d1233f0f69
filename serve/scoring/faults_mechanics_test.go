package scoring_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// All that is wrong in the rows, the columns and the parameters is told at once, each with its place; no value that was sent is repeated.
func TestAllFaults(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	post := func(path, media, body string) (int, string) {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	const js = "application/json"
	for _, c := range []struct {
		path, media, body string
		count             int
		want              []string
	}{
		{"/v1/models/glioma:predict", js, `{"instances": [{"age": "CANARY", "volume": true}, 3, [1, 2], {"sex": "M", "rna.EGFr": 1}]}`, 5,
			[]string{"row 0/clinical.age: want a number or null, found a text", "row 0/t1.volume: want a number", "row 1: is neither", "row 2: 2 values for 5 columns", `row 3/rna.EGFr: the model reads no such feature; did you mean \"rna.EGFR\"`}},
		{"/invocations", js, `{"dataframe_split": {"columns": ["clinical.aeg", "CANARY", "volume", "t1.volume", "sex"], "data": [[1, 2, 3, 4, "M"], [1, 2], [1, 2, "CANARY", 4, 5]]}}`, 5,
			[]string{`dataframe_split/columns/0: \"clinical.aeg\": the model reads no such feature; did you mean`, "dataframe_split/columns/1: the model reads no such feature;", "dataframe_split/columns/3: t1.volume: the feature is there twice",
				"row 1: 2 values for 5 columns", "row 2/t1.volume: want a number"}},
		{"/invocations", js, `{"inputs": {"age": [61, "CANARY"], "sex": ["M"], "CANARY": [1, 2]}}`, 3,
			[]string{"column 1 by name: the model reads no such feature", "column sex: a column has 1 values and the first 2", "row 1/clinical.age: want a number"}},
		{"/invocations", js, `{"dataframe_records": [{"age": "CANARY"}, 1], "params": {"top": 3, "outcomes": ["grade", 7], "times": [{"value": 1, "unit": "a"}, {"value": -1, "unit": "d"}], "explain": {"top": 0.5}}}`, 7,
			[]string{"row 0/clinical.age: want a number", "row 1: is not an object", "params: params has outcomes, times and explain, and nothing else", "outcomes/1: want a text", "outcomes/0: glioma does not predict", "times/1/value: -1 is not a time", "explain/top: want a whole number"}},
		{"/invocations", "text/csv", "age,sex,CANARY,volume\n61,M,1,CANARY\n50,F\nCANARY,M,1,x\n", 5,
			[]string{"column 3: the model reads no such feature", `row 0, column \"volume\" (line 2, character 8): want a number`, "row 1 (line 3): wrong number of fields: 2 for 4 columns", `row 2, column \"age\" (line 4, character 1)`, `row 2, column \"volume\"`}},
		{"/invocations", "text/csv", "age,sex\nold,M\n61,\"M\n", 2, []string{`row 0, column \"age\"`, "row 1: the body is not CSV from here on"}},
	} {
		code, text := post(c.path, c.media, c.body)
		if code != 400 || !strings.Contains(text, fmt.Sprintf("%d faults in the body", c.count)) || strings.Contains(text, "CANARY") {
			t.Errorf("%s\n%d %s", c.body, code, text)
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s\nlacks %s", text, want)
			}
		}
	}
	// Twenty are listed and the rest counted; a column that is not known is told once, however many rows have it.
	many := strings.TrimSuffix(strings.Repeat(`{"age": "x", "sex": 1, "volume": "x", "EGFR": "x", "TP53": "x", "EGFr": 1, "zzzzzzz": 2, "yyyyyyy": 3},`, 4), ",")
	if code, text := post("/invocations", js, `{"dataframe_records": [`+many+`]}`); code != 400 || !strings.Contains(text, "28 faults in the body, of which the first 20 are listed") || !strings.Contains(text, "and 8 more") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := post("/invocations", "text/csv", "age,zzzzzzz\n1,2\n1,2\n1,2\n"); code != 400 || strings.Count(text, "no such feature") != 1 {
		t.Errorf("%d %s", code, text)
	}
}
