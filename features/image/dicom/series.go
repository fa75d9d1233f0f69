package dicom

import (
	"fmt"
)

// Series is the images of one SeriesInstanceUID.
type Series struct {
	UID              string
	Study            string // StudyInstanceUID
	FrameOfReference string // UID; images and masks that share it lie in one space
	Number           string
	Modality         string // CT, MR, PT, …
	Description      string

	files []*file
}

func newSeries(f *file) *Series {
	return &Series{
		UID: f.text(seriesInstanceUID), Study: f.text(studyInstanceUID), FrameOfReference: f.text(frameOfReferenceUID),
		Number: f.text(seriesNumber), Modality: f.text(modality), Description: f.text(seriesDescription),
	}
}

// String names the series as a person would look for it.
func (s *Series) String() string {
	return fmt.Sprintf("series %s: %s, %q, ImageType %s, %d files, UID %s", s.Number, s.Modality, s.Description, s.files[0].text(imageType), len(s.files), s.UID)
}

// slice is one plane of a series: a file, or a frame of one.
type slice struct {
	file             *file
	frame            int
	position         [3]float64 // of the first pixel's centre, mm, LPS
	row, column      [3]float64 // directions in which columns and rows are counted
	spacing          [2]float64 // between columns (along row) and between rows, mm
	thickness        float64    // 0 where the file does not say
	slope, intercept float64
}

// name is what an error calls a slice.
func (s *slice) name() string {
	if s.frame > 0 || s.file.has(numberOfFrames) && s.file.text(numberOfFrames) != "1" {
		return fmt.Sprintf("%s frame %d", s.file.name, s.frame+1)
	}
	return s.file.name
}

// slices lists the planes of the series, in the order of its files.
func (s *Series) slices() ([]slice, error) {
	var out []slice
	for _, f := range s.files {
		planes, err := f.planes()
		if err != nil {
			return nil, err
		}
		out = append(out, planes...)
	}
	return out, nil
}

// planes lists the planes of one file: by functional groups (enhanced images), by offsets (dose), or the one it is.
func (f *file) planes() ([]slice, error) {
	layout, err := f.layout()
	if err != nil {
		return nil, err
	}
	groups := f.items(perFrameFunctionalGroups)
	if len(groups) > 0 && len(groups) != layout.frames {
		return nil, fmt.Errorf("%s: %d frames and the functional groups of %d", f.name, layout.frames, len(groups))
	}
	if groups == nil && layout.frames > 1 && !f.has(gridFrameOffsetVector) {
		return nil, fmt.Errorf("%s: %d frames, and nothing says where each lies in the patient", f.name, layout.frames)
	}
	out := make([]slice, layout.frames)
	for i := range out {
		var frame *dataSet
		if groups != nil {
			frame = groups[i]
		}
		if out[i], err = f.plane(frame); err != nil {
			return nil, fmt.Errorf("%s: %w", (&slice{file: f, frame: i}).name(), err)
		}
		out[i].frame = i
	}
	if groups == nil && layout.frames > 1 {
		return out, f.offsets(out)
	}
	return out, nil
}

// plane reads the place of one frame: from its functional groups, from those that all frames share, or from the attributes of the file.
func (f *file) plane(frame *dataSet) (slice, error) {
	shared := f.item(sharedFunctionalGroups)
	group := func(sequence tag) *dataSet {
		if in := frame.item(sequence); in != nil {
			return in
		}
		if in := shared.item(sequence); in != nil {
			return in
		}
		return f.dataSet
	}
	s := slice{file: f, slope: 1}
	position, err := vector(group(planePositionSequence), imagePositionPatient, "ImagePositionPatient", 3)
	if err != nil {
		return s, err
	}
	orientation, err := vector(group(planeOrientationSequence), imageOrientationPatient, "ImageOrientationPatient", 6)
	if err != nil {
		return s, err
	}
	measures := group(pixelMeasuresSequence)
	spacing, err := vector(measures, pixelSpacing, "PixelSpacing", 2)
	if err != nil {
		return s, err
	}
	s.position, s.row, s.column = [3]float64(position), [3]float64(orientation[:3]), [3]float64(orientation[3:])
	s.spacing = [2]float64{spacing[1], spacing[0]} // the file gives the distance between rows first
	if s.thickness, _, err = measures.number(spacingBetweenSlices); err != nil || s.thickness <= 0 {
		if s.thickness, _, err = measures.number(sliceThickness); err != nil {
			return s, err
		}
	}
	values := group(pixelValueTransformation)
	if x, ok, err := values.number(rescaleSlope); err != nil {
		return s, err
	} else if ok {
		s.slope = x
	}
	if s.slope == 0 {
		return s, fmt.Errorf("RescaleSlope is 0")
	}
	if s.intercept, _, err = values.number(rescaleIntercept); err != nil {
		return s, err
	}
	if x, ok, err := f.number(doseGridScaling); err != nil {
		return s, err
	} else if ok {
		s.slope *= x
	}
	return s, nil
}

// vector is an attribute of n numbers that has to be there.
func vector(d *dataSet, t tag, name string, n int) ([]float64, error) {
	v, err := d.numbers(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(v) == 0 {
		return nil, fmt.Errorf("%s is missing: the image cannot be placed in the patient", name)
	}
	if len(v) != n {
		return nil, fmt.Errorf("%s has %d numbers: want %d", name, len(v), n)
	}
	return v, nil
}

// offsets moves the frames of a dose along the normal, by GridFrameOffsetVector (PS3.3, C.8.8.3.2): relative to the position where it
// begins with 0.
func (f *file) offsets(planes []slice) error {
	v, err := f.numbers(gridFrameOffsetVector)
	if err != nil {
		return fmt.Errorf("%s: GridFrameOffsetVector: %w", f.name, err)
	}
	if len(v) != len(planes) || v[0] != 0 {
		return fmt.Errorf("%s: GridFrameOffsetVector has %d numbers for %d frames, or does not begin with 0", f.name, len(v), len(planes))
	}
	n := cross(planes[0].row, planes[0].column)
	for i := range planes {
		for r := range 3 {
			planes[i].position[r] += v[i] * n[r]
		}
	}
	return nil
}
