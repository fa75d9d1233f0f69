package open

import (
	"fmt"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
)

// Image is a volume to be read: a path and, for DICOM, which series of it and how PET is normalised. Its zero options are those of Region.
type Image struct {
	Path   string
	Series *dicom.Rules
	SUV    dicom.SUV
}

// plain says that the path alone tells what to read. Rules for a file that is not DICOM are an error.
func (i Image) plain() (bool, error) {
	if i.Series == nil && i.SUV == "" {
		return true, nil
	}
	f, err := detect(i.Path)
	if err != nil {
		return false, err
	}
	if f == dicomFormat {
		return false, nil
	}
	if i.Series != nil {
		return false, fmt.Errorf("%s: rules choose among DICOM series, and this is one volume", i.Path)
	}
	return true, nil // a volume of another format holds what its maker put there
}

// with gives do the series.
func (i Image) with(do func(s *dicom.Series) error) error {
	folder, err := dicom.OpenFolder(i.Path)
	if err != nil {
		return err
	}
	defer folder.Close()
	var s *dicom.Series
	if i.Series == nil {
		s, err = folder.One()
	} else {
		s, err = folder.Select(*i.Series)
	}
	if err != nil {
		return err
	}
	return do(s)
}

// Region reads the part of the volume that keep selects, in one pass.
func (i Image) Region(keep image.Selection) (image.Reading, error) {
	plain, err := i.plain()
	if err != nil {
		return image.Reading{}, err
	}
	if plain {
		return Region(i.Path, keep)
	}
	var r image.Reading
	err = i.with(func(s *dicom.Series) (err error) {
		r, err = s.Read(dicom.Options{Selection: keep, SUV: i.SUV})
		return err
	})
	return r, err
}

// MaskFor is MaskFor of the function, on the grid of the chosen series.
func (i Image) MaskFor(mask string, numbers ...int) (*image.Mask, error) {
	plain, err := i.plain()
	if err != nil {
		return nil, err
	}
	f, err := detect(mask)
	if err != nil {
		return nil, err
	}
	if plain || f != dicomFormat {
		return MaskFor(mask, i.Path, numbers...)
	}
	var m *image.Mask
	err = i.with(func(s *dicom.Series) (err error) {
		m, err = dicom.ReadMaskOnSeries(mask, s, numbers...)
		return err
	})
	return m, err
}
