package main

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image/nifti"
)

// lesionsOfTheGuide looks at what the guide's commands on lesions left: a row a lesion, told by its own texture, and maps in the lesion's own part of the
// scan, which is 36 voxels wide for each lesion, the largest first.
func lesionsOfTheGuide(t *testing.T) {
	t.Helper()
	read := func(path string) [][]string {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	truth, right := map[string]string{}, 0
	for _, r := range read("lesions/lesions.csv")[1:] {
		truth[r[0]+" "+r[1]] = r[2]
	}
	got := read("lesions.csv")
	for _, r := range got[1:] {
		if truth[r[0]+" "+r[1]] == r[2] {
			right++
		}
	}
	if strings.Join(got[0][:3], ",") != "patient,lesion,subtype.label" || len(got)-1 != len(truth) || right < len(truth)*9/10 {
		t.Errorf("%d of %d lesions have their subtype", right, len(truth))
	}
	for _, path := range []string{"lesion2.nii.gz", "p1l2/subtype-B-t1.nii.gz"} {
		v, err := nifti.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		own, other := 0, 0
		for i, x := range v.Values {
			if at := i % v.Size[0]; x == 0 {
			} else if at >= 36 && at < 72 {
				own++
			} else {
				other++
			}
		}
		if v.Size[0] < 72 || own == 0 || other > 0 {
			t.Errorf("%s: %d voxels in the lesion's part of the scan and %d elsewhere, of %v", path, own, other, v.Size)
		}
	}
}

// Lesions have columns of a frozen encoder and of one that is trained in the fold, each from its own crop, whether labels or components tell them apart.
func TestDeepFeaturesOfLesions(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, _, errs := voxgene("phantom", "c", "--patients", "16", "--plant", "texture", "--lesions", "2", "--seed", "4"); code != 0 {
		t.Fatal(errs)
	}
	source := `image: "c/images/{patient}/t1.nii.gz", mask: "c/images/{patient}/mask.nii.gz", lesions: {from: components}`
	crop := `volume: {spacing: [2, 2, 3], size: [8, 8, 5], mask: crop}`
	head := `name: net
seed: 3
cohort: {patients: c/patients.csv, id: patient, unit: lesion}
sources:
  - {name: t1, kind: images, ` + source + `, parameters: {imageType: {Original: {}}, featureClass: {shape: [VoxelVolume]}}, ` + crop + `}
`
	tail := `outcomes: [{name: subtype, kind: class, path: c/lesions.csv, lesion: lesion, column: subtype}]
validation: {scheme: cv, folds: 2, repeats: 1}
honest: {permutations: 0, baselines: []}
`
	for name, text := range map[string]string{
		"cnn.yaml":  head + tail + "models: [{kind: cnn, widths: [2], epochs: 1, holdout: 0, norm: none}]\n",
		"deep.yaml": head + "  - {name: deep, kind: deep, encoder: cnn/model.voxgene, " + source + ", " + crop + "}\n" + tail + "pipeline: [{step: deep, widths: [2], epochs: 1, holdout: 0, norm: none}]\nmodels: [{kind: logistic}]\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"cnn", "deep"} {
		if code, _, errs := voxgene("train", name+".yaml", "--out", name); code != 0 {
			t.Fatal(errs)
		}
	}
	code, out, errs := voxgene("explain", "deep/model.voxgene", "deep.yaml", "--top", "100")
	if code != 0 {
		t.Fatal(errs)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	lesions, values, sums := map[string]int{}, map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, r := range rows[1:] {
		if r[9] == "deep.feature_0" || r[9] == "t1.original_shape_VoxelVolume" { // to which the columns of the step's network are added
			if values[r[0]] == nil {
				values[r[0]], sums[r[0]] = map[string]bool{}, map[string]bool{}
			}
			lesions[r[0]]++
			values[r[0]][r[10]], sums[r[0]][r[11]] = true, true
		}
	}
	several := 0
	for p, n := range lesions {
		if len(values[p]) != n || len(sums[p]) != n {
			t.Errorf("%s: %d of %d values and contributions differ", p, len(values[p]), n)
		}
		if n > 2 {
			several++
		}
	}
	if several < 3 {
		t.Errorf("%d patients have two lesions, of %v", several, lesions)
	}
}
