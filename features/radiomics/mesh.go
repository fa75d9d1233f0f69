package radiomics

import "math"

// mesh is the surface of a region halfway between the voxels inside and outside, measured.
type mesh struct {
	area, volume float64 // mm², mm³
}

// piece is the surface in one case of a cell: its area, and the volume it adds as a linear function of the cell's place.
type piece struct {
	area, volume float64
	along        [3]float64
}

// pieces tabulates the surface of all 256 cases for voxels of the given spacing (z, y, x). A triangle abc of a cell at p adds
// det(p+a, p+b, p+c)/6 to the volume, which is det(a, b, c)/6 plus p·(a×b + b×c + c×a)/6.
func pieces(spacing [3]float64) [256]piece {
	var table [256]piece
	for c := range table {
		code, sign := c, 1.0
		if c >= 128 {
			code, sign = 255-c, -1
		}
		text := triangles[code]
		for t := 0; t < len(text); t += 3 {
			var v [3][3]float64
			for i := range 3 {
				e := text[t+i]
				if e >= 'a' {
					e -= 'a' - '9' - 1
				}
				for a, m := range middles[e-'0'] {
					v[i][a] = m * spacing[a]
				}
			}
			ab, bc, ca := cross(v[0], v[1]), cross(v[1], v[2]), cross(v[2], v[0])
			n := [3]float64{ab[0] + bc[0] + ca[0], ab[1] + bc[1] + ca[1], ab[2] + bc[2] + ca[2]}
			table[c].area += math.Sqrt(n[0]*n[0]+n[1]*n[1]+n[2]*n[2]) / 2
			table[c].volume += sign * (ab[0]*v[2][0] + ab[1]*v[2][1] + ab[2]*v[2][2]) / 6
			for a := range 3 {
				table[c].along[a] += sign * n[a] / 6
			}
		}
	}
	return table
}

func cross(a, b [3]float64) [3]float64 {
	return [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// pad surrounds a box of voxels with one layer outside the region.
func pad(inside []bool, size [3]int) ([]uint8, [3]int) {
	p := [3]int{size[0] + 2, size[1] + 2, size[2] + 2}
	out := make([]uint8, p[0]*p[1]*p[2])
	at := 0
	for k := range size[2] {
		for j := range size[1] {
			row := out[((k+1)*p[1]+j+1)*p[0]+1:]
			for i, in := range inside[at : at+size[0]] {
				if in {
					row[i] = 1
				}
			}
			at += size[0]
		}
	}
	return out, p
}

// marchingCubes measures the surface of a region. The work in the loop is whole numbers: how often each case occurs, and the sum of
// the places where it does.
func marchingCubes(inside []bool, size [3]int, spacing [3]float64) mesh {
	v, p := pad(inside, size)
	zyx := [3]float64{spacing[2], spacing[1], spacing[0]}
	var count [256]int
	var places [256][3]int
	row, plane := p[0], p[0]*p[1]
	for k := range p[2] - 1 {
		for j := range p[1] - 1 {
			a := v[k*plane+j*row:]
			b, c, d := a[row:], a[plane:], a[plane+row:]
			a, b, c, d = a[:p[0]], b[:p[0]], c[:p[0]], d[:p[0]]
			left := a[0] | b[0]<<3 | c[0]<<4 | d[0]<<7
			for i := range p[0] - 1 {
				// The corners on the right become those on the left of the next cell: 1→0, 2→3, 5→4, 6→7.
				right := a[i+1]<<1 | b[i+1]<<2 | c[i+1]<<5 | d[i+1]<<6
				code := left | right
				if code != 0 && code != 255 {
					count[code]++
					places[code][0] += k
					places[code][1] += j
					places[code][2] += i
				}
				left = right>>1&1 | right<<1&8 | right>>1&16 | right<<1&128
			}
		}
	}
	var m mesh
	for code, t := range pieces(zyx) {
		n := float64(count[code])
		m.area += n * t.area
		m.volume += n * t.volume
		for a := range 3 {
			m.volume += t.along[a] * float64(places[code][a]) * zyx[a]
		}
	}
	return m
}
