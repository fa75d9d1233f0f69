package raster_test

import (
	"os"
	"testing"

	"github.com/voxgene/voxgene/features/image/raster"
	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/image/raster", 8)) }

// Values: Pillow 9.4 on the two patients' TIFFs: slices, mask pixels above 0, the sum of the green channel (FLAIR), one pixel.
func TestGliomaOracle(t *testing.T) {
	root := oracle.Cohort(t, "tcga-lgg", "tif_sample")
	check := oracle.Absolute(t, "slices, mask voxels, sum of FLAIR", "two patients, TIFF of three channels", "Pillow 9.4", 0)
	for _, c := range []struct {
		patient           string
		slices, mask, sum float64
	}{{"TCGA_CS_6669_20020102", 22, 18783, 40591427}, {"TCGA_HT_7473_19970826", 32, 42636, 43651328}} {
		o := raster.Options{Spacing: [3]float64{1, 1, 1}, Files: "*[0-9].tif", Channel: "green"}
		v, err := raster.Read(root+"/"+c.patient, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Files, o.Channel = "*_mask.tif", ""
		m, err := raster.ReadMask(root+"/"+c.patient, o)
		if err != nil {
			t.Fatal(err)
		}
		sum, n := 0.0, 0.0
		for i, x := range v.Values {
			sum += x
			if m.Labels[i] != 0 {
				n++
			}
		}
		check.Near("slices", float64(v.Size[2]), c.slices)
		check.Near("mask slices", float64(m.Size[2]), c.slices)
		check.Near("sum", sum, c.sum)
		check.Near("mask", n, c.mask)
	}
}
