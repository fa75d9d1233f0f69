package explain

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/voxgene/voxgene/models/tree"
)

// crossTree computes exact interventional Shapley values of one tree [Lundberg2020]: a column that is left out takes its value
// from a background row.
//
// With a row x and a background row b, a column of the path to a leaf of value v is passed by both (and plays no part), by x
// alone, by b alone, or by neither (and the leaf is out of reach). With a columns of the first kind and c of the second, each of
// the a columns gets v·B(a−1, c) and each of the c gets −v·B(a, c−1), where B(a, c) = ∫₀¹ t^a (1−t)^c dt = a! c! / (a+c+1)!.
// So a leaf needs to know only which of its columns x passes, as bits, and how much background passes which: rows of the
// background that pass the same columns are counted once. For short paths and many rows the answer for each pattern of x is kept.
type crossTree struct {
	*shape
	groups []group   // of all leaves
	starts []int32   // leaves + 1
	kept   []kept    // by leaf; nil where no answers are kept
	tables []float64 // of the leaves one after the other: patterns × columns
	asks   []int32   // their columns
	of     []int32   // leaves × background: the group of each background row, counted from the leaf's first; nil where not needed
}

// kept is where the answers of a leaf are.
type kept struct {
	node, columns int32
	ask, table    int32 // first of its columns, and of its table; −1 where the path is too long for one
	live          uint64
}

// group is the background that passes the same columns of a leaf's path.
type group struct {
	passed uint64
	weight float64
}

// beta is B(a, c) for the paths that fit in a word.
var beta = func() (b [65][65]float64) {
	// B(a, 0) = 1/(a+1); B(a, c) = B(a, c−1) · c / (a+c+1).
	for a := range b {
		b[a][0] = 1 / float64(a+1)
		for c := 1; c < len(b[a]); c++ {
			b[a][c] = b[a][c-1] * float64(c) / float64(a+c+1)
		}
	}
	return b
}()

// newCrossTree prepares a tree for a background, given row-major with as many values as the ensemble has columns.
func newCrossTree(e *tree.Ensemble, s *shape, background, weights []float64, columns int, remember bool) (crossTree, error) {
	if s.unique > 64 {
		return crossTree{}, fmt.Errorf("a path of a tree asks %d different columns; the interventional method takes at most 64: use tree_path_dependent", s.unique)
	}
	c := crossTree{shape: s}
	masks := make([]uint64, s.nodes)
	by := make([][]group, len(s.leaves))
	if remember {
		c.of = make([]int32, len(s.leaves)*len(weights))
	}
	for b, w := range weights {
		s.follow(e, background[b*columns:(b+1)*columns], masks)
		for i := range s.leaves {
			var at int
			by[i], at = count(by[i], masks[s.leaves[i].node]&full(len(s.leaves[i].column)), w)
			if remember {
				c.of[i*len(weights)+b] = int32(at)
			}
		}
	}
	c.starts = make([]int32, len(s.leaves)+1)
	for i := range by {
		c.groups = append(c.groups, by[i]...)
		c.starts[i+1] = int32(len(c.groups))
	}
	return c, nil
}

// mean returns the tree's value k, averaged over the background.
func (c *crossTree) mean(k int) float64 {
	sum := 0.0
	for i := range c.leaves {
		all := full(len(c.leaves[i].column))
		for _, g := range c.background(i) {
			if g.passed == all {
				sum += g.weight * c.values[i*c.width+k]
			}
		}
	}
	return sum
}

// count adds a weight to the group of a pattern and returns which that is.
func count(groups []group, passed uint64, weight float64) ([]group, int) {
	for i := range groups {
		if groups[i].passed == passed {
			groups[i].weight += weight
			return groups, i
		}
	}
	return append(groups, group{passed, weight}), len(groups)
}

func full(columns int) uint64 {
	if columns == 64 {
		return ^uint64(0)
	}
	return 1<<columns - 1
}

// follow sets, for each node, which columns of its path a row passes, by bit in order of appearance; higher bits are set.
func (s *shape) follow(e *tree.Ensemble, x []float64, masks []uint64) {
	masks[0] = ^uint64(0)
	for i := range s.splits {
		sp := &s.splits[i]
		m, bit := masks[sp.node], uint64(1)<<uint(sp.bit&63)
		if sp.goesLeft(e, x[sp.feature]) {
			masks[sp.left], masks[sp.right] = m, m&^bit
		} else {
			masks[sp.left], masks[sp.right] = m&^bit, m
		}
	}
}

// background returns the groups of leaf i.
func (c *crossTree) background(i int) []group { return c.groups[c.starts[i]:c.starts[i+1]] }

