package main

import (
	"encoding/json"
	"fmt"
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

// What is wrong with a network, its crops or the file that it starts from is said before the first fit, with its place and what to do.
func TestNetworkFaults(t *testing.T) {
	networkCohort(t)
	if code, _, errs := voxgene("train", "net.yaml", "--out", "run", "--set", "honest.baselines=[]"); code != 0 {
		t.Fatal(errs)
	}
	deep := "pipeline=[{step: deep, epochs: 1, widths: [2], %s}]"
	logistic := "models=[{kind: logistic}]"
	beside := `sources=[{name: t1, kind: images, image: "c/images/{patient}/t1.nii.gz", mask: "c/images/{patient}/mask.nii.gz", parameters: {imageType: {Original: {}}, featureClass: {shape: [VoxelVolume]}}, ` +
		"volume: {spacing: [4, 4, 6], size: [6, 6, 4]}}, {name: c, kind: table, path: c/patients.csv, columns: [age]}]"
	for _, c := range []struct {
		want string
		set  []string
	}{
		{"models.0.widths: 4.5 is not a whole number", []string{"models.0.widths=[4.5]"}},
		{"models.0.widths: want one level or more", []string{"models.0.widths=[]"}},
		{"models.0.widths: between two of the 5 levels space is halved, and after 3 of them there is one place left of a crop of [6 6 4] voxels: want at most 3 levels", []string{"models.0.widths=[2, 2, 2, 2, 2]"}},
		{"models.0.kernel: 2 is even", []string{"models.0.kernel=2"}},
		{`did you mean "kernel"?`, []string{"models.0.kernle=3"}},
		{`dimensions: "4" is not one of [2 2.5 3]`, []string{"models.0.dimensions=4"}},
		{"models.0.dimensions: a network in 2 dimensions reads one slice and the crops have 4: take one with volume: {size: [x, y, 1]}, or dimensions: 2.5", []string{"models.0.dimensions=2"}},
		{`models.0.augment: "wobble" is none of`, []string{"models.0.augment=[wobble]"}},
		{`models.0.images: no source "flair" makes crops (volume: {…}); those that do are t1`, []string{"models.0.images=[flair]"}},
		{`models.0.images: source "t1" is named twice`, []string{"models.0.images=[t1, t1]"}},
		{"learning_rate: 100 is not between", []string{"models.0.learning_rate=100"}},
		{"models.0.batch: 400 rows a step are more than the 24 there are", []string{"models.0.batch=400"}},
		{"a step of 16 rows holds", []string{"models.0.widths=[4096]", "models.0.depth=8", "sources.0.volume.size=[64, 64, 64]"}},
		{"models.0.start: open nowhere.voxgene", []string{"models.0.start=nowhere.voxgene"}},
		{"models.0.start: net.yaml is neither a bundle nor a .safetensors file", []string{"models.0.start=net.yaml"}},
		{"models.0.start: run/model.voxgene holds no layer of this network: image.level0.block0.conv1.weight is [3 125 2] here and [2 27 2] there",
			[]string{"models.0.start=run/model.voxgene", "models.0.widths=[3]", "models.0.kernel=5"}},
		{"image.level0.block0.conv1.weight is [3 27 2] here and [2 27 2] there, so that it cannot stay", []string{"models.0.start=run/model.voxgene", "models.0.widths=[3]", "models.0.freeze=[image.level0]"}},
		{`models.0.freeze: no layer has the form "image.level9"; there are image.level0, head0`, []string{"models.0.start=run/model.voxgene", "models.0.freeze=[image.level9]", "models.0.calibrate=platt"}},
		{"models.0.freeze: every layer is frozen", []string{"models.0.start=run/model.voxgene", `models.0.freeze=["*"]`}},
		{"models.0.freeze: layers keep what they start with, which is drawn at random without start", []string{"models.0.freeze=[image.level0]"}},
		{`models.0.outcomes: no outcome "death"; there are [subtype]`, []string{"models.0.joint=true", "models.0.outcomes=[subtype, death]"}},
		{"images: a network over images needs crops", []string{"sources=[{name: c, kind: table, path: c/patients.csv, columns: [age]}]"}},
		{"at most 4194304 together", []string{"sources.0.volume.size=[400,400,400]"}},
		{"several lesions become one row by aggregate", []string{"sources.0.lesions={from: components}"}},
		{"no source tells lesions apart", []string{"cohort={patients: c/patients.csv, id: patient, unit: lesion}"}},
		{`pipeline.0.layer: the network has no layer "image.level4"; it has image.level0, image.pooled`, []string{fmt.Sprintf(deep, "layer: image.level4"), logistic}},
		{`pipeline.0.images: no source "t9" makes crops`, []string{fmt.Sprintf(deep, "images: [t9]"), logistic}},
		{"pipeline.0.batch: 400 rows", []string{fmt.Sprintf(deep, "batch: 400"), logistic}},
		{`pipeline.1: prefix: column "t1.deep_0" would be there twice`, []string{"pipeline=[{step: deep, widths: [2], epochs: 1}, {step: deep, widths: [2], epochs: 1}]", logistic}},
		{"pipeline.0.on: no column of source t1 is there for the step to stand beside", []string{beside, fmt.Sprintf(deep, "on: c"), logistic}},
		{"source t1: volume: the network reads crops of 2 channels of [6 6 4] voxels, and was given 2 of [6 6 5]",
			[]string{`sources=[{name: t1, kind: deep, image: "c/images/{patient}/t1.nii.gz", mask: "c/images/{patient}/mask.nii.gz", encoder: run/model.voxgene, volume: {spacing: [4, 4, 6], size: [6, 6, 5]}}]`, logistic}},
	} {
		args := []string{"train", "net.yaml", "--out", "bad"}
		for _, s := range c.set {
			args = append(args, "--set", s)
		}
		if code, _, errs := voxgene(args...); code != 2 || !strings.Contains(errs, c.want) || strings.Contains(errs, "fold 1") {
			t.Errorf("%s: exit %d: %s\nwant %s", c.set, code, errs, c.want)
		}
	}
	// All of a file at once, at their places.
	text, err := os.ReadFile("net.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(text), "widths: [2], epochs: 1", "widths: [2, 2, 2, 2, 2], epochs: 1, images: [t1, t7], kernel: 4, augment: [spin]", 1)
	bad += "pipeline: [{step: deep, widths: [2], layer: last}, {step: impute}]\n"
	if err := os.WriteFile("bad.yaml", []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := voxgene("train", "bad.yaml", "--out", "bad")
	for _, want := range []string{"bad.yaml:7:84: models.0.kernel: 4 is even", `bad.yaml:7:66: models.0.images: no source "t7" makes crops`, `models.0.augment: "spin"`, `bad.yaml:10:45: pipeline.0.layer: the network has no layer "last"`} {
		if code != 2 || !strings.Contains(errs, want) {
			t.Errorf("exit %d: %s\nwant %s", code, errs, want)
		}
	}
	// A patient of whom a network could read nothing.
	if err := os.RemoveAll(filepath.Join("c", "images", "P0003")); err != nil {
		t.Fatal(err)
	}
	code, _, errs = voxgene("train", "net.yaml", "--out", "bad", "--set", beside)
	if want := "models.0.kind: 1 rows have no image, and a cnn reads nothing else: leave them out (cohort: {exclude: FILE}), or take kind: fusion (P0003)"; code != 2 || !strings.Contains(errs, want) {
		t.Errorf("exit %d: %s\nwant %s", code, errs, want)
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
