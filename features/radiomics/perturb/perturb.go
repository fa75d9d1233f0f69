// Package perturb changes a scan and the outline of a region a little, as another positioning, another scan and another reader would
// have, to tell which features last [Zwanenburg2019].
//
// Image and region are turned and shifted together, so that the same tissue falls on other voxels; noise is added to the image; the
// region is made larger or smaller at its rim, and its contour is moved by a smooth random field. Each draw is keyed by a seed, so that a
// run is repeated by its seed whatever the number of goroutines.
//
// [Zwanenburg2019]: https://doi.org/10.1038/s41598-018-36938-4
package perturb

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/work"
)

// Options are how far a draw may go. A zero leaves that change out.
type Options struct {
	Rotation float64 // degrees about the slice axis: uniform between ± that
	Shift    float64 // of a voxel along each axis: uniform between ± that
	Noise    float64 // SD of the added Gaussian noise, in SD of the noise of the image itself
	Volume   float64 // share of the volume: uniform between ± that
	Contour  float64 // mm: SD of the random field that moves the contour
	Smooth   float64 // mm over which that field is alike
}

// Default are the changes between two sessions of one patient: a turn of 5°, half a voxel, as much noise again, a tenth of the volume,
// and a contour that two readers draw a millimetre apart.
func Default() Options {
	return Options{Rotation: 5, Shift: 0.5, Noise: 1, Volume: 0.1, Contour: 1, Smooth: 10}
}

// Names are the kinds of change, for a choice among them.
var Names = []string{"rotation", "shift", "noise", "volume", "contour"}

// Only keeps the named changes and leaves the others out.
func (o Options) Only(names []string) (Options, error) {
	for _, n := range names {
		if !slices.Contains(Names, n) {
			return o, fmt.Errorf("unknown perturbation %q: want some of %v", n, Names)
		}
	}
	for i, v := range []*float64{&o.Rotation, &o.Shift, &o.Noise, &o.Volume, &o.Contour} {
		if !slices.Contains(names, Names[i]) {
			*v = 0
		}
	}
	return o, nil
}

// Draw is one changed scan.
type Draw struct {
	Mask *image.Mask // on the grid of the image, with the one label
	move move
	in   image.Reading
	sd   float64 // of the noise
	rand *rand.Rand
}

// move maps a voxel of the changed image to its place in the given one.
type move struct {
	sin, cos float64
	centre   [3]float64 // index
	shift    [3]float64 // voxels
	spacing  [3]float64
}

func (m move) from(i, j, k float64) (x, y, z float64) {
	u, v := (i-m.centre[0])*m.spacing[0], (j-m.centre[1])*m.spacing[1]
	return m.centre[0] + (u*m.cos+v*m.sin)/m.spacing[0] + m.shift[0], m.centre[1] + (v*m.cos-u*m.sin)/m.spacing[1] + m.shift[1], k + m.shift[2]
}

// New draws a change of a region: its mask at once, the image where Reading asks for it. The whole image has to be there.
func New(in image.Reading, m *image.Mask, label int, o Options, seed work.Seed) (*Draw, error) {
	if label < 1 || label > math.MaxUint16 {
		return nil, fmt.Errorf("label %d: want 1 to %d", label, math.MaxUint16)
	}
	if in.Region != in.Whole.Box() {
		return nil, errors.New("a perturbation needs the whole image")
	}
	if err := image.SameGrid(in.Whole, m.Grid, image.GridTolerance); err != nil {
		return nil, fmt.Errorf("image and mask are %w", err)
	}
	b := m.Bounds(uint16(label))
	if b.Empty() {
		return nil, fmt.Errorf("label %d is not in the mask", label)
	}
	r := seed.Rand()
	uniform := func(most float64) float64 { return most * (2*r.Float64() - 1) }
	d := &Draw{in: in, rand: r}
	d.move.spacing = in.Whole.Spacing
	d.move.sin, d.move.cos = math.Sincos(uniform(o.Rotation) * math.Pi / 180)
	for a := range 3 {
		d.move.centre[a] = float64(b.Min[a]+b.Max[a]-1) / 2
		d.move.shift[a] = uniform(o.Shift)
	}
	volume := 1 + uniform(o.Volume)
	if o.Noise > 0 {
		d.sd = o.Noise * noise(in.Volume, b)
	}
	d.Mask = d.region(m, uint16(label), b, volume, o)
	return d, nil
}

