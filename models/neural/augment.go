package neural

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Augmentation disturbs the crops of training samples as scans differ. Each part is drawn anew for every sample and epoch. Strength
// scales all of them; 1 is what the comments say.
type Augmentation struct {
	Flip     bool // mirrored along each axis with even odds
	Rotate   bool // up to 15° about each axis; within the slice only in 2 and 2.5 dimensions
	Scale    bool // by 0.9 to 1.1
	Elastic  bool // displaced by a smooth field of about a voxel
	Noise    bool // Gaussian, of a tenth of the crop's standard deviation at most
	Bias     bool // a smooth factor of 0.7 to 1.4, as of a coil
	Gamma    bool // intensities to a power of 0.7 to 1.5
	Strength float64
}

// Augmentations are the names of the parts, as configurations write them.
var Augmentations = []string{"flip", "rotate", "scale", "elastic", "noise", "bias", "gamma"}

// newAugmentation returns the parts of these names, nil for none.
func newAugmentation(names []string, strength float64) *Augmentation {
	has := func(name string) bool { return slices.Contains(names, name) }
	if len(names) == 0 || strength <= 0 {
		return nil
	}
	return &Augmentation{has("flip"), has("rotate"), has("scale"), has("elastic"), has("noise"), has("bias"), has("gamma"), strength}
}

// apply writes the disturbed channels of one crop to to. A channel that is nil stays as it is in to.
func (g *Augmentation) apply(to, from [][]float32, mask []bool, e *Encoder, r *rand.Rand) {
	move := g.move(e, r)
	for c := range from {
		if from[c] == nil {
			continue
		}
		switch {
		case move == nil:
			copy(to[c], from[c])
		case move.mirrors():
			move.mirror(to[c], from[c])
		default:
			move.resample(to[c], from[c])
		}
	}
	g.intensities(to, from, mask, e.Size, r)
}

// motion maps places of the new crop to places of the old one, in voxels.
type motion struct {
	size   [3]int
	affine [9]float64 // about the centre
	field  []float64  // displacements at knots³ control points, three a point; nil for none
}

// knots is the number of control points of an elastic field along each axis.
const knots = 5

// move draws the geometric part; nil leaves voxels where they are.
func (g *Augmentation) move(e *Encoder, r *rand.Rand) *motion {
	if !g.Flip && !g.Rotate && !g.Scale && !g.Elastic {
		return nil
	}
	axes := 3
	if e.Dimensions != threeDimension {
		axes = 2
	}
	m := &motion{size: e.Size, affine: [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}}
	if g.Rotate {
		limit := g.Strength * 15 * math.Pi / 180
		for axis := range 3 {
			if axes == 3 || axis == 2 {
				m.affine = times(m.affine, rotation(axis, limit*(2*r.Float64()-1)))
			}
		}
	}
	if g.Scale {
		f := 1 + g.Strength*0.1*(2*r.Float64()-1)
		for k := range m.affine {
			if axes == 3 || k%3 < 2 && k < 6 {
				m.affine[k] *= f
			}
		}
	}
	if g.Flip {
		for a := range axes {
			if r.IntN(2) == 1 {
				for row := range 3 {
					m.affine[3*row+a] = -m.affine[3*row+a]
				}
			}
		}
	}
	if g.Elastic {
		m.field = make([]float64, 3*knots*knots*knots)
		for k := range m.field {
			if k%3 < axes {
				m.field[k] = g.Strength * r.NormFloat64()
			}
		}
	}
	return m
}

// rotation is about one index axis.
func rotation(axis int, angle float64) [9]float64 {
	m := [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	a, b := (axis+1)%3, (axis+2)%3
	m[3*a+a], m[3*b+b] = math.Cos(angle), math.Cos(angle)
	m[3*a+b], m[3*b+a] = -math.Sin(angle), math.Sin(angle)
	return m
}

func times(a, b [9]float64) (out [9]float64) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				out[3*i+j] += a[3*i+k] * b[3*k+j]
			}
		}
	}
	return out
}

// mirrors says whether the motion does no more than turn axes around, so that every new voxel is an old one.
func (m *motion) mirrors() bool {
	for k, v := range m.affine {
		if k%4 == 0 && v != 1 && v != -1 || k%4 != 0 && v != 0 {
			return false
		}
	}
	return m.field == nil
}

// mirror is resample of a motion that mirrors, by copies.
func (m *motion) mirror(to, from []float32) {
	turned := func(axis, i int) int {
		if m.affine[4*axis] < 0 {
			return m.size[axis] - 1 - i
		}
		return i
	}
	width := m.size[0]
	for k := range m.size[2] {
		for j := range m.size[1] {
			row := to[(k*m.size[1]+j)*width:][:width]
			at := (turned(2, k)*m.size[1] + turned(1, j)) * width
			copy(row, from[at:at+width])
			if m.affine[0] < 0 {
				slices.Reverse(row)
			}
		}
	}
}

