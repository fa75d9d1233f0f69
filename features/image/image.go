// Package image holds volumes and masks on a patient's grid, and what decides whether two grids are the same.
//
// Axes are patient axes in LPS: x grows to the patient's left, y to the back (posterior), z to the head (superior). Lengths are mm.
// Readers turn whatever a format stores (RAS in NIfTI, space directions in NRRD) into this.
package image

// Grid places voxels in the patient. The centre of voxel (i, j, k) is Origin + Direction · (i·Spacing[0], j·Spacing[1], k·Spacing[2]).
type Grid struct {
	Size      [3]int
	Spacing   [3]float64 // mm, positive
	Origin    [3]float64 // mm, LPS: centre of voxel (0, 0, 0)
	Direction [9]float64 // row-major 3×3; column c is the unit vector of index axis c in LPS
}

// Voxels is the number of voxels of the grid.
func (g Grid) Voxels() int { return g.Size[0] * g.Size[1] * g.Size[2] }

// Index is the offset of voxel (i, j, k) in Volume.Values: i runs fastest.
func (g Grid) Index(i, j, k int) int { return (k*g.Size[1]+j)*g.Size[0] + i }

// Volume is an image: one value a voxel, i fastest, then j, then k.
type Volume struct {
	Grid
	// Integer says that the file held integers and no scaling made fractions of them. PyRadiomics casts a resampled image back
	// to such a type, so extraction has to know.
	Integer bool
	// Limits are the least and the greatest number that the file's type holds, where Integer and the type is known; a cast back to it
	// stops there. Both are 0 otherwise.
	Limits [2]float64
	Values []float64
}

// Mask holds the label of every voxel, 0 for none, on the same layout as a Volume.
type Mask struct {
	Grid
	Labels []uint16
	// Extent holds every voxel with a label, where it is not empty: a reader that has seen every voxel says so, and what looks for labels
	// need not look elsewhere. Who puts labels outside of it has to clear it.
	Extent Box
	// Hash is VoxelHash of the mask as it was read, where that is known.
	Hash string
}

// IdentityDirection is the direction of a grid whose index axes are the patient's.
var IdentityDirection = [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
