package nifti_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
)

// No file makes the reader panic or take more memory than its length allows.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.nii*"))
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
	path := filepath.Join(f.TempDir(), "fuzz.nii")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		reading, err := nifti.ReadRegion(path, image.Selection{Statistics: true})
		if err == nil && len(reading.Volume.Values) != reading.Whole.Voxels() {
			t.Fatalf("%d values for %d voxels", len(reading.Volume.Values), reading.Whole.Voxels())
		}
		if m, err := nifti.ReadMask(path); err == nil && len(m.Labels) != m.Voxels() {
			t.Fatalf("%d labels for %d voxels", len(m.Labels), m.Voxels())
		}
	})
}
