// Package open reads a volume or a mask whatever its format, told by content and, where that does not tell, by name.
package open

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/image/nrrd"
)

// format is what can be done with the files of one format.
type format struct {
	name   string
	region func(path string, keep image.Selection) (image.Reading, error)
	mask   func(path string) (*image.Mask, error)
}

var (
	nrrdFormat  = format{"NRRD", nrrd.ReadRegion, nrrd.ReadMask}
	niftiFormat = format{"NIfTI", nifti.ReadRegion, nifti.ReadMask}
)

// Volume reads the whole volume of a file.
func Volume(path string) (*image.Volume, error) {
	r, err := Region(path, image.Selection{})
	return r.Volume, err
}

// Region reads the part of a volume that keep selects, in one pass.
func Region(path string, keep image.Selection) (image.Reading, error) {
	f, err := detect(path)
	if err != nil {
		return image.Reading{}, err
	}
	return f.region(path, keep)
}

// Mask reads the labels of a file.
func Mask(path string) (*image.Mask, error) {
	f, err := detect(path)
	if err != nil {
		return nil, err
	}
	return f.mask(path)
}

// detect tells the format of a file.
func detect(path string) (format, error) {
	f, err := os.Open(path)
	if err != nil {
		return format{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return format{}, err
	}
	var found *format
	err = nifti.Decompress(f, info.Size(), func(r io.Reader, _ int64) error {
		head := make([]byte, 512)
		n, err := io.ReadFull(r, head)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return err
		}
		head = head[:n]
		switch extension := strings.ToLower(filepath.Ext(strings.TrimSuffix(strings.ToLower(path), ".gz"))); {
		case bytes.HasPrefix(head, []byte("NRRD000")):
			found = &nrrdFormat
		case nifti.Is(head) || extension == ".img" || extension == ".hdr" || extension == ".nii":
			found = &niftiFormat // by name too, so that a damaged header is called that
		}
		return nil
	})
	switch {
	case err != nil:
		return format{}, fmt.Errorf("%s: %w", path, err)
	case found == nil:
		return format{}, fmt.Errorf("%s: not an image that is read: want NIfTI (.nii, .nii.gz, .hdr with .img) or NRRD (.nrrd, .nhdr)", path)
	}
	return *found, nil
}
