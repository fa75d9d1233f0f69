package filter

import (
	"math"
	"math/cmplx"
)

// Base is the band-pass filter that a Riesz transform is of: a Laplacian of Gaussian, or Simoncelli's wavelet at a level where that is
// not 0. Lengths are voxels.
type Base struct {
	Sigma, CutOff float64
	Level         int
	Border        Border
}

// respond is the response that is transformed, and what its transform is multiplied by.
func (f Base) respond(b Block) (Block, func(nu [3]float64) complex128) {
	if f.Level > 0 {
		return b, func(nu [3]float64) complex128 { return complex(simoncelli(nu, f.Level), 0) }
	}
	return LaplacianKernel(b, f.Sigma, f.CutOff, 3, f.Border), func([3]float64) complex128 { return 1 }
}

// Riesz is the Riesz transform of a filter's response, of orders l along x, y and z.
func (f Base) Riesz(b Block, l [3]int) Block {
	g, transfer := f.respond(b)
	return spectral(g, 3, func(nu [3]float64) complex128 { return riesz(nu, l) * transfer(nu) })
}

// Steered is the Riesz transform of a filter's response along axes that follow the image [Depeursinge2018]: at every voxel the first axis
// is the direction in which the response changes most around it, the third that in which it changes least, by the eigenvectors of the
// structure tensor, which is the outer product of the first-order transforms under a Gaussian of width sigma in voxels. An axis and its
// opposite cannot be told apart: the one whose largest component is positive is taken, which matters to odd orders alone.
//
// [Depeursinge2018]: https://doi.org/10.1109/TIP.2014.2362055
func (f Base) Steered(b Block, l [3]int, sigma float64) Block {
	g, transfer := f.respond(b)
	var first [3]Block
	for a := range 3 {
		var along [3]int
		along[a] = 1
		first[a] = spectral(g, 3, func(nu [3]float64) complex128 { return riesz(nu, along) * transfer(nu) })
	}
	var tensor [6]Block // xx, yy, zz, xy, xz, yz
	for k, pair := range [6][2]int{{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}} {
		p := NewBlock(b.Size)
		for i := range p.Values {
			p.Values[i] = first[pair[0]].Values[i] * first[pair[1]].Values[i]
		}
		tensor[k] = smooth(p, sigma, f.Border)
	}
	order := l[0] + l[1] + l[2]
	powers := monomials(order)
	responses := make([]Block, len(powers))
	turn := cmplx.Pow(complex(0, -1), complex(float64(order), 0))
	for k, m := range powers {
		responses[k] = spectral(g, 3, func(nu [3]float64) complex128 {
			r := math.Sqrt(nu[0]*nu[0] + nu[1]*nu[1] + nu[2]*nu[2])
			if r == 0 {
				return 0
			}
			return turn * complex(power(nu[0]/r, m[0])*power(nu[1]/r, m[1])*power(nu[2]/r, m[2]), 0) * transfer(nu)
		})
	}
	scale := math.Sqrt(factorial(order) / (factorial(l[0]) * factorial(l[1]) * factorial(l[2])))
	out := NewBlock(b.Size)
	weights, next := make([]float64, len(powers)), make([]float64, len(powers))
	for i := range out.Values {
		axes := principal(tensor[0].Values[i], tensor[1].Values[i], tensor[2].Values[i], tensor[3].Values[i], tensor[4].Values[i], tensor[5].Values[i])
		expand(weights, next, axes, l)
		sum := 0.0
		for k, w := range weights {
			sum += w * responses[k].Values[i]
		}
		out.Values[i] = scale * sum
	}
	return out
}

// monomials are the exponents of x, y and z of a total order, x falling, then y.
func monomials(order int) [][3]int {
	var out [][3]int
	for a := order; a >= 0; a-- {
		for b := order - a; b >= 0; b-- {
			out = append(out, [3]int{a, b, order - a - b})
		}
	}
	return out
}

