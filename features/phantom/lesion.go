package phantom

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/work"
)

// The grid of every phantom: 36 mm a side, with slices thicker than pixels as scans have.
var grid = image.Grid{
	Size:      [3]int{36, 36, 24},
	Spacing:   [3]float64{1, 1, 1.5},
	Origin:    [3]float64{-17.5, -17.5, -17.25},
	Direction: image.IdentityDirection,
}

// lesion is an ellipsoid with exactly these numbers.
type lesion struct {
	voxels     int
	elongation float64 // ratio of the long axis to the two short ones
	mean, sd   float64 // of its values, population formulas
	sigma      float64 // smoothness of its texture, voxels
}

// draw lays the lesion out at a random orientation and sub-voxel position.
func (l lesion) draw(seed work.Seed) (*image.Volume, *image.Mask) {
	r := seed.Rand()
	inside := l.region(r)
	field := randomField(r, l.sigma)
	slices.SortFunc(inside, func(a, b int) int {
		return cmp.Or(cmp.Compare(field[a], field[b]), cmp.Compare(a, b))
	})

	v := &image.Volume{Grid: grid, Values: make([]float64, grid.Voxels())}
	for i := range v.Values {
		v.Values[i] = float64(float32(40 + 10*r.NormFloat64()))
	}
	m := &image.Mask{Grid: grid, Labels: make([]uint16, grid.Voxels())}
	for rank, value := range histogram(len(inside), l.mean, l.sd) {
		v.Values[inside[rank]] = float64(float32(value))
		m.Labels[inside[rank]] = 1
	}
	return v, m
}

// region returns the voxels nearest to the centre by the ellipsoid's own distance: exactly l.voxels of them.
func (l lesion) region(r *rand.Rand) []int {
	axis := direction(r)
	var centre [3]float64
	for a := range centre {
		centre[a] = (r.Float64() - 0.5) * grid.Spacing[a]
	}
	distance := make([]float64, grid.Voxels())
	order := make([]int, grid.Voxels())
	for k := range grid.Size[2] {
		for j := range grid.Size[1] {
			for i := range grid.Size[0] {
				d := [3]float64{
					grid.Origin[0] + float64(i)*grid.Spacing[0] - centre[0],
					grid.Origin[1] + float64(j)*grid.Spacing[1] - centre[1],
					grid.Origin[2] + float64(k)*grid.Spacing[2] - centre[2],
				}
				along := d[0]*axis[0] + d[1]*axis[1] + d[2]*axis[2]
				all := d[0]*d[0] + d[1]*d[1] + d[2]*d[2]
				n := grid.Index(i, j, k)
				distance[n] = all - along*along + along*along/(l.elongation*l.elongation)
				order[n] = n
			}
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(distance[a], distance[b]), cmp.Compare(a, b))
	})
	return order[:l.voxels]
}

// direction is uniform on the sphere.
func direction(r *rand.Rand) [3]float64 {
	v := [3]float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
	n := math.Sqrt(v[0]*v[0] + v[1]*v[1] + v[2]*v[2])
	return [3]float64{v[0] / n, v[1] / n, v[2] / n}
}

// histogram returns n ascending values with exactly this mean and standard deviation (divisor n), at the quantiles of a normal
// distribution.
func histogram(n int, mean, sd float64) []float64 {
	values := make([]float64, n)
	sum := 0.0
	for i := range values {
		q := distuv.UnitNormal.Quantile((float64(i) + 0.5) / float64(n))
		values[i] = q
		sum += q * q // the mean is 0 by symmetry
	}
	scale := sd / math.Sqrt(sum/float64(n))
	for i := range values {
		values[i] = mean + scale*values[i]
	}
	return values
}

// randomField is white noise smoothed by a Gaussian of the given sigma, in voxels, on the whole grid.
func randomField(r *rand.Rand, sigma float64) []float64 {
	f := make([]float64, grid.Voxels())
	for i := range f {
		f[i] = r.NormFloat64()
	}
	radius := int(math.Ceil(3 * sigma))
	kernel := make([]float64, radius+1)
	for i := range kernel {
		kernel[i] = math.Exp(-0.5 * float64(i*i) / (sigma * sigma))
	}
	stride := [3]int{1, grid.Size[0], grid.Size[0] * grid.Size[1]}
	for a := range stride {
		f = smooth(f, kernel, stride[a], grid.Size[a])
	}
	return f
}

// smooth convolves along one axis; beyond the border the field repeats periodically, so that its variance is the same everywhere.
func smooth(f, kernel []float64, stride, size int) []float64 {
	out := make([]float64, len(f))
	for n := range f {
		at := n / stride % size
		base := n - at*stride
		sum := kernel[0] * f[n]
		for k := 1; k < len(kernel); k++ {
			sum += kernel[k] * (f[base+(at+k)%size*stride] + f[base+(at-k+size)%size*stride])
		}
		out[n] = sum
	}
	return out
}
