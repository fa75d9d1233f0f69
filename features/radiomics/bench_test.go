package radiomics_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nrrd"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
)

// extractFiles reads a pair as the command line does and measures label 1.
func extractFiles(b *testing.B, imagePath, maskPath string, p radiomics.Params) {
	b.Helper()
	for b.Loop() {
		m, err := open.Mask(maskPath)
		if err != nil {
			b.Fatal(err)
		}
		in, err := open.Region(imagePath, radiomics.Reach(m, []int{1}, p))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := radiomics.ExtractReading(in, m, 1, p); err != nil {
			b.Fatal(err)
		}
	}
}

// The 107 default features of brain1, from its files.
func BenchmarkBrain1(b *testing.B) {
	extractFiles(b, oracle.Data(b, "pyradiomics", "brain1_image.nrrd"), oracle.Data(b, "pyradiomics", "brain1_label.nrrd"), radiomics.DefaultParams())
}

// A CT of 512 × 512 × 200 voxels of 1 × 1 × 2.5 mm from its files: a body with structure of some millimetres and noise, and an ellipsoid
// of a given number of voxels. The scan is made here from a seed.
func BenchmarkCT(b *testing.B) {
	dir := b.TempDir()
	scan := filepath.Join(dir, "ct.nrrd")
	g := image.Grid{Size: [3]int{512, 512, 200}, Spacing: [3]float64{1, 1, 2.5}, Direction: image.IdentityDirection}
	writeCT(b, scan, g)
	masks := map[int]string{50_000: filepath.Join(dir, "50k.nrrd"), 500_000: filepath.Join(dir, "500k.nrrd")}
	for n, path := range masks {
		writeEllipsoid(b, path, g, n)
	}
	parse := func(text string) radiomics.Params {
		p, err := radiomics.ParseParams("bench", []byte(text))
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	const filters = "imageType: {Original: {}, Wavelet: {}, LoG: {sigma: [1.0, 2.0, 3.0, 4.0, 5.0]}}\n"
	for _, bench := range []struct {
		name   string
		voxels int
		params radiomics.Params
	}{
		{"107 features, 50k voxels", 50_000, radiomics.DefaultParams()},
		{"107 features, 500k voxels", 500_000, radiomics.DefaultParams()},
		{"1316 features, 50k voxels, preCrop", 50_000, parse(filters + "setting: {preCrop: true}")},
		{"1316 features, 50k voxels", 50_000, parse(filters)},
	} {
		b.Run(bench.name, func(b *testing.B) { extractFiles(b, scan, masks[bench.voxels], bench.params) })
	}
}

func writeCT(b *testing.B, path string, g image.Grid) {
	b.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	coarse := make([]float64, 129*129*51)
	for i := range coarse {
		coarse[i] = r.NormFloat64()
	}
	v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, g.Voxels())}
	o := 0
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				x := -1000.0
				if math.Pow(float64(j-256)/200, 2)+math.Pow(float64(i-256)/230, 2) <= 1 {
					x = 40
				}
				c := ((k/4)*129+j/4)*129 + i/4
				f := float64(i%4) / 4
				x += 60*((1-f)*coarse[c]+f*coarse[c+1]) + 20*r.NormFloat64()
				v.Values[o] = math.Round(min(max(x, -1024), 3071))
				o++
			}
		}
	}
	if err := nrrd.Write(path, v, image.Int16); err != nil {
		b.Fatal(err)
	}
}

func writeEllipsoid(b *testing.B, path string, g image.Grid, voxels int) {
	b.Helper()
	a := math.Cbrt(float64(voxels) * 2.5 / (4.0 / 3 * math.Pi * 1.2))
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	o := 0
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				x, y, z := float64(i-230)/(1.2*a), float64(j-270)/a, float64(k-100)*2.5/a
				if x*x+y*y+z*z <= 1 {
					m.Labels[o] = 1
				}
				o++
			}
		}
	}
	if err := nrrd.WriteMask(path, m); err != nil {
		b.Fatal(err)
	}
}
