package radiomics

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// morphologyFeatures are the features of form (family HCUG). Volumes and areas are those of the mesh of the morphological mask;
// principal axes are those of its voxel centres, with the covariance divided by N − 1. Bounding boxes and ellipsoids without a
// reference value (oriented box, smallest ellipsoid) are left out.
func (r *standardRegion) morphologyFeatures() []Feature {
	m := marchingCubes(r.morphology.inside, r.morphology.Size(), r.spacing)
	v, a := math.Abs(m.volume), m.area
	n := float64(r.morphology.count)
	least, minor, major := principalAxes(r.morphology, r.spacing)
	unbiased := n / (n - 1)
	least, minor, major = least*unbiased, minor*unbiased, major*unbiased
	var out []Feature
	add := func(tag string, x float64) { out = append(out, Feature{"morph_" + tag, x}) }
	sphere := math.Cbrt(36 * math.Pi * v * v)
	add("volume", v)
	add("vol_approx", n*r.spacing[0]*r.spacing[1]*r.spacing[2])
	add("area_mesh", a)
	add("av", a/v)
	add("comp_1", v/(math.Sqrt(math.Pi)*math.Pow(a, 1.5)))
	add("comp_2", 36*math.Pi*v*v/(a*a*a))
	add("sph_dispr", a/sphere)
	add("sphericity", sphere/a)
	add("asphericity", a/sphere-1)
	add("com", r.centreShift())
	add("diam", largestDiameters(r.morphology.inside, r.morphology.Size(), r.spacing).volume)
	add("pca_maj_axis", 4*math.Sqrt(major))
	add("pca_min_axis", 4*math.Sqrt(minor))
	add("pca_least_axis", 4*math.Sqrt(least))
	add("pca_elongation", math.Sqrt(minor/major))
	add("pca_flatness", math.Sqrt(least/major))
	size := r.morphology.Size()
	x, y, z := float64(size[0])*r.spacing[0], float64(size[1])*r.spacing[1], float64(size[2])*r.spacing[2]
	add("vol_dens_aabb", v/(x*y*z))
	add("area_dens_aabb", a/(2*(x*y+y*z+z*x)))
	semi := [3]float64{2 * math.Sqrt(major), 2 * math.Sqrt(minor), 2 * math.Sqrt(least)}
	add("vol_dens_aee", v/(4*math.Pi/3*semi[0]*semi[1]*semi[2]))
	add("area_dens_aee", a/ellipsoidArea(semi))
	hullVolume, hullArea := hull3D(surfaceVertices(r.morphology.inside, size), r.spacing)
	add("vol_dens_conv_hull", v/hullVolume)
	add("area_dens_conv_hull", a/hullArea)
	mean := pairwise(r.values, func(v float64) float64 { return v }) / float64(len(r.values))
	add("integ_int", v*mean)
	moran, geary := r.autocorrelation(mean)
	add("moran_i", moran)
	add("geary_c", geary)
	return out
}

// centreShift is the distance in mm between the centre of the morphological mask and that of the intensity mask weighted by intensity.
func (r *standardRegion) centreShift() float64 {
	c := r.morphology.centre()
	size := r.region.Size()
	var sum [3]float64
	total, n := 0.0, 0
	for o, in := range r.region.inside {
		if !in {
			continue
		}
		w := r.values[n]
		n++
		total += w
		sum[0] += w * float64(o%size[0]+r.region.Min[0])
		sum[1] += w * float64(o/size[0]%size[1]+r.region.Min[1])
		sum[2] += w * float64(o/size[0]/size[1]+r.region.Min[2])
	}
	d := 0.0
	for a := range 3 {
		s := (sum[a]/total - c[a]) * r.spacing[a]
		d += s * s
	}
	return math.Sqrt(d)
}

