package object

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/image"
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
)

// errNoSeries says that objects with pixels need the series' planes.
var errNoSeries = errors.New("dicom: the series' grid and planes are not known, so its pixels cannot be placed")

// frame is one frame of a multi-frame object: a slice of the series, and for a segmentation the segment.
type frame struct{ slice, segment int }

// enhanced adds what multi-frame objects have in common: the frame of reference, the dimensions, and for each frame where it lies and
// which image it was made from.
func (s *Source) enhanced(o *p10.Set, part string, frames []frame, segments bool) error {
	if len(s.Planes) != s.Grid.Size[2] || len(s.Planes) == 0 || s.FrameOfReference == "" {
		return errNoSeries
	}
	g := &s.Grid
	o.Text(p10.FrameOfReferenceUID, s.FrameOfReference).Text(p10.PositionReferenceIndicator)
	o.Number(p10.Rows, float64(g.Size[1])).Number(p10.Columns, float64(g.Size[0])).Number(p10.NumberOfFrames, float64(len(frames)))
	o.Number(p10.SamplesPerPixel, 1).Text(p10.PhotometricInterpretation, "MONOCHROME2")
	o.Text(p10.LossyImageCompression, "00")
	o.Text(p10.ContentCreatorName, "Voxgene").Text(p10.ContentQualification, s.qualification())

	dimensions := s.uid(part, "dimensions")
	index := func(pointer, group p10.Attribute) *p10.Set {
		return (&p10.Set{}).Text(p10.DimensionOrganizationUID, dimensions).AT(p10.DimensionIndexPointer, pointer.Tag).AT(p10.FunctionalGroupPointer, group.Tag)
	}
	o.Items(p10.DimensionOrganizationSequence, (&p10.Set{}).Text(p10.DimensionOrganizationUID, dimensions))
	indices := []*p10.Set{index(p10.ImagePositionPatient, p10.PlanePositionSequence)}
	if segments {
		indices = slices.Insert(indices, 0, index(p10.ReferencedSegmentNumber, p10.SegmentIdentificationSequence))
	}
	o.Items(p10.DimensionIndexSequence, indices...)

	measures := (&p10.Set{}).Number(p10.SliceThickness, g.Spacing[2]).Number(p10.SpacingBetweenSlices, g.Spacing[2]).Number(p10.PixelSpacing, g.Spacing[1], g.Spacing[0])
	orientation := (&p10.Set{}).Number(p10.ImageOrientationPatient, numbers(g.Direction[0], g.Direction[3], g.Direction[6], g.Direction[1], g.Direction[4], g.Direction[7])...)
	o.Items(p10.SharedFunctionalGroups, (&p10.Set{}).Items(p10.PixelMeasuresSequence, measures).Items(p10.PlaneOrientationSequence, orientation))

	groups := make([]*p10.Set, len(frames))
	for i, f := range frames {
		at := g.World(0, 0, float64(f.slice))
		values := []float64{float64(f.slice + 1)}
		if segments {
			values = slices.Insert(values, 0, float64(f.segment))
		}
		groups[i] = (&p10.Set{}).
			Items(p10.FrameContentSequence, (&p10.Set{}).Number(p10.DimensionIndexValues, values...)).
			Items(p10.PlanePositionSequence, (&p10.Set{}).Number(p10.ImagePositionPatient, numbers(at[:]...)...)).
			Items(p10.DerivationImageSequence, s.derivation(f.slice, segments))
		if segments {
			groups[i].Items(p10.SegmentIdentificationSequence, (&p10.Set{}).Number(p10.ReferencedSegmentNumber, float64(f.segment)))
		}
	}
	o.Items(p10.PerFrameFunctionalGroups, groups...)

	var referenced []results.Instance
	for _, p := range s.Planes {
		in := results.Instance{Class: p.Class, Instance: p.UID, Series: s.Series}
		if !slices.Contains(referenced, in) {
			referenced = append(referenced, in)
		}
	}
	o.Items(p10.ReferencedSeriesSequence, evidence("", referenced, p10.ReferencedInstanceSequence, p10.ReferencedSeriesSequence)...)
	return nil
}

