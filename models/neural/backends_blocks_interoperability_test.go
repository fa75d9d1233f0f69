//go:build onnx || xla

package neural

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/voxgene/voxgene/features/work"
)

// apart are n numbers about 0 in an order of their own, no two of which, and none and 0, are nearer than a step of finite differences: so that
// no rectifier and no maximum turns over within one.
func apart(label string, n int) []float32 {
	v := make([]float32, n)
	for i, k := range work.Seed(7).Split(label).Rand().Perm(n) {
		v[i] = float32((float64(k)+0.5)/float64(n)-0.5) * 4
	}
	return v
}

// singles are arrays of such numbers.
func singles(label string, shapes [][]int) []array {
	args := make([]array, len(shapes))
	for i, s := range shapes {
		args[i] = newArray(s...)
		args[i].values = apart(fmt.Sprint(label, i), len(args[i].values))
	}
	return args
}

// handed are arrays as a graph takes them: a tensor belongs to the backend that it was passed to first.
func handed(args []array) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = tensors.FromFlatDataAndDimensions(a.values, a.shape...)
	}
	return out
}

// More blocks, whose way on another backend depends on their shapes.
var shapedBlocks = []struct {
	name   string
	shapes [][]int
	build  func(in []*Node) *Node
}{
	{"convolution 3, 2-D, many channels", [][]int{{8, 2, 3, 4}, {2, 9, 8}}, func(in []*Node) *Node { return conv(in[0], in[1], 3, true) }},
	{"convolution 3, 3-D, many channels", [][]int{{8, 1, 2, 3, 4}, {2, 27, 8}}, func(in []*Node) *Node { return conv(in[0], in[1], 3, true) }},
	{"convolution 3, 3-D, one channel", [][]int{{1, 2, 3, 3, 4}, {2, 27, 1}}, func(in []*Node) *Node { return conv(in[0], in[1], 3, true) }},
	{"convolution 1, 3-D", [][]int{{2, 2, 2, 3, 2}, {3, 1, 2}}, func(in []*Node) *Node { return conv(in[0], in[1], 1, true) }},
	{"pool, one row", [][]int{{2, 3, 1, 6}}, func(in []*Node) *Node { return maxPool(in[0]) }},
	{"pool, 3-D, even", [][]int{{2, 1, 4, 2, 6}}, func(in []*Node) *Node { return maxPool(in[0]) }},
	{"pool of nothing", [][]int{{2, 1, 1, 1}}, func(in []*Node) *Node { return maxPool(in[0]) }},
	{"rectified pool", [][]int{{2, 2, 4, 4}}, func(in []*Node) *Node { return relu(maxPool(in[0])) }},
	{"two ways to one place", [][]int{{2, 1, 4, 4}, {2, 9, 2}}, func(in []*Node) *Node {
		y := conv(in[0], in[1], 3, true)
		return Add(relu(y), Mul(conv(y, in[1], 3, true), in[0]))
	}},
}

// backendGradients: the gradient of every block on another backend is that of finite differences there, in single precision.
func backendGradients(t *testing.T, other string) {
	be := opened(t, other)
	const step = 1.0 / 256
	for _, b := range slices.Concat(blocks, shapedBlocks) {
		t.Run(b.name, func(t *testing.T) {
			args := singles(b.name, b.shapes)
			value := MustNewExec(be, func(in []*Node) *Node { return weighed(b.build(in)) })
			got := MustNewExec(be, func(in []*Node) []*Node { return Gradient(weighed(b.build(in)), in...) }).MustCall(handed(args)...)
			for i := range args {
				g := tensors.MustCopyFlatData[float32](got[i])
				for k, v := range args[i].values {
					at := func(d float32) float64 {
						args[i].values[k] = v + d
						f := tensors.ToScalar[float32](value.MustCall1(handed(args)...))
						args[i].values[k] = v
						return float64(f)
					}
					want := (at(step) - at(-step)) / (2 * step)
					if math.Abs(float64(g[k])-want) > 5e-3*(1+math.Abs(want)) {
						t.Fatalf("input %d, element %d: %.6g, finite differences %.6g", i, k, g[k], want)
					}
				}
			}
		})
	}
}

// backendBlocks: values and gradients of every block are those of the Go backend, to 1e-4 of the largest: also where values are tied, and at 0, as the blank
// background of a crop makes them.
func backendBlocks(t *testing.T, other string) {
	all := slices.Concat(blocks, shapedBlocks)
	for _, in := range []int{1, 3, 9} {
		for _, side := range []int{1, 3, 5} {
			for _, space := range [][]int{{2, 7, 6}, {1, 4, 8}, {2, 5, 6, 4}, {1, 2, 3, 5}} {
				taps := 1
				for range space[1:] {
					taps *= side
				}
				name := fmt.Sprintf("convolution of %d channels, side %d, %v", in, side, space)
				b := blocks[0]
				b.name, b.shapes = name, [][]int{append([]int{in}, space...), {4, taps, in}}
				b.build = func(in []*Node) *Node { return conv(in[0], in[1], side, true) }
				all = append(all, b)
			}
		}
	}
	on, plain := opened(t, other), backend(t)
	for _, b := range all {
		for _, tied := range []bool{false, true} {
			args := singles(b.name, b.shapes)
			if tied {
				for k, v := range args[0].values {
					args[0].values[k] = max(0, float32(math.Round(float64(v))))
				}
			}
			build := func(in []*Node) []*Node {
				y := b.build(in)
				return append([]*Node{y}, Gradient(weighed(y), in...)...)
			}
			got, want := MustNewExec(on, build).MustCall(handed(args)...), MustNewExec(plain, build).MustCall(handed(args)...)
			for k := range want {
				what := "output"
				if k > 0 {
					what = fmt.Sprint("gradient of input ", k-1)
				}
				near(t, fmt.Sprintf("%s, tied %v: %s", b.name, tied, what), widened(want[k]), widened(got[k]))
			}
		}
	}
}

// opened is the backend of that name.
func opened(t *testing.T, name string) compute.Backend {
	t.Helper()
	engine.Lock()
	defer engine.Unlock()
	b, err := open(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// widened are the values of a tensor in single precision.
func widened(t *tensors.Tensor) []float64 {
	var out []float64
	for _, v := range tensors.MustCopyFlatData[float32](t) {
		out = append(out, float64(v))
	}
	return out
}
