package radiomics_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// turned is the image with its first axis counted from the other end, and its axes z and x swapped: the same voxels at the same places.
func turned(v *image.Volume) *image.Volume {
	s := v.Size
	out := &image.Volume{Integer: v.Integer, Limits: v.Limits}
	out.Size, out.Spacing = [3]int{s[2], s[1], s[0]}, [3]float64{v.Spacing[2], v.Spacing[1], v.Spacing[0]}
	for r := range 3 {
		out.Direction[3*r], out.Direction[3*r+1], out.Direction[3*r+2] = v.Direction[3*r+2], v.Direction[3*r+1], -v.Direction[3*r]
	}
	out.Origin = v.World(float64(s[0]-1), 0, 0)
	for k := range s[0] {
		for j := range s[1] {
			for i := range s[2] {
				out.Values = append(out.Values, v.Values[v.Index(s[0]-1-k, j, i)])
			}
		}
	}
	return out
}

// Where both are resampled a mask may lie on another grid than its image, and the new grid is laid from the mask (PyRadiomics 3.0.1,
// imageoperations.resampleImage): part of a mask that begins on a border of the new grid gives the same values, and so does an image whose
// voxels are counted in another order. A grid: same of a source (SameGrid) refuses it, and so does extraction without resampling.
func TestResampledGeometryInvariant(t *testing.T) {
	v, m := ball(13)
	v.Integer = false // whole numbers are cut, and rounding decides where a sum is one
	m.Labels[0] = 0
	part, err := m.Crop(image.Box{Min: [3]int{2, 2, 2}, Max: [3]int{13, 12, 13}})
	if err != nil {
		t.Fatal(err)
	}
	swapped := turned(v)
	for _, interpolator := range []string{"sitkNearestNeighbor", "sitkLinear", "sitkBSpline", "sitkGaussian", "sitkLanczosWindowedSinc"} {
		// Of half the voxels' size and by halves of the old spacing, so that a mask's voxel stays in one piece and no centre is a tie.
		p := parsed(t, "setting: {resampledPixelSpacing: [0.5, 0.75, 1], interpolator: "+interpolator+"}")
		want, err := radiomics.Extract(v, m, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			v *image.Volume
			m *image.Mask
		}{"part": {v, part}, "swapped": {swapped, m}} {
			r, err := radiomics.ExtractReading(image.Reading{Volume: test.v, Whole: test.v.Grid, Region: test.v.Box()}, test.m, 1, p)
			if err != nil {
				t.Fatalf("%s, %s: %v", interpolator, name, err)
			}
			alike(t, interpolator+", "+name, byName(r.Features), byName(want))
			if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "another grid") {
				t.Errorf("%s: notes %v", name, r.Notes)
			}
			refused := p
			refused.SameGrid = true
			if _, err := radiomics.Extract(test.v, test.m, 1, refused); err == nil {
				t.Errorf("%s: taken where one grid is wanted", name)
			}
		}
	}
	if _, err := radiomics.Extract(v, part, 1, radiomics.DefaultParams()); err == nil {
		t.Error("part: taken without resampling")
	}
	beyond := &image.Mask{Grid: m.Grid, Labels: m.Labels}
	beyond.Origin[2] += 20
	for _, setting := range []string{"resampledPixelSpacing: [0.5, 0.75, 1]", "correctMask: true"} {
		if _, err := radiomics.Extract(v, beyond, 1, parsed(t, "setting: {"+setting+"}")); err == nil || !strings.Contains(err.Error(), "reaches outside the image") {
			t.Errorf("%s, a region outside: %v", setting, err)
		}
	}
	// The spacing is that of the image already: the mask alone is resampled.
	same := parsed(t, "setting: {resampledPixelSpacing: [1, 1.5, 2]}")
	want, err := radiomics.Extract(v, m, 1, same)
	if err != nil {
		t.Fatal(err)
	}
	got, err := radiomics.Extract(v, part, 1, same)
	if err != nil {
		t.Fatal(err)
	}
	alike(t, "the image's spacing", byName(got), byName(want))
}