// derivation says from which image, and in which way, a frame was made.
func (s *Source) derivation(slice int, segments bool) *p10.Set {
	plane := s.Planes[slice]
	source := reference(plane.Class, plane.UID).Items(p10.PurposeOfReferenceCodeSequence, p10.Code{Value: "121322", Scheme: "DCM", Meaning: "Source image for image processing operation"}.Item())
	if plane.Frame > 0 {
		source.Number(p10.ReferencedFrameNumber, float64(plane.Frame))
	}
	how := p10.Code{Value: "113069", Scheme: "DCM", Meaning: "Feature Extraction"}
	if segments {
		how = p10.Code{Value: "113076", Scheme: "DCM", Meaning: "Segmentation"}
	}
	return (&p10.Set{}).Items(p10.DerivationCodeSequence, how.Item()).Items(p10.SourceImageSequence, source)
}

// qualification is what ContentQualification says of the use.
func (s *Source) qualification() string {
	if s.Result.Use == bundle.Research || s.Result.Use == "" {
		return "RESEARCH"
	}
	return "PRODUCT"
}

// Segment is one segment of a mask.
type Segment struct {
	Label int // in the mask
	Name  string
}

// Segmentation is the mask as a DICOM SEG: each label a binary segment, numbered from 1 in the order given. Slices without a voxel of a
// segment are left out; a segment without any voxel is an error.
func (s *Source) Segmentation(m *image.Mask, segments []Segment) ([]byte, error) {
	if err := image.SameGrid(s.Grid, m.Grid, image.GridTolerance); err != nil {
		return nil, fmt.Errorf("dicom: mask and series are %w", err)
	}
	var frames []frame
	area := s.Grid.Size[0] * s.Grid.Size[1]
	var list []*p10.Set
	for n, segment := range segments {
		before := len(frames)
		for k := range s.Grid.Size[2] {
			if slices.Contains(m.Labels[k*area:(k+1)*area], uint16(segment.Label)) {
				frames = append(frames, frame{k, n + 1})
			}
		}
		if len(frames) == before {
			return nil, fmt.Errorf("dicom: no voxel of segment %d", segment.Label)
		}
		list = append(list, (&p10.Set{}).Number(p10.SegmentNumber, float64(n+1)).Clip(p10.SegmentLabel, segment.Name).
			Text(p10.SegmentAlgorithmType, "SEMIAUTOMATIC").Text(p10.SegmentAlgorithmName, "as given to Voxgene").
			Items(p10.SegmentedPropertyCategory, p10.Code{Value: "49755003", Scheme: "SCT", Meaning: "Morphologically Altered Structure"}.Item()).
			Items(p10.SegmentedPropertyType, p10.Code{Value: "108369006", Scheme: "SCT", Meaning: "Neoplasm"}.Item()))
	}
	o := s.base(partMask, SegmentationStorage, "SEG", "region of the prediction")
	if err := s.enhanced(o, partMask, frames, true); err != nil {
		return nil, err
	}
	o.Text(p10.ImageType, "DERIVED", "PRIMARY").Text(p10.SegmentationType, "BINARY").Items(p10.SegmentSequence, list...)
	o.Text(p10.ContentLabel, "REGION").Clip(p10.ContentDescription, s.Words)
	o.Number(p10.BitsAllocated, 1).Number(p10.BitsStored, 1).Number(p10.HighBit, 0).Number(p10.PixelRepresentation, 0)
	bits := make([]byte, (len(frames)*area+7)/8)
	for i, f := range frames {
		label := uint16(segments[f.segment-1].Label)
		for at, l := range m.Labels[f.slice*area : (f.slice+1)*area] {
			if l == label {
				bit := i*area + at
				bits[bit/8] |= 1 << (bit % 8)
			}
		}
	}
	o.Bytes(p10.PixelBytes, bits)
	return p10.Encode(o)
}

