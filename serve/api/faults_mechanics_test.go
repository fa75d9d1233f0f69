package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/problem"
)

// The faults of patients and of what is asked about them are told at once, and as many as there are beyond those listed.
func TestAllFaults(t *testing.T) {
	b, _ := bundletest.New(t)
	h, _, _ := served(t, b)
	refused := func(body string) (p problem.Problem, places []string) {
		t.Helper()
		w := ask(h, "POST", "/v1/models/glioma/predict", body)
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 422 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, one := range p.Errors {
			places = append(places, one.Pointer)
		}
		return p, places
	}
	_, got := refused(`{"patients": [{"features": {"age": "x", "volme": 2}}, 7], "outcomes": ["grade", 7, "os", "os"], "times": [{"value": -1, "unit": "y"}, 3, {"value": 2, "unit": "min"}],
		"explain": {"top": 0, "group_by": "lobe", "method": "magic", "at": [{"value": 1}, {"value": 1, "unit": "s"}]}}`)
	want := []string{"#/patients/0/features/clinical.age", "#/patients/0/features/volme", "#/patients/1", "#/outcomes/1", "#/times/1", "#/explain/top", "#/explain/at/0",
		"#/outcomes/0", "#/outcomes/3", "#/times/0/unit", "#/times/0/value", "#/times/2/unit", "#/explain/group_by", "#/explain/method", "#/explain/at/1/unit"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	// Without a fault in the patients, those of what is asked are told together as well.
	_, got = refused(strings.Replace(sound, `]}`, `], "outcomes": ["grade", "os"], "times": [{"value": 1, "unit": "y"}, {"value": -1, "unit": "a"}], "explain": {"group_by": "lobe"}}`, 1))
	if want := []string{"#/outcomes/0", "#/times/0/unit", "#/times/1/value", "#/explain/group_by"}; !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	// Each outcome says what cannot be explained of it.
	_, got = refused(strings.Replace(sound, `]}`, `], "explain": {"at": [{"value": 90, "unit": "a"}, {"value": 91, "unit": "a"}], "method": "tree_path_dependent"}}`, 1))
	if want := []string{"#/explain", "#/explain/at/0", "#/explain/at/1"}; !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprintf(`"f%d": 1`, i)
	}
	p, got := refused(`{"patients": [{"features": {` + strings.Join(many, ",") + `}}]}`)
	if len(got) != problem.MaxFaults || p.More < 10 || !strings.Contains(p.Detail, "of which the first 20 are listed") {
		t.Errorf("%d of %d more: %s", len(got), p.More, p.Detail)
	}
}
