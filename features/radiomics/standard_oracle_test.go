package radiomics_test

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
)

// standardReference is the source of the reference values: the consensus of the Image Biomarker Standardisation Initiative.
const standardReference = "IBSI reference manual"

// checkStandard compares features with a table of reference values, tolerances and tags. References have three significant digits, counts of
// voxels more, and values are rounded to as many before they are compared, as the standard says.
func checkStandard(t *testing.T, configuration, table string, features []radiomics.Feature) {
	t.Helper()
	f, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = ';'
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := byName(features)
	c := oracle.Absolute(t, "all families", configuration, standardReference+", in tolerances", 1)
	for _, row := range all[1:] {
		if row[0] == "" {
			continue
		}
		want, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		tolerance, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		value, ok := got[row[2]]
		if !ok {
			t.Errorf("%s: no column %s", configuration, row[2])
			continue
		}
		digits := 3
		if !strings.ContainsAny(row[0], "eE") { // counts of voxels are given in full
			digits = max(3, len(strings.Trim(strings.ReplaceAll(row[0], ".", ""), "-0")))
		}
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(value, 'g', digits, 64), 64)
		ulp := 1e-9 * math.Abs(want)
		// In units of the tolerance: up to 1 agrees.
		scaled := math.Abs(rounded-want) / (tolerance + ulp)
		if want == rounded {
			scaled = 0
		}
		if scaled > 1 {
			t.Logf("%s: %g, want %g ± %g", row[2], value, want, tolerance)
		}
		c.Near(row[2], scaled, 0)
	}
}

func TestStandardDigitalPhantomOracle(t *testing.T) {
	v, m := pair(t, oracle.Data(t, "ibsi1", "ibsi_1_digital_phantom", "nifti", "image", "phantom.nii.gz"), oracle.Data(t, "ibsi1", "ibsi_1_digital_phantom", "nifti", "mask", "mask.nii.gz"))
	s, err := radiomics.ParseStandard("phantom", []byte("bins: {width: 1}\ndimensions: [2D, 2.5D, 3D]"))
	if err != nil {
		t.Fatal(err)
	}
	features, err := radiomics.ExtractStandard(v, m, 1, s)
	if err != nil {
		t.Fatal(err)
	}
	checkStandard(t, "digital phantom", oracle.Data(t, "ibsi1", "ibsi_1_reference_values", "ibsi_1_dig_phantom.csv"), features)
}