// place is where monomials lists exponents.
func place(m [3]int) int {
	rest := m[1] + m[2]
	return rest*(rest+1)/2 + m[2]
}

// expand writes the coefficients of Π (axis·ν)^l as a polynomial in ν to weights, in the order of monomials. next is room.
func expand(weights, next []float64, axes [3][3]float64, l [3]int) {
	clear(weights)
	weights[0] = 1 // of the monomial of order 0
	n := 0
	for k, times := range l {
		for range times {
			n++
			clear(next)
			for _, m := range exponents[n-1] {
				w := weights[place(m)]
				for a := range 3 {
					up := m
					up[a]++
					next[place(up)] += w * axes[k][a]
				}
			}
			copy(weights, next)
		}
	}
}

// MaxRieszOrder bounds the order of a steered transform.
const MaxRieszOrder = 6

// exponents are the monomials of each order.
var exponents = func() (all [MaxRieszOrder + 1][][3]int) {
	for n := range all {
		all[n] = monomials(n)
	}
	return all
}()

func power(x float64, n int) float64 {
	p := 1.0
	for range n {
		p *= x
	}
	return p
}

// smooth is a Gaussian of a width in voxels, cut at four widths and of sum 1.
func smooth(b Block, sigma float64, border Border) Block {
	if sigma == 0 {
		return b
	}
	reach := int(math.Floor(4*sigma + 0.5))
	kernel, sum := make([]float64, 2*reach+1), 0.0
	for i := range kernel {
		r := float64(i - reach)
		kernel[i] = math.Exp(-r * r / (2 * sigma * sigma))
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	return Separable{Kernels: [][]float64{kernel, kernel, kernel}, Level: 1, Border: border}.Apply(b)
}

// principal are the unit eigenvectors of a symmetric matrix, that of the largest eigenvalue first, by Jacobi's rotations.
func principal(xx, yy, zz, xy, xz, yz float64) [3][3]float64 {
	a := [3][3]float64{{xx, xy, xz}, {xy, yy, yz}, {xz, yz, zz}}
	v := [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}} // columns
	for range 30 {
		off := a[0][1]*a[0][1] + a[0][2]*a[0][2] + a[1][2]*a[1][2]
		if off <= 1e-30*(a[0][0]*a[0][0]+a[1][1]*a[1][1]+a[2][2]*a[2][2]) {
			break
		}
		for _, pq := range [3][2]int{{0, 1}, {0, 2}, {1, 2}} {
			p, q := pq[0], pq[1]
			if a[p][q] == 0 {
				continue
			}
			theta := (a[q][q] - a[p][p]) / (2 * a[p][q])
			t := math.Copysign(1, theta) / (math.Abs(theta) + math.Sqrt(theta*theta+1))
			c := 1 / math.Sqrt(t*t+1)
			s := t * c
			for k := range 3 {
				a[k][p], a[k][q] = c*a[k][p]-s*a[k][q], s*a[k][p]+c*a[k][q]
			}
			for k := range 3 {
				a[p][k], a[q][k] = c*a[p][k]-s*a[q][k], s*a[p][k]+c*a[q][k]
			}
			for k := range 3 {
				v[k][p], v[k][q] = c*v[k][p]-s*v[k][q], s*v[k][p]+c*v[k][q]
			}
		}
	}
	order := [3]int{0, 1, 2}
	for i := range 3 {
		for j := i + 1; j < 3; j++ {
			if a[order[j]][order[j]] > a[order[i]][order[i]] {
				order[i], order[j] = order[j], order[i]
			}
		}
	}
	var axes [3][3]float64
	for k, column := range order {
		largest := 0
		for r := range 3 {
			axes[k][r] = v[r][column]
			if math.Abs(v[r][column]) > math.Abs(v[largest][column])+1e-12 {
				largest = r
			}
		}
		if axes[k][largest] < 0 {
			for r := range 3 {
				axes[k][r] = -axes[k][r]
			}
		}
	}
	return axes
}
