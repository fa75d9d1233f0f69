package dicom

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image"
)

// Segmentation is a DICOM SEG object: binary, fractional or a label map.
type Segmentation struct{ file *file }

// Segment is one segment of a SEG, or one structure of an RTSTRUCT.
type Segment struct {
	Number int
	Label  string
	// What a SEG may say of a segment beside, each empty where it does not: under which identifier and UID the same thing is followed over studies, what it
	// is, and where in the body, with the side or another modifier of the place.
	Tracking, TrackingUID string
	Type, Site, Side      Code
}

// Segments lists the segments, in the order of the file.
func (s *Segmentation) Segments() ([]Segment, error) {
	var out []Segment
	for _, d := range s.file.items(segmentSequence) {
		n, err := d.whole(segmentNumber, "SegmentNumber", 0, math.MaxUint16)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.file.name, err)
		}
		site := d.item(anatomicRegionSequence)
		out = append(out, Segment{Number: n, Label: d.text(segmentLabel), Tracking: d.text(trackingID), TrackingUID: d.text(trackingUID),
			Type: code(d.item(segmentedPropertyType)), Site: code(site), Side: code(site.item(anatomicRegionModifier))})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no segment", s.file.name)
	}
	return out, nil
}

// FrameOfReference is the UID of the space that the segments lie in.
func (s *Segmentation) FrameOfReference() string { return s.file.text(frameOfReferenceUID) }

// Grid is the stack of the planes that hold frames. Planes without one between them are part of it.
func (s *Segmentation) Grid() (image.Grid, error) {
	planes, err := s.planes()
	if err != nil {
		return image.Grid{}, err
	}
	first := &planes[0]
	normal := unit(cross(first.row, first.column))
	places := make([]float64, len(planes))
	for i := range planes {
		if err := first.alike(&planes[i].slice); err != nil {
			return image.Grid{}, err
		}
		places[i] = dot(planes[i].position, normal)
		if places[i] < dot(first.position, normal) {
			first = &planes[i]
		}
	}
	slices.Sort(places)
	places = slices.CompactFunc(places, func(a, b float64) bool { return math.Abs(b-a) < sameTolerance })
	gap := first.thickness
	for i := range places[1:] {
		if d := places[i+1] - places[i]; gap <= 0 || d < gap {
			gap = d
		}
	}
	if gap <= 0 {
		return image.Grid{}, fmt.Errorf("%s: one plane, and SliceThickness is missing", s.file.name)
	}
	for i := range places[1:] {
		n := (places[i+1] - places[i]) / gap
		if math.Abs(n-math.Round(n)) > evenTolerance*n {
			return image.Grid{}, fmt.Errorf("%s: planes %.4g and %.4g mm apart do not make an even stack", s.file.name, gap, n*gap)
		}
	}
	if n := (places[len(places)-1] - places[0]) / gap; n > float64(64*len(planes)) {
		return image.Grid{}, fmt.Errorf("%s: %d frames spread over %.0f planes", s.file.name, len(planes), n)
	}
	g := image.Grid{
		Size:    [3]int{first.columns(), first.rowCount(), int(math.Round((places[len(places)-1]-places[0])/gap)) + 1},
		Spacing: [3]float64{first.spacing[0], first.spacing[1], gap}, Origin: first.position,
	}
	row, column := unit(first.row), unit(first.column)
	for r := range 3 {
		g.Direction[3*r], g.Direction[3*r+1], g.Direction[3*r+2] = row[r], column[r], normal[r]
	}
	return g, g.Validate()
}

// segmentPlane is one frame of a SEG and the segment that it is of; 0 in a label map, where the pixels say.
type segmentPlane struct {
	slice
	segment int
}

// planes lists the frames.
func (s *Segmentation) planes() ([]segmentPlane, error) {
	f := s.file
	layout, err := f.layout()
	if err != nil {
		return nil, err
	}
	groups := f.items(perFrameFunctionalGroups)
	if len(groups) != layout.frames {
		return nil, fmt.Errorf("%s: %d frames and the functional groups of %d", f.name, layout.frames, len(groups))
	}
	labelMap := f.labelMap()
	out := make([]segmentPlane, layout.frames)
	for i, group := range groups {
		plane, err := f.plane(group)
		plane.frame = i
		if err != nil {
			return nil, fmt.Errorf("%s: %w", plane.name(), err)
		}
		out[i].slice = plane
		if labelMap {
			continue
		}
		identification := group.item(segmentIdentification)
		if identification == nil {
			identification = f.item(sharedFunctionalGroups).item(segmentIdentification)
		}
		if out[i].segment, err = identification.whole(referencedSegmentNumber, "ReferencedSegmentNumber", 1, math.MaxUint16); err != nil {
			return nil, fmt.Errorf("%s: %w", plane.name(), err)
		}
	}
	return out, nil
}

