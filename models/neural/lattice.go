package neural

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// lattice is how the Go backend lays out the places of a level so that no operation on them has to gather: its Slice, Transpose, Reduce and
// broadcasting visit one value after the other, while its Concatenate copies whole blocks and its arithmetic on equal shapes runs over flat
// arrays.
//
// Along each axis every split-th place goes into the same phase, as in a polyphase filter. The places that a pool joins then lie at the same
// index of several phases, so that the pool is a maximum of arrays; and what a tap of a kernel reads for the places of one phase is one other
// phase, shifted. Behind the places of a phase lie as many zeros along each axis as a kernel reaches, and the end of one row is the margin of the
// next, so that the shift is one of the whole flat array.
type lattice struct {
	batch int
	space []int // places along each axis, slowest first
	split []int // phases along each axis
	cells []int // places of a phase along each axis, zeros included
	reach int   // of a kernel to either side
	held  int   // times that space can be halved before phases are used up
}

// Bounds of a lattice: phases are halved twice at most, and the second time only where zeros do not take up too much.
const (
	maxHeld  = 2
	maxSpare = 1.6
)

// newLattice lays out space that will be halved some times.
func newLattice(batch int, space []int, halvings, reach int) lattice {
	for held := min(halvings, maxHeld); ; held-- {
		l := lattice{batch: batch, space: space, reach: reach, held: held}
		spare := 1.0
		for _, n := range space {
			split := 1
			for k, left := 0, n; k < held && left > 1; k, left = k+1, left/2 {
				split *= 2
			}
			cells := (n+split-1)/split + reach
			l.split, l.cells = append(l.split, split), append(l.cells, cells)
			spare *= float64(cells*split) / float64(n)
		}
		if held <= 1 || spare <= maxSpare {
			return l
		}
	}
}

// halved is the lattice behind a pool.
func (l lattice) halved() lattice {
	l.space, l.split = slices.Clone(l.space), slices.Clone(l.split)
	for a, n := range l.space {
		if n > 1 {
			l.space[a], l.split[a] = n/2, l.split[a]/2
		}
	}
	l.held--
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

// enter deals [channels, batch, space…] into phases, each flat: [channels × batch × cells].
func (l lattice) enter(x *Node) []*Node {
	channels := x.Shape().Dim(0)
	for a := range l.space {
		if more := l.cells[a]*l.split[a] - l.space[a]; more > 0 {
			dims := slices.Clone(x.Shape().Dimensions)
			dims[2+a] = more
			x = Concatenate([]*Node{x, zeros(x, dims...)}, 2+a)
		}
	}
	if l.phases() == 1 {
		return []*Node{Reshape(x, -1)}
	}
	dims := []int{channels, l.batch}
	front, back := []int{}, []int{0, 1}
	for a := range l.space {
		dims = append(dims, l.cells[a], l.split[a])
		back, front = append(back, 2+2*a), append(front, 3+2*a)
	}
	x = Reshape(TransposeAllAxes(Reshape(x, dims...), append(front, back...)...), l.phases(), -1)
	out := make([]*Node, l.phases())
	for q := range out {
		out[q] = Reshape(Slice(x, AxisRange(q, q+1), AxisRange()), -1)
	}
	return out
}

// leave is enter backwards, of a single phase.
func (l lattice) leave(x *Node, channels int) *Node {
	spec := []SliceAxisSpec{AxisRange(), AxisRange()}
	for _, n := range l.space {
		spec = append(spec, AxisRange(0, n))
	}
	return Slice(Reshape(x, append([]int{channels, l.batch}, l.cells...)...), spec...)
}
