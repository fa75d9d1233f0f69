package radiomics_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/radiomics"
)

// A region in voxels of twice the size has features of shape that are 2, 4 or 8 times as large, or half, as their units say, and ratios that are the same.
func TestUnit(t *testing.T) {
	v, m := ball(12)
	measure := func(spacing float64) map[string]float64 {
		g := v.Grid
		g.Spacing = [3]float64{spacing, spacing, spacing}
		scaled, mask := *v, *m
		scaled.Grid, mask.Grid = g, g
		out := map[string]float64{}
		for _, class := range []string{"shape", "shape2D"} {
			p := radiomics.DefaultParams()
			p.Force2D = class == "shape2D"
			p.Classes = []radiomics.Class{{Name: class}}
			if class == "shape2D" {
				labels := make([]uint16, len(m.Labels))
				slice := g.Size[0] * g.Size[1]
				middle := g.Size[2] / 2
				copy(labels[middle*slice:(middle+1)*slice], m.Labels[middle*slice:])
				mask.Labels = labels
			}
			features, err := radiomics.Extract(&scaled, &mask, 1, p)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range byName(features) {
				if strings.Contains(name, "_shape") {
					out[name] = value
				}
			}
		}
		return out
	}
	small, large := measure(1), measure(2)
	if len(small) < 23 {
		t.Fatalf("%d features of shape", len(small))
	}
	for name, value := range small {
		unit := radiomics.Unit(name)
		power, err := 0, error(nil)
		switch digits := strings.TrimPrefix(unit, "mm"); {
		case unit == "1":
		case unit == "mm":
			power = 1
		case strings.HasPrefix(unit, "mm"):
			power, err = strconv.Atoi(digits)
		default:
			t.Errorf("%s has no unit", name)
			continue
		}
		if ratio := large[name] / value; err != nil || math.Abs(ratio-math.Pow(2, float64(power))) > 1e-9 {
			t.Errorf("%s in %s is %v times as large", name, unit, ratio)
		}
	}
	for column, want := range map[string]string{"core.original_shape_MeshVolume": "mm3", "original_shape2D_Perimeter": "mm", "delta_original_shape_MeshVolume": "", "original_firstorder_Mean": "", "original_shape_Mean": "", "shape_MeshVolume": "",
		"original_shape_Sphericity": "1", "original_shape_Compactness1": "", "wavelet-LLL_glcm_Contrast": "", "original_shapes_MeshVolume": ""} {
		if got := radiomics.Unit(column); got != want {
			t.Errorf("%s: %q, want %q", column, got, want)
		}
	}
}
