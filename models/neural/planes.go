package neural

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// planes are activations on a lattice: a flat array of [channels × batch × cells] for every phase. Whatever a convolution reads is 0 where a
// phase has no place.
type planes struct {
	lattice
	channels int
	phase    []*Node
}

// nowhere is added to what is not a place, so that the rectifier makes it 0.
const nowhere = -1e30

// zeros like x, of another shape.
func zeros(x *Node, dims ...int) *Node {
	return Zeros(x.Graph(), shapes.Make(x.DType(), dims...))
}

// rule is a gradient given by hand: what leaves a part of the graph has gradients v, and gives those of what entered it.
type rule struct {
	v, given []*Node
	gradient func(v []*Node) []*Node
}

// enter marks the nodes that the gradient is given of, whatever arrives at them. What it returns is to be used in place of x.
func (r *rule) enter(x []*Node) []*Node {
	out := make([]*Node, len(x))
	for i := range x {
		out[i] = IdentityWithCustomGradient(x[i], func(_, _ *Node) *Node {
			if r.given == nil {
				r.given = r.gradient(r.v)
			}
			return r.given[i]
		})
	}
	return out
}

// leave marks the k-th node that comes of them.
func (r *rule) leave(k int, y *Node) *Node {
	return IdentityWithCustomGradient(y, func(_, v *Node) *Node {
		r.v[k], r.given = v, nil
		return v
	})
}

// conv is the cross-correlation with w, [out, taps, in], over a cube of odd side; see the function conv. With a bias, what is not a place,
// or is left out by the pool that follows, is far below 0: bias and mark are two more rows of the columns, so that neither has to be added.
func (x planes) conv(w, bias *Node, side int, pooled, inputGradient bool) planes {
	out, dtype := w.Shape().Dim(0), w.DType()
	matrix := Reshape(w, out, -1)
	if bias != nil {
		matrix = Concatenate([]*Node{matrix, Reshape(bias, out, 1), Ones(w.Graph(), shapes.Make(dtype, out, 1))}, 1)
	}
	y := planes{x.lattice, out, make([]*Node, len(x.phase))}
	rows := make([]*Node, len(x.phase))
	r := rule{v: make([]*Node, len(x.phase)), gradient: func(v []*Node) []*Node {
		dy := planes{x.lattice, out, make([]*Node, len(v))}
		var dw *Node
		for q := range v {
			dy.phase[q] = Reshape(v[q], -1)
			part := outer(Reshape(v[q], out, -1), rows[q])
			if dw == nil {
				dw = part
			} else {
				dw = Add(dw, part)
			}
		}
		given := []*Node{dw}
		if inputGradient {
			flipped := Reshape(TransposeAllAxes(Reverse(StopGradient(w), 1), 2, 1, 0), x.channels, -1)
			columns := dy.columns(side)
			for q := range v {
				given = append(given, Reshape(Dot(flipped, columns(q, nil)).Product(), -1))
			}
		}
		return given
	}}
	from := x
	if inputGradient {
		entered := r.enter(append([]*Node{matrix}, x.phase...))
		matrix, from.phase = entered[0], entered[1:]
	} else {
		matrix = r.enter([]*Node{matrix})[0]
	}
	columns := from.columns(side)
	var marks []*Node
	if bias != nil {
		marks = x.marks(w, pooled)
	}
	for q := range y.phase {
		var mark *Node
		if marks != nil {
			mark = marks[q]
		}
		rows[q] = columns(q, mark)
		y.phase[q] = r.leave(q, Reshape(Dot(matrix, rows[q]).Product(), -1))
	}
	return y
}

// outer is the product of a, [m, places], with the transpose of b, [n, places]. The rows of the first factor are packed by vector
// instructions and those of the second one by one, but the product comes in blocks of as many columns as blockColumns.
func outer(a, b *Node) *Node {
	if vectorised && a.Shape().Dim(0)%blockColumns == 0 {
		return Transpose(DotGeneral(b, []int{1}, nil, a, []int{1}, nil), 0, 1)
	}
	return DotGeneral(a, []int{1}, nil, b, []int{1}, nil)
}

