package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Options of steps are chosen by the inner folds together with those of models: one column of forty speaks for the outcome, so that a
// selection of one beats a selection of all. The choice is in the report, the metrics and the bundle, counted in the plan, and the same
// bytes whatever the processors.
func TestSearchOverSteps(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	rng := rand.New(rand.NewPCG(4, 4))
	patients, genes := "patient,y\n", "patient"
	for j := range 40 {
		genes += fmt.Sprintf(",g%d", j)
	}
	genes += "\n"
	for i := range 80 {
		v := rng.NormFloat64()
		patients += fmt.Sprintf("p%d,%d\n", i, map[bool]int{true: 1}[v+0.3*rng.NormFloat64() > 0])
		genes += fmt.Sprintf("p%d,%.4f", i, v)
		for range 39 {
			genes += fmt.Sprintf(",%.4f", rng.NormFloat64())
		}
		genes += "\n"
	}
	for name, text := range map[string]string{"patients.csv": patients, "genes.csv": genes, "experiment.yaml": `name: steps
cohort: {patients: patients.csv, id: patient}
sources: [{name: rna, kind: table, path: genes.csv, group: gene}]
outcomes: [{name: y, kind: class, column: y}]
pipeline:
  - {step: scale}
  - {step: select, most: 5, search: {most: [1, 40], method: [anova, mann_whitney]}}
models: [{kind: logistic, penalty: ridge, search: {lambda: [0.01, 0.1]}}]
validation: {scheme: nested_cv, folds: 3, repeats: 1, inner_folds: 3}
honest: {permutations: 3}
`} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := func(run, name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, run, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, run := range []string{"one", "two"} {
		procs := map[string]int{"one": 1, "two": 2}[run]
		before := runtime.GOMAXPROCS(procs)
		code, stdout, stderr := voxgene("train", at("experiment.yaml"), "--out", at(run))
		runtime.GOMAXPROCS(before)
		// 3 outer folds, each of one model and 8 candidates in 3 inner folds, then the final choice and the fit.
		if code != 0 || !strings.Contains(stderr, "8 candidates") || !strings.Contains(stderr, fmt.Sprintf("%d fits for the estimate", 3*(1+8*3)+8*3+1)) {
			t.Fatalf("exit %d: %s%s", code, stdout, stderr)
		}
	}
	for _, name := range []string{"model.voxgene", "metrics.json", "predictions.csv"} {
		if !bytes.Equal(file("one", name), file("two", name)) {
			t.Errorf("%s differs between one processor and two", name)
		}
	}
	var metrics map[string]struct{ Settings string }
	if err := json.Unmarshal(file("one", "metrics.json"), &metrics); err != nil {
		t.Fatal(err)
	}
	if s := metrics["y"].Settings; !strings.Contains(s, "select.most=1 ") && !strings.HasSuffix(s, "select.most=1") || !strings.Contains(s, "lambda=") {
		t.Errorf("chosen: %q", s)
	}
	if !bytes.Contains(file("one", "report.html"), []byte("select.most=1")) {
		t.Error("the report does not say what was chosen")
	}
	_, text, _ := voxgene("inspect", filepath.Join(dir, "one", "model.voxgene"))
	if !strings.Contains(text, "columns") || !strings.Contains(text, "  columns        1\n") && !strings.Contains(strings.Join(strings.Fields(text), " "), "columns 1 ") {
		t.Errorf("the bundle's model does not read the one column: %s", text)
	}
	for want, set := range map[string]string{
		`did you mean "most"?`:         "pipeline.1.search={mots: [1, 2]}",
		"want a list of values to try": "pipeline.1.search={most: 3}",
		"has a choice to make":         "validation={scheme: cv, folds: 3, repeats: 1}",
		"is not one of":                "pipeline.1.search={method: [anova, best]}",
	} {
		args := []string{"train", at("experiment.yaml"), "--out", at("none"), "--set", set}
		if strings.Contains(want, "choice") {
			args = append(args, "--set", "models=[{kind: logistic, lambda: 0.1}, {kind: random_forest}]")
		}
		if code, _, stderr := voxgene(args...); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("exit %d: %s\nwant %s", code, stderr, want)
		}
	}
}
