package image

import (
	"fmt"
	"math"
)

// Union is a mask that is 1 where m has one of the labels; any label where none is named.
func (m *Mask) Union(labels ...uint16) *Mask {
	var in [1 << 16]uint16
	for _, l := range labels {
		in[l] = 1
	}
	if len(labels) == 0 {
		for l := 1; l < len(in); l++ {
			in[l] = 1
		}
	}
	out := &Mask{Grid: m.Grid, Labels: make([]uint16, len(m.Labels))}
	for i, l := range m.Labels {
		if l != 0 && in[l] != 0 {
			out.Labels[i] = 1
		}
	}
	return out
}

// Dilate is a mask that is 1 wherever a voxel's centre is at most mm from the centre of a voxel of m, whatever its label. The distance is
// Euclidean and exact, in the patient and not in voxels. What would reach past the border is cut off. The grid's axes must be at right angles.
func (m *Mask) Dilate(mm float64) (*Mask, error) {
	out, reached, err := m.reach(mm)
	if err != nil || out == nil {
		return reached, err
	}
	out.each(func(at int, d float64) {
		if d <= mm*mm*(1+1e-12) {
			reached.Labels[at] = 1
		}
	})
	return reached, nil
}

// Ring is the part of Dilate that is not in m: the tissue around a region.
func (m *Mask) Ring(mm float64) (*Mask, error) {
	out, err := m.Dilate(mm)
	if err != nil {
		return nil, err
	}
	for i, l := range m.Labels {
		if l != 0 {
			out.Labels[i] = 0
		}
	}
	return out, nil
}

// distances holds, for a box of voxels, the squares of the distances to the nearest voxel of a mask.
type distances struct {
	whole Grid
	box   Box
	d     []float64
}

func (d *distances) each(do func(at int, squared float64)) {
	i := 0
	for k := d.box.Min[2]; k < d.box.Max[2]; k++ {
		for j := d.box.Min[1]; j < d.box.Max[1]; j++ {
			at := d.whole.Index(d.box.Min[0], j, k)
			for range d.box.Max[0] - d.box.Min[0] {
				do(at, d.d[i])
				at++
				i++
			}
		}
	}
}

// reach measures the voxels that may lie within mm of m, in a box around it, and gives an empty mask of the whole grid. The distances are nil
// where m is empty.
func (m *Mask) reach(mm float64) (*distances, *Mask, error) {
	if !(mm >= 0) || math.IsInf(mm, 0) {
		return nil, nil, fmt.Errorf("distance of %g mm: want 0 or more", mm)
	}
	if skew := m.Skew(); skew > 0.1 {
		return nil, nil, fmt.Errorf("axes of the mask are %.2g° from a right angle: distances are measured on upright grids", skew)
	}
	out := &Mask{Grid: m.Grid, Labels: make([]uint16, len(m.Labels))}
	box := m.Bounds(0)
	if box.Empty() {
		return nil, out, nil
	}
	var margin [3]int
	for a := range margin {
		margin[a] = int(min(mm/m.Spacing[a], float64(m.Size[a]))) + 1
	}
	box = box.Grow(margin, m.Size)
	size := box.Size()
	d := &distances{whole: m.Grid, box: box, d: make([]float64, box.voxels())}
	i := 0
	for k := box.Min[2]; k < box.Max[2]; k++ {
		for j := box.Min[1]; j < box.Max[1]; j++ {
			for _, l := range m.Labels[m.Index(box.Min[0], j, k):][:size[0]] {
				if l == 0 {
					d.d[i] = math.Inf(1)
				}
				i++
			}
		}
	}
	stride := [3]int{1, size[0], size[0] * size[1]}
	for a := range 3 {
		window := min(int(mm/m.Spacing[a]*(1+1e-12)), size[a]-1)
		spread(d.d, size, stride, a, window, m.Spacing[a])
	}
	return d, out, nil
}

// spread adds one axis to squared distances: the least, over a window, of the distance so far and the step along the axis. Done for
// all three axes it is the Euclidean distance, because squares of steps add.
func spread(d []float64, size, stride [3]int, axis, window int, spacing float64) {
	line, out := make([]float64, size[axis]), make([]float64, size[axis])
	b, c := (axis+1)%3, (axis+2)%3
	for v := range size[c] {
		for u := range size[b] {
			first := u*stride[b] + v*stride[c]
			occupied := false
			for i := range line {
				line[i] = d[first+i*stride[axis]]
				occupied = occupied || !math.IsInf(line[i], 1)
			}
			if !occupied {
				continue
			}
			for i := range line {
				least := line[i]
				for w := 1; w <= window; w++ {
					step := float64(w) * spacing
					step *= step
					if step >= least {
						break
					}
					if i-w >= 0 {
						least = min(least, line[i-w]+step)
					}
					if i+w < len(line) {
						least = min(least, line[i+w]+step)
					}
				}
				out[i] = least
			}
			for i := range out {
				d[first+i*stride[axis]] = out[i]
			}
		}
	}
}
