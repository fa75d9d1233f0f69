package neural

import (
	"strings"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// The blocks of networks as ONNX Runtime computes them fast on a processor. Its operations are those of inference: what the framework derives as
// gradients of them (a convolution whose kernel is as large as the image, an expansion to pairs of places) takes several times as long as
// the network itself. So the gradients are given here, in operations that it does fast. They are those of the Go backend, ties included.

// onnxRuntime is the Name of that backend.
const onnxRuntime = "onnxruntime"

// forRuntime says whether the graph of x is for ONNX Runtime on a processor. On a graphics card products may be rounded to fewer digits than
// the pool of pairs below takes for granted, and convolutions with large kernels are slow.
func forRuntime(x *Node) bool {
	b := x.Graph().Backend()
	return b.Name() == onnxRuntime && strings.HasPrefix(b.DeviceDescription(0), "CPU")
}

// differentiated is f of the inputs with gradients given by hand, from the gradient v of the output. Those that the framework derives of f are built as
// well, but nothing reads them, so that they are not part of the program.
func differentiated(f func(in []*Node) *Node, gradient func(v *Node) []*Node, inputs ...*Node) *Node {
	r := rule{v: make([]*Node, 1), gradient: func(v []*Node) []*Node { return gradient(v[0]) }}
	return r.leave(0, f(r.enter(inputs)))
}

// runtimeConv is conv.
func runtimeConv(x, w *Node, side int) *Node {
	out, in := w.Shape().Dim(0), w.Shape().Dim(2)
	if side == 1 {
		y := Dot(Reshape(w, out, in), Reshape(x, in, -1)).Product()
		return Reshape(y, append([]int{out}, x.Shape().Dimensions[1:]...)...)
	}
	return differentiated(
		func(in []*Node) *Node { return channelsFirst(in[0], TransposeAllAxes(in[1], 0, 2, 1), side) },
		func(v *Node) []*Node {
			return []*Node{channelsFirst(v, TransposeAllAxes(Reverse(w, 1), 2, 0, 1), side), kernelGradient(x, v, side)}
		},
		x, w)
}

// worthStacking is how many columns of its input a convolution makes in the time in which a sum of shifted outputs takes one of those.
const worthStacking = 5

// channelsFirst is the convolution of x, [in, batch, space…], with a kernel, [out, in, taps].
//
// The batch, and with it the slowest axis of space, passes for an axis over which the kernel has one tap, so that nothing changes places. The
// taps along that slowest axis are either outputs of their own, which are shifted and summed, or inputs of their own, shifted before: the runtime
// spends most of its time on making columns, and with the former they are one for a cube's face and not for all of it.
func channelsFirst(x, kernel *Node, side int) *Node {
	out, in, taps := kernel.Shape().Dim(0), kernel.Shape().Dim(1), kernel.Shape().Dim(2)
	space := x.Shape().Dimensions[2:]
	stack := in*(taps-taps/side) > worthStacking*out
	if !stack && len(space) < 3 {
		return facewise(x, Reshape(kernel, out, in, taps), side, len(space))
	}
	split := Reshape(kernel, out, in, side, taps/side)
	if !stack {
		return facewise(shifted(x, 2, side), Reshape(TransposeAllAxes(split, 0, 2, 1, 3), out, side*in, taps/side), side, len(space)-1)
	}
	z := facewise(x, Reshape(TransposeAllAxes(split, 2, 0, 1, 3), side*out, in, taps/side), side, len(space)-1)
	var sum *Node
	for k := range side {
		if y := moved(Slice(z, AxisRange(k*out, (k+1)*out)), 2, side/2-k); sum == nil {
			sum = y
		} else if y != nil {
			sum = Add(sum, y)
		}
	}
	return sum
}

// moved is x with its values a number of places further along an axis, and zeros where none come from; nil if none are left.
func moved(x *Node, axis, by int) *Node {
	n := x.Shape().Dim(axis)
	if by == 0 {
		return x
	}
	if by >= n || -by >= n {
		return nil
	}
	spec, pad := make([]SliceAxisSpec, x.Rank()), make([]compute.PadAxis, x.Rank())
	for a := range spec {
		spec[a] = AxisRange()
	}
	spec[axis], pad[axis] = AxisRange(max(0, -by), n-max(0, by)), compute.PadAxis{Start: max(0, by), End: max(0, -by)}
	return Pad(Slice(x, spec...), ScalarZero(x.Graph(), x.DType()), pad...)
}

// facewise is the convolution of x, [in, batch, space…], with a kernel, [out, in, taps], over the last axes only.
func facewise(x, kernel *Node, side, axes int) *Node {
	out, in := kernel.Shape().Dim(0), kernel.Shape().Dim(1)
	dims := x.Shape().Dimensions
	last := dims[len(dims)-axes:]
	cube, pads := []int{out, in, 1}, [][2]int{{}}
	for range last {
		cube, pads = append(cube, side), append(pads, [2]int{side / 2, side / 2})
	}
	y := correlate(Reshape(x, append([]int{1, in, -1}, last...)...), Reshape(kernel, cube...), pads)
	return Reshape(y, append([]int{out}, dims[1:]...)...)
}

// correlate is ONNX's own convolution: x [batch, in, space…], kernel [out, in, taps…], result [batch, out, space…].
func correlate(x, kernel *Node, pads [][2]int) *Node {
	axes := compute.ConvolveAxesConfig{InputChannels: 1, OutputChannels: 1, KernelInputChannels: 1}
	for a := range pads {
		axes.InputSpatial, axes.KernelSpatial, axes.OutputSpatial = append(axes.InputSpatial, 2+a), append(axes.KernelSpatial, 2+a), append(axes.OutputSpatial, 2+a)
	}
	return ConvGeneral(x, kernel, axes, nil, pads, nil, nil, 1, 1)
}

// shortRun is the number of values that lie together from which on a convolution copies them fast.
const shortRun = 8

// kernelGradient is the gradient [out, taps, in] of a convolution's kernel, from its input x [in, batch, space…] and the gradient v
// [out, batch, space…] of what it made.
//
// That is a convolution of x with v, whose sums run over batch and space and whose result has a place for every tap. The runtime makes columns
// of it along the last axis of the result, so the channels are put there and their taps along the slower axes beside them: a long run of
// values for each place, where the taps alone would be three.
func kernelGradient(x, v *Node, side int) *Node {
	out, in, batch := v.Shape().Dim(0), x.Shape().Dim(0), x.Shape().Dim(1)
	space := x.Shape().Dimensions[2:]
	// The slowest axes of space are folded into the channels: in three dimensions one at least, because two are left to convolve over.
	folded, run := 0, in
	for folded < len(space) && (run < shortRun || len(space)-folded > 2) {
		folded, run = folded+1, run*side
	}
	for a := folded - 1; a >= 0; a-- {
		x = shifted(x, 2+a, side)
	}
	if folded == len(space) { // all taps are rows: a product of matrices is left
		g := Dot(Reshape(v, out, -1), Reshape(x, run, -1)).General([]int{1}, nil, []int{1}, nil)
		return Reshape(g, out, -1, in)
	}
	axes := make([]int, 0, x.Rank())
	for a := 1; a < x.Rank(); a++ {
		axes = append(axes, a)
	}
	last := TransposeAllAxes(x, append(axes, 0)...) // [batch, space…, run]
	together := batch
	for _, n := range space[:folded] {
		together *= n
	}
	left := space[folded:]
	pads := make([][2]int, len(left), len(left)+1)
	for a := range pads {
		pads[a] = [2]int{side / 2, side / 2}
	}
	g := correlate(
		Reshape(last, append(append([]int{1, together}, left...), run)...),
		Reshape(v, append(append([]int{out, together}, left...), 1)...),
		append(pads, [2]int{}))
	// [1, out, taps of the axes left, taps of those folded, in]
	if folded == 0 {
		return Reshape(g, out, -1, in)
	}
	return Reshape(TransposeAllAxes(Reshape(g, out, -1, run/in, in), 0, 2, 1, 3), out, -1, in)
}

// shifted is x with rows for each place that a tap along an axis of space can have: [taps × rows, …].
func shifted(x *Node, axis, side int) *Node {
	pad := make([]compute.PadAxis, x.Rank())
	pad[axis] = compute.PadAxis{Start: side / 2, End: side / 2}
	wide := Pad(x, ScalarZero(x.Graph(), x.DType()), pad...)
	spec := make([]SliceAxisSpec, x.Rank())
	for a := range spec {
		spec[a] = AxisRange()
	}
	parts := make([]*Node, side)
	for k := range parts {
		spec[axis] = AxisRange(k, k+x.Shape().Dim(axis))
		parts[k] = Slice(wide, spec...)
	}
	return Concatenate(parts, 0)
}

// runtimePool is maxPool of x whose axes of space are even or of one place.
func runtimePool(x *Node) *Node {
	given := x.Shape().Dimensions
	dims := []int{given[0] * given[1], 1} // as channels of one image they would be put into blocks of sixteen and back
	window, pooled := []int{1, 1}, append([]int(nil), given...)
	for a, n := range given[2:] {
		if n > 1 {
			dims, window, pooled[2+a] = append(dims, n), append(window, 2), n/2
		}
	}
	flat := Reshape(x, dims...)
	var y *Node
	y = differentiated(
		func(in []*Node) *Node {
			return BackendReduceWindow(in[0], compute.ReduceOpMax, window, window, nil, nil, nil)
		},
		func(v *Node) []*Node {
			largest, slope := doubled(y), doubled(v)
			pairs := Reshape(flat, slope.Shape().Dim(0), -1, slope.Shape().Dim(2))
			return []*Node{Reshape(Mul(ConvertDType(Equal(pairs, largest), flat.DType()), slope), dims...)}
		},
		flat)
	return Reshape(y, pooled...)
}

// doubled is x, [rows, 1, space…], with every value twice along each of the last two axes of space: [rows, 1, places], where a third, slower axis
// is one of rows. That is a product with a matrix of ones, exact and an order faster than copies of single values.
func doubled(x *Node) *Node {
	dims := x.Shape().Dimensions
	last := len(dims) - 1
	n, times := dims[last], 2
	if last > 2 {
		times = 4
	}
	ones := make([]float32, n*times*n)
	for i := range n {
		for r := range times / 2 { // rows of the result
			at := (i*times/2+r)*2*n + 2*i
			ones[at], ones[at+1] = 1, 1
		}
	}
	u := ConvertDType(Const(x.Graph(), tensors.FromFlatDataAndDimensions(ones, n, times*n)), x.DType())
	places := 2 * n
	if last > 2 {
		places *= 2 * dims[last-1]
	}
	return Reshape(Dot(Reshape(x, -1, n), u).Product(), -1, 1, places)
}

// runtimeRelu is relu.
func runtimeRelu(x *Node) *Node {
	zero := ScalarZero(x.Graph(), x.DType())
	return differentiated(
		func(in []*Node) *Node { return Max(in[0], zero) },
		func(v *Node) []*Node { return []*Node{Mul(ConvertDType(GreaterOrEqual(x, zero), x.DType()), v)} },
		x)
}

// runtimeNormalise is normalise over the axes given.
func runtimeNormalise(x, scale, shift *Node, axes []int) *Node {
	count := 1
	for _, a := range axes {
		count *= x.Shape().Dim(a)
	}
	space := axes
	if axes[0] == 0 { // over channels as well
		space = axes[1:]
	}
	var centred, inverse, factor *Node // inverse of the deviation
	return differentiated(
		func(in []*Node) *Node {
			centred = Sub(in[0], ReduceAndKeep(in[0], ReduceMean, axes...))
			inverse = Inverse(Sqrt(AddScalar(ReduceAndKeep(Square(centred), ReduceMean, axes...), normEpsilon)))
			factor = Mul(perChannel(in[1], x), inverse)
			return Add(Mul(centred, factor), perChannel(in[2], x))
		},
		func(v *Node) []*Node {
			sums, products := ReduceAndKeep(v, ReduceSum, space...), ReduceAndKeep(Mul(v, centred), ReduceSum, space...) // [channels, batch, 1…]
			mean := func(of *Node) *Node {
				m := DivScalar(Mul(of, perChannel(scale, x)), float64(count))
				if axes[0] == 0 {
					m = ReduceAndKeep(m, ReduceSum, 0)
				}
				return Mul(m, inverse)
			}
			along := Mul(mean(products), Square(inverse))
			dx := Sub(Mul(v, factor), Add(Mul(centred, along), mean(sums)))
			return []*Node{dx, Reshape(ReduceSum(Mul(products, inverse), 1), -1), Reshape(ReduceSum(sums, 1), -1)}
		},
		x, scale, shift)
}