// The CT phantom in configurations A to E, from NIfTI and from DICOM with a structure set. The tables of B and D in testdata are those of the
// reference manual, in the form in which MIRP has them (github.com/oncoray/mirp, test/data/ibsi_1_reference_values).
func TestStandardLungOracle(t *testing.T) {
	folder := oracle.Data(t, "ibsi1", "ibsi_1_ct_radiomics_phantom")
	for source, files := range map[string][2]string{
		"NIfTI":              {"nifti/image/phantom.nii.gz", "nifti/mask/mask.nii.gz"},
		"DICOM and RTSTRUCT": {"dicom/image", "dicom/mask/DCM_RS_00060.dcm"},
	} {
		imagePath, maskPath := filepath.Join(folder, files[0]), filepath.Join(folder, files[1])
		v, err := open.Volume(imagePath)
		if err != nil {
			t.Fatal(err)
		}
		m, err := open.MaskFor(maskPath, imagePath)
		if err != nil {
			t.Fatal(err)
		}
		for configuration, text := range map[string]string{
			"a": "round: true\nrange: [-500, 400]\nbins: {width: 25}\ndimensions: [2D, 2.5D]\ndiagnostics: true",
			"b": "round: true\nspacing: [2, 2, 0]\ninterpolation: linear\nrange: [-500, 400]\nbins: {count: 32}\ndimensions: [2D, 2.5D]\ndiagnostics: true",
			"c": "round: true\nspacing: [2, 2, 2]\ninterpolation: linear\nrange: [-1000, 400]\nbins: {width: 25}\nivh: {width: 2.5}\ndiagnostics: true",
			"d": "round: true\nspacing: [2, 2, 2]\ninterpolation: linear\noutliers: 3\nbins: {count: 32}\ndiagnostics: true",
			"e": "round: true\nspacing: [2, 2, 2]\ninterpolation: cubic\nrange: [-1000, 400]\noutliers: 3\nbins: {count: 32}\nivh: {count: 1000}\ndiagnostics: true",
		} {
			s, err := radiomics.ParseStandard(configuration, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			features, err := radiomics.ExtractStandard(v, m, 1, s)
			if err != nil {
				t.Fatal(err)
			}
			table := filepath.Join("testdata", "ibsi_1_chest_config_"+configuration+".csv")
			if _, err := os.Stat(table); err != nil {
				table = oracle.Data(t, "ibsi1", "ibsi_1_reference_values", "ibsi_1_chest_config_"+configuration+".csv")
			}
			checkStandard(t, "CT phantom, "+configuration+", "+source, table, features)
		}
	}
}

// The embedded phantom is the published one, and the program's own check of it passes for every value with a consensus.
func TestPhantomOracle(t *testing.T) {
	v, m := pair(t, oracle.Data(t, "ibsi1", "ibsi_1_digital_phantom", "nifti", "image", "phantom.nii.gz"), oracle.Data(t, "ibsi1", "ibsi_1_digital_phantom", "nifti", "mask", "mask.nii.gz"))
	ours, mask := radiomics.Phantom()
	if !slices.Equal(v.Values, ours.Values) || !slices.Equal(m.Labels, mask.Labels) || v.Spacing != ours.Spacing {
		t.Error("not the published phantom")
	}
	checked, err := radiomics.CheckPhantom()
	if err != nil {
		t.Fatal(err)
	}
	if len(checked) != 482 {
		t.Errorf("%d values with a consensus, want 482", len(checked))
	}
	for _, c := range checked {
		if !c.Agrees {
			t.Errorf("%s: %g, want %g ± %g", c.Tag, c.Value, c.Reference, c.Tolerance)
		}
	}
	// Every column of the standard has its codes.
	s := radiomics.DefaultStandard()
	s.Dimensions = []string{"2D", "2.5D", "3D"}
	features, err := radiomics.ExtractStandard(ours, mask, 1, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range radiomics.Dictionary(features) {
		if e.Code == "" || e.Family == "" || e.Name == "" {
			t.Errorf("column %s has no code", e.Column)
		}
	}
}

// Phase 2 of the standard: statistics of filtered images of the CT phantom, filters 1 to 9 in 2D (A) and in 3D (B).
func TestStandardFiltersOracle(t *testing.T) {
	v, m := pair(t, oracle.Data(t, "ibsi1", "ibsi_1_ct_radiomics_phantom", "nifti", "image", "phantom.nii.gz"), oracle.Data(t, "ibsi1", "ibsi_1_ct_radiomics_phantom", "nifti", "mask", "mask.nii.gz"))
	got := map[string]float64{}
	for _, text := range []string{`
round: true
range: [-1000, 400]
families: [statistics]
filters:
  - {name: 1.A, kind: none, dimensions: 2}
  - {name: 2.A, kind: mean, size: 5, dimensions: 2}
  - {name: 3.A, kind: log, sigma: 1.5, dimensions: 2}
  - {name: 4.A, kind: laws, kernels: L5E5, rotation_invariant: true, energy: 7, dimensions: 2}
  - {name: 5.A, kind: gabor, sigma: 5, wavelength: 2, gamma: 1.5, theta_step: 22.5, dimensions: 2}
  - {name: 6.A, kind: wavelet, wavelet: db3, band: LH, rotation_invariant: true, dimensions: 2}
  - {name: 7.A, kind: wavelet, wavelet: db3, band: HH, level: 2, rotation_invariant: true, dimensions: 2}
  - {name: 8.A, kind: simoncelli, dimensions: 2}
  - {name: 9.A, kind: simoncelli, level: 2, dimensions: 2}
`, `
round: true
spacing: [1, 1, 1]
range: [-1000, 400]
families: [statistics]
filters:
  - {name: 1.B, kind: none}
  - {name: 2.B, kind: mean, size: 5}
  - {name: 3.B, kind: log, sigma: 1.5}
  - {name: 4.B, kind: laws, kernels: L5E5E5, rotation_invariant: true, energy: 7}
  - {name: 5.B, kind: gabor, sigma: 5, wavelength: 2, gamma: 1.5, theta_step: 22.5}
  - {name: 6.B, kind: wavelet, wavelet: db3, band: LLH, rotation_invariant: true}
  - {name: 7.B, kind: wavelet, wavelet: db3, band: HHH, level: 2, rotation_invariant: true}
  - {name: 8.B, kind: simoncelli}
  - {name: 9.B, kind: simoncelli, level: 2}
`} {
		s, err := radiomics.ParseStandard("phase 2", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		features, err := radiomics.ExtractStandard(v, m, 1, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range features {
			got[f.Name] = f.Value
		}
	}
	f, err := os.Open(oracle.Data(t, "ibsi2", "reference_feature_values", "reference_values.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = ';'
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	checks := map[string]*oracle.Check{}
	for _, row := range all[1:] {
		if row[3] == "" {
			continue
		}
		want, err := strconv.ParseFloat(row[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		tolerance, err := strconv.ParseFloat(row[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		c := checks[row[0]]
		if c == nil {
			c = oracle.Absolute(t, "filtered statistics", "CT phantom, filter "+row[0], standardReference+", in tolerances", 1)
			checks[row[0]] = c
		}
		value, ok := got[row[0]+"_"+row[2]]
		if !ok {
			t.Errorf("no column %s_%s", row[0], row[2])
		}
		scaled := math.Abs(value-want) / (tolerance + 1e-9*math.Abs(want))
		if scaled > 1 {
			t.Logf("%s %s: %g, want %g ± %g", row[0], row[2], value, want, tolerance)
		}
		c.Near(row[2], scaled, 0)
	}
}
