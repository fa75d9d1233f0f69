package image

import (
	"errors"
	"math"
	"slices"
)

// Overlap says how well two masks of one grid agree. Distances are mm between the centres of voxels, over all voxels of a mask and not its
// surface alone.
type Overlap struct {
	VoxelsA, VoxelsB, Both int
	Dice, Jaccard          float64
	Hausdorff              float64 // largest distance from a voxel of either mask to the other
	Hausdorff95            float64 // larger of the two directed 95 % quantiles (type 7)
	MeanAB, MeanBA         float64 // mean distance of the voxels of A to B, and of B to A
}

// ErrEmpty says that a mask has no voxel, so that no distance to it exists.
var ErrEmpty = errors.New("a mask without a voxel has no distance to another")

// CompareMasks measures the agreement of two masks, whatever their labels. They have to share a grid.
func CompareMasks(a, b *Mask) (Overlap, error) {
	if err := SameGrid(a.Grid, b.Grid, GridTolerance); err != nil {
		return Overlap{}, err
	}
	var o Overlap
	for i, l := range a.Labels {
		if l != 0 {
			o.VoxelsA++
			if b.Labels[i] != 0 {
				o.Both++
			}
		}
		if b.Labels[i] != 0 {
			o.VoxelsB++
		}
	}
	if o.VoxelsA == 0 || o.VoxelsB == 0 {
		return o, ErrEmpty
	}
	o.Dice = 2 * float64(o.Both) / float64(o.VoxelsA+o.VoxelsB)
	o.Jaccard = float64(o.Both) / float64(o.VoxelsA+o.VoxelsB-o.Both)
	ab, err := directed(a, b)
	if err != nil {
		return o, err
	}
	ba, err := directed(b, a)
	if err != nil {
		return o, err
	}
	o.Hausdorff = max(ab[len(ab)-1], ba[len(ba)-1])
	o.Hausdorff95 = max(quantile(ab, 0.95), quantile(ba, 0.95))
	o.MeanAB, o.MeanBA = average(ab), average(ba)
	return o, nil
}

// directed are the distances of the voxels of a to the nearest of b, ascending.
func directed(a, b *Mask) ([]float64, error) {
	// No voxel of a can be further from b than the two are wide together.
	reach := 0.0
	for axis := range 3 {
		reach += math.Pow(float64(a.Size[axis])*a.Spacing[axis], 2)
	}
	d, _, err := b.reach(math.Sqrt(reach))
	if err != nil {
		return nil, err
	}
	var out []float64
	d.each(func(at int, squared float64) {
		if a.Labels[at] != 0 {
			out = append(out, math.Sqrt(squared))
		}
	})
	slices.Sort(out)
	return out, nil
}

func average(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
