package radiomics_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// Values are the same bytes whatever part of the image around the region was read, and the region touching the image's border is fine.
func TestExtractCropped(t *testing.T) {
	v, m := ball(21)
	p := radiomics.DefaultParams()
	p.ResampledPixelSpacing = []float64{1.5, 0, 1.5}
	whole, err := radiomics.ExtractReading(image.Reading{Volume: v, Whole: v.Grid, Region: v.Box(), Statistics: v.Statistics()}, m, 1, p)
	if err != nil {
		t.Fatal(err)
	}
	region, err := radiomics.Reach(m, []int{1}, p).Region(v.Grid)
	if err != nil {
		t.Fatal(err)
	}
	part, err := v.Crop(region)
	if err != nil {
		t.Fatal(err)
	}
	cropped, err := radiomics.ExtractReading(image.Reading{Volume: part, Whole: v.Grid, Region: region, Statistics: v.Statistics()}, m, 1, p)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(whole, cropped) {
		t.Error("the part that was read changes the result")
	}
	region.Max[0]--
	part, _ = v.Crop(region)
	if _, err := radiomics.ExtractReading(image.Reading{Volume: part, Whole: v.Grid, Region: region, Statistics: v.Statistics()}, m, 1, p); err == nil {
		t.Error("too small a part was accepted")
	}
}

// Turning the axes of image and mask, with isotropic voxels, changes no texture: all directions count alike.
func TestExtractTurned(t *testing.T) {
	v, m := ball(15)
	v.Spacing, m.Spacing = [3]float64{1, 1, 1}, [3]float64{1, 1, 1}
	turned, turnedMask := *v, *m
	turned.Values, turnedMask.Labels = slices.Clone(v.Values), slices.Clone(m.Labels)
	n := v.Size[0]
	for k := range n {
		for j := range n {
			for i := range n {
				turned.Values[v.Index(k, i, j)], turnedMask.Labels[v.Index(k, i, j)] = v.Values[v.Index(i, j, k)], m.Labels[v.Index(i, j, k)]
			}
		}
	}
	a, err := radiomics.Extract(v, m, 1, radiomics.DefaultParams())
	if err != nil {
		t.Fatal(err)
	}
	b, err := radiomics.Extract(&turned, &turnedMask, 1, radiomics.DefaultParams())
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		switch a[i].Name {
		case "original_shape_Maximum2DDiameterColumn", "original_shape_Maximum2DDiameterRow", "original_shape_Maximum2DDiameterSlice",
			"original_shape_MeshVolume", "original_shape_SurfaceArea", "original_shape_SurfaceVolumeRatio", "original_shape_Sphericity":
			continue // named after an axis, or measured by a table that prefers some diagonals
		}
		if math.Abs(a[i].Value-b[i].Value) > 1e-9*math.Abs(a[i].Value) {
			t.Errorf("%s: %v, turned %v", a[i].Name, a[i].Value, b[i].Value)
		}
	}
}
