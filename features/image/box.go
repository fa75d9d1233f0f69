package image

import "fmt"

// Box is a box of voxels: Min is the first index along each axis, Max the one after the last.
type Box struct{ Min, Max [3]int }

// Box is the box of the whole grid.
func (g Grid) Box() Box { return Box{Max: g.Size} }

// Size is the number of voxels along each axis.
func (b Box) Size() [3]int {
	return [3]int{b.Max[0] - b.Min[0], b.Max[1] - b.Min[1], b.Max[2] - b.Min[2]}
}

// voxels is the number of voxels inside a box that is not empty.
func (b Box) voxels() int {
	s := b.Size()
	return s[0] * s[1] * s[2]
}

// Empty says that the box holds no voxel.
func (b Box) Empty() bool {
	s := b.Size()
	return s[0] <= 0 || s[1] <= 0 || s[2] <= 0
}

// Grow is the box with margin more voxels at each of its faces, cut at the border of a grid of the given size.
func (b Box) Grow(margin [3]int, size [3]int) Box {
	for a := range 3 {
		b.Min[a] = max(b.Min[a]-margin[a], 0)
		b.Max[a] = min(b.Max[a]+margin[a], size[a])
	}
	return b
}

// Shift is the box moved by d voxels.
func (b Box) Shift(d [3]int) Box {
	for a := range 3 {
		b.Min[a] += d[a]
		b.Max[a] += d[a]
	}
	return b
}

// within says whether b is a box of voxels of a grid of the given size, and if not, what is wrong.
func (b Box) within(size [3]int) error {
	for a, name := range axes {
		if b.Min[a] < 0 || b.Max[a] > size[a] || b.Min[a] >= b.Max[a] {
			return fmt.Errorf("region [%d, %d) along %s: want a part of [0, %d)", b.Min[a], b.Max[a], name, size[a])
		}
	}
	return nil
}

// Bounds is the smallest box with every voxel of the label, or of any label where label is 0. It is empty when there is none.
func (m *Mask) Bounds(label uint16) Box {
	within := m.Extent
	if within.Empty() {
		within = m.Box()
	}
	b := Box{Min: m.Size}
	row := m.Size[0]
	for k := within.Min[2]; k < within.Max[2]; k++ {
		plane := m.Labels[m.Index(0, within.Min[1], k):m.Index(0, within.Max[1], k)]
		if blank(plane) { // most of a mask
			continue
		}
		for j := within.Min[1]; j < within.Max[1]; j++ {
			line := m.Labels[m.Index(0, j, k):][:row]
			first, last := -1, -1
			for from := 0; from < len(line); from += 16 {
				part := line[from:min(from+16, len(line))]
				if blank(part) {
					continue
				}
				for i, l := range part {
					if l != 0 && (l == label || label == 0) {
						if first < 0 {
							first = from + i
						}
						last = from + i
					}
				}
			}
			if first >= 0 {
				b.include(first, last, j, k)
			}
		}
	}
	if b.Empty() {
		return Box{}
	}
	return b
}

// noLabels is what background is compared with: equality of arrays is one call, which looks at many elements at a time.
var noLabels [256]uint16

// blank says whether no voxel has a label.
func blank(labels []uint16) bool {
	for ; len(labels) >= len(noLabels); labels = labels[len(noLabels):] {
		if *(*[len(noLabels)]uint16)(labels) != noLabels {
			return false
		}
	}
	for ; len(labels) >= 16; labels = labels[16:] {
		if *(*[16]uint16)(labels) != [16]uint16{} {
			return false
		}
	}
	for _, l := range labels {
		if l != 0 {
			return false
		}
	}
	return true
}

// include grows the box to hold voxels first to last of row (j, k).
func (b *Box) include(first, last, j, k int) {
	b.Min = [3]int{min(b.Min[0], first), min(b.Min[1], j), min(b.Min[2], k)}
	b.Max = [3]int{max(b.Max[0], last+1), max(b.Max[1], j+1), max(b.Max[2], k+1)}
}

// Crop is the part of the volume inside b, with values of its own. The box must lie within the volume.
func (v *Volume) Crop(b Box) (*Volume, error) {
	values, err := crop(v.Values, v.Grid, b)
	if err != nil {
		return nil, err
	}
	return &Volume{Grid: v.Grid.Crop(b), Integer: v.Integer, Limits: v.Limits, Values: values}, nil
}

// Crop is the part of the mask inside b, with labels of its own. The box must lie within the mask.
func (m *Mask) Crop(b Box) (*Mask, error) {
	labels, err := crop(m.Labels, m.Grid, b)
	if err != nil {
		return nil, err
	}
	return &Mask{Grid: m.Grid.Crop(b), Labels: labels}, nil
}

// crop copies the elements inside b.
func crop[E any](from []E, g Grid, b Box) ([]E, error) {
	if err := b.within(g.Size); err != nil {
		return nil, err
	}
	if len(from) != g.Voxels() {
		return nil, fmt.Errorf("%d values for %d voxels", len(from), g.Voxels())
	}
	to := make([]E, 0, b.voxels())
	for k := b.Min[2]; k < b.Max[2]; k++ {
		for j := b.Min[1]; j < b.Max[1]; j++ {
			to = append(to, from[g.Index(b.Min[0], j, k):g.Index(b.Max[0], j, k)]...)
		}
	}
	return to, nil
}
