package radiomics_test

import (
	"testing"

	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
)

// The 107 default features of brain1, with and without reading its files.
func BenchmarkBrain1(b *testing.B) {
	imagePath, maskPath := oracle.Data(b, "pyradiomics", "brain1_image.nrrd"), oracle.Data(b, "pyradiomics", "brain1_label.nrrd")
	p := radiomics.DefaultParams()
	b.Run("files", func(b *testing.B) {
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
	})
	v, m := testCase(b, "brain1")
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			if _, err := radiomics.Extract(v, m, 1, p); err != nil {
				b.Fatal(err)
			}
		}
	})
}
