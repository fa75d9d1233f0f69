package radiomics

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// sameGrid says whether a mask lies on the grid of its image. With geometryTolerance that is ITK's comparison: origin and spacing within
// the tolerance times the image's spacing along x, the cosines of the direction within the tolerance itself.
func (e *extraction) sameGrid(whole, mask image.Grid) error {
	if e.GeometryTolerance == 0 {
		return image.SameGrid(whole, mask, image.GridTolerance)
	}
	far := 0.0 // in tolerances
	for a := range 3 {
		far = max(far, math.Abs(whole.Origin[a]-mask.Origin[a])/whole.Spacing[0], math.Abs(whole.Spacing[a]-mask.Spacing[a])/whole.Spacing[0])
	}
	for i, c := range whole.Direction {
		far = max(far, math.Abs(c-mask.Direction[i]))
	}
	if whole.Size == mask.Size && far <= e.GeometryTolerance {
		return nil
	}
	return image.SameGrid(whole, mask, 0)
}

// mayDiffer says whether a mask on another grid than its image is taken: with correctMask, which puts it on the image's, and where both
// are resampled to one grid anyway.
func (e *extraction) mayDiffer() bool {
	return e.CorrectMask || e.ResampledPixelSpacing != nil && !e.SameGrid
}

// need is the part of an image that a region with these bounds in the mask needs.
func (e *extraction) need(whole image.Grid, b image.Box) (image.Box, error) {
	if err := e.sameGrid(whole, e.mask.Grid); err == nil {
		return e.reach(e.mask.Grid, b)
	} else if !e.mayDiffer() {
		return b, err
	}
	on, err := placed(whole, e.mask.Grid, b)
	if err != nil {
		return b, err
	}
	if e.ResampledPixelSpacing == nil {
		return e.reach(whole, on)
	}
	out, err := newGrid(whole, e.mask.Grid, b, e.Settings)
	if err != nil {
		return b, err
	}
	if out == nil {
		return on.Grow(cube(e.PadDistance), whole.Size), nil
	}
	return sampledPart(whole, *out), nil
}

// placed is the box of a grid that holds every voxel whose centre may lie in a box of another grid, which must lie inside the first.
func placed(grid, from image.Grid, b image.Box) (image.Box, error) {
	const rounding = 1e-3
	on := image.Box{Min: grid.Size}
	for corner := range 8 {
		var at [3]float64
		for a := range 3 {
			at[a] = float64(b.Min[a]) - 0.5
			if corner>>a&1 == 1 {
				at[a] = float64(b.Max[a]) - 0.5
			}
		}
		p := grid.Continuous(from.World(at[0], at[1], at[2]))
		for a := range 3 {
			if !(p[a] >= -0.5-rounding && p[a] <= float64(grid.Size[a])-0.5+rounding) {
				return b, fmt.Errorf("the region reaches outside the image, to index (%.2f, %.2f, %.2f) of %v voxels, and so cannot be put on its grid", p[0], p[1], p[2], grid.Size)
			}
			on.Min[a] = min(on.Min[a], int(math.Floor(p[a]-rounding)))
			on.Max[a] = max(on.Max[a], int(math.Ceil(p[a]+rounding))+1)
		}
	}
	return on.Grow([3]int{}, grid.Size), nil
}

// correctMask resamples the label of a mask to the grid of the image by nearest voxel; the region must lie inside the image. It looks only
// where the region can be.
func correctMask(grid image.Grid, m *image.Mask, label uint16, b image.Box) (*image.Mask, error) {
	on, err := placed(grid, m.Grid, b)
	if err != nil {
		return nil, err
	}
	out := &image.Mask{Grid: grid, Labels: make([]uint16, grid.Voxels()), Extent: on}
	for k := on.Min[2]; k < on.Max[2]; k++ {
		for j := on.Min[1]; j < on.Max[1]; j++ {
			for i := on.Min[0]; i < on.Max[0]; i++ {
				p := m.Continuous(grid.World(float64(i), float64(j), float64(k)))
				x, y, z := roundHalfUp(p[0]), roundHalfUp(p[1]), roundHalfUp(p[2])
				if x >= b.Min[0] && x < b.Max[0] && y >= b.Min[1] && y < b.Max[1] && z >= b.Min[2] && z < b.Max[2] && m.Labels[m.Index(x, y, z)] == label {
					out.Labels[grid.Index(i, j, k)] = label
				}
			}
		}
	}
	return out, nil
}
