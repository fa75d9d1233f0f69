package filter

import "math"

// recursive is a Gaussian, or its second derivative, as a recursive filter of order four [Deriche1993, Farnebäck2006], with ITK's
// coefficients and borders.
type recursive struct {
	n, m, d, bn, bm [4]float64
}

// The parameters of the approximation of the Gaussian and of its second derivative, RecursiveGaussianImageFilter of ITK.
var (
	gaussA1, gaussB1 = [3]float64{1.3530, -0.6724, -1.3563}, [3]float64{1.8151, -3.4327, 5.2318}
	gaussA2, gaussB2 = [3]float64{-0.3531, 0.6724, 0.3446}, [3]float64{0.0902, 0.6100, -2.2355}
)

const gaussW1, gaussL1, gaussW2, gaussL2 = 0.6681, -1.3932, 2.0787, -1.3732

// numerator returns the causal coefficients for one of the orders, and their sums weighted by 1, k and k².
func numerator(sigma float64, order int) (n [4]float64, s, d, e float64) {
	a1, b1, a2, b2 := gaussA1[order], gaussB1[order], gaussA2[order], gaussB2[order]
	sin1, sin2 := math.Sin(gaussW1/sigma), math.Sin(gaussW2/sigma)
	cos1, cos2 := math.Cos(gaussW1/sigma), math.Cos(gaussW2/sigma)
	exp1, exp2 := math.Exp(gaussL1/sigma), math.Exp(gaussL2/sigma)
	n[0] = a1 + a2
	n[1] = exp2*(b2*sin2-(a2+2*a1)*cos2) + exp1*(b1*sin1-(a1+2*a2)*cos1)
	n[2] = ((a1+a2)*cos2*cos1-(b1*cos2*sin1+b2*cos1*sin2))*2*exp1*exp2 + a2*exp1*exp1 + a1*exp2*exp2
	n[3] = exp2*exp1*exp1*(b2*sin2-a2*cos2) + exp1*exp2*exp2*(b1*sin1-a1*cos1)
	return n, n[0] + n[1] + n[2] + n[3], n[1] + 2*n[2] + 3*n[3], n[1] + 4*n[2] + 9*n[3]
}

// denominator returns the recursive coefficients and the same sums, each with 1 for the undelayed term.
func denominator(sigma float64) (c [4]float64, s, d, e float64) {
	cos1, cos2 := math.Cos(gaussW1/sigma), math.Cos(gaussW2/sigma)
	exp1, exp2 := math.Exp(gaussL1/sigma), math.Exp(gaussL2/sigma)
	c[3] = exp1 * exp1 * exp2 * exp2
	c[2] = -2*cos1*exp1*exp2*exp2 - 2*cos2*exp2*exp1*exp1
	c[1] = 4*cos2*cos1*exp1*exp2 + exp1*exp1 + exp2*exp2
	c[0] = -2 * (exp2*cos2 + exp1*cos1)
	return c, 1 + c[0] + c[1] + c[2] + c[3], c[0] + 2*c[1] + 3*c[2] + 4*c[3], c[0] + 4*c[1] + 9*c[2] + 16*c[3]
}

// smoothing is the Gaussian of a width in voxels.
func smoothing(sigma float64) recursive {
	d, sd, _, _ := denominator(sigma)
	n, sn, _, _ := numerator(sigma, 0)
	alpha := 2*sn/sd - n[0]
	for i := range n {
		n[i] *= 1 / alpha
	}
	return finish(n, d)
}

// secondDerivative is that of a Gaussian of a width in voxels, times scale.
func secondDerivative(sigma, scale float64) recursive {
	d, sd, dd, ed := denominator(sigma)
	n0, sn0, dn0, en0 := numerator(sigma, 0)
	n2, sn2, dn2, en2 := numerator(sigma, 2)
	beta := -(2*sn2 - sd*n2[0]) / (2*sn0 - sd*n0[0])
	var n [4]float64
	for i := range n {
		n[i] = n2[i] + beta*n0[i]
	}
	sn, dn, en := sn2+beta*sn0, dn2+beta*dn0, en2+beta*en0
	alpha := (en*sd*sd - ed*sn*sd - 2*dn*dd*sd + 2*dd*dd*sn) / (sd * sd * sd)
	for i := range n {
		n[i] *= scale / alpha
	}
	return finish(n, d)
}

// finish adds the anticausal coefficients of a symmetric filter, and those that stand for a border value repeated for ever.
func finish(n, d [4]float64) recursive {
	r := recursive{n: n, d: d}
	r.m = [4]float64{n[1] - d[0]*n[0], n[2] - d[1]*n[0], n[3] - d[2]*n[0], -d[3] * n[0]}
	sn, sm := n[0]+n[1]+n[2]+n[3], r.m[0]+r.m[1]+r.m[2]+r.m[3]
	sd := 1 + d[0] + d[1] + d[2] + d[3]
	for i := range 4 {
		r.bn[i], r.bm[i] = d[i]*sn/sd, d[i]*sm/sd
	}
	return r
}

