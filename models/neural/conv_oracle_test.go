package neural

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/voxgene/voxgene/features/oracle"
)

func reshaped(y *Node) shapes.Shape { return shapes.Make(y.DType(), y.Shape().Size()) }

// Our convolution and both its gradients are those of GoMLX's own, to 1e-6 of the largest value, in single precision.
func TestConvolutionOracle(t *testing.T) {
	be := backend(t)
	for _, side := range []int{1, 3, 5} {
		for _, space := range [][]int{{7, 6}, {5, 6, 4}} {
			t.Run(fmt.Sprintf("side %d, %d-D", side, len(space)), func(t *testing.T) {
				const in, out, batch = 3, 4, 2
				taps, places := 1, 1
				for _, n := range space {
					taps, places = taps*side, places*n
				}
				single := func(label string, dims ...int) *tensors.Tensor {
					n := 1
					for _, d := range dims {
						n *= d
					}
					v := make([]float32, n)
					for i, x := range random(label, n) {
						v[i] = float32(x)
					}
					return tensors.FromFlatDataAndDimensions(v, dims...)
				}
				x := single("x", append([]int{in, batch}, space...)...)
				w := single("w", out, taps, in)
				run := func(f func(x, w *Node) *Node) []*tensors.Tensor {
					return MustNewExec(be, func(x, w *Node) []*Node {
						y := f(x, w)
						c := Sin(MulScalar(Iota(y.Graph(), reshaped(y), 0), 1.3))
						g := Gradient(ReduceAllSum(Mul(Reshape(y, -1), c)), x, w)
						return []*Node{y, g[0], g[1]}
					}).MustCall(x, w)
				}
				ours := run(func(x, w *Node) *Node { return conv(x, w, side, true) })
				stock := run(func(x, w *Node) *Node { return stockConv(x, w, side) })
				for k, what := range []string{"output", "gradient of the image", "gradient of the kernel"} {
					a, b := tensors.MustCopyFlatData[float32](ours[k]), tensors.MustCopyFlatData[float32](stock[k])
					largest := 0.0
					for _, v := range b {
						largest = math.Max(largest, math.Abs(float64(v)))
					}
					check := oracle.Absolute(t, "convolution: "+what, fmt.Sprintf("side %d, %d-D, in units of the largest", side, len(space)), "GoMLX v0.28.8 Convolve", 1e-6)
					for i := range b {
						check.Near(fmt.Sprint(i), float64(a[i])/largest, float64(b[i])/largest)
					}
				}
			})
		}
	}
}
