package radiomics_test

import (
	"math/rand/v2"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// Regions of a few voxels, scattered anywhere, are measured by both profiles and as reports do; no mesh is larger than its convex hull.
func TestSmallRegions(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	g := image.Grid{Size: [3]int{6, 5, 4}, Spacing: [3]float64{1, 1.5, 2}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, g.Voxels())}
	for i := range v.Values {
		v.Values[i] = float64(r.IntN(200) - 50)
	}
	p := radiomics.DefaultParams()
	p.MinimumROIDimensions = 1
	s := radiomics.DefaultStandard()
	s.Dimensions = []string{"2D", "2.5D", "3D"}
	in := image.Reading{Volume: v, Whole: g, Region: g.Box()}
	for n := 2; n < 60; n++ {
		m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
		for range n/6 + 2 {
			m.Labels[r.IntN(len(m.Labels))] = 1
		}
		count := 0.0
		for _, l := range m.Labels {
			count += float64(l)
		}
		if count < 2 {
			continue
		}
		features, err := radiomics.Extract(v, m, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		if got := byName(features)["original_shape_VoxelVolume"]; got != 3*count {
			t.Errorf("%v voxels of 3 mm³ have the volume %v", count, got)
		}
		standard, err := radiomics.ExtractStandard(v, m, 1, s)
		if err != nil {
			t.Fatal(err)
		}
		got := byName(standard)
		if d := got["morph_vol_dens_conv_hull"]; !(d > 0 && d < 1+1e-6) {
			t.Errorf("%v voxels fill %v of their convex hull", count, d)
		}
		if got["morph_vol_approx"] != 3*count {
			t.Errorf("%v voxels have the volume %v", count, got["morph_vol_approx"])
		}
		if _, err := radiomics.Conventional(in, m, 1); err != nil {
			t.Fatal(err)
		}
	}
}

// Images of one to three voxels along an axis give every image type that they are large enough for, and coarse spacing that leaves no voxel of
// the region is an error.
func TestSmallImages(t *testing.T) {
	p := parsed(t, "{imageType: {Original: , LoG: {sigma: [1.0]}, Wavelet: {level: 2}, Square: , SquareRoot: , Logarithm: , Exponential: , Gradient: , LBP2D: , LBP3D: }, setting: {minimumROIDimensions: 1}}")
	coarse := parsed(t, "setting: {minimumROIDimensions: 1, resampledPixelSpacing: [50, 50, 50]}")
	r := rand.New(rand.NewPCG(8, 8))
	for code := range 27 {
		g := image.Grid{Size: [3]int{1 + code%3, 1 + code/3%3, 1 + code/9}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
		v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, g.Voxels())}
		m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
		for i := range m.Labels {
			v.Values[i], m.Labels[i] = float64(1+r.IntN(90)), 1
		}
		features, err := radiomics.Extract(v, m, 1, p)
		if code == 0 {
			if err == nil {
				t.Error("one voxel was measured")
			}
			continue
		}
		if err != nil {
			t.Fatalf("%v: %v", g.Size, err)
		}
		if _, ok := byName(features)["lbp-3D-k_firstorder_Mean"]; !ok {
			t.Errorf("%v: %d columns", g.Size, len(features))
		}
		_, _ = radiomics.Extract(v, m, 1, coarse) // a value or an error, and no panic
	}
}
