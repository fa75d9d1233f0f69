package object

import (
	"encoding/binary"
	"math"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
)

// Map returns a map over a scan as a DICOM Parametric Map of 32-bit floating point, on the slices that the region reaches.
func Map(r *results.Result, s *Scan, m *Overlay, program string) ([]byte, error) {
	k := kind{class: MapStorage, uid: MapUID(r, m), series: mapSeries(r, m.Name), number: 9803, instance: 1, modality: s.Modality,
		description: "Voxgene: " + m.Title, at: r.Time}
	o := common(r, program, k)
	values := m.on(s)
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	pixels := make([]byte, 0, 4*len(values))
	for _, x := range values {
		low, high = min(low, x), max(high, x)
		pixels = binary.LittleEndian.AppendUint32(pixels, math.Float32bits(x))
	}
	o.Text(p10.ImageType, "DERIVED", "PRIMARY", "OTHER", "NONE")
	o.Text(p10.Laterality).Text(p10.ContentQualification, qualification(r))
	o.Number(p10.SamplesPerPixel, 1).Text(p10.PhotometricInterpretation, "MONOCHROME2").Number(p10.BitsAllocated, 32)
	o.Text(p10.PresentationLUTShape, "IDENTITY").Text(p10.LossyImageCompression, "00").Text(p10.BurnedInAnnotation, "NO").Text(p10.RecognizableVisualFeatures, "NO")
	o.Text(p10.ContentLabel, "MAP").Clip(p10.ContentDescription, m.Title).Text(p10.ContentCreatorName)
	o.Clip(p10.DerivationDescription, m.Note).Items(p10.AcquisitionContextSequence)
	organisation := p10.UID("voxgene result", r.ID, "map dimensions", m.Name)
	o.Items(p10.DimensionIndexSequence, dimension(organisation, p10.ImagePositionPatient, p10.PlanePositionSequence, "Position"))
	what := own(m.Name, m.Title)
	shared := (&p10.Set{}).
		Items(p10.ParametricMapFrameTypeSequence, (&p10.Set{}).Text(p10.FrameType, "DERIVED", "PRIMARY", "OTHER", "NONE")).
		Items(p10.PixelValueTransformationSequence, (&p10.Set{}).Number(p10.RescaleIntercept, 0).Number(p10.RescaleSlope, 1).Text(p10.RescaleType, "US")).
		// A window narrower than 1 is allowed with this function alone (PS3.3, C.11.2.1.3).
		Items(p10.FrameVOILUTSequence, (&p10.Set{}).Number(p10.WindowCenter, float64(low+high)/2).Number(p10.WindowWidth, max(float64(high-low), 1e-6)).
			Text(p10.VOILUTFunction, "LINEAR_EXACT")).
		Items(p10.RealWorldValueMappingSequence, (&p10.Set{}).Clip(p10.LUTLabel, m.Name).Clip(p10.LUTExplanation, m.Title).
			Number(p10.RealWorldValueFirst, float64(low)).Number(p10.RealWorldValueLast, float64(high)).
			Number(p10.RealWorldValueIntercept, 0).Number(p10.RealWorldValueSlope, 1).
			Items(p10.MeasurementUnitsCodeSequence, code("1", "UCUM", "no units").Item()).
			Items(p10.QuantityDefinitionSequence, coded(code("246205007", "SCT", "Quantity"), what, "").Text(p10.ValueType, "CODE")))
	slices := make([]int, s.Volume.Size[2])
	for i := range slices {
		slices[i] = i
	}
	s.geometry(o, organisation, code("110001", "DCM", "Image Processing"), shared, slices, func(f *p10.Set, n int) {
		f.Items(p10.FrameContentSequence, (&p10.Set{}).Number(p10.DimensionIndexValues, float64(n+1)))
	})
	return p10.Encode(o.Bytes(p10.FloatPixelData, pixels))
}

// MapUID is the identifier of a map of a result.
func MapUID(r *results.Result, m *Overlay) string {
	return p10.UID("voxgene result", r.ID, "map", m.Name)
}

func mapSeries(r *results.Result, name string) string {
	return p10.UID("voxgene result", r.ID, "map series", name)
}

// qualification is what the standard calls a use (PS3.3, C.8.13.2).
func qualification(r *results.Result) string {
	if r.Use == bundle.Research || r.Use == "" {
		return "RESEARCH"
	}
	return "PRODUCT"
}
