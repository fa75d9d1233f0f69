package perturb

import (
	"math"
	"math/rand/v2"
)

// field is a random field of mean 0 and SD 1: normal numbers at the corners of cells, interpolated between them.
type field struct {
	cells  [3]int
	step   [3]float64 // cells a voxel
	values []float64
}

func newField(r *rand.Rand, size [3]int, spacing [3]float64, smooth float64) field {
	var f field
	for a := range 3 {
		f.step[a] = spacing[a] / math.Max(smooth, spacing[a])
		f.cells[a] = int(float64(size[a])*f.step[a]) + 2
	}
	f.values = make([]float64, f.cells[0]*f.cells[1]*f.cells[2])
	for i := range f.values {
		f.values[i] = r.NormFloat64()
	}
	return f
}

// at is the field at a voxel. Weights are scaled so that the SD is 1 everywhere.
func (f field) at(i, j, k int) float64 {
	index := [3]int{i, j, k}
	var low [3]int
	var t [3]float64
	for a := range 3 {
		x := float64(index[a]) * f.step[a]
		low[a] = int(x)
		t[a] = x - float64(low[a])
	}
	sum, square := 0.0, 0.0
	for corner := range 8 {
		w, o := 1.0, 0
		for a := 2; a >= 0; a-- {
			bit := corner >> a & 1
			if bit == 1 {
				w *= t[a]
			} else {
				w *= 1 - t[a]
			}
			o = o*f.cells[a] + min(low[a]+bit, f.cells[a]-1)
		}
		sum += w * f.values[o]
		square += w * w
	}
	return sum / math.Sqrt(square)
}

// signedDistance is the distance in mm of every voxel to the border of a region, negative inside: from voxel centres, less half the way
// to the next.
func signedDistance(inside []bool, size [3]int, spacing [3]float64) []float64 {
	outer, inner := squaredDistance(inside, size, spacing, true), squaredDistance(inside, size, spacing, false)
	for i, in := range inside {
		if in {
			outer[i] = -math.Sqrt(inner[i])
		} else {
			outer[i] = math.Sqrt(outer[i])
		}
	}
	return outer
}

// squaredDistance is the square of the distance of every voxel to the nearest one that is inside, or outside: exact, by the lower
// envelope of parabolas along each axis [Felzenszwalb2012].
//
// [Felzenszwalb2012]: https://doi.org/10.4086/toc.2012.v008a019
func squaredDistance(inside []bool, size [3]int, spacing [3]float64, to bool) []float64 {
	const far = 1e20
	d := make([]float64, len(inside))
	for i, in := range inside {
		if in != to {
			d[i] = far
		}
	}
	longest := max(size[0], size[1], size[2])
	f, z, v := make([]float64, longest), make([]float64, longest+1), make([]int, longest)
	step := [3]int{1, size[0], size[0] * size[1]}
	for a := range 3 {
		b, c := (a+1)%3, (a+2)%3
		n, s := size[a], spacing[a]
		for j := range size[c] {
			for i := range size[b] {
				at := i*step[b] + j*step[c]
				for q := range n {
					f[q] = d[at+q*step[a]]
				}
				k := 0
				v[0], z[0], z[1] = 0, math.Inf(-1), math.Inf(1)
				for q := 1; q < n; q++ {
					x := 0.0
					for {
						p := v[k]
						x = ((f[q] + sq(float64(q)*s)) - (f[p] + sq(float64(p)*s))) / (2 * s * float64(q-p))
						if x > z[k] {
							break
						}
						k--
					}
					k++
					v[k], z[k], z[k+1] = q, x, math.Inf(1)
				}
				k = 0
				for q := range n {
					for z[k+1] < float64(q)*s {
						k++
					}
					d[at+q*step[a]] = math.Min(sq(float64(q-v[k])*s)+f[v[k]], far)
				}
			}
		}
	}
	return d
}

func sq(x float64) float64 { return x * x }
