// Package nifti reads and writes volumes and masks as NIfTI-1 and NIfTI-2 (https://nifti.nimh.nih.gov).
//
// Read are single files and pairs (.hdr and .img), plain or gzip, both byte orders, every type of integer and real number; scl_slope and
// scl_inter are applied, a slope of 0 or NaN means none. The place in the patient follows the standard: sform, else qform, else pixdim
// alone; RAS becomes LPS, units of m and µm become mm. Refused with their names are complex and colour voxels, files of several
// volumes, sheared axes and Analyze 7.5.
package nifti

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/inflate"
)

// Read reads the whole volume of a file.
func Read(path string) (*image.Volume, error) {
	r, err := ReadRegion(path, image.Selection{})
	return r.Volume, err
}

// ReadRegion reads the part of a volume that keep selects, in one pass.
func ReadRegion(path string, keep image.Selection) (image.Reading, error) {
	var reading image.Reading
	err := open(path, func(g image.Grid, s image.Samples, voxels io.Reader) (err error) {
		reading, err = image.DecodeVolume(voxels, g, s, keep)
		if err == nil && (s.Slope != 1 || s.Intercept != 0) {
			reading.Volume.Integer = false // ITK, which PyRadiomics reads by, takes scaled numbers as real ones
		}
		return err
	})
	return reading, err
}

// ReadMask reads the labels of a file, whole numbers from 0 to 65,535.
func ReadMask(path string) (*image.Mask, error) {
	var mask *image.Mask
	err := open(path, func(g image.Grid, s image.Samples, voxels io.Reader) (err error) {
		mask, err = image.DecodeMask(voxels, g, s)
		return err
	})
	return mask, err
}

// open gives do the grid of a file and its stored voxels. Errors name the file.
func open(path string, do func(g image.Grid, s image.Samples, voxels io.Reader) error) error {
	headerPath, voxelPath := names(path)
	err := withFile(headerPath, func(r io.Reader, bound int64) error {
		h, err := readHeader(r)
		if err != nil {
			return err
		}
		if !h.pair {
			return h.voxels(r, bound, h.headerAndPads, do)
		}
		if voxelPath == "" {
			return errors.New("the header of a pair: its name must end in .hdr, with the voxels in .img beside it")
		}
		return withFile(voxelPath, func(r io.Reader, bound int64) error { return h.voxels(r, bound, 0, do) })
	})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// voxels gives do the voxels of a file that has been read up to here.
func (h *header) voxels(r io.Reader, bound, here int64, do func(g image.Grid, s image.Samples, voxels io.Reader) error) error {
	g, gridErr := h.grid()
	s, sampleErr := h.samples()
	offset, offsetErr := h.offset()
	if err := errors.Join(gridErr, sampleErr, offsetErr); err != nil {
		return err
	}
	if s.Bound = bound - offset; s.Bound <= 0 {
		return fmt.Errorf("the file ends before its voxels, which begin at byte %d", offset)
	}
	if skipped, err := io.CopyN(io.Discard, r, offset-here); err != nil {
		return fmt.Errorf("the file ends at byte %d, before its voxels, which begin at byte %d", here+skipped, offset)
	}
	if err := do(g, s, r); err != nil {
		return err
	}
	// One byte more, so that gzip compares its checksum. What follows the voxels is let pass, as by nibabel.
	var one [1]byte
	if _, err := io.ReadFull(r, one[:]); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("after the last voxel: %w", err)
	}
	return nil
}

// names are the file with the header and, should it turn out to be a pair, the one with the voxels.
func names(path string) (header, voxels string) {
	stem, gz := path, ""
	if strings.EqualFold(filepath.Ext(stem), ".gz") {
		stem, gz = stem[:len(stem)-3], stem[len(stem)-3:]
	}
	extension := filepath.Ext(stem)
	stem = strings.TrimSuffix(stem, extension)
	beside := func(lower, upper string) string {
		if extension == strings.ToUpper(extension) {
			lower = upper
		}
		// A compressed file may lie beside one that is not.
		for _, suffix := range []string{gz, "", ".gz"} {
			if _, err := os.Stat(stem + lower + suffix); err == nil {
				return stem + lower + suffix
			}
		}
		return stem + lower + gz
	}
	switch strings.ToLower(extension) {
	case ".hdr":
		return path, beside(".img", ".IMG")
	case ".img":
		return beside(".hdr", ".HDR"), path
	}
	return path, ""
}

// withFile gives do the content of a file, decompressed, and the most bytes that it can have.
func withFile(path string, do func(r io.Reader, bound int64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a file")
	}
	return Decompress(f, info.Size(), do)
}

// Decompress gives do the content of r, which has size bytes, after gzip if that is what it is; bound is the most bytes that can come.
func Decompress(r io.Reader, size int64, do func(r io.Reader, bound int64) error) error {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return do(b, size)
	}
	z, err := inflate.NewGzip(b)
	if err != nil {
		return fmt.Errorf("gzip: %w", err)
	}
	return do(z, size*image.DeflateRatio)
}
