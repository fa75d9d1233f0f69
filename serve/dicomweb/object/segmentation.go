package object

import (
	"slices"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/results"
)

// Segmentation returns the region that a result was made from as a DICOM SEG: binary, one segment, or one for each lesion that has a prediction, on the
// slices that it reaches of the grid of the series.
func Segmentation(r *results.Result, s *Scan, program string) ([]byte, error) {
	in := SegmentationOf(r, s.Source)
	o := common(r, program, kind{class: SegmentationStorage, uid: in.Instance, series: in.Series, number: 9802, instance: instance(r, s), modality: "SEG", description: "Voxgene: region", at: r.Time})
	o.Text(p10.ImageType, "DERIVED", "PRIMARY")
	o.Number(p10.SamplesPerPixel, 1).Text(p10.PhotometricInterpretation, "MONOCHROME2").Number(p10.PixelRepresentation, 0)
	o.Number(p10.BitsAllocated, 1).Number(p10.BitsStored, 1).Number(p10.HighBit, 0)
	o.Text(p10.LossyImageCompression, "00").Text(p10.SegmentationType, "BINARY")
	o.Text(p10.ContentLabel, "REGION").Clip(p10.ContentDescription, "Region that "+r.Model+" was asked about").Text(p10.ContentCreatorName)
	segments := segments(r, s, program)
	o.Items(p10.SegmentSequence, segments...)
	frames, positions := s.frames(len(segments))
	at := make([]int, len(frames))
	for n, f := range frames {
		at[n] = f.slice
	}
	organisation := p10.UID("voxgene result", r.ID, "seg dimensions", s.Source)
	o.Items(p10.DimensionIndexSequence, dimension(organisation, p10.ReferencedSegmentNumber, p10.SegmentIdentificationSequence, "Segment"),
		dimension(organisation, p10.ImagePositionPatient, p10.PlanePositionSequence, "Position"))
	shared, one := &p10.Set{}, len(segments) == 1
	if one {
		shared.Items(p10.SegmentIdentificationSequence, (&p10.Set{}).Number(p10.ReferencedSegmentNumber, 1))
	}
	s.geometry(o, organisation, code("113076", "DCM", "Segmentation"), shared, at, func(f *p10.Set, n int) {
		f.Items(p10.FrameContentSequence, (&p10.Set{}).Number(p10.DimensionIndexValues, float64(frames[n].segment), positions[frames[n].slice]))
		if !one {
			f.Items(p10.SegmentIdentificationSequence, (&p10.Set{}).Number(p10.ReferencedSegmentNumber, float64(frames[n].segment)))
		}
	})
	size := s.Region.Size[0] * s.Region.Size[1]
	bits := make([]byte, (len(frames)*size+7)/8) // frames follow one another without padding, the lowest bit first (PS3.5, 8.1.1)
	bit := 0
	for _, f := range frames {
		for _, l := range s.Region.Labels[f.slice*size : (f.slice+1)*size] {
			if int(l) == f.segment {
				bits[bit/8] |= 1 << (bit % 8)
			}
			bit++
		}
	}
	return p10.Encode(o.Bytes(p10.PixelDataBytes, bits))
}

// frame is one frame of a segmentation.
type frame struct{ segment, slice int }

// frames are those of so many segments, in their order and that of the slices that each reaches. positions are the places, counted from one, of the
// slices that some segment reaches.
func (s *Scan) frames(segments int) (frames []frame, positions map[int]float64) {
	size := s.Region.Size[0] * s.Region.Size[1]
	positions = map[int]float64{}
	reached := make([][]int, segments+1)
	for k := range s.Region.Size[2] {
		for _, l := range s.Region.Labels[k*size : (k+1)*size] {
			if l == 0 || int(l) > segments {
				continue
			}
			if n := len(reached[l]); n == 0 || reached[l][n-1] != k {
				reached[l] = append(reached[l], k)
			}
			if positions[k] == 0 {
				positions[k] = float64(len(positions) + 1)
			}
		}
	}
	for l, list := range reached {
		for _, k := range list {
			frames = append(frames, frame{l, k})
		}
	}
	return frames, positions
}

// segments describe the region, or each lesion.
func segments(r *results.Result, s *Scan, program string) []*p10.Set {
	out := make([]*p10.Set, len(r.Lesions))
	for i := range r.Lesions {
		l := &r.Lesions[i]
		for _, at := range l.Regions {
			if at.Source != s.Source || at.Number < 1 || at.Number > len(out) {
				continue
			}
			id, uid := tracking(r, l, followed(l.Regions))
			one := segment(r, s, program, at.Number, "Lesion "+l.Name+" of "+s.Source, "A lesion that a prediction was made of, as it was sent").Clip(p10.TrackingID, id).Text(p10.TrackingUID, uid)
			what := lesionType
			if at.Type != nil {
				what = p10.Code(*at.Type)
			}
			one.Items(p10.SegmentedPropertyType, what.Item())
			if at.Site != nil {
				site := p10.Code(*at.Site).Item()
				if at.Side != nil {
					site.Items(p10.AnatomicRegionModifierSequence, p10.Code(*at.Side).Item())
				}
				one.Items(p10.AnatomicRegionSequence, site)
			}
			out[at.Number-1] = one
		}
	}
	if out = slices.DeleteFunc(out, func(one *p10.Set) bool { return one == nil }); len(out) > 0 {
		return out
	}
	return []*p10.Set{segment(r, s, program, 1, "Region of "+s.Source, "The region that the prediction was made from, as it was sent").
		Items(p10.SegmentedPropertyType, lesionType.Item()).
		Text(p10.TrackingID, "region of "+s.Source).Text(p10.TrackingUID, p10.UID("voxgene result", r.ID, "region", s.Source))}
}

var lesionType = code("52988006", "SCT", "Lesion")

// segment describes a region. Who drew it is not known here, so that the type claims neither a person nor a program alone.
func segment(r *results.Result, s *Scan, program string, number int, label, description string) *p10.Set {
	algorithm := (&p10.Set{}).Items(p10.AlgorithmFamilyCodeSequence, code("123109", "DCM", "Manual Processing").Item()).
		Clip(p10.AlgorithmName, "region of source "+s.Source+" of "+r.Model).Clip(p10.AlgorithmVersion, "voxgene "+program).
		Clip(p10.AlgorithmParameters, "mask "+r.Identity.Mask+", bundle "+r.Version)
	return (&p10.Set{}).Number(p10.SegmentNumber, float64(number)).Clip(p10.SegmentLabel, label).Clip(p10.SegmentDescription, description).
		Text(p10.SegmentAlgorithmType, "SEMIAUTOMATIC").Clip(p10.SegmentAlgorithmName, "voxgene "+program).Items(p10.SegmentationAlgorithm, algorithm).
		Items(p10.SegmentedPropertyCategory, code("49755003", "SCT", "Morphologically Abnormal Structure").Item())
}

// tracking is how a lesion is followed over studies: as the study's segmentation says, else within the result.
func tracking(r *results.Result, l *results.Lesion, at *results.Region) (id, uid string) {
	id, uid = "lesion "+l.Name, p10.UID("voxgene result", r.ID, "lesion", l.Name)
	if at != nil && at.Tracking != "" {
		id = at.Tracking
	}
	if at != nil && at.TrackingUID != "" {
		uid = at.TrackingUID
	}
	return id, uid
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
