package nrrd_test

import (
	"os"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nrrd"
	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/image/nrrd", 19)) }

// Values: the diagnostics that PyRadiomics prints for its test case brain1 (docs, helloRadiomics notebook; SimpleITK reads the file).
func TestBrain1Oracle(t *testing.T) {
	reading, err := nrrd.ReadRegion(oracle.Data(t, "pyradiomics", "brain1_image.nrrd"), image.Selection{Statistics: true})
	if err != nil {
		t.Fatal(err)
	}
	mask, err := nrrd.ReadMask(oracle.Data(t, "pyradiomics", "brain1_label.nrrd"))
	if err != nil {
		t.Fatal(err)
	}
	if err := image.SameGrid(reading.Whole, mask.Grid, 1e-9); err != nil {
		t.Error(err)
	}
	if !reading.Volume.Integer {
		t.Error("int16 volume does not count as integer")
	}
	check := oracle.Relative(t, "statistics and mask geometry", "brain1", "PyRadiomics, helloRadiomics", 1e-9)
	check.Near("mean", reading.Statistics.Mean, 385.6564080810547)
	check.Near("minimum", reading.Statistics.Min, 0)
	check.Near("maximum", reading.Statistics.Max, 3057)
	b := mask.Bounds(1)
	size := b.Size()
	for a, want := range [3]float64{162, 84, 11} {
		check.Near("bounding box corner", float64(b.Min[a]), want)
	}
	for a, want := range [3]float64{47, 70, 7} {
		check.Near("bounding box size", float64(size[a]), want)
	}
	var sum [3]float64
	n := 0.0
	for at, l := range mask.Labels {
		if l == 1 {
			n++
			sum[0] += float64(at % mask.Size[0])
			sum[1] += float64(at / mask.Size[0] % mask.Size[1])
			sum[2] += float64(at / mask.Size[0] / mask.Size[1])
		}
	}
	check.Near("voxels", n, 4137)
	for a, want := range [3]float64{186.98549673676578, 106.3562968334542, 14.38917089678511} {
		check.Near("centre of mass, index", sum[a]/n, want)
	}
	centre := mask.World(sum[0]/n, sum[1]/n, sum[2]/n)
	for a, want := range [3]float64{46.47304432559825, 16.518518098863908, 15.529610829103234} {
		check.Near("centre of mass, mm", centre[a], want)
	}
	for a, want := range [3]float64{0.78125, 0.78125, 6.5} {
		check.Near("spacing", mask.Spacing[a], want)
	}
}
