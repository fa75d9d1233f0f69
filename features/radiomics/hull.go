package radiomics

import (
	"math"
	"slices"
)

// hull3D measures the convex hull of mesh vertices: volume in mm³ and area in mm². Points that cannot be corners, because they are not
// corners of the hulls of their planes, are left out first. The rest is moved by up to 10⁻⁹ of a voxel, by a fixed rule, so that no four
// lie in one plane and the incremental construction has no special case.
func hull3D(vertices []point, spacing [3]float64) (volume, area float64) {
	p := jitter(hullCandidates(vertices), spacing)
	type face struct {
		a, b, c int32
		n       [3]float64
		d       float64
	}
	newFace := func(a, b, c int32) face {
		u := [3]float64{p[b][0] - p[a][0], p[b][1] - p[a][1], p[b][2] - p[a][2]}
		v := [3]float64{p[c][0] - p[a][0], p[c][1] - p[a][1], p[c][2] - p[a][2]}
		n := cross(u, v)
		return face{a, b, c, n, n[0]*p[a][0] + n[1]*p[a][1] + n[2]*p[a][2]}
	}
	above := func(f face, q [3]float64) bool { return f.n[0]*q[0]+f.n[1]*q[1]+f.n[2]*q[2] > f.d }
	t := startTetrahedron(p)
	faces := []face{newFace(t[0], t[1], t[2]), newFace(t[0], t[2], t[3]), newFace(t[0], t[3], t[1]), newFace(t[1], t[3], t[2])}
	if above(faces[0], p[t[3]]) {
		faces = []face{newFace(t[0], t[2], t[1]), newFace(t[0], t[3], t[2]), newFace(t[0], t[1], t[3]), newFace(t[1], t[2], t[3])}
	}
	used := map[int32]bool{t[0]: true, t[1]: true, t[2]: true, t[3]: true}
	edges := map[[2]int32]bool{}
	for i := range p {
		q := int32(i)
		if used[q] {
			continue
		}
		clear(edges)
		kept := faces[:0]
		for _, f := range faces {
			if !above(f, p[q]) {
				kept = append(kept, f)
				continue
			}
			for _, e := range [3][2]int32{{f.a, f.b}, {f.b, f.c}, {f.c, f.a}} {
				if back := [2]int32{e[1], e[0]}; edges[back] {
					delete(edges, back)
				} else {
					edges[e] = true
				}
			}
		}
		faces = kept
		for e := range edges {
			faces = append(faces, newFace(e[0], e[1], q))
		}
	}
	// Faces come in any order; a sum that does not depend on it is taken over sorted terms.
	volumes, areas := make([]float64, len(faces)), make([]float64, len(faces))
	for i, f := range faces {
		volumes[i] = f.d / 6
		areas[i] = math.Sqrt(f.n[0]*f.n[0]+f.n[1]*f.n[1]+f.n[2]*f.n[2]) / 2
	}
	return sortedSum(volumes), sortedSum(areas)
}

// hullCandidates are the vertices on the hull of each of the three planes through them.
func hullCandidates(vertices []point) []point {
	size := [3]int{}
	for _, v := range vertices {
		for a := range 3 {
			size[a] = max(size[a], int(v[a])/2+1)
		}
	}
	onHull := planeHulls(vertices, size, nil)
	var out []point
	for i, h := range onHull {
		if h == 7 {
			out = append(out, vertices[i])
		}
	}
	return out
}

// jitter turns half voxels to mm and moves each point a little.
func jitter(v []point, spacing [3]float64) [][3]float64 {
	out := make([][3]float64, len(v))
	state := uint64(0x9e3779b97f4a7c15)
	for i, p := range v {
		for a := range 3 {
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			out[i][a] = (float64(p[a])/2 + (float64(state>>11)/(1<<53)-0.5)*2e-9) * spacing[a]
		}
	}
	return out
}

// startTetrahedron picks four points that span a volume: far apart, then far from the line, then far from the plane.
func startTetrahedron(p [][3]float64) [4]int32 {
	best := func(score func(q [3]float64) float64) int32 {
		top, at := math.Inf(-1), 0
		for i, q := range p {
			if s := score(q); s > top {
				top, at = s, i
			}
		}
		return int32(at)
	}
	minus := func(a, b [3]float64) [3]float64 { return [3]float64{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
	square := func(a [3]float64) float64 { return a[0]*a[0] + a[1]*a[1] + a[2]*a[2] }
	a := best(func(q [3]float64) float64 { return q[0] })
	b := best(func(q [3]float64) float64 { return square(minus(q, p[a])) })
	c := best(func(q [3]float64) float64 { return square(cross(minus(p[b], p[a]), minus(q, p[a]))) })
	n := cross(minus(p[b], p[a]), minus(p[c], p[a]))
	d := best(func(q [3]float64) float64 {
		m := minus(q, p[a])
		return math.Abs(n[0]*m[0] + n[1]*m[1] + n[2]*m[2])
	})
	return [4]int32{a, b, c, d}
}

func sortedSum(x []float64) float64 {
	slices.Sort(x)
	return pairwise(x, func(v float64) float64 { return v })
}
