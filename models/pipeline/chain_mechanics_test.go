package pipeline_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Scale touches continuous columns only, encode is appended where nobody asked for it, and scopes are by source, group, kind and glob.
func TestScope(t *testing.T) {
	train := mixed(60, 5)
	for on, want := range map[string][]string{
		"":           {"clinical.age", "t1.volume", "rna.EGFR", "rna.TP53"},
		"imaging":    {"t1.volume"},
		"rna":        {"rna.EGFR", "rna.TP53"},
		"numeric":    {"clinical.age", "t1.volume", "rna.EGFR", "rna.TP53"},
		"rna.E*":     {"rna.EGFR"},
		"*.?P53":     {"rna.TP53"},
		"age":        {"clinical.age"},
		"clinical.*": {"clinical.age"},
	} {
		specs := []pipeline.Spec{{Step: "scale", Options: models.Defaults(pipelineParams("scale"))}}
		if on != "" {
			specs[0].On = []string{on}
		}
		c, err := pipeline.New(specs)
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.Fit(context.Background(), train)
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.Apply(train.X)
		if err != nil {
			t.Fatal(err)
		}
		var scaled []string
		for j, c := range out.Columns {
			if c.Kind == table.Categorical {
				t.Errorf("%s is still categorical", c.Name)
			}
			sum, n := 0.0, 0.0
			for _, v := range out.Column(j) {
				if !math.IsNaN(v) {
					sum, n = sum+v, n+1
				}
			}
			if c.Kind == table.Numeric && math.Abs(sum/n) < 1e-9 {
				scaled = append(scaled, c.Name)
			}
		}
		if strings.Join(scaled, " ") != strings.Join(want, " ") {
			t.Errorf("on %q: scaled %v, want %v", on, scaled, want)
		}
	}
}

func TestScopeBadInput(t *testing.T) {
	train := mixed(20, 6)
	train.X.Columns[6].Name, train.X.Columns[6].Source = "t2.volume", "t2"
	for on, want := range map[string]string{
		"imagin": `step scale: on: "imagin" names no source, group, kind or column; did you mean "imaging"?`,
		"sex":    `step scale: on: "sex" names categorical columns only, and the step acts on [numeric]`,
		"volume": `step scale: on: "volume" is in the sources t1 and t2; write "t1.volume" or "t2.volume"`,
	} {
		c, _ := pipeline.New([]pipeline.Spec{{Step: "scale", On: []string{on}, Options: models.Defaults(pipelineParams("scale"))}})
		if _, err := c.Fit(context.Background(), train); err == nil || err.Error() != want {
			t.Errorf("%s: got %v\nwant %s", on, err, want)
		}
	}
	train.X.Column(2)[4] = math.Inf(1)
	if _, err := (pipeline.Chain{}).Fit(context.Background(), train); err == nil || !strings.Contains(err.Error(), "column t1.volume, row 5") {
		t.Errorf("an infinite value: %v", err)
	}
}

// A level that training rows lack has zeros everywhere; a missing one is the most frequent, or a level of its own.
func TestUnseenLevels(t *testing.T) {
	site := table.Column{Name: "site", Kind: table.Categorical, Levels: []string{"A", "B", "C", "D"}}
	train := models.Training{X: models.Matrix{Columns: []table.Column{site}, Rows: 6, Values: []float64{0, 1, 1, 3, 3, nan}}}
	use := models.Matrix{Columns: train.X.Columns, Rows: 5, Values: []float64{0, 1, 2, nan, table.Unseen}}
	for method, want := range map[string][]float64{
		"most_frequent": {1, 0, 0, 0, 0 /* B */, 0, 1, 0, 1, 0 /* D */, 0, 0, 0, 0, 0},
		"level":         {1, 0, 0, 0, 0 /* B */, 0, 1, 0, 0, 0 /* D */, 0, 0, 0, 0, 0 /* missing */, 0, 0, 0, 1, 0},
	} {
		f, err := one(t, "impute", map[string]any{"categorical": method}).Fit(context.Background(), train)
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.Apply(use)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out.Values {
			if v != want[i] {
				t.Errorf("%s: got %v\nwant %v", method, out.Values, want)
				break
			}
		}
	}
}

// Columns that say nothing are dropped and named.
func TestDrop(t *testing.T) {
	train := models.Training{X: numeric(
		[]float64{1, nan, 7, 0}, []float64{2, nan, 7, 0}, []float64{3, 1, 7, 0}, []float64{4, nan, nan, 5}, []float64{5, 2, 7, 0}, []float64{6, nan, 7, 0})}
	f, err := one(t, "drop", map[string]any{"common_above": 0.8}).Fit(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	want := "drop: t.x1 is dropped: 66 % of its values are missing\ndrop: t.x2 is dropped: it is constant\ndrop: t.x3 is dropped: 83 % of its values are equal"
	if got := strings.Join(f.Notes(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(f.Columns()) != 1 || f.Columns()[0].Name != "t.x0" {
		t.Errorf("kept %v", f.Columns())
	}
}

func TestSpecBadInput(t *testing.T) {
	n, err := settings.Parse("e.yaml", []byte("pipeline:\n  - {step: imput}\n  - {step: scale, metod: robust}\n  - {step: scale, method: z}\n  - {on: rna}\n  - {step: drop, missing_above: 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Pipeline []pipeline.Spec `yaml:"pipeline"`
	}
	var p settings.Problems
	settings.Decode(n, &e, &p)
	want := `e.yaml:2:12: pipeline.0.step: there is no step "imput"; did you mean "impute"?
e.yaml:3:19: pipeline.1.metod: unknown key; did you mean "method"?
e.yaml:4:27: pipeline.2.method: method: "z" is not one of [zscore robust minmax rank]
e.yaml:5:5: pipeline.3: "step" is missing
e.yaml:6:33: pipeline.4.missing_above: missing_above: 2 is not between 0 and 1`
	if got := p.Err(); got == nil || got.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", got, want)
	}
}
