package dicom_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
)

// No file makes the readers panic or take more memory than its length allows.
func FuzzOpenFolder(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.dcm"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []set{slice(0), pet(), segmentation([]byte{0x03, 0x18, 0x80}), structures(contour("1", "1.5,1.5", "9.5,1.5", "9.5,9.5"))} {
		f.Add(s.file())
	}
	path := filepath.Join(f.TempDir(), "fuzz.dcm")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		folder, err := dicom.OpenFolder(path)
		if err != nil {
			return
		}
		defer folder.Close()
		for _, m := range folder.Masks() {
			if _, err := m.Sum(); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range folder.Series {
			if _, err := s.Sums(); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Read(dicom.Options{Selection: image.Selection{Statistics: true}}); err == nil && len(r.Volume.Values) != r.Whole.Voxels() {
				t.Fatalf("%d values for %d voxels", len(r.Volume.Values), r.Whole.Voxels())
			}
		}
		if _, err := dicom.ReadMask(path); err == nil {
			if _, err := dicom.Labels(path); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = dicom.ReadMaskOn(path, plain())
	})
}
