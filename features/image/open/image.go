package open

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/image/nrrd"
	"github.com/voxgene/voxgene/features/image/raster"
)

// Image is a volume to be read: a path and, for DICOM, which series of it and how PET is normalised. Its zero options are those of Region.
type Image struct {
	Path   string
	Series *dicom.Rules
	SUV    dicom.SUV
	Stack  *Stack // for slices of PNG or TIFF
	// Layer of the mask, from 0, where its voxels hold several (NRRD): PyRadiomics' label_channel.
	Layer int
}

// Stack says what slices of PNG or TIFF do not. A mask that is a folder, a PNG or a TIFF is a stack as well.
type Stack struct {
	Spacing []float64 `yaml:"spacing,required" json:"spacing"`  // mm: between columns, between rows, between slices
	Files   string    `yaml:"files" json:"files,omitempty"`     // which files of a folder are the image: a pattern with * and ?
	Masks   string    `yaml:"masks" json:"masks,omitempty"`     // which are the mask
	Channel string    `yaml:"channel" json:"channel,omitempty"` // of colour slices: red, green, blue
}

// options are those of the reader.
func (s *Stack) options(files, channel string) (raster.Options, error) {
	if len(s.Spacing) != 3 {
		return raster.Options{}, fmt.Errorf("spacing of a stack has %d numbers: want 3, in mm", len(s.Spacing))
	}
	return raster.Options{Spacing: [3]float64(s.Spacing), Files: files, Channel: channel}, nil
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
	if i.Stack != nil {
		o, err := i.Stack.options(i.Stack.Files, i.Stack.Channel)
		if err != nil {
			return image.Reading{}, err
		}
		return raster.ReadRegion(i.Path, o, keep)
	}
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
	if i.Stack != nil {
		if stacked, err := isStack(mask); err != nil {
			return nil, err
		} else if !stacked {
			return Mask(mask)
		}
		o, err := i.Stack.options(i.Stack.Masks, "")
		if err != nil {
			return nil, err
		}
		return raster.ReadMask(mask, o)
	}
	plain, err := i.plain()
	if err != nil {
		return nil, err
	}
	f, err := detect(mask)
	if err != nil {
		return nil, err
	}
	switch {
	case f == nrrdFormat:
		return nrrd.ReadLayer(mask, i.Layer)
	case i.Layer != 0:
		return nil, fmt.Errorf("%s: layer %d (label_channel) is asked for, and only masks in NRRD have layers", mask, i.Layer)
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

// isStack says whether a path is a folder, a PNG or a TIFF.
func isStack(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return err == nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 132)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false, err
	}
	return raster.Is(head[:n]) && !isDICOM(head[:n]), nil
}
