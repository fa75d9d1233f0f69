package radiomics

import (
	"errors"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// standardRegion is a region with its intensities, ready for features by the standard.
type standardRegion struct {
	Standard
	spacing   [3]float64
	around    image.Box // the part of the interpolated image that is there
	intensity []float64 // of that part
	size      [3]int    // of the whole interpolated image
	morphology,
	region *roi // region is the intensity mask
	values   []float64 // of the intensity mask
	diagnose []Feature
}

// newStandardRegion takes image and mask through rounding, interpolation and re-segmentation, in the standard's order.
func newStandardRegion(in image.Reading, m *image.Mask, label int, s Standard) (*standardRegion, error) {
	if label < 1 || label > math.MaxUint16 {
		return nil, fmt.Errorf("label %d: want 1 to %d", label, math.MaxUint16)
	}
	v := in.Volume
	if err := errors.Join(in.Whole.Validate(), m.Validate()); err != nil {
		return nil, err
	}
	if err := image.SameGrid(in.Whole, m.Grid, image.GridTolerance); err != nil {
		return nil, fmt.Errorf("image and mask are %w", err)
	}
	bounds := m.Bounds(uint16(label))
	if bounds.Empty() {
		return nil, absent(m, label)
	}
	if len(v.Values) != v.Voxels() || len(m.Labels) != m.Voxels() {
		return nil, fmt.Errorf("%d values and %d labels for %d voxels", len(v.Values), len(m.Labels), v.Voxels())
	}
	need := s.reach(in.Whole, bounds)
	if s.Diagnostics {
		need = in.Whole.Box()
	}
	if union(need, in.Region) != in.Region {
		return nil, fmt.Errorf("the image was read from %v to %v, and label %d needs %v to %v", in.Region.Min, in.Region.Max, label, need.Min, need.Max)
	}
	first := newROI(m, uint16(label), bounds)
	r := &standardRegion{Standard: s}
	whole := &scan{Grid: in.Whole, part: in.Region, values: v.Values}
	r.diagnoseImage("init", whole, s.Round)
	r.diagnoseRegion("init", in.Whole.Size, first, first, whole, s.Round)
	if err := r.interpolate(whole, m, first); err != nil {
		return nil, err
	}
	for _, x := range r.region.pick(r.box()) {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("label %d has a voxel of the value %v", label, x)
		}
	}
	if r.region.count < 2 {
		return nil, fmt.Errorf("label %d has %d voxels: features need more", label, r.region.count)
	}
	if err := r.resegment(label); err != nil {
		return nil, err
	}
	r.values = r.region.pick(r.box())
	return r, nil
}

// box are the intensities in the box of the intensity mask.
func (r *standardRegion) box() []float64 {
	s := scan{Grid: image.Grid{Size: r.size}, part: r.around, values: r.intensity}
	return s.take(r.region.Box)
}

// peakRadius is that of a sphere of 1 cm³, in mm.
var peakRadius = 10 * math.Cbrt(3/(4*math.Pi))

