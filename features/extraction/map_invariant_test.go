package extraction

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/radiomics"
)

// The map of a first-order column sums to the column that Extract gives, in each region and in a ring; what has no map is refused.
func TestMapSumsToTheColumn(t *testing.T) {
	dir := t.TempDir()
	g := image.Grid{Size: [3]int{14, 13, 12}, Spacing: [3]float64{1, 1.2, 2}, Direction: [9]float64{-1, 0, 0, 0, -1, 0, 0, 0, 1}}
	v, m := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}, &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for n := range v.Values {
		v.Values[n] = float64(n*7919%211 + n%14)
		if x, y, z := n%14, n/14%13, n/14/13; min(x, y, z) >= 4 && max(x, y, z) < 9 {
			m.Labels[n] = uint16(1 + x%2)
		}
	}
	files := Files{Image: filepath.Join(dir, "v.nii"), Mask: filepath.Join(dir, "m.nii")}
	if err := nifti.Write(files.Image, v, image.Int16); err != nil {
		t.Fatal(err)
	}
	if err := nifti.WriteMask(files.Mask, m); err != nil {
		t.Fatal(err)
	}
	s := &Source{Name: "t1", Plan: Plan{Parameters: radiomics.DefaultParams(), Regions: map[string]Region{
		"core": {Labels: []Label{{Number: 1}}}, "whole": {Labels: []Label{{Number: 1}, {Number: 2}}}, "ring": {Of: "whole", Dilate: 2}}}}
	row, err := s.Extract(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, f := range row.Features {
		if !strings.Contains(f.Name, "original_firstorder_") {
			continue
		}
		got, err := s.Map(files, f.Name, radiomics.MapOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sum, size := 0.0, 0.0
		for _, x := range got.Volume.Values {
			sum, size = sum+x, size+math.Abs(x)
		}
		if !got.Exact || math.Abs(sum-f.Value) > 1e-9*max(size, 1) || got.Feature.Value != f.Value {
			t.Errorf("%s is %v, its map is of %v and sums to %v", f.Name, f.Value, got.Feature.Value, sum)
		}
		compared++
	}
	if compared < 45 {
		t.Errorf("%d columns are compared", compared)
	}
	for _, name := range []string{"t1.core.original_shape_Sphericity", "t1.none.original_firstorder_Mean", "t2.core.original_firstorder_Mean", "t1.core.original_firstorder_Nothing", "t1.core"} {
		if _, err := s.Map(files, name, radiomics.MapOptions{}); err == nil {
			t.Errorf("%s has a map", name)
		}
	}
	s.Lesions = &Lesions{Aggregate: "largest"}
	if _, err := s.Map(files, "t1.core.original_firstorder_Mean", radiomics.MapOptions{}); err == nil {
		t.Error("lesions have a map")
	}
}