// ellipsoidArea is the surface of an ellipsoid with the given semi-axes, descending, by the standard's series of Legendre polynomials to
// the twentieth order; numerically where two axes are so alike that its argument overflows.
func ellipsoidArea(s [3]float64) float64 {
	a, b, c := s[0], s[1], s[2]
	alpha, beta := math.Sqrt(max(1-b*b/(a*a), 0)), math.Sqrt(max(1-c*c/(a*a), 0))
	if beta == 0 {
		return 4 * math.Pi * a * b
	}
	// (αβ)^ν·P_ν((α²+β²)/(2αβ)) by recurrence, which stays finite where α is 0.
	ab, half := alpha*beta, (alpha*alpha+beta*beta)/2
	before, now := 1.0, half
	sum := 1.0
	for v := 1; v <= 20; v++ {
		if v > 1 {
			before, now = now, (float64(2*v-1)*half*now-float64(v-1)*ab*ab*before)/float64(v)
		}
		sum += now / (1 - 4*float64(v)*float64(v))
	}
	return 4 * math.Pi * a * b * sum
}

// autocorrelation are Moran's I and Geary's C with weights 1/distance (mm) over all pairs of voxels of the intensity mask. The sums over
// pairs are convolutions, by Fourier transforms of the box with as much room again.
func (r *standardRegion) autocorrelation(mean float64) (moran, geary float64) {
	size := r.region.Size()
	var p [3]int
	for a := range 3 {
		p[a] = smooth(2*size[a] - 1)
	}
	total := p[0] * p[1] * p[2]
	kernel, signal := make([]complex128, total), make([]complex128, total)
	for k := range p[2] {
		z := float64(min(k, p[2]-k)) * r.spacing[2]
		for j := range p[1] {
			y := float64(min(j, p[1]-j)) * r.spacing[1]
			for i := range p[0] {
				x := float64(min(i, p[0]-i)) * r.spacing[0]
				if d := math.Sqrt(x*x + y*y + z*z); d > 0 {
					kernel[(k*p[1]+j)*p[0]+i] = complex(1/d, 0)
				}
			}
		}
	}
	at := make([]int, 0, r.region.count)
	for o, in := range r.region.inside {
		if in {
			at = append(at, (o/size[0]/size[1]*p[1]+o/size[0]%size[1])*p[0]+o%size[0])
		}
	}
	for n, o := range at {
		signal[o] = complex(1, r.values[n]-mean)
	}
	transform(kernel, p, true)
	transform(signal, p, true)
	for i := range signal {
		signal[i] *= complex(real(kernel[i]), 0) // the kernel is even, so that its transform is real
	}
	transform(signal, p, false)
	var weights, cross, square, variance float64
	for n, o := range at {
		y := r.values[n] - mean
		near, about := real(signal[o]), imag(signal[o])
		weights += near
		cross += y * about
		square += y * y * near
		variance += y * y
	}
	n := float64(len(at))
	moran = n / weights * cross / variance
	geary = (n - 1) / weights * (square - cross) / variance
	return moran, geary
}

// smooth is the least number of at least n with no prime factor above 5, for which the Fourier transform is fast.
func smooth(n int) int {
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

// transform is the three-dimensional Fourier transform of v in place, or its inverse.
func transform(v []complex128, size [3]int, forward bool) {
	step := [3]int{1, size[0], size[0] * size[1]}
	for a := range 3 {
		n := size[a]
		if n == 1 {
			continue
		}
		f := fourier.NewCmplxFFT(n)
		line, out := make([]complex128, n), make([]complex128, n)
		b, c := others[a][0], others[a][1]
		for j := range size[c] {
			for i := range size[b] {
				at := i*step[b] + j*step[c]
				for k := range line {
					line[k] = v[at+k*step[a]]
				}
				if forward {
					f.Coefficients(out, line)
				} else {
					f.Sequence(out, line)
				}
				for k := range out {
					x := out[k]
					if !forward {
						x /= complex(float64(n), 0)
					}
					v[at+k*step[a]] = x
				}
			}
		}
	}
}
