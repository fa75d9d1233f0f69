package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// lesionCohort writes patients with one to five lesions whose volume speaks for the patient's subtype and, more, for whether the lesion
// itself responds.
func lesionCohort(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	rng := rand.New(rand.NewPCG(7, 2))
	patients, lesions := "patient,age,centre,idh\n", "patient,lesion,volume,texture,response\n"
	for i := range 70 {
		idh := rng.IntN(2)
		patients += fmt.Sprintf("p%d,%d,%s,%d\n", i, 30+rng.IntN(40), []string{"A", "B"}[i%2], idh)
		for l := range 1 + rng.IntN(5) {
			response := rng.IntN(2)
			lesions += fmt.Sprintf("p%d,%d,%.4f,%.4f,%s\n", i, l+1, rng.NormFloat64()+1.2*float64(response)+0.8*float64(idh), rng.NormFloat64(), []string{"no", "yes"}[response])
		}
	}
	for name, text := range map[string]string{"patients.csv": patients, "lesions.csv": lesions, "experiment.yaml": `name: lesions
cohort: {patients: patients.csv, id: patient, site: centre, unit: lesion}
sources:
  - {name: clinical, kind: table, path: patients.csv, group: clinical, columns: [age]}
  - {name: mr, kind: table, path: lesions.csv, group: imaging, lesion: lesion, columns: [volume, texture]}
outcomes:
  - {name: idh, kind: class, column: idh}
  - {name: response, kind: class, path: lesions.csv, lesion: lesion, column: response}
models: [{kind: logistic, lambda: 0.05}, {kind: random_forest, trees: 20}]
validation: {scheme: nested_cv, folds: 4, repeats: 2, inner_folds: 3, locked: {fraction: 0.15}}
honest: {permutations: 9, subgroups: [centre]}
conformal: {level: 0.8}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Lesions are trained on, judged, predicted and explained one by one, and no patient is ever on two sides of a fold.
func TestLesions(t *testing.T) {
	dir := lesionCohort(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	out := at("out")
	code, stdout, stderr := voxgene("train", at("experiment.yaml"), "--out", out, "--jobs", "2")
	if code != 0 || !strings.Contains(stderr, "lesions in the table") || !strings.Contains(stderr, " patients with ") {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	f, err := os.Open(filepath.Join(out, "predictions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], ","); got != "outcome,patient,lesion,repeat,fold,model,selected,class,probability,risk,observed,time,event" {
		t.Fatalf("predictions.csv has the columns %s", got)
	}
	fold, several := map[string]string{}, false
	for _, r := range rows[1:] {
		key := r[0] + " " + r[1] + " " + r[3]
		if before, ok := fold[key]; ok && before != r[4] {
			t.Errorf("patient %s is in the folds %s and %s of one repeat", r[1], before, r[4])
		}
		fold[key] = r[4]
		several = several || r[2] == "4"
	}
	if !several {
		t.Error("nobody has a fourth lesion")
	}
	var metrics map[string]struct {
		Patients, Rows int
		Unit, Interval string
		Classes        map[string]int
		Headline       map[string]struct{ Value, Low, High *float64 }
		Conformal      struct{ Counts []int }
		Subgroups      []struct {
			Patients *int
			Low      *float64
		}
	}
	b, err := os.ReadFile(filepath.Join(out, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &metrics); err != nil {
		t.Fatal(err)
	}
	for name, m := range metrics {
		auc := m.Headline["auc"]
		if m.Patients >= 70 || m.Rows <= m.Patients || m.Unit != "lesion" || auc.Value == nil || *auc.Value < 0.55 || auc.Low == nil || !strings.Contains(m.Interval, "resampled t") {
			t.Errorf("%s: %s", name, b)
		}
		for c, n := range m.Conformal.Counts {
			if n > m.Patients {
				t.Errorf("%s: prediction sets of class %d rest on %d patients of %d", name, c, n, m.Patients)
			}
		}
		for _, s := range m.Subgroups {
			if s.Patients == nil || *s.Patients > 40 || s.Low == nil {
				t.Errorf("%s: subgroup %+v counts rows as patients, or has no interval", name, s)
			}
		}
	}
	bundle := filepath.Join(out, "model.voxgene")
	if _, text, _ := voxgene("inspect", bundle); !strings.Contains(text, "a lesion of a patient") {
		t.Errorf("inspect does not say what a row is: %s", text)
	}
	joined := "patient,lesion,age,volume,texture,idh\nq1,1,50,2.5,0,1\nq1,2,50,-2,0,1\nq2,7,60,0,0.5,0\n"
	if err := os.WriteFile(at("new.csv"), []byte(joined), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = voxgene("predict", bundle, at("new.csv"))
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != 0 || len(lines) != 4 || !strings.HasPrefix(lines[0], "patient,lesion,idh.label,") || !strings.HasPrefix(lines[2], "q1,2,") || !strings.HasPrefix(lines[3], "q2,7,") {
		t.Errorf("predict: exit %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, _ = voxgene("predict", bundle, at("new.csv"), "--json"); code != 0 || !strings.Contains(stdout, `"id":"q1","lesion":"2","outcomes"`) {
		t.Errorf("predict --json: exit %d: %s", code, stdout)
	}
	code, stdout, stderr = voxgene("explain", bundle, at("new.csv"), "--patient", "q1", "--outcomes", "response")
	if code != 0 || !strings.HasPrefix(stdout, "patient,lesion,outcome,") || !strings.Contains(stdout, "\nq1,2,response,") || strings.Contains(stdout, "q2") {
		t.Errorf("explain: exit %d: %s%s", code, stdout, stderr)
	}
	// The whole cohort from its files, and the locked lesions alone.
	if code, stdout, stderr = voxgene("predict", bundle, at("experiment.yaml")); code != 0 || !strings.Contains(stdout, "\np0,1,") {
		t.Errorf("predict of the cohort: exit %d: %.300s%s", code, stdout, stderr)
	}
	code, stdout, stderr = voxgene("evaluate", bundle, at("experiment.yaml"), "--open-locked", "--out", at("locked"))
	if code != 0 || !strings.Contains(stdout, "response: AUC") {
		t.Errorf("evaluate: exit %d: %s%s", code, stdout, stderr)
	}
	b, err = os.ReadFile(filepath.Join(dir, "locked", "predictions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		patient := strings.Split(line, ",")[1]
		if slices.ContainsFunc(rows, func(r []string) bool { return r[1] == patient }) {
			t.Fatalf("a lesion of %s was locked and another trained on", patient)
		}
	}
	// The predictions as if made elsewhere give the headline again.
	code, _, stderr = voxgene("evaluate", "--predictions", filepath.Join(out, "predictions.csv"), "--config", at("experiment.yaml"), "--out", at("judged"))
	if code != 0 {
		t.Fatalf("evaluate --predictions: exit %d: %s", code, stderr)
	}
	var judged map[string]struct {
		Headline map[string]struct{ Value *float64 }
	}
	if b, err = os.ReadFile(filepath.Join(dir, "judged", "metrics.json")); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &judged); err != nil {
		t.Fatal(err)
	}
	for name, m := range metrics {
		if got, want := judged[name].Headline["auc"].Value, m.Headline["auc"].Value; got == nil || *got != *want {
			t.Errorf("%s: AUC %v from the file, %v in the run", name, got, *want)
		}
	}
	// A table of rows of lesions with what happened to each.
	table := "patient,lesion,age,volume,texture,idh\n"
	for i := range 40 {
		table += fmt.Sprintf("x%d,%d,50,%d,0,%d\n", i/2, i%2, i%5, i/2%2)
	}
	if err := os.WriteFile(at("elsewhere.csv"), []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr = voxgene("evaluate", bundle, at("elsewhere.csv"), "--outcome", "idh=idh", "--out", at("elsewhere")); code != 0 || !strings.Contains(stderr, "lesions in the table 40") {
		t.Errorf("evaluate a table: exit %d: %s%s", code, stdout, stderr)
	}
}

// What mixes up rows and patients is refused with what to do.
func TestLesionsRefused(t *testing.T) {
	dir := lesionCohort(t)
	folds := "patient,lesion,fold\n"
	for i := range 70 {
		for l := range 5 {
			folds += fmt.Sprintf("p%d,%d,%d\n", i, l+1, (i+l)%3)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "folds.csv"), []byte(folds), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := []string{"--set", "validation={scheme: folds_file, folds_file: folds.csv}"}
	for want, set := range map[string][]string{
		`patient "p0" is in fold 0 already; all that is known of a patient is on one side of a fold`: whole,
		"patients have several rows, p":                          {"--set", "cohort.unit=patient", "--set", "outcomes=[{name: idh, kind: class, column: idh}]"},
		"or make each lesion a row with cohort: {unit: lesion}":  {"--set", "cohort.unit=patient", "--set", "outcomes=[{name: idh, kind: class, column: idh}]"},
		"no source tells visits apart":                           {"--set", "cohort.unit=visit", "--set", "sources.1.aggregate=first", "--set", "outcomes=[{name: idh, kind: class, column: idh}]"},
		"an outcome of each lesion wants cohort: {unit: lesion}": {"--set", "cohort.unit=patient"},
	} {
		code, _, stderr := voxgene(append([]string{"train", filepath.Join(dir, "experiment.yaml"), "--out", filepath.Join(dir, "out")}, set...)...)
		if code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("exit %d: %s\nwant %s", code, stderr, want)
		}
	}
}
