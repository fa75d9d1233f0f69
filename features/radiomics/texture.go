package radiomics

import (
	"math"
	"slices"
)

// maxDistance bounds the distance of neighbours.
const maxDistance = 64

// texture is a region cut into grey levels, from which the matrices are counted. Levels are numbered without gaps here: level n of
// the arrays is grey[n−1] of the definitions, so that a matrix has no empty rows.
type texture struct {
	set     Settings
	spacing [3]float64
	size    [3]int  // of the padded box
	levels  []int32 // of the padded box; 0 outside the region
	voxels  []int32 // offsets of the region's voxels
	grey    []int   // grey level of each level present, ascending
	counts  []int   // voxels of each
	top     int     // highest grey level, and number of levels, of the region; of a part of it, those of the whole
	present int
	angles  []angle // half of the neighbours
	box     [3]int  // size of the box without padding
}

// angle is the way to a neighbour: its offset (z, y, x), and the same as a distance in the padded box.
type angle struct {
	zyx [3]int
	off int
}

// newTexture discretises the values of a region.
func newTexture(r *roi, box []float64, spacing [3]float64, set Settings) (*texture, error) {
	x := r.pick(box)
	low, high := slices.Min(x), slices.Max(x)
	e := binEdges(low, high, set)
	if err := e.tooManyLevels(low, high); err != nil {
		return nil, err
	}
	return cut(r, box, high, spacing, set, e), nil
}

// cut puts the voxels of a region, of values up to high, into the bins.
func cut(r *roi, box []float64, high float64, spacing [3]float64, set Settings, e edges) *texture {
	t := &texture{set: set, spacing: spacing, box: r.Size()}
	margin := slices.Max(set.Distances)
	for a := range 3 {
		t.size[a] = t.box[a] + 2*margin
	}
	t.levels = make([]int32, t.size[0]*t.size[1]*t.size[2])
	t.voxels = make([]int32, 0, r.count)
	present := make([]int32, e.level(high)+1)
	o := 0
	for k := range t.box[2] {
		for j := range t.box[1] {
			at := ((k+margin)*t.size[1]+j+margin)*t.size[0] + margin
			for i := range t.box[0] {
				if r.inside[o] {
					l := int32(e.level(box[o]))
					t.levels[at+i] = l
					t.voxels = append(t.voxels, int32(at+i))
					present[l]++
				}
				o++
			}
		}
	}
	for l, n := range present {
		if n > 0 {
			t.grey = append(t.grey, l)
			t.counts = append(t.counts, int(n))
			present[l] = int32(len(t.grey))
		}
	}
	for _, v := range t.voxels {
		t.levels[v] = present[t.levels[v]]
	}
	t.top, t.present = t.grey[len(t.grey)-1], len(t.grey)
	t.angles = t.neighbours(set.Distances)
	return t
}

// neighbours are the offsets at the given infinity-norm distances, one of each opposite pair, in PyRadiomics' order.
func (t *texture) neighbours(distances []int) []angle {
	var out []angle
	far := slices.Max(distances)
	for z := far; z >= -far; z-- {
		for y := far; y >= -far; y-- {
			for x := far; x >= -far; x-- {
				zyx := [3]int{z, y, x}
				d := max(abs(z), abs(y), abs(x))
				if !slices.Contains(distances, d) || z < 0 || z == 0 && (y < 0 || y == 0 && x < 0) {
					continue
				}
				if abs(z) >= t.box[2] || abs(y) >= t.box[1] || abs(x) >= t.box[0] {
					continue
				}
				if t.set.Force2D && zyx[t.set.Force2DDimension] != 0 {
					continue
				}
				out = append(out, angle{zyx, (z*t.size[1]+y)*t.size[0] + x})
			}
		}
	}
	return out
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}

// length is the length of an angle in mm by a norm of weightingNorm; no_weighting is 1.
func (t *texture) length(a angle, norm string) float64 {
	z, y, x := float64(abs(a.zyx[0]))*t.spacing[2], float64(abs(a.zyx[1]))*t.spacing[1], float64(abs(a.zyx[2]))*t.spacing[0]
	switch norm {
	case "infinity":
		return max(z, y, x)
	case "euclidean":
		return math.Sqrt(z*z + y*y + x*x)
	case "manhattan":
		return z + y + x
	}
	return 1
}

// class computes one texture class.
func (t *texture) class(name string) values {
	switch name {
	case "glcm":
		return t.glcm()
	case "glrlm":
		return t.glrlm()
	case "glszm":
		return t.glszm()
	case "gldm":
		return t.gldm()
	case "ngtdm":
		return t.ngtdm()
	}
	return nil
}

// mean averages features over the matrices of several angles. No matrix gives NaN.
func mean(all []values, names []string) values {
	out := values{}
	for _, n := range names {
		sum := 0.0
		for _, v := range all {
			sum += v[n]
		}
		out[n] = sum / float64(len(all))
	}
	return out
}
