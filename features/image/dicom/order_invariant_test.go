package dicom_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/oracle"
)

// The grid of a series is the same to the last bit in whatever order its files come; those of this one give their orientation in digits that differ.
func TestGridWhateverTheOrder(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(oracle.Data(t, "dicom", "qin_prostate_adc_seg"), "ADC", "*.dcm"))
	if err != nil || len(files) != 20 {
		t.Fatal(files, err)
	}
	var want image.Grid
	for start := range files { // each comes first once
		dir := t.TempDir()
		for n, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d", (n+len(files)-start)*7%len(files))), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		folder, err := dicom.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		series, err := folder.One()
		if err != nil {
			t.Fatal(err)
		}
		got, err := series.Grid()
		if err != nil {
			t.Fatal(err)
		}
		if start == 0 {
			want = got
		}
		if got != want {
			t.Errorf("with file %d first: %v, want %v", start, got, want)
		}
		if err := folder.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
