package image_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/voxgene/voxgene/features/image"
)

// A mask that knows where its labels can be has the same bounds and the same hash as one that does not, whatever told it.
func TestExtentInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		g := image.Grid{Size: [3]int{1 + r.IntN(70), 1 + r.IntN(70), 1 + r.IntN(20)}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
		raw := make([]byte, g.Voxels())
		for range r.IntN(4) {
			at := r.IntN(len(raw))
			for i, end := at, min(at+r.IntN(300), len(raw)); i < end; i++ {
				raw[i] = byte(r.IntN(3))
			}
		}
		read, err := image.DecodeMask(bytes.NewReader(raw), g, image.Samples{Type: image.Uint8, Slope: 1})
		if err != nil {
			t.Fatal(err)
		}
		plain := *read
		plain.Extent = image.Box{}
		for label := range uint16(3) {
			if got, want := read.Bounds(label), plain.Bounds(label); got != want {
				t.Fatalf("label %d of %v: %v, want %v", label, g.Size, got, want)
			}
		}
		if got, want := read.VoxelHash(), plain.VoxelHash(); got != want {
			t.Fatalf("hash of %v: %s, want %s", g.Size, got, want)
		}
		if b := plain.Bounds(0); !b.Empty() && (read.Extent.Min[1] != b.Min[1] || read.Extent.Max[2] != b.Max[2]) {
			t.Fatalf("extent %v of labels in %v", read.Extent, b)
		}
	}
}

