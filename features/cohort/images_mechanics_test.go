package cohort

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
)

// scans writes two visits of two patients, with masks by two readers: a cube of side voxels whose values are the patient's number.
func scans(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "patients.csv"), []byte("patient,idh\np1,0\np2,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := image.Grid{Size: [3]int{12, 12, 12}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	for n, patient := range []string{"p1", "p2"} {
		for k, visit := range []string{"baseline", "week6"} {
			folder := filepath.Join(dir, patient, visit)
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
			for i := range v.Values {
				v.Values[i] = float64((i*7919 + n*31) % 200)
			}
			if err := nifti.Write(filepath.Join(folder, "image.nii"), v, image.Int16); err != nil {
				t.Fatal(err)
			}
			for r, reader := range []string{"A", "B"} {
				m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
				side := 4 + 2*k + r
				for i := range m.Labels {
					if i%12 < side && i/12%12 < side && i/144 < side {
						m.Labels[i] = 1
					}
				}
				if err := nifti.WriteMask(filepath.Join(folder, "mask_"+reader+".nii"), m); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return dir
}

const scanned = `
cohort: {patients: patients.csv, id: patient}
sources:
  - {name: mr, kind: images, image: "{patient}/{visit}/image.nii", mask: "{patient}/{visit}/mask_{reader}.nii", %s}
outcomes: [{name: idh, kind: class, column: idh}]
`

// A visit and a reader are chosen by the paths; the change between visits is (after − before)/before.
func TestImageVisits(t *testing.T) {
	dir := scans(t)
	for keys, want := range map[string]struct {
		column string
		value  float64
	}{
		"readers: {use: A}, visits: {use: baseline}":             {"mr.original_shape_VoxelVolume", 64},
		"readers: {use: B}, visits: {use: week6}":                {"mr.original_shape_VoxelVolume", 343},
		"readers: {use: A}, visits: {change: [baseline, week6]}": {"mr.delta_original_shape_VoxelVolume", 216.0/64 - 1},
	} {
		c, err := load(t, dir, fmt.Sprintf(scanned, keys))
		if err != nil {
			t.Error(err)
			continue
		}
		found := false
		for j, col := range c.Table.Columns {
			if col.Name == want.column {
				found = true
				if got := c.Table.Values[j][0]; math.Abs(got-want.value) > 1e-9 {
					t.Errorf("%s: %g, want %g", keys, got, want.value)
				}
			}
		}
		if !found {
			t.Errorf("%s: no column %s", keys, want.column)
		}
	}
	for keys, want := range map[string]string{
		"visits: {use: baseline}":                                     "the path has {reader}: say whose",
		"readers: {use: A}":                                           "the path has {visit}: say which",
		"readers: {use: A}, visits: {}":                               "want use: one visit, change",
		"readers: {use: A}, visits: {change: [a]}":                    "want use: one visit, change",
		"readers: {use: A}, visits: {use: baseline}, lesions: {}":     "become one row by aggregate: largest",
		"readers: {use: A}, visits: {each: [baseline]}":               "only with cohort: {unit: visit}",
		"readers: {use: A}, visits: {use: baseline}, grid: elsewhere": "want same, mask_to_image or image_to_mask",
	} {
		if _, err := decode(t, fmt.Sprintf(scanned, keys)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "experiment.yaml:4:") {
			t.Errorf("%s: got %v, want %q", keys, err, want)
		}
	}
}

// The masks of several readers tell which features last; they are no columns. A table of another study does too.
func TestStability(t *testing.T) {
	dir := scans(t)
	c, err := load(t, dir, fmt.Sprintf(scanned, "readers: {use: A, stability: [A, B]}, visits: {use: baseline}"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Again) != 2 {
		t.Fatalf("%d readers", len(c.Again))
	}
	const name = "mr.original_shape_VoxelVolume"
	at := c.Table.Find(name)
	for r, want := range []float64{64, 125} {
		if got := c.Again[r].Values[c.Again[r].Find(name)][1]; got != want || r == 0 && got != c.Table.Values[at][1] {
			t.Errorf("reader %d measures %g, want %g", r, got, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "icc.csv"), []byte("feature,icc,low,high\noriginal_shape_VoxelVolume,0.9,0.8,0.95\noriginal_firstorder_Mean,0.9,NaN,0.95\nother,1,1,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err = load(t, dir, fmt.Sprintf(scanned, "readers: {use: A}, visits: {use: baseline}, stability: icc.csv"))
	if err != nil || len(c.Lower) != 2 || c.Lower[name] != 0.8 || !math.IsNaN(c.Lower["mr.original_firstorder_Mean"]) {
		t.Errorf("%v (%v)", c, err)
	}
	for keys, want := range map[string]string{
		"readers: {use: A, stability: [A]}, visits: {use: baseline}":    "want two readers",
		"readers: {use: A, stability: [A, A]}, visits: {use: baseline}": "want two readers",
	} {
		if _, err := decode(t, fmt.Sprintf(scanned, keys)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", keys, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "icc.csv"), []byte("feature,low\nother,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, dir, fmt.Sprintf(scanned, "readers: {use: A}, visits: {use: baseline}, stability: icc.csv")); err == nil || !strings.Contains(err.Error(), "names no column") {
		t.Errorf("a table of other features: %v", err)
	}
}