// interpolate puts image and mask on a grid of the wanted spacing whose centre is that of the image.
func (r *standardRegion) interpolate(s *scan, m *image.Mask, first *roi) error {
	p := positions{old: s.Grid, new: s.Grid}
	keep := true
	for a := range 3 {
		step := 1.0
		n := s.Size[a]
		if r.Standard.Spacing[a] > 0 && r.Standard.Spacing[a] != s.Spacing[a] {
			step, keep = r.Standard.Spacing[a]/s.Spacing[a], false
			n = int(math.Ceil(float64(n)/step - 1e-9))
		}
		p.new.Size[a], p.new.Spacing[a] = n, s.Spacing[a]*step
		start := 0.5 * (float64(s.Size[a]) - 1 - step*(float64(n)-1))
		p.at[a] = make([]float64, n)
		for i := range p.at[a] {
			p.at[a][i] = min(max(start+float64(i)*step, 0), float64(s.Size[a]-1))
		}
	}
	if float64(p.new.Size[0])*float64(p.new.Size[1])*float64(p.new.Size[2]) > image.MaxVoxels {
		return fmt.Errorf("spacing %v mm makes too large an image: %v voxels", r.Standard.Spacing, p.new.Size)
	}
	r.size, r.spacing = p.new.Size, p.new.Spacing
	// The part of the new grid around the region: what the mask can reach, the sphere of the peaks, and the filters.
	margin := r.margin(r.spacing)
	for a := range 3 {
		low, high := len(p.at[a]), 0
		for i, x := range p.at[a] {
			if x > float64(first.Min[a])-1 && x < float64(first.Max[a]) {
				low, high = min(low, i), max(high, i+1)
			}
		}
		r.around.Min[a], r.around.Max[a] = low, high
	}
	if r.around.Empty() {
		return fmt.Errorf("spacing %v mm leaves no voxel of the region", r.Standard.Spacing)
	}
	r.around = r.around.Grow(margin, r.size)
	if r.Diagnostics || margin[0] < 0 {
		r.around = image.Box{Max: r.size}
	}
	part := p
	for a := range 3 {
		part.at[a] = p.at[a][r.around.Min[a]:r.around.Max[a]]
		part.size[a] = len(part.at[a])
		part.new.Size[a] = part.size[a]
	}
	needed := part.needs(s.Size)
	block := s.take(needed)
	round(block, r.Round)
	mask := make([]float64, part.new.Voxels())
	inMask := func(i, j, k int) float64 {
		if i < first.Min[0] || i >= first.Max[0] || j < first.Min[1] || j >= first.Max[1] || k < first.Min[2] || k >= first.Max[2] {
			return 0
		}
		f := first.Size()
		if first.inside[((k-first.Min[2])*f[1]+j-first.Min[1])*f[0]+i-first.Min[0]] {
			return 1
		}
		return 0
	}
	labels := make([]float64, 0, len(block))
	for k := needed.Min[2]; k < needed.Max[2]; k++ {
		for j := needed.Min[1]; j < needed.Max[1]; j++ {
			for i := needed.Min[0]; i < needed.Max[0]; i++ {
				labels = append(labels, inMask(i, j, k))
			}
		}
	}
	switch {
	case keep:
		r.intensity, mask = s.take(r.around), mask[:0]
		round(r.intensity, r.Round)
		for k := r.around.Min[2]; k < r.around.Max[2]; k++ {
			for j := r.around.Min[1]; j < r.around.Max[1]; j++ {
				for i := r.around.Min[0]; i < r.around.Max[0]; i++ {
					mask = append(mask, inMask(i, j, k))
				}
			}
		}
	default:
		if r.MaskInterpolation == "linear" {
			mask = part.linear(labels, needed, s.Size)
		} else {
			mask = part.nearest(labels, needed, s.Size)
		}
		switch r.Interpolation {
		case "cubic":
			r.intensity = part.values(block, needed, s.Size, "sitkBSpline")
		case "linear":
			r.intensity = part.linear(block, needed, s.Size)
		default:
			r.intensity = part.nearest(block, needed, s.Size)
		}
		round(r.intensity, r.Round)
	}
	inside := make([]bool, len(mask))
	n := 0
	for o, x := range mask {
		if inside[o] = math.Round(x*1e6)/1e6 >= 0.5; inside[o] {
			n++
		}
	}
	if n == 0 {
		return fmt.Errorf("spacing %v mm leaves no voxel of the region", r.Standard.Spacing)
	}
	all := &roi{Box: r.around, inside: inside, count: n}
	r.region = all.shrink(func(int) bool { return true })
	r.morphology = r.region
	new := &scan{Grid: image.Grid{Size: r.size, Spacing: r.spacing}, part: r.around, values: r.intensity}
	r.diagnoseImage("interp", new, false)
	r.diagnoseRegion("interp", r.size, r.region, r.region, new, false)
	return nil
}

// needs is the part of the old image that the positions look at, with what a spline depends on.
func (p positions) needs(size [3]int) image.Box {
	var b image.Box
	for a := range 3 {
		at := p.at[a]
		b.Min[a], b.Max[a] = max(int(at[0])-1, 0), min(int(at[len(at)-1])+3, size[a])
	}
	return b.Grow(cube(splineReach), size)
}

func round(x []float64, want bool) {
	if !want {
		return
	}
	for i, v := range x {
		x[i] = math.RoundToEven(v)
	}
}

// resegment leaves the voxels outside the range, and the outliers, out of the intensity mask. Both are judged on the region as it was.
func (r *standardRegion) resegment(label int) error {
	low, high := math.Inf(-1), math.Inf(1)
	if len(r.Range) == 2 {
		low, high = r.Range[0], r.Range[1]
	}
	box := r.box()
	if r.Outliers > 0 {
		x := r.region.pick(box)
		n := float64(len(x))
		mean := pairwise(x, func(v float64) float64 { return v }) / n
		sd := math.Sqrt(pairwise(x, func(v float64) float64 { return (v - mean) * (v - mean) }) / n)
		low, high = max(low, mean-r.Outliers*sd), min(high, mean+r.Outliers*sd)
	}
	before := r.region.count
	r.region = r.region.shrink(func(o int) bool { return box[o] >= low && box[o] <= high })
	if r.region.count < 2 {
		return fmt.Errorf("re-segmentation to [%g, %g] leaves %d of %d voxels of label %d", low, high, r.region.count, before, label)
	}
	new := &scan{Grid: image.Grid{Size: r.size, Spacing: r.spacing}, part: r.around, values: r.intensity}
	r.diagnoseRegion("reseg", r.size, r.region, r.morphology, new, false)
	return nil
}