// oblique is a grid whose axes are at an angle with the patient's.
func oblique(t testing.TB, size [3]int) image.Grid {
	t.Helper()
	c, s := math.Cos(0.3), math.Sin(0.3)
	g, err := image.NewGrid(size, [3][3]float64{{0.7 * c, 0.7 * s, 0}, {-1.1 * s, 1.1 * c, 0}, {0, 0, -2.5}}, [3]float64{-120.25, 33, 900})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// World and Continuous undo each other, and a voxel keeps its place when its volume is cropped.
func TestWorldInvariant(t *testing.T) {
	g := oblique(t, [3]int{7, 5, 9})
	index := [3]float64{2.25, -1, 7.5}
	back := g.Continuous(g.World(index[0], index[1], index[2]))
	for a := range 3 {
		if math.Abs(back[a]-index[a]) > 1e-12 {
			t.Errorf("%v came back as %v", index, back)
		}
	}
	cropped := g.Crop(image.Box{Min: [3]int{2, 1, 4}, Max: [3]int{5, 4, 8}})
	whole, part := g.World(3, 2, 5), cropped.World(1, 1, 1)
	for a := range 3 {
		if math.Abs(whole[a]-part[a]) > 1e-12 {
			t.Errorf("voxel at %v is at %v after cropping", whole, part)
		}
	}
	if v := g.VoxelVolume(); math.Abs(v-0.7*1.1*2.5) > 1e-12 {
		t.Errorf("volume of a voxel is %g", v)
	}
}

// A region read from a file is the region cropped from the whole, and the statistics are those of the whole, for every type.
func TestDecodeVolumeInvariant(t *testing.T) {
	g := oblique(t, [3]int{61, 40, 23}) // more voxels than a block
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, g.Voxels())
	for i := range values {
		values[i] = float64(r.IntN(100))
	}
	box := image.Box{Min: [3]int{3, 0, 5}, Max: [3]int{60, 39, 23}}
	for kind := image.Int8; kind <= image.Float64; kind++ {
		raw, err := image.AppendSamples(nil, values, kind)
		if err != nil {
			t.Fatal(err)
		}
		s := image.Samples{Type: kind, Slope: -0.5, Intercept: 3, Bound: int64(len(raw))}
		whole, err := image.DecodeVolume(bytes.NewReader(raw), g, s, image.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		s.Bound = 0
		part, err := image.DecodeVolume(bytes.NewReader(raw), g, s, image.Selection{
			Region: func(image.Grid) (image.Box, error) { return box, nil }, Statistics: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		want, err := whole.Volume.Crop(box)
		if err != nil {
			t.Fatal(err)
		}
		if want.Grid != part.Volume.Grid || part.Whole != g || part.Region != box {
			t.Errorf("%s: grid %+v, want %+v", kind, part.Volume.Grid, want.Grid)
		}
		for i := range want.Values {
			if want.Values[i] != part.Volume.Values[i] {
				t.Fatalf("%s: voxel %d is %g, want %g", kind, i, part.Volume.Values[i], want.Values[i])
			}
		}
		sum, atMin, low, high := 0.0, 0, math.Inf(1), math.Inf(-1)
		for _, x := range whole.Volume.Values {
			sum += x
			low, high = min(low, x), max(high, x)
		}
		mean, m2 := sum/float64(len(values)), 0.0
		for _, x := range whole.Volume.Values {
			m2 += (x - mean) * (x - mean)
			if x == low {
				atMin++
			}
		}
		sd := math.Sqrt(m2 / float64(len(values)-1))
		got := part.Statistics
		if got.Count != len(values) || got.NaN != 0 || got.Min != low || got.Max != high || got.AtMinimum != atMin ||
			math.Abs(got.Mean-mean) > 1e-11 || math.Abs(got.SD-sd) > 1e-11 {
			t.Errorf("%s: %+v, want mean %g, SD %g, min %g (%d times), max %g", kind, got, mean, sd, low, atMin, high)
		}
		if again := whole.Volume.Statistics(); again.Mean != mean && math.Abs(again.Mean-mean) > 1e-11 || again.Count != got.Count || again.AtMinimum != atMin {
			t.Errorf("%s: statistics in memory are %+v", kind, again)
		}
	}
}

// Bytes in the other order give the same voxels.
func TestBigEndianInvariant(t *testing.T) {
	g := oblique(t, [3]int{4, 3, 2})
	values := make([]float64, g.Voxels())
	for i := range values {
		values[i] = float64(5 * i)
	}
	for kind := image.Int8; kind <= image.Float64; kind++ {
		raw, err := image.AppendSamples(nil, values, kind)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(raw); i += kind.Size() {
			for a, b := i, i+kind.Size()-1; a < b; a, b = a+1, b-1 {
				raw[a], raw[b] = raw[b], raw[a]
			}
		}
		got, err := image.DecodeVolume(bytes.NewReader(raw), g, image.Samples{Type: kind, BigEndian: true, Slope: 1}, image.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range values {
			if got.Volume.Values[i] != values[i] {
				t.Fatalf("%s: voxel %d is %g, want %g", kind, i, got.Volume.Values[i], values[i])
			}
		}
	}
}

// NaN are counted and left out of the rest.
func TestStatisticsNaN(t *testing.T) {
	g := oblique(t, [3]int{5, 1, 1})
	v := image.Volume{Grid: g, Values: []float64{math.NaN(), 2, 4, 2, math.NaN()}}
	s := v.Statistics()
	if s.Count != 3 || s.NaN != 2 || s.Min != 2 || s.Max != 4 || s.AtMinimum != 2 || math.Abs(s.Mean-8.0/3) > 1e-15 {
		t.Errorf("got %+v", s)
	}
	v.Values = []float64{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	if s := v.Statistics(); s.Count != 0 || s.NaN != 5 || !math.IsNaN(s.Min) || !math.IsNaN(s.Mean) {
		t.Errorf("of nothing but NaN: %+v", s)
	}
}

// Bounds holds every voxel of the label and no empty plane.
func TestBounds(t *testing.T) {
	m := image.Mask{Grid: oblique(t, [3]int{6, 5, 4})}
	m.Labels = make([]uint16, m.Voxels())
	if b := m.Bounds(0); !b.Empty() {
		t.Errorf("of an empty mask: %v", b)
	}
	m.Labels[m.Index(1, 2, 3)], m.Labels[m.Index(4, 0, 3)], m.Labels[m.Index(5, 4, 0)] = 1, 1, 2
	for label, want := range map[uint16]image.Box{
		0: {Min: [3]int{1, 0, 0}, Max: [3]int{6, 5, 4}}, 1: {Min: [3]int{1, 0, 3}, Max: [3]int{5, 3, 4}}, 2: {Min: [3]int{5, 4, 0}, Max: [3]int{6, 5, 1}}, 3: {},
	} {
		if b := m.Bounds(label); b != want {
			t.Errorf("label %d: %v, want %v", label, b, want)
		}
	}
	if b := m.Bounds(2).Grow([3]int{2, 2, 2}, m.Size); b != (image.Box{Min: [3]int{3, 2, 0}, Max: [3]int{6, 5, 3}}) {
		t.Errorf("grown: %v", b)
	}
}
