package tree

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/voxgene/voxgene/models"
)

// A forest that was saved when S(t) was exp(−H(t)) predicts what it predicted, and is saved again as it was. The file was written then, by
// a fit on followed(60, 9).
func TestSurvivalForestFirstEncoding(t *testing.T) {
	b, err := os.ReadFile("testdata/survival_forest_v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Parts    map[string][]byte
		Times    []float64
		Risk     []float64
		Survival []float64
		Median   []float64
		Leaves   []float64 `json:"leaves at 10"`
	}
	if err := json.Unmarshal(b, &kept); err != nil {
		t.Fatal(err)
	}
	m, err := models.Decode("survival_forest", kept.Parts)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Predict(followed(60, 9).X.Select([]int{0, 7, 21, 33, 59}), kept.Times)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string][2][]float64{"risk": {p.Risk, kept.Risk}, "survival": {p.Survival, kept.Survival}, "median": {p.Median, kept.Median},
		"hazard of nodes at 10": {m.(*SurvivalTrees).HazardAt(10).Values[:8], kept.Leaves}} {
		for i, want := range values[1] {
			if got := values[0][i]; math.Abs(got-want) > 1e-15*math.Abs(want) { // another architecture may round exp otherwise
				t.Errorf("%s %d: %v, was %v", name, i, got, want)
			}
		}
	}
	if _, ok := m.(*SurvivalTrees).SurvivalAt(10); ok || p.Hazard != nil {
		t.Error("a forest of the first encoding has no survival that is a sum over trees, and its hazard is −ln S")
	}
	again, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range kept.Parts {
		if string(again[name]) != string(part) {
			t.Errorf("%s is saved otherwise", name)
		}
	}
}