func (f *file) labelMap() bool { return f.text(segmentationType) == "LABELMAP" }

// MaskOn is Mask on the grid of a series. A segmentation in another frame of reference is an error.
func (s *Segmentation) MaskOn(series *Series, numbers ...int) (*image.Mask, error) {
	if uid := s.FrameOfReference(); uid != "" && series.FrameOfReference != "" && uid != series.FrameOfReference {
		return nil, fmt.Errorf("%s: the segmentation is in the frame of reference %s, and the series in %s: use the series that it was drawn on", s.file.name, uid, series.FrameOfReference)
	}
	g, err := series.Grid()
	if err != nil {
		return nil, err
	}
	return s.Mask(g, numbers...)
}

// Mask places segments on a grid, each under its number; all segments where none is named. The frames must lie on the grid's voxels, in
// any order or mirrored. A segment that is not there, one with voxels outside the grid, and two that overlap are errors. A fraction counts
// from one half on.
func (s *Segmentation) Mask(g image.Grid, numbers ...int) (*image.Mask, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	segments, err := s.Segments()
	if err != nil {
		return nil, err
	}
	wanted, err := choose(s.file.name, segments, numbers)
	if err != nil {
		return nil, err
	}
	planes, err := s.planes()
	if err != nil {
		return nil, err
	}
	read, err := s.file.openSegments()
	if err != nil {
		return nil, err
	}
	defer read.frames.Close()
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	var overlap overlaps
	for i := range planes {
		p := &planes[i]
		if p.segment != 0 && !wanted[p.segment] {
			continue
		}
		labels, err := read.labels(i, p.segment)
		if err != nil {
			return nil, err
		}
		if err := placeFrame(m, p, labels, wanted, &overlap); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name(), err)
		}
	}
	if overlap.voxels > 0 {
		return nil, overlap.err(s.file.name, segments)
	}
	return m, nil
}

// choose turns the numbers asked for into a set. Asking for what is not there is an error that lists what is.
func choose(file string, have []Segment, numbers []int) (map[int]bool, error) {
	wanted := map[int]bool{}
	for _, s := range have {
		if len(numbers) == 0 || slices.Contains(numbers, s.Number) {
			wanted[s.Number] = true
		}
	}
	for _, n := range numbers {
		if !wanted[n] {
			names := make([]string, len(have))
			for i, s := range have {
				names[i] = fmt.Sprintf("%d %q", s.Number, s.Label)
			}
			return nil, fmt.Errorf("%s: no segment %d; there are %s", file, n, strings.Join(names, ", "))
		}
	}
	return wanted, nil
}

func nameOf(segments []Segment, n int) string {
	for _, s := range segments {
		if s.Number == n {
			return fmt.Sprintf("segment %d %q", n, s.Label)
		}
	}
	return fmt.Sprintf("segment %d", n)
}

// overlaps counts voxels that two segments claim, and keeps the first pair.
type overlaps struct{ a, b, voxels int }

// ErrOverlap says that two of the segments asked for share voxels, so that one mask cannot hold both.
var ErrOverlap = errors.New("read one at a time")

func (o overlaps) err(file string, segments []Segment) error {
	return fmt.Errorf("%s: %s and %s share voxels (%d in all): %w", file, nameOf(segments, o.a), nameOf(segments, o.b), o.voxels, ErrOverlap)
}

// placeFrame writes one frame's labels to the mask.
func placeFrame(m *image.Mask, p *segmentPlane, labels []uint16, wanted map[int]bool, overlap *overlaps) error {
	columns, rows := p.columns(), p.rowCount()
	base, along, err := align(m.Grid, &p.slice, columns, rows)
	if err != nil {
		return err
	}
	for at, l := range labels {
		if l == 0 || !wanted[int(l)] {
			continue
		}
		x, y := at%columns, at/columns
		var v [3]int
		for a := range 3 {
			if v[a] = base[a] + x*along[0][a] + y*along[1][a]; v[a] < 0 || v[a] >= m.Size[a] {
				return fmt.Errorf("pixel (%d, %d) of segment %d lies outside the image, at voxel %d along axis %c of %d", x, y, l, v[a], 'i'+rune(a), m.Size[a])
			}
		}
		to := &m.Labels[m.Index(v[0], v[1], v[2])]
		if *to != 0 && *to != l {
			if overlap.voxels == 0 {
				overlap.a, overlap.b = int(*to), int(l)
			}
			overlap.voxels++
		}
		*to = l
	}
	return nil
}

