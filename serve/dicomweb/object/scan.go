package object

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/results"
)

// Scan is the series that a result was made from, as far as the region reaches: those of its slices in which there is a voxel of the region.
type Scan struct {
	Source           string // of the model
	Modality         string
	Series           string // SeriesInstanceUID
	FrameOfReference string
	Planes           []dicom.Plane // a slice each
	Volume           *image.Volume // of these slices
	Region           *image.Mask   // on the same grid, label 1; of a source of which each lesion is a row, the lesions, each under the number of its region
	lesion           string        // the name of the one that this is about; empty for all that the region is
}

// Lesion is the scan with one lesion as its region: the one of a number, under its name.
func (s *Scan) Lesion(number int, name string) *Scan {
	out := *s
	out.lesion = name
	out.Region = &image.Mask{Grid: s.Region.Grid, Labels: make([]uint16, len(s.Region.Labels))}
	for i, l := range s.Region.Labels {
		if int(l) == number {
			out.Region.Labels[i] = 1
		}
	}
	return &out
}

// Read reads what the objects of a source need from the files that its features were computed from. The image has to be a DICOM series. All
// regions of the source count as one; a mask on another grid is brought to that of the series.
func Read(source *extraction.Source, files extraction.Files) (*Scan, error) {
	_, mask, err := source.Scan(files.Image, files.Mask)
	if err != nil {
		return nil, err
	}
	folder, err := dicom.OpenFolder(files.Image)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	series, err := folder.One()
	if source.Series != nil {
		series, err = folder.Select(*source.Series)
	}
	if err != nil {
		return nil, err
	}
	whole, err := series.Grid()
	if err != nil {
		return nil, err
	}
	planes, err := series.Planes()
	if err != nil {
		return nil, err
	}
	if image.SameGrid(whole, mask.Grid, image.GridTolerance) != nil {
		mask = onGrid(mask, whole)
	}
	box := mask.Bounds(0)
	if box.Empty() {
		return nil, fmt.Errorf("source %s: the region has no voxel on the series", source.Name)
	}
	box.Min[0], box.Min[1], box.Max[0], box.Max[1] = 0, 0, whole.Size[0], whole.Size[1]
	region, err := mask.Crop(box)
	if err != nil {
		return nil, err
	}
	region.Grid = whole.Crop(box)
	reading, err := series.Read(dicom.Options{SUV: source.SUV, Selection: image.Selection{Region: func(image.Grid) (image.Box, error) { return box, nil }}})
	if err != nil {
		return nil, err
	}
	return &Scan{Source: source.Name, Modality: series.Modality, Series: series.UID, FrameOfReference: series.FrameOfReference, Planes: planes[box.Min[2]:box.Max[2]],
		Volume: reading.Volume, Region: region}, nil
}

// onGrid brings a mask to another grid: the voxels whose centre is inside by linear interpolation, under the label that weighs most there.
func onGrid(m *image.Mask, g image.Grid) *image.Mask {
	v := &image.Volume{Grid: m.Grid, Values: make([]float64, len(m.Labels))}
	for i, l := range m.Labels {
		if l != 0 {
			v.Values[i] = 1
		}
	}
	out := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for i, x := range v.Resample(g).Values {
		if x >= 0.5 { // NaN, which lies outside, is not
			out.Labels[i] = heaviest(m, m.Continuous(g.World(float64(i%g.Size[0]), float64(i/g.Size[0]%g.Size[1]), float64(i/g.Size[0]/g.Size[1]))))
		}
	}
	return out
}

// heaviest is the label of most weight, by linear interpolation, at a point between voxels of which some have one; the least of equals.
func heaviest(m *image.Mask, at [3]float64) uint16 {
	weights := map[uint16]float64{}
	for corner := range 8 {
		weight := 1.0
		var index [3]int
		for a := range 3 {
			low := math.Floor(at[a])
			index[a] = min(max(int(low)+corner>>a&1, 0), m.Size[a]-1)
			weight *= []float64{1 - (at[a] - low), at[a] - low}[corner>>a&1]
		}
		if l := m.Labels[m.Index(index[0], index[1], index[2])]; l != 0 {
			weights[l] += weight
		}
	}
	var best uint16
	for l, w := range weights {
		if best == 0 || w > weights[best] || w == weights[best] && l < best {
			best = l
		}
	}
	return best
}

