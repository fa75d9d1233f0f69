//go:build interoperability

package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// readerPipelines hold every step that can be exported.
var readerPipelines = map[string]string{
	"plain": `pipeline: [{step: impute}, {step: encode}, {step: scale}]
models: [{kind: logistic, lambda: 0.02}, {kind: cox, penalty: none}]`,
	"platt": `pipeline:
  - {step: drop, missing_above: 0.6}
  - {step: impute, method: mean, categorical: level}
  - {step: encode, drop: none}
  - {step: transform, method: yeo_johnson, on: ["blood.*"]}
  - {step: scale, method: robust}
  - {step: select, method: lasso, most: 8}
models: [{kind: logistic, penalty: ridge, lambda: 0.1, calibrate: platt}, {kind: cox, penalty: lasso, lambda: 0.02}]`,
	"isotonic": `pipeline:
  - {step: impute, method: constant, value: 1.5}
  - {step: encode, drop: first}
  - {step: transform, method: rank, on: [blood.b, blood.c]}
  - {step: drop_correlated, above: 0.9}
  - {step: scale, method: minmax}
  - {step: reduce, components: 4, on: [numeric]}
models: [{kind: logistic, penalty: lasso, lambda: 0.02, calibrate: isotonic}, {kind: cox, penalty: ridge, lambda: 0.1, ties: breslow}]`,
	"temperature": `pipeline:
  - {step: transform, method: log, on: [blood.d]}
  - {step: impute}
  - {step: encode}
  - {step: drop_redundant}
  - {step: scale}
  - {step: select, method: auto, most: 5}
models: [{kind: logistic, lambda: 0.02, calibrate: temperature}, {kind: cox}]`,
}

// readerCohort writes a cohort of 150 with every kind of column and missing values, and 40 more patients with levels that it lacks.
func readerCohort(t *testing.T, dir string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(8, 9))
	maybe := func(s string) string {
		if rng.Float64() < 0.08 {
			return []string{"", "NA"}[rng.IntN(2)]
		}
		return s
	}
	write := func(name string, from, to int, sites, grades []string) {
		text := "patient,age,sex,site,grade,a,b,c,d,two,three,days,died\n"
		for i := from; i < to; i++ {
			a := rng.NormFloat64()
			b := math.Exp(rng.NormFloat64())
			two := map[bool]string{true: "yes", false: "no"}[a+rng.NormFloat64() > 0]
			three := []string{"x", "y", "z"}[min(2, int(b+rng.Float64()))]
			text += fmt.Sprintf("p%d,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%.0f,%d\n", i, maybe(fmt.Sprint(30+rng.IntN(50))), maybe([]string{"f", "m"}[rng.IntN(2)]),
				maybe(sites[rng.IntN(len(sites))]), maybe(grades[rng.IntN(len(grades))]), maybe(fmt.Sprintf("%.4f", a)), maybe(fmt.Sprintf("%.4f", b)),
				maybe(fmt.Sprintf("%.3g", 1e3*rng.NormFloat64())), maybe(fmt.Sprintf("%.5f", a+0.1*rng.NormFloat64())), two, three,
				20+900*math.Exp(-0.5*a)*rng.ExpFloat64(), min(1, rng.IntN(4)))
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("patients.csv", 0, 150, []string{"1", "2", "3"}, []string{"G2", "G3", "G4"})
	write("new.csv", 150, 190, []string{"1", "2", "3", "9"}, []string{"G2", "G3", "G4", "G5"})
}

// The Python and R readers of docs/readers give the predictions of voxgene predict, to 1e-9, from the exported steps and coefficients.
func TestReaders(t *testing.T) {
	readers, err := filepath.Abs("../../docs/readers")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	readerCohort(t, dir)
	t.Chdir(dir)
	compared := 0
	for name, part := range readerPipelines {
		config := `name: readers
cohort: {patients: patients.csv}
sources:
  - {name: clinical, kind: table, path: patients.csv, columns: [age, sex, site, grade], kinds: {site: categorical, grade: {ordinal: [G2, G3, G4]}}}
  - {name: blood, kind: table, path: patients.csv, columns: [a, b, c, d]}
outcomes:
  - {name: two, kind: class, column: two}
  - {name: three, kind: class, column: three}
  - {name: os, kind: survival, time: days, event: died, unit: d, origin: diagnosis}
validation: {scheme: cv, folds: 3, repeats: 1}
honest: {permutations: 0}
` + part + "\n"
		if err := os.WriteFile("experiment.yaml", []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		model, export := name+"/model.voxgene", name+".json"
		for _, args := range [][]string{{"train", "experiment.yaml", "--out", name}, {"inspect", model, "--export", export},
			{"predict", model, "new.csv", "--times", "100d,400d,90a", "-o", name + ".csv"}} {
			if code, out, errs := voxgene(args...); code != 0 {
				t.Fatalf("%s: %v: exit %d: %s%s", name, args, code, out, errs)
			}
		}
		want := readTable(t, name+".csv", "")
		for _, reader := range [][]string{
			{"python3", filepath.Join(readers, "voxgene_reader.py"), export, "new.csv", "--times", "100,400,32872.5"},
			{"Rscript", filepath.Join(readers, "voxgene_reader.R"), export, "new.csv", "100,400,32872.5"},
		} {
			out, err := exec.Command(reader[0], reader[1:]...).Output()
			if err != nil {
				if e, ok := err.(*exec.ExitError); ok {
					t.Log(string(e.Stderr))
				}
				t.Fatalf("%s: %v: %v", name, reader, err)
			}
			got := readTable(t, "", string(out))
			for ours, theirs := range map[string]string{"two.probability.yes": "two.probability.yes", "two.probability.no": "two.probability.no",
				"three.probability.x": "three.probability.x", "three.probability.y": "three.probability.y", "three.probability.z": "three.probability.z",
				"os.risk": "os.risk", "os.median_d": "os.median", "os.survival_100d": "os.survival.100", "os.survival_400d": "os.survival.400", "os.survival_90a": "os.survival.32872.5"} {
				a, b := want[ours], got[theirs]
				if len(a) != 40 || len(b) != 40 {
					t.Fatalf("%s, %s: %d values of %s, want 40; the columns are %v", name, reader[0], len(b), theirs, got)
				}
				for i := range a {
					compared++
					if math.IsNaN(a[i]) != math.IsNaN(b[i]) || math.Abs(a[i]-b[i]) > 1e-9*max(1, math.Abs(a[i])) {
						t.Errorf("%s, %s, patient %d, %s: %v, want %v", name, reader[0], i+1, ours, b[i], a[i])
					}
				}
			}
		}
	}
	if compared != 4*2*10*40 {
		t.Errorf("%d values were compared", compared)
	}
}

// readTable returns the numeric columns of a file, or of a text; a blank is NaN.
func readTable(t *testing.T, path, text string) map[string][]float64 {
	t.Helper()
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]float64{}
	for j, name := range rows[0] {
		for _, r := range rows[1:] {
			v, err := strconv.ParseFloat(r[j], 64)
			if err != nil {
				v = math.NaN()
			}
			out[name] = append(out[name], v)
		}
	}
	return out
}
