package radiomics

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// resample puts image and region on a grid of the wanted spacing, as PyRadiomics does through ITK: the grid starts at the corner of
// the first voxel and covers the region grown by padDistance new voxels; an image of whole numbers is cut to whole numbers again; the
// region takes its nearest voxel. Only the part of the image that the result depends on is used.
func resample(s *scan, m *image.Mask, r *roi, set Settings) (*scan, *roi, error) {
	grid, err := newGrid(m.Grid, r.Box, set)
	if err != nil {
		return nil, nil, err
	}
	if grid == nil {
		b := r.Grow(cube(set.PadDistance), s.Size)
		return s.crop(b), r.shift([3]int{-b.Min[0], -b.Min[1], -b.Min[2]}), nil
	}
	out := *grid
	part := sampledPart(s.Grid, out)
	new := &scan{Grid: out, part: out.Box(), integer: s.integer, limits: s.limits}
	at := newPositions(s.Grid, out)
	block := s.take(part)
	switch set.Interpolator {
	case "sitkBSpline":
		new.values = at.bspline(block, part, s.Size)
	case "sitkLinear":
		new.values = at.linear(block, part, s.Size)
	case "sitkNearestNeighbor":
		new.values = at.nearest(block, part, s.Size)
	case "sitkGaussian":
		new.values = at.gaussian(block, part, s.Size)
	default:
		new.values = at.sinc(block, part, s.Size, sincWindows[set.Interpolator])
	}
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

// newGrid is the grid that a region with these bounds is resampled to; nil where its spacing is the wanted one already.
func newGrid(m image.Grid, r image.Box, set Settings) (*image.Grid, error) {
	size := r.Size()
	spacing := [3]float64(set.ResampledPixelSpacing)
	same := true
	for a := range 3 {
		if spacing[a] == 0 || size[a] == 1 {
			spacing[a] = m.Spacing[a]
		}
		same = same && math.Abs(m.Spacing[a]-spacing[a]) <= 1e-8+1e-5*math.Abs(spacing[a])
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
	for c := range 3 {
		part.Min[c] = min(max(int(math.Floor(a[c]))-1, 0), old.Size[c]-1)
		part.Max[c] = max(min(int(math.Floor(b[c]))+3, old.Size[c]), part.Min[c]+1)
	}
	return part.Grow(cube(splineReach), old.Size)
}

// positions are the continuous indices in an old grid of the voxels of a new one with the same axes: origin + step·index along each.
type positions struct {
	old, new image.Grid
	size     [3]int
	at       [3][]float64
}

// newPositions computes the indices along each axis as ITK does: the first and the one after the last go through physical space, and
// those between are interpolated along x.
func newPositions(old, new image.Grid) positions {
	p := positions{old: old, new: new, size: new.Size}
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

func (p positions) taps(axis int, part image.Box, size [3]int, n int, weigh func(x float64, index []int32, weight []float64)) taps {
	at := p.at[axis]
	t := taps{index: make([]int32, n*len(at)), weight: make([]float64, n*len(at)), skip: make([]bool, len(at)), n: n}
	for i, x := range at {
		if t.skip[i] = beyond(x, size[axis]); t.skip[i] {
			continue
		}
		index, weight := t.index[i*n:][:n], t.weight[i*n:][:n]
		weigh(x, index, weight)
		for k, v := range index {
			index[k] = int32(min(max(mirror(int(v), size[axis]), part.Min[axis]), part.Max[axis]-1) - part.Min[axis])
		}
	}
	return t
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
	var t [3]taps
	for a := range 3 {
		t[a] = p.taps(a, part, size, 2, func(x float64, index []int32, weight []float64) {
			x = min(max(x, 0), float64(size[a]-1))
			f := math.Floor(x)
			index[0], index[1] = int32(f), int32(min(f+1, float64(size[a]-1)))
			weight[1] = x - f
		})
	}
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

// bspline interpolates with the cubic B-spline through the voxels, mirrored at the border, as ITK's BSplineInterpolateImageFunction.
func (p positions) bspline(block []float64, part image.Box, size [3]int) []float64 {
	coefficients(block, part.Size())
	var t [3]taps
	for a := range 3 {
		t[a] = p.taps(a, part, size, 4, func(x float64, index []int32, weight []float64) {
			f := math.Floor(x)
			for k := range index {
				index[k] = int32(f) - 1 + int32(k)
			}
			w := x - f
			weight[3] = (1.0 / 6.0) * w * w * w
			weight[0] = (1.0 / 6.0) + 0.5*w*(w-1.0) - weight[3]
			weight[2] = w + weight[0] - 2.0*weight[3]
			weight[1] = 1.0 - weight[0] - weight[2] - weight[3]
		})
	}
	return p.sum(block, part, t)
}
