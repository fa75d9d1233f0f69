package pipeline_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// The example in the docstring of scikit-learn 1.2.1's PowerTransformer, whose output is standardised and printed to three
// decimals.
func TestYeoJohnsonOracle(t *testing.T) {
	x := numeric([]float64{1, 2}, []float64{3, 2}, []float64{4, 5})
	specs := []pipeline.Spec{{Step: "transform", Options: models.Defaults(pipelineParams("transform"))}, {Step: "scale", Options: models.Defaults(pipelineParams("scale"))}}
	c, err := pipeline.New(specs)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Fit(context.Background(), models.Training{X: x, Y: clinical.Outcome{Kind: clinical.Class, Classes: []string{"a", "b"}, Class: []int{0, 1, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	check := oracle.Absolute(t, "Yeo–Johnson transform", "docstring", "scikit-learn 1.2.1 PowerTransformer", 1e-3)
	for j, column := range [][]float64{{-1.316, 0.209, 1.106}, {-0.707, -0.707, 1.414}} {
		for i, want := range column {
			check.Near(got.Columns[j].Name, got.Column(j)[i], want)
		}
	}
}

// The score of a column of two groups is the log-rank test, ties included: survdiff of R's survival 3.5-3.
func TestLogRankOracle(t *testing.T) {
	var want struct {
		Tests []struct {
			Rho   float64
			Chisq float64
		}
	}
	b, err := os.ReadFile(oracle.Data(t, "survival", "expected", "logrank_lung_sex.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(oracle.Data(t, "survival", "inputs", "lung.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	o := clinical.Outcome{Name: "os", Kind: clinical.Survival}
	var sex []float64
	at := map[string]int{}
	for j, name := range records[0] {
		at[name] = j
	}
	for _, r := range records[1:] {
		number := func(name string) float64 {
			v, err := strconv.ParseFloat(r[at[name]], 64)
			if err != nil {
				return math.NaN()
			}
			return v
		}
		o.Time, o.Event = append(o.Time, number("time")), append(o.Event, int(number("status")))
		sex = append(sex, number("sex"))
	}
	check := oracle.Relative(t, "log-rank score of a column", "lung, sex", "R survival 3.5-3 survdiff", 1e-10)
	check.Near("chisq", pipeline.LogRankScore(o, sex), want.Tests[0].Chisq)
}
