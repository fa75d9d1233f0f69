package radiomics

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/image"
)

// Each interpolator gives back a constant image, and the values of the voxels where the new grid has them; all but the Gaussian, which
// smooths. The Gaussian keeps a linear function away from the border, because its weights are symmetric about each voxel's centre.
func TestInterpolators(t *testing.T) {
	g := image.Grid{Size: [3]int{24, 20, 22}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	shifted := g
	shifted.Size, shifted.Spacing, shifted.Origin = [3]int{8, 6, 7}, [3]float64{1, 1.5, 0.7}, [3]float64{7, 6.2, 6.4}
	constant, linear, rough := make([]float64, g.Voxels()), make([]float64, g.Voxels()), make([]float64, g.Voxels())
	for at := range linear {
		i, j, k := at%24, at/24%20, at/480
		constant[at], linear[at], rough[at] = 7, float64(i)+2*float64(j)-3*float64(k), float64((at*7919)%101)
	}
	inside := g
	inside.Size, inside.Origin = [3]int{5, 5, 5}, [3]float64{8, 7, 9}
	apply := func(name string, values []float64, on image.Grid) []float64 {
		at, block := newPositions(g, on), append([]float64(nil), values...)
		return at.values(block, g.Box(), g.Size, name)
	}
	for _, name := range []string{"sitkLinear", "sitkBSpline", "sitkGaussian", "sitkHammingWindowedSinc", "sitkCosineWindowedSinc",
		"sitkWelchWindowedSinc", "sitkLanczosWindowedSinc", "sitkBlackmanWindowedSinc"} {
		for _, x := range apply(name, constant, shifted) {
			if tolerance := map[bool]float64{true: 0.15, false: 1e-9}[sincWindows[name] != nil]; math.Abs(x-7) > tolerance {
				t.Fatalf("%s: a constant of 7 becomes %g", name, x)
			}
		}
		on := apply(name, rough, inside)
		for at, x := range on {
			want := rough[g.Index(8+at%5, 7+at/5%5, 9+at/25)]
			if name == "sitkGaussian" {
				want = apply(name, linear, inside)[at]
				x = linear[g.Index(8+at%5, 7+at/5%5, 9+at/25)]
			}
			if math.Abs(x-want) > 1e-9*101 {
				t.Fatalf("%s: voxel %d is %g on its own place, want %g", name, at, x, want)
			}
		}
	}
}

// An image of a type without negative numbers has none after the overshoot of a spline.
func TestResampleLimits(t *testing.T) {
	g := image.Grid{Size: [3]int{20, 20, 20}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, g.Voxels())}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for at := range v.Values {
		if at%20 >= 10 {
			v.Values[at] = 60000
		}
		if i, j, k := at%20, at/20%20, at/400; min(i, j, k) > 4 && max(i, j, k) < 15 {
			m.Labels[at] = 1
		}
	}
	p, err := ParseParams("p.yaml", []byte("setting: {resampledPixelSpacing: [0.7, 0.7, 0.7], binWidth: 1000}\nfeatureClass: {firstorder: [Minimum, Maximum]}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		limits    [2]float64
		low, high bool // whether the overshoot is there
	}{{[2]float64{}, true, true}, {[2]float64{0, math.MaxUint16}, false, true}, {[2]float64{0, 60000}, false, false}} {
		v.Limits = c.limits
		f, err := Extract(v, m, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		if low, high := f[0].Value, f[1].Value; (low < 0) != c.low || (high > 60000) != c.high {
			t.Errorf("limits %v: %g to %g", c.limits, low, high)
		}
	}
}
