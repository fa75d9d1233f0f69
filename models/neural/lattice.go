package neural

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// lattice is how the Go backend lays out the places of a level so that no operation on them has to gather: its Slice, Transpose, Reduce and
// broadcasting visit one value after the other, while its Concatenate copies whole blocks and its arithmetic on equal shapes runs over flat
// arrays.
//
// In front of a pool places are dealt into phases by whether they are even or odd along each axis, as in a polyphase filter. The places
// that the pool joins then lie at the same index of several phases, so that it is a maximum of arrays; and what a tap of a kernel reads for
// the places of one phase is one other phase, shifted. Behind the places of a phase lie as many zeros along each axis as a kernel reaches,
// and the end of one row is the margin of the next, so that the shift is one of the whole flat array.
type lattice struct {
	batch int
	space []int // places along each axis, slowest first
	split []int // phases along each axis: 2, or 1
	cells []int // places of a phase along each axis, zeros included
	reach int   // of kernels to either side, for which there are zeros
}

// newLattice lays out space that is halved next, or not. Zeros for a reach lie behind its places; a reach of 0 leaves it to the convolution to add
// them.
func newLattice(batch int, space []int, halve bool, reach int) lattice {
	l := lattice{batch: batch, space: space, reach: reach}
	for _, n := range space {
		split := 1
		if halve && n > 1 {
			split = 2
		}
		l.split, l.cells = append(l.split, split), append(l.cells, (n+split-1)/split+reach)
	}
	return l
}

// halved is the lattice behind a pool.
func (l lattice) halved() lattice {
	l.space, l.split = slices.Clone(l.space), slices.Clone(l.split)
	for a, n := range l.space {
		if n > 1 {
			l.space[a], l.split[a] = n/2, 1
		}
	}
	return l
}

// product of all elements.
func productOf(v []int) int {
	n := 1
	for _, x := range v {
		n *= x
	}
	return n
}

// phases is their number, and size that of the values of one, of all samples together.
func (l lattice) phases() int { return productOf(l.split) }
func (l lattice) size() int   { return l.batch * productOf(l.cells) }

// places calls visit with every index of a box, the last axis fastest.
func places(dims []int, visit func(at []int)) {
	at := make([]int, len(dims))
	for range productOf(dims) {
		visit(at)
		for a := len(at) - 1; a >= 0; a-- {
			if at[a]++; at[a] < dims[a] {
				break
			}
			at[a] = 0
		}
	}
}

// flat is the position of an index in a box.
func flat(dims, at []int) int {
	n := 0
	for a, i := range at {
		n = n*dims[a] + i
	}
	return n
}

// kept says which cells of a phase hold places of the level (1, others 0); behind a pool, those whose place the pool does not leave out.
func (l lattice) kept(phase []int, pooled bool) []float64 {
	out := make([]float64, 0, productOf(l.cells))
	places(l.cells, func(at []int) {
		in := 1.0
		for a, i := range at {
			n := l.space[a]
			if pooled && n > 1 {
				n = n / 2 * 2
			}
			if i*l.split[a]+phase[a] >= n {
				in = 0
			}
		}
		out = append(out, in)
	})
	return out
}

// taps lists, for the places of a phase, the phase that each tap of a kernel reads and by how far it is shifted there. The last axis is fastest.
func (l lattice) taps(phase []int, side int) (from, shift []int) {
	dims := slices.Repeat([]int{side}, len(phase))
	places(dims, func(at []int) {
		source, cell := make([]int, len(at)), make([]int, len(at))
		for a, i := range at {
			to := phase[a] + i - side/2
			cell[a] = (to+side*l.split[a])/l.split[a] - side // rounded down, of negative ones as well
			source[a] = to - cell[a]*l.split[a]
		}
		from, shift = append(from, flat(l.split, source)), append(shift, flat(l.cells, cell))
	})
	return from, shift
}

// widened is the lattice with zeros for a kernel of that side.
func (l lattice) widened(side int) lattice {
	if more := side/2 - l.reach; more > 0 {
		l.reach, l.cells = side/2, slices.Clone(l.cells)
		for a := range l.cells {
			l.cells[a] += more
		}
	}
	return l
}

// cut is how many of the zeros at the end of a phase are left out before copies of it are put one behind the other, so that each can begin where its
// shift wants it.
func (l lattice) cut(side int) int {
	most := 0
	places(l.split, func(phase []int) {
		_, shift := l.taps(phase, side)
		for t := 1; t < len(shift); t++ {
			most = max(most, shift[t]-shift[t-1])
		}
	})
	return most
}

// enter deals [channels, batch, space…] into phases, each flat: [channels × batch × cells]. Space may have zeros behind it.
func (l lattice) enter(x *Node) []*Node {
	dims := x.Shape().Dimensions
	fit := []SliceAxisSpec{AxisRange(), AxisRange()}
	tooLong := false
	for a := range l.space {
		n := min(dims[2+a], l.cells[a]*l.split[a])
		fit, tooLong = append(fit, AxisRange(0, n)), tooLong || n < dims[2+a]
	}
	if tooLong {
		x = Slice(x, fit...)
	}
	for a := range l.space {
		dims = slices.Clone(x.Shape().Dimensions)
		if dims[2+a] = l.cells[a]*l.split[a] - dims[2+a]; dims[2+a] > 0 {
			x = Concatenate([]*Node{x, zeros(x, dims...)}, 2+a)
		}
	}
	if l.phases() == 1 {
		return []*Node{Reshape(x, -1)}
	}
	whole := x.Shape().Dimensions
	apart, order := slices.Clone(whole[:2]), []int{}
	for a := range l.space {
		apart, order = append(apart, l.cells[a], l.split[a]), append(order, 3+2*a)
	}
	order = append(order, 0, 1)
	for a := range l.space {
		order = append(order, 2+2*a)
	}
	dealt, back := make([]int, len(order)), make([]int, len(order))
	for to, from := range order {
		dealt[to], back[from] = apart[from], to
	}
	r := rule{v: make([]*Node, l.phases()), gradient: func(v []*Node) []*Node { // that of slices would add arrays as large as the whole
		return []*Node{Reshape(TransposeAllAxes(Reshape(Concatenate(v, 0), dealt...), back...), whole...)}
	}}
	x = Reshape(TransposeAllAxes(Reshape(r.enter([]*Node{x})[0], apart...), order...), l.phases(), -1)
	out := make([]*Node, l.phases())
	for q := range out {
		out[q] = r.leave(q, Reshape(Slice(x, AxisRange(q, q+1), AxisRange()), -1))
	}
	return out
}

// whole is what is in a single phase, as [channels, batch, cells…]: space with zeros behind it.
func (l lattice) whole(x *Node, channels int) *Node {
	return Reshape(x, append([]int{channels, l.batch}, l.cells...)...)
}
