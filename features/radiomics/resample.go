package radiomics

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// resample puts image and region on a grid of the wanted spacing, as PyRadiomics does through ITK: the grid starts at the corner of
// the first voxel and covers the region grown by padDistance new voxels; an image of whole numbers is cut to whole numbers again; the
// region takes its nearest voxel. Only the part of the image that the result depends on is used.
//
// A mask that is apart lies on another grid than the image. The new grid is then laid from the mask, and the image is read where it falls in it.
func resample(s *scan, m *image.Mask, r *roi, apart bool, set Settings) (*scan, *roi, error) {
	grid, err := newGrid(s.Grid, m.Grid, r.Box, set)
	if err != nil {
		return nil, nil, err
	}
	if grid == nil {
		if apart {
			fitted, err := correctMask(s.Grid, m, uint16(set.Label), r.Box)
			if err != nil {
				return nil, nil, err
			}
			b := fitted.Bounds(uint16(set.Label))
			if b.Empty() {
				return s, &roi{}, nil // refused with the other regions that are too small
			}
			r = newROI(fitted, uint16(set.Label), b)
		}
		b := r.Grow(cube(set.PadDistance), s.Size)
		return s.crop(b), r.shift([3]int{-b.Min[0], -b.Min[1], -b.Min[2]}), nil
	}
	out := *grid
	part := sampledPart(s.Grid, out)
	new := &scan{Grid: out, part: out.Box(), integer: s.integer, limits: s.limits}
	at := newPositions(s.Grid, out)
	block := s.take(part)
	new.values = at.values(block, part, s.Size, set.Interpolator)
	if s.integer {
		for i, x := range new.values {
			x = math.Trunc(x)
			if s.limits != ([2]float64{}) {
				x = min(max(x, s.limits[0]), s.limits[1])
			}
			new.values[i] = x
		}
	}
	new.whole = (&image.Volume{Grid: out, Values: new.values}).Statistics()

	region := &roi{Box: out.Box(), inside: make([]bool, out.Voxels())}
	have := r.Size()
	newPositions(m.Grid, out).each(func(o int, x, y, z float64) {
		i, j, k := roundHalfUp(x), roundHalfUp(y), roundHalfUp(z)
		if i >= r.Min[0] && i < r.Max[0] && j >= r.Min[1] && j < r.Max[1] && k >= r.Min[2] && k < r.Max[2] {
			region.inside[o] = r.inside[((k-r.Min[2])*have[1]+j-r.Min[1])*have[0]+i-r.Min[0]]
		}
	})
	return new, region.shrink(func(int) bool { return true }), nil
}

// newGrid is the grid that a region with these bounds in a mask is resampled to; nil where the image's spacing is the wanted one already.
func newGrid(old, m image.Grid, r image.Box, set Settings) (*image.Grid, error) {
	size := r.Size()
	spacing := [3]float64(set.ResampledPixelSpacing)
	same := true
	for a := range 3 {
		if spacing[a] == 0 || size[a] == 1 {
			spacing[a] = m.Spacing[a]
		}
		same = same && math.Abs(old.Spacing[a]-spacing[a]) <= 1e-8+1e-5*math.Abs(spacing[a])
	}
	if same {
		return nil, nil
	}
	out := image.Grid{Spacing: spacing, Direction: m.Direction}
	var first [3]float64 // index in the old grid of the first new voxel
	for a := range 3 {
		ratio := m.Spacing[a] / spacing[a]
		low := math.Floor((float64(r.Min[a])-0.5)*ratio - float64(set.PadDistance))
		high := math.Ceil((float64(r.Max[a])-0.5)*ratio + float64(set.PadDistance))
		low = math.Max(low, 0)
		high = math.Min(high, math.Ceil(float64(m.Size[a])*ratio)-1)
		if !(high-low < 1<<20) {
			return nil, fmt.Errorf("resampledPixelSpacing: %g mm makes the region %.3g voxels long", spacing[a], high-low)
		}
		out.Size[a] = int(high-low) + 1
		first[a] = 0.5*(spacing[a]-m.Spacing[a])/m.Spacing[a] + low/ratio
	}
	if v := float64(out.Size[0]) * float64(out.Size[1]) * float64(out.Size[2]); v > image.MaxVoxels {
		return nil, fmt.Errorf("resampledPixelSpacing: %v mm makes %.3g voxels; at most %d", spacing, v, image.MaxVoxels)
	}
	out.Origin = m.World(first[0], first[1], first[2])
	return &out, nil
}

