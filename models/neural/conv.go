package neural

import (
	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
)

// conv is the cross-correlation of x, [in, batch, space…], with w, [out, taps, in], over a cube of taps whose side is odd, at stride 1 and
// with zeros around, so that space stays as it is. The taps run with the last axis of space fastest.
//
// On the Go backend it is a product of w with the columns of x (Chellapilla, Puri & Simard, "High performance convolutional neural networks
// for document processing", 2006), because that backend's own convolution is a naive loop. The gradient with respect to x is the same
// product with the taps reversed, given here so that it is not derived as a scatter. inputGradient is false for the first layer of a
// network in training, whose x has no use for one.
//
// Even sides are refused by Architecture.Check: the framework's gradient of them is wrong.
func conv(x, w *Node, side int, inputGradient bool) *Node {
	if forRuntime(x) {
		return runtimeConv(x, w, side)
	}
	if x.Graph().Backend().Name() != goBackend {
		return stockConv(x, w, side)
	}
	out, in := w.Shape().Dim(0), w.Shape().Dim(2)
	dims := append([]int{out}, x.Shape().Dimensions[1:]...)
	places := x.Shape().Size() / in
	y := Dot(Reshape(w, out, -1), columns(StopGradient(x), side)).Product()
	if inputGradient {
		both := Concatenate([]*Node{y, Reshape(x, in, places)}, 0)
		both = IdentityWithCustomGradient(both, func(_, v *Node) *Node {
			vy := Slice(v, AxisRange(0, out), AxisRange())
			flipped := Reshape(TransposeAllAxes(Reverse(StopGradient(w), 1), 2, 1, 0), in, -1)
			vx := Dot(flipped, columns(Reshape(vy, dims...), side)).Product()
			return Concatenate([]*Node{vy, vx}, 0)
		})
		y = Slice(both, AxisRange(0, out), AxisRange())
	}
	return Reshape(y, dims...)
}

// columns is x with a row for every tap and channel and a column for every place: [taps × channels, batch × space].
func columns(x *Node, side int) *Node {
	space := x.Shape().Dimensions[2:]
	channels := x.Shape().Dim(0)
	if side == 1 {
		return Reshape(x, channels, -1)
	}
	pad := make([]compute.PadAxis, 2+len(space))
	for a := range space {
		pad[2+a] = compute.PadAxis{Start: side / 2, End: side / 2}
	}
	wide := Pad(x, ScalarZero(x.Graph(), x.DType()), pad...)
	var taps []*Node
	at := make([]int, len(space))
	for {
		spec := []SliceAxisSpec{AxisRange(), AxisRange()}
		for a, from := range at {
			spec = append(spec, AxisRange(from, from+space[a]))
		}
		taps = append(taps, Reshape(Slice(wide, spec...), channels, -1))
		a := len(at) - 1
		for ; a >= 0; a-- {
			if at[a]++; at[a] < side {
				break
			}
			at[a] = 0
		}
		if a < 0 {
			return Concatenate(taps, 0)
		}
	}
}

// stockConv is conv by the framework's own operation, for backends whose convolution is fast.
func stockConv(x, w *Node, side int) *Node {
	rank := x.Rank()
	out, in := w.Shape().Dim(0), w.Shape().Dim(2)
	kernel := make([]int, rank-2, rank)
	last, first := make([]int, 0, rank), make([]int, 0, rank) // [C, B, S…] to [B, S…, C] and back
	last, first = append(last, 1), append(first, rank-1, 0)
	for a := range kernel {
		kernel[a] = side
		last, first = append(last, 2+a), append(first, 1+a)
	}
	k := Reshape(TransposeAllAxes(w, 1, 2, 0), append(kernel, in, out)...)
	y := Convolve(TransposeAllAxes(x, append(last, 0)...), k).PadSame().Done()
	return TransposeAllAxes(y, first...)
}

// maxPool halves every axis of space that has two places or more, taking the largest of each pair; an odd last place is left out.
func maxPool(x *Node) *Node {
	dims := x.Shape().Dimensions
	spec := []SliceAxisSpec{AxisRange(), AxisRange()}
	split := []int{dims[0], dims[1]}
	var pairs []int
	cut := false
	for _, n := range dims[2:] {
		if n < 2 {
			spec, split = append(spec, AxisRange()), append(split, n)
			continue
		}
		cut = cut || n%2 == 1
		spec = append(spec, AxisRange(0, n/2*2))
		split = append(split, n/2, 2)
		pairs = append(pairs, len(split)-1)
	}
	if len(pairs) == 0 {
		return x
	}
	if cut {
		x = Slice(x, spec...)
	}
	if forRuntime(x) {
		return runtimePool(x)
	}
	return ReduceMax(Reshape(x, split...), pairs...)
}
