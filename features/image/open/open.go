// Package open reads a volume or a mask whatever its format, told by content and, where that does not tell, by name.
//
// A folder or a zip archive is DICOM. A mask may be a file of labels (NIfTI, NRRD), a DICOM segmentation, or a structure set.
package open

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/image/nrrd"
	"github.com/voxgene/voxgene/features/image/raster"
	"github.com/voxgene/voxgene/features/work"
)

// format is what can be done with the files of one format.
type format struct {
	region func(path string, keep image.Selection) (image.Reading, error)
	mask   func(path string) (*image.Mask, error)
}

var (
	nrrdFormat  = &format{nrrd.ReadRegion, nrrd.ReadMask}
	niftiFormat = &format{nifti.ReadRegion, nifti.ReadMask}
	dicomFormat = &format{dicom.ReadRegion, dicom.ReadMask}
)

// Volume reads the whole volume of a file, or the only series of a folder.
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

// Mask reads the labels of a file. A DICOM segmentation comes on its own grid; a structure set has none and needs MaskOn.
func Mask(path string) (*image.Mask, error) {
	f, err := detect(path)
	if err != nil {
		return nil, err
	}
	return f.mask(path)
}

// Label is one label of a mask, segment of a segmentation or structure of a structure set.
type Label struct {
	Number int
	Name   string // "" where the format has none
}

// Labels lists the labels of a mask, by number; the background is none.
func Labels(path string) ([]Label, error) {
	f, err := detect(path)
	if err != nil {
		return nil, err
	}
	if f == dicomFormat {
		segments, err := dicom.Labels(path)
		out := make([]Label, len(segments))
		for i, s := range segments {
			out[i] = Label{s.Number, s.Label}
		}
		return out, err
	}
	m, err := f.mask(path)
	if err != nil {
		return nil, err
	}
	return present(m), nil
}

// present lists the labels that a mask has.
func present(m *image.Mask) []Label {
	var seen [1 << 16]bool
	for _, l := range m.Labels {
		seen[l] = true
	}
	var out []Label
	for n := 1; n < len(seen); n++ {
		if seen[n] {
			out = append(out, Label{Number: n})
		}
	}
	return out
}

// MaskOn reads labels onto the grid of an image; all of them where no number is given. A file of labels must be on that grid already, or
// the error says in what it differs; a DICOM segmentation must lie on its voxels; contours are filled. A label that is not there is an error.
func MaskOn(path string, g image.Grid, numbers ...int) (*image.Mask, error) {
	f, err := detect(path)
	if err != nil {
		return nil, err
	}
	if f == dicomFormat {
		return dicom.ReadMaskOn(path, g, numbers...)
	}
	m, err := f.mask(path)
	if err != nil {
		return nil, err
	}
	if err := image.SameGrid(g, m.Grid, image.GridTolerance); err != nil {
		return nil, fmt.Errorf("%s: image and mask are %w", path, err)
	}
	if len(numbers) == 0 {
		return m, nil
	}
	have := present(m)
	for _, n := range numbers {
		if !slices.Contains(have, Label{Number: n}) {
			names := make([]string, len(have))
			for i, l := range have {
				names[i] = fmt.Sprint(l.Number)
			}
			return nil, fmt.Errorf("%s: no voxel has the label %d; there are: %s", path, n, strings.Join(names, ", "))
		}
	}
	for i, l := range m.Labels {
		if l != 0 && !slices.Contains(numbers, int(l)) {
			m.Labels[i] = 0
		}
	}
	return m, nil
}

// detect tells the format of a path.
func detect(path string) (*format, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return dicomFormat, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found *format
	err = nifti.Decompress(f, info.Size(), func(r io.Reader, _ int64) error {
		head := make([]byte, 512)
		n, err := io.ReadFull(r, head)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return err
		}
		// Scanners may write a preamble that makes a DICOM file a TIFF as well (PS3.10, 7.1): it is read as DICOM.
		if raster.Is(head[:n]) && !isDICOM(head[:n]) {
			return errors.New("PNG and TIFF do not say how large a pixel is: give the spacing (stack: {spacing: [0.9, 0.9, 5]})")
		}
		found = byContent(head[:n], strings.ToLower(path))
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case found == nil:
		return nil, fmt.Errorf("%s: not an image that is read: want NIfTI (.nii, .nii.gz, .hdr with .img), NRRD (.nrrd, .nhdr) or DICOM (a folder, .zip, .dcm)", path)
	}
	return found, nil
}

// byContent tells a format by a file's first bytes; by its name, so that a damaged header is called that.
func byContent(head []byte, name string) *format {
	extension := filepath.Ext(strings.TrimSuffix(name, ".gz"))
	switch {
	case bytes.HasPrefix(head, []byte("NRRD000")) || extension == ".nrrd" || extension == ".nhdr":
		return nrrdFormat
	case isDICOM(head) || bytes.HasPrefix(head, []byte("PK\x03\x04")) || extension == ".dcm":
		return dicomFormat
	case nifti.Is(head) || extension == ".img" || extension == ".hdr" || extension == ".nii":
		return niftiFormat
	}
	return nil
}

// isDICOM says whether a file begins as PS3.10 wants.
func isDICOM(head []byte) bool { return len(head) >= 132 && string(head[128:132]) == "DICM" }

// errGrid stops a reading once the grid is known.
var errGrid = errors.New("only the grid was wanted")

// Grid reads the grid of an image, and no voxel.
func Grid(path string) (image.Grid, error) {
	var g image.Grid
	_, err := Region(path, image.Selection{Region: func(whole image.Grid) (image.Box, error) {
		g = whole
		return image.Box{}, errGrid
	}})
	if errors.Is(err, errGrid) {
		err = nil
	}
	return g, err
}

// MaskFor reads the labels of a mask that belongs to an image; all of them where no number is given. A file of labels is read as it is,
// with all its labels, and its grid is the caller's to compare. A DICOM segmentation or structure set is placed on the image's grid; where
// both are DICOM they must share a frame of reference.
func MaskFor(mask, img string, numbers ...int) (*image.Mask, error) {
	f, err := detect(mask)
	if err != nil {
		return nil, err
	}
	if f != dicomFormat {
		return f.mask(mask)
	}
	of, err := detect(img)
	if err != nil {
		return nil, err
	}
	if of == dicomFormat {
		return dicom.ReadMaskFor(mask, img, numbers...)
	}
	g, err := Grid(img)
	if err != nil {
		return nil, err
	}
	return dicom.ReadMaskOn(mask, g, numbers...)
}

// Hash is the SHA-256 of a file's content, or of all files' contents below a folder whatever their names and order. It is for the key of
// what is computed from an image.
func Hash(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return work.HashFile(path)
	}
	var sums []string
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		sum, err := work.HashFile(name)
		sums = append(sums, string(sum))
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(sums)
	all := sha256.New()
	for _, s := range sums {
		all.Write([]byte(s))
	}
	return all.Sum(nil), nil
}
