package dicom

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/image"
)

// StructureSet is an RTSTRUCT object: contours drawn on the slices of a series.
type StructureSet struct{ file *file }

// Structures lists the structures, in the order of the file.
func (s *StructureSet) Structures() ([]Segment, error) {
	var out []Segment
	for _, d := range s.file.items(structureSetROISequence) {
		n, err := d.whole(roiNumber, "ROINumber", 0, math.MaxInt32)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.file.name, err)
		}
		out = append(out, Segment{Number: n, Label: d.text(roiName)})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no structure", s.file.name)
	}
	return out, nil
}

// Regions lists the structures that enclose something: those with a closed contour. An isocentre or a structure that was never drawn is none.
func (s *StructureSet) Regions() ([]Segment, error) {
	all, err := s.Structures()
	if err != nil {
		return nil, err
	}
	closed := map[int]bool{}
	for _, roi := range s.file.items(roiContourSequence) {
		n, _, err := roi.number(referencedROINumber)
		for _, c := range roi.items(contourSequence) {
			closed[int(n)] = closed[int(n)] || err == nil && closedContour(c.text(contourGeometricType))
		}
	}
	all = slices.DeleteFunc(all, func(one Segment) bool { return !closed[one.Number] })
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no structure has a closed contour", s.file.name)
	}
	return all, nil
}

func closedContour(kind string) bool { return kind == "CLOSED_PLANAR" || kind == "CLOSEDPLANAR_XOR" }

// chosen are the structures that are asked for: those of the numbers, or every region.
func (s *StructureSet) chosen(numbers []int) ([]Segment, error) {
	if len(numbers) == 0 {
		return s.Regions()
	}
	all, err := s.Structures()
	if err != nil {
		return nil, err
	}
	wanted, err := choose(s.file.name, all, numbers)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(one Segment) bool { return !wanted[one.Number] }), nil
}

// frameOfReference is the UID of the space that a structure was drawn in.
func (s *StructureSet) frameOfReference(number int) string {
	for _, d := range s.file.items(structureSetROISequence) {
		if n, _, err := d.number(roiNumber); err == nil && int(n) == number {
			return d.text(referencedFrameOfReferenceID)
		}
	}
	return ""
}

// MaskOn is Mask on the grid of a series. A structure that was drawn in another frame of reference is an error.
func (s *StructureSet) MaskOn(series *Series, numbers ...int) (*image.Mask, error) {
	structures, err := s.chosen(numbers)
	if err != nil {
		return nil, err
	}
	for _, one := range structures {
		n := one.Number
		if uid := s.frameOfReference(n); uid != "" && series.FrameOfReference != "" && uid != series.FrameOfReference {
			return nil, fmt.Errorf("%s: structure %d was drawn in the frame of reference %s, and the series is in %s: use the series that it was drawn on", s.file.name, n, uid, series.FrameOfReference)
		}
	}
	g, err := series.Grid()
	if err != nil {
		return nil, err
	}
	return s.Mask(g, numbers...)
}

// Mask turns structures into voxels of a grid, each under its number; all regions where none is named. A voxel is inside when its
// centre is inside the polygons of its slice by the even–odd rule, so that a contour within another is a hole [IBSI reference manual,
// 2.3]. A structure without contours, one with a contour outside the grid, and two that overlap are errors.
func (s *StructureSet) Mask(g image.Grid, numbers ...int) (*image.Mask, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	structures, err := s.chosen(numbers)
	if err != nil {
		return nil, err
	}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	var overlap overlaps
	for _, one := range structures {
		if one.Number > math.MaxUint16 || one.Number == 0 {
			return nil, fmt.Errorf("%s: %q has the number %d: want 1 to 65535", s.file.name, one.Label, one.Number)
		}
		polygons, err := s.polygons(g, one.Number)
		if err != nil {
			return nil, fmt.Errorf("%s: structure %d %q: %w", s.file.name, one.Number, one.Label, err)
		}
		for _, p := range polygons {
			p.fill(m, uint16(one.Number), &overlap)
		}
	}
	if overlap.voxels > 0 {
		return nil, overlap.err(s.file.name, structures)
	}
	return m, nil
}

