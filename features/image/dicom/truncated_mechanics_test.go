package dicom_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/oracle"
)

// Real files, cut off anywhere or with a few bytes changed, are read or refused; none makes a reader panic. A cut image is never read whole.
func TestTruncatedFiles(t *testing.T) {
	root := oracle.Data(t, "dicom")
	var files []string
	for _, pattern := range []string{"pydicom_testfiles/*.dcm", "suyashkumar/*.dcm", "seg_bitpack_phantom/*/*.dcm", "qin_prostate_adc_seg/seg/*.dcm", "ibsi*/*/mask/*.dcm"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 40 {
		t.Fatalf("%d files", len(files))
	}
	path := filepath.Join(t.TempDir(), "cut.dcm")
	r := rand.New(rand.NewPCG(1, 1))
	read := func(b []byte) error {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := dicom.Read(path)
		_, _ = dicom.ReadMask(path)
		_, _ = dicom.ReadMaskOn(path, plain())
		return err
	}
	for _, name := range files {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		intact := read(whole) == nil
		for range 6 {
			_ = read(whole[:r.IntN(len(whole))])
			changed := append([]byte(nil), whole...)
			for range 1 + r.IntN(8) {
				changed[r.IntN(min(len(changed), 4000))] ^= byte(1 + r.IntN(255))
			}
			_ = read(changed)
		}
		if half := whole[:len(whole)/2]; intact && read(half) == nil {
			t.Errorf("%s: half of the file is read as if it were whole", filepath.Base(name))
		}
	}
}
