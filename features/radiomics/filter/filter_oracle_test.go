package filter_test

import (
	"math"
	"os"
	"testing"

	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics/filter"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/radiomics/filter", 33)) }

const reference = "IBSI 2 reference response maps (CC0)"

func phantom(t *testing.T, name string) filter.Block {
	t.Helper()
	v, err := open.Volume(oracle.Data(t, "ibsi2", "ibsi_2_digital_phantom", "nifti", name, "image", name+".nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return filter.Block{Size: v.Size, Values: v.Values}
}

// Every reference response map of the standard's convolutional filters: at every voxel within 1 % of the range of the map. Phantoms have
// voxels of 2 mm; widths below are in voxels.
func TestResponseMapsOracle(t *testing.T) {
	laws := func(name string, border filter.Border, invariant bool, delta int) func(filter.Block) filter.Block {
		return func(b filter.Block) filter.Block {
			s, err := filter.Laws(name, border)
			if err != nil {
				t.Fatal(err)
			}
			s.Invariant = invariant
			out := s.Apply(b)
			if delta > 0 {
				out = filter.Energy(out, delta, len(s.Kernels), border)
			}
			return out
		}
	}
	wavelet := func(name, band string, level int, border filter.Border, invariant bool) func(filter.Block) filter.Block {
		return func(b filter.Block) filter.Block {
			w, err := filter.NamedWavelet(name)
			if err != nil {
				t.Fatal(err)
			}
			s, err := filter.UndecimatedWavelet(w, band, level, border)
			if err != nil {
				t.Fatal(err)
			}
			s.Invariant = invariant
			return s.Apply(b)
		}
	}
	gabor := func(g filter.Gabor) func(filter.Block) filter.Block {
		return func(b filter.Block) filter.Block { return g.Apply(b, [3]int{}, b.Size) }
	}
	degrees := func(step float64) []float64 {
		var out []float64
		for d := 0.0; d < 180; d += step {
			out = append(out, d*math.Pi/180)
		}
		return out
	}
	axial, planes := []int{2}, []int{0, 1, 2}
	for _, test := range []struct {
		file, phantom string
		apply         func(filter.Block) filter.Block
	}{
		{"1_a_1", "checkerboard", func(b filter.Block) filter.Block { return filter.Mean(b, 15, 3, filter.Zero) }},
		{"1_a_2", "checkerboard", func(b filter.Block) filter.Block { return filter.Mean(b, 15, 3, filter.Nearest) }},
		{"1_a_3", "checkerboard", func(b filter.Block) filter.Block { return filter.Mean(b, 15, 3, filter.Periodic) }},
		{"1_a_4", "checkerboard", func(b filter.Block) filter.Block { return filter.Mean(b, 15, 3, filter.Mirror) }},
		{"1_b_1", "impulse", func(b filter.Block) filter.Block { return filter.Mean(b, 15, 2, filter.Zero) }},
		{"2_a", "impulse", func(b filter.Block) filter.Block { return filter.LaplacianKernel(b, 1.5, 4, 3, filter.Zero) }},
		{"2_b", "checkerboard", func(b filter.Block) filter.Block { return filter.LaplacianKernel(b, 2.5, 4, 3, filter.Mirror) }},
		{"2_c", "checkerboard", func(b filter.Block) filter.Block { return filter.LaplacianKernel(b, 2.5, 4, 2, filter.Mirror) }},
		{"3_a_1", "impulse", laws("E5L5S5", filter.Zero, false, 0)},
		{"3_a_2", "impulse", laws("E5L5S5", filter.Zero, true, 0)},
		{"3_a_3", "impulse", laws("E5L5S5", filter.Zero, true, 7)},
		{"3_b_1", "checkerboard", laws("E3W5R5", filter.Mirror, false, 0)},
		{"3_b_2", "checkerboard", laws("E3W5R5", filter.Mirror, true, 0)},
		{"3_b_3", "checkerboard", laws("E3W5R5", filter.Mirror, true, 7)},
		{"3_c_1", "checkerboard", laws("L5S5", filter.Mirror, false, 0)},
		{"3_c_2", "checkerboard", laws("L5S5", filter.Mirror, true, 0)},
		{"3_c_3", "checkerboard", laws("L5S5", filter.Mirror, true, 7)},
		{"4_a_1", "impulse", gabor(filter.Gabor{Sigma: 5, Wavelength: 2, Gamma: 0.5, Theta: []float64{math.Pi / 3}, Planes: axial})},
		{"4_a_2", "impulse", gabor(filter.Gabor{Sigma: 5, Wavelength: 2, Gamma: 0.5, Theta: degrees(45), Planes: planes})},
		{"4_b_1", "sphere", gabor(filter.Gabor{Sigma: 10, Wavelength: 4, Gamma: 2.5, Theta: []float64{225 * math.Pi / 180}, Planes: axial, Border: filter.Mirror})},
		{"4_b_2", "sphere", gabor(filter.Gabor{Sigma: 10, Wavelength: 4, Gamma: 2.5, Theta: degrees(22.5), Planes: planes, Border: filter.Mirror})},
		{"5_a_1", "impulse", wavelet("db2", "LHL", 1, filter.Zero, false)},
		{"5_a_2", "impulse", wavelet("db2", "LHL", 1, filter.Zero, true)},
		{"6_a_1", "sphere", wavelet("coif1", "HHL", 1, filter.Periodic, false)},
		{"6_a_2", "sphere", wavelet("coif1", "HHL", 1, filter.Periodic, true)},
		{"7_a_1", "checkerboard", wavelet("haar", "LLL", 2, filter.Mirror, true)},
		{"7_a_2", "checkerboard", wavelet("haar", "HHH", 2, filter.Mirror, true)},
		{"8_a_1", "checkerboard", func(b filter.Block) filter.Block { return filter.Simoncelli(b, 1, 3) }},
		{"8_a_2", "checkerboard", func(b filter.Block) filter.Block { return filter.Simoncelli(b, 2, 3) }},
		{"8_a_3", "checkerboard", func(b filter.Block) filter.Block { return filter.Simoncelli(b, 3, 3) }},
		{"9_a", "impulse", func(b filter.Block) filter.Block {
			return filter.Base{Sigma: 1.5, CutOff: 4, Border: filter.Zero}.Riesz(b, [3]int{1, 0, 0})
		}},
		{"9_b_1", "sphere", func(b filter.Block) filter.Block {
			return filter.Base{Sigma: 1.5, CutOff: 4, Border: filter.Zero}.Riesz(b, [3]int{0, 2, 0})
		}},
		{"10_b_1", "pattern_1", func(b filter.Block) filter.Block { return filter.Base{Level: 1}.Riesz(b, [3]int{0, 2, 0}) }},
	} {
		want, err := open.Volume(oracle.Data(t, "ibsi2", "reference_response_maps", test.file+"-ValidCRM.nii.gz"))
		if err != nil {
			t.Fatal(err)
		}
		got := test.apply(phantom(t, test.phantom))
		low, high, worst := math.Inf(1), math.Inf(-1), 0.0
		for i, w := range want.Values {
			low, high = min(low, w), max(high, w)
			worst = max(worst, math.Abs(got.Values[i]-w))
		}
		c := oracle.Absolute(t, "response map", test.file, reference+", share of the range", 0.01)
		c.Near("largest difference", worst/(high-low), 0)
		t.Logf("%s: %.2g", test.file, worst/(high-low))
	}
}
