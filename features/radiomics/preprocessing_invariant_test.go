package radiomics_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

func parsed(t *testing.T, text string) radiomics.Params {
	t.Helper()
	p, err := radiomics.ParseParams("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// alike fails the test where two extractions differ by more than rounding.
func alike(t *testing.T, name string, got, want map[string]float64) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%s: %d features and %d", name, len(got), len(want))
	}
	for feature, w := range want {
		if x := got[feature]; !(math.Abs(x-w) <= 1e-9*math.Max(1, math.Abs(w))) {
			t.Errorf("%s: %s is %g and %g", name, feature, x, w)
		}
	}
}

// An axis with 0 keeps its spacing; margins of other widths change the grid and no feature of the region.
func TestResamplingInvariant(t *testing.T) {
	v, m := testCase(t, "breast1")
	extract := func(setting string) map[string]float64 {
		f, err := radiomics.Extract(v, m, 1, parsed(t, "setting: {"+setting+"}"))
		if err != nil {
			t.Fatal(err)
		}
		return byName(f)
	}
	whole := extract("resampledPixelSpacing: [0.664062, 0.664062, 1]")
	alike(t, "0 for the spacing that is there", extract("resampledPixelSpacing: [0, 0, 1]"), whole)
	for _, pad := range []string{"0", "2", "12"} {
		alike(t, "padDistance "+pad, extract("resampledPixelSpacing: [0, 0, 1], padDistance: "+pad), whole)
	}
	size := func(pad string) string {
		r, err := radiomics.ExtractReading(image.Reading{Volume: v, Whole: v.Grid, Region: v.Box()}, m, 1, parsed(t, "setting: {resampledPixelSpacing: [1, 1, 1], padDistance: "+pad+"}"))
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(r.Diagnostics, func(d radiomics.Diagnostic) bool { return strings.HasSuffix(d.Name, "Image-interpolated_Size") })
		if at < 0 {
			t.Fatal("no size of the resampled image")
		}
		return r.Diagnostics[at].Text
	}
	if a, b := size("0"), size("2"); a == b {
		t.Errorf("the resampled image is of %s voxels with padDistance 0 and 2", a)
	}
}

// A mask of part of the image, or with its axes reversed, is put on the image's grid by correctMask and gives the same features; without it,
// it is refused. A mask that is off by less than geometryTolerance is taken as it is.
func TestMaskGeometryInvariant(t *testing.T) {
	v, m := testCase(t, "breast1")
	features := func(m *image.Mask, setting string) (map[string]float64, error) {
		f, err := radiomics.Extract(v, m, 1, parsed(t, "setting: {"+setting+"}"))
		return byName(f), err
	}
	want, err := features(m, "")
	if err != nil {
		t.Fatal(err)
	}
	cut, err := m.Crop(m.Bounds(1).Grow([3]int{1, 2, 0}, m.Size))
	if err != nil {
		t.Fatal(err)
	}
	turned := &image.Mask{Grid: m.Grid, Labels: slices.Clone(m.Labels)}
	for a := range 3 {
		turned.Direction[3*a] = -m.Direction[3*a]
	}
	turned.Origin = m.World(float64(m.Size[0]-1), 0, 0)
	for row := 0; row < len(turned.Labels); row += m.Size[0] {
		slices.Reverse(turned.Labels[row : row+m.Size[0]])
	}
	for name, mask := range map[string]*image.Mask{"part": cut, "turned": turned} {
		if _, err := features(mask, ""); err == nil {
			t.Errorf("%s: taken without correctMask", name)
		}
		got, err := features(mask, "correctMask: true")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		alike(t, name, got, want)
	}
	near := &image.Mask{Grid: m.Grid, Labels: m.Labels}
	near.Origin[0] += 0.05
	if _, err := features(near, ""); err == nil {
		t.Error("0.05 mm off: taken without geometryTolerance")
	}
	got, err := features(near, "geometryTolerance: 0.1")
	if err != nil {
		t.Fatal(err)
	}
	alike(t, "0.05 mm off", got, want)
}