// ParametricMap is a map on the series' grid as a DICOM Parametric Map of 32-bit floating point: quantity in unit (UCUM), under a title.
// A voxel that is not a number is 0, which the map's explanation says.
func (s *Source) ParametricMap(v *image.Volume, quantity p10.Code, unit, title string) ([]byte, error) {
	if err := image.SameGrid(s.Grid, v.Grid, image.GridTolerance); err != nil {
		return nil, fmt.Errorf("dicom: map and series are %w", err)
	}
	frames := make([]frame, s.Grid.Size[2])
	for k := range frames {
		frames[k].slice = k
	}
	o := s.base(partMap, ParametricMapStorage, s.Modality, "map of the prediction")
	if err := s.enhanced(o, partMap, frames, false); err != nil {
		return nil, err
	}
	low, high := math.Inf(1), math.Inf(-1)
	pixels := make([]byte, 0, 4*len(v.Values))
	for _, x := range v.Values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			x = 0
		}
		low, high = min(low, x), max(high, x)
		pixels = binary.LittleEndian.AppendUint32(pixels, math.Float32bits(float32(x)))
	}
	if high == low {
		high = low + 1
	}
	kind := []string{"DERIVED", "PRIMARY", "PERFUSION", "NONE"}
	kind[2] = "OTHER"
	o.Text(p10.ImageType, kind...).Text(p10.PixelPresentation, "MONOCHROME").Text(p10.VolumetricProperties, "VOLUME").Text(p10.VolumeBasedCalculationTechnique, "NONE")
	o.Text(p10.ContentLabel, "MAP").Clip(p10.ContentDescription, title+". "+s.Words)
	o.Text(p10.BurnedInAnnotation, "NO").Text(p10.RecognizableVisualFeatures, "NO").Text(p10.PresentationLUTShape, "IDENTITY")
	o.Number(p10.BitsAllocated, 32)
	shared := o.Item(p10.SharedFunctionalGroups)
	shared.Items(p10.ParametricMapFrameTypeSequence, (&p10.Set{}).Text(p10.FrameType, kind...))
	shared.Items(p10.FrameVOILUTSequence, (&p10.Set{}).Number(p10.WindowCenter, (low+high)/2).Number(p10.WindowWidth, high-low))
	shared.Items(p10.PixelValueTransformationSequence, (&p10.Set{}).Number(p10.RescaleIntercept, 0).Number(p10.RescaleSlope, 1).Text(p10.RescaleType, "US"))
	shared.Items(p10.RealWorldValueMappingSequence, (&p10.Set{}).
		Number(p10.RealWorldValueFirstValueMappedD, low).Number(p10.RealWorldValueLastValueMappedD, high).
		Number(p10.RealWorldValueIntercept, 0).Number(p10.RealWorldValueSlope, 1).
		Clip(p10.LUTLabel, quantity.Value).Clip(p10.LUTExplanation, title).
		Items(p10.MeasurementUnitsCodeSequence, unitCode(unit)).
		Items(p10.QuantityDefinitionSequence, (&p10.Set{}).Text(p10.ValueType, "CODE").
			Items(p10.ConceptNameCodeSequence, p10.Code{Value: "246205007", Scheme: "SCT", Meaning: "Quantity"}.Item()).
			Items(p10.ConceptCodeSequence, quantity.Item())))
	o.Bytes(p10.FloatPixelData, pixels)
	return p10.Encode(o)
}

// unitCode is a unit of UCUM as a code; none is the unit 1.
func unitCode(unit string) *p10.Set {
	meaning := unit
	switch unit {
	case "", "1":
		unit, meaning = "1", "no units"
	case "%":
		meaning = "percent"
	case "mm3":
		meaning = "cubic millimeter"
	case "mm2":
		meaning = "square millimeter"
	case "mm":
		meaning = "millimeter"
	case "d":
		meaning = "day"
	case "a":
		meaning = "year"
	case "mo":
		meaning = "month"
	}
	return p10.Code{Value: unit, Scheme: "UCUM", Meaning: meaning}.Item()
}
