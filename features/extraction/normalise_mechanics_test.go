package extraction_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
)

// A scan of a bright ball in air, twice: the second is brighter throughout, as another scanner would make it. On a scale of its own tissue
// both are one.
func TestNormaliseScanners(t *testing.T) {
	dir := t.TempDir()
	mask := filepath.Join(dir, "mask.nii")
	g := image.Grid{Size: [3]int{24, 24, 24}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	scans := make([]string, 2)
	for n := range scans {
		v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
		for at := range v.Values {
			r := math.Hypot(math.Hypot(float64(at%24)-12, float64(at/24%24)-12), float64(at/576)-12)
			if r < 9 {
				v.Values[at] = float64(100+at%37) * float64(1+2*n)
				m.Labels[at] = 2
			}
			if r < 4 {
				m.Labels[at] = 1
			}
		}
		scans[n] = filepath.Join(dir, []string{"a.nii", "b.nii"}[n])
		if err := nifti.Write(scans[n], v, image.Int16); err != nil {
			t.Fatal(err)
		}
	}
	if err := nifti.WriteMask(mask, m); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"{normalise: {method: zscore, within: [1, 2]}}", "{normalise: {method: reference, within: [2]}}", "{normalise: {method: white_stripe, peak: largest}}"} {
		a, b := volumes(t, text, scans[0], mask), volumes(t, text, scans[1], mask)
		if x, y := a["original_firstorder_Mean"], b["original_firstorder_Mean"]; math.Abs(x-y) > 1e-6*math.Abs(x) || x == 0 {
			t.Errorf("%s: %g and %g", text, x, y)
		}
	}
	one, err := plan(t, "{normalise: {method: zscore}}")
	if err != nil {
		t.Fatal(err)
	}
	r, err := one.Extract(scans[0], mask)
	if err != nil || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "a third or more of the image is background") {
		t.Errorf("notes %v (%v)", r.Notes, err)
	}
	one.Normalise, one.Parameters.Normalize = nil, true // PyRadiomics' own
	if r, err = one.Extract(scans[0], mask); err != nil || len(r.Notes) != 1 {
		t.Errorf("notes %v (%v)", r.Notes, err)
	}
	for text, want := range map[string]string{
		"{normalise: {method: reference}}":                                           "within names the labels of the reference region",
		"{normalise: {method: nyull}}":                                               "want zscore, white_stripe, reference or nyul",
		"{normalise: {method: zscore, peak: last}}":                                  "peak and width are of white_stripe",
		"{normalise: {method: white_stripe, peak: middle}}":                          "want last, largest or first",
		"{normalise: {method: white_stripe, width: 0.7}}":                            "less than 0.5",
		"{normalise: {within: [1]}}":                                                 "method",
		"{normalise: {method: nyul}, volume: {spacing: [1, 1, 1], size: [8, 8, 8]}}": "tested on patients who taught its scale",
		"{stack: {spacing: [1, 1]}}":                                                 "spacing has 2 numbers",
		"{stack: {spacing: [1, 1, 1]}, suv: bw}":                                     "keep one",
	} {
		if _, err := plan(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if _, err := plan(t, "{normalise: {method: nyul, scale: [1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 100]}, volume: {spacing: [1, 1, 1], size: [8, 8, 8]}}"); err != nil {
		t.Errorf("a published scale: %v", err)
	}
	one, err = plan(t, "{normalise: {method: zscore, within: [7]}}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Extract(scans[0], mask); err == nil || !strings.Contains(err.Error(), "0 values to take a scale from") {
		t.Errorf("absent label: %v", err)
	}
}