// Overlay is a map over a scan: where a network looked, or a feature voxel by voxel.
type Overlay struct {
	Name   string // in the identifiers: cam.idh, feature.adc.original_firstorder_Mean
	Title  string // for people: Grad-CAM: idh 1
	Note   string // what the map is and is not
	Volume *image.Volume
}

// on is the map on the grid of a scan, 0 where there is none.
func (m *Overlay) on(s *Scan) []float32 {
	v := m.Volume
	if image.SameGrid(v.Grid, s.Volume.Grid, image.GridTolerance) != nil {
		v = v.Resample(s.Volume.Grid)
	}
	out := make([]float32, len(v.Values))
	for i, x := range v.Values {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			out[i] = float32(x)
		}
	}
	return out
}

// geometry adds what frames on the grid of the scan share and what each has of its own: the slices of those numbers.
func (s *Scan) geometry(o *p10.Set, organisation string, derived p10.Code, shared *p10.Set, slices []int, own func(frame *p10.Set, n int)) {
	g := s.Volume.Grid
	if s.FrameOfReference != "" {
		o.Text(p10.FrameOfReferenceUID, s.FrameOfReference).Text(p10.PositionReferenceIndicator)
	}
	d := g.Direction
	shared.Items(p10.PixelMeasuresSequence, (&p10.Set{}).Number(p10.SliceThickness, g.Spacing[2]).Number(p10.SpacingBetweenSlices, g.Spacing[2]).Number(p10.PixelSpacing, g.Spacing[1], g.Spacing[0]))
	shared.Items(p10.PlaneOrientationSequence, (&p10.Set{}).Number(p10.ImageOrientationPatient, d[0], d[3], d[6], d[1], d[4], d[7]))
	o.Items(p10.SharedFunctionalGroups, shared)
	var frames []*p10.Set
	for n, k := range slices {
		f := &p10.Set{}
		p := s.Planes[k]
		f.Items(p10.PlanePositionSequence, (&p10.Set{}).Number(p10.ImagePositionPatient, p.Position[:]...))
		f.Items(p10.DerivationImageSequence, (&p10.Set{}).
			Items(p10.DerivationCodeSequence, derived.Item()).
			Items(p10.SourceImageSequence, source(p).Items(p10.PurposeOfReferenceCodeSequence, code("121322", "DCM", "Source image for image processing operation").Item())))
		own(f, n)
		frames = append(frames, f)
	}
	o.Items(p10.PerFrameFunctionalGroups, frames...)
	o.Items(p10.DimensionOrganizationSequence, (&p10.Set{}).Text(p10.DimensionOrganizationUID, organisation))
	o.Number(p10.NumberOfFrames, float64(len(slices))).Number(p10.Rows, float64(g.Size[1])).Number(p10.Columns, float64(g.Size[0]))
	o.Items(p10.ReferencedSeriesSequence, (&p10.Set{}).Text(p10.SeriesInstanceUID, s.Series).Items(p10.ReferencedInstanceSequence, s.instances(slices)...))
}

// source refers to the object, and the frame of it, that holds a slice.
func source(p dicom.Plane) *p10.Set {
	out := reference(results.Instance{Class: p.Class, Instance: p.UID})
	if p.Frame > 0 {
		out.Number(p10.ReferencedFrameNumber, float64(p.Frame))
	}
	return out
}

// instances refers to the objects that hold the slices, each once.
func (s *Scan) instances(slices []int) []*p10.Set {
	var out []*p10.Set
	seen := map[string]bool{}
	for _, k := range slices {
		if p := s.Planes[k]; !seen[p.UID] {
			seen[p.UID] = true
			out = append(out, reference(results.Instance{Class: p.Class, Instance: p.UID}))
		}
	}
	return out
}

// dimension is a dimension by which frames are told apart: an attribute, and the sequence that holds it.
func dimension(organisation string, pointer, group p10.Attribute, label string) *p10.Set {
	at := func(t p10.Tag) []byte { return []byte{byte(t >> 16), byte(t >> 24), byte(t), byte(t >> 8)} }
	return (&p10.Set{}).Text(p10.DimensionOrganizationUID, organisation).Bytes(p10.DimensionIndexPointer, at(pointer.Tag)).Bytes(p10.FunctionalGroupPointer, at(group.Tag)).
		Text(p10.DimensionDescriptionLabel, label)
}