// splineReach is how far, in voxels, a coefficient of a cubic B-spline depends on its neighbours before they count for less than the
// last bit of a float64: its pole is √3−2, and 0.268³² is 5·10⁻¹⁹.
const splineReach = 32

// sampledPart is the part of the old image that interpolation on the new grid depends on.
func sampledPart(old, out image.Grid) image.Box {
	var part image.Box
	a := old.Continuous(out.World(0, 0, 0))
	b := old.Continuous(out.World(float64(out.Size[0]-1), float64(out.Size[1]-1), float64(out.Size[2]-1)))
	if old.Direction != out.Direction {
		for corner := range 8 {
			p := old.Continuous(out.World(float64(corner&1*(out.Size[0]-1)), float64(corner>>1&1*(out.Size[1]-1)), float64(corner>>2*(out.Size[2]-1))))
			for c := range 3 {
				a[c], b[c] = min(a[c], p[c]), max(b[c], p[c])
			}
		}
	}
	for c := range 3 {
		part.Min[c] = min(max(int(math.Floor(a[c]))-1, 0), old.Size[c]-1)
		part.Max[c] = max(min(int(math.Floor(b[c]))+3, old.Size[c]), part.Min[c]+1)
	}
	return part.Grow(cube(splineReach), old.Size)
}

// positions are the continuous indices in an old grid of the voxels of a new one: origin + step·index along each axis where both have the
// same axes.
type positions struct {
	old, new image.Grid
	size     [3]int
	at       [3][]float64
	turned   bool // the axes differ, and at says nothing
}

// newPositions computes the indices along each axis as ITK does: the first and the one after the last go through physical space, and
// those between are interpolated along x.
func newPositions(old, new image.Grid) positions {
	p := positions{old: old, new: new, size: new.Size, turned: old.Direction != new.Direction}
	for a := range 3 {
		p.at[a] = make([]float64, new.Size[a])
		for i := range p.at[a] {
			var index [3]float64
			index[a] = float64(i)
			if a == 0 {
				index[0] = 0
			}
			p.at[a][i] = old.Continuous(new.World(index[0], index[1], index[2]))[a]
		}
	}
	n := float64(new.Size[0])
	start := p.at[0][0]
	end := old.Continuous(new.World(n, 0, 0))[0]
	for i := range p.at[0] {
		p.at[0][i] = start + (end-start)*(float64(i)/n)
	}
	return p
}

// each calls do with every new voxel's offset and its place in the old grid.
func (p positions) each(do func(o int, x, y, z float64)) {
	o := 0
	if p.turned {
		for k := range p.size[2] {
			for j := range p.size[1] {
				for i := range p.size[0] {
					at := p.old.Continuous(p.new.World(float64(i), float64(j), float64(k)))
					do(o, at[0], at[1], at[2])
					o++
				}
			}
		}
		return
	}
	for _, z := range p.at[2] {
		for _, y := range p.at[1] {
			for _, x := range p.at[0] {
				do(o, x, y, z)
				o++
			}
		}
	}
}

// beyond says whether a place is outside the old image, voxels' borders counted in.
func beyond(x float64, size int) bool { return !(x >= -0.5 && x < float64(size)-0.5) }

func roundHalfUp(x float64) int { return int(math.Floor(x + 0.5)) }

