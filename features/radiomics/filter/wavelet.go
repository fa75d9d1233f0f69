package filter

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// wavelets.txt has the decomposition filters of PyWavelets 1.1.1 (MIT): a line a wavelet, low-pass, and after a bar the high-pass where
// it is not the mirror of the low-pass.
//
//go:embed wavelets.txt
var waveletTable string

// Wavelet is a pair of decomposition filters of the same, even length.
type Wavelet struct{ Low, High []float64 }

// waveletLines finds a wavelet's line by name.
var waveletLines = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(waveletTable) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		m[name] = rest
	}
	return m
})

// WaveletNames lists the known wavelets.
func WaveletNames() []string {
	var names []string
	for n := range waveletLines() {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// NamedWavelet returns a wavelet by PyWavelets' name, such as coif1.
func NamedWavelet(name string) (Wavelet, error) {
	text, ok := waveletLines()[name]
	if !ok {
		return Wavelet{}, fmt.Errorf("unknown wavelet %q", name)
	}
	low, high, both := strings.Cut(text, " | ")
	w := Wavelet{Low: numbers(low)}
	if both {
		w.High = numbers(high)
		return w, nil
	}
	n := len(w.Low)
	w.High = make([]float64, n)
	for k := range n {
		w.High[k] = w.Low[n-1-k]
		if k%2 == 0 {
			w.High[k] = -w.High[k]
		}
	}
	return w, nil
}

func numbers(text string) []float64 {
	fields := strings.Fields(text)
	out := make([]float64, len(fields))
	for i, f := range fields {
		x, err := strconv.ParseFloat(f, 64)
		if err != nil {
			panic(err) // the table is part of the program
		}
		out[i] = x
	}
	return out
}

// Margin is how many voxels below and above a voxel one level of decomposition looks at.
func (w Wavelet) Margin() (below, above int) { return len(w.Low)/2 - 1, len(w.Low) / 2 }

// Along filters a block along one axis, and keeps the voxels that have all of their neighbours in it: those from below on.
func Along(b Block, taps []float64, axis int) Block {
	n := len(taps)
	size := b.Size
	size[axis] -= n - 1
	out := NewBlock(size)
	step := [3]int{1, b.Size[0], b.Size[0] * b.Size[1]}[axis]
	for k := range size[2] {
		for j := range size[1] {
			dst := out.Values[(k*size[1]+j)*size[0]:][:size[0]]
			from := (k*b.Size[1]+j)*b.Size[0] + (n-1)*step
			for t, f := range taps {
				src := b.Values[from-t*step:][:size[0]]
				for i, x := range src {
					dst[i] += f * x
				}
			}
		}
	}
	return out
}

// Band is one result of a decomposition: its letters, L or H for each axis in the order of the axes, and its voxels.
type Band struct {
	Name string
	Block
}

// Decompose is one level of the stationary wavelet transform along the given axes, as PyWavelets' swtn: bands in the order LL…L,
// L…LH, …, HH…H.
func (w Wavelet) Decompose(b Block, axes []int) []Band {
	bands := []Band{{"", b}}
	for _, axis := range axes {
		next := make([]Band, 0, 2*len(bands))
		for _, x := range bands {
			next = append(next, Band{x.Name + "L", Along(x.Block, w.Low, axis)}, Band{x.Name + "H", Along(x.Block, w.High, axis)})
		}
		bands = next
	}
	return bands
}
