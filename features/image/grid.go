package image

import (
	"errors"
	"fmt"
	"math"
)

// MaxVoxels is the largest grid that readers accept: 1,024 slices of 1,024×1,024.
const MaxVoxels = 1 << 30

// World is the position, in mm and LPS, of the continuous index (i, j, k); whole numbers are voxel centres.
func (g Grid) World(i, j, k float64) [3]float64 {
	s := [3]float64{i * g.Spacing[0], j * g.Spacing[1], k * g.Spacing[2]}
	p := g.Origin
	for r := range 3 {
		p[r] += g.Direction[3*r]*s[0] + g.Direction[3*r+1]*s[1] + g.Direction[3*r+2]*s[2]
	}
	return p
}

// Continuous is the continuous index of a position in mm and LPS, the inverse of World. The grid must be valid.
func (g Grid) Continuous(p [3]float64) [3]float64 {
	inverse, _ := invert(g.Direction)
	d := [3]float64{p[0] - g.Origin[0], p[1] - g.Origin[1], p[2] - g.Origin[2]}
	var index [3]float64
	for r := range 3 {
		index[r] = (inverse[3*r]*d[0] + inverse[3*r+1]*d[1] + inverse[3*r+2]*d[2]) / g.Spacing[r]
	}
	return index
}

// VoxelVolume is the volume of one voxel in mm³.
func (g Grid) VoxelVolume() float64 {
	return g.Spacing[0] * g.Spacing[1] * g.Spacing[2] * math.Abs(determinant(g.Direction))
}

// Extent is the distance in mm between the first and the last voxel centre of each index axis.
func (g Grid) Extent() [3]float64 {
	var e [3]float64
	for a := range 3 {
		e[a] = float64(g.Size[a]-1) * g.Spacing[a]
	}
	return e
}

// Crop is the grid of the voxels inside b. Its origin is the centre of voxel b.Min, so a voxel keeps its place in the patient.
// The box must lie within the grid.
func (g Grid) Crop(b Box) Grid {
	c := g
	c.Size = b.Size()
	c.Origin = g.World(float64(b.Min[0]), float64(b.Min[1]), float64(b.Min[2]))
	return c
}

// Validate says everything that is wrong with a grid: a size below 1 or too large in all, a spacing that is not a positive
// number, an origin that is not a number, index axes that are not unit vectors or lie in one plane.
func (g Grid) Validate() error {
	var all []error
	voxels := 1.0
	for a, name := range axes {
		if g.Size[a] < 1 {
			all = append(all, fmt.Errorf("size along %s is %d: want 1 or more", name, g.Size[a]))
		}
		voxels *= float64(g.Size[a])
		if !(g.Spacing[a] > 0) || math.IsInf(g.Spacing[a], 0) {
			all = append(all, fmt.Errorf("spacing along %s is %g: want a positive number of mm", name, g.Spacing[a]))
		}
		if math.IsNaN(g.Origin[a]) || math.IsInf(g.Origin[a], 0) {
			all = append(all, fmt.Errorf("origin %v is not a position", g.Origin))
		}
	}
	if voxels > MaxVoxels {
		all = append(all, fmt.Errorf("%d×%d×%d voxels: more than the limit of %d", g.Size[0], g.Size[1], g.Size[2], MaxVoxels))
	}
	for c, name := range axes {
		if n := norm(column(g.Direction, c)); !(math.Abs(n-1) < 1e-3) {
			all = append(all, fmt.Errorf("direction of axis %s has length %g: want a unit vector", name, n))
		}
	}
	if d := math.Abs(determinant(g.Direction)); !(d > 1e-3) {
		all = append(all, fmt.Errorf("index axes lie in one plane (determinant of the direction is %.2g)", d))
	}
	return errors.Join(all...)
}

// NewGrid is the grid of an affine map: columns are the steps in mm, LPS, from a voxel to its neighbour along each index axis.
// The steps' lengths become the spacing. The error is Validate's.
func NewGrid(size [3]int, steps [3][3]float64, origin [3]float64) (Grid, error) {
	g := Grid{Size: size, Origin: origin}
	for c, step := range steps {
		g.Spacing[c] = norm(step)
		for r := range 3 {
			if g.Spacing[c] > 0 {
				g.Direction[3*r+c] = step[r] / g.Spacing[c]
			}
		}
	}
	return g, g.Validate()
}

// Skew is the largest departure of two index axes from a right angle, in degrees: 0 for an orthogonal grid.
func (g Grid) Skew() float64 {
	worst := 0.0
	for a := range 3 {
		dot := math.Abs(dot(column(g.Direction, a), column(g.Direction, (a+1)%3)))
		worst = max(worst, math.Asin(min(dot, 1))*180/math.Pi)
	}
	return worst
}

var axes = [3]string{"i", "j", "k"}

func column(m [9]float64, c int) [3]float64 { return [3]float64{m[c], m[3+c], m[6+c]} }

func dot(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func norm(a [3]float64) float64 { return math.Sqrt(dot(a, a)) }

func determinant(m [9]float64) float64 {
	return m[0]*(m[4]*m[8]-m[5]*m[7]) - m[1]*(m[3]*m[8]-m[5]*m[6]) + m[2]*(m[3]*m[7]-m[4]*m[6])
}

// invert returns the inverse of a 3×3 matrix, and false when it has none.
func invert(m [9]float64) ([9]float64, bool) {
	d := determinant(m)
	if d == 0 || math.IsNaN(d) {
		return [9]float64{}, false
	}
	return [9]float64{
		(m[4]*m[8] - m[5]*m[7]) / d, (m[2]*m[7] - m[1]*m[8]) / d, (m[1]*m[5] - m[2]*m[4]) / d,
		(m[5]*m[6] - m[3]*m[8]) / d, (m[0]*m[8] - m[2]*m[6]) / d, (m[2]*m[3] - m[0]*m[5]) / d,
		(m[3]*m[7] - m[4]*m[6]) / d, (m[1]*m[6] - m[0]*m[7]) / d, (m[0]*m[4] - m[1]*m[3]) / d,
	}, true
}
