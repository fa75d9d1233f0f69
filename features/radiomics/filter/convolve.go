package filter

import (
	"fmt"
	"slices"
)

// Border says how an image goes on beyond its last voxel.
type Border int

// The borders of the standard: zeros, the last voxel repeated, the image repeated, the image mirrored (d c b a | a b c d | d c b a).
const (
	Zero Border = iota
	Nearest
	Periodic
	Mirror
)

// ParseBorder reads the name of a border.
func ParseBorder(name string) (Border, error) {
	names := []string{"zero", "nearest", "periodic", "mirror"}
	if i := slices.Index(names, name); i >= 0 {
		return Border(i), nil
	}
	return 0, fmt.Errorf("border %q: want one of %v", name, names)
}

// index is where the image of n voxels continues at i; −1 for a zero.
func (b Border) index(i, n int) int {
	if i >= 0 && i < n {
		return i
	}
	switch b {
	case Nearest:
		return min(max(i, 0), n-1)
	case Periodic:
		return ((i % n) + n) % n
	case Mirror:
		if i = ((i % (2 * n)) + 2*n) % (2 * n); i >= n {
			i = 2*n - 1 - i
		}
		return i
	}
	return -1
}

// Convolve convolves a block with taps of odd number along one axis.
func Convolve(b Block, taps []float64, axis int, border Border) Block {
	out := NewBlock(b.Size)
	n, centre := b.Size[axis], len(taps)/2
	step := [3]int{1, b.Size[0], b.Size[0] * b.Size[1]}
	if axis == 0 {
		line := make([]float64, n+len(taps)-1)
		for from := 0; from < len(b.Values); from += n {
			x := b.Values[from : from+n]
			copy(line[centre:], x)
			for i := range centre {
				line[i], line[n+centre+i] = 0, 0
				if k := border.index(i-centre, n); k >= 0 {
					line[i] = x[k]
				}
				if k := border.index(n+i, n); k >= 0 {
					line[n+centre+i] = x[k]
				}
			}
			y := out.Values[from : from+n]
			for t, f := range taps {
				if f == 0 {
					continue
				}
				src := line[2*centre-t:][:n]
				for i := range y {
					y[i] += f * src[i]
				}
			}
		}
		return out
	}
	// Rows of x, or planes for the third axis, side by side.
	width := step[axis]
	for outer := 0; outer < len(b.Values); outer += width * n {
		for i := range n {
			y := out.Values[outer+i*width:][:width]
			for t, f := range taps {
				if f == 0 {
					continue
				}
				k := border.index(i-t+centre, n)
				if k < 0 {
					continue
				}
				x := b.Values[outer+k*width:][:width]
				for r := range y {
					y[r] += f * x[r]
				}
			}
		}
	}
	return out
}

// Mean is the mean in a cube, or in a square of each slice across z, of size voxels a side (odd).
func Mean(b Block, size, dimensions int, border Border) Block {
	taps := make([]float64, size)
	for i := range taps {
		taps[i] = 1 / float64(size)
	}
	for axis := range dimensions {
		b = Convolve(b, taps, axis, border)
	}
	return b
}
