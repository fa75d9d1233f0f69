package nifti

import (
	"errors"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// size is the number of voxels along the axes of space. Further axes must have one element.
func (h *header) size() ([3]int, error) {
	size := [3]int{1, 1, 1}
	n := h.dim[0]
	if n < 1 || n > 7 {
		return size, fmt.Errorf("dim[0] is %d: want 1 to 7 dimensions", n)
	}
	for i := int64(1); i <= n; i++ {
		d := h.dim[i]
		switch {
		case d < 1 || d > image.MaxVoxels:
			return size, fmt.Errorf("dim[%d] is %d: want 1 or more", i, d)
		case i <= 3:
			size[i-1] = int(d)
		case d > 1 && i == 5:
			return size, fmt.Errorf("%d values a voxel (dim[5]): images of one value a voxel are read", d)
		case d > 1:
			return size, fmt.Errorf("%d volumes in the file (dim[%d]): want one; write the volume that is meant to a file of its own", d, i)
		}
	}
	return size, nil
}

// millimetres are the lengths of a unit of space by the three low bits of xyzt_units. Files that name no unit are in mm.
var millimetres = map[int]float64{0: 1, 1: 1000, 2: 1, 3: 1e-3}

// maxSkew is how far from a right angle, in degrees, two axes may be: more than rounding and less than a shear.
const maxSkew = 0.1

// grid places the voxels by the rules of the standard: method 3 (sform) where sform_code is above 0, else method 2 (qform) where
// qform_code is, else method 1 (pixdim alone).
func (h *header) grid() (image.Grid, error) {
	size, err := h.size()
	if err != nil {
		return image.Grid{}, err
	}
	unit, ok := millimetres[h.units&7]
	if !ok {
		return image.Grid{}, fmt.Errorf("xyzt_units is %d: want m, mm or µm", h.units)
	}
	affine, method := h.affine()
	var steps [3][3]float64
	var origin [3]float64
	for r, sign := range [3]float64{-1, -1, 1} { // RAS to LPS
		for c := range 3 {
			steps[c][r] = sign * affine[r][c] * unit
		}
		origin[r] = sign * affine[r][3] * unit
		if affine[r][3] == 0 {
			origin[r] = 0 // and not −0
		}
	}
	g, err := image.NewGrid(size, steps, origin)
	if err != nil {
		return g, fmt.Errorf("by %s: %w", method, err)
	}
	if skew := g.Skew(); skew > maxSkew {
		return g, fmt.Errorf("by %s the axes are %.2g° from a right angle: resample the image onto a grid without shear first", method, skew)
	}
	return g, nil
}

// affine is the map from index to RAS in the header's unit, and the name of the method.
func (h *header) affine() ([3][4]float64, string) {
	switch {
	case h.sform > 0:
		return h.srow, "sform"
	case h.qform > 0:
		return h.rotation(), "qform"
	}
	var a [3][4]float64
	for i := range 3 {
		a[i][i] = math.Abs(h.step(i))
	}
	return a, "pixdim"
}

// step is pixdim along a spatial axis; an axis that the file does not have is one voxel thick.
func (h *header) step(axis int) float64 {
	if int64(axis) >= h.dim[0] && h.pixdim[axis+1] == 0 {
		return 1
	}
	return h.pixdim[axis+1]
}

// rotation is method 2: a quaternion (a, b, c, d) of length 1, steps of pixdim, the third axis mirrored where pixdim[0] is negative.
func (h *header) rotation() [3][4]float64 {
	b, c, d := h.quatern[0], h.quatern[1], h.quatern[2]
	a := 1 - (b*b + c*c + d*d)
	if a < 1e-7 { // as the standard's code has it: a turn by 180°
		n := 1 / math.Sqrt(b*b+c*c+d*d)
		a, b, c, d = 0, b*n, c*n, d*n
	} else {
		a = math.Sqrt(a)
	}
	qfac := 1.0
	if h.pixdim[0] < 0 {
		qfac = -1
	}
	r := [3][3]float64{
		{a*a + b*b - c*c - d*d, 2 * (b*c - a*d), 2 * (b*d + a*c)},
		{2 * (b*c + a*d), a*a + c*c - b*b - d*d, 2 * (c*d - a*b)},
		{2 * (b*d - a*c), 2 * (c*d + a*b), a*a + d*d - b*b - c*c},
	}
	var m [3][4]float64
	for i := range 3 {
		for j := range 3 {
			m[i][j] = r[i][j] * math.Abs(h.step(j))
		}
		m[i][2] *= qfac
		m[i][3] = h.qoffset[i]
	}
	return m
}

// quaternion is the inverse of rotation: b, c, d and qfac of a rotation in RAS. It fails where the axes are not at right angles.
func quaternion(r [3][3]float64) (bcd [3]float64, qfac float64, err error) {
	det := r[0][0]*(r[1][1]*r[2][2]-r[1][2]*r[2][1]) - r[0][1]*(r[1][0]*r[2][2]-r[1][2]*r[2][0]) + r[0][2]*(r[1][0]*r[2][1]-r[1][1]*r[2][0])
	qfac = 1
	if det < 0 {
		qfac = -1
		for i := range 3 {
			r[i][2] = -r[i][2]
		}
	}
	if math.Abs(math.Abs(det)-1) > 1e-4 {
		return bcd, qfac, errors.New("axes are not at right angles")
	}
	// The largest of the four is found first, so that nothing is divided by a number near 0 (Shepperd 1978).
	a := [4]float64{
		1 + r[0][0] + r[1][1] + r[2][2], 1 + r[0][0] - r[1][1] - r[2][2], 1 - r[0][0] + r[1][1] - r[2][2], 1 - r[0][0] - r[1][1] + r[2][2],
	}
	largest := 0
	for i := range a {
		if a[i] > a[largest] {
			largest = i
		}
	}
	s := 2 * math.Sqrt(a[largest])
	var q [4]float64
	switch largest {
	case 0:
		q = [4]float64{s / 4, (r[2][1] - r[1][2]) / s, (r[0][2] - r[2][0]) / s, (r[1][0] - r[0][1]) / s}
	case 1:
		q = [4]float64{(r[2][1] - r[1][2]) / s, s / 4, (r[0][1] + r[1][0]) / s, (r[0][2] + r[2][0]) / s}
	case 2:
		q = [4]float64{(r[0][2] - r[2][0]) / s, (r[0][1] + r[1][0]) / s, s / 4, (r[1][2] + r[2][1]) / s}
	case 3:
		q = [4]float64{(r[1][0] - r[0][1]) / s, (r[0][2] + r[2][0]) / s, (r[1][2] + r[2][1]) / s, s / 4}
	}
	if q[0] < 0 {
		q = [4]float64{-q[0], -q[1], -q[2], -q[3]}
	}
	return [3]float64{q[1], q[2], q[3]}, qfac, nil
}
