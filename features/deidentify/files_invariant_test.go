package deidentify_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/deidentify"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/oracle"
)

// Every DICOM file of the reference data, in all the encodings and with all the faults that pydicom tests with, is written or quarantined with a
// reason; what could be read as an image or a mask before reads the same after, big-endian, deflated and without a preamble too; and what comes out
// goes through again as it is.
func TestFilesRead(t *testing.T) {
	root := oracle.Data(t, "dicom")
	key := deidentify.Key(bytes.Repeat([]byte{5}, 32))
	written, images, masks := 0, 0, 0
	series := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".dcm" {
			return err
		}
		if dir := filepath.Dir(path); series[dir] && filepath.Base(dir) != "pydicom_testfiles" && filepath.Base(dir) != "suyashkumar" {
			return nil // one slice of a series is enough
		}
		series[filepath.Dir(path)] = true
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		made, err := key.Identify(b)
		var q *deidentify.Quarantine
		if errors.As(err, &q) || errors.Is(err, deidentify.ErrNotDICOM) {
			return nil
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		written++
		clean := filepath.Join(t.TempDir(), "x.dcm")
		if err := os.WriteFile(clean, made.Bytes, 0o600); err != nil {
			return err
		}
		if was, err := dicom.Read(path); err == nil {
			images++
			is, err := dicom.Read(clean)
			if err != nil || was.Grid != is.Grid || !slices.Equal(was.Values, is.Values) {
				t.Errorf("%s: the image changed (%v)", path, err)
			}
		}
		if was, err := dicom.ReadMask(path); err == nil {
			masks++
			is, err := dicom.ReadMask(clean)
			if err != nil || was.Grid != is.Grid || !slices.Equal(was.Labels, is.Labels) {
				t.Errorf("%s: the mask changed (%v)", path, err)
			}
		}
		_, err = key.Identify(made.Bytes)
		if err != nil {
			t.Errorf("%s: what came out is not taken: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files written, %d images and %d masks read before and after", written, images, masks)
	if written < 30 || images < 20 || masks < 1 {
		t.Errorf("%d files written, %d images and %d masks: there were more", written, images, masks)
	}
}
