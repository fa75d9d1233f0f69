package nrrd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nrrd"
	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/image/nrrd", 1063)) }

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

// Values: the files of testdata were written by unu of Teem 1.12 from the numbers −3 … 20, or 0 … 23 where the type has no sign
// (testdata/make.sh), in 3×4×2 voxels with the steps and the origin in the test.
func TestTeemOracle(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.n*r*d*"))
	if err != nil {
		t.Fatal(err)
	}
	headers, err := filepath.Glob(filepath.Join("testdata", "*.nhdr"))
	if err != nil {
		t.Fatal(err)
	}
	values := oracle.Absolute(t, "voxel values", "types, encodings, skips, detached headers", "Teem 1.12", 0)
	place := oracle.Absolute(t, "steps and origin, mm", "types, encodings, skips, detached headers", "Teem 1.12", 1e-12)
	for _, path := range append(files, headers...) {
		v, err := nrrd.Read(path)
		if err != nil {
			t.Error(err)
			continue
		}
		name := filepath.Base(path)
		if v.Size != [3]int{3, 4, 2} {
			t.Errorf("%s: size %v", name, v.Size)
			continue
		}
		first := -3.0
		if strings.HasPrefix(name, "u") {
			first = 0
		}
		for i, x := range v.Values {
			values.Near(name, x, first+float64(i))
		}
		signs := [3]float64{-1, -1, 1} // the files are in RAS
		switch name {
		case "space_LPS.nrrd":
			signs = [3]float64{1, 1, 1}
		case "space_LAS.nrrd":
			signs = [3]float64{1, -1, 1}
		}
		steps, origin := [3][3]float64{{0, 1.5, 0}, {-2.5, 0, 0}, {0, 0, 4}}, [3]float64{10, -20, 30.5}
		if name == "spacings.nrrd" {
			steps, origin, signs = [3][3]float64{{1.5, 0, 0}, {0, 2.5, 0}, {0, 0, 4}}, [3]float64{}, [3]float64{1, 1, 1}
		}
		for r := range 3 {
			for c := range 3 {
				place.Near(name, v.Direction[3*r+c]*v.Spacing[c], steps[c][r]*signs[r])
			}
			place.Near(name, v.Origin[r], origin[r]*signs[r])
		}
	}
}
