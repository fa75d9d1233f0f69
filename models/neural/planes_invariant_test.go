package neural

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Encoders of every kind: sides that halve and that leave a place out, one place along an axis, levels beyond what one lattice holds.
var encoders = []Encoder{
	{Dimensions: "2", Size: [3]int{8, 8, 1}, Widths: []int{3, 4, 2}, Depth: 1, Kernel: 3, Norm: noNorm},
	{Dimensions: "2", Size: [3]int{7, 9, 1}, Widths: []int{3, 2}, Depth: 2, Kernel: 5, Norm: noNorm},
	{Dimensions: "2", Size: [3]int{37, 26, 1}, Widths: []int{2, 3, 2, 3}, Depth: 1, Kernel: 3, Norm: layerNorm},
	{Dimensions: "2", Size: [3]int{6, 5, 1}, Widths: []int{2, 3}, Depth: 1, Kernel: 1, Norm: noNorm},
	{Dimensions: "2", Size: [3]int{9, 10, 1}, Widths: []int{2, 3, 3}, Depth: 2, Kernel: 3, Residual: true, Norm: instanceNorm},
	{Dimensions: "2", Size: [3]int{6, 5, 1}, Widths: []int{32, 2}, Depth: 1, Kernel: 3, Norm: noNorm},
	{Dimensions: "2.5", Size: [3]int{6, 5, 3}, Widths: []int{3, 4}, Depth: 1, Kernel: 3, Norm: layerNorm},
	{Dimensions: "3", Size: [3]int{8, 8, 8}, Widths: []int{2, 3, 2}, Depth: 1, Kernel: 3, Norm: noNorm},
	{Dimensions: "3", Size: [3]int{12, 11, 10}, Widths: []int{2, 3, 2}, Depth: 1, Kernel: 3, Norm: layerNorm},
	{Dimensions: "3", Size: [3]int{6, 5, 1}, Widths: []int{2, 3, 2}, Depth: 2, Kernel: 3, Residual: true, Norm: noNorm},
	{Dimensions: "3", Size: [3]int{5, 4, 3}, Widths: []int{2}, Depth: 1, Kernel: 7, Norm: instanceNorm},
}

// On a lattice an encoder has the output, and the gradient of every weight and of the image, that it has place by place.
func TestEmbedIsForward(t *testing.T) {
	be := backend(t)
	for _, e := range encoders {
		e.Channels = 2
		t.Run(fmt.Sprintf("%s-D %v %v", e.Dimensions, e.Size, e.Widths), func(t *testing.T) {
			a := Architecture{Image: &e, Heads: []Head{{Kind: coxHead, Weight: 1}}}
			if err := a.Check(); err != nil {
				t.Fatal(err)
			}
			var args []any
			for _, w := range a.layout() {
				args = append(args, tensor64(w.Name, w.Shape...))
			}
			args = append(args, tensor64("image", 2, 3, e.Size[2], e.Size[1], e.Size[0]))
			run := func(encode func(w graphWeights, x *Node) *Node) []*tensors.Tensor {
				return MustNewExec(be, func(in []*Node) []*Node {
					w, rest := a.named(in)
					y := encode(w, rest[0])
					c := Sin(AddScalar(MulScalar(Iota(y.Graph(), reshaped(y), 0), 1.7), 0.3))
					var learnt []*Node
					for _, l := range a.layout() {
						if len(l.Name) > 6 && l.Name[:6] == "image." {
							learnt = append(learnt, w[l.Name])
						}
					}
					learnt = append(learnt, rest[0])
					return append([]*Node{y}, Gradient(ReduceAllSum(Mul(Reshape(y, -1), c)), learnt...)...)
				}).MustCall(args...)
			}
			want := run(func(w graphWeights, x *Node) *Node { return e.forward(w, x, true, traced{}) })
			for _, reach := range []int{0, e.Kernel / 2} {
				got := run(func(w graphWeights, x *Node) *Node {
					return e.pool(w, e.onLattice(w, e.firstConvolution(w, e.each(x), reach, true)), traced{})
				})
				for k := range want {
					p, q := tensors.MustCopyFlatData[float64](want[k]), tensors.MustCopyFlatData[float64](got[k])
					top := 0.0
					for i := range p {
						top = math.Max(top, math.Abs(p[i]))
					}
					for i := range p {
						if !(math.Abs(p[i]-q[i]) <= 1e-9*top) {
							t.Fatalf("zeros for %d, output %d, element %d: %.12g, place by place %.12g", reach, k, i, q[i], p[i])
						}
					}
				}
			}
		})
	}
}
