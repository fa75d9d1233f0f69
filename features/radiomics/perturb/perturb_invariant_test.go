package perturb_test

import (
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics/perturb"
	"github.com/voxgene/voxgene/features/work"
)

// ramp is an image that grows along x, with noise of a known SD, and a ball of label 2.
func ramp() (image.Reading, *image.Mask) {
	g := image.Grid{Size: [3]int{40, 36, 20}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	r := work.Seed(3).Rand()
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				o := g.Index(i, j, k)
				v.Values[o] = float64(10*i) + 3*r.NormFloat64()
				if math.Hypot(math.Hypot(float64(i-20), float64(j-18)), 2*float64(k-10)) < 10 {
					m.Labels[o] = 2
				}
			}
		}
	}
	return image.Reading{Volume: v, Whole: g, Region: g.Box()}, m
}

func count(m *image.Mask) int {
	n := 0
	for _, l := range m.Labels {
		if l > 0 {
			n++
		}
	}
	return n
}

// Without a change a draw is what was given; the same seed gives the same draw and another seed another.
func TestDraw(t *testing.T) {
	in, m := ramp()
	d, err := perturb.New(in, m, 2, perturb.Options{}, work.Seed(1))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Mask.Labels, m.Labels) || !slices.Equal(d.Reading(in.Whole.Box()).Volume.Values, in.Volume.Values) {
		t.Error("no change was asked for, and there is one")
	}
	draw := func(seed work.Seed) ([]uint16, []float64) {
		d, err := perturb.New(in, m, 2, perturb.Default(), seed)
		if err != nil {
			t.Fatal(err)
		}
		return d.Mask.Labels, d.Reading(image.Box{Min: [3]int{10, 10, 5}, Max: [3]int{30, 30, 15}}).Volume.Values
	}
	a, x := draw(5)
	b, y := draw(5)
	c, z := draw(6)
	if !slices.Equal(a, b) || !slices.Equal(x, y) {
		t.Error("one seed, two draws")
	}
	if slices.Equal(a, c) || slices.Equal(x, z) {
		t.Error("two seeds, one draw")
	}
}

// Each change does what it says: volumes lie within their range, noise has the SD of the image's own, and a turn or shift moves image and
// region together, so that the mean in the region stays.
func TestChanges(t *testing.T) {
	in, m := ramp()
	n := float64(count(m))
	mean := func(d *perturb.Draw) float64 {
		r := d.Reading(in.Whole.Box())
		sum, k := 0.0, 0
		for o, l := range d.Mask.Labels {
			if l > 0 {
				sum += r.Volume.Values[o]
				k++
			}
		}
		return sum / float64(k)
	}
	still, err := perturb.New(in, m, 2, perturb.Options{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	lowest, highest := math.Inf(1), math.Inf(-1)
	for seed := range work.Seed(20) {
		d, err := perturb.New(in, m, 2, perturb.Options{Volume: 0.2}, seed)
		if err != nil {
			t.Fatal(err)
		}
		v := float64(count(d.Mask)) / n
		lowest, highest = min(lowest, v), max(highest, v)
		if d, err = perturb.New(in, m, 2, perturb.Options{Rotation: 20, Shift: 0.5}, seed); err != nil {
			t.Fatal(err)
		}
		if got, want := mean(d), mean(still); math.Abs(got-want) > 2 {
			t.Errorf("seed %d: turned and shifted the mean is %.2f, was %.2f", seed, got, want)
		}
	}
	if lowest < 0.8-1/n || highest > 1.2+1/n || highest-lowest < 0.2 {
		t.Errorf("volumes from %.2f to %.2f of the given, want most of 0.8 to 1.2", lowest, highest)
	}
	noisy, err := perturb.New(in, m, 2, perturb.Options{Noise: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for o, x := range noisy.Reading(in.Whole.Box()).Volume.Values {
		sum += (x - in.Volume.Values[o]) * (x - in.Volume.Values[o])
	}
	if sd := math.Sqrt(sum / float64(len(in.Volume.Values))); math.Abs(sd-3) > 0.3 {
		t.Errorf("added noise has the SD %.2f, the image's own is 3", sd)
	}
	contour, err := perturb.New(in, m, 2, perturb.Options{Contour: 1, Smooth: 8}, 1)
	if err != nil {
		t.Fatal(err)
	}
	common := 0
	for o, l := range contour.Mask.Labels {
		if l > 0 && m.Labels[o] > 0 {
			common++
		}
	}
	if dice := float64(common) / n; dice < 0.75 || dice > 0.99 {
		t.Errorf("overlap of %.2f with the given contour", dice)
	}
}

func TestNewBadInput(t *testing.T) {
	in, m := ramp()
	if _, err := perturb.New(in, m, 1, perturb.Default(), 1); err == nil {
		t.Error("an absent label")
	}
	if _, err := perturb.Default().Only([]string{"twist"}); err == nil {
		t.Error("an unknown perturbation")
	}
	m.Origin[0] = 5
	if _, err := perturb.New(in, m, 2, perturb.Default(), 1); err == nil {
		t.Error("another grid")
	}
}
