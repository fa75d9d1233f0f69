package image

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// GridTolerance is how far apart, in mm, two grids may put the same voxel and still count as one grid: far below any voxel,
// far above what the 32-bit headers of NIfTI round away.
const GridTolerance = 1e-2

// GridError says in what two grids differ. Its message gives the differences in mm and what to do.
type GridError struct {
	A, B      Grid
	Tolerance float64 // mm
	// Differs names what is not the same, of size, spacing, origin and direction in this order.
	Differs []string
	details []string
}

func (e *GridError) Error() string {
	return fmt.Sprintf("not on one grid: %s. %s", strings.Join(e.details, "; "), e.advice())
}

// SameGrid returns nil when no voxel of a lies further than tolerance (mm) from the same voxel of b because of spacing, origin or
// direction, and both have the same size. Otherwise the error is a *GridError.
func SameGrid(a, b Grid, tolerance float64) error {
	e := &GridError{A: a, B: b, Tolerance: tolerance}
	differs := func(what, format string, args ...any) {
		e.Differs = append(e.Differs, what)
		e.details = append(e.details, what+" "+fmt.Sprintf(format, args...))
	}
	if a.Size != b.Size {
		differs("size", "is %d×%d×%d and %d×%d×%d voxels (%s mm and %s mm)", a.Size[0], a.Size[1], a.Size[2], b.Size[0], b.Size[1], b.Size[2],
			triple(edges(a)), triple(edges(b)))
	}
	var step, far [3]float64
	for c := range 3 {
		n := float64(max(a.Size[c], b.Size[c]) - 1)
		step[c] = math.Abs(a.Spacing[c] - b.Spacing[c])
		far[c] = step[c] * max(n, 1)
	}
	if w := norm(far); !(w <= tolerance) {
		differs("spacing", "is %s and %s mm (%.3g mm a voxel, %.3g mm at the far corner)", triple(a.Spacing), triple(b.Spacing), norm(step), w)
	}
	shift := [3]float64{a.Origin[0] - b.Origin[0], a.Origin[1] - b.Origin[1], a.Origin[2] - b.Origin[2]}
	if w := norm(shift); !(w <= tolerance) {
		differs("origin", "is (%s) and (%s), %.3g mm apart", triple(a.Origin), triple(b.Origin), w)
	}
	angle, w := turn(a, b)
	if !(w <= tolerance) {
		differs("direction", "differs by up to %.3g° (%.3g mm at the far corner)", angle, w)
	}
	if e.Differs == nil {
		return nil
	}
	return e
}

// turn is the largest angle, in degrees, between the index axes of two grids, and how far, in mm, the differences between the axes
// alone move the last voxel.
func turn(a, b Grid) (angle, far float64) {
	var moved [3]float64
	for c := range 3 {
		u, v := column(a.Direction, c), column(b.Direction, c)
		chord := norm([3]float64{u[0] - v[0], u[1] - v[1], u[2] - v[2]})
		if math.IsNaN(chord) {
			return math.NaN(), math.NaN()
		}
		angle = max(angle, 2*math.Asin(min(chord/2, 1))*180/math.Pi)
		moved[c] = chord * max(a.Spacing[c]*float64(max(a.Size[c], b.Size[c])-1), a.Spacing[c])
	}
	return angle, norm(moved)
}

// advice says what most often made two grids differ in this way, and what to do about it.
func (e *GridError) advice() string {
	a, b := e.A, e.B
	flipped := a.Size == b.Size && math.Abs(a.Origin[0]+b.Origin[0])+math.Abs(a.Origin[1]+b.Origin[1]) <= e.Tolerance &&
		math.Abs(a.Origin[2]-b.Origin[2]) <= e.Tolerance && len(e.Differs) > 0 && e.Differs[0] != "spacing"
	if flipped {
		return "The signs of x and y are swapped: one of the files was written as RAS where LPS was meant, or the reverse. Export it again"
	}
	if reordered(a, b, e.Tolerance) {
		return "They are the same voxels counted in another order, as converters leave them: grid: mask_to_image (correctMask in a parameter file) puts the mask in the image's order, and loses nothing here"
	}
	if a.Size == b.Size && len(e.Differs) == 1 && e.Differs[0] == "origin" {
		return "The mask was moved against the image. Use the scan that it was drawn on, or export it again from there"
	}
	if a.Size == b.Size && len(e.Differs) == 1 && e.Differs[0] == "direction" {
		return "The axes were lost or turned when one of the files was converted. Convert both from the source with the same tool"
	}
	return "Use the scan that the mask was drawn on, or ask for resampling within one frame of reference (grid: mask_to_image or image_to_mask)"
}

// reordered says whether two grids have the same voxel centres, with axes swapped or counted from the other end.
func reordered(a, b Grid, tolerance float64) bool {
	if a.Voxels() != b.Voxels() || a.Validate() != nil || b.Validate() != nil {
		return false
	}
	corner := func(g Grid, i, j, k int) [3]float64 {
		return g.World(float64(i*(g.Size[0]-1)), float64(j*(g.Size[1]-1)), float64(k*(g.Size[2]-1)))
	}
	for i := range 8 {
		p := corner(a, i&1, i>>1&1, i>>2)
		found := false
		for j := range 8 {
			q := corner(b, j&1, j>>1&1, j>>2)
			found = found || norm([3]float64{p[0] - q[0], p[1] - q[1], p[2] - q[2]}) <= tolerance
		}
		if !found {
			return false
		}
	}
	for _, s := range a.Spacing { // the same corners may hold other numbers of voxels
		if !slices.ContainsFunc(b.Spacing[:], func(t float64) bool { return math.Abs(s-t) <= tolerance }) {
			return false
		}
	}
	return true
}

// edges are the lengths of a grid's edges in mm, voxels' borders included.
func edges(g Grid) [3]float64 {
	var e [3]float64
	for a := range 3 {
		e[a] = float64(g.Size[a]) * g.Spacing[a]
	}
	return e
}

func triple(v [3]float64) string { return fmt.Sprintf("%.6g, %.6g, %.6g", v[0], v[1], v[2]) }
