package radiomics_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// A box of known size, place and intensities has the measures that follow from them.
func TestConventional(t *testing.T) {
	g := image.Grid{Size: [3]int{40, 40, 40}, Spacing: [3]float64{1, 1, 1}, Origin: [3]float64{-100, 50, 7}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for k := range 40 {
		for j := range 40 {
			for i := range 40 {
				o := g.Index(i, j, k)
				v.Values[o] = 1
				if i >= 10 && i < 30 && j >= 15 && j < 25 && k >= 18 && k < 22 {
					m.Labels[o] = 1
					v.Values[o] = 3
					if i < 20 {
						v.Values[o] = 10
					}
				}
			}
		}
	}
	in := image.Reading{Volume: v, Whole: g, Region: g.Box()}
	features, err := radiomics.Conventional(in, m, 1)
	if err != nil {
		t.Fatal(err)
	}
	got := byName(features)
	for name, want := range map[string]float64{
		"volume_cm3": 0.8, "centre_x_mm": -100 + 19.5, "centre_y_mm": 50 + 19.5, "centre_z_mm": 7 + 19.5, "parts": 1,
		"recist_long_mm": math.Hypot(20, 9), "intensity_mean": 6.5, "intensity_sd": 3.5, "intensity_min": 3, "intensity_max": 10, "intensity_p50": 6.5,
		"volume_above_41pct_cm3": 0.4, "total_above_41pct": 4, "volume_above_2_5_cm3": 0.8, "total_above_2_5": 5.2, "volume_above_4_0_cm3": 0.4,
	} {
		if x := got["conventional_"+name]; math.Abs(x-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, x, want)
		}
	}
	if long, short := got["conventional_recist_long_mm"], got["conventional_recist_short_mm"]; short <= 0 || short > long {
		t.Errorf("axes of %v and %v mm", long, short)
	}
	if peak := got["conventional_intensity_peak"]; peak <= 3 || peak >= 10 {
		t.Errorf("a sphere of 1 cm³ in a plate of 4 mm has the mean %v", peak)
	}
	if _, err := radiomics.Conventional(in, m, 2); err == nil {
		t.Error("an absent label")
	}
}
