package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/voxgene/voxgene/train/config"
)

const good = `name: glioma
seed: 7
cohort: {patients: patients.csv, id: patient, site: centre}
sources:
  - {name: clinical, kind: table, path: patients.csv, group: clinical, columns: [age, sex]}
  - {name: t1, kind: table, path: radiomics.csv, group: imaging}
outcomes:
  - {name: idh, kind: class, column: idh_mutant, known_from: ["t1.idh"]}
  - {name: os, kind: survival, time: days, event: dead, origin: imaging, unit: d}
pipeline:
  - {step: impute, method: median}
  - {step: scale, on: imaging, method: robust}
models:
  - {name: lr, kind: net, search: {method: grid, alpha: [0, 0.25], rounds: [10, 20]}}
  - {kind: hazard, outcomes: [os]}
validation: {scheme: nested_cv, folds: 4, repeats: 3}
output: runs/glioma
`

func TestParse(t *testing.T) {
	e, err := config.Parse("glioma.yaml", []byte(good), "/data", []string{"models.1.alpha=0.75", "validation.repeats=9"})
	if err != nil {
		t.Fatal(err)
	}
	if e.Name != "glioma" || e.Seed != 7 || e.Config.Cohort.Site != "centre" || len(e.Sources) != 2 || len(e.Config.Outcomes) != 2 || len(e.Pipeline) != 2 {
		t.Errorf("%+v", e)
	}
	if e.Models[0].Name != "lr" || e.Models[1].Name != "hazard" || e.Models[1].Options["alpha"] != 0.75 || e.Models[0].Options["penalty"] != "ridge" {
		t.Errorf("%+v", e.Models)
	}
	var grid []string
	for _, p := range e.Models[0].Points(1) {
		grid = append(grid, fmt.Sprintf("%s: %v %v", p.Settings, p.Options["alpha"], p.Options["rounds"]))
	}
	if got, want := strings.Join(grid, "; "), "alpha=0 rounds=10: 0 10; alpha=0 rounds=20: 0 20; alpha=0.25 rounds=10: 0.25 10; alpha=0.25 rounds=20: 0.25 20"; got != want {
		t.Errorf("grid %s, want %s", got, want)
	}
	if e.Validation.Folds != 4 || e.Validation.Repeats != 9 || e.Validation.InnerFolds != 5 || e.Validation.Level != 0.95 {
		t.Errorf("%+v", e.Validation)
	}
	if len(e.ModelsFor("idh", "class")) != 1 || len(e.ModelsFor("os", "survival")) != 1 {
		t.Error("models for outcomes")
	}
}

// All problems of a file come in one answer, in its order, each with line and column, and the nearest known name.
func TestParseBadInput(t *testing.T) {
	text := `name: glioma
seeds: 7
cohort: {patients: patients.csv}
sources:
  - {name: clinical, kind: tabel, path: patients.csv}
outcomes:
  - {name: idh, kind: class, column: idh_mutant}
pipeline:
  - {step: scal}
  - {step: scale, methd: robust}
models:
  - {kind: nett}
  - {kind: net, alpha: 2, rounds: many, trees: 5}
  - {name: b, kind: net, penalty: ridge, alpha: 1}
  - {name: b, kind: net, search: {alpha: [0, 3], round: [1]}}
  - {kind: hazard}
  - {name: c, kind: net, outcomes: [idhh], calibrate: beta}
validation: {scheme: nested, folds: 5}
honest: {permutations: some, baselines: [volume, age]}
conformal: {level: 90}
`
	want := []string{
		`a.yaml:2:1: seeds: unknown key; did you mean "seed"?`,
		`a.yaml:5:28: sources.0.kind: no kind of source is named "tabel"; did you mean "table"?`,
		`a.yaml:9:12: pipeline.0.step: there is no step "scal"; did you mean "scale"?`,
		`a.yaml:10:19: pipeline.1.methd: unknown key; did you mean "method"?`,
		`a.yaml:12:12: models.0.kind: no kind of model "nett"; did you mean "net"?`,
		`a.yaml:13:24: models.1.alpha: alpha: 2 is not between 0 and 1`,
		`a.yaml:13:35: models.1.rounds: rounds: many is not a whole number`,
		`a.yaml:13:41: models.1.trees: unknown key; known here: alpha, penalty, rounds`,
		`a.yaml:14:5: models.2: alpha: 1 is the lasso, and penalty is ridge`,
		`a.yaml:15:12: models.3.name: two models are called "b"; give each a name of its own`,
		`a.yaml:15:46: models.3.search.alpha.1: alpha: 3 is not between 0 and 1`,
		`a.yaml:15:50: models.3.search.round: unknown key; did you mean "rounds"?`,
		`a.yaml:16:12: models.4.kind: a model of kind hazard fits outcomes of kind [survival], and there is none`,
		`a.yaml:17:36: models.5.outcomes: no outcome "idhh"; did you mean "idh"?`,
		`a.yaml:17:55: models.5.calibrate: there is no calibration "beta"; there are none and [platt isotonic temperature]`,
		`a.yaml:18:22: validation.scheme: no validation scheme "nested"; there are [nested_cv cv leave_one_site_out leave_one_out bootstrap holdout time_split folds_file]`,
		`a.yaml:19:24: honest.permutations: want auto, or a number from 0 (none) to 100000`,
		`a.yaml:19:41: honest.baselines: no baseline "age"; there are [volume clinical random]`,
		`a.yaml:20:20: conformal.level: want more than 0.5 and less than 1, such as 0.9`,
	}
	_, err := config.Parse("a.yaml", []byte(text), ".", nil)
	if err == nil {
		t.Fatal("no problem was found")
	}
	got := strings.Split(err.Error(), "\n")
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("problem %d:\ngot  %s\nwant %s", i, g, w)
		}
	}
}

