package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallCohort writes a table of patients with a class and an experiment that trains on it.
func smallCohort(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	text := "patient,age,size,idh\n"
	for i := range 60 {
		size := rng.NormFloat64()
		text += fmt.Sprintf("p%d,%d,%.3f,%d\n", i, 30+rng.IntN(40), size, map[bool]int{true: 1}[size+rng.NormFloat64() > 0])
	}
	for name, text := range map[string]string{"patients.csv": text, "experiment.yaml": `name: small
cohort: {patients: patients.csv}
sources: [{name: clinical, kind: table, path: patients.csv, columns: [age, size]}]
outcomes: [{name: idh, kind: class, column: idh}]
models: [{kind: logistic, lambda: 0.1}]
validation: {scheme: cv, repeats: 1}
honest: {permutations: 0}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTrain(t *testing.T) {
	dir := smallCohort(t)
	out := filepath.Join(dir, "out")
	code, stdout, stderr := voxgene("train", filepath.Join(dir, "experiment.yaml"), "--out", out, "--jobs", "2", "--set", "validation.folds=4")
	if code != 0 || !strings.Contains(stdout, "idh: AUC 0.") || !strings.Contains(stdout, "kept: logistic") {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	if !strings.Contains(stderr, "patients listed 60") {
		t.Errorf("the cohort flow is not on stderr: %s", stderr)
	}
	for _, name := range []string{"model.voxgene", "report.html", "metrics.json", "predictions.csv", "features.parquet", "run.json"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(out, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]struct {
		Folds    int
		Headline map[string]struct{ Value, Low, High *float64 }
		Selected string
	}
	if err := json.Unmarshal(b, &m); err != nil || m["idh"].Folds != 4 || m["idh"].Selected != "logistic" || m["idh"].Headline["auc"].High == nil {
		t.Errorf("%v: %s", err, b)
	}
}

// What is wrong with the input ends in exit code 2 and says where.
func TestTrainBadInput(t *testing.T) {
	dir := smallCohort(t)
	file := filepath.Join(dir, "experiment.yaml")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"train"}, "train wants an experiment file"},
		{[]string{"train", filepath.Join(dir, "none.yaml")}, "none.yaml"},
		{[]string{"train", file, "--set", "models.0.kind=logistics"}, `did you mean "logistic"?`},
		{[]string{"train", file, "--set", "modles=3"}, `did you mean "models"?`},
		{[]string{"train", file, "--set", "outcomes.0.column=idhh"}, "idhh"},
		{[]string{"train", file, "--set", "validation.folds=50"}, "at most folds: "},
		{[]string{"train", file, "--set", "sources.0.path=gone.csv"}, "gone.csv"},
		{[]string{"train", file, "--nonsense"}, "unknown flag"},
	} {
		args := c.args
		if len(args) > 1 {
			args = append(args, "--out", filepath.Join(dir, "out"))
		}
		if code, _, stderr := voxgene(args...); code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d: %s; want %s", c.args[1:], code, stderr, c.want)
		}
	}
}

func TestLint(t *testing.T) {
	dir := smallCohort(t)
	clean := filepath.Join(dir, "patients.csv")
	if code, stdout, stderr := voxgene("lint", clean, "--outcome", "idh"); code != 0 || !strings.Contains(stdout, "nothing found") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := voxgene("lint", filepath.Join(dir, "experiment.yaml")); code != 0 {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	b, err := os.ReadFile(clean)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for i, l := range lines[1:] {
		lines[i+1] = l + "," + map[byte]string{'0': "no", '1': "yes"}[l[len(l)-1]]
	}
	lines[0] += ",mutation"
	leaky := filepath.Join(dir, "leaky.csv")
	if err := os.WriteFile(leaky, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := voxgene("lint", leaky, "--outcome", "idh", "--json")
	var found []struct{ Level, Check, Column string }
	if err := json.Unmarshal([]byte(stdout), &found); err != nil || code != 1 || len(found) != 2 || found[0].Check != "pure_category" || found[0].Column != "table.mutation" {
		t.Errorf("exit %d, %v: %s", code, err, stdout)
	}
	if code, stdout, stderr := voxgene("lint", leaky, "--outcome", "idh", "--known-from", "mutation"); code != 0 {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	for _, args := range [][]string{{"lint", clean}, {"lint", clean, "--outcome", "idhh"}, {"lint", clean, "--time", "age"}, {"lint", filepath.Join(dir, "experiment.yaml"), "--outcome", "idh"}} {
		if code, _, stderr := voxgene(args...); code != 2 {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
	}
}
