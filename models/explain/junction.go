package explain

import (
	"math"
	"math/bits"
	"slices"

	"github.com/voxgene/voxgene/models/tree"
)

// junction is what trees say of the mixtures of a row and a background row: f(S) = start + Σ u over cliques, where a clique is a few
// columns and u depends on which of them are in. A split at which both rows go the same way is no split of any mixture, so a tree asks few
// columns, and the graph of columns that trees ask together is thin. Columns are eliminated one after the other, each time the one whose
// neighbours are most nearly joined already: it and its neighbours are a clique, whose neighbours are then joined [Dechter1999].
//
// [Dechter1999]: https://doi.org/10.1016/S0004-3702(99)00059-4
type junction struct {
	start   float64
	least   float64 // f of the mixture where it is least
	most    float64
	cliques []clique
	u       []float64 // of the cliques one after the other, by which of their columns are in; the largest of each clique is 0
	index   []int32
	cells   int // numbers that a pass over all cliques and messages touches

	// For building; kept for the next pair of rows.
	parts   []excerpt
	tables  []float64
	ends    []ending
	place   []int32 // of a column: its number among those asked here, −1 for none
	columns []int32
	graph   []uint64
	gone    []bool
	home    []int32
	near    []int32
	low     []float64
	high    []float64
}

// clique is a column that is eliminated and those joined to it then, which are eliminated later.
type clique struct {
	column   int32
	size     int // columns; the eliminated one is the highest bit
	at       int // of its u
	message  int // of what it hands to its parent, by which of the other columns are in
	parent   int32
	children []int32
	index    int // where in junction.index, for each cell of the parent, the cell of the message is
	partial  int // where the parent's cells are kept before this message enters
}

// excerpt is a tree that asks columns here.
type excerpt struct {
	from, to int // its columns
	table    int
}

// ending is a leaf that mixtures reach: those with all needed columns and no forbidden one, by the tree's own numbers.
type ending struct {
	needs, forbids uint32
	value          float64
}

const (
	widestTree   = 12      // columns that a tree may ask of one pair of rows
	widestClique = 20      // columns of a clique
	mostTouched  = 1 << 22 // cells of a pass
)

// build sets the junction of a row and a background row, as trees read them. It is false where cliques are too wide.
func (j *junction) build(e *tree.Ensemble, shapes []*shape, places [][]int32, row, background []float64) bool {
	j.start, j.parts, j.tables, j.columns, j.near = e.Base[0], j.parts[:0], j.tables[:0], j.columns[:0], j.near[:0]
	if len(j.place) < len(row) {
		j.place = make([]int32, len(row))
	}
	for c := range j.place {
		j.place[c] = -1
	}
	for t, s := range shapes {
		if !j.reduce(e, s, places[t], row, background) {
			return false
		}
	}
	return j.eliminate()
}

// reduce takes a tree's mixtures down to a table over the columns that matter to them.
func (j *junction) reduce(e *tree.Ensemble, s *shape, places []int32, row, background []float64) bool {
	first := len(j.near)
	j.ends = j.ends[:0]
	if !j.descend(e, s, places, 0, first, 0, 0, row, background) {
		return false
	}
	width := len(j.near) - first
	if width == 0 {
		j.start += j.ends[0].value
		return true
	}
	at := len(j.tables)
	for range 1 << width {
		j.tables = append(j.tables, 0)
	}
	all := uint32(1)<<width - 1
	for _, l := range j.ends {
		free := all &^ l.needs &^ l.forbids
		for f := free; ; f = (f - 1) & free {
			j.tables[at+int(l.needs|f)] = l.value
			if f == 0 {
				break
			}
		}
	}
	for _, c := range j.near[first:] {
		if j.place[c] < 0 {
			j.place[c] = int32(len(j.columns))
			j.columns = append(j.columns, c)
		}
	}
	j.parts = append(j.parts, excerpt{first, len(j.near), at})
	return true
}

// descend lists the leaves below a node.
func (j *junction) descend(e *tree.Ensemble, s *shape, places []int32, node int32, first int, needs, forbids uint32, row, background []float64) bool {
	for {
		at := places[node]
		if at < 0 {
			j.ends = append(j.ends, ending{needs, forbids, s.values[-1-at]})
			return true
		}
		sp := &s.splits[at]
		own, other := sp.goesLeft(e, row[sp.feature]), sp.goesLeft(e, background[sp.feature])
		with, without := sp.right, sp.right
		if own {
			with = sp.left
		}
		if other {
			without = sp.left
		}
		if with == without {
			node = with
			continue
		}
		bit := -1
		for k, c := range j.near[first:] {
			if c == sp.feature {
				bit = k
			}
		}
		if bit < 0 {
			if bit = len(j.near) - first; bit >= widestTree {
				return false
			}
			j.near = append(j.near, sp.feature)
		}
		switch mask := uint32(1) << bit; {
		case needs&mask != 0:
			node = with
		case forbids&mask != 0:
			node = without
		default:
			if !j.descend(e, s, places, without, first, needs, forbids|mask, row, background) {
				return false
			}
			needs, node = needs|mask, with
		}
	}
}