// Only the part of the image that Reach says is read, also where the grids differ.
func TestGeometryReach(t *testing.T) {
	v, m := ball(41)
	m.Labels[0] = 0
	for i := range m.Labels { // a small region in the middle
		at := [3]int{i%41 - 20, i/41%41 - 20, i/1681 - 20}
		if m.Labels[i] = 0; max(math.Abs(float64(at[0])), math.Abs(float64(at[1])), math.Abs(float64(at[2]))) < 3 {
			m.Labels[i] = 1
		}
	}
	part, err := m.Crop(image.Box{Min: [3]int{4, 4, 4}, Max: [3]int{40, 40, 40}})
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"correctMask: true", "correctMask: true, preCrop: true", "resampledPixelSpacing: [0.5, 0.75, 1], interpolator: sitkLinear"} {
		p := parsed(t, "setting: {additionalInfo: false, "+setting+"}")
		want, err := radiomics.Extract(v, m, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		box, err := radiomics.Reach(part, []int{1}, p).Region(v.Grid)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(setting, "correctMask") && box.Size()[0] > 20 {
			t.Errorf("%s: reads %v", setting, box)
		}
		cut, err := v.Crop(box)
		if err != nil {
			t.Fatal(err)
		}
		got, err := radiomics.ExtractReading(image.Reading{Volume: cut, Whole: v.Grid, Region: box}, part, 1, p)
		if err != nil {
			t.Fatalf("%s: %v", setting, err)
		}
		alike(t, setting, byName(got.Features), byName(want))
	}
}

// geometryTolerance is ITK's (ImageToImageFilter.VerifyInputInformation): times the image's spacing along x for origins and spacings, as
// it is for the cosines of the directions. A corrected mask has columns of its own (featureextractor.execute).
func TestGeometryTolerance(t *testing.T) {
	v, m := ball(13)
	v.Spacing[0], m.Spacing[0] = 0.5, 0.5
	with := func(change func(g *image.Grid), setting string) (radiomics.Result, error) {
		moved := &image.Mask{Grid: m.Grid, Labels: m.Labels}
		change(&moved.Grid)
		return radiomics.ExtractReading(image.Reading{Volume: v, Whole: v.Grid, Region: v.Box()}, moved, 1, parsed(t, "{featureClass: {firstorder: [Mean]}, setting: {"+setting+"}}"))
	}
	origin := func(by float64) func(*image.Grid) { return func(g *image.Grid) { g.Origin[1] += by } }
	turn := func(angle float64) func(*image.Grid) {
		return func(g *image.Grid) {
			s, c := math.Sincos(angle)
			g.Direction = [9]float64{c, -s, 0, s, c, 0, 0, 0, 1}
		}
	}
	for _, test := range []struct {
		change func(*image.Grid)
		taken  bool
	}{
		{origin(0.049), true}, {origin(0.051), false}, {turn(0.09), true}, {turn(0.11), false},
		{func(g *image.Grid) { g.Spacing[2] += 0.04 }, true}, {func(g *image.Grid) { g.Spacing[2] += 0.06 }, false},
	} {
		if _, err := with(test.change, "geometryTolerance: 0.1"); (err == nil) != test.taken {
			t.Errorf("taken: %v, want %v (%v)", err == nil, test.taken, err)
		}
	}
	r, err := with(origin(0.4), "correctMask: true")
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(r.Diagnostics))
	for i, d := range r.Diagnostics {
		names[i] = strings.TrimPrefix(d.Name, "diagnostics_Mask-corrected_")
	}
	if want := strings.Fields("Spacing Size BoundingBox VoxelNum VolumeNum CenterOfMassIndex CenterOfMass Mean Minimum Maximum"); !slices.Equal(names[len(names)-len(want):], want) {
		t.Errorf("columns are %v", names)
	}
}