// blockColumns is the width of the blocks in which the Go backend multiplies matrices by vector instructions.
const blockColumns = 32

// columns returns a function that gives, for the places of a phase, a row for every tap and channel, and those of more, flat, behind them.
func (x planes) columns(side int) func(phase int, more *Node) *Node {
	wide := x.widened(side)
	cut, block := wide.cut(side), x.channels*wide.size()
	short := make([]*Node, len(x.phase))
	for q, p := range x.phase {
		if wide.reach > x.reach {
			p = x.whole(p, x.channels)
			for a := range x.space {
				dims := slices.Clone(p.Shape().Dimensions)
				dims[2+a] = wide.reach - x.reach
				p = Concatenate([]*Node{p, zeros(p, dims...)}, 2+a)
			}
			p = Reshape(p, -1)
		}
		if short[q] = p; cut > 0 {
			short[q] = Slice(p, AxisRange(0, block-cut))
		}
	}
	var phases [][]int
	places(x.split, func(at []int) { phases = append(phases, slices.Clone(at)) })
	return func(q int, more *Node) *Node {
		from, shift := wide.taps(phases[q], side)
		var parts []*Node
		at := 0
		until := func(start int) {
			if start > at {
				parts = append(parts, zeros(x.phase[0], start-at))
			}
		}
		for t := range from {
			start := t*block - shift[t]
			until(start)
			parts = append(parts, short[from[t]])
			at = start + block - cut
		}
		until(len(from) * block)
		if wide.reach > x.reach {
			parts = []*Node{x.narrowed(Concatenate(parts, 0), len(from)*x.channels, wide)}
		}
		if more != nil {
			parts = append(parts, more)
		}
		all := parts[0]
		if len(parts) > 1 {
			all = Concatenate(parts, 0)
		}
		return Reshape(all, -1, x.size())
	}
}

// narrowed leaves out of rows on a widened lattice the zeros that it has more.
func (l lattice) narrowed(rows *Node, n int, wide lattice) *Node {
	spec := []SliceAxisSpec{AxisRange(), AxisRange()}
	for _, c := range l.cells {
		spec = append(spec, AxisRange(0, c))
	}
	return Reshape(Slice(wide.whole(rows, n), spec...), -1)
}

// alike gives phases that keep the same cells the same node, made of what they keep.
func (l lattice) alike(pooled bool, build func(kept []float64) *Node) []*Node {
	var seen [][]float64
	var made, out []*Node
	places(l.split, func(phase []int) {
		kept := l.kept(phase, pooled)
		k := slices.IndexFunc(seen, func(s []float64) bool { return slices.Equal(s, kept) })
		if k < 0 {
			k = len(seen)
			seen, made = append(seen, kept), append(made, build(kept))
		}
		out = append(out, made[k])
	})
	return out
}

// below is 0 for cells that are kept and far below for others.
func below(kept []float64) []float64 {
	out := make([]float64, len(kept))
	for i, k := range kept {
		if k == 0 {
			out[i] = nowhere
		}
	}
	return out
}

// marks are, for each phase, a row of ones and one that says what is kept, flat, over all samples.
func (l lattice) marks(like *Node, pooled bool) []*Node {
	return l.alike(pooled, func(kept []float64) *Node {
		rows := append(slices.Repeat([]float64{1}, l.size()), slices.Repeat(below(kept), l.batch)...)
		return ConstAsDType(like.Graph(), like.DType(), rows)
	})
}

