package train_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle"
	_ "github.com/voxgene/voxgene/models/neural"
	"github.com/voxgene/voxgene/train"
)

// A network of two outcomes, each not known for some, is in the bundle as one set of weights, and a patient is tested in the same fold for both.
func TestJointNetwork(t *testing.T) {
	file := cohort(t, 60, "")
	dir := filepath.Dir(file)
	patients, err := os.ReadFile(filepath.Join(dir, "patients.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(patients), "\n")
	for i := 1; i < len(lines)-1; i++ {
		cells := strings.Split(lines[i], ",")
		switch i % 7 {
		case 2:
			cells[4], cells[5] = "", ""
		case 5:
			cells[6], cells[7] = "", ""
		}
		lines[i] = strings.Join(cells, ",")
	}
	write(t, dir, "patients.csv", strings.Join(lines, "\n"))
	set := []string{"models=[{kind: mlp, joint: true, outcomes: [subtype, os], weights: {os: 0.5}, hidden: [6], epochs: 4, members: 2}]",
		"validation={scheme: cv, folds: 3, repeats: 2}", "honest={permutations: 0, baselines: []}", "pipeline=[{step: encode}]"}
	out := filepath.Join(dir, "out")
	if err := trainFile(file, out, train.Options{}, set...); err != nil {
		t.Fatal(err)
	}
	m, err := bundle.Inspect(filepath.Join(out, train.BundleFile))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Outcomes[1].Shared["weights.safetensors"]; got != "outcomes/0/model/weights.safetensors" {
		t.Errorf("the weights of os are %q", got)
	}
	b, err := bundle.Open(filepath.Join(out, train.BundleFile))
	if err != nil {
		t.Fatal(err)
	}
	var parts [2]map[string][]byte
	for i := range parts {
		if parts[i], err = b.Outcomes[i].Model.Encode(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(parts[0]["weights.safetensors"], parts[1]["weights.safetensors"]) {
		t.Error("the outcomes have other weights")
	}
	rows, err := csv.NewReader(bytes.NewReader(read(t, out, train.PredictionsFile))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for j, name := range rows[0] {
		column[name] = j
	}
	folds := map[string]string{}
	tested := map[string]int{}
	for _, row := range rows[1:] {
		outcome, key := row[column["outcome"]], row[column["patient"]]+" repeat "+row[column["repeat"]]
		tested[outcome]++
		if fold, ok := folds[key]; ok && fold != row[column["fold"]] {
			t.Errorf("%s is tested in the folds %s and %s", key, fold, row[column["fold"]])
		}
		folds[key] = row[column["fold"]]
	}
	if tested["subtype"] != 2*51 || tested["os"] != 2*52 || len(folds) != 120 {
		t.Errorf("tested %v, %d patients in two repeats", tested, len(folds))
	}
}