// edge is a side of a polygon, in continuous indices of its slice.
type edge struct{ x1, y1, x2, y2 float64 }

// polygon is all contours of a structure on one slice.
type polygon struct {
	slice int
	edges []edge
}

// polygons are the contours of a structure by slice, in order of slices.
func (s *StructureSet) polygons(g image.Grid, number int) ([]polygon, error) {
	bySlice := map[int]*polygon{}
	contours, outside := 0, 0
	for _, roi := range s.file.items(roiContourSequence) {
		if n, _, err := roi.number(referencedROINumber); err != nil || int(n) != number {
			continue
		}
		for i, c := range roi.items(contourSequence) {
			kind := c.text(contourGeometricType)
			if !closedContour(kind) {
				return nil, fmt.Errorf("contour %d is %q: closed planar contours enclose a region", i+1, kind)
			}
			points, err := c.numbers(contourData)
			if err != nil {
				return nil, fmt.Errorf("contour %d: %w", i+1, err)
			}
			if len(points)%3 != 0 || len(points) == 0 {
				return nil, fmt.Errorf("contour %d has %d coordinates: want three a point", i+1, len(points))
			}
			contours++
			if err := add(bySlice, g, points); errors.Is(err, errOutside) {
				outside++
			} else if err != nil {
				return nil, fmt.Errorf("contour %d: %w", i+1, err)
			}
		}
	}
	if contours == 0 {
		return nil, errors.New("no contours")
	}
	if outside > 0 {
		return nil, fmt.Errorf("%d of its %d contours lie outside the image: the image is cropped, or not the one that they were drawn on", outside, contours)
	}
	out := make([]polygon, 0, len(bySlice))
	for _, p := range bySlice {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b polygon) int { return cmp.Compare(a.slice, b.slice) })
	return out, nil
}

var errOutside = errors.New("outside the image")

// add puts the sides of one contour to its slice.
func add(bySlice map[int]*polygon, g image.Grid, points []float64) error {
	n := len(points) / 3
	index := make([][3]float64, n)
	low, high := math.Inf(1), math.Inf(-1)
	for i := range index {
		index[i] = g.Continuous([3]float64(points[3*i : 3*i+3]))
		low, high = min(low, index[i][2]), max(high, index[i][2])
	}
	if high-low > 0.5 {
		return fmt.Errorf("it runs through %.2g slices: it was drawn on slices of another orientation", high-low+1)
	}
	k := math.Round((low + high) / 2)
	if !(k >= 0 && k < float64(g.Size[2])) {
		return errOutside
	}
	p := bySlice[int(k)]
	if p == nil {
		p = &polygon{slice: int(k)}
		bySlice[int(k)] = p
	}
	for i := range index {
		a, b := index[i], index[(i+1)%n]
		p.edges = append(p.edges, edge{a[0], a[1], b[0], b[1]})
	}
	return nil
}

// fill writes the label to the voxels whose centres have an odd number of sides to their right.
func (p *polygon) fill(m *image.Mask, label uint16, overlap *overlaps) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, e := range p.edges {
		low, high = min(low, e.y1), max(high, e.y1)
	}
	var crossings []float64
	for j := int(max(math.Ceil(low), 0)); j < m.Size[1] && float64(j) <= high; j++ {
		y := float64(j)
		crossings = crossings[:0]
		for _, e := range p.edges {
			if (e.y1 <= y) != (e.y2 <= y) {
				crossings = append(crossings, e.x1+(y-e.y1)/(e.y2-e.y1)*(e.x2-e.x1))
			}
		}
		slices.Sort(crossings)
		line := m.Labels[m.Index(0, j, p.slice):][:m.Size[0]]
		for c := 0; c+1 < len(crossings); c += 2 {
			from, to := max(math.Ceil(crossings[c]), 0), min(math.Ceil(crossings[c+1]), float64(m.Size[0]))
			for i := int(from); i < int(to); i++ {
				if line[i] != 0 && line[i] != label {
					if overlap.voxels == 0 {
						overlap.a, overlap.b = int(line[i]), int(label)
					}
					overlap.voxels++
				}
				line[i] = label
			}
		}
	}
}
