package radiomics

import (
	"fmt"

	"github.com/voxgene/voxgene/features/image"
)

// correctMask resamples the label of a mask to the grid of the image by nearest voxel; the region must lie inside the image.
func correctMask(grid image.Grid, m *image.Mask, label uint16) (*image.Mask, error) {
	b := m.Bounds(label)
	if b.Empty() {
		return nil, absent(m, int(label))
	}
	for corner := range 8 {
		var at [3]float64
		for a := range 3 {
			at[a] = float64(b.Min[a]) - 0.5
			if corner>>a&1 == 1 {
				at[a] = float64(b.Max[a]) - 0.5
			}
		}
		p := grid.Continuous(m.World(at[0], at[1], at[2]))
		for a := range 3 {
			if p[a] < -0.5-1e-3 || p[a] > float64(grid.Size[a])-0.5+1e-3 {
				return nil, fmt.Errorf("correctMask: label %d reaches outside the image, to index (%.2f, %.2f, %.2f) of %v voxels", label, p[0], p[1], p[2], grid.Size)
			}
		}
	}
	out := &image.Mask{Grid: grid, Labels: make([]uint16, grid.Voxels())}
	for k := range grid.Size[2] {
		for j := range grid.Size[1] {
			for i := range grid.Size[0] {
				p := m.Continuous(grid.World(float64(i), float64(j), float64(k)))
				x, y, z := roundHalfUp(p[0]), roundHalfUp(p[1]), roundHalfUp(p[2])
				if x >= 0 && x < m.Size[0] && y >= 0 && y < m.Size[1] && z >= 0 && z < m.Size[2] {
					out.Labels[grid.Index(i, j, k)] = m.Labels[m.Index(x, y, z)]
				}
			}
		}
	}
	return out, nil
}
