package filter

import (
	"fmt"
	"math"
	"math/cmplx"
)

// LBP3D is the rotation-invariant local binary pattern on a sphere [Banerjee2013] as PyRadiomics computes it: neighbours at the corners
// of a subdivided icosahedron are compared with the centre, and the pattern is described by the energy of its spherical harmonics of
// each level.
//
// [Banerjee2013]: https://doi.org/10.1007/978-3-642-37410-4_3
type LBP3D struct {
	Radius      float64 // voxels
	Levels      int
	Subdivision int
}

// Reach is how many voxels around a voxel a pattern looks at.
func (l LBP3D) Reach() int { return int(math.Ceil(l.Radius)) + 2 }

// icosphere returns the corners of an icosahedron whose faces were cut in four as often as subdivision says, on a sphere.
func icosphere(subdivision int, radius float64) [][3]float64 {
	t := (1 + math.Sqrt(5)) / 2
	v := [][3]float64{
		{-1, t, 0}, {1, t, 0}, {-1, -t, 0}, {1, -t, 0}, {0, -1, t}, {0, 1, t}, {0, -1, -t}, {0, 1, -t}, {t, 0, -1}, {t, 0, 1}, {-t, 0, -1}, {-t, 0, 1},
	}
	faces := [][3]int{
		{0, 11, 5}, {0, 5, 1}, {0, 1, 7}, {0, 7, 10}, {0, 10, 11}, {1, 5, 9}, {5, 11, 4}, {11, 10, 2}, {10, 7, 6}, {7, 1, 8},
		{3, 9, 4}, {3, 4, 2}, {3, 2, 6}, {3, 6, 8}, {3, 8, 9}, {4, 9, 5}, {2, 4, 11}, {6, 2, 10}, {8, 6, 7}, {9, 8, 1},
	}
	onSphere := func(p [3]float64) [3]float64 {
		n := math.Sqrt(p[0]*p[0] + p[1]*p[1] + p[2]*p[2])
		return [3]float64{p[0] / n * radius, p[1] / n * radius, p[2] / n * radius}
	}
	for i := range v {
		v[i] = onSphere(v[i])
	}
	for range subdivision {
		middles := map[[2]int]int{}
		middle := func(a, b int) int {
			key := [2]int{min(a, b), max(a, b)}
			if m, ok := middles[key]; ok {
				return m
			}
			p, q := v[a], v[b]
			v = append(v, onSphere([3]float64{(p[0] + q[0]) / 2, (p[1] + q[1]) / 2, (p[2] + q[2]) / 2}))
			middles[key] = len(v) - 1
			return len(v) - 1
		}
		var next [][3]int
		for _, f := range faces {
			a, b, c := middle(f[0], f[1]), middle(f[1], f[2]), middle(f[2], f[0])
			next = append(next, [3]int{f[0], a, c}, [3]int{a, f[1], b}, [3]int{c, b, f[2]}, [3]int{a, b, c})
		}
		faces = next
	}
	return v
}

// harmonic is the orthonormal spherical harmonic of degree n and order m at azimuth θ and polar angle φ, with the phase (−1)^m.
func harmonic(m, n int, azimuth, polar float64) complex128 {
	k := m
	if k < 0 {
		k = -k
	}
	x := math.Cos(polar)
	// Associated Legendre function P(n, k) by recurrence from P(k, k).
	p := 1.0
	s := math.Sqrt(math.Max(1-x*x, 0))
	for i := 1; i <= k; i++ {
		p *= -float64(2*i-1) * s
	}
	before := 0.0
	for i := k + 1; i <= n; i++ {
		p, before = (float64(2*i-1)*x*p-float64(i+k-1)*before)/float64(i-k), p
	}
	norm := float64(2*n+1) / (4 * math.Pi)
	for i := n - k + 1; i <= n+k; i++ {
		norm /= float64(i)
	}
	y := complex(math.Sqrt(norm)*p, 0) * cmplx.Rect(1, float64(k)*azimuth)
	if m < 0 {
		y = cmplx.Conj(y)
		if k%2 == 1 {
			y = -y
		}
	}
	return y
}

