package scoring_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// MLflow takes "text/csv": a "valid CSV-formatted Pandas DataFrame produced using the pandas.DataFrame.to_csv() method", in UTF-8 and with no other parameter
// of the media type than charset (mlflow/pyfunc/scoring_server). The same rows give the same answer as in JSON.
func TestCSV(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	post := func(media, body string) (int, string) {
		r := httptest.NewRequest("POST", "/invocations", strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	_, want := post("application/json", `{"dataframe_split": {"columns": ["clinical.age", "sex", "volume", "EGFR"], "data": [[61, "M", 900.5, null], [50, "F", 1000, -0.5]]}}`)
	for _, c := range [][2]string{
		{"text/csv", "clinical.age,sex,volume,EGFR\n61,M,900.5,\n50,F,1000,-0.5\n"},
		{"text/csv; charset=utf-8", "\ufeffclinical.age,sex,volume,EGFR\r\n61.0,M,9.005e2,NaN\r\n 50 ,F,1000.0,-.5"},
		{"Text/CSV;charset=UTF-8", ",clinical.age,sex,volume,EGFR\n0,61,\"M\",900.5,<NA>\n1,50,F,1e3,-0.5\n"}, // with the index that to_csv writes
		{"text/csv", "EGFR,volume,sex,clinical.age\nN/A,900.5,M,61\n-0.5,1000,F,50\n"},
	} {
		if code, text := post(c[0], c[1]); code != 200 || text != want {
			t.Errorf("%q: %d %s\nwant %s", c[1], code, text, want)
		}
	}
	for _, c := range []struct {
		media, body string
		code        int
		want        string
	}{
		{"text/csv", "", 400, "the table is empty"},
		{"text/csv", "age\n", 400, "there is no row"},
		{"text/csv", "age,sex\n61\n", 400, "wrong number of fields"},
		{"text/csv", "age,sex\n61,\"M\n", 400, "not CSV"},
		{"text/csv", "age,sex\n61,M\nold,F\n", 400, `row 1, column \"age\" (line 3, character 1): want a number`},
		{"text/csv", "age\ninf\n", 400, "want a number"},
		{"text/csv", "aeg\n61\n", 400, "the model reads no such feature"},
		{"text/csv", "age,clinical.age\n61,61\n", 400, "the feature is there twice"},
		{"text/csv", "age\n1\n2\n3\n4\n5\n", 400, "more than 4 rows"},
		{"text/csv", "age\n" + strings.Repeat("1\n", 40_000), 413, "more than 65536 bytes"},
		{"text/csv; charset=latin-1", "age\n61\n", 415, "in UTF-8"},
		{"text/plain", "age\n61\n", 415, "application/json"},
		{"application/json", `{"inputs": [[NaN, "M", 1, 2, 3]]}`, 400, "what is not known is null: JSON has no NaN"},
	} {
		code, text := post(c.media, c.body)
		var e struct {
			Code    string `json:"error_code"`
			Message string
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil || code != c.code || e.Code != "BAD_REQUEST" || !strings.Contains(text, c.want) {
			t.Errorf("%.40q: %d %s\nwant %d %s", c.body, code, text, c.code, c.want)
		}
	}
}

// Explain of KServe's version 1 answers `{"predictions": [], "explanations": []}` (kserve/website, data_plane/v1_protocol.md); the predictions are those of predict.
func TestExplainHasPredictions(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	const body = `{"instances": [{"age": 61, "sex": "M"}, {"age": 50}]}`
	var predicted, explained struct{ Predictions, Explanations []json.RawMessage }
	for verb, v := range map[string]any{"predict": &predicted, "explain": &explained} {
		if code, text := ask(h, "POST", "/v1/models/glioma:"+verb, body); code != 200 || json.Unmarshal([]byte(text), v) != nil {
			t.Fatalf("%d %s", code, text)
		}
	}
	if len(explained.Explanations) != 2 || len(explained.Predictions) != 2 || predicted.Explanations != nil {
		t.Fatalf("%d and %d", len(explained.Predictions), len(explained.Explanations))
	}
	for i := range predicted.Predictions {
		if string(predicted.Predictions[i]) != string(explained.Predictions[i]) {
			t.Errorf("%s\n%s", predicted.Predictions[i], explained.Predictions[i])
		}
	}
}

func FuzzCSV(f *testing.F) {
	b, _ := bundletest.New(f)
	h := front(f, b)
	f.Add("age,sex\n61,M\n")
	f.Add("\ufeff,age\r\n0,\"6\"\"1\"\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/invocations", strings.NewReader(body))
		r.Header.Set("Content-Type", "text/csv")
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}
