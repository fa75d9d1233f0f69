package filter

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Separable is a filter that is a product of one kernel an axis, as Laws' kernels and wavelets are, with the standard's options
// [Depeursinge2020].
//
// [Depeursinge2020]: https://arxiv.org/abs/2006.05470
type Separable struct {
	Kernels [][]float64 // along x, y and, in 3D, z
	// Low are the kernels that smooth before them, for each axis, at the levels below the wanted one of an undecimated wavelet.
	Low       [][]float64
	Level     int // of a wavelet, from 1; kernels are spread by 2^(level−1)
	Invariant bool
	Pool      string // max or mean, over the rotations by right angles
	Border    Border
}

// laws are Laws' kernels, before they are scaled to a norm of 1.
var laws = map[string][]float64{
	"L5": {1, 4, 6, 4, 1}, "E5": {-1, -2, 0, 2, 1}, "S5": {-1, 0, 2, 0, -1}, "W5": {-1, 2, 0, -2, 1}, "R5": {1, -4, 6, -4, 1},
	"L3": {1, 2, 1}, "E3": {-1, 0, 1}, "S3": {-1, 2, -1},
}

// Laws returns the filter of a name such as E5L5S5: a kernel an axis, x first.
func Laws(name string, border Border) (Separable, error) {
	s := Separable{Border: border, Level: 1, Pool: "max"}
	if len(name) != 4 && len(name) != 6 {
		return s, fmt.Errorf("Laws kernel %q: want two or three of L5, E5, S5, W5, R5, L3, E3, S3", name)
	}
	for ; name != ""; name = name[2:] {
		k, ok := laws[name[:2]]
		if !ok {
			return s, fmt.Errorf("Laws kernel %q: want L5, E5, S5, W5, R5, L3, E3 or S3", name[:2])
		}
		norm := 0.0
		for _, x := range k {
			norm += x * x
		}
		scaled := make([]float64, len(k))
		for i, x := range k {
			scaled[i] = x / math.Sqrt(norm)
		}
		s.Kernels = append(s.Kernels, scaled)
	}
	return s, nil
}

// UndecimatedWavelet returns the filter of a band such as LHL of a wavelet at a level.
func UndecimatedWavelet(w Wavelet, band string, level int, border Border) (Separable, error) {
	s := Separable{Border: border, Level: level, Pool: "mean"}
	odd := func(k []float64) []float64 {
		if len(k)%2 == 0 {
			k = append(slices.Clone(k), 0)
		}
		return k
	}
	if len(band) < 2 || len(band) > 3 || strings.Trim(band, "LH") != "" || level < 1 || level > 16 {
		return s, fmt.Errorf("wavelet band %q of level %d: want two or three of L and H, and a level of 1 to 16", band, level)
	}
	for _, c := range band {
		k := w.Low
		if c == 'H' {
			k = w.High
		}
		s.Kernels = append(s.Kernels, odd(k))
		s.Low = append(s.Low, odd(w.Low))
	}
	return s, nil
}

// spread puts 2^(level−1) − 1 zeros between taps.
func spread(k []float64, level int) []float64 {
	step := 1 << (level - 1)
	out := make([]float64, (len(k)-1)*step+1)
	for i, x := range k {
		out[i*step] = x
	}
	return out
}

// turn is a rotation by right angles: which kernel an axis gets, and whether it is reversed.
type turn struct {
	from [3]int
	flip [3]bool
}

// turns are the proper rotations of two or three axes.
func turns(dimensions int) []turn {
	var out []turn
	permutations := [][]int{{0, 1}, {1, 0}}
	if dimensions == 3 {
		permutations = [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	}
	for _, p := range permutations {
		odd := false
		for i := range p {
			for j := range i {
				odd = odd != (p[j] > p[i])
			}
		}
		for signs := range 1 << dimensions {
			negative := odd
			var t turn
			for a := range dimensions {
				t.from[a] = p[a]
				if t.flip[a] = signs>>a&1 == 1; t.flip[a] {
					negative = !negative
				}
			}
			if !negative {
				out = append(out, t)
			}
		}
	}
	return out
}

func reversed(k []float64, flip bool) []float64 {
	if flip {
		k = slices.Clone(k)
		slices.Reverse(k)
	}
	return k
}

// Apply filters a block; a filter of two kernels, each slice across z. Rotations that give the same kernels count once.
func (s Separable) Apply(b Block) Block {
	d := len(s.Kernels)
	all := []turn{{from: [3]int{0, 1, 2}}}
	if s.Invariant {
		all = turns(d)
	}
	var seen []string
	var out Block
	n := 0
	for _, t := range all {
		var passes [][][]float64 // axis, then the kernels along it
		for a := range d {
			var along [][]float64
			if s.Low != nil {
				for level := 1; level < s.Level; level++ {
					along = append(along, spread(reversed(s.Low[t.from[a]], t.flip[a]), level))
				}
			}
			passes = append(passes, append(along, spread(reversed(s.Kernels[t.from[a]], t.flip[a]), s.Level)))
		}
		if name := fmt.Sprint(passes); slices.Contains(seen, name) {
			continue
		} else {
			seen = append(seen, name)
		}
		x := b
		for a, along := range passes {
			for _, k := range along {
				x = Convolve(x, k, a, s.Border)
			}
		}
		n++
		if n == 1 {
			out = x
			continue
		}
		for i, v := range x.Values {
			if s.Pool == "max" {
				out.Values[i] = max(out.Values[i], v)
			} else {
				out.Values[i] += v
			}
		}
	}
	if s.Pool != "max" && n > 1 {
		for i := range out.Values {
			out.Values[i] /= float64(n)
		}
	}
	return out
}

// Energy is the mean of the magnitude in a box of 2·delta + 1 voxels a side, in the given number of dimensions.
func Energy(b Block, delta, dimensions int, border Border) Block {
	magnitude := NewBlock(b.Size)
	for i, x := range b.Values {
		magnitude.Values[i] = math.Abs(x)
	}
	return Mean(magnitude, 2*delta+1, dimensions, border)
}

// LaplacianKernel is the Laplacian of Gaussian as a kernel cut off at cut·σ, the standard's definition; σ in voxels, in two or three
// dimensions. It is negative at the centre of a bright spot. The kernel is a sum of products over axes.
func LaplacianKernel(b Block, sigma, cut float64, dimensions int, border Border) Block {
	reach := int(math.Floor(cut*sigma + 0.5))
	smooth, second := make([]float64, 2*reach+1), make([]float64, 2*reach+1)
	for i := range smooth {
		r := float64(i - reach)
		smooth[i] = math.Exp(-r * r / (2 * sigma * sigma))
		second[i] = (1 - r*r/(sigma*sigma)) * smooth[i]
	}
	scale := -1 / (sigma * sigma) * math.Pow(2*math.Pi*sigma*sigma, -float64(dimensions)/2)
	out := NewBlock(b.Size)
	for d := range dimensions {
		x := b
		for a := range dimensions {
			k := smooth
			if a == d {
				k = second
			}
			x = Convolve(x, k, a, border)
		}
		for i, v := range x.Values {
			out.Values[i] += scale * v
		}
	}
	return out
}
