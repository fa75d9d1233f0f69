package radiomics

import (
	"fmt"
	"math"
)

// lines are the pieces of outline in the 16 cases of a cell of four pixels: pairs of its sides, 0 to 3 for top, right, bottom, left.
// Corners 0 to 3 go round from the top left. Two opposite corners inside are joined to none.
var lines = [16][][2]int{
	1: {{3, 0}}, 2: {{0, 1}}, 3: {{3, 1}}, 4: {{1, 2}}, 5: {{1, 2}, {3, 0}}, 6: {{0, 2}}, 7: {{3, 2}},
	8: {{2, 3}}, 9: {{2, 0}}, 10: {{0, 1}, {2, 3}}, 11: {{2, 1}}, 12: {{1, 3}}, 13: {{1, 0}}, 14: {{0, 3}},
}

// shape2D measures a region of one slice by its outline halfway between pixels inside and outside. It needs force2D, and a region that
// is one voxel thick along force2Ddimension. Lengths are mm.
func shape2D(r *roi, spacing [3]float64, set Settings) (values, error) {
	across := 2 - set.Force2DDimension
	size := r.Size()
	if size[across] != 1 {
		return nil, fmt.Errorf("featureClass shape2D: the region is %d slices thick along %c; it has to be one", size[across], "xyz"[across])
	}
	u, v := 0, 1 // fast and slow axis in the slice
	switch across {
	case 0:
		u, v = 1, 2
	case 1:
		u, v = 0, 2
	}
	w, h := size[u], size[v]
	dx, dy := spacing[u], spacing[v]
	in := func(x, y int) int {
		if x < 0 || y < 0 || x >= w || y >= h || !r.inside[y*w+x] {
			return 0
		}
		return 1
	}
	middle := [4][2]float64{{0.5, 0}, {1, 0.5}, {0.5, 1}, {0, 0.5}} // x, y
	var perimeter, surface float64
	var vertices []point
	for y := -1; y < h; y++ {
		for x := -1; x < w; x++ {
			code := in(x, y) | in(x+1, y)<<1 | in(x+1, y+1)<<2 | in(x, y+1)<<3
			for _, l := range lines[code] {
				ax, ay := (float64(x+1)+middle[l[0]][0])*dx, (float64(y+1)+middle[l[0]][1])*dy
				bx, by := (float64(x+1)+middle[l[1]][0])*dx, (float64(y+1)+middle[l[1]][1])*dy
				surface += (ay*bx - by*ax) / 2
				perimeter += math.Hypot(ax-bx, ay-by)
				for _, s := range l {
					vertices = append(vertices, point{int32(2*x) + int32(2*middle[s][0]), int32(2*y) + int32(2*middle[s][1]), 0})
				}
			}
		}
	}
	all := make([]int32, len(vertices))
	for i := range all {
		all[i] = int32(i)
	}
	diameter := math.Sqrt(farthest(vertices, hullOf(vertices, all), [3]float64{dx, dy, 1}))
	_, minor, major := principalAxes(r, spacing)
	sphericity := 2 * math.Sqrt(math.Pi*surface) / perimeter
	return values{
		"Elongation":             math.Sqrt(minor / major),
		"MajorAxisLength":        4 * math.Sqrt(major),
		"MaximumDiameter":        diameter,
		"MeshSurface":            surface,
		"MinorAxisLength":        4 * math.Sqrt(minor),
		"Perimeter":              perimeter,
		"PerimeterSurfaceRatio":  perimeter / surface,
		"PixelSurface":           float64(r.count) * dx * dy,
		"Sphericity":             sphericity,
		"SphericalDisproportion": 1 / sphericity,
	}, nil
}
