package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sourcesCohort writes patients with two sources of whom a third lacks the one and a sixth the other.
func sourcesCohort(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	rng := rand.New(rand.NewPCG(5, 6))
	patients, imaging, rna := "patient,idh,days,died\n", "patient,size,texture\n", "patient,EGFR,TP53,PTEN\n"
	for i := range 120 {
		size, egfr := rng.NormFloat64(), rng.NormFloat64()
		score := size + egfr + 0.7*rng.NormFloat64()
		patients += fmt.Sprintf("p%d,%d,%.0f,%d\n", i, map[bool]int{true: 1}[score > 0], 1+500*rng.ExpFloat64()/(1+max(score, -0.5)), min(1, rng.IntN(3)))
		if i%6 != 5 {
			imaging += fmt.Sprintf("p%d,%.4f,%.4f\n", i, size, rng.NormFloat64())
		}
		if i%3 != 1 {
			rna += fmt.Sprintf("p%d,%.4f,%.4f,%.4f\n", i, egfr, rng.NormFloat64(), rng.NormFloat64())
		}
	}
	for name, text := range map[string]string{"patients.csv": patients, "imaging.csv": imaging, "rna.csv": rna, "experiment.yaml": `name: late
cohort: {patients: patients.csv, id: patient}
sources:
  - {name: t1, kind: table, path: imaging.csv, group: imaging}
  - {name: rna, kind: table, path: rna.csv, group: gene}
outcomes:
  - {name: idh, kind: class, column: idh}
  - {name: os, kind: survival, time: days, event: died, origin: imaging, unit: d}
models:
  - {name: early, kind: logistic, lambda: 0.05}
  - {name: late, kind: late_fusion, combine: stacked, sources: {imaging: {kind: logistic, lambda: 0.05}, rna: {kind: random_forest, trees: 30}}, search: {combine: [mean, stacked]}}
  - {name: patterns, kind: logistic, lambda: 0.05, missing_source: model_per_pattern}
  - {name: risks, kind: late_fusion, sources: {t1: {kind: cox, penalty: ridge, lambda: 0.1}, rna: {kind: survival_forest, trees: 30}}}
validation: {scheme: nested_cv, folds: 4, repeats: 1, inner_folds: 3}
honest: {permutations: 0}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Sources are fused late, and by a model for each set of sources; a patient who lacks one is answered by the others, is told so, and is explained
// by them alone.
func TestFusion(t *testing.T) {
	dir := sourcesCohort(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	code, stdout, stderr := voxgene("train", at("experiment.yaml"), "--out", at("out"), "--jobs", "2")
	if code != 0 {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	b, err := os.ReadFile(filepath.Join(dir, "out", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var metrics map[string]struct {
		Models   map[string]map[string]struct{ Value *float64 }
		Selected string
	}
	if err := json.Unmarshal(b, &metrics); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"early", "late", "patterns"} {
		if v := metrics["idh"].Models[name]["auc"].Value; v == nil || *v < 0.65 {
			t.Errorf("%s: AUC %v", name, v)
		}
	}
	if metrics["os"].Selected != "risks" || len(metrics["os"].Models) != 1 {
		t.Errorf("the outcome os is fitted by %v", metrics["os"].Models)
	}
	text := "patient,size,texture,EGFR,TP53,PTEN\nq1,1,0,2,0,0\nq2,1,0,,,\nq3,,,2,0,0\n"
	if err := os.WriteFile(at("new.csv"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{
		"late":     {"it is left out: the answer is the combination of imaging (", "it is left out: the answer is the combination of rna ("},
		"patterns": {"the model of t1 answers, fitted to ", "the model of rna answers, fitted to "},
		"risks":    {"it is left out: the answer is the combination of t1 (", "it is left out: the answer is the combination of rna ("},
	} {
		outcome := "idh"
		if name == "risks" {
			outcome = "os"
		}
		out := at("only-" + name)
		index := map[string]string{"late": "1", "patterns": "2", "risks": "3"}[name]
		only, err := os.ReadFile(at("experiment.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(only), "\n")
		var kept []string
		for _, l := range lines { // this model and outcome alone
			if strings.HasPrefix(l, "  - {name: ") && (strings.Contains(l, "kind: logistic") || strings.Contains(l, "late_fusion")) && !strings.Contains(l, "{name: "+name+",") {
				continue
			}
			if strings.Contains(l, "kind: class, column") && outcome != "idh" || strings.Contains(l, "kind: survival, time") && outcome != "os" {
				continue
			}
			kept = append(kept, l)
		}
		file := at("only-" + index + ".yaml")
		if err := os.WriteFile(file, []byte(strings.Join(kept, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, stdout, stderr := voxgene("train", file, "--out", out); code != 0 {
			t.Fatalf("%s: exit %d: %s%s", name, code, stdout, stderr)
		}
		bundle := filepath.Join(out, "model.voxgene")
		code, stdout, stderr := voxgene("predict", bundle, at("new.csv"), "--json")
		if code != 0 || !strings.Contains(stdout, `"code":"missing_source"`) || !strings.Contains(stdout, want[0]) || !strings.Contains(stdout, want[1]) || strings.Contains(stdout, "impute") {
			t.Errorf("%s: exit %d: %s%s", name, code, stdout, stderr)
		}
		code, stdout, stderr = voxgene("explain", bundle, at("new.csv"))
		rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
		if code != 0 || err != nil {
			t.Fatalf("%s: exit %d: %v %s%s", name, code, err, stdout, stderr)
		}
		sums, outputs, features := map[string]float64{}, map[string]float64{}, map[string]string{}
		for _, r := range rows[1:] {
			base, _ := strconv.ParseFloat(r[6], 64)
			output, _ := strconv.ParseFloat(r[7], 64)
			v, _ := strconv.ParseFloat(r[10], 64)
			if _, ok := sums[r[0]]; !ok {
				sums[r[0]] = base
			}
			sums[r[0]] += v
			outputs[r[0]] = output
			features[r[0]] += r[8] + " "
			if r[12] != "true" {
				t.Errorf("%s: %v is not exact", name, r)
			}
		}
		for _, id := range []string{"q1", "q2", "q3"} {
			if d := sums[id] - outputs[id]; d > 1e-9 || d < -1e-9 {
				t.Errorf("%s, %s: contributions sum to %v, the output is %v", name, id, sums[id], outputs[id])
			}
		}
		if strings.Contains(features["q2"], "rna.") || strings.Contains(features["q3"], "t1.") {
			t.Errorf("%s: a source that is not there contributes: %v", name, features)
		}
	}
	for want, set := range map[string]string{
		`models.1.sources: sources: rna: there is no kind of model "forest"`: "models.1.sources={imaging: {kind: logistic}, rna: {kind: forest}}",
		`there is no way "drop" with a missing source; there are impute and`: "models.0.missing_source=drop",
		"a model of kind late_fusion has its own way with a missing source":  "models.1.missing_source=model_per_pattern",
		"no outcome is fitted by all of these kinds of model":                "models.1.sources={imaging: {kind: logistic}, rna: {kind: cox}}",
	} {
		if code, _, stderr := voxgene("train", at("experiment.yaml"), "--out", at("none"), "--set", set); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("exit %d: %s\nwant %s", code, stderr, want)
		}
	}
}
