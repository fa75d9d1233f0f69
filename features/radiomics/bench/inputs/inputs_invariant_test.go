package inputs_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/radiomics/bench/inputs"
)

// NRRD and DICOM hold one scan, which is the same however often it is made, and masks lie on it and are as large as they should be.
func TestInputsInvariant(t *testing.T) {
	dir := t.TempDir()
	s := inputs.Scan{Size: [3]int{90, 80, 31}, Seed: 3}
	nrrd, series, mask := filepath.Join(dir, "ct.nrrd"), filepath.Join(dir, "ct"), filepath.Join(dir, "mask.nrrd")
	for _, err := range []error{s.WriteImage(nrrd), s.WriteSeries(series), s.WriteMask(mask, 5000)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	a, err := open.Volume(nrrd)
	if err != nil {
		t.Fatal(err)
	}
	b, err := open.Volume(series)
	if err != nil {
		t.Fatal(err)
	}
	if err := image.SameGrid(a.Grid, b.Grid, 0); err != nil || !slices.Equal(a.Values, b.Values) {
		t.Errorf("NRRD and DICOM differ (%v)", err)
	}
	m, err := open.MaskOn(mask, a.Grid, 1)
	if err != nil {
		t.Fatal(err)
	}
	n, inside := 0, 0.0
	for i, l := range m.Labels {
		if l == 1 {
			n++
			inside += a.Values[i]
		}
	}
	if math.Abs(float64(n)/5000-1) > 0.02 {
		t.Errorf("%d voxels, want about 5000", n)
	}
	if mean := inside / float64(n); math.Abs(mean-40) > 5 {
		t.Errorf("a mean of %g HU, want about 40", mean)
	}
	if a.Values[0] > -700 {
		t.Errorf("%g HU in the corner, want air", a.Values[0])
	}
}
