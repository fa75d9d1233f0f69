package radiomics_test

import (
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

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
		if !strings.Contains(row[0], "e") { // counts of voxels are given in full
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

func TestStandardLungOracle(t *testing.T) {
	v, m := pair(t, oracle.Data(t, "ibsi1", "ibsi_1_ct_radiomics_phantom", "nifti", "image", "phantom.nii.gz"), oracle.Data(t, "ibsi1", "ibsi_1_ct_radiomics_phantom", "nifti", "mask", "mask.nii.gz"))
	for configuration, text := range map[string]string{
		"a": "round: true\nrange: [-500, 400]\nbins: {width: 25}\ndimensions: [2D, 2.5D]\ndiagnostics: true",
		"c": "round: true\nspacing: [2, 2, 2]\ninterpolation: linear\nrange: [-1000, 400]\nbins: {width: 25}\nivh: {width: 2.5}\ndiagnostics: true",
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
		checkStandard(t, "CT phantom, "+configuration, oracle.Data(t, "ibsi1", "ibsi_1_reference_values", "ibsi_1_chest_config_"+configuration+".csv"), features)
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