// rows filters n rows of data that lie side by side: element i of row r is at data[i*n+r]. There are at least four elements. The causal
// and anticausal parts are summed into out; scratch has room for as many values as data.
func (f recursive) rows(data, out, scratch []float64, n int) {
	length := len(data) / n
	at := func(s []float64, i int) []float64 { return s[i*n:][:n] }
	first, last := at(data, 0), at(data, length-1)
	for i := range min(4, length) {
		o := at(out, i)
		for r := range o {
			v := data[i*n+r] * f.n[0]
			for k := 1; k < 4; k++ {
				v += data[max(i-k, 0)*n+r] * f.n[k]
			}
			for k := 1; k <= 4; k++ {
				if i-k >= 0 {
					v -= out[(i-k)*n+r] * f.d[k-1]
				} else {
					v -= first[r] * f.bn[k-1]
				}
			}
			o[r] = v
		}
	}
	causal := [8]float64{f.n[0], f.n[1], f.n[2], f.n[3], f.d[0], f.d[1], f.d[2], f.d[3]}
	recurse(out, data, 4*n, 4*n, -n, n, length-4, &causal)
	for i := length - 1; i >= max(length-4, 0); i-- {
		s := at(scratch, i)
		for r := range s {
			v := 0.0
			for k := 1; k <= 4; k++ {
				v += data[min(i+k, length-1)*n+r] * f.m[k-1]
			}
			for k := 1; k <= 4; k++ {
				if i+k < length {
					v -= scratch[(i+k)*n+r] * f.d[k-1]
				} else {
					v -= last[r] * f.bm[k-1]
				}
			}
			s[r] = v
		}
	}
	anticausal := [8]float64{f.m[0], f.m[1], f.m[2], f.m[3], f.d[0], f.d[1], f.d[2], f.d[3]}
	recurse(scratch, data, (length-5)*n, (length-4)*n, n, n, length-4, &anticausal)
	addSingle(out[:len(data)], scratch[:len(data)])
}

// recurseGo computes some rows of n values of y, each from four of x and the four before it in y: those that are step, 2·step and so on away.
// The first begins at y[at] and x[from], and each next one lies step to the other side.
func recurseGo(y, x []float64, at, from, step, n, rows int, c *[8]float64) {
	for range rows {
		for r := range n {
			i, o := from+r, at+r
			y[o] = x[i]*c[0] + x[i+step]*c[1] + x[i+2*step]*c[2] + x[i+3*step]*c[3] -
				(y[o+step]*c[4] + y[o+2*step]*c[5] + y[o+3*step]*c[6] + y[o+4*step]*c[7])
		}
		at, from = at-step, from-step
	}
}

// addSingleGo adds s to out in single precision.
func addSingleGo(out, s []float64) {
	for i, v := range s {
		out[i] = float64(float32(out[i] + v))
	}
}

// along filters a block along an axis and keeps from … from+count of that axis. Values pass to the next filter in single precision.
func (f recursive) along(b Block, axis, from, count int) Block {
	size := b.Size
	size[axis] = count
	out := NewBlock(size)
	nx, ny, nz := b.Size[0], b.Size[1], b.Size[2]
	switch axis {
	case 2: // all rows of the volume side by side
		n := nx
		data, y, scratch := make([]float64, n*nz), make([]float64, n*nz), make([]float64, n*nz)
		for j := range ny {
			for k := range nz {
				copy(data[k*n:], b.Values[(k*ny+j)*nx:][:nx])
			}
			f.rows(data, y, scratch, n)
			for k := range count {
				copy(out.Values[(k*ny+j)*nx:][:nx], y[(k+from)*n:])
			}
		}
	case 1:
		y, scratch := make([]float64, nx*ny), make([]float64, nx*ny)
		for k := range nz {
			f.rows(b.Values[k*nx*ny:][:nx*ny], y, scratch, nx)
			copy(out.Values[k*nx*count:][:nx*count], y[from*nx:])
		}
	default:
		const n = 16
		data, y, scratch := make([]float64, n*nx), make([]float64, n*nx), make([]float64, n*nx)
		lines := ny * nz
		for l := 0; l < lines; l += n {
			w := min(n, lines-l)
			for r := range w {
				for i, x := range b.Values[(l+r)*nx:][:nx] {
					data[i*w+r] = x
				}
			}
			f.rows(data[:w*nx], y[:w*nx], scratch, w)
			for r := range w {
				o := out.Values[(l+r)*count:][:count]
				for i := range o {
					o[i] = y[(i+from)*w+r]
				}
			}
		}
	}
	return out
}

// GaussianReach is how many voxels away an input still changes a recursive Gaussian of that width in voxels by more than 10⁻⁸ of
// itself: the slowest pole is exp(−1.3732/σ).
func GaussianReach(sigma float64) int { return int(math.Ceil(14*sigma)) + 4 }

// LaplacianOfGaussian is ITK's LaplacianRecursiveGaussianImageFilter, normalised across scale: σ² times the Laplacian of the smoothed
// image, σ in mm. It returns the part of the block that starts at min and has the given size; where the block ends short of the image
// it must go on for GaussianReach beyond that part. Each side of the block has at least four voxels.
func LaplacianOfGaussian(b Block, spacing [3]float64, sigma float64, min, size [3]int) Block {
	sum := NewBlock(size)
	for d := range 3 {
		x := secondDerivative(sigma/spacing[d], sigma*sigma).along(b, d, min[d], size[d])
		for a := range 3 {
			if a != d {
				x = smoothing(sigma/spacing[a]).along(x, a, min[a], size[a])
			}
		}
		square := spacing[d] * spacing[d]
		for i, v := range x.Values {
			sum.Values[i] = float64(float32(sum.Values[i] + v/square))
		}
	}
	return sum
}
