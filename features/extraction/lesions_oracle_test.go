package extraction_test

import (
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
)

// Lesions of a real segmentation know which segment they are: the segment Lesion has 118 voxels, counted with pydicom 2.3.1. Where another segment
// shares voxels with it and takes them, what is left is not the whole of it.
func TestLesionsOfSegments(t *testing.T) {
	root := oracle.Data(t, "dicom", "qin_prostate_adc_seg")
	for other, whole := range map[string]bool{"Normal": true, "Peripheral zone of the prostate": false} {
		plan := extraction.Plan{Series: &dicom.Rules{Modality: "MR"}, Parameters: radiomics.DefaultParams(), Lesions: &extraction.Lesions{From: "labels"},
			Regions: map[string]extraction.Region{"lesion": {Labels: []extraction.Label{{Name: "Lesion"}, {Name: other}}}}}
		r, err := plan.Extract(filepath.Join(root, "ADC"), filepath.Join(root, "seg"))
		if err != nil || len(r.Lesions) != 2 {
			t.Fatalf("%d lesions (%v)", len(r.Lesions), err)
		}
		_, mask, err := plan.Scan(filepath.Join(root, "ADC"), filepath.Join(root, "seg"))
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range r.Lesions {
			voxels := 0
			for _, label := range mask.Labels {
				if int(label) == i+1 {
					voxels++
				}
			}
			if v := float64(voxels) * mask.VoxelVolume(); v != l.Volume {
				t.Errorf("%s: lesion %s has %g mm³ and %g in the scan", other, l.Name, l.Volume, v)
			}
			if l.Label == 3 && (l.Whole != whole || (voxels == 118) != whole) {
				t.Errorf("beside %s the segment Lesion has %d voxels, all of it %v", other, voxels, l.Whole)
			}
			if l.Label != 3 && !l.Whole {
				t.Errorf("%s is not all of its segment", other)
			}
		}
	}
}
