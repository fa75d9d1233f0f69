package scans

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
)

// Voxels bounds an image that is kept: 48 MiB at 16 bits. A scan that has more is cut to a box about its region, and where the region
// itself has more it is averaged.
const Voxels = 24 << 20

// Image is the image of one source along the patient's axes: x to the left, y to the back, z to the head, x fastest. An oblique image is
// turned to the nearest of them and not resampled, so what is shown are voxels of the scan.
type Image struct {
	Source   string
	Modality string
	Size     [3]int
	Spacing  [3]float64 // mm
	// Slope and Intercept make the value of a voxel from what is kept of it.
	Slope, Intercept float64
	Low, High        float64  // between which grey levels tell most, a hundredth cut off at either end
	Centre           [3]int   // of the region
	Lesions          []Lesion // where each is told apart, in the order of extraction.Result
	Oblique          float64  // degrees between the scan's axes and the patient's
	Cropped          bool     // the scan goes on beyond what is kept
	Averaged         [3]int   // voxels of the scan in one of these, along each axis

	Layers []Layer

	grid   image.Grid
	voxels []uint16
}

// Lesion is where one of several lesions lies.
type Lesion struct {
	Name   string
	Centre [3]int
}

// Layer is what is laid over an image.
type Layer struct {
	Kind    string // mask, map
	Title   string
	Outcome string  // that a map is about
	Feature string  // that a map is of
	Lesion  string  // that a map is of, where each has a prediction
	Note    string  // how it is to be read
	Signed  bool    // its values are of both signs
	Most    float64 // the largest absolute value of a map

	box    image.Box // where it lies; outside it is 0
	values []int8    // of a map: its share of Most, in 127ths; of a mask: 1
}

// Read reads what is shown of a patient's image and the regions of a source on it, most voxels at the most.
func Read(source *extraction.Source, files extraction.Files, most int) (*Image, error) {
	in, mask, err := source.Scan(files.Image, files.Mask)
	if err != nil {
		return nil, err
	}
	bounds := mask.Bounds(0)
	if bounds.Empty() {
		return nil, fmt.Errorf("the region of source %s has no voxel", source.Name)
	}
	var region image.Box
	reading, err := in.Region(image.Selection{Region: func(whole image.Grid) (image.Box, error) {
		region = onto(whole, mask.Grid, bounds)
		if region.Empty() {
			return region, fmt.Errorf("the region of source %s lies outside the image", source.Name)
		}
		if s := region.Size(); float64(s[0])*float64(s[1])*float64(s[2]) > 8*float64(most) {
			return region, fmt.Errorf("the region of source %s is too large to be shown", source.Name)
		}
		return about(whole, region, most), nil
	}})
	if err != nil {
		return nil, err
	}
	im := &Image{Source: source.Name, Modality: source.Modality, Cropped: reading.Region.Size() != reading.Whole.Size}
	im.turn(reading.Volume, most)
	im.window()
	im.outline(mask, bounds)
	if !source.EachLesion() {
		im.Lesions = nil
	}
	return im, nil
}

// onto is the box of voxels of a grid that covers a box of voxels of another.
func onto(to, from image.Grid, b image.Box) image.Box {
	out := image.Box{Min: [3]int{math.MaxInt, math.MaxInt, math.MaxInt}, Max: [3]int{math.MinInt, math.MinInt, math.MinInt}}
	for corner := range 8 {
		var at [3]float64
		for a := range 3 {
			if at[a] = float64(b.Min[a]) - 0.5; corner>>a&1 == 1 {
				at[a] = float64(b.Max[a]) - 0.5
			}
		}
		c := to.Continuous(from.World(at[0], at[1], at[2]))
		for a := range 3 {
			out.Min[a] = min(out.Min[a], int(math.Floor(max(min(c[a], 1e9), -1e9)+0.5+1e-6)))
			out.Max[a] = max(out.Max[a], int(math.Ceil(max(min(c[a], 1e9), -1e9)+0.5-1e-6)))
		}
	}
	for a := range 3 {
		out.Min[a], out.Max[a] = max(out.Min[a], 0), min(out.Max[a], to.Size[a])
	}
	return out
}

