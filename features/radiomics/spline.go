package radiomics

import "math"

// coefficients turns voxels into the coefficients of the cubic B-spline through them, in place [Unser1999].
//
// [Unser1999]: https://doi.org/10.1109/79.799930
func coefficients(v []float64, size [3]int) {
	line := make([]float64, max(size[0], size[1], size[2]))
	step := [3]int{1, size[0], size[0] * size[1]}
	for a := range 3 {
		if size[a] == 1 {
			continue
		}
		b, c := others[a][0], others[a][1]
		l := line[:size[a]]
		for j := range size[c] {
			for i := range size[b] {
				at := i*step[b] + j*step[c]
				for k := range l {
					l[k] = v[at+k*step[a]]
				}
				prefilter(l)
				for k := range l {
					v[at+k*step[a]] = l[k]
				}
			}
		}
	}
}

// prefilter is the recursive filter of one line, with mirrored borders and ITK's horizon of 10⁻¹⁰ for the sum at the first.
func prefilter(c []float64) {
	z := math.Sqrt(3) - 2
	gain := (1 - z) * (1 - 1/z)
	for i := range c {
		c[i] *= gain
	}
	n := len(c)
	horizon := int(math.Ceil(math.Log(1e-10) / math.Log(math.Abs(z))))
	if horizon < n {
		sum, zn := c[0], z
		for i := 1; i < horizon; i++ {
			sum += float64(zn * c[i])
			zn *= z
		}
		c[0] = sum
	} else {
		iz := 1 / z
		zn, z2n := z, math.Pow(z, float64(n-1))
		sum := c[0] + z2n*c[n-1]
		z2n *= z2n * iz
		for i := 1; i <= n-2; i++ {
			sum += float64((zn + z2n) * c[i])
			zn *= z
			z2n *= iz
		}
		c[0] = sum / (1 - zn*zn)
	}
	for i := 1; i < n; i++ {
		c[i] += float64(z * c[i-1])
	}
	c[n-1] = (z / (z*z - 1)) * (z*c[n-2] + c[n-1])
	for i := n - 2; i >= 0; i-- {
		c[i] = z * (c[i+1] - c[i])
	}
}

// mirror reflects an index at the first and last voxel.
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2*n - 2
	i %= period
	if i < 0 {
		i += period
	}
	if i >= n {
		i = period - i
	}
	return i
}

// others are the two other axes of each, the one whose neighbours lie closer in memory first.
var others = [3][2]int{{1, 2}, {0, 2}, {0, 1}}