// eliminate finds the cliques and gives them their tables.
func (j *junction) eliminate() bool {
	n := len(j.columns)
	words := (n + 63) / 64
	j.graph = resized(j.graph, n*words)
	clear(j.graph)
	neighbours := func(c int) []uint64 { return j.graph[c*words : (c+1)*words] }
	for _, p := range j.parts {
		for _, a := range j.near[p.from:p.to] {
			for _, b := range j.near[p.from:p.to] {
				if a != b {
					k := int(j.place[b])
					neighbours(int(j.place[a]))[k/64] |= 1 << (k % 64)
				}
			}
		}
	}
	j.gone, j.home, j.cliques = resized(j.gone, n), resized(j.home, n), j.cliques[:0]
	clear(j.gone)
	members := make([]int32, 0, n) // of the cliques one after the other, the eliminated column last
	starts := make([]int, 0, n)
	cells, messages := 0, 0
	for range n {
		c := j.next(neighbours, n)
		from := len(members)
		for w, set := range neighbours(c) {
			for ; set != 0; set &= set - 1 {
				members = append(members, int32(w*64+bits.TrailingZeros64(set)))
			}
		}
		for _, a := range members[from:] {
			for w, set := range neighbours(c) {
				neighbours(int(a))[w] |= set
			}
			neighbours(int(a))[int(a)/64] &^= 1 << (a % 64)
			neighbours(int(a))[c/64] &^= 1 << (c % 64)
		}
		members, starts = append(members, int32(c)), append(starts, from)
		size := len(members) - from
		if size > widestClique {
			return false
		}
		j.gone[c], j.home[c] = true, int32(len(j.cliques))
		j.cliques = append(j.cliques, clique{column: j.columns[c], size: size, at: cells, message: messages, parent: -1})
		cells += 1 << size
		messages += 1 << (size - 1)
		if cells > mostTouched {
			return false
		}
	}
	return j.link(members, starts, cells)
}

// next is the column to eliminate: the one whose neighbours lack the fewest joins.
func (j *junction) next(neighbours func(int) []uint64, n int) int {
	best, least := -1, math.MaxInt
	for c := range n {
		if j.gone[c] {
			continue
		}
		lacking, own := 0, neighbours(c)
		for w, set := range own {
			for ; set != 0; set &= set - 1 {
				a := w*64 + bits.TrailingZeros64(set)
				for v, theirs := range neighbours(a) {
					lacking += bits.OnesCount64(own[v] &^ theirs)
				}
				lacking-- // a itself
			}
		}
		if lacking < least {
			best, least = c, lacking
		}
	}
	return best
}

// link hands each clique's message to that of the next column eliminated among its own, or to the last, and sums the trees' tables into
// the cliques that hold all their columns.
func (j *junction) link(members []int32, starts []int, cells int) bool {
	of := func(i int) []int32 { return members[starts[i] : starts[i]+j.cliques[i].size] }
	j.u = resized(j.u, cells)
	clear(j.u)
	for _, p := range j.parts {
		home := int32(len(j.cliques))
		for _, c := range j.near[p.from:p.to] {
			home = min(home, j.home[j.place[c]])
		}
		cl := &j.cliques[home]
		var bit [widestTree]uint
		for k, c := range j.near[p.from:p.to] {
			for m, a := range of(int(home)) {
				if a == j.place[c] {
					bit[k] = uint(m)
				}
			}
		}
		u := j.u[cl.at : cl.at+1<<cl.size]
		for s := range u {
			at := 0
			for k := range p.to - p.from {
				at |= s >> bit[k] & 1 << k
			}
			u[s] += j.tables[p.table+at]
		}
	}
	j.index, j.cells = j.index[:0], cells
	partials := 0
	for i := range j.cliques {
		cl := &j.cliques[i]
		u := j.u[cl.at : cl.at+1<<cl.size]
		high := slices.Max(u)
		for s := range u {
			u[s] -= high
		}
		j.start += high
		if i == len(j.cliques)-1 {
			break
		}
		cl.parent = int32(len(j.cliques) - 1)
		others := of(i)[:cl.size-1]
		for k, a := range others {
			if k == 0 || j.home[a] < cl.parent {
				cl.parent = j.home[a]
			}
		}
		up := &j.cliques[cl.parent]
		up.children = append(up.children, int32(i))
		cl.index, cl.partial = len(j.index), partials
		partials += 1 << up.size
		if j.cells += 1 << up.size; j.cells > mostTouched {
			return false
		}
		var bit [widestClique]uint
		for k, a := range others {
			for m, b := range of(int(cl.parent)) {
				if a == b {
					bit[k] = uint(m)
				}
			}
		}
		for s := range 1 << up.size {
			at := int32(0)
			for k := range others {
				at |= int32(s>>bit[k]&1) << k
			}
			j.index = append(j.index, at)
		}
	}
	j.bound()
	return true
}

