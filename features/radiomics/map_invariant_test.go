package radiomics

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/work"
)

// mapScan is noise with a gradient on an oblique grid, and a ball as mask.
func mapScan() (*image.Volume, *image.Mask) {
	g := image.Grid{Size: [3]int{20, 18, 16}, Spacing: [3]float64{1, 1.5, 2}, Origin: [3]float64{-30, 12, 5}, Direction: [9]float64{0, 1, 0, -1, 0, 0, 0, 0, 1}}
	v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels()), Integer: true}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	r := work.Seed(1).Rand()
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				at := g.Index(i, j, k)
				v.Values[at] = math.Round(100 + 5*float64(i) + 20*r.NormFloat64())
				if dx, dy, dz := float64(i-9), float64(j-8), float64(k-7); dx*dx+dy*dy+dz*dz < 30 {
					m.Labels[at] = 1
				}
			}
		}
	}
	return v, m
}

func reading(v *image.Volume) image.Reading {
	return image.Reading{Volume: v, Whole: v.Grid, Region: v.Box()}
}

// Maps of first-order features sum over the region to what Extract says, on filtered and normalised images and with bins of either
// kind, and are 0 outside the region.
func TestMapSumsToFeature(t *testing.T) {
	v, m := mapScan()
	for name, change := range map[string]func(*Params){
		"plain": func(p *Params) {},
		"normalised": func(p *Params) {
			p.Normalize = true
			p.NormalizeScale = 100
			p.RemoveOutliers = 2
			p.VoxelArrayShift = 300
		},
		"cropped": func(p *Params) { p.PreCrop = true },
		"cut":     func(p *Params) { p.ResegmentRange = []float64{90, 160} },
	} {
		p := DefaultParams()
		change(&p)
		p.Images = p.Images[:1]
		p.Images[0].Settings = p.Settings
		p.AdditionalInfo = false
		all, err := Extract(v, m, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, f := range all {
			if !strings.Contains(f.Name, "_firstorder_") {
				continue
			}
			got, err := Map(reading(v), m, 1, p, f.Name, MapOptions{})
			if err != nil {
				t.Fatalf("%s: %s: %v", name, f.Name, err)
			}
			on, err := got.On(v.Grid)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for at, x := range on.Values {
				sum += x
				if m.Labels[at] == 0 && x != 0 {
					t.Fatalf("%s: %s: %v outside the region", name, f.Name, x)
				}
			}
			if !got.Exact || got.Feature.Value != f.Value || math.Abs(sum-f.Value) > 1e-9*max(1, math.Abs(f.Value)) {
				t.Errorf("%s: %s is %v, its map says %v and sums to %v", name, f.Name, f.Value, got.Feature.Value, sum)
			}
			checked++
		}
		if checked != 18 {
			t.Errorf("%s: %d first-order features", name, checked)
		}
	}
}

// The voxel that is the maximum is all of it.
func TestMapOfMaximum(t *testing.T) {
	v, m := mapScan()
	at := v.Index(9, 8, 7)
	v.Values[at] = 900
	got, err := Map(reading(v), m, 1, DefaultParams(), "original_firstorder_Maximum", MapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	on, err := got.On(v.Grid)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range on.Values {
		if want := map[bool]float64{true: 900}[i == at]; x != want {
			t.Fatalf("voxel %d has %v, want %v", i, x, want)
		}
	}
}

// A texture map has at each voxel what extraction without the voxel's neighbourhood says, for every class, of the image and of a filtered
// one, and so does a map with a step at the middle of its cells.
func TestMapOfTexture(t *testing.T) {
	v, m := mapScan()
	p := DefaultParams()
	p.AdditionalInfo = false
	for _, name := range []string{"original_glcm_Contrast", "original_glcm_Imc2", "original_glrlm_RunEntropy", "original_glszm_ZonePercentage",
		"original_gldm_DependenceVariance", "original_ngtdm_Busyness", "square_glcm_JointEntropy"} {
		kind, _, _ := strings.Cut(name, "_")
		p.Images = slices.Clone(DefaultParams().Images[:1])
		p.Images[0].Name = map[string]string{"original": "Original", "square": "Square"}[kind]
		got, err := Map(reading(v), m, 1, p, name, MapOptions{Radius: 1, Step: 1})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		on, err := got.On(v.Grid)
		if err != nil {
			t.Fatal(err)
		}
		value := func(m *image.Mask) float64 {
			all, err := Extract(v, m, 1, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range all {
				if f.Name == name {
					return f.Value
				}
			}
			t.Fatalf("no %s", name)
			return 0
		}
		whole := value(m)
		for _, c := range [][3]int{{9, 8, 7}, {5, 7, 7}, {12, 9, 9}} {
			left := &image.Mask{Grid: m.Grid, Labels: append([]uint16{}, m.Labels...)}
			for k := c[2] - 1; k <= c[2]+1; k++ {
				for j := c[1] - 1; j <= c[1]+1; j++ {
					for i := c[0] - 1; i <= c[0]+1; i++ {
						left.Labels[left.Index(i, j, k)] = 0
					}
				}
			}
			if want, have := whole-value(left), on.Values[on.Index(c[0], c[1], c[2])]; math.Abs(have-want) > 1e-12*math.Abs(whole) {
				t.Errorf("%s, voxel %v: %v, want %v", name, c, have, want)
			}
		}
		if got.Exact || got.Feature.Value != whole {
			t.Errorf("%+v, want %v", got.Feature, whole)
		}
	}
	const name = "original_glcm_Contrast"
	coarse, err := Map(reading(v), m, 1, DefaultParams(), name, MapOptions{Radius: 2, Step: 3})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[float64]int{}
	for _, x := range coarse.Volume.Values {
		seen[x]++
	}
	if len(seen) > 80 || len(seen) < 10 {
		t.Errorf("%d different values with a step of 3", len(seen))
	}
}

// A resampled region is laid back on the patient's voxels.
func TestMapOfResampled(t *testing.T) {
	v, m := mapScan()
	p := DefaultParams()
	p.ResampledPixelSpacing = []float64{2, 2, 2}
	got, err := Map(reading(v), m, 1, p, "original_firstorder_Mean", MapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	on, err := got.On(v.Grid)
	if err != nil {
		t.Fatal(err)
	}
	inside, both := 0, 0
	for at, l := range m.Labels {
		if l == 1 {
			inside++
			if on.Values[at] > 0 {
				both++
			}
		}
	}
	if !got.Resampled || float64(both) < 0.85*float64(inside) {
		t.Errorf("%d of %d voxels of the region have a value", both, inside)
	}
}

func TestMapRefused(t *testing.T) {
	v, m := mapScan()
	for name, want := range map[string]string{
		"Energy":                    "want a name such as",
		"original_shape_Sphericity": "there is no map of it",
		"original_firstorder_Nope":  "firstorder has no such feature",
		"original_fractal_Energy":   "there is no class",
		"square_firstorder_Energy":  "the parameters make no image \"square\"",
	} {
		if _, err := Map(reading(v), m, 1, DefaultParams(), name, MapOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, want)
		}
	}
	if _, err := Map(reading(v), m, 1, DefaultParams(), "original_glcm_Contrast", MapOptions{Radius: 30}); err == nil {
		t.Error("a neighbourhood larger than the region was left out")
	}
}
