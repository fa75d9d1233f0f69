package filter

import (
	"math"
	"math/bits"
)

// LBP2D is scikit-image's local_binary_pattern of each slice across an axis: samples neighbours on a circle, bilinear between pixels
// and 0 outside the image, are compared with the centre. The method is default, ror, uniform or var.
type LBP2D struct {
	Radius  float64
	Samples int
	Method  string
	Across  int // axis across the slices
}

// Reach is how many pixels around a pixel a pattern looks at.
func (l LBP2D) Reach() int { return int(math.Ceil(l.Radius)) + 1 }

// Apply returns the patterns of the part of the block that starts at min. Beyond the block, as far as Reach, the image has ended.
func (l LBP2D) Apply(b Block, min, size [3]int) Block {
	u, v := 0, 1 // column and row of a slice
	switch l.Across {
	case 0: // PyRadiomics turns the arrays so that rows are y and columns z: array axes (x, y, z)
		u, v = 2, 1
	case 1:
		u, v = 0, 2
	}
	step := [3]int{1, b.Size[0], b.Size[0] * b.Size[1]}
	pixel := func(base, r, c int) float64 {
		if r < 0 || c < 0 || r >= b.Size[v] || c >= b.Size[u] {
			return 0
		}
		return b.Values[base+r*step[v]+c*step[u]]
	}
	dr, dc := make([]float64, l.Samples), make([]float64, l.Samples)
	for i := range l.Samples {
		angle := 2 * math.Pi * float64(i) / float64(l.Samples)
		dr[i] = roundDecimals(-l.Radius * math.Sin(angle))
		dc[i] = roundDecimals(l.Radius * math.Cos(angle))
	}
	texture := make([]float64, l.Samples)
	out := NewBlock(size)
	o := 0
	for k := min[2]; k < min[2]+size[2]; k++ {
		for j := min[1]; j < min[1]+size[1]; j++ {
			for i := min[0]; i < min[0]+size[0]; i++ {
				at := [3]int{i, j, k}
				base := at[l.Across] * step[l.Across]
				r, c := at[v], at[u]
				for s := range texture {
					rr, cc := float64(r)+dr[s], float64(c)+dc[s]
					r0, c0 := math.Floor(rr), math.Floor(cc)
					r1, c1 := int(math.Ceil(rr)), int(math.Ceil(cc))
					fr, fc := rr-r0, cc-c0
					top := (1-fc)*pixel(base, int(r0), int(c0)) + fc*pixel(base, int(r0), c1)
					bottom := (1-fc)*pixel(base, r1, int(c0)) + fc*pixel(base, r1, c1)
					texture[s] = (1-fr)*top + fr*bottom
				}
				out.Values[o] = l.pattern(texture, pixel(base, r, c))
				o++
			}
		}
	}
	return out
}

// pattern is the number of one neighbourhood.
func (l LBP2D) pattern(texture []float64, centre float64) float64 {
	n := len(texture)
	if l.Method == "var" {
		sum, square := 0.0, 0.0
		for _, t := range texture {
			sum += t
			square += t * t
		}
		if v := (square - sum*sum/float64(n)) / float64(n); v != 0 {
			return v
		}
		return math.NaN()
	}
	var code uint32
	for i, t := range texture {
		if t-centre >= 0 {
			code |= 1 << i
		}
	}
	switch l.Method {
	case "uniform":
		if changes := bits.OnesCount32((code ^ code>>1) & (1<<(n-1) - 1)); changes > 2 {
			return float64(n + 1)
		}
		return float64(bits.OnesCount32(code))
	case "ror":
		least := code
		for range n - 1 {
			code = code>>1 | (code&1)<<(n-1)
			least = min(least, code)
		}
		return float64(least)
	}
	return float64(code)
}

// roundDecimals rounds to five decimals, half to even, as numpy does.
func roundDecimals(x float64) float64 { return math.RoundToEven(x*1e5) / 1e5 }
