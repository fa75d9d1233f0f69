package main

import (
	"encoding/csv"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image/nifti"
)

// A map is on the grid of the image and sums to what extract says.
func TestExtractMap(t *testing.T) {
	dir := t.TempDir()
	scan, mask := writePair(t, dir)
	path := filepath.Join(dir, "map.nii.gz")
	code, out, errs := voxgene("extract", scan, mask, "--label", "3", "--map", "original_firstorder_Energy", "-o", path)
	if code != 0 || out != "" || !strings.Contains(errs, "the parts sum to it") {
		t.Fatal(code, out, errs)
	}
	v, err := nifti.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, x := range v.Values {
		sum += x
	}
	_, out, _ = voxgene("extract", scan, mask, "--label", "3")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want, err := strconv.ParseFloat(rows[1][slices.Index(rows[0], "original_firstorder_Energy")], 64)
	if err != nil || v.Size != [3]int{12, 10, 8} || math.Abs(sum-want) > 1e-5*want {
		t.Errorf("the map of %v voxels sums to %v, the feature is %v (%v)", v.Size, sum, want, err)
	}
	for want, args := range map[string][]string{
		"written as .nii":       {scan, mask, "--map", "original_firstorder_Energy", "-o", "map.csv"},
		"give one --label":      {scan, mask, "--map", "original_firstorder_Energy", "-o", path, "--label", "all"},
		"there is no map of":    {scan, mask, "--map", "original_shape_Sphericity", "-o", path},
		"label not in the mask": {scan, mask, "--map", "original_firstorder_Mean", "-o", path, "--label", "2"},
	} {
		if code, _, errs := voxgene(append([]string{"extract"}, args...)...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: code %d, %s", args, code, errs)
		}
	}
}
