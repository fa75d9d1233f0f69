package dicom_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/image/dicom", 6648)) }

// Values: pydicom 2.3.1, pixel_array·RescaleSlope + RescaleIntercept of the slices sorted by their position along the normal. PET of the
// sarcoma patient is in SUV already (GML).
func TestSeriesOracle(t *testing.T) {
	root := oracle.Data(t)
	check := oracle.Relative(t, "size, spacing, origin, sum, minimum, maximum, one voxel", "6 series", "pydicom 2.3.1, numpy", 1e-12)
	for _, c := range []struct {
		folder          string
		size            [3]int
		spacing, origin [3]float64
		sum, low, high  float64
		voxel           float64 // (5, 7, 1)
	}{
		{"dicom/seg_bitpack_phantom/image", [3]int{23, 38, 3}, [3]float64{0.7, 0.7, 2.5}, [3]float64{46.4649, 5.01881, -177.75}, 310, 0, 1, 1},
		{"dicom/ibsi_STS_008_ct_mr_pet_rtstruct/CT/image", [3]int{141, 137, 51}, [3]float64{0.976562, 0.976562, 3.2699999999999987},
			[3]float64{110.351378, -56.640724, -272.95}, -401221999, -1000, 1479, 6},
		{"dicom/ibsi_STS_008_ct_mr_pet_rtstruct/MR_T1/image", [3]int{77, 79, 28}, [3]float64{0.976562, 0.976562, 3.2699599999996303},
			[3]float64{141.601359999999, -33.203228, -230.44256999999}, 83264712, 0, 1140, 991},
		{"dicom/ibsi_STS_008_ct_mr_pet_rtstruct/PET/image", [3]int{30, 29, 51}, [3]float64{4.6875, 4.6875, 3.27},
			[3]float64{110.15625, -53.90625, -272.93}, 14602.369398312088, 0, 6.50177621833271, 0.46067962840107995},
		{"ibsi1/ibsi_1_ct_radiomics_phantom/dicom/image", [3]int{204, 201, 60}, [3]float64{0.97699999809265, 0.97699999809265, 2.9999999999998486},
			[3]float64{-174.39450073242, -79.625503540039, -100.40000152587}, -655581056, -1000, 3065, -1000},
		{"dicom/qin_prostate_adc_seg/ADC", [3]int{256, 256, 20}, [3]float64{0.7031, 0.7031, 3}, [3]float64{-86.8951, -100.219, -42.4167}, 40605992, 0, 1845, 0},
	} {
		r, err := dicom.ReadRegion(filepath.Join(root, c.folder), image.Selection{Statistics: true})
		if err != nil {
			t.Error(err)
			continue
		}
		if r.Whole.Size != c.size {
			t.Errorf("%s: size %v, want %v", c.folder, r.Whole.Size, c.size)
			continue
		}
		for a := range 3 {
			if c.spacing[a] == 3 { // the oblique series: numpy's normal is not of length 1
				continue
			}
			check.Near(c.folder+" spacing", r.Whole.Spacing[a], c.spacing[a])
			check.Near(c.folder+" origin", r.Whole.Origin[a], c.origin[a])
		}
		check.Near(c.folder+" sum", r.Statistics.Mean*float64(r.Statistics.Count), c.sum)
		check.Near(c.folder+" minimum", r.Statistics.Min, c.low)
		check.Near(c.folder+" maximum", r.Statistics.Max, c.high)
		check.Near(c.folder+" voxel", r.Volume.Values[r.Volume.Index(5, 7, 1)], c.voxel)
	}
}

// The same MR in eight encodings has the same voxels. Values: pydicom 2.3.1 for the plain file; GDCM 3.0.21 (gdcmconv --raw) for the two
// CT in JPEG 2000, the second of which stores signed numbers that the code stream calls unsigned.
func TestPydicomFilesOracle(t *testing.T) {
	folder := oracle.Data(t, "dicom", "pydicom_testfiles")
	check := oracle.Relative(t, "mean, SD, minimum, maximum", "transfer syntaxes", "pydicom 2.3.1, GDCM 3.0.21", 1e-12)
	statistics := func(name string, mean, sd, low, high float64) {
		r, err := dicom.ReadRegion(filepath.Join(folder, name), image.Selection{Statistics: true})
		if err != nil {
			t.Error(err)
			return
		}
		check.Near(name+" mean", r.Statistics.Mean, mean)
		check.Near(name+" SD", r.Statistics.SD, sd)
		check.Near(name+" minimum", r.Statistics.Min, low)
		check.Near(name+" maximum", r.Statistics.Max, high)
	}
	for _, name := range []string{"MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm", "MR_small_implicit.dcm",
		"MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_padded.dcm"} {
		statistics(name, 518.88134765625, 409.18705143374285, 127, 2145)
	}
	statistics("693_J2KI.dcm", -1032.3228454589844, 1158.65849816716, -3995, 1812)
	statistics("rtdose.dcm", 1519.91/1500, 0.14309349316937467, 0.795, 1.254)
}

