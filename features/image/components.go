package image

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Component is a connected part of a mask.
type Component struct {
	Label  uint16 // in the mask of components: 1 for the largest
	Voxels int
	Volume float64 // mm³, voxels times the volume of one
	Bounds Box
}

// Components finds the connected parts of a mask, whatever their labels. Voxels that share a face, an edge or a corner are connected
// (26 neighbours), as PyRadiomics counts them. Parts below minimum mm³ are left out. The others come largest first, those of one size
// in the order of their first voxel, and the mask that is returned holds each under its label.
func (m *Mask) Components(minimum float64) (*Mask, []Component, error) {
	out := &Mask{Grid: m.Grid, Labels: make([]uint16, len(m.Labels))}
	box := m.Bounds(0)
	if box.Empty() {
		return out, nil, nil
	}
	size := box.Size()
	// A margin of one keeps neighbours inside the box.
	nx, ny := size[0]+2, size[1]+2
	part := make([]int32, nx*ny*(size[2]+2)) // 0 outside, −1 not yet visited
	for k := range size[2] {
		for j := range size[1] {
			to := part[((k+1)*ny+j+1)*nx+1:]
			for i, l := range m.Labels[m.Index(box.Min[0], box.Min[1]+j, box.Min[2]+k):][:size[0]] {
				if l != 0 {
					to[i] = -1
				}
			}
		}
	}
	var neighbours [26]int
	n := 0
	for dz := -1; dz <= 1; dz++ {
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				if d := (dz*ny+dy)*nx + dx; dx != 0 || dy != 0 || dz != 0 {
					neighbours[n] = d
					n++
				}
			}
		}
	}
	var all []Component // Label is not yet that of the result
	var stack []int32
	for first := range part {
		if part[first] != -1 {
			continue
		}
		number := int32(len(all) + 1)
		c := Component{Bounds: Box{Min: m.Size}}
		part[first] = number
		stack = append(stack[:0], int32(first))
		for len(stack) > 0 {
			at := int(stack[len(stack)-1])
			stack = stack[:len(stack)-1]
			c.Voxels++
			i, j, k := at%nx-1+box.Min[0], at/nx%ny-1+box.Min[1], at/nx/ny-1+box.Min[2]
			c.Bounds.include(i, i, j, k)
			for _, d := range neighbours {
				if part[at+d] == -1 {
					part[at+d] = number
					stack = append(stack, int32(at+d))
				}
			}
		}
		c.Volume = float64(c.Voxels) * m.VoxelVolume()
		all = append(all, c)
	}
	order := make([]int, 0, len(all))
	for i := range all {
		if all[i].Volume >= minimum {
			order = append(order, i)
		}
	}
	if len(order) > math.MaxUint16 {
		return nil, nil, fmt.Errorf("%d connected parts: at most %d are told apart; set a least volume", len(order), math.MaxUint16)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[b].Voxels, all[a].Voxels) })
	labels := make([]uint16, len(all)+1)
	kept := make([]Component, len(order))
	for rank, i := range order {
		labels[i+1] = uint16(rank + 1)
		kept[rank] = all[i]
		kept[rank].Label = uint16(rank + 1)
	}
	for k := range size[2] {
		for j := range size[1] {
			to := out.Labels[m.Index(box.Min[0], box.Min[1]+j, box.Min[2]+k):][:size[0]]
			for i, p := range part[((k+1)*ny+j+1)*nx+1:][:size[0]] {
				to[i] = labels[p]
			}
		}
	}
	return out, kept, nil
}