// rectify is the rectifier, behind a pool that halves space or not. The gradient goes to every value that is the largest of its pool and at
// least 0, as the framework has it: those are the ones that are equal to what comes out.
func (x planes) rectify(pooled bool) planes {
	to := planes{lattice: x.lattice, channels: x.channels}
	if pooled {
		to.lattice = x.halved()
	}
	members := make([][]*Node, to.phases())
	into := make([]int, len(x.phase))
	q := 0
	places(x.split, func(phase []int) {
		at := slices.Clone(phase)
		for a := range at {
			if x.split[a] != to.split[a] {
				at[a] /= 2
			}
		}
		into[q] = flat(to.split, at)
		members[into[q]] = append(members[into[q]], x.phase[q])
		q++
	})
	for _, all := range members {
		var z *Node
		r := rule{v: make([]*Node, 1), gradient: func(v []*Node) []*Node {
			out := make([]*Node, len(all))
			for i, y := range all {
				out[i] = Mul(v[0], ConvertDType(Bitcast(Equal(y, z), dtypes.Uint8), y.DType()))
			}
			return out
		}}
		all = r.enter(all)
		top := all[0]
		for _, y := range all[1:] {
			top = Max(top, y)
		}
		z = r.leave(0, Max(top, ScalarZero(top.Graph(), top.DType())))
		to.phase = append(to.phase, z)
	}
	return to
}

// add is the sum, place by place.
func (x planes) add(y planes) planes {
	out := planes{x.lattice, x.channels, make([]*Node, len(x.phase))}
	for q := range out.phase {
		out.phase[q] = Add(x.phase[q], y.phase[q])
	}
	return out
}

// mean is the mean over space of what was rectified, in a single phase: [channels, batch].
func (x planes) mean() *Node {
	places, cells := productOf(x.space), productOf(x.cells)
	each := ConstAsDType(x.phase[0].Graph(), x.phase[0].DType(), slices.Repeat([]float64{1 / float64(places)}, cells))
	return Reshape(Dot(Reshape(x.phase[0], -1, cells), each).Product(), x.channels, x.batch)
}

// normalise is the function normalise on planes. What is not a place, or is left out by the pool that follows, is far below 0 afterwards.
func (x planes) normalise(scale, shift *Node, over string, pooled bool) planes {
	g, dtype := x.phase[0].Graph(), x.phase[0].DType()
	cells := productOf(x.cells)
	count := float64(productOf(x.space))
	if over == layerNorm {
		count *= float64(x.channels)
	}
	held := x.alike(false, func(kept []float64) *Node { return ConstAsDType(g, dtype, kept) })
	mean := func(of []*Node) *Node { // [channels or 1, batch]
		sums := map[*Node]*Node{}
		var order []*Node
		for q, y := range of {
			if sums[held[q]] == nil {
				sums[held[q]], order = y, append(order, held[q])
			} else {
				sums[held[q]] = Add(sums[held[q]], y)
			}
		}
		var total *Node
		for _, kept := range order {
			t := Dot(Reshape(sums[kept], -1, cells), kept).Product()
			if total == nil {
				total = t
			} else {
				total = Add(total, t)
			}
		}
		total = Reshape(total, x.channels, x.batch)
		if over == layerNorm {
			total = ReduceAndKeep(total, ReduceSum, 0)
		}
		return MulScalar(total, 1/count)
	}
	column := func(v *Node) *Node { return Reshape(BroadcastToDims(v, x.channels, x.batch), -1, 1) }
	ones := Ones(g, shapes.Make(dtype, 1, cells))
	centre := Reshape(Dot(column(mean(x.phase)), ones).Product(), -1)
	centred, squares := make([]*Node, len(x.phase)), make([]*Node, len(x.phase))
	for q, y := range x.phase {
		centred[q] = Sub(y, centre)
		squares[q] = Mul(centred[q], centred[q])
	}
	variance := mean(squares)
	factor := Reshape(Dot(column(Div(Reshape(scale, -1, 1), Sqrt(AddScalar(variance, normEpsilon)))), ones).Product(), -1)
	shifts := Concatenate([]*Node{column(Reshape(shift, -1, 1)), Ones(g, shapes.Make(dtype, x.channels*x.batch, 1))}, 1)
	low := x.alike(pooled, func(kept []float64) *Node {
		rows := append(slices.Repeat([]float64{1}, cells), below(kept)...)
		return Reshape(Dot(shifts, Reshape(ConstAsDType(g, dtype, rows), 2, cells)).Product(), -1)
	})
	out := planes{x.lattice, x.channels, make([]*Node, len(x.phase))}
	for q, c := range centred {
		out.phase[q] = Add(Mul(c, factor), low[q])
	}
	return out
}