// bound finds the least and the most of f over all mixtures, by a pass over the cliques that keeps the better of in and out.
func (j *junction) bound() {
	j.least, j.most = j.start, j.start
	j.low, j.high = resized(j.low, len(j.u)), resized(j.high, len(j.u))
	copy(j.low, j.u)
	copy(j.high, j.u)
	for i := range j.cliques {
		c := &j.cliques[i]
		half := 1 << (c.size - 1)
		low, high := j.low[c.at:c.at+2*half], j.high[c.at:c.at+2*half]
		for s := range half {
			low[s], high[s] = min(low[s], low[half+s]), max(high[s], high[half+s])
		}
		if c.parent < 0 {
			j.least, j.most = j.start+low[0], j.start+high[0]
			return
		}
		up := &j.cliques[c.parent]
		for s, at := range j.index[c.index : c.index+1<<up.size] {
			j.low[up.at+s] += low[at]
			j.high[up.at+s] += high[at]
		}
	}
}

// resized returns a slice of a length, in the room of s where there is enough.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}

// passes is what a goroutine needs to send messages over a junction, of real numbers or complex ones.
type passes[T float64 | complex128] struct {
	factor   []T // of each cell: exp(λu)
	table    []T
	partial  []T
	message  []T
	adjoint  []T // of the messages
	adjoints []T // of a table
	gain     []T // of each clique's column
}

// integrate sets, for each clique's column, ∫₀¹ of the expectation with it in less that with it out of Π exp(λu), when each other column is in
// with probability t: the column's Shapley value of exp(λ(f − start)) [Owen1972]. One pass from the leaves of the junction finds the
// expectation; its derivative by each probability is found on the way back.
//
// [Owen1972]: https://doi.org/10.1287/mnsc.18.5.64
func (w *passes[T]) integrate(j *junction, r rule, convert func(float64) T) {
	n := len(j.cliques)
	last := &j.cliques[n-1]
	w.table, w.partial = resized(w.table, len(j.u)), resized(w.partial, len(j.index))
	w.message, w.adjoint = resized(w.message, last.message+1<<(last.size-1)), resized(w.adjoint, last.message+1<<(last.size-1))
	w.gain = resized(w.gain, n)
	clear(w.gain)
	for q, t := range r.at {
		in, out, weight := convert(t), convert(1-t), convert(r.weight[q])
		for i := range j.cliques {
			c := &j.cliques[i]
			table := w.table[c.at : c.at+1<<c.size]
			copy(table, w.factor[c.at:])
			for _, k := range c.children {
				child := &j.cliques[k]
				partial, index, message := w.partial[child.partial:][:len(table)], j.index[child.index:][:len(table)], w.message[child.message:]
				copy(partial, table)
				for s, at := range index {
					table[s] *= message[at]
				}
			}
			half := len(table) / 2
			message, without, with := w.message[c.message:][:half], table[:half], table[half:]
			for s := range message {
				message[s] = out*without[s] + in*with[s]
			}
		}
		clear(w.adjoint)
		w.adjoint[last.message] = weight
		for i := n - 1; i >= 0; i-- {
			c := &j.cliques[i]
			table := w.table[c.at : c.at+1<<c.size]
			half := len(table) / 2
			adjoint, without, with := w.adjoint[c.message:][:half], table[:half], table[half:]
			sum := w.gain[i]
			for s, a := range adjoint {
				sum += a * (with[s] - without[s])
			}
			w.gain[i] = sum
			if len(c.children) == 0 {
				continue
			}
			w.adjoints = resized(w.adjoints, len(table))
			adjoints := w.adjoints
			for s, a := range adjoint {
				adjoints[s], adjoints[half+s] = out*a, in*a
			}
			for m := len(c.children) - 1; m >= 0; m-- {
				child := &j.cliques[c.children[m]]
				partial, index, message := w.partial[child.partial:][:len(table)], j.index[child.index:][:len(table)], w.message[child.message:]
				to := w.adjoint[child.message:]
				for s, at := range index {
					to[at] += adjoints[s] * partial[s]
					adjoints[s] *= message[at]
				}
			}
		}
	}
}
