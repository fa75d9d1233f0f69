package explain

import (
	"gonum.org/v1/gonum/integrate/quad"

	"github.com/voxgene/voxgene/models/tree"
)

// pathTree computes exact path-dependent Shapley values of one tree [Lundberg2020]: a column that is left out is averaged over
// by sending the row down both children in proportion to their training rows.
//
// On the path to a leaf of value v, column j is passed by the row (o = 1) or not (o = 0), and by a share z of the training rows.
// Its Shapley value from that leaf is v (o_j − z_j) ∫₀¹ Π_{i≠j} (o_i t + z_i (1−t)) dt, because ∫ t^k (1−t)^(d−1−k) dt is the
// Shapley weight of k columns among d−1. The integrand is a polynomial of degree d−1, so Gauss–Legendre quadrature with ⌈d/2⌉
// points is exact. Walking down, a node holds the product of the factors at each point; walking up, the sum over its leaves;
// so a tree costs nodes × points, and since every factor is positive, nothing cancels.
//
// [Lundberg2020]: https://doi.org/10.1038/s42256-019-0138-9
type pathTree struct {
	*shape
	blocks int    // points, in blocks of four; the last block is filled up with points of weight zero
	terms  []lane // split × 4 (left passed, left not, right passed, right not) × (factor, weight) × blocks
	idle   [][2]float64
	folded bool      // the leaf values are in the factors of the edges to the leaves, which is possible with one output
	mean   []float64 // the tree's values with every column left out
}

// lane is four quadrature points.
type lane [4]float64

// newPathTree prepares a tree.
func newPathTree(s *shape) pathTree {
	points := max(1, (s.unique+1)/2)
	p := pathTree{shape: s, blocks: (points + 3) / 4, folded: s.width == 1, mean: make([]float64, s.width)}
	at, weight := quadrature(points, p.blocks*4)
	isLeaf := make([]int32, s.nodes)
	for i := range isLeaf {
		isLeaf[i] = -1
	}
	for i, l := range s.leaves {
		isLeaf[l.node] = int32(i)
		reach := 1.0
		for _, z := range l.z {
			reach *= z
		}
		for k := range s.width {
			p.mean[k] += reach * s.values[i*s.width+k]
		}
	}

	p.terms = make([]lane, len(s.splits)*8*p.blocks)
	p.idle = make([][2]float64, len(s.splits))
	above := make([]float64, s.nodes) // z of the edge to each node
	for i := range s.splits {
		sp := &s.splits[i]
		above[sp.left], above[sp.right] = sp.zLeft, sp.zRight
		for side, z := range [2]float64{sp.zLeft, sp.zRight} {
			child := sp.left
			if side == 1 {
				child = sp.right
			}
			value := 1.0
			if p.folded && isLeaf[child] >= 0 {
				value = s.values[isLeaf[child]]
			}
			old := 1.0
			if sp.up >= 0 {
				old = above[sp.up]
			}
			if old > 0 {
				p.idle[i][side] = z / old * value
			}
			for q := range p.blocks * 4 {
				t, w := at[q], weight[q]
				passed, failed := t+z*(1-t), z*(1-t)
				factor, gain := 1.0, 0.0
				if sp.up >= 0 {
					factor = t + old*(1-t)
					gain = (1 - old) / factor
				}
				b := (i*4+side*2)*2*p.blocks + q/4
				p.terms[b][q%4] = passed / factor * value
				p.terms[b+p.blocks][q%4] = w * ((1-z)/passed - gain)
				b += 2 * p.blocks
				p.terms[b][q%4] = failed / factor * value
				p.terms[b+p.blocks][q%4] = w * (-1/(1-t) - gain)
			}
		}
	}
	return p
}

// quadrature returns the points and weights of the Gauss–Legendre rule on [0, 1], filled up to a length with points of weight zero.
func quadrature(points, length int) (at, weight []float64) {
	at, weight = make([]float64, length), make([]float64, length)
	quad.Legendre{}.FixedLocations(at[:points], weight[:points], 0, 1)
	for q := points; q < length; q++ {
		at[q] = 0.5
	}
	return at, weight
}

// pathScratch is what a goroutine needs beside the tree.
type pathScratch struct {
	down, up []lane
	passed   []bool
	choice   []int8
}

