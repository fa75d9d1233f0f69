package explain

import (
	"fmt"
	"math/bits"

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
	groups []group     // of all leaves
	starts []int32     // leaves + 1
	tables [][]float64 // by leaf: patterns × columns; nil where not kept
	of     []int32     // leaves × background: the group of each background row, counted from the leaf's first; nil where not needed
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

// keep prepares the answers for every pattern of the short paths, which pays from some dozens of rows on.
func (c *crossTree) keep() {
	c.tables = make([][]float64, len(c.leaves))
	for i := range c.leaves {
		d := len(c.leaves[i].column)
		if d == 0 || d > tabled {
			continue
		}
		table := make([]float64, d<<d)
		for m := range uint64(1) << d {
			share(c.background(i), m, table[int(m)*d:(int(m)+1)*d])
		}
		c.tables[i] = table
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
	for i := range c.leaves {
		l := &c.leaves[i]
		d := len(l.column)
		passed := w.masks[l.node] & full(d)
		var shares []float64
		switch {
		case weights != nil:
			shares = w.phi[:d]
			share(c.weighted(i, weights, w), passed, shares)
		case c.tables != nil && c.tables[i] != nil:
			shares = c.tables[i][int(passed)*d : (int(passed)+1)*d]
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
