package nifti_test

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/image/nifti", 2225)) }

// Values: nibabel 5.0.0 on the files of testdata, which testdata/make.py wrote with it: every type of number in both byte orders and both
// versions, scaling, the three methods of placing, units, gzip, a pair. An affine of nibabel is in RAS; make.py turns it to LPS and mm.
func TestReadOracle(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]struct {
		Shape  [3]int
		Affine [16]float64
		Values []float64
	}
	if err := json.Unmarshal(b, &expected); err != nil {
		t.Fatal(err)
	}
	values := oracle.Absolute(t, "voxel values", "49 files", "nibabel 5.0.0", 0)
	place := oracle.Absolute(t, "affine, mm", "49 files", "nibabel 5.0.0", 1e-4)
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		want := expected[name]
		v, err := nifti.Read(filepath.Join("testdata", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if v.Size != want.Shape {
			t.Errorf("%s: size %v, want %v", name, v.Size, want.Shape)
			continue
		}
		for i := range want.Values {
			values.Near(name, v.Values[i], want.Values[i])
		}
		for r := range 3 {
			for c := range 3 {
				place.Near(name, v.Direction[3*r+c]*v.Spacing[c], want.Affine[4*r+c])
			}
			place.Near(name, v.Origin[r], want.Affine[4*r+3])
		}
	}
}

// Values: nibabel 5.0.0, get_fdata() and affine of the files named; the two counts of the CT phantom are IBSI's as well.
func TestMasksOracle(t *testing.T) {
	root := oracle.Data(t)
	check := oracle.Absolute(t, "labelled voxels", "prostate and IBSI masks", "nibabel 5.0.0", 0)
	for _, c := range []struct {
		path   []string
		labels []int // voxels of label 1, 2, …
	}{
		{[]string{"dicom", "autoradiomics_nifti", "prostate", "seg_two_labels.nii.gz"}, []int{19401, 2499}},
		{[]string{"dicom", "autoradiomics_nifti", "prostate", "seg_single_slice.nii.gz"}, []int{2733, 0}},
		{[]string{"dicom", "autoradiomics_nifti", "prostate", "seg_dilated_10mm.nii.gz"}, []int{70101, 0}},
		{[]string{"dicom", "autoradiomics_nifti", "prostate", "seg_one_label.nii.gz"}, []int{19401, 0}},
		{[]string{"dicom", "autoradiomics_nifti", "prostate", "seg_empty.nii.gz"}, []int{0, 0}},
		{[]string{"ibsi1", "ibsi_1_ct_radiomics_phantom", "nifti", "mask", "mask.nii.gz"}, []int{125256}},
		{[]string{"ibsi1", "ibsi_1_digital_phantom", "nifti", "mask", "mask.nii.gz"}, []int{74}},
	} {
		m, err := nifti.ReadMask(filepath.Join(append([]string{root}, c.path...)...))
		if err != nil {
			t.Error(err)
			continue
		}
		counts := make([]int, 1<<16)
		for _, l := range m.Labels {
			counts[l]++
		}
		for i, want := range c.labels {
			check.Near(c.path[len(c.path)-1], float64(counts[i+1]), float64(want))
		}
	}
}

// Values: nibabel 5.0.0 for the prostate image; reference values of IBSI 1, diagnostics of the initial image, for the CT phantom.
func TestStatisticsOracle(t *testing.T) {
	prostate, err := nifti.ReadRegion(oracle.Data(t, "dicom", "autoradiomics_nifti", "prostate", "img.nii.gz"), image.Selection{Statistics: true})
	if err != nil {
		t.Fatal(err)
	}
	check := oracle.Relative(t, "whole-image statistics", "prostate", "nibabel 5.0.0, numpy", 1e-12)
	check.Near("minimum", prostate.Statistics.Min, 1.183380365371704)
	check.Near("maximum", prostate.Statistics.Max, 1136.970458984375)
	check.Near("mean", prostate.Statistics.Mean, 40345602.90308213/(105*81*15))
	phantom, err := nifti.ReadRegion(oracle.Data(t, "ibsi1", "ibsi_1_ct_radiomics_phantom", "nifti", "image", "phantom.nii.gz"), image.Selection{Statistics: true})
	if err != nil {
		t.Fatal(err)
	}
	ibsi := oracle.Absolute(t, "initial image", "CT phantom", "IBSI 1, mean_int_init_img and others", 0.5)
	ibsi.Near("mean", phantom.Statistics.Mean, -266)
	ibsi.Near("minimum", phantom.Statistics.Min, -1000)
	ibsi.Near("maximum", phantom.Statistics.Max, 3065)
	for a, want := range [3]float64{204, 201, 60} {
		ibsi.Near("size", float64(phantom.Whole.Size[a]), want)
	}
}

// Values: the cohort's own image_index.csv, which counts the voxels of each mask and says how large its crop is.
func TestGliomaCohortOracle(t *testing.T) {
	f, err := os.Open(oracle.Cohort(t, "tcga-lgg", "image_index.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	check := oracle.Absolute(t, "mask voxels and size", "TCGA-LGG, 110 patients", "cohort's image_index.csv", 0)
	for _, row := range rows[1:] {
		m, err := nifti.ReadMask(oracle.Cohort(t, "tcga-lgg", "nifti_crop", row[0], "mask.nii.gz"))
		if err != nil {
			t.Error(err)
			continue
		}
		n := 0
		for _, l := range m.Labels {
			if l != 0 {
				n++
			}
		}
		number := func(name string) float64 {
			x, err := strconv.ParseFloat(row[column(name)], 64)
			if err != nil {
				t.Error(err)
			}
			return x
		}
		check.Near("mask voxels", float64(n), number("mask_voxels"))
		for a, name := range []string{"crop_dx", "crop_dy", "crop_dz"} {
			check.Near(name, float64(m.Size[a]), number(name))
		}
		if v, err := nifti.Read(oracle.Cohort(t, "tcga-lgg", "nifti_crop", row[0], "flair.nii.gz")); err != nil {
			t.Error(err)
		} else if err := image.SameGrid(v.Grid, m.Grid, image.GridTolerance); err != nil {
			t.Error(err)
		}
	}
}
