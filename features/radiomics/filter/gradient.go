package filter

import "math"

// Gradient is ITK's GradientMagnitudeImageFilter: central differences, the border voxel repeated, in single precision. Spacing (mm) is
// divided by where it is not zero. It returns the part of the block that starts at min; the block holds one voxel more around it, but
// where the image ends.
func Gradient(b Block, spacing [3]float64, min, size [3]int) Block {
	out := NewBlock(size)
	step := [3]int{1, b.Size[0], b.Size[0] * b.Size[1]}
	o := 0
	for k := min[2]; k < min[2]+size[2]; k++ {
		for j := min[1]; j < min[1]+size[1]; j++ {
			for i := min[0]; i < min[0]+size[0]; i++ {
				at := [3]int{i, j, k}
				here := k*step[2] + j*step[1] + i
				sum := 0.0
				for a := range 3 {
					before, after := here, here
					if at[a] > 0 {
						before -= step[a]
					}
					if at[a] < b.Size[a]-1 {
						after += step[a]
					}
					g := 0.5*b.Values[after] - 0.5*b.Values[before]
					if spacing[a] != 0 {
						g /= spacing[a]
					}
					sum += g * g
				}
				out.Values[o] = float64(float32(math.Sqrt(sum)))
				o++
			}
		}
	}
	return out
}
