package tree

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

// Forests dumped by scikit-learn predict as they did there, and rank columns the same.
func TestDumpedForestsOracle(t *testing.T) {
	for _, name := range []string{"breast_cancer", "diabetes"} {
		var want struct {
			Trees       []sklearnTree
			Importances []float64 `json:"feature_importances"`
			Predict     json.RawMessage
		}
		readJSON(t, oracle.Data(t, "trees", "expected", "sklearn_forest_"+name+".json.gz"), &want)
		x, _ := readCSV(t, oracle.Data(t, "trees", "inputs", name+".csv"))
		check := oracle.Relative(t, "dumped forests: predictions, importances", name, sklearn, 1e-12)
		check.AbsoluteBelow, check.AbsoluteTolerance = 1e-3, 1e-12
		var trees []*nodes
		for _, s := range want.Trees {
			trees = append(trees, s.nodes(t))
		}
		e := assemble(shape{len(x.Columns), Identity, []float64{0}, nil}, trees, 1/float64(len(trees)))
		e.Float32 = true
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		for j, v := range e.ImpurityImportances() {
			check.Near(fmt.Sprintf("importance of column %d", j), v, want.Importances[j])
		}
		out := make([]float64, x.Rows)
		newRunner(e).score(x, out)
		var shares [][]float64
		var means []float64
		if json.Unmarshal(want.Predict, &shares) == nil {
			for _, s := range shares {
				means = append(means, s[len(s)-1])
			}
		} else if err := json.Unmarshal(want.Predict, &means); err != nil {
			t.Fatal(err)
		}
		for i, v := range means {
			check.Near(fmt.Sprintf("row %d", 5*i), out[5*i], v)
		}
	}
}