// resample reads from at every moved place, linearly; outside, the nearest voxel of the border is read.
func (m *motion) resample(to, from []float32) {
	var half [3]float64
	for a, n := range m.size {
		half[a] = float64(n-1) / 2
	}
	n := 0
	for k := range m.size[2] {
		for j := range m.size[1] {
			for i := range m.size[0] {
				d := [3]float64{float64(i) - half[0], float64(j) - half[1], float64(k) - half[2]}
				var p [3]float64
				for a := range 3 {
					p[a] = half[a] + m.affine[3*a]*d[0] + m.affine[3*a+1]*d[1] + m.affine[3*a+2]*d[2]
				}
				if m.field != nil {
					for a, v := range m.displacement(i, j, k) {
						p[a] += v
					}
				}
				to[n] = interpolate(from, m.size, p)
				n++
			}
		}
	}
}

// displacement is the elastic field at a voxel, linear between control points.
func (m *motion) displacement(i, j, k int) (out [3]float64) {
	var low [3]int
	var part [3]float64
	for a, v := range [3]int{i, j, k} {
		p := float64(v) * (knots - 1) / float64(max(m.size[a]-1, 1))
		low[a] = min(int(p), knots-2)
		part[a] = p - float64(low[a])
	}
	for corner := range 8 {
		w, at := 1.0, 0
		for a := 2; a >= 0; a-- {
			up := corner >> a & 1
			if up == 1 {
				w *= part[a]
			} else {
				w *= 1 - part[a]
			}
			at = at*knots + low[a] + up
		}
		if w == 0 {
			continue
		}
		for a := range 3 {
			out[a] += w * m.field[3*at+a]
		}
	}
	return out
}

// interpolate reads a channel at a place, linearly.
func interpolate(from []float32, size [3]int, p [3]float64) float32 {
	var low, step [3]int
	var part [3]float32
	stride := 1
	at := 0
	for a, n := range size {
		v := min(max(p[a], 0), float64(n-1))
		low[a] = int(v)
		if part[a] = float32(v - float64(low[a])); part[a] > 0 {
			step[a] = stride
		}
		at += low[a] * stride
		stride *= n
	}
	line := func(n int) float32 { return from[n] + part[0]*(from[n+step[0]]-from[n]) }
	plane := func(n int) float32 {
		v := line(n)
		return v + part[1]*(line(n+step[1])-v)
	}
	v := plane(at)
	return v + part[2]*(plane(at+step[2])-v)
}

// intensities disturbs the values of channels that are no masks.
func (g *Augmentation) intensities(to, from [][]float32, mask []bool, size [3]int, r *rand.Rand) {
	for c := range to {
		if from[c] == nil || mask[c] {
			continue
		}
		if g.Gamma {
			gammaOf(to[c], math.Exp(g.Strength*0.4*(2*r.Float64()-1)))
		}
		if g.Bias {
			bias(to[c], size, g.Strength, r)
		}
		if g.Noise {
			sd := g.Strength * 0.1 * r.Float64() * deviation(to[c])
			for k := range to[c] {
				to[c][k] += float32(sd * r.NormFloat64())
			}
		}
	}
}

// gammaOf raises values, taken from 0 at the smallest to 1 at the largest, to a power.
func gammaOf(v []float32, power float64) {
	low, high := slices.Min(v), slices.Max(v)
	if span := float64(high - low); span > 0 {
		for k := range v {
			v[k] = low + float32(span*math.Pow(float64(v[k]-low)/span, power))
		}
	}
}

// bias multiplies values, taken from 0 at the smallest, with the exponential of a random polynomial of second degree.
func bias(v []float32, size [3]int, strength float64, r *rand.Rand) {
	var q [9]float64
	for k := range q {
		q[k] = strength * 0.12 * (2*r.Float64() - 1)
	}
	low := slices.Min(v)
	n := 0
	for k := range size[2] {
		for j := range size[1] {
			for i := range size[0] {
				x, y, z := centred(i, size[0]), centred(j, size[1]), centred(k, size[2])
				f := math.Exp(q[0]*x + q[1]*y + q[2]*z + q[3]*x*x + q[4]*y*y + q[5]*z*z + q[6]*x*y + q[7]*y*z + q[8]*x*z)
				v[n] = low + float32(f)*(v[n]-low)
				n++
			}
		}
	}
}

// centred is a place along an axis from -1 to 1.
func centred(i, n int) float64 {
	if n < 2 {
		return 0
	}
	return 2*float64(i)/float64(n-1) - 1
}

func deviation(v []float32) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range v {
		sum += float64(x)
	}
	m := sum / float64(len(v))
	for _, x := range v {
		squares += (float64(x) - m) * (float64(x) - m)
	}
	return math.Sqrt(squares / float64(len(v)))
}
