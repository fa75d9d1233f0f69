package filter

import (
	"math"
	"math/cmplx"
)

// Simoncelli is the band-pass part of Simoncelli's non-separable wavelet at a level from 1, in the Fourier domain of the block, in two
// dimensions (each slice across z) or three. It is periodic by construction: the transform repeats the block.
func Simoncelli(b Block, level, dimensions int) Block {
	return spectral(b, dimensions, func(nu [3]float64) complex128 { return complex(simoncelli(nu, level), 0) })
}

func simoncelli(nu [3]float64, level int) float64 {
	r := math.Sqrt(nu[0]*nu[0] + nu[1]*nu[1] + nu[2]*nu[2])
	top := math.Pow(2, float64(1-level))
	if r < top/4 || r > top {
		return 0
	}
	return math.Cos(math.Pi / 2 * math.Log2(2*r/top))
}

// riesz is the transfer function of the Riesz transform of orders l along x, y and z.
func riesz(nu [3]float64, l [3]int) complex128 {
	r := math.Sqrt(nu[0]*nu[0] + nu[1]*nu[1] + nu[2]*nu[2])
	if r == 0 {
		return 0
	}
	order := l[0] + l[1] + l[2]
	scale, value := factorial(order), 1.0
	for a := range 3 {
		scale /= factorial(l[a])
		value *= math.Pow(nu[a]/r, float64(l[a]))
	}
	return cmplx.Pow(complex(0, -1), complex(float64(order), 0)) * complex(math.Sqrt(scale)*value, 0)
}

func factorial(n int) float64 {
	f := 1.0
	for i := 2; i <= n; i++ {
		f *= float64(i)
	}
	return f
}

// spectral multiplies the Fourier transform of a block, or of each of its slices, by a transfer function of the frequency, which is 1
// at the edge of each axis, and takes the real part of the way back. The frequency of coefficient k of n is that of the standard's grid,
// (k − (n−1)/2)/((n−1)/2), before the spectrum is shifted.
func spectral(b Block, dimensions int, transfer func(nu [3]float64) complex128) Block {
	out := NewBlock(b.Size)
	size := b.Size
	if dimensions == 2 {
		size[2] = 1
	}
	var nu [3][]float64
	for a, n := range size {
		nu[a] = make([]float64, n)
		for k := range n {
			if a < dimensions && n > 1 {
				half := float64(n-1) / 2
				nu[a][k] = (float64((k+n/2)%n) - half) / half // ifftshift of the grid
			}
		}
	}
	v := make([]complex128, size[0]*size[1]*size[2])
	for from := 0; from < len(b.Values); from += len(v) {
		for i, x := range b.Values[from : from+len(v)] {
			v[i] = complex(x, 0)
		}
		transform3(v, size, true)
		o := 0
		for k := range size[2] {
			for j := range size[1] {
				for i := range size[0] {
					v[o] *= transfer([3]float64{nu[0][i], nu[1][j], nu[2][k]})
					o++
				}
			}
		}
		transform3(v, size, false)
		for i, c := range v {
			out.Values[from+i] = real(c) / float64(len(v))
		}
	}
	return out
}

// transform3 is the Fourier transform in place; backwards it is not divided.
func transform3(v []complex128, size [3]int, forward bool) {
	step := [3]int{1, size[0], size[0] * size[1]}
	for a, n := range size {
		if n == 1 {
			continue
		}
		f := newLineTransform(n)
		line := make([]complex128, n)
		b, c := others[a][0], others[a][1]
		for j := range size[c] {
			for i := range size[b] {
				at := i*step[b] + j*step[c]
				for k := range line {
					line[k] = v[at+k*step[a]]
				}
				f.apply(line, forward)
				for k, x := range line {
					v[at+k*step[a]] = x
				}
			}
		}
	}
}

// others are the two other axes of each, the one whose neighbours lie closer in memory first.
var others = [3][2]int{{1, 2}, {0, 2}, {0, 1}}
