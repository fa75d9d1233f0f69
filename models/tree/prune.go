package tree

import "math"

// PruningPath is the sequence of trees that minimal cost-complexity pruning makes of one: at Alphas[i], ascending from nought, the
// weakest links up to it are cut and the leaves' impurity is Impurities[i] (Breiman and others 1984, section 3.3).
type PruningPath struct {
	Alphas, Impurities []float64
}

// pruner cuts one tree's weakest links. Risks are weighted impurities as a share of the root's weight.
type pruner struct {
	t      *nodes
	parent []int32
	risk   []float64 // of each node as a leaf
	below  []float64 // of the leaves below
	leaves []int32
	gone   []bool // below a node that was cut, or a leaf
}

func newPruner(t *nodes) *pruner {
	n := len(t.feature)
	p := &pruner{t, make([]int32, n), make([]float64, n), make([]float64, n), make([]int32, n), make([]bool, n)}
	p.parent[0] = -1
	for i := n - 1; i >= 0; i-- {
		p.risk[i] = t.cover[i] * t.impurity[i] / t.cover[0]
		if t.feature[i] < 0 {
			p.below[i], p.leaves[i], p.gone[i] = p.risk[i], 1, true
			continue
		}
		l, r := t.left[i], t.right[i]
		p.parent[l], p.parent[r] = int32(i), int32(i)
		p.below[i], p.leaves[i] = p.below[l]+p.below[r], p.leaves[l]+p.leaves[r]
	}
	return p
}

// weakest returns the split whose removal costs least for each leaf saved, the first in pre-order where several do.
func (p *pruner) weakest() (node int32, alpha float64) {
	node, alpha = -1, math.Inf(1)
	for n := range p.gone {
		if p.gone[n] {
			continue
		}
		if a := (p.risk[n] - p.below[n]) / float64(p.leaves[n]-1); a < alpha {
			node, alpha = int32(n), a
		}
	}
	return node, alpha
}

// cut makes a split a leaf.
func (p *pruner) cut(n int32) {
	p.hide(n)
	gained, saved := p.risk[n]-p.below[n], p.leaves[n]-1
	for i := n; i >= 0; i = p.parent[i] {
		p.below[i] += gained
		p.leaves[i] -= saved
	}
}

func (p *pruner) hide(n int32) {
	if p.gone[n] {
		return
	}
	p.gone[n] = true
	p.hide(p.t.left[n])
	p.hide(p.t.right[n])
}

// path returns the whole pruning path, which ends at the root alone.
func (t *nodes) path() PruningPath {
	p := newPruner(t)
	out := PruningPath{Alphas: []float64{0}, Impurities: []float64{p.below[0]}}
	for {
		n, alpha := p.weakest()
		if n < 0 {
			return out
		}
		p.cut(n)
		out.Alphas, out.Impurities = append(out.Alphas, alpha), append(out.Impurities, p.below[0])
	}
}

// prune returns the smallest tree whose cost at alpha is least.
func (t *nodes) prune(alpha float64) *nodes {
	if alpha <= 0 {
		return t
	}
	p := newPruner(t)
	for {
		n, a := p.weakest()
		if n < 0 || a > alpha {
			break
		}
		p.cut(n)
	}
	out := &nodes{}
	t.copyTo(out, 0, p.gone)
	return out
}

// copyTo appends the nodes from n down to out, as leaves where cut says so, and returns the place of n.
func (t *nodes) copyTo(out *nodes, n int32, cut []bool) int32 {
	at := out.add(t.cover[n], t.impurity[n])
	width := len(t.values) / len(t.feature)
	out.values = append(out.values, t.values[int(n)*width:(int(n)+1)*width]...)
	if cut[n] {
		return at
	}
	out.set(at, &split{feature: t.feature[n], threshold: t.threshold[n], rank: t.rank[n], missingLeft: t.missingLeft[n], categories: t.categories[n]})
	out.gain[at] = t.gain[n]
	out.left[at] = t.copyTo(out, t.left[n], cut)
	out.right[at] = t.copyTo(out, t.right[n], cut)
	return at
}