// Values: pydicom 2.3.1, the bits of the frames of each segment.
func TestSegmentationOracle(t *testing.T) {
	root := oracle.Data(t, "dicom")
	check := oracle.Absolute(t, "voxels a segment", "SEG with bits across bytes, SEG of 4 overlapping segments", "pydicom 2.3.1", 0)
	for _, c := range []struct {
		image, mask string
		voxels      []int // of segments 1, 2, …
	}{
		{"seg_bitpack_phantom/image", "seg_bitpack_phantom/mask", []int{322}},
		{"qin_prostate_adc_seg/ADC", "qin_prostate_adc_seg/seg/1-1.dcm", []int{140, 2158, 118, 15306}},
	} {
		v, err := dicom.Read(filepath.Join(root, c.image))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.voxels {
			m, err := dicom.ReadMaskOn(filepath.Join(root, c.mask), v.Grid, i+1)
			if err != nil {
				t.Error(err)
				continue
			}
			n := 0
			for at, l := range m.Labels {
				if int(l) == i+1 {
					n++
				}
				// The phantom's note: the middle slice shows the same round region in image and segmentation.
				if plane := v.Size[0] * v.Size[1]; c.image == "seg_bitpack_phantom/image" && at >= plane && at < 2*plane && (v.Values[at] != 0) != (l != 0) && !corner(at-plane, v.Size) {
					t.Errorf("%s: voxel %d of the middle slice: image %g, label %d", c.mask, at, v.Values[at], l)
				}
			}
			check.Near(c.mask, float64(n), float64(want))
		}
	}
}

// corner says whether a pixel is one of the four corners of its slice.
func corner(at int, size [3]int) bool {
	x, y := at%size[0], at/size[0]
	return (x == 0 || x == size[0]-1) && (y == 0 || y == size[1]-1)
}

// Values: IBSI 1, the CT phantom's NIfTI mask (125,256 voxels), voxel by voxel.
func TestStructuresOracle(t *testing.T) {
	folder := oracle.Data(t, "ibsi1", "ibsi_1_ct_radiomics_phantom", "dicom")
	f, err := dicom.OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	series, err := f.One()
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Structures[0].MaskOn(series)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, l := range m.Labels {
		n += int(l)
	}
	oracle.Absolute(t, "voxels of GTV-1", "CT phantom, RTSTRUCT", "IBSI 1", 0).Near("voxels", float64(n), 125256)
	want, err := nifti.ReadMask(oracle.Data(t, "ibsi1", "ibsi_1_ct_radiomics_phantom", "nifti", "mask", "mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := image.SameGrid(m.Grid, want.Grid, image.GridTolerance); err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i := range m.Labels {
		if m.Labels[i] != want.Labels[i] {
			differ++
		}
	}
	oracle.Absolute(t, "voxels unlike the NIfTI mask", "CT phantom, RTSTRUCT", "IBSI 1", 0).Near("voxels", float64(differ), 0)
}

// Values: testdata/make.py, which had dcmtk 3.6.7 and GDCM 3.0.21 compress a slice that it made by formula. Lossless codes give it back;
// JPEG-LS with NEAR 2 within 2; lossy JPEG 2000 as GDCM decodes it.
func TestCompressedOracle(t *testing.T) {
	formula := func(x, y int) float64 { return float64(37*x + 113*y - 900) }
	small := func(x, y int) float64 { return float64(5*x + 7*y) }
	exact := oracle.Absolute(t, "pixels", "RLE, JPEG lossless 1 to 7, JPEG-LS, JPEG 2000, deflated, byte orders", "dcmtk 3.6.7, GDCM 3.0.21", 0)
	near := oracle.Absolute(t, "pixels", "JPEG-LS near-lossless, JPEG baseline", "dcmtk 3.6.7", 2)
	for _, c := range []struct {
		name  string
		want  func(x, y int) float64
		check *oracle.Check
	}{
		{"plain", formula, exact}, {"implicit", formula, exact}, {"big_endian", formula, exact}, {"deflated", formula, exact}, {"rle", formula, exact},
		{"jpeg_lossless_sv1", formula, exact}, {"jpeg_lossless_2", formula, exact}, {"jpeg_lossless_3", formula, exact}, {"jpeg_lossless_4", formula, exact},
		{"jpeg_lossless_5", formula, exact}, {"jpeg_lossless_6", formula, exact}, {"jpeg_lossless_7", formula, exact}, {"jpegls_lossless", formula, exact},
		{"j2k_lossless", formula, exact}, {"lossy", small, exact}, {"jpegls_near", small, near}, {"jpeg_baseline", small, near},
	} {
		v, err := dicom.Read(filepath.Join("testdata", c.name+".dcm"))
		if err != nil {
			t.Error(err)
			continue
		}
		for y := range 16 {
			for x := range 24 {
				c.check.Near(c.name, v.Values[v.Index(x, y, 0)], c.want(x, y))
			}
		}
	}
	v, err := dicom.Read(filepath.Join("testdata", "j2k_lossy.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, x := range v.Values {
		sum += x
	}
	exact.Near("j2k_lossy, sum", sum, 141168)
	for i, want := range []float64{-912, -872, -832, -792, -752, -712, -672, -632, -592, -558, -524, -490} {
		exact.Near("j2k_lossy", v.Values[i], want)
	}
}
