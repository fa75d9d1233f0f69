package open_test

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/image/open", 36)) }

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

// Values: numpy 1.24 (mean and std, ÷ n) of the prostate MR, above 0 and in its mask.
func TestZScoreOracle(t *testing.T) {
	root := oracle.Data(t, "dicom", "autoradiomics_nifti", "prostate")
	check := oracle.Relative(t, "location and scale of z-scores", "prostate", "numpy", 1e-9)
	v, err := open.Volume(root + "/img.nii.gz")
	if err != nil {
		t.Fatal(err)
	}
	m, err := open.Mask(root + "/seg_one_label.nii.gz")
	if err != nil {
		t.Fatal(err)
	}
	above, err := image.ZScore(v, nil)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := image.ZScore(v, m)
	if err != nil {
		t.Fatal(err)
	}
	check.Near("above 0, mean", above.Location, 316.25007174667553)
	check.Near("above 0, SD", above.Scale, 174.6702492737875)
	check.Near("in the mask, mean", inside.Location, 309.02570790100646)
	check.Near("in the mask, SD", inside.Scale, 58.598181061286866)
	reference, err := image.Reference(v, m)
	if err != nil {
		t.Fatal(err)
	}
	check.Near("mean of the reference region", reference.Scale, 309.02570790100646)
}

// Values: the definition of intensity-normalization 2.2 (NyulNormalize) evaluated with numpy 1.24 and scipy's interp1d: percentiles of the
// values above 0, their mean place on the scale of 1 to 100 over three MR scans, and the first scan on it.
func TestNyulOracle(t *testing.T) {
	data, cohort := oracle.Data(t, "dicom", "autoradiomics_nifti", "prostate"), oracle.Cohort(t, "tcga-lgg", "nifti_crop")
	check := oracle.Relative(t, "standard scale of Nyul, and a scan on it", "prostate and glioma MR", "numpy, scipy", 1e-9)
	var volumes []*image.Volume
	var landmarks [][]float64
	for _, path := range []string{data + "/img.nii.gz", cohort + "/TCGA-CS-4941/flair.nii.gz", cohort + "/TCGA-CS-5393/flair.nii.gz"} {
		v, err := open.Volume(path)
		if err != nil {
			t.Fatal(err)
		}
		l, err := image.Landmarks(v, nil)
		if err != nil {
			t.Fatal(err)
		}
		volumes, landmarks = append(volumes, v), append(landmarks, l)
	}
	n, err := image.FitNyul(landmarks)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1, 13.964586517143108, 25.01057681768288, 33.363467885446056, 38.43992507246154, 42.52581357155037, 46.557103075068106,
		52.684716183066314, 62.05395164089173, 75.42735057270473, 100} {
		check.Near(fmt.Sprintf("landmark %d", i), n.Scale[i], want)
	}
	out, err := n.Apply(volumes[0], landmarks[0])
	if err != nil {
		t.Fatal(err)
	}
	var kept []float64
	for i, x := range volumes[0].Values {
		if x > 0 {
			kept = append(kept, out.Values[i])
		}
	}
	mean, sd := 0.0, 0.0
	for _, x := range kept {
		mean += x / float64(len(kept))
	}
	for _, x := range kept {
		sd += (x - mean) * (x - mean) / float64(len(kept))
	}
	check.Near("mean", mean, 43.8987501725521)
	check.Near("SD", math.Sqrt(sd), 22.220187888293406)
	check.Near("maximum", slices.Max(kept), 136.27615010643447)
	check.Near("minimum", slices.Min(kept), -3.8142323008194303)
}

// A DICOM file whose preamble makes it a TIFF as well is read as DICOM, alone and in a folder.
func TestTwoPersonalities(t *testing.T) {
	path := oracle.Data(t, "dicom", "pydicom_testfiles", "MR_small.dcm")
	v, err := open.Volume(path)
	if err != nil || v.Size != [3]int{64, 64, 1} {
		t.Errorf("%v (%v)", v, err)
	}
	if _, err := open.Labels(path); err == nil || !strings.Contains(err.Error(), "no segmentation") {
		t.Errorf("labels of an image: %v", err)
	}
}

// Values: the definitions of intensity-normalization 2.2 (WhiteStripeNormalize, histogram_tools) evaluated with numpy and scipy: kernel
// density at 80 points, modes, ±5 % of quantiles. Its mode is one of 80 grid points and ours is not, so that a location may differ by about
// half of its step, which is the unit here.
func TestWhiteStripeOracle(t *testing.T) {
	data, cohort := oracle.Data(t, "dicom", "autoradiomics_nifti", "prostate"), oracle.Cohort(t, "tcga-lgg", "nifti_crop")
	check := oracle.Absolute(t, "location of white stripes, steps of the reference's grid", "prostate and glioma MR", "intensity-normalization 2.2", 0.75)
	for _, c := range []struct {
		path           string
		peak           image.Peak
		location, step float64
	}{
		{data + "/img.nii.gz", image.LastPeak, 588.1164143577193, 9.094341883478286}, {data + "/img.nii.gz", image.LargestPeak, 283.2115343939755, 15.456453962567483},
		{data + "/img.nii.gz", image.FirstPeak, 57.260450090327936, 10.814383742779118},
		{cohort + "/TCGA-CS-4941/flair.nii.gz", image.LastPeak, 118.75357856191745, 1.8651898734177221},
		{cohort + "/TCGA-CS-4941/flair.nii.gz", image.LargestPeak, 60.59055849828083, 2.9537974683544306},
		{cohort + "/TCGA-CS-4941/post.nii.gz", image.LastPeak, 71.50833333333334, 1.3753164556962025},
		{cohort + "/TCGA-CS-5393/flair.nii.gz", image.LastPeak, 115.49091493809294, 1.6746835443037975},
		{cohort + "/TCGA-CS-5393/flair.nii.gz", image.LargestPeak, 74.04755827803301, 3.457278481012658},
		{cohort + "/TCGA-CS-5393/post.nii.gz", image.LargestPeak, 84.54700572435051, 3.457278481012658},
	} {
		v, err := open.Volume(c.path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := image.WhiteStripe(v, nil, c.peak, 0.05)
		if err != nil {
			t.Error(err)
			continue
		}
		check.Near(c.path+" "+string(c.peak), n.Location/c.step, c.location/c.step)
	}
}
