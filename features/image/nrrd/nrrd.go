// Package nrrd reads and writes volumes and masks as NRRD, the format of 3D Slicer and of PyRadiomics' test cases
// (https://teem.sourceforge.net/nrrd/format.html).
//
// Read are versions 1 to 5, attached and detached headers, one data file or several, raw, gzip, bzip2, text and hex, all types of
// number, both byte orders, line and byte skips, directions or spacings, the spaces RAS, LAS and LPS (a space that is not tied to the
// patient is taken as LPS). Refused with their names are axes of colours, vectors or times with more than one element, types of blocks,
// and files without the size of a voxel. A data file must lie in the header's own folder, or below it.
package nrrd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/voxgene/voxgene/features/image"
)

// Read reads the whole volume of a file.
func Read(path string) (*image.Volume, error) {
	r, err := ReadRegion(path, image.Selection{})
	return r.Volume, err
}

// ReadRegion reads the part of a volume that keep selects, in one pass.
func ReadRegion(path string, keep image.Selection) (image.Reading, error) {
	var reading image.Reading
	err := open(path, func(h header, data io.Reader) error {
		g, err := h.grid()
		if err != nil {
			return err
		}
		reading, err = image.DecodeVolume(data, g, h.samples, keep)
		return err
	})
	return reading, err
}

// ReadMask reads the labels of a file, whole numbers from 0 to 65,535.
func ReadMask(path string) (*image.Mask, error) {
	var mask *image.Mask
	err := open(path, func(h header, data io.Reader) error {
		g, err := h.grid()
		if err != nil {
			return err
		}
		mask, err = image.DecodeMask(data, g, h.samples)
		return err
	})
	return mask, err
}

// ReadLayer reads the labels of one layer of a mask whose voxels hold several, from 0: a segmentation with segments that overlap. A mask
// of one layer is its layer 0.
func ReadLayer(path string, layer int) (*image.Mask, error) {
	var mask *image.Mask
	err := open(path, func(h header, data io.Reader) error {
		g, axis, err := h.layered()
		if err != nil {
			return err
		}
		layers, inner := 1, int64(h.samples.Type.Size())
		if axis >= 0 {
			layers = h.sizes[axis]
			for _, n := range h.sizes[:axis] {
				inner *= int64(n)
			}
		}
		if layer < 0 || layer >= layers {
			return fmt.Errorf("layer %d (label_channel) is not in the mask, which has %d, from 0", layer, layers)
		}
		if layers > 1 {
			data = &layerReader{from: data, size: inner, layers: int64(layers), layer: int64(layer)}
			h.samples.Bound /= int64(layers)
		}
		mask, err = image.DecodeMask(data, g, h.samples)
		return err
	})
	return mask, err
}

// layerReader passes on every layers-th block of size bytes.
type layerReader struct {
	from                io.Reader
	size, layers, layer int64
	left                int64 // of the block that is passed on
	begun               bool
}

func (r *layerReader) Read(b []byte) (int, error) {
	if r.left == 0 {
		skip := r.size * (r.layers - 1)
		if !r.begun {
			skip, r.begun = r.size*r.layer, true
		}
		if _, err := io.CopyN(io.Discard, r.from, skip); err != nil {
			return 0, err
		}
		r.left = r.size
	}
	n, err := r.from.Read(b[:min(int64(len(b)), r.left)])
	r.left -= int64(n)
	return n, err
}

// open gives do the header of a file and its decoded voxels. Errors name the file.
func open(path string, do func(h header, data io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	err = func() error {
		buffered := bufio.NewReaderSize(f, 1<<16)
		h, err := parseHeader(buffered)
		if err != nil {
			return err
		}
		if h.dataFile != "" {
			return detached(filepath.Dir(path), h, do)
		}
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return attached(f, buffered, info.Size(), h, do)
	}()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// attached gives do the voxels that follow the header in its file.
func attached(f io.Seeker, buffered *bufio.Reader, size int64, h header, do func(h header, data io.Reader) error) error {
	here, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	part := part{Reader: buffered, left: size - here + int64(buffered.Buffered())}
	data, bound, err := h.decoder(part)
	if err != nil {
		return err
	}
	h.samples.Bound = bound
	if err := do(h, data); err != nil {
		return err
	}
	return finish(data)
}

// finish reads on, so that the checksum at the end of compressed data is compared. More data than the header says is let pass, as
// Teem does.
func finish(data io.Reader) error {
	var one [1]byte
	if _, err := io.ReadFull(data, one[:]); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("after the last voxel: %w", err)
	}
	return nil
}