// nearest takes the value of the nearest voxel; 0 outside the image.
func (p positions) nearest(block []float64, part image.Box, size [3]int) []float64 {
	out := make([]float64, p.new.Voxels())
	have := part.Size()
	p.each(func(o int, x, y, z float64) {
		if beyond(x, size[0]) || beyond(y, size[1]) || beyond(z, size[2]) {
			return
		}
		out[o] = block[((roundHalfUp(z)-part.Min[2])*have[1]+roundHalfUp(y)-part.Min[1])*have[0]+roundHalfUp(x)-part.Min[0]]
	})
	return out
}

// taps are the neighbours along one axis that a new voxel is a weighted sum of: indices into the block, and weights.
type taps struct {
	index  []int32
	weight []float64
	skip   []bool // outside the image
	n      int    // of each voxel
}

// interpolation is an interpolator that is a weighted sum of n neighbours along each axis: weigh sets the indices, which may lie beyond the border,
// and the weights for place x of an axis of size voxels.
type interpolation struct {
	n     int
	weigh func(x float64, size int, index []int32, weight []float64)
}

// fill computes the neighbours of a place along an axis as indices into the part.
func (k interpolation) fill(x float64, axis int, part image.Box, size [3]int, index []int32, weight []float64) {
	k.weigh(x, size[axis], index, weight)
	for i, v := range index {
		index[i] = int32(min(max(mirror(int(v), size[axis]), part.Min[axis]), part.Max[axis]-1) - part.Min[axis])
	}
}

func (p positions) taps(axis int, part image.Box, size [3]int, by interpolation) taps {
	at, n := p.at[axis], by.n
	t := taps{index: make([]int32, n*len(at)), weight: make([]float64, n*len(at)), skip: make([]bool, len(at)), n: n}
	for i, x := range at {
		if t.skip[i] = beyond(x, size[axis]); !t.skip[i] {
			by.fill(x, axis, part, size, t.index[i*n:][:n], t.weight[i*n:][:n])
		}
	}
	return t
}

// values interpolates the voxels of a part of the old image.
func (p positions) values(block []float64, part image.Box, size [3]int, interpolator string) []float64 {
	if interpolator == "sitkNearestNeighbor" {
		return p.nearest(block, part, size)
	}
	by := linearKernel
	switch interpolator {
	case "sitkBSpline":
		coefficients(block, part.Size())
		by = splineKernel
	case "sitkLinear":
		if !p.turned {
			return p.linear(block, part, size)
		}
	case "sitkGaussian":
		by = gaussianKernel
	default:
		by = sincKernel(sincWindows[interpolator])
	}
	if p.turned {
		return p.sumTurned(block, part, size, by)
	}
	return p.sum(block, part, [3]taps{p.taps(0, part, size, by), p.taps(1, part, size, by), p.taps(2, part, size, by)})
}

// sumTurned applies an interpolation where the axes of the grids differ, so that every voxel has neighbours of its own.
func (p positions) sumTurned(block []float64, part image.Box, size [3]int, by interpolation) []float64 {
	have := part.Size()
	out := make([]float64, p.new.Voxels())
	var index [3][]int32
	var weight [3][]float64
	for a := range 3 {
		index[a], weight[a] = make([]int32, by.n), make([]float64, by.n)
	}
	p.each(func(o int, x, y, z float64) {
		for a, v := range [3]float64{x, y, z} {
			if beyond(v, size[a]) {
				return
			}
			by.fill(v, a, part, size, index[a], weight[a])
		}
		sum := 0.0
		for c, k := range index[2] {
			for b, j := range index[1] {
				row := block[(int(k)*have[1]+int(j))*have[0]:]
				for a, i := range index[0] {
					sum += weight[0][a] * weight[1][b] * weight[2][c] * row[i]
				}
			}
		}
		out[o] = sum
	})
	return out
}

