package filter

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Gabor is the standard's Gabor filter in slices: a wave under a Gaussian, of which the modulus of the response is taken. Widths are in
// voxels. Its angle turns from the first axis of a plane to the second.
type Gabor struct {
	Sigma, Wavelength, Gamma float64
	Theta                    []float64 // radians; responses are averaged
	Planes                   []int     // axes across which slices lie: 2 axial, 1 coronal, 0 sagittal; responses are averaged
	Border                   Border
}

// Reach is how far the filter looks: to where the Gaussian has fallen below 10⁻⁸.
func (g Gabor) Reach() int { return int(math.Ceil(6.1 * max(g.Sigma, g.Sigma/g.Gamma))) }

// Apply returns the responses in the part of the block that starts at min. The block goes on for Reach around it, or ends where the
// image does.
func (g Gabor) Apply(b Block, min, size [3]int) Block {
	out := NewBlock(size)
	for _, across := range g.Planes {
		g.plane(b, min, size, across, out)
	}
	scale := 1 / float64(len(g.Planes)*len(g.Theta))
	for i := range out.Values {
		out.Values[i] *= scale
	}
	return out
}

// plane adds the moduli of all angles in the slices across an axis.
func (g Gabor) plane(b Block, min, size [3]int, across int, out Block) {
	u, v := 0, 1
	switch across {
	case 0:
		u, v = 1, 2
	case 1:
		u, v = 0, 2
	}
	reach := g.Reach()
	w, h := fast(size[u]+2*reach), fast(size[v]+2*reach)
	step := [3]int{1, b.Size[0], b.Size[0] * b.Size[1]}
	place := [3]int{1, size[0], size[0] * size[1]}
	kernels := make([][]complex128, len(g.Theta))
	fx, fy := fourier.NewCmplxFFT(w), fourier.NewCmplxFFT(h)
	for t, theta := range g.Theta {
		k := make([]complex128, w*h)
		sin, cos := math.Sincos(theta)
		for y := -reach; y <= reach; y++ {
			for x := -reach; x <= reach; x++ {
				a := float64(x)*cos + float64(y)*sin
				c := -float64(x)*sin + float64(y)*cos
				e := math.Exp(-(a*a + g.Gamma*g.Gamma*c*c) / (2 * g.Sigma * g.Sigma))
				s, co := math.Sincos(2 * math.Pi * a / g.Wavelength)
				k[((y+h)%h)*w+(x+w)%w] = complex(e*co, e*s)
			}
		}
		transform2(k, w, h, fx, fy, true)
		kernels[t] = k
	}
	signal, work := make([]complex128, w*h), make([]complex128, w*h)
	cols, rows := make([]int, size[u]+2*reach), make([]int, size[v]+2*reach)
	for i := range cols {
		cols[i] = g.Border.index(min[u]+i-reach, b.Size[u])
	}
	for i := range rows {
		rows[i] = g.Border.index(min[v]+i-reach, b.Size[v])
	}
	for s := range size[across] {
		clear(signal)
		base := (min[across] + s) * step[across]
		for y, r := range rows {
			for x, c := range cols {
				if r >= 0 && c >= 0 {
					signal[y*w+x] = complex(b.Values[base+r*step[v]+c*step[u]], 0)
				}
			}
		}
		transform2(signal, w, h, fx, fy, true)
		for _, k := range kernels {
			for i := range work {
				work[i] = signal[i] * k[i]
			}
			transform2(work, w, h, fx, fy, false)
			for y := range size[v] {
				for x := range size[u] {
					c := work[(y+reach)*w+x+reach]
					out.Values[s*place[across]+y*place[v]+x*place[u]] += math.Hypot(real(c), imag(c)) / float64(w*h)
				}
			}
		}
	}
}

// transform2 is the Fourier transform of rows of w in h lines, in place; backwards it is not divided.
func transform2(v []complex128, w, h int, fx, fy *fourier.CmplxFFT, forward bool) {
	turn := func(f *fourier.CmplxFFT, x []complex128) {
		if forward {
			f.Coefficients(x, x)
		} else {
			f.Sequence(x, x)
		}
	}
	for y := range h {
		turn(fx, v[y*w:][:w])
	}
	line := make([]complex128, h)
	for x := range w {
		for y := range line {
			line[y] = v[y*w+x]
		}
		turn(fy, line)
		for y, c := range line {
			v[y*w+x] = c
		}
	}
}

// fast is the least number of at least n with no prime factor above 5.
func fast(n int) int {
	for ; ; n++ {
		m := n
		for _, f := range []int{2, 3, 5} {
			for m%f == 0 {
				m /= f
			}
		}
		if m == 1 {
			return n
		}
	}
}
