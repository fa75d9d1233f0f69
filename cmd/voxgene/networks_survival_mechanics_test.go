package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// A network on images that predicts survival in discrete time is trained and judged; its images are explained for the report, and not at every time of the follow-up, which takes minutes.
func TestDiscreteTimeNetwork(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, _, errs := voxgene("phantom", "c", "--patients", "30", "--seed", "3"); code != 0 {
		t.Fatal(errs)
	}
	experiment := `name: dt
seed: 3
cohort: {patients: c/patients.csv, id: patient}
sources:
  - name: t1
    kind: images
    image: "c/images/{patient}/t1.nii.gz"
    mask: "c/images/{patient}/mask.nii.gz"
    parameters: {imageType: {Original: {}}, featureClass: {firstorder: [Mean]}}
    volume: {spacing: [4, 4, 6], size: [8, 8, 6], mask: crop}
outcomes: [{name: os, kind: survival, time: os_days, event: os_event, origin: imaging, unit: d}]
models: [{kind: cnn, survival: discrete_time, intervals: 4, widths: [2], epochs: 1, holdout: 0}]
validation: {scheme: cv, folds: 2, repeats: 1}
honest: {permutations: 0, baselines: [], subgroups: []}
`
	if err := os.WriteFile("dt.yaml", []byte(experiment), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := voxgene("train", "dt.yaml", "--out", "run"); code != 0 {
		t.Fatal(errs)
	}
	b, err := os.ReadFile(filepath.Join("run", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Headline map[string]struct{ Value *float64 } `json:"headline"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if all["os"].Headline["c_index"].Value == nil {
		t.Errorf("no C-index in %s", b)
	}
}
