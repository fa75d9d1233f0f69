package image

import "math"

// Resample is the volume on another grid, by linear interpolation between voxel centres. A voxel whose centre lies outside the volume,
// further than half a voxel beyond its last centres, is NaN; within that half voxel the last value is repeated. Both grids must be valid,
// and in one frame of reference.
func (v *Volume) Resample(g Grid) *Volume {
	out := &Volume{Grid: g, Values: make([]float64, g.Voxels())}
	first := v.Continuous(g.World(0, 0, 0))
	var step [3][3]float64 // in index of v, along each index axis of g
	for a, e := range [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}} {
		next := v.Continuous(g.World(e[0], e[1], e[2]))
		for r := range 3 {
			step[a][r] = next[r] - first[r]
		}
	}
	to := 0
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			var row [3]float64
			for r := range 3 {
				row[r] = first[r] + float64(j)*step[1][r] + float64(k)*step[2][r]
			}
			for i := range g.Size[0] {
				out.Values[to] = v.linear(row[0]+float64(i)*step[0][0], row[1]+float64(i)*step[0][1], row[2]+float64(i)*step[0][2])
				to++
			}
		}
	}
	return out
}

// linear is the value at a continuous index.
func (v *Volume) linear(x, y, z float64) float64 {
	at := [3]float64{x, y, z}
	var low [3]int
	var part [3]float64
	var up [3]int // offset to the upper neighbour
	stride := [3]int{1, v.Size[0], v.Size[0] * v.Size[1]}
	for a := range 3 {
		last := float64(v.Size[a] - 1)
		if !(at[a] >= -0.5-1e-9 && at[a] <= last+0.5+1e-9) {
			return math.NaN()
		}
		p := min(max(at[a], 0), last)
		low[a] = int(p)
		if part[a] = p - float64(low[a]); part[a] > 0 {
			up[a] = stride[a]
		}
	}
	n := v.Index(low[0], low[1], low[2])
	line := func(n int) float64 {
		if part[0] == 0 {
			return v.Values[n]
		}
		return v.Values[n] + part[0]*(v.Values[n+up[0]]-v.Values[n])
	}
	plane := func(n int) float64 {
		a := line(n)
		if part[1] == 0 {
			return a
		}
		return a + part[1]*(line(n+up[1])-a)
	}
	a := plane(n)
	if part[2] == 0 {
		return a
	}
	return a + part[2]*(plane(n+up[2])-a)
}
