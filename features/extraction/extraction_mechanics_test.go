package extraction_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
)

// files writes an image that is linear in the patient's axes, and a mask of a ball on a grid of its own, which may be that of the image.
func files(t testing.TB, own bool) (img, mask string) {
	t.Helper()
	dir := t.TempDir()
	img, mask = filepath.Join(dir, "image.nii"), filepath.Join(dir, "mask.nii")
	g := image.Grid{Size: [3]int{20, 20, 20}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
	for at := range v.Values {
		v.Values[at] = float64(at%20 + 2*(at/20%20) + 3*(at/400))
	}
	if own {
		g = image.Grid{Size: [3]int{16, 12, 12}, Spacing: [3]float64{0.8, 1.1, 1.2}, Origin: [3]float64{2, 2, 2}, Direction: image.IdentityDirection}
	}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for at := range m.Labels {
		p := g.World(float64(at%g.Size[0]), float64(at/g.Size[0]%g.Size[1]), float64(at/g.Size[0]/g.Size[1]))
		if math.Hypot(math.Hypot(p[0]-8, p[1]-8), p[2]-8) < 4 {
			m.Labels[at] = 1
		}
	}
	if err := nifti.Write(img, v, image.Int16); err != nil {
		t.Fatal(err)
	}
	if err := nifti.WriteMask(mask, m); err != nil {
		t.Fatal(err)
	}
	return img, mask
}

// An image of a linear function has the mean of its value at the ball's centre, on whichever grid it is looked at.
func TestGrid(t *testing.T) {
	img, mask := files(t, true)
	one, err := plan(t, "{grid: same}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Extract(img, mask); err == nil || !strings.Contains(err.Error(), "not on one grid") {
		t.Errorf("same: %v", err)
	}
	for _, grid := range []string{"mask_to_image", "image_to_mask"} {
		got := volumes(t, "{grid: "+grid+"}", img, mask)
		if mean := got["original_firstorder_Mean"]; math.Abs(mean-48) > 1 {
			t.Errorf("%s: mean %g, want 8 + 16 + 24", grid, mean)
		}
		if v := got[volume]; math.Abs(v-4*math.Pi/3*64) > 30 {
			t.Errorf("%s: volume %g, want that of a ball of 4 mm", grid, v)
		}
	}
	same, ownMask := files(t, false)
	if a, b := volumes(t, "{grid: same}", same, ownMask), volumes(t, "{grid: image_to_mask}", same, ownMask); math.Abs(a["original_firstorder_Mean"]-b["original_firstorder_Mean"]) > 1e-6 {
		t.Errorf("means %g and %g on one grid", a["original_firstorder_Mean"], b["original_firstorder_Mean"])
	}
}

// A mask that lies 3 mm beside its image, and is twice as large, is moved back by the map that says so.
func TestTransform(t *testing.T) {
	img, mask := files(t, false)
	m, err := nifti.ReadMask(mask)
	if err != nil {
		t.Fatal(err)
	}
	want := volumes(t, "{}", img, mask)
	moved := *m
	moved.Origin = [3]float64{2*m.Origin[0] + 3, 2*m.Origin[1] - 4, 2*m.Origin[2] + 5}
	moved.Spacing = [3]float64{2, 2, 2}
	beside := filepath.Join(t.TempDir(), "beside.nii")
	if err := nifti.WriteMask(beside, &moved); err != nil {
		t.Fatal(err)
	}
	back := "transform: [0.5, 0, 0, -1.5, 0, 0.5, 0, 2, 0, 0, 0.5, -2.5]}"
	for _, grid := range []string{"mask_to_image", "image_to_mask"} {
		got := volumes(t, "{grid: "+grid+", "+back, img, beside)
		for _, name := range []string{volume, "original_firstorder_Mean"} {
			if math.Abs(got[name]-want[name]) > 1e-3 {
				t.Errorf("%s: %s is %g, want %g", grid, name, got[name], want[name])
			}
		}
	}
	for text, want := range map[string]string{"{" + back: "has to be resampled", "{grid: mask_to_image, transform: [1, 2]}": "want 12 numbers"} {
		if _, err := plan(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	one, err := plan(t, "{grid: mask_to_image, transform: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Extract(img, beside); err == nil || !strings.Contains(err.Error(), "after the transform") {
		t.Errorf("singular: %v", err)
	}
}

// A ring has what its region has not; names of columns begin with the region.
func TestRing(t *testing.T) {
	img, mask := files(t, false)
	got := volumes(t, "{regions: {core: 1, around: {of: core, dilate_mm: 2}}}", img, mask)
	want := 4 * math.Pi / 3 * (216 - 64)
	if v := got["around."+volume]; math.Abs(v-want) > 0.25*want {
		t.Errorf("volume of the ring is %g, want about %g", v, want)
	}
	if len(got)%2 != 0 || got["core."+volume] != volumes(t, "{}", img, mask)[volume] {
		t.Errorf("%d features", len(got))
	}
}

func TestExtractRefuses(t *testing.T) {
	img, mask := files(t, false)
	for text, want := range map[string]string{
		"{label: 4}":               "label",
		"{label: GTV}":             `nothing is called "GTV"`,
		"{series: {modality: CT}}": "rules choose among DICOM series",
		"{lesions: {aggregate: largest, min_mm3: 9999}}": "no lesion of at least 9999 mm³: the largest of 1 is of 2",
	} {
		one, err := plan(t, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := one.Extract(img, mask); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"{label: 0}":                  "between 1 and 65535",
		"{grid: none}":                "want same, mask_to_image or image_to_mask",
		"{suv: lean}":                 `no normalisation "lean"`,
		"{label: 1, regions: {a: 2}}": "say the same thing twice",
		"{regions: {ring: {of: core, dilate_mm: 3}}}":     "of names the region",
		"{regions: {a: 1, ring: {of: a, dilate_mm: -3}}}": "more than 0 mm",
		"{regions: {a: []}}":                              "want a label",
		"{regions: {a.b: 1}}":                             "leave out dots",
		"{lesions: {aggregate: all}}":                     "by aggregate: largest, mean, volume_weighted",
		"{lesions: {}, regions: {a: 1, b: 2}}":            "there is one region",
		"{lesions: {from: parts, aggregate: mean}}":       "want components or labels",
		"{lesions: {aggregate: mean, min_mm3: -1}}":       "want 0 or more",
		"{series: {modality: MR, description: x}}":        "description",
	} {
		if _, err := plan(t, text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "source.yaml:1:") {
			t.Errorf("%s: got %v, want %q with its place", text, err, want)
		}
	}
}