// share sets phi, one value a column of a leaf, for a row that passes these columns, from a leaf of value 1.
func share(groups []group, passed uint64, phi []float64) {
	clear(phi)
	all := full(len(phi))
	failed := all &^ passed
	for _, g := range groups {
		if failed&^g.passed != 0 {
			continue // a column that neither passes
		}
		alone := all &^ g.passed // passed by the row alone; failed holds those passed by the background alone
		a, b := bits.OnesCount64(alone), bits.OnesCount64(failed)
		if a > 0 {
			v := g.weight * beta[a-1][b]
			for m := alone; m != 0; m &= m - 1 {
				phi[bits.TrailingZeros64(m)] += v
			}
		}
		if b > 0 {
			v := g.weight * beta[a][b-1]
			for m := failed; m != 0; m &= m - 1 {
				phi[bits.TrailingZeros64(m)] -= v
			}
		}
	}
}

// tabled is the longest path of which every pattern's answer is kept.
const tabled = 8

// tableCells is the most numbers that the tables of a tree hold.
const tableCells = 1 << 22

// keep prepares the answers for every pattern of the short paths, which pays from some dozens of rows on. A pattern is live where its
// answer is not all zero.
func (c *crossTree) keep() {
	cells := 0
	for i := range c.leaves {
		if d := len(c.leaves[i].column); d <= tabled {
			cells += d << d
		}
	}
	if cells > tableCells {
		return
	}
	c.kept, c.tables = make([]kept, len(c.leaves)), make([]float64, 0, cells)
	for i := range c.leaves {
		l := &c.leaves[i]
		d := len(l.column)
		k := kept{node: l.node, columns: int32(d), ask: int32(len(c.asks)), table: -1, live: ^uint64(0)}
		c.asks = append(c.asks, l.column...)
		if d <= tabled {
			k.table = int32(len(c.tables))
			c.tables = c.tables[:len(c.tables)+d<<d]
			for m := range uint64(1) << d {
				answer := c.tables[int(k.table)+int(m)*d:][:d]
				share(c.background(i), m, answer)
				if d <= 6 && !slices.ContainsFunc(answer, func(v float64) bool { return v != 0 }) {
					k.live &^= 1 << m
				}
			}
		}
		c.kept[i] = k
	}
}

// crossScratch is what a goroutine needs beside the tree.
type crossScratch struct {
	masks  []uint64
	phi    [64]float64
	groups []group
}

// add adds the tree's Shapley values of a row to phi, which is outputs × columns for the whole ensemble. Weights, where not nil,
// take the place of the weights of the background rows, which the tree must have remembered.
func (c *crossTree) add(e *tree.Ensemble, x, weights []float64, w *crossScratch, phi []float64) {
	if len(c.splits) == 0 {
		return
	}
	if len(w.masks) < c.nodes {
		w.masks = make([]uint64, c.nodes)
	}
	c.follow(e, x, w.masks)
	columns := len(x)
	if c.kept != nil && c.width == 1 && weights == nil {
		c.look(w, phi[c.first*columns:(c.first+1)*columns])
		return
	}
	for i := range c.leaves {
		l := &c.leaves[i]
		d := len(l.column)
		passed := w.masks[l.node] & full(d)
		var shares []float64
		switch {
		case weights != nil:
			shares = w.phi[:d]
			share(c.weighted(i, weights, w), passed, shares)
		case c.kept != nil && c.kept[i].table >= 0:
			shares = c.tables[int(c.kept[i].table)+int(passed)*d:][:d]
		default:
			shares = w.phi[:d]
			share(c.background(i), passed, shares)
		}
		for k := range c.width {
			v := c.values[i*c.width+k]
			to := phi[(c.first+k)*columns : (c.first+k+1)*columns]
			for j, col := range l.column {
				to[col] += v * shares[j]
			}
		}
	}
}

// look adds what is kept for a row, whose masks are set, to the values of the tree's one output.
func (c *crossTree) look(w *crossScratch, phi []float64) {
	values, masks := c.values, w.masks[:c.nodes]
	for i := range c.kept {
		k := &c.kept[i]
		d := int(k.columns)
		passed := masks[k.node] & full(d)
		if d <= 6 && k.live>>(passed&63)&1 == 0 {
			continue
		}
		var shares []float64
		if k.table >= 0 {
			shares = c.tables[int(k.table)+int(passed)*d:][:d]
		} else {
			shares = w.phi[:d]
			share(c.background(i), passed, shares)
		}
		v := values[i]
		for j, column := range c.asks[k.ask:][:len(shares)] {
			phi[column] += v * shares[j]
		}
	}
}

// weighted returns the groups of leaf i under other weights of the background rows.
func (c *crossTree) weighted(i int, weights []float64, w *crossScratch) []group {
	w.groups = append(w.groups[:0], c.background(i)...)
	for g := range w.groups {
		w.groups[g].weight = 0
	}
	for b, g := range c.of[i*len(weights) : (i+1)*len(weights)] {
		w.groups[g].weight += weights[b]
	}
	return w.groups
}
