package open_test

import (
	"os"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/image/open", 7)) }

// Values: AutoRadiomics' own dilation of its prostate mask by 10 mm (seg_dilated_10mm.nii.gz), voxel by voxel; its rings of 2 and 5 mm
// from scipy 1.10's distance_transform_edt on the same mask; components of label 2 from scipy.ndimage.label with 26 neighbours.
func TestRegionsOracle(t *testing.T) {
	root := oracle.Data(t, "dicom", "autoradiomics_nifti", "prostate")
	check := oracle.Absolute(t, "voxels of dilations, rings and components", "prostate", "AutoRadiomics 6de8949, scipy 1.10", 0)
	m, err := open.Mask(root + "/seg_one_label.nii.gz")
	if err != nil {
		t.Fatal(err)
	}
	count := func(m *image.Mask, err error) float64 {
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, l := range m.Labels {
			if l != 0 {
				n++
			}
		}
		return float64(n)
	}
	dilated, err := m.Dilate(10)
	check.Near("dilated by 10 mm", count(dilated, err), 70101)
	want, err := open.Mask(root + "/seg_dilated_10mm.nii.gz")
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i := range want.Labels {
		if want.Labels[i] != dilated.Labels[i] {
			differ++
		}
	}
	check.Near("dilated by 10 mm, other voxels", float64(differ), 0)
	for mm, want := range map[float64]float64{2: 5138, 5: 19356} {
		check.Near("ring", count(m.Ring(mm)), want)
	}
	two, err := open.Mask(root + "/seg_two_labels.nii.gz")
	if err != nil {
		t.Fatal(err)
	}
	_, parts, err := two.Union(2).Components(0)
	if err != nil || len(parts) != 2 {
		t.Fatalf("%v, %v", parts, err)
	}
	check.Near("components", float64(len(parts)), 2)
	check.Near("largest component", float64(parts[0].Voxels), 1445)
	check.Near("other component", float64(parts[1].Voxels), 1054)
}
