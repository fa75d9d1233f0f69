package radiomics

import (
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// scan is an image on its way through preprocessing: the voxels of a part of it, the grid of the whole and what had to be known of
// every voxel of the whole.
type scan struct {
	image.Grid           // of the whole image
	part       image.Box // where values lie in it
	values     []float64
	integer    bool
	limits     [2]float64 // of the type of whole numbers; 0 where not known
	whole      image.Statistics
	zscore     *zscore // applied when voxels are taken out
}

// zscore is PyRadiomics' normalisation: (x − mean)/SD, cut at ±outliers if that is not 0, then scaled.
type zscore struct {
	shift, scale, outliers, factor float64
}

func (z *zscore) at(x float64) float64 {
	x = (x + z.shift) * z.scale
	if z.outliers > 0 {
		x = math.Min(math.Max(x, -z.outliers), z.outliers)
	}
	return x * z.factor
}

// normalise makes the scan read as z-scores of the whole image, as ITK's NormalizeImageFilter computes them.
func (s *scan) normalise(set Settings) {
	s.zscore = &zscore{shift: -s.whole.Mean, scale: 1 / s.whole.SD, outliers: set.RemoveOutliers, factor: set.NormalizeScale}
	s.integer = false
	s.whole.Min, s.whole.Max = s.zscore.at(s.whole.Min), s.zscore.at(s.whole.Max)
}

// take copies the voxels of a box, which must lie in the part that is there.
func (s *scan) take(b image.Box) []float64 {
	size := b.Size()
	out := make([]float64, 0, size[0]*size[1]*size[2])
	have := s.part.Size()
	for k := b.Min[2]; k < b.Max[2]; k++ {
		for j := b.Min[1]; j < b.Max[1]; j++ {
			row := ((k-s.part.Min[2])*have[1]+j-s.part.Min[1])*have[0] + b.Min[0] - s.part.Min[0]
			out = append(out, s.values[row:row+size[0]]...)
		}
	}
	if s.zscore != nil {
		for i, x := range out {
			out[i] = s.zscore.at(x)
		}
	}
	return out
}

// crop makes the part of the scan inside b a whole image of its own, as PyRadiomics' preCrop does.
func (s *scan) crop(b image.Box) *scan {
	c := &scan{Grid: s.Grid.Crop(b), values: s.take(b), integer: s.integer, limits: s.limits}
	c.part = c.Grid.Box()
	c.whole = (&image.Volume{Grid: c.Grid, Values: c.values}).Statistics()
	return c
}

// roi is a labelled region on the grid of a scan: a box around it and which voxels of the box belong to it.
type roi struct {
	image.Box
	inside []bool
	count  int
}

// newROI gathers the voxels with a label inside its bounds.
func newROI(m *image.Mask, label uint16, bounds image.Box) *roi {
	r := &roi{Box: bounds}
	size := r.Size()
	r.inside = make([]bool, size[0]*size[1]*size[2])
	at := 0
	for k := r.Min[2]; k < r.Max[2]; k++ {
		for j := r.Min[1]; j < r.Max[1]; j++ {
			row := m.Labels[m.Index(r.Min[0], j, k):][:size[0]]
			for i, l := range row {
				if l == label {
					r.inside[at+i] = true
					r.count++
				}
			}
			at += size[0]
		}
	}
	return r
}

// shrink returns the region without the voxels that keep says no to, in the smallest box.
func (r *roi) shrink(keep func(offset int) bool) *roi {
	size := r.Size()
	kept := make([]bool, len(r.inside))
	b := image.Box{Min: size}
	n := 0
	for o, in := range r.inside {
		if !in || !keep(o) {
			continue
		}
		kept[o] = true
		n++
		at := [3]int{o % size[0], o / size[0] % size[1], o / size[0] / size[1]}
		for a := range 3 {
			b.Min[a] = min(b.Min[a], at[a])
			b.Max[a] = max(b.Max[a], at[a]+1)
		}
	}
	if n == 0 {
		return &roi{}
	}
	out := &roi{Box: r.Box, inside: kept, count: n}
	return out.within(b.Shift(r.Min))
}

// within returns the region cut to a box inside its own.
func (r *roi) within(b image.Box) *roi {
	size, have := b.Size(), r.Size()
	out := &roi{Box: b, inside: make([]bool, 0, size[0]*size[1]*size[2])}
	for k := b.Min[2]; k < b.Max[2]; k++ {
		for j := b.Min[1]; j < b.Max[1]; j++ {
			row := ((k-r.Min[2])*have[1]+j-r.Min[1])*have[0] + b.Min[0] - r.Min[0]
			out.inside = append(out.inside, r.inside[row:row+size[0]]...)
		}
	}
	for _, in := range out.inside {
		if in {
			out.count++
		}
	}
	return out
}

// shift moves the region, for a scan that was cropped.
func (r *roi) shift(d [3]int) *roi {
	return &roi{Box: r.Box.Shift(d), inside: r.inside, count: r.count}
}

// dimensions is the number of axes along which the region is more than one voxel long.
func (r *roi) dimensions() int {
	n := 0
	for _, s := range r.Size() {
		if s > 1 {
			n++
		}
	}
	return n
}

// pick returns the values of the region's voxels, in the order of the box, from values that cover the box.
func (r *roi) pick(box []float64) []float64 {
	out := make([]float64, 0, r.count)
	for o, in := range r.inside {
		if in {
			out = append(out, box[o])
		}
	}
	return out
}
