package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// networkCohort writes a phantom of 24 patients to c and an experiment on its images, and goes there. Its sources may be changed.
func networkCohort(t *testing.T, change ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if code, _, errs := voxgene("phantom", "c", "--patients", "24", "--seed", "3"); code != 0 {
		t.Fatal(errs)
	}
	experiment := strings.NewReplacer(change...).Replace(`name: net
seed: 3
cohort: {patients: c/patients.csv, id: patient}
sources:
  - {name: t1, kind: images, image: "c/images/{patient}/t1.nii.gz", mask: "c/images/{patient}/mask.nii.gz", modality: MR, parameters: {imageType: {Original: {}}, featureClass: {shape: [VoxelVolume]}}, volume: {spacing: [4, 4, 6], size: [6, 6, 4]}}
outcomes: [{name: subtype, kind: class, column: subtype}]
models: [{kind: cnn, widths: [2], epochs: 1, holdout: 0, norm: none}]
validation: {scheme: cv, folds: 2, repeats: 1}
honest: {permutations: 0}
`)
	if err := os.WriteFile("net.yaml", []byte(experiment), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What is wrong with a network, its crops or the file that it starts from is said before the first fit, with what to do.
func TestNetworkFaults(t *testing.T) {
	networkCohort(t)
	for set, want := range map[string]string{
		"models.0.widths=[4.5]":                                        "widths: 4.5 is not a whole number",
		"models.0.widths=[]":                                           "widths: want one level or more",
		"models.0.kernel=2":                                            "kernel: 2 is even",
		"models.0.kernle=3":                                            `did you mean "kernel"?`,
		"models.0.dimensions=4":                                        `dimensions: "4" is not one of [2 2.5 3]`,
		"models.0.dimensions=2":                                        "take one with volume: {size: [x, y, 1]}, or dimensions: 2.5",
		"models.0.augment=[wobble]":                                    `augment: "wobble" is none of`,
		"models.0.images=[flair]":                                      `no source "flair" makes crops`,
		"models.0.learning_rate=100":                                   "learning_rate: 100 is not between",
		"models.0.start=nowhere.voxgene":                               "start: open nowhere.voxgene",
		"models.0.start=net.yaml":                                      "safetensors",
		"models.0.freeze=[image.level9]":                               `freeze: no layer has the form "image.level9"`,
		"sources.0.volume.size=[400,400,400]":                          "at most 4194304 together",
		"sources.0.lesions={from: components}":                         "several lesions become one row by aggregate",
		"cohort={patients: c/patients.csv, id: patient, unit: lesion}": "lesion",
	} {
		if code, _, errs := voxgene("train", "net.yaml", "--out", "bad", "--set", set); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d: %s\nwant %s", set, code, errs, want)
		}
	}
}

// A network over images is compared with what needs none, by a model that can be fitted to it, and the report counts no columns that the network
// does not read. It starts another, whose bundle does not say where its file lay.
func TestNetworkBaselines(t *testing.T) {
	networkCohort(t)
	if code, _, errs := voxgene("train", "net.yaml", "--out", "run"); code != 0 {
		t.Fatal(errs)
	}
	b, err := os.ReadFile(filepath.Join("run", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Baselines []struct {
			Name, By string
			Value    *float64
		}
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, v := range all["subtype"].Baselines {
		if v.Value != nil && v.By == "logistic" {
			judged++
		}
	}
	if judged != 2 { // volume and random numbers; the cohort has no clinical source
		t.Errorf("baselines %s", b)
	}
	page, err := os.ReadFile(filepath.Join("run", "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the models read crops of images and no column", "the linear model that is named stands in", "1 of 1 images contribute", "expected gradients"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if strings.Contains(string(page), "candidate column") {
		t.Error("the report counts columns for a network that reads none")
	}
	code, _, errs := voxgene("train", "net.yaml", "--out", "second", "--set", "models.0.start=run/model.voxgene", "--set", "models.0.freeze=[image.level0]", "--set", "models.0.dimensions=3",
		"--set", "models.0.calibrate=platt", "--set", "honest.baselines=[]")
	if code != 0 {
		t.Fatal(errs)
	}
	made := 0 // the map of a calibrated network is the network's; for one of the classes it may be 0 everywhere
	for _, class := range []string{"A", "B"} {
		if code, _, errs := voxgene("cam", "second/model.voxgene", "net.yaml", "--patient", "P0001", "--class", class, "-o", "m.nii.gz"); code == 0 {
			made++
		} else if !strings.Contains(errs, "the map is 0 everywhere") {
			t.Errorf("exit %d: %s", code, errs)
		}
	}
	if made == 0 {
		t.Error("there is no map of either class")
	}
	if b, err = os.ReadFile(filepath.Join("second", "model.voxgene")); err != nil || strings.Contains(string(b), "run/model.voxgene") {
		t.Errorf("the bundle names the file that it started from: %v", err)
	}
	if code, _, errs = voxgene("cam", "second/model.voxgene", "net.yaml", "--patient", "P0001", "--row", "v1", "-o", "m.nii.gz"); code != 2 || !strings.Contains(errs, "a row of this model is a patient") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// A network learns from the images of visits, and a map is of one of them.
func TestNetworkOfVisits(t *testing.T) {
	networkCohort(t, "id: patient}", "id: patient, unit: visit}", "{patient}/", "{patient}/{visit}/", "modality: MR,", "modality: MR, visits: {each: [v1, v2]},",
		"honest: {permutations: 0}", "honest: {permutations: 0, baselines: []}")
	folders, err := filepath.Glob("c/images/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		for _, visit := range []string{"v1", "v2"} {
			if err := os.Mkdir(filepath.Join(folder, visit), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"t1.nii.gz", "mask.nii.gz"} {
				if err := os.Link(filepath.Join(folder, name), filepath.Join(folder, visit, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if code, _, errs := voxgene("train", "net.yaml", "--out", "run"); code != 0 || !strings.Contains(errs, "24 patients with 48 visits") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if code, out, errs := voxgene("predict", "run/model.voxgene", "net.yaml"); code != 0 || !strings.Contains(out, "\nP0001,v2,") {
		t.Errorf("predict: exit %d: %s%s", code, out, errs)
	}
	if code, _, errs := voxgene("cam", "run/model.voxgene", "net.yaml", "--method", "expected_gradients", "--patient", "P0001", "-o", "m.nii.gz"); code != 2 || !strings.Contains(errs, "name it with --row: v1, v2") {
		t.Errorf("cam of two visits: exit %d: %s", code, errs)
	}
	if code, _, errs := voxgene("cam", "run/model.voxgene", "net.yaml", "--method", "expected_gradients", "--patient", "P0001", "--row", "v2", "-o", "m.nii.gz"); code != 0 {
		t.Errorf("cam of a visit: exit %d: %s", code, errs)
	}
	if code, out, errs := voxgene("explain", "run/model.voxgene", "net.yaml", "--patient", "P0001", "--row", "v2"); code != 0 || strings.Contains(out, ",v1,") || !strings.Contains(out, "P0001,v2,") {
		t.Errorf("explain of a visit: exit %d: %s%s", code, out, errs)
	}
}
