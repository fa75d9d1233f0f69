package extraction_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/settings"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/extraction", 23)) }

// plan reads a block of a configuration. Only the volume is computed, so that counts of voxels show.
func plan(t testing.TB, text string) (extraction.Plan, error) {
	t.Helper()
	n, err := settings.Parse("source.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out := extraction.Plan{Parameters: radiomics.DefaultParams()}
	var p settings.Problems
	settings.Decode(n, &out, &p)
	out.Check(n, &p)
	return out, p.Err()
}

// volumes extracts and returns original_shape_VoxelVolume and the counts of lesions, by name.
func volumes(t testing.TB, text, img, mask string) map[string]float64 {
	t.Helper()
	one, err := plan(t, text)
	if err != nil {
		t.Fatal(err)
	}
	result, err := one.Extract(img, mask)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range result.Features {
		out[f.Name] = f.Value
	}
	return out
}

const volume = "original_shape_VoxelVolume"

// Values: voxels of each segment and of their unions counted with pydicom 2.3.1 (pixel_array); the voxel is 0.7031×0.7031 mm and the mean
// distance between slices.
func TestSegmentsOracle(t *testing.T) {
	root := oracle.Data(t, "dicom", "qin_prostate_adc_seg")
	img, mask := filepath.Join(root, "ADC"), filepath.Join(root, "seg")
	const voxel = 0.7031 * 0.7031 * 2.9999983825824272
	check := oracle.Relative(t, "volume of segments by name, number and union", "ADC and SEG of 4 overlapping segments", "pydicom 2.3.1", 1e-9)
	got := volumes(t, `{label: Lesion}`, img, mask)
	check.Near("by name", got[volume], 118*voxel)
	got = volumes(t, `{regions: {lesion: 3, healthy: [Normal, 2], all: [1, 2, 3, 4]}, series: {modality: MR, image_type: DERIVED}}`, img, mask)
	check.Near("one", got["lesion."+volume], 118*voxel)
	check.Near("union", got["healthy."+volume], 2165*voxel)
	check.Near("overlapping union", got["all."+volume], 15374*voxel)
}

// Values: scipy 1.10, distance_transform_edt and label with 26 neighbours, on AutoRadiomics' prostate masks.
func TestRegionsOracle(t *testing.T) {
	root := oracle.Data(t, "dicom", "autoradiomics_nifti", "prostate")
	img := filepath.Join(root, "img.nii.gz")
	const voxel = 0.6000000238418579 * 0.6000003218650818 * 4.000002384185791
	check := oracle.Relative(t, "volume of rings and lesions", "prostate", "scipy 1.10", 1e-7)
	got := volumes(t, `{regions: {prostate: 1, ring: {of: prostate, dilate_mm: 5}}}`, img, filepath.Join(root, "seg_one_label.nii.gz"))
	check.Near("prostate", got["prostate."+volume], 19401*voxel)
	check.Near("ring", got["ring."+volume], 19356*voxel)
	two := filepath.Join(root, "seg_two_labels.nii.gz")
	for aggregate, want := range map[string]float64{"largest": 1445, "mean": 2499.0 / 2, "volume_weighted": (1445.0*1445 + 1054*1054) / 2499} {
		got = volumes(t, `{label: 2, lesions: {aggregate: `+aggregate+`}}`, img, two)
		check.Near(aggregate, got[volume], want*voxel)
		check.Near(aggregate+", count", got["lesions_Count"], 2)
		check.Near(aggregate+", total", got["lesions_TotalVolume"], 2499*voxel)
	}
	got = volumes(t, `{label: 2, lesions: {aggregate: mean, min_mm3: 1600}}`, img, two)
	check.Near("of at least 1600 mm³", got[volume], 1445*voxel)
	got = volumes(t, `{regions: {both: [1, 2]}, lesions: {from: labels, aggregate: largest}}`, img, two)
	check.Near("labels as lesions", got["both."+volume], 19401*voxel)
	check.Near("labels as lesions, count", got["both.lesions_Count"], 2)
}

// Values: Pillow 9.4 and numpy: pixels of the mask and the mean of the green channel (FLAIR) inside it.
func TestStackOracle(t *testing.T) {
	folder := oracle.Cohort(t, "tcga-lgg", "tif_sample", "TCGA_CS_6669_20020102")
	check := oracle.Relative(t, "volume and mean of FLAIR in the mask", "TIFF stack", "Pillow 9.4, numpy", 1e-9)
	got := volumes(t, `{label: 255, stack: {spacing: [0.5, 0.5, 4], files: "*[0-9].tif", masks: "*_mask.tif", channel: green}}`, folder, folder)
	check.Near("volume", got[volume], 18783)
	check.Near("mean", got["original_firstorder_Mean"], 81.0282702443699)
}

// Values: numpy 1.24, the mean of the prostate's values after (x − mean)/SD of the voxels above 0, and of those in label 2 divided by the
// mean of label 1.
func TestNormaliseOracle(t *testing.T) {
	root := oracle.Data(t, "dicom", "autoradiomics_nifti", "prostate")
	img := filepath.Join(root, "img.nii.gz")
	check := oracle.Relative(t, "mean after normalisation", "prostate", "numpy", 1e-8)
	got := volumes(t, `{label: 2, normalise: {method: reference, within: [1]}}`, img, filepath.Join(root, "seg_two_labels.nii.gz"))
	check.Near("reference", got["original_firstorder_Mean"], 1.595214300673177)
	got = volumes(t, `{label: 2, normalise: {method: zscore, within: [1]}}`, img, filepath.Join(root, "seg_two_labels.nii.gz"))
	check.Near("z-score in a label", got["original_firstorder_Mean"], 3.1389459073133144)
	got = volumes(t, `{label: 2, normalise: {method: zscore}}`, img, filepath.Join(root, "seg_two_labels.nii.gz"))
	check.Near("z-score", got["original_firstorder_Mean"], 1.0116861052443364)
}
