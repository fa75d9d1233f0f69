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
