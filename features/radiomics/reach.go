package radiomics

import (
	"errors"
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// Reach says which part of an image the extraction of some labels needs, and whether it needs to see every voxel for the statistics of
// the whole. An image on another grid than its mask is refused before any voxel is read.
func Reach(m *image.Mask, labels []int, p Params) image.Selection {
	e := extraction{Params: p, mask: m}
	return image.Selection{
		Statistics: e.needsWhole(),
		Hash:       p.AdditionalInfo,
		Region: func(whole image.Grid) (image.Box, error) {
			if err := e.sameGrid(whole, m.Grid); err != nil && !e.mayDiffer() {
				return image.Box{}, err
			}
			var all image.Box
			for _, l := range labels {
				if l < 1 || l > math.MaxUint16 {
					continue // refused later, by name
				}
				b := m.Bounds(uint16(l))
				if b.Empty() {
					continue
				}
				b, err := e.need(whole, b)
				if err != nil {
					return image.Box{}, err
				}
				all = union(all, b)
			}
			if all.Empty() {
				if len(labels) == 0 {
					return all, errors.New("no label was asked for")
				}
				return all, absent(m, labels[0])
			}
			return all, nil
		},
	}
}

// union is the smallest box that holds both.
func union(a, b image.Box) image.Box {
	if a.Empty() {
		return b
	}
	for c := range 3 {
		a.Min[c], a.Max[c] = min(a.Min[c], b.Min[c]), max(a.Max[c], b.Max[c])
	}
	return a
}

// reach is the part of an image on a grid that a region with these bounds needs.
func (e *extraction) reach(g image.Grid, b image.Box) (image.Box, error) {
	if e.ResampledPixelSpacing != nil {
		out, err := newGrid(g, g, b, e.Settings)
		if err != nil {
			return b, err
		}
		if out == nil {
			return b.Grow(cube(e.PadDistance), g.Size), nil
		}
		return sampledPart(g, *out), nil
	}
	if e.PreCrop {
		return b.Grow(cube(e.PadDistance), g.Size), nil
	}
	grown := b
	for _, i := range e.Images {
		grown = union(grown, imageReach(i, g, b))
	}
	return grown, nil
}

func cube(n int) [3]int { return [3]int{n, n, n} }
