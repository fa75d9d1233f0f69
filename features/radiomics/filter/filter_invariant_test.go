package filter_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/voxgene/voxgene/features/radiomics/filter"
)

func random(size [3]int) filter.Block {
	r := rand.New(rand.NewPCG(1, 2))
	b := filter.NewBlock(size)
	for i := range b.Values {
		b.Values[i] = 1000 * r.NormFloat64()
	}
	return b
}

// A Laplacian of Gaussian of a part of an image is that of the whole image cut to the part, at a corner, at a face and in the middle,
// where the part comes with the margin that GaussianReach says.
func TestGaussianReach(t *testing.T) {
	size := [3]int{90, 80, 50}
	spacing := [3]float64{1, 1.25, 2}
	whole := random(size)
	for _, sigma := range []float64{1, 2} {
		want := filter.LaplacianOfGaussian(whole, spacing, sigma, [3]int{}, size)
		for _, region := range [][2][3]int{{{0, 0, 0}, {12, 9, 8}}, {{78, 30, 20}, {12, 9, 8}}, {{40, 35, 22}, {12, 9, 8}}} {
			var from, to, at [3]int
			for a := range 3 {
				reach := filter.GaussianReach(sigma / spacing[a])
				from[a], to[a] = max(region[0][a]-reach, 0), min(region[0][a]+region[1][a]+reach, size[a])
				at[a] = region[0][a] - from[a]
			}
			part := whole.Crop(from, [3]int{to[0] - from[0], to[1] - from[1], to[2] - from[2]})
			got := filter.LaplacianOfGaussian(part, spacing, sigma, at, region[1])
			worst, largest := 0.0, 0.0
			for i, w := range want.Crop(region[0], region[1]).Values {
				worst, largest = max(worst, math.Abs(got.Values[i]-w)), max(largest, math.Abs(w))
			}
			if worst > 1e-6*largest {
				t.Errorf("sigma %g, region at %v: %.2g of the largest response", sigma, region[0], worst/largest)
			}
		}
	}
}

// Bands of a part of an image are those of the whole cut to the part, and a decomposition loses no energy: for an orthogonal wavelet the
// undecimated bands have 2^axes times the energy of the periodic image.
func TestDecompose(t *testing.T) {
	size := [3]int{16, 12, 10}
	whole := random(size)
	for _, name := range []string{"haar", "db2", "coif1", "sym4"} {
		w, err := filter.NamedWavelet(name)
		if err != nil {
			t.Fatal(err)
		}
		below, above := w.Margin()
		wrapped := filter.NewBlock([3]int{size[0] + below + above, size[1] + below + above, size[2] + below + above})
		o := 0
		for k := range wrapped.Size[2] {
			for j := range wrapped.Size[1] {
				for i := range wrapped.Size[0] {
					x, y, z := (i-below+10*size[0])%size[0], (j-below+10*size[1])%size[1], (k-below+10*size[2])%size[2]
					wrapped.Values[o] = whole.Values[(z*size[1]+y)*size[0]+x]
					o++
				}
			}
		}
		bands := w.Decompose(wrapped, []int{0, 1, 2})
		energy, want := 0.0, 0.0
		for _, b := range bands {
			if b.Size != size {
				t.Fatalf("%s: band %s has %v voxels", name, b.Name, b.Size)
			}
			for _, x := range b.Values {
				energy += x * x
			}
		}
		for _, x := range whole.Values {
			want += x * x
		}
		if math.Abs(energy-8*want) > 1e-6*want {
			t.Errorf("%s: bands have %.9g times the energy of the image, want 8", name, energy/want)
		}
		if len(bands) != 8 || bands[0].Name != "LLL" || bands[1].Name != "LLH" || bands[7].Name != "HHH" {
			t.Errorf("%s: bands %v", name, len(bands))
		}
	}
}

// Every wavelet of the table is a pair of filters: low-pass sums to √2, high-pass to 0.
func TestWavelets(t *testing.T) {
	names := filter.WaveletNames()
	if len(names) != 106 {
		t.Errorf("%d wavelets", len(names))
	}
	for _, name := range names {
		w, err := filter.NamedWavelet(name)
		if err != nil {
			t.Fatal(err)
		}
		low, high := 0.0, 0.0
		for i := range w.Low {
			low += w.Low[i]
			high += w.High[i]
		}
		if len(w.Low) != len(w.High) || len(w.Low)%2 != 0 || math.Abs(low-math.Sqrt2) > 1e-6 || math.Abs(high) > 1e-6 && name != "dmey" { // whose filter is cut off
			t.Errorf("%s: %d and %d taps, sums %v and %v", name, len(w.Low), len(w.High), low, high)
		}
	}
}
