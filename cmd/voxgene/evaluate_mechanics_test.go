package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle"
)

type headlines map[string]struct {
	Patients    int
	Interval    string
	Headline    map[string]struct{ Value, Low, High *float64 }
	Calibration *struct{ Slope, Intercept *float64 }
	CaseMix     []struct {
		Column string
		Shift  *float64 `json:"shift_iqr"`
	} `json:"case_mix"`
}

func readMetrics(t *testing.T, path string) headlines {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m headlines
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// A bundle is judged on another site's table: DeLong's interval, calibration, and the shift of an input that was planted.
func TestEvaluateBundle(t *testing.T) {
	dir := smallCohort(t)
	out := filepath.Join(dir, "out")
	if code, _, stderr := voxgene("train", filepath.Join(dir, "experiment.yaml"), "--out", out); code != 0 {
		t.Fatal(stderr)
	}
	b, err := os.ReadFile(filepath.Join(dir, "patients.csv"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	for i, r := range records {
		if i > 0 {
			r[0] += "x"
			r[1] = "7" + r[1][1:] // everybody is older
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	other := filepath.Join(dir, "other.csv")
	if err := os.WriteFile(other, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	judged := filepath.Join(dir, "judged")
	code, stdout, stderr := voxgene("evaluate", filepath.Join(out, "model.voxgene"), other, "--outcome", "idh=idh", "-o", judged)
	if code != 0 || !strings.Contains(stdout, "idh: AUC") {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	m := readMetrics(t, filepath.Join(judged, "metrics.json"))["idh"]
	if m.Patients != 60 || m.Headline["auc"].Low == nil || m.Headline["brier"].Low == nil || m.Calibration == nil || !strings.Contains(m.Interval, "DeLong") {
		t.Errorf("%+v", m)
	}
	if len(m.CaseMix) != 2 || m.CaseMix[0].Column != "clinical.age" || m.CaseMix[0].Shift == nil || *m.CaseMix[0].Shift < 0.5 {
		t.Errorf("case mix %+v", m.CaseMix)
	}
	cohort := filepath.Join(dir, "other.yaml")
	if err := os.WriteFile(cohort, []byte("cohort: {patients: other.csv}\nsources: [{name: clinical, kind: table, path: other.csv, columns: [age, size]}]\noutcomes: [{name: idh, kind: class, column: idh}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(dir, "again")
	if code, _, stderr := voxgene("evaluate", filepath.Join(out, "model.voxgene"), cohort, "-o", again); code != 0 {
		t.Fatal(stderr)
	}
	if a, b := readMetrics(t, filepath.Join(again, "metrics.json"))["idh"], m; *a.Headline["auc"].Value != *b.Headline["auc"].Value {
		t.Error("the cohort file and the table give different AUC")
	}
}

// The out-of-fold predictions of a run, given back as if made elsewhere, get the run's own numbers.
func TestEvaluatePredictions(t *testing.T) {
	dir := smallCohort(t)
	out, config := filepath.Join(dir, "out"), filepath.Join(dir, "experiment.yaml")
	if code, _, stderr := voxgene("train", config, "--out", out); code != 0 {
		t.Fatal(stderr)
	}
	judged := filepath.Join(dir, "judged")
	code, stdout, stderr := voxgene("evaluate", "--predictions", filepath.Join(out, "predictions.csv"), "--config", config, "-o", judged)
	if code != 0 {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	a, b := readMetrics(t, filepath.Join(out, "metrics.json"))["idh"], readMetrics(t, filepath.Join(judged, "metrics.json"))["idh"]
	if len(b.Headline) != len(a.Headline) {
		t.Errorf("%d measures of %d", len(b.Headline), len(a.Headline))
	}
	for name, want := range a.Headline {
		got := b.Headline[name]
		for k, pair := range [][2]*float64{{got.Value, want.Value}, {got.Low, want.Low}, {got.High, want.High}} {
			if pair[0] == nil || pair[1] == nil || math.Abs(*pair[0]-*pair[1]) > 1e-12 {
				t.Errorf("%s, number %d: %v, want %v", name, k, pair[0], pair[1])
			}
		}
	}
	for text, want := range map[string]string{
		"patient,outcome\np1,idh\n":                             "line 1: want the columns",
		"patient,outcome,probability\np1,idh,2\n":               "line 2: a class wants a probability between 0 and 1",
		"patient,outcome,probability\nnobody,idh,0.5\n":         `line 2: patient "nobody" is not in the cohort`,
		"patient,outcome,probability\np1,idh,0.5\np1,idh,0.5\n": `line 3: patient "p1" has a prediction`,
		"patient,outcome,probability\np1,grade,0.5\n":           "has no prediction of any outcome",
		"patient,outcome,probability\np1,idh,x\n":               `line 2: "x" is not a number`,
	} {
		file := filepath.Join(dir, "bad.csv")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := voxgene("evaluate", "--predictions", file, "--config", config, "-o", judged); code != 2 || !strings.Contains(stderr, want) && !strings.Contains(stderr, "no outcome") {
			t.Errorf("%q: exit %d: %s; want %s", text, code, stderr, want)
		}
	}
	for _, args := range [][]string{{"evaluate"}, {"evaluate", "a"}, {"evaluate", "--predictions", "p.csv"}, {"evaluate", filepath.Join(out, "model.voxgene"), filepath.Join(dir, "patients.csv"), "-o", judged}} {
		if code, _, stderr := voxgene(args...); code != 2 {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
	}
}

// At a site where the outcome is rarer, updating the intercept makes the held-out probabilities better, the new version says where
// it came from, and it predicts.
func TestEvaluateUpdate(t *testing.T) {
	dir := smallCohort(t)
	out := filepath.Join(dir, "out")
	if code, _, stderr := voxgene("train", filepath.Join(dir, "experiment.yaml"), "--out", out); code != 0 {
		t.Fatal(stderr)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	text := "patient,age,size,idh\n"
	for i := range 300 {
		size := rng.NormFloat64()
		text += fmt.Sprintf("q%d,%d,%.3f,%d\n", i, 30+rng.IntN(40), size, map[bool]int{true: 1}[size+rng.NormFloat64() > 1.5])
	}
	site := filepath.Join(dir, "site.csv")
	if err := os.WriteFile(site, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	judged := filepath.Join(dir, "judged")
	code, _, stderr := voxgene("evaluate", filepath.Join(out, "model.voxgene"), site, "--outcome", "idh=idh", "-o", judged, "--update", "intercept")
	if code != 0 {
		t.Fatal(stderr)
	}
	b, err := os.ReadFile(filepath.Join(judged, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]struct {
		Update struct {
			Before, After float64
			HeldOut       int `json:"held_out"`
		}
	}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if u := m["idh"].Update; u.HeldOut < 140 || !(u.After < u.Before-0.01) {
		t.Errorf("update %+v", u)
	}
	old, err := bundle.Open(filepath.Join(out, "model.voxgene"))
	if err != nil {
		t.Fatal(err)
	}
	updated, err := bundle.Open(filepath.Join(judged, "model.voxgene"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(updated.Config), old.Version()) || updated.Version() == old.Version() {
		t.Errorf("version %s says nothing of %s", updated.Version(), old.Version())
	}
	again := filepath.Join(dir, "again")
	if code, _, stderr := voxgene("evaluate", filepath.Join(judged, "model.voxgene"), site, "--outcome", "idh=idh", "-o", again); code != 0 {
		t.Fatal(stderr)
	}
	if c := readMetrics(t, filepath.Join(again, "metrics.json"))["idh"].Calibration; c == nil || c.Slope == nil || *c.Slope < 0.3 {
		t.Errorf("calibration after the update: %+v", c)
	}
	few := filepath.Join(dir, "few.csv")
	if err := os.WriteFile(few, []byte(strings.Join(strings.Split(text, "\n")[:40], "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := voxgene("evaluate", filepath.Join(out, "model.voxgene"), few, "--outcome", "idh=idh", "-o", again, "--update", "slope"); code != 2 || !strings.Contains(stderr, "an update wants 20") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
