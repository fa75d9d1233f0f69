package object

import (
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/results"
)

// Segmentation returns the region that a result was made from as a DICOM SEG: binary, one segment, the slices that it reaches on the grid of
// the series.
func Segmentation(r *results.Result, s *Scan, program string) ([]byte, error) {
	in := SegmentationOf(r, s.Source)
	o := common(r, program, kind{class: SegmentationStorage, uid: in.Instance, series: in.Series, number: 9802, instance: instance(r, s), modality: "SEG", description: "Voxgene: region", at: r.Time})
	o.Text(p10.ImageType, "DERIVED", "PRIMARY")
	o.Number(p10.SamplesPerPixel, 1).Text(p10.PhotometricInterpretation, "MONOCHROME2").Number(p10.PixelRepresentation, 0)
	o.Number(p10.BitsAllocated, 1).Number(p10.BitsStored, 1).Number(p10.HighBit, 0)
	o.Text(p10.LossyImageCompression, "00").Text(p10.SegmentationType, "BINARY")
	o.Text(p10.ContentLabel, "REGION").Clip(p10.ContentDescription, "Region that "+r.Model+" was asked about").Text(p10.ContentCreatorName)
	o.Items(p10.SegmentSequence, segment(r, s, program))
	var slices []int
	size := s.Region.Size[0] * s.Region.Size[1]
	for k := range s.Region.Size[2] {
		for _, l := range s.Region.Labels[k*size : (k+1)*size] {
			if l == 1 {
				slices = append(slices, k)
				break
			}
		}
	}
	organisation := p10.UID("voxgene result", r.ID, "seg dimensions", s.Source)
	o.Items(p10.DimensionIndexSequence, dimension(organisation, p10.ReferencedSegmentNumber, p10.SegmentIdentificationSequence, "Segment"),
		dimension(organisation, p10.ImagePositionPatient, p10.PlanePositionSequence, "Position"))
	shared := (&p10.Set{}).Items(p10.SegmentIdentificationSequence, (&p10.Set{}).Number(p10.ReferencedSegmentNumber, 1))
	s.geometry(o, organisation, code("113076", "DCM", "Segmentation"), shared, slices, func(f *p10.Set, n int) {
		f.Items(p10.FrameContentSequence, (&p10.Set{}).Number(p10.DimensionIndexValues, 1, float64(n+1)))
	})
	bits := make([]byte, (len(slices)*size+7)/8) // frames follow one another without padding, the lowest bit first (PS3.5, 8.1.1)
	at := 0
	for _, k := range slices {
		for _, l := range s.Region.Labels[k*size : (k+1)*size] {
			if l == 1 {
				bits[at/8] |= 1 << (at % 8)
			}
			at++
		}
	}
	return p10.Encode(o.Bytes(p10.PixelDataBytes, bits))
}

// segment describes the region. Who drew it is not known here, so that the type claims neither a person nor a program alone.
func segment(r *results.Result, s *Scan, program string) *p10.Set {
	algorithm := (&p10.Set{}).Items(p10.AlgorithmFamilyCodeSequence, code("123109", "DCM", "Manual Processing").Item()).
		Clip(p10.AlgorithmName, "region of source "+s.Source+" of "+r.Model).Clip(p10.AlgorithmVersion, "voxgene "+program).
		Clip(p10.AlgorithmParameters, "mask "+r.Identity.Mask+", bundle "+r.Version)
	return (&p10.Set{}).Number(p10.SegmentNumber, 1).Clip(p10.SegmentLabel, "Region of "+s.Source).
		Clip(p10.SegmentDescription, "The region that the prediction was made from, as it was sent").
		Text(p10.SegmentAlgorithmType, "SEMIAUTOMATIC").Clip(p10.SegmentAlgorithmName, "voxgene "+program).Items(p10.SegmentationAlgorithm, algorithm).
		Items(p10.SegmentedPropertyCategory, code("49755003", "SCT", "Morphologically Abnormal Structure").Item()).
		Items(p10.SegmentedPropertyType, code("52988006", "SCT", "Lesion").Item()).
		Text(p10.TrackingID, "region of "+s.Source).Text(p10.TrackingUID, p10.UID("voxgene result", r.ID, "region", s.Source))
}

// SegmentationOf is how the segmentation of a source of a result is identified, whether or not it was made.
func SegmentationOf(r *results.Result, source string) results.Instance {
	return results.Instance{Class: SegmentationStorage, Instance: p10.UID("voxgene result", r.ID, "seg", source), Series: p10.UID("voxgene result", r.ID, "seg series"), Segment: 1}
}

// instance numbers the objects of several sources within one series: each source by the place of its series.
func instance(r *results.Result, s *Scan) float64 {
	for i, uid := range r.Identity.Series {
		if uid == s.Series {
			return float64(i + 1)
		}
	}
	return 1
}
