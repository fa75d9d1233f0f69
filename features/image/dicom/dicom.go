// Package dicom reads volumes and masks from what a scanner, a PACS or a planning system writes: series of images, segmentations (SEG)
// and structure sets (RTSTRUCT), from a folder, a zip archive or one file.
//
// Slices are sorted by position. What does not make one even stack is an error that names the file. Values are stored·RescaleSlope +
// RescaleIntercept: HU for CT; PET becomes SUV. Read are implicit and explicit types, both byte orders, deflated files, RLE, JPEG
// baseline, JPEG lossless, JPEG-LS and JPEG 2000, and multi-frame (enhanced) images.
package dicom

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// Options say what to read of a series.
type Options struct {
	image.Selection
	// SUV is how PET is normalised; "" is SUVBodyWeight. Other modalities do not look at it.
	SUV SUV
}

// Read reads the only series of a folder, an archive or a file.
func Read(path string) (*image.Volume, error) {
	r, err := ReadRegion(path, image.Selection{})
	return r.Volume, err
}

// ReadRegion reads the part that keep selects of the only series of a folder, an archive or a file.
func ReadRegion(path string, keep image.Selection) (image.Reading, error) {
	f, err := OpenFolder(path)
	if err != nil {
		return image.Reading{}, err
	}
	defer f.Close()
	s, err := f.One()
	if err != nil {
		return image.Reading{}, err
	}
	return s.Read(Options{Selection: keep})
}

// Grid is the grid of the series.
func (s *Series) Grid() (image.Grid, error) {
	planes, err := s.slices()
	if err != nil {
		return image.Grid{}, err
	}
	return stack(planes)
}

// Read reads the voxels of the series.
func (s *Series) Read(o Options) (image.Reading, error) {
	planes, err := s.slices()
	if err != nil {
		return image.Reading{}, err
	}
	g, err := stack(planes)
	if err != nil {
		return image.Reading{}, err
	}
	if s.Modality == "PT" && o.SUV != SUVNone {
		for i := range planes {
			factor, err := planes[i].file.suvFactor(o.SUV)
			if err != nil {
				return image.Reading{}, err
			}
			planes[i].slope *= factor
			planes[i].intercept *= factor
		}
	}
	voxels, samples, err := newVoxels(planes)
	if err != nil {
		return image.Reading{}, err
	}
	defer voxels.close()
	reading, err := image.DecodeVolume(voxels, g, samples, o.Selection)
	if err == nil && voxels.integer {
		reading.Volume.Integer = true
	}
	reading.Made.Manufacturer, reading.Made.Kernel = s.files[0].text(manufacturer), s.files[0].text(convolutionKernel)
	return reading, err
}

// voxels gives the samples of sorted slices as one stream: as they are stored where all slices store and scale them alike, as scaled
// float64 where not.
type voxels struct {
	planes  []slice
	next    int
	open    *frames
	scaled  bool
	integer bool // scaled values are whole numbers all the same
	raw     []byte
	rest    []byte
	decoded []byte
}

func newVoxels(planes []slice) (*voxels, image.Samples, error) {
	v := &voxels{planes: planes, integer: true}
	first, err := planes[0].file.layout()
	if err != nil {
		return nil, image.Samples{}, err
	}
	if first.kind == 0 {
		return nil, image.Samples{}, fmt.Errorf("%s: one bit a pixel: this is a segmentation, read it as a mask", planes[0].name())
	}
	samples := image.Samples{Type: first.kind, Slope: planes[0].slope, Intercept: planes[0].intercept}
	total, vouched := int64(0), true // compressed pixels may be of any number: only decoding tells
	for i := range planes {
		layout, err := planes[i].file.layout()
		if err != nil {
			return nil, samples, err
		}
		p := &planes[i]
		if p.file.pixels.length < 0 {
			vouched = false
		} else if err := p.file.enough(layout); err != nil {
			return nil, samples, err
		}
		v.scaled = v.scaled || layout.kind != first.kind || p.slope != samples.Slope || p.intercept != samples.Intercept
		v.integer = v.integer && layout.kind.Integer() && p.slope == math.Trunc(p.slope) && p.intercept == math.Trunc(p.intercept)
		total += int64(layout.pixels())
	}
	if v.scaled {
		samples = image.Samples{Type: image.Float64, Slope: 1}
	}
	v.integer = v.integer && v.scaled
	if vouched {
		samples.Bound = total * int64(samples.Type.Size())
	}
	return v, samples, nil
}

func (v *voxels) close() {
	if v.open != nil {
		v.open.Close()
		v.open = nil
	}
}

func (v *voxels) Read(b []byte) (int, error) {
	if len(v.rest) == 0 {
		if v.next == len(v.planes) {
			return 0, io.EOF
		}
		if err := v.slice(&v.planes[v.next]); err != nil {
			return 0, err
		}
		v.next++
	}
	n := copy(b, v.rest)
	v.rest = v.rest[n:]
	return n, nil
}

// slice reads the next slice into rest.
func (v *voxels) slice(s *slice) error {
	if v.open == nil || v.open.file != s.file {
		v.close()
		open, err := s.file.openFrames()
		if err != nil {
			return err
		}
		v.open = open
	}
	layout := v.open.format
	if cap(v.raw) < layout.bytes() {
		v.raw = make([]byte, layout.bytes())
	}
	raw := v.raw[:layout.bytes()]
	if err := v.open.read(s.frame, raw); err != nil {
		return err
	}
	v.rest = raw
	if v.scaled {
		samples := image.Samples{Type: layout.kind, Slope: s.slope, Intercept: s.intercept}
		values := samples.Values(raw)
		v.decoded = v.decoded[:0]
		for _, x := range values {
			v.decoded = binary.LittleEndian.AppendUint64(v.decoded, math.Float64bits(x))
		}
		v.rest = v.decoded
	}
	return nil
}
