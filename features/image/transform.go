package image

import "fmt"

// Transform is the grid moved by an affine map of the patient's space, given as the first three rows of its matrix, row by row, in mm and LPS.
// The voxels stay what they are; the map says where they lie now. One that is singular is an error.
func (g Grid) Transform(a [12]float64) (Grid, error) {
	at := func(p [3]float64, move float64) (q [3]float64) {
		for r := range 3 {
			q[r] = a[4*r]*p[0] + a[4*r+1]*p[1] + a[4*r+2]*p[2] + move*a[4*r+3]
		}
		return q
	}
	var steps [3][3]float64
	for c := range 3 {
		d := column(g.Direction, c)
		steps[c] = at([3]float64{d[0] * g.Spacing[c], d[1] * g.Spacing[c], d[2] * g.Spacing[c]}, 0)
	}
	out, err := NewGrid(g.Size, steps, at(g.Origin, 1))
	if err != nil {
		return out, fmt.Errorf("after the transform: %w", err)
	}
	return out, nil
}