// Apply computes the images of the region's voxels, 0 elsewhere, and calls do with each: lbp-3D-m1, …, and the kurtosis of the samples,
// lbp-3D-k. The block holds the coefficients of the cubic spline through the image around the region, which starts at min; beyond the
// block the image has ended, and samples there are 0. Where the image has whole numbers, samples are rounded to them.
func (l LBP3D) Apply(b Block, min, size [3]int, inside []bool, values []float64, integer bool, do func(name string, box []float64) error) error {
	corners := icosphere(l.Subdivision, l.Radius)
	n := len(corners)
	var y [][]complex128 // of each level: order × corner
	for level := range l.Levels {
		var rows []complex128
		for m := -level; m <= level; m++ {
			for _, c := range corners {
				// PyRadiomics passes the polar angle where SciPy wants the azimuth, and the reverse.
				rows = append(rows, harmonic(m, level, math.Acos(c[2]/l.Radius), math.Atan2(c[1], c[0])))
			}
		}
		y = append(y, rows)
	}
	images := make([][]float64, l.Levels+1)
	for i := range images {
		images[i] = make([]float64, len(inside))
	}
	samples := make([]float64, n)
	signs := make([]bool, n)
	for o, in := range inside {
		if !in {
			continue
		}
		at := [3]int{min[0] + o%size[0], min[1] + o/size[0]%size[1], min[2] + o/size[0]/size[1]}
		for i, c := range corners {
			// The first coordinate of a corner goes with the slowest axis.
			x := b.spline(float64(at[0])+c[2], float64(at[1])+c[1], float64(at[2])+c[0])
			if integer {
				x = math.Copysign(math.Floor(math.Abs(x)+0.5), x)
			}
			samples[i] = x
			signs[i] = x >= values[o]
		}
		for level, rows := range y {
			images[level][o] = energy(rows, signs)
		}
		images[l.Levels][o] = excessKurtosis(samples)
	}
	for i, box := range images {
		name := fmt.Sprintf("lbp-3D-m%d", i+1)
		if i == l.Levels {
			name = "lbp-3D-k"
		}
		if err := do(name, box); err != nil {
			return err
		}
	}
	return nil
}

// energy is the real part of the root of Σ f², where f are the values at the corners of the part of a pattern in one level.
func energy(rows []complex128, signs []bool) float64 {
	n := len(signs)
	f := make([]complex128, n)
	for m := 0; m < len(rows); m += n {
		var c complex128
		for i, on := range signs {
			if on {
				c += rows[m+i]
			}
		}
		for i := range f {
			f[i] += c * rows[m+i]
		}
	}
	var sum complex128
	for _, v := range f {
		sum += v * v
	}
	return real(cmplx.Sqrt(sum))
}

// excessKurtosis is the fourth standardised moment − 3; NaN where all values are one.
func excessKurtosis(x []float64) float64 {
	n := float64(len(x))
	mean, m2, m4 := 0.0, 0.0, 0.0
	for _, v := range x {
		mean += v
	}
	mean /= n
	for _, v := range x {
		d := (v - mean) * (v - mean)
		m2 += d
		m4 += d * d
	}
	m2, m4 = m2/n, m4/n
	if m2 == 0 {
		return math.NaN()
	}
	return m4/(m2*m2) - 3
}

// mirrored reflects an index at the first and the last of n voxels, as often as it takes.
func mirrored(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i)
}

// spline is the value at (x, y, z) of a block of cubic spline coefficients, mirrored at its border; 0 outside.
func (b Block) spline(x, y, z float64) float64 {
	at := [3]float64{x, y, z}
	var index [3][4]int
	var weight [3][4]float64
	for a, v := range at {
		n := b.Size[a]
		if v < 0 || v > float64(n-1) {
			return 0
		}
		f := math.Floor(v)
		t := v - f
		weight[a] = [4]float64{(1 - t) * (1 - t) * (1 - t) / 6, (4 - 6*t*t + 3*t*t*t) / 6, (4 - 6*(1-t)*(1-t) + 3*(1-t)*(1-t)*(1-t)) / 6, t * t * t / 6}
		for k := range 4 {
			index[a][k] = mirrored(int(f)-1+k, n)
		}
	}
	sum := 0.0
	for c, k := range index[2] {
		for d, j := range index[1] {
			row := b.Values[(k*b.Size[1]+j)*b.Size[0]:]
			w := weight[2][c] * weight[1][d]
			for e, i := range index[0] {
				sum += w * weight[0][e] * row[i]
			}
		}
	}
	return sum
}