// sum applies taps along the three axes. The order of products and sums is ITK's, x fastest.
func (p positions) sum(block []float64, part image.Box, t [3]taps) []float64 {
	have := part.Size()
	out := make([]float64, p.new.Voxels())
	o := 0
	for k := range p.size[2] {
		for j := range p.size[1] {
			if t[2].skip[k] || t[1].skip[j] {
				o += p.size[0]
				continue
			}
			zi, zw := t[2].index[k*t[2].n:][:t[2].n], t[2].weight[k*t[2].n:][:t[2].n]
			yi, yw := t[1].index[j*t[1].n:][:t[1].n], t[1].weight[j*t[1].n:][:t[1].n]
			for i := range p.size[0] {
				if !t[0].skip[i] {
					xi, xw := t[0].index[i*t[0].n:][:t[0].n], t[0].weight[i*t[0].n:][:t[0].n]
					v := 0.0
					for c, z := range zi {
						for b, y := range yi {
							row := block[(int(z)*have[1]+int(y))*have[0]:]
							for a, x := range xi {
								w := float64(xw[a] * yw[b])
								v += float64(float64(w*zw[c]) * row[x])
							}
						}
					}
					out[o] = v
				}
				o++
			}
		}
	}
	return out
}

// linear interpolates between neighbours, along x, then y, then z as ITK does, so that equal neighbours give their value exactly. The
// border repeats outwards by half a voxel; beyond, the value is 0.
func (p positions) linear(block []float64, part image.Box, size [3]int) []float64 {
	t := [3]taps{p.taps(0, part, size, linearKernel), p.taps(1, part, size, linearKernel), p.taps(2, part, size, linearKernel)}
	have := part.Size()
	out := make([]float64, p.new.Voxels())
	o := 0
	for k := range p.size[2] {
		for j := range p.size[1] {
			if t[2].skip[k] || t[1].skip[j] {
				o += p.size[0]
				continue
			}
			row := func(z, y int32) []float64 { return block[(int(z)*have[1]+int(y))*have[0]:] }
			z0, z1, wz := t[2].index[2*k], t[2].index[2*k+1], t[2].weight[2*k+1]
			y0, y1, wy := t[1].index[2*j], t[1].index[2*j+1], t[1].weight[2*j+1]
			a, b, c, d := row(z0, y0), row(z0, y1), row(z1, y0), row(z1, y1)
			for i := range p.size[0] {
				if !t[0].skip[i] {
					x0, x1, w := t[0].index[2*i], t[0].index[2*i+1], t[0].weight[2*i+1]
					near := lerp(lerp(a[x0], a[x1], w), lerp(b[x0], b[x1], w), wy)
					far := lerp(lerp(c[x0], c[x1], w), lerp(d[x0], d[x1], w), wy)
					out[o] = lerp(near, far, wz)
				}
				o++
			}
		}
	}
	return out
}

func lerp(a, b, t float64) float64 { return a + float64((b-a)*t) }

// linearKernel are the two neighbours; the border repeats outwards.
var linearKernel = interpolation{2, func(x float64, size int, index []int32, weight []float64) {
	x = min(max(x, 0), float64(size-1))
	f := math.Floor(x)
	index[0], index[1] = int32(f), int32(min(f+1, float64(size-1)))
	weight[0], weight[1] = 1-(x-f), x-f
}}

// splineKernel is the cubic B-spline through the voxels, mirrored at the border, as ITK's BSplineInterpolateImageFunction. The block holds its
// coefficients.
var splineKernel = interpolation{4, func(x float64, _ int, index []int32, weight []float64) {
	f := math.Floor(x)
	for k := range index {
		index[k] = int32(f) - 1 + int32(k)
	}
	w := x - f
	weight[3] = (1.0 / 6.0) * w * w * w
	weight[0] = (1.0 / 6.0) + 0.5*w*(w-1.0) - weight[3]
	weight[2] = w + weight[0] - 2.0*weight[3]
	weight[1] = 1.0 - weight[0] - weight[2] - weight[3]
}}
