package studies_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "serve/studies", 1)) }

// Values: voxels of the segment Lesion counted with pydicom 2.3.1 (pixel_array), times the voxel of the series.
func TestStudyOracle(t *testing.T) {
	root := oracle.Data(t, "dicom", "qin_prostate_adc_seg")
	s := serve(t, nil)
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	var parts []part
	files, err := filepath.Glob(filepath.Join(root, "ADC", "*.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	masks, err := filepath.Glob(filepath.Join(root, "seg", "*.dcm"))
	if err != nil || len(masks) != 1 {
		t.Fatal(masks, err)
	}
	for i, path := range append(files, masks...) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(filepath.Base(path) + strings.Repeat("x", i))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(b)
		name := "image"
		if i == len(files) {
			name = "mask"
		}
		parts = append(parts, part{name, filepath.Base(path), b})
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	code, got := ask(s, parts...)
	if code != 200 {
		t.Fatalf("%d %v", code, got)
	}
	r, err := s.store.Get(got["result"].(string))
	if err != nil {
		t.Fatal(err)
	}
	check := oracle.Relative(t, "volume of a lesion over HTTP", "ADC and SEG", "pydicom 2.3.1", 1e-6)
	check.Near("volume", *r.Features[1].Value, 118*(0.7031*0.7031*2.9999983825824272))
	if r.Identity.Study == "" || len(r.Identity.Series) != 1 || r.Identity.Mask == "" || len(r.Evidence) != 21 || r.Evidence[20].Segment == 0 {
		t.Errorf("%+v, %d objects", r.Identity, len(r.Evidence))
	}
	// The segmentation may lie among the images of one archive: the result is the same.
	code, zipped := ask(s, part{"image", "study.zip", archive.Bytes()})
	if code != 200 || zipped["result"] != got["result"] || zipped["inputs"] != got["inputs"] {
		t.Errorf("%d %v", code, zipped)
	}
}
