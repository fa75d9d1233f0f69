package radiomics_test

import (
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/radiomics/bench/inputs"
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

// A CT of 512 × 512 × 200 voxels and two regions of it, from raw NRRD: what features/radiomics/bench runs as a program.
func BenchmarkCT(b *testing.B) {
	dir := b.TempDir()
	scan := filepath.Join(dir, "ct.nrrd")
	if err := inputs.CT().WriteImage(scan); err != nil {
		b.Fatal(err)
	}
	masks := map[int]string{50_000: filepath.Join(dir, "50k.nrrd"), 500_000: filepath.Join(dir, "500k.nrrd")}
	for n, path := range masks {
		if err := inputs.CT().WriteMask(path, n); err != nil {
			b.Fatal(err)
		}
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