// What a scheme does not use, or cannot do, is refused; nothing is read and forgotten.
func TestValidationBadInput(t *testing.T) {
	for set, want := range map[string]string{
		"validation={scheme: cv}":                       "outcome idh has a choice to make between models, hyper-parameters or steps' options, and cv has no inner folds to make it in; use nested_cv",
		"validation={scheme: holdout, folds: 5}":        "scheme holdout does not use it",
		"validation={scheme: folds_file}":               "scheme folds_file wants folds_file: a CSV of patient, repeat, fold",
		"validation={scheme: time_split}":               "scheme time_split wants time: the column by which patients are ordered",
		"validation={scheme: bootstrap, repeats: 0}":    "0 is not between 1 and 1000",
		"validation={folds: 1}":                         "1 is not between 2 and 100",
		"models.0.search={method: random, alpha: [1]}":  "draws: want a number between 2 and 1000",
		"models.0.search={alpha: {low: 0, high: 1}}":    "a range {low, high} belongs to method: random, or halving with draws; a grid wants a list of values",
		"models.0.search={rounds: [1.5]}":               "rounds: 1.5 is not a whole number",
		"models.0.search={method: halfing, alpha: [0]}": `no search "halfing"; there are grid, random and halving`,
		"models.0.search={}":                            "nothing to search: name a hyper-parameter and its values, such as alpha: [0, 0.5, 1]",
		"honest.budget=soon":                            "want a time such as 90s, 30m or 2h",
		"name=a/b":                                      "want letters, digits, '-', '_' and '.', starting with a letter or digit",
		"conformal.level=0.9\x00":                       "control characters are not allowed",
		"models.5.kind=net":                             "is not the number of one",
	} {
		_, err := config.Parse("a.yaml", []byte(good), ".", []string{set})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", set, err, want)
		}
	}
}

// The canonical form is the same wherever the experiment lies, and for options written out or left to their defaults.
func TestCanonical(t *testing.T) {
	form := func(text string, set ...string) string {
		t.Helper()
		e, err := config.Parse("x.yaml", []byte(text), ".", set)
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := form(good)
	for _, set := range []string{"output=elsewhere", "jobs=4", "sources.0.path=/other/patients.csv", "cohort.patients=p.csv", "models.0.penalty=ridge", "validation.inner_folds=5", "validation.level=0.95"} {
		if form(good, set) != first {
			t.Errorf("%s changes the canonical form", set)
		}
	}
	for _, set := range []string{"seed=8", "models.1.alpha=0.6", "validation.folds=5", "pipeline.0.method=mean", "outcomes.0.column=other"} {
		if form(good, set) == first {
			t.Errorf("%s does not change the canonical form", set)
		}
	}
	for _, path := range []string{"patients.csv", "radiomics.csv", "runs/glioma"} {
		if strings.Contains(first, path) {
			t.Errorf("the canonical form has the path %s", path)
		}
	}
}

// Flags go before the environment, which goes before the file.
func TestLayer(t *testing.T) {
	read := func(args ...string) *config.Experiment {
		t.Helper()
		e, err := config.Parse("x.yaml", []byte(good), ".", nil)
		if err != nil {
			t.Fatal(err)
		}
		flags := pflag.NewFlagSet("train", pflag.ContinueOnError)
		flags.Int("jobs", 0, "")
		flags.Uint64("seed", 0, "")
		if err := flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		if err := e.Layer(flags); err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := read(); e.Output != "runs/glioma" || e.Seed != 7 || e.Jobs != 0 {
		t.Errorf("file: %+v", e)
	}
	t.Setenv("VOXGENE_SEED", "18446744073709551615")
	t.Setenv("VOXGENE_OUTPUT", "env")
	t.Setenv("VOXGENE_JOBS", "3")
	if e := read(); e.Output != "env" || e.Seed != 1<<64-1 || e.Jobs != 3 {
		t.Errorf("environment: %+v", e)
	}
	if e := read("--seed", "5", "--jobs", "2"); e.Output != "env" || e.Seed != 5 || e.Jobs != 2 {
		t.Errorf("flags: %+v", e)
	}
	t.Setenv("VOXGENE_JOBS", "many")
	e, _ := config.Parse("x.yaml", []byte(good), ".", nil)
	if err := e.Layer(nil); err == nil {
		t.Error("VOXGENE_JOBS=many was taken")
	}
}

func ExampleParse() {
	_, err := config.Parse("experiment.yaml", []byte("name: glioma\ncohort: {patients: p.csv}\nsources: [{name: t, kind: table, path: r.csv}]\n"+
		"outcomes: [{name: idh, kind: class, column: idh}]\nmodels: [{kind: net, alfa: 1}]\n"), ".", nil)
	fmt.Println(err)
	// Output: experiment.yaml:5:22: models.0.alfa: unknown key; did you mean "alpha"?
}