// align finds the voxel of a frame's first pixel, and the steps of voxels from a column to the next and from a row to the next.
func align(g image.Grid, s *slice, columns, rows int) (base [3]int, along [2][3]int, err error) {
	first := g.Continuous(s.position)
	corner := s.position
	off := 0.0 // mm
	near := func(x, spacing float64) int {
		n := math.Round(x)
		off = max(off, math.Abs(x-n)*spacing)
		return int(max(min(n, 1<<30), -1<<30))
	}
	for a := range 3 {
		base[a] = near(first[a], g.Spacing[a])
	}
	steps := [2][3]float64{scale(s.row, s.spacing[0]), scale(s.column, s.spacing[1])}
	for d, step := range steps {
		next := g.Continuous([3]float64{s.position[0] + step[0], s.position[1] + step[1], s.position[2] + step[2]})
		count := float64([2]int{columns, rows}[d] - 1)
		for a := range 3 {
			along[d][a] = int(math.Round(max(min(next[a]-first[a], 2), -2)))
			corner[a] += step[a] * count
		}
	}
	last := g.Continuous(corner)
	for a := range 3 {
		want := float64(base[a] + along[0][a]*(columns-1) + along[1][a]*(rows-1))
		off = max(off, math.Abs(last[a]-want)*g.Spacing[a])
	}
	if allowed := image.GridTolerance + 0.01*min(g.Spacing[0], g.Spacing[1], g.Spacing[2]); !(off <= allowed) {
		return base, along, fmt.Errorf("the segmentation does not lie on the image's voxels: pixels are up to %.3g mm beside them. Use the series that it was drawn on, or resample (grid: mask_to_image)", off)
	}
	return base, along, nil
}

// segmentReader decodes frames of a SEG into labels.
type segmentReader struct {
	frames  *frames
	bits    []byte // of binary segmentations, all frames
	decoded []uint16
	raw     []byte
	half    float64 // from which on a fraction counts
}

// openSegments opens the pixels of a SEG.
func (f *file) openSegments() (*segmentReader, error) {
	layout, err := f.layout()
	if err != nil {
		return nil, err
	}
	r := &segmentReader{decoded: make([]uint16, layout.pixels())}
	if layout.allocated != 1 {
		if r.frames, err = f.openFrames(); err != nil {
			return nil, err
		}
		if f.text(segmentationType) == "FRACTIONAL" {
			top, err := f.whole(maximumFractionalValue, "MaximumFractionalValue", 1, 255)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("%s: %w", f.name, err), r.frames.Close())
			}
			r.half = float64(top) / 2
		}
		r.raw = make([]byte, layout.bytes())
		return r, nil
	}
	if f.pixels.length < 0 {
		return nil, fmt.Errorf("%s: compressed pixels of one bit are not read", f.name)
	}
	r.frames = &frames{file: f, format: layout}
	need := (int64(layout.pixels())*int64(layout.frames) + 7) / 8
	have := min(f.pixels.length, f.size-f.pixels.offset)
	if f.inflated != nil {
		have = min(f.pixels.length, int64(len(f.inflated))-f.pixels.offset)
	}
	if have < need {
		return nil, fmt.Errorf("%s: pixels of %d frames are %d bytes, and %d are there: the file is cut off", f.name, layout.frames, need, max(have, 0))
	}
	if f.inflated != nil {
		r.bits = f.inflated[f.pixels.offset:][:need]
		return r, nil
	}
	if r.frames.open, err = f.fsys.Open(f.name); err != nil {
		return nil, err
	}
	// Words of big-endian files are swapped, so that an odd last byte is read with its word.
	r.bits = make([]byte, min(need+need%2, have))
	if err := f.readPixels(r.frames.open, r.bits, 0); err != nil {
		return nil, errors.Join(err, r.frames.Close())
	}
	if f.bigEndian && string(f.pixels.vr[:]) == "OW" {
		for i := 0; i+1 < len(r.bits); i += 2 {
			r.bits[i], r.bits[i+1] = r.bits[i+1], r.bits[i]
		}
	}
	return r, nil
}

// labels are those of a frame; valid until the next call.
func (r *segmentReader) labels(frame, segment int) ([]uint16, error) {
	out := r.decoded
	clear(out)
	if r.bits != nil { // frames follow one another without padding, the lowest bit first
		first := frame * len(out)
		for i := range out {
			if at := first + i; r.bits[at/8] == 0 {
				continue
			} else if r.bits[at/8]>>(at%8)&1 == 1 {
				out[i] = uint16(segment)
			}
		}
		return out, nil
	}
	if err := r.frames.read(frame, r.raw); err != nil {
		return nil, err
	}
	values := image.Samples{Type: r.frames.format.kind, Slope: 1}.Values(r.raw)
	for i, x := range values {
		switch {
		case segment == 0:
			if x < 0 || x > math.MaxUint16 {
				return nil, fmt.Errorf("%s: label %g in a label map: want 0 to 65535", r.frames.file.name, x)
			}
			out[i] = uint16(x)
		case x > 0 && x >= r.half:
			out[i] = uint16(segment)
		}
	}
	return out, nil
}