// region moves the mask with the image, then moves its rim: of all voxels near, those deepest inside, by the signed distance to the border
// and the random field, are taken until the volume is reached.
func (d *Draw) region(m *image.Mask, label uint16, b image.Box, volume float64, o Options) *image.Mask {
	var margin [3]int
	for a := range 3 {
		size := b.Size()
		turned := math.Abs(d.move.sin) * float64(max(size[0], size[1])) * max(m.Spacing[0]/m.Spacing[1], m.Spacing[1]/m.Spacing[0])
		margin[a] = int(turned+3*o.Contour/m.Spacing[a]+float64(size[a])*o.Volume) + 4
	}
	box := b.Grow(margin, m.Size)
	size := box.Size()
	inside := make([]bool, size[0]*size[1]*size[2])
	count, n := 0, 0
	for k := box.Min[2]; k < box.Max[2]; k++ {
		for j := box.Min[1]; j < box.Max[1]; j++ {
			for i := box.Min[0]; i < box.Max[0]; i++ {
				x, y, z := d.move.from(float64(i), float64(j), float64(k))
				inside[n] = interpolate(m.Size, x, y, z, func(o int) float64 {
					if m.Labels[o] == label {
						return 1
					}
					return 0
				}) >= 0.5-1e-9
				if inside[n] {
					count++
				}
				n++
			}
		}
	}
	if o.Volume > 0 || o.Contour > 0 {
		field := newField(d.rand, size, m.Spacing, o.Smooth)
		depth := signedDistance(inside, size, m.Spacing)
		order := make([]int, len(inside))
		for v := range order {
			order[v] = v
			depth[v] += 1e-6 * d.rand.Float64() // voxels of one depth come in any order
			if o.Contour > 0 {
				depth[v] += o.Contour * field.at(v%size[0], v/size[0]%size[1], v/size[0]/size[1])
			}
		}
		slices.SortStableFunc(order, func(p, q int) int {
			switch {
			case depth[p] < depth[q]:
				return -1
			case depth[p] > depth[q]:
				return 1
			}
			return 0
		})
		clear(inside)
		for _, v := range order[:min(max(int(math.Round(float64(count)*volume)), 1), len(order))] {
			inside[v] = true
		}
	}
	out := &image.Mask{Grid: m.Grid, Labels: make([]uint16, len(m.Labels))}
	n = 0
	for k := box.Min[2]; k < box.Max[2]; k++ {
		for j := box.Min[1]; j < box.Max[1]; j++ {
			for i := box.Min[0]; i < box.Max[0]; i++ {
				if inside[n] {
					out.Labels[out.Index(i, j, k)] = label
				}
				n++
			}
		}
	}
	return out
}

// Reading is the part of the changed image inside a box. Statistics of the whole are those of the given image.
func (d *Draw) Reading(box image.Box) image.Reading {
	v := &image.Volume{Grid: d.in.Whole.Crop(box)}
	v.Integer = d.in.Volume.Integer
	v.Values = make([]float64, 0, v.Voxels())
	values := d.in.Volume.Values
	for k := box.Min[2]; k < box.Max[2]; k++ {
		for j := box.Min[1]; j < box.Max[1]; j++ {
			for i := box.Min[0]; i < box.Max[0]; i++ {
				x, y, z := d.move.from(float64(i), float64(j), float64(k))
				value := interpolate(d.in.Whole.Size, x, y, z, func(o int) float64 { return values[o] })
				if d.sd > 0 {
					value += d.sd * d.rand.NormFloat64()
				}
				if v.Integer {
					value = math.Round(value)
				}
				v.Values = append(v.Values, value)
			}
		}
	}
	return image.Reading{Volume: v, Whole: d.in.Whole, Region: box, Statistics: d.in.Statistics}
}

// interpolate is the trilinear value at a place of a grid, the border repeated.
func interpolate(size [3]int, x, y, z float64, at func(o int) float64) float64 {
	axis := func(v float64, n int) (int, int, float64) {
		v = min(max(v, 0), float64(n-1))
		f := int(v)
		return f, min(f+1, n-1), v - float64(f)
	}
	x0, x1, tx := axis(x, size[0])
	y0, y1, ty := axis(y, size[1])
	z0, z1, tz := axis(z, size[2])
	row := func(y, z int) float64 {
		o := (z*size[1] + y) * size[0]
		a := at(o + x0)
		if tx == 0 {
			return a
		}
		return a + (at(o+x1)-a)*tx
	}
	plane := func(z int) float64 {
		a := row(y0, z)
		if ty == 0 {
			return a
		}
		return a + (row(y1, z)-a)*ty
	}
	a := plane(z0)
	if tz == 0 {
		return a
	}
	return a + (plane(z1)-a)*tz
}

// noise estimates the SD of an image's noise around a region: the median magnitude of the diagonal Haar coefficients of its slices over
// 0.6745 [Donoho1994].
//
// [Donoho1994]: https://doi.org/10.1093/biomet/81.3.425
func noise(v *image.Volume, b image.Box) float64 {
	var all []float64
	for k := b.Min[2]; k < b.Max[2]; k++ {
		for j := b.Min[1]; j+1 < b.Max[1]; j++ {
			for i := b.Min[0]; i+1 < b.Max[0]; i++ {
				o := v.Index(i, j, k)
				d := (v.Values[o] - v.Values[o+1] - v.Values[o+v.Size[0]] + v.Values[o+v.Size[0]+1]) / 2
				if !math.IsNaN(d) {
					all = append(all, math.Abs(d))
				}
			}
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2] / 0.6745
}