func (w *pathScratch) fit(p *pathTree) {
	if n := p.nodes * p.blocks; len(w.down) < n {
		w.down, w.up = make([]lane, n), make([]lane, n)
	}
	if len(w.passed) < p.nodes {
		w.passed, w.choice = make([]bool, p.nodes), make([]int8, p.nodes)
	}
}

// add adds the tree's Shapley values of a row to phi, which is outputs × columns for the whole ensemble.
func (p *pathTree) add(e *tree.Ensemble, x []float64, w *pathScratch, phi []float64) {
	if len(p.splits) == 0 {
		return
	}
	w.fit(p)
	p.descend(e, x, w)
	columns := len(x)
	if p.folded {
		p.ascend(w, w.down, phi[p.first*columns:(p.first+1)*columns])
		return
	}
	for k := range p.width {
		for i := range p.leaves {
			n := int(p.leaves[i].node) * p.blocks
			for b := n; b < n+p.blocks; b++ {
				for q := range 4 {
					w.up[b][q] = w.down[b][q] * p.values[i*p.width+k]
				}
			}
		}
		p.ascend(w, w.up, phi[(p.first+k)*columns:(p.first+k+1)*columns])
	}
}

// descend sets, at each node and point, the product of the factors of the columns on its path.
func (p *pathTree) descend(e *tree.Ensemble, x []float64, w *pathScratch) {
	nb := p.blocks
	for b := range nb {
		w.down[b] = lane{1, 1, 1, 1}
	}
	for i := range p.splits {
		s := &p.splits[i]
		from, left, right := w.down[int(s.node)*nb:][:nb], w.down[int(s.left)*nb:][:nb], w.down[int(s.right)*nb:][:nb]
		if s.up >= 0 && !w.passed[s.up] {
			w.passed[s.left], w.passed[s.right], w.choice[i] = false, false, 2
			l, r := p.idle[i][0], p.idle[i][1]
			for b := range from {
				for q := range 4 {
					left[b][q], right[b][q] = from[b][q]*l, from[b][q]*r
				}
			}
			continue
		}
		k := 0
		if !s.goesLeft(e, x[s.feature]) {
			k = 1
		}
		w.passed[s.left], w.passed[s.right], w.choice[i] = k == 0, k == 1, int8(k)
		l := p.terms[(i*4+k)*2*nb:][:nb]
		r := p.terms[(i*4+3-k)*2*nb:][:nb]
		for b := range from {
			f, lt, rt := &from[b], &l[b], &r[b]
			left[b] = lane{f[0] * lt[0], f[1] * lt[1], f[2] * lt[2], f[3] * lt[3]}
			right[b] = lane{f[0] * rt[0], f[1] * rt[1], f[2] * rt[2], f[3] * rt[3]}
		}
	}
}

// ascend replaces the products at inner nodes by the sums over their leaves and adds each edge's share to its column.
func (p *pathTree) ascend(w *pathScratch, sum []lane, phi []float64) {
	nb := p.blocks
	for i := len(p.splits) - 1; i >= 0; i-- {
		s := &p.splits[i]
		to, left, right := sum[int(s.node)*nb:][:nb], sum[int(s.left)*nb:][:nb], sum[int(s.right)*nb:][:nb]
		k := int(w.choice[i])
		if k == 2 {
			for b := range to {
				for q := range 4 {
					to[b][q] = left[b][q] + right[b][q]
				}
			}
			continue
		}
		l := p.terms[((i*4+k)*2+1)*nb:][:nb]
		r := p.terms[((i*4+3-k)*2+1)*nb:][:nb]
		total := 0.0
		for b := range to {
			lv, rv, lt, rt := &left[b], &right[b], &l[b], &r[b]
			total += (lv[0]*lt[0] + lv[1]*lt[1]) + (lv[2]*lt[2] + lv[3]*lt[3]) +
				((rv[0]*rt[0] + rv[1]*rt[1]) + (rv[2]*rt[2] + rv[3]*rt[3]))
			to[b] = lane{lv[0] + rv[0], lv[1] + rv[1], lv[2] + rv[2], lv[3] + rv[3]}
		}
		phi[s.feature] += total
	}
}
