package explain

import (
	"math"

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
// A split of two leaves, a twig, needs neither walk: what it adds is the product above it times numbers known beforehand.
//
// [Lundberg2020]: https://doi.org/10.1038/s42256-019-0138-9
type pathTree struct {
	*shape
	blocks int // points, in blocks of four; the last block is filled up with points of weight zero
	inner  []int32
	twigs  []int32
	// terms is split × 4 × 2 × blocks. Of an inner split the four are left passed, left not, right passed, right not, and the two the
	// factor by which the product grows and the weight with which the sum counts for the column. Of a twig the first two are left
	// passed and right passed, and the two the column's value and the sum, as multiples of the product.
	terms  []lane
	idle   [][2]float64 // factors of left and right where the column has failed above; of a twig, the sum's multiple
	folded bool         // the leaf values are in the factors of the edges to the leaves, which is possible with one output
	mean   []float64    // the tree's values with every column left out
}

// lane is four quadrature points.
type lane [4]float64

// newPathTree prepares a tree.
func newPathTree(s *shape) pathTree {
	points := max(1, (s.unique+1)/2)
	p := pathTree{shape: s, blocks: (points + 3) / 4, folded: s.width == 1, mean: make([]float64, s.width)}
	at, weight := quadrature(points, p.blocks*4)
	leafAt := make([]int32, s.nodes) // one more than the number of the leaf at a node; 0 at splits
	for i, l := range s.leaves {
		leafAt[l.node] = int32(i) + 1
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
		old := 1.0
		if sp.up >= 0 {
			old = above[sp.up]
		}
		for side, z := range [2]float64{sp.zLeft, sp.zRight} {
			child := sp.left
			if side == 1 {
				child = sp.right
			}
			value := 1.0
			if p.folded && leafAt[child] > 0 {
				value = s.values[leafAt[child]-1]
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
		if p.folded && leafAt[sp.left] > 0 && leafAt[sp.right] > 0 {
			p.twigs = append(p.twigs, int32(i))
			p.idle[i][0] += p.idle[i][1]
			join(p.terms[i*8*p.blocks:(i+1)*8*p.blocks], p.blocks)
		} else {
			p.inner = append(p.inner, int32(i))
		}
	}
	return p
}

// join turns the terms of a split of two leaves into those of a twig.
func join(terms []lane, blocks int) {
	for b := range blocks {
		for q := range 4 {
			at := func(i, part int) float64 { return terms[(i*2+part)*blocks+b][q] }
			leftValue := at(0, 0)*at(0, 1) + at(3, 0)*at(3, 1) // the row passes to the left and fails to the right
			leftSum := at(0, 0) + at(3, 0)
			rightValue := at(1, 0)*at(1, 1) + at(2, 0)*at(2, 1)
			rightSum := at(1, 0) + at(2, 0)
			terms[b][q], terms[blocks+b][q], terms[2*blocks+b][q], terms[3*blocks+b][q] = leftValue, leftSum, rightValue, rightSum
		}
	}
}

// quadrature returns the points and weights of the Gauss–Legendre rule on [0, 1], filled up to a length with points of weight zero. The
// points are the zeros of the Legendre polynomial, by Newton's method from Tricomi's first guess. (gonum's rule of 26 points has a
// wrong one.)
func quadrature(points, length int) (at, weight []float64) {
	at, weight = make([]float64, length), make([]float64, length)
	n := float64(points)
	for q := range points {
		x := (1 - (n-1)/(8*n*n*n)) * math.Cos(math.Pi*(4*float64(points-q)-1)/(4*n+2))
		slope := 0.0
		for range 10 {
			before, value := 1.0, x // Legendre polynomials of degrees k−1 and k
			for k := 1.0; k < n; k++ {
				before, value = value, ((2*k+1)*x*value-k*before)/(k+1)
			}
			slope = n * (before - x*value) / (1 - x*x)
			step := value / slope
			if x -= step; math.Abs(step) < 1e-16 {
				break
			}
		}
		at[q], weight[q] = (1+x)/2, 1/((1-x*x)*slope*slope)
	}
	for q := points; q < length; q++ {
		at[q] = 0.5
	}
	return at, weight
}

// pathScratch is what a goroutine needs beside the tree.
type pathScratch struct {
	down, up []lane
	passed   []bool
	choice   []int8 // of an inner split: 0 left passed, 1 right passed, 2 failed above
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
	columns := len(x)
	if p.folded {
		phi = phi[p.first*columns : (p.first+1)*columns]
		if p.blocks == 1 {
			p.descendOne(e, x, w)
			p.twigsOne(e, x, w, phi)
			p.ascendOne(w, phi)
			return
		}
		p.descend(e, x, w)
		p.addTwigs(e, x, w, phi)
		p.ascend(w, w.down, phi)
		return
	}
	p.descend(e, x, w)
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
	for _, i := range p.inner {
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
		k := s.side(e, x)
		w.passed[s.left], w.passed[s.right], w.choice[i] = k == 0, k == 1, int8(k)
		l := p.terms[(int(i)*4+k)*2*nb:][:nb]
		r := p.terms[(int(i)*4+3-k)*2*nb:][:nb]
		for b := range from {
			f, lt, rt := &from[b], &l[b], &r[b]
			left[b] = lane{f[0] * lt[0], f[1] * lt[1], f[2] * lt[2], f[3] * lt[3]}
			right[b] = lane{f[0] * rt[0], f[1] * rt[1], f[2] * rt[2], f[3] * rt[3]}
		}
	}
}

// addTwigs adds what the twigs give their columns and leaves their sums.
func (p *pathTree) addTwigs(e *tree.Ensemble, x []float64, w *pathScratch, phi []float64) {
	nb := p.blocks
	for _, i := range p.twigs {
		s := &p.splits[i]
		sum := w.down[int(s.node)*nb:][:nb]
		if s.up >= 0 && !w.passed[s.up] {
			for b := range sum {
				for q := range 4 {
					sum[b][q] *= p.idle[i][0]
				}
			}
			continue
		}
		k := s.side(e, x)
		values := p.terms[(int(i)*4+k)*2*nb:][:nb]
		sums := p.terms[((int(i)*4+k)*2+1)*nb:][:nb]
		total := 0.0
		for b := range sum {
			d, v, m := &sum[b], &values[b], &sums[b]
			total += (d[0]*v[0] + d[1]*v[1]) + (d[2]*v[2] + d[3]*v[3])
			*d = lane{d[0] * m[0], d[1] * m[1], d[2] * m[2], d[3] * m[3]}
		}
		phi[s.feature] += total
	}
}

// ascend replaces the products at inner nodes by the sums over their leaves and adds each edge's share to its column.
func (p *pathTree) ascend(w *pathScratch, sum []lane, phi []float64) {
	nb := p.blocks
	for n := len(p.inner) - 1; n >= 0; n-- {
		i := int(p.inner[n])
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

// side is 0 where a row goes left and 1 where it goes right.
func (s *split) side(e *tree.Ensemble, x []float64) int {
	k := 1
	if x[s.feature] <= s.threshold {
		k = 0
	}
	if s.unusual && e.GoesLeft(s.origin, x[s.feature]) {
		k = 0
	}
	return k
}