// about grows a box by the same distance on all sides, as far as the number of voxels allows.
func about(whole image.Grid, b image.Box, most int) image.Box {
	grown := func(mm float64) image.Box {
		var margin [3]int
		for a := range 3 {
			margin[a] = int(min(mm/whole.Spacing[a], 1<<20))
		}
		return b.Grow(margin, whole.Size)
	}
	fits := func(b image.Box) bool { s := b.Size(); return s[0]*s[1]*s[2] <= most }
	low, high := 0.0, 4000.0
	if fits(grown(high)) {
		return grown(high)
	}
	for high-low > 0.1 {
		if mid := (low + high) / 2; fits(grown(mid)) {
			low = mid
		} else {
			high = mid
		}
	}
	return grown(low)
}

// axes says which index axis of a grid comes nearest to each axis of the patient, and whether it runs the other way.
func axes(g image.Grid) (from [3]int, back [3]bool, degrees float64) {
	best := -1.0
	for _, p := range [6][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		sum := 0.0
		for a, c := range p {
			sum += math.Abs(g.Direction[3*a+c])
		}
		if sum > best+1e-9 {
			best, from = sum, p
		}
	}
	for a, c := range from {
		d := g.Direction[3*a+c]
		back[a] = d < 0
		degrees = max(degrees, math.Acos(min(math.Abs(d), 1))*180/math.Pi)
	}
	return from, back, degrees
}

// turn keeps a volume along the patient's axes, averaged over blocks where it has too many voxels.
func (im *Image) turn(v *image.Volume, most int) {
	from, back, degrees := axes(v.Grid)
	im.Oblique = degrees
	var size [3]int
	var spacing [3]float64
	for a, c := range from {
		size[a], spacing[a], im.Averaged[a] = v.Size[c], v.Spacing[c], 1
	}
	count := func() int { return size[0] * size[1] * size[2] }
	for count() > most { // halve the finest axis
		finest := 0
		for a := range 3 {
			if spacing[a] < spacing[finest] && size[a] > 1 || size[finest] == 1 {
				finest = a
			}
		}
		im.Averaged[finest] *= 2
		size[finest], spacing[finest] = (size[finest]+1)/2, spacing[finest]*2
	}
	im.Size, im.Spacing = size, spacing
	g := image.Grid{Size: size, Spacing: spacing}
	var first [3]float64 // index of v at the middle of the first block
	for a, c := range from {
		middle := float64(im.Averaged[a]-1) / 2
		if back[a] {
			middle = float64(v.Size[c]-1) - middle
		}
		first[c] = middle
		sign := 1.0
		if back[a] {
			sign = -1
		}
		for r := range 3 {
			g.Direction[3*r+a] = sign * v.Direction[3*r+c]
		}
	}
	g.Origin = v.World(first[0], first[1], first[2])
	im.grid = g
	im.scale(v)
	im.voxels = make([]uint16, 0, g.Voxels())
	columns, rows, slices := im.places(v, 0, from, back), im.places(v, 1, from, back), im.places(v, 2, from, back)
	averaged := im.Averaged[0] * im.Averaged[1] * im.Averaged[2]
	for z := range size[2] {
		for y := range size[1] {
			if averaged == 1 {
				at := slices[z] + rows[y]
				for _, column := range columns {
					im.voxels = append(im.voxels, im.keep(v.Values[at+column]))
				}
				continue
			}
			for x := range size[0] {
				sum := 0.0
				for _, slice := range slices[z*im.Averaged[2]:][:im.Averaged[2]] {
					for _, row := range rows[y*im.Averaged[1]:][:im.Averaged[1]] {
						for _, column := range columns[x*im.Averaged[0]:][:im.Averaged[0]] {
							sum += v.Values[slice+row+column]
						}
					}
				}
				im.voxels = append(im.voxels, im.keep(sum/float64(averaged)))
			}
		}
	}
}

// places are the offsets in a volume of its voxels along a patient's axis; the last block is filled up with the last voxel.
func (im *Image) places(v *image.Volume, axis int, from [3]int, back [3]bool) []int {
	c := from[axis]
	stride := [3]int{1, v.Size[0], v.Size[0] * v.Size[1]}[c]
	out := make([]int, im.Size[axis]*im.Averaged[axis])
	for n := range out {
		at := min(n, v.Size[c]-1)
		if back[axis] {
			at = v.Size[c] - 1 - at
		}
		out[n] = at * stride
	}
	return out
}

// scale chooses how values are kept at 16 bits: as they are where they are integers that fit.
func (im *Image) scale(v *image.Volume) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range v.Values {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			low, high = min(low, x), max(high, x)
		}
	}
	if low > high {
		low, high = 0, 0
	}
	im.Slope, im.Intercept = (high-low)/math.MaxUint16, low
	if v.Integer && high-low <= math.MaxUint16 || high == low {
		im.Slope = 1
	}
}

