package radiomics

import (
	"math"
	"slices"
)

// diameters are the largest distances, in mm, between vertices of the surface mesh: in planes of one z (slice), one y (column), one
// x (row), and anywhere.
type diameters struct {
	slice, column, row, volume float64
}

// point is a mesh vertex in half voxels, so that planes and hulls are exact.
type point [3]int32

// largestDiameters finds the diameters. Only a vertex on the convex hull of each of the three planes through it can be an end of the
// largest distance, which leaves few pairs to compare.
func largestDiameters(inside []bool, size [3]int, spacing [3]float64) diameters {
	vertices := surfaceVertices(inside, size)
	var largest [3]float64
	onHull := planeHulls(vertices, size, func(axis int, hull []int32) {
		largest[axis] = max(largest[axis], farthest(vertices, hull, spacing))
	})
	var all []int32
	for i, h := range onHull {
		if h == 7 {
			all = append(all, int32(i))
		}
	}
	return diameters{
		slice: math.Sqrt(largest[2]), column: math.Sqrt(largest[1]), row: math.Sqrt(largest[0]),
		volume: math.Sqrt(farthest(vertices, all, spacing)),
	}
}

// planeHulls finds the convex hulls of the vertices of every plane across each axis, calls each with the axis and the hull's corners,
// and returns for every vertex a bit an axis: whether it is a corner there.
func planeHulls(vertices []point, size [3]int, each func(axis int, hull []int32)) []uint8 {
	onHull := make([]uint8, len(vertices))
	order, scratch := make([]int32, len(vertices)), make([]int32, len(vertices))
	for axis := range 3 {
		u, v := (axis+1)%3, (axis+2)%3
		for i := range order {
			order[i] = int32(i)
		}
		for _, a := range []int{v, u, axis} {
			sortBy(a, 2*size[a]+2, vertices, order, scratch)
			order, scratch = scratch, order
		}
		var hull []int32
		for from := 0; from < len(order); {
			to := from + 1
			for to < len(order) && vertices[order[to]][axis] == vertices[order[from]][axis] {
				to++
			}
			hull = convexHull(hull[:0], vertices, order[from:to], u, v)
			for _, i := range hull {
				onHull[i] |= 1 << axis
			}
			if each != nil {
				each(axis, hull)
			}
			from = to
		}
	}
	return onHull
}

// sortBy writes the order sorted by one coordinate, of −1 to n−2, to sorted; equal ones stay as they were.
func sortBy(axis, n int, p []point, order, sorted []int32) {
	starts := make([]int32, n+1)
	for _, i := range order {
		starts[p[i][axis]+2]++
	}
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	for _, i := range order {
		c := p[i][axis] + 1
		sorted[starts[c]] = i
		starts[c]++
	}
}

// surfaceVertices are the middles between each voxel inside and its neighbours outside.
func surfaceVertices(inside []bool, size [3]int) []point {
	var out []point
	step := [3]int{1, size[0], size[0] * size[1]}
	o := 0
	for k := range size[2] {
		for j := range size[1] {
			for i := range size[0] {
				if inside[o] {
					at := [3]int{i, j, k}
					for a := range 3 {
						p := point{int32(2 * i), int32(2 * j), int32(2 * k)}
						if at[a] == 0 || !inside[o-step[a]] {
							q := p
							q[a]--
							out = append(out, q)
						}
						if at[a] == size[a]-1 || !inside[o+step[a]] {
							q := p
							q[a]++
							out = append(out, q)
						}
					}
				}
				o++
			}
		}
	}
	return out
}

// convexHull appends to hull the corners of the convex hull of points of one plane that are sorted by (u, v): Andrew's monotone chain.
func convexHull(hull []int32, p []point, sorted []int32, u, v int) []int32 {
	if len(sorted) <= 2 {
		return append(hull, sorted...)
	}
	turn := func(a, b, c int32) int64 {
		o, q, r := p[a], p[b], p[c]
		return int64(q[u]-o[u])*int64(r[v]-o[v]) - int64(q[v]-o[v])*int64(r[u]-o[u])
	}
	chain := func(next int32, floor int) {
		for len(hull) >= floor+2 && turn(hull[len(hull)-2], hull[len(hull)-1], next) <= 0 {
			hull = hull[:len(hull)-1]
		}
		hull = append(hull, next)
	}
	for _, i := range sorted {
		chain(i, 0)
	}
	floor := len(hull) - 1
	for k := len(sorted) - 2; k >= 0; k-- {
		chain(sorted[k], floor)
	}
	return hull[:len(hull)-1] // the first point closes the chain
}

// farthest is the square of the largest distance between the chosen points, in mm².
func farthest(p []point, chosen []int32, spacing [3]float64) float64 {
	mm := make([][3]float64, len(chosen))
	for i, c := range chosen {
		for a := range 3 {
			mm[i][a] = float64(p[c][a]) / 2 * spacing[a]
		}
	}
	largest := 0.0
	for i := range mm {
		a := mm[i]
		for _, b := range mm[:i] {
			x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
			if d := x*x + y*y + z*z; d > largest {
				largest = d
			}
		}
	}
	return largest
}

// hullOf is the convex hull of points of the plane of their first two coordinates.
func hullOf(p []point, chosen []int32) []int32 {
	slices.SortFunc(chosen, func(a, b int32) int {
		if p[a][0] != p[b][0] {
			return int(p[a][0] - p[b][0])
		}
		return int(p[a][1] - p[b][1])
	})
	return convexHull(nil, p, chosen, 0, 1)
}
