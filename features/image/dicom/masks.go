package dicom

import (
	"fmt"

	"github.com/voxgene/voxgene/features/image"
)

// Labels lists what the only segmentation or structure set of a folder, an archive or a file holds.
func Labels(path string) ([]Segment, error) {
	var out []Segment
	err := withMasks(path, func(s *Segmentation, r *StructureSet) (err error) {
		if s != nil {
			out, err = s.Segments()
			return err
		}
		out, err = r.Regions()
		return err
	})
	return out, err
}

// ReadMask reads every segment of the only SEG of a folder, an archive or a file, on its own grid.
func ReadMask(path string) (*image.Mask, error) {
	var m *image.Mask
	err := withMasks(path, func(s *Segmentation, _ *StructureSet) error {
		if s == nil {
			return fmt.Errorf("%s: a structure set has contours and no grid: it is read on the grid of its image", path)
		}
		g, err := s.Grid()
		if err != nil {
			return err
		}
		m, err = s.Mask(g)
		return err
	})
	return m, err
}

// ReadMaskOn reads segments or structures onto a grid, each under its number; all of them where none is named.
func ReadMaskOn(path string, g image.Grid, numbers ...int) (*image.Mask, error) {
	var m *image.Mask
	err := withMasks(path, func(s *Segmentation, r *StructureSet) (err error) {
		if s != nil {
			m, err = s.Mask(g, numbers...)
			return err
		}
		m, err = r.Mask(g, numbers...)
		return err
	})
	return m, err
}

// ReadMaskFor reads segments or structures onto the grid of the only series of img. Those of another frame of reference are an error.
func ReadMaskFor(path, img string, numbers ...int) (*image.Mask, error) {
	folder, err := OpenFolder(img)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	series, err := folder.One()
	if err != nil {
		return nil, err
	}
	return ReadMaskOnSeries(path, series, numbers...)
}

// ReadMaskOnSeries is ReadMaskFor with the series at hand.
func ReadMaskOnSeries(path string, series *Series, numbers ...int) (*image.Mask, error) {
	var m *image.Mask
	err := withMasks(path, func(s *Segmentation, r *StructureSet) (err error) {
		if s != nil {
			m, err = s.MaskOn(series, numbers...)
			return err
		}
		m, err = r.MaskOn(series, numbers...)
		return err
	})
	return m, err
}

// withMasks gives do the only segmentation or structure set of a path; the other is nil.
func withMasks(path string, do func(s *Segmentation, r *StructureSet) error) error {
	f, err := OpenFolder(path)
	if err != nil {
		return err
	}
	defer f.Close()
	switch {
	case len(f.Segmentations) == 1 && len(f.Structures) == 0:
		return do(f.Segmentations[0], nil)
	case len(f.Segmentations) == 0 && len(f.Structures) == 1:
		return do(nil, f.Structures[0])
	}
	if len(f.Segmentations)+len(f.Structures) == 0 {
		return fmt.Errorf("%s: it holds no segmentation (SEG) and no structure set (RTSTRUCT); is this the image?", path)
	}
	return fmt.Errorf("%s: %d segmentations (SEG) and %d structure sets (RTSTRUCT): name the file of the one that is meant", path, len(f.Segmentations), len(f.Structures))
}