// keep is a value at 16 bits; what is not a number is the least.
func (im *Image) keep(x float64) uint16 {
	if math.IsNaN(x) {
		return 0
	}
	return uint16(max(0, min(math.Round((x-im.Intercept)/im.Slope), math.MaxUint16)))
}

// window finds between which grey levels the image tells most.
func (im *Image) window() {
	counts := make([]int, 1<<16)
	for _, v := range im.voxels {
		counts[v]++
	}
	cut := len(im.voxels) / 100
	low, high := 0, len(counts)-1
	for n := counts[low]; n <= cut && low < high; n += counts[low] {
		low++
	}
	for n := counts[high]; n <= cut && high > low; n += counts[high] {
		high--
	}
	if high == low {
		high++
	}
	im.Low, im.High = im.Intercept+im.Slope*float64(low), im.Intercept+im.Slope*float64(high)
}

// outline lays the regions over the image: the label nearest to each voxel.
func (im *Image) outline(mask *image.Mask, bounds image.Box) {
	box := onto(im.grid, mask.Grid, bounds)
	l := Layer{Kind: "mask", Title: "region", Most: 1, box: box}
	if box.Empty() {
		return
	}
	var sum [3]float64
	n := 0.0
	var apart [][4]float64 // the same of each label
	for z := box.Min[2]; z < box.Max[2]; z++ {
		for y := box.Min[1]; y < box.Max[1]; y++ {
			for x := box.Min[0]; x < box.Max[0]; x++ {
				c := mask.Continuous(im.grid.World(float64(x), float64(y), float64(z)))
				inside := int8(0)
				if i, j, k := int(math.Round(c[0])), int(math.Round(c[1])), int(math.Round(c[2])); i >= 0 && j >= 0 && k >= 0 && i < mask.Size[0] && j < mask.Size[1] && k < mask.Size[2] && mask.Labels[mask.Index(i, j, k)] != 0 {
					inside = 1
					sum[0], sum[1], sum[2], n = sum[0]+float64(x), sum[1]+float64(y), sum[2]+float64(z), n+1
					label := int(mask.Labels[mask.Index(i, j, k)])
					for len(apart) < label {
						apart = append(apart, [4]float64{})
					}
					one := &apart[label-1]
					one[0], one[1], one[2], one[3] = one[0]+float64(x), one[1]+float64(y), one[2]+float64(z), one[3]+1
				}
				l.values = append(l.values, inside)
			}
		}
	}
	for a := range 3 {
		im.Centre[a] = (box.Min[a] + box.Max[a]) / 2
		if n > 0 {
			im.Centre[a] = int(math.Round(sum[a] / n))
		}
	}
	for _, one := range apart {
		at := im.Centre // of a lesion that lies between the voxels which are shown
		for a := range 3 {
			if one[3] > 0 {
				at[a] = int(math.Round(one[a] / one[3]))
			}
		}
		im.Lesions = append(im.Lesions, Lesion{Centre: at})
	}
	im.Layers = append(im.Layers, l)
}

// Lay lays a map over the image, by linear interpolation; outside of it there is none. A map that is 0 everywhere is left out.
func (im *Image) Lay(m *image.Volume, l Layer) {
	box := onto(im.grid, m.Grid, m.Box())
	if box.Empty() {
		return
	}
	values := m.Resample(im.grid.Crop(box)).Values
	l.Kind, l.Most, l.Signed, l.box = "map", 0, false, box
	for i, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			values[i] = 0
			continue
		}
		l.Most, l.Signed = max(l.Most, math.Abs(x)), l.Signed || x < 0
	}
	if l.Most == 0 {
		return
	}
	l.values = make([]int8, len(values))
	for i, x := range values {
		l.values[i] = int8(math.Round(127 * x / l.Most))
	}
	im.Layers = append(im.Layers, l)
}

// bytes is the memory that the image takes.
func (im *Image) bytes() int64 {
	n := 2 * len(im.voxels)
	for _, l := range im.Layers {
		n += len(l.values)
	}
	return int64(n)
}

// Region is the number of voxels of the regions.
func (im *Image) Region() int {
	n := 0
	for _, l := range im.Layers {
		if l.Kind == "mask" {
			for _, v := range l.values {
				n += int(v)
			}
		}
	}
	return n
}
