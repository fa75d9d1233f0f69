package explain

import (
	"math"

	"github.com/voxgene/voxgene/models/tree"
)

// shape is a tree laid out in pre-order, with what Shapley values need to know of its paths. An edge is named by the node it leads
// to. Where a column is asked several times on one path, its edges are one player: the row passes them all or the column fails.
type shape struct {
	splits []split
	leaves []leaf
	nodes  int
	unique int // most distinct columns on a path
	// values is leaves × width; the tree's value k is added to output first + k.
	values []float64
	width  int
	first  int
}

// split is an internal node. A value goes left where it is at most the threshold.
type split struct {
	threshold   float64
	node        int32 // its own position
	left, right int32 // positions of the children
	feature     int32
	up          int32 // edge above that asked the same column last; -1 if none
	bit         int32 // number of the column among the distinct ones of this path, in order of appearance
	unusual     bool  // a missing value goes left, or the split is by category: ask the ensemble
	origin      int32 // node of the ensemble
	zLeft       float64
	zRight      float64 // share of the training rows that pass this edge and every edge above it on the same column
}

// leaf is where a path ends; its columns are in order of appearance.
type leaf struct {
	node   int32
	column []int32
	z      []float64 // of each column, the share of training rows that pass all its edges on this path
}

// asked returns the columns that some split asks, and for each column its place among them.
func asked(e *tree.Ensemble) (place []int32, used []int) {
	place = make([]int32, e.Features)
	for n := range e.Feature {
		if !e.Leaf(int32(n)) {
			place[e.Feature[n]] = 1
		}
	}
	for j, p := range place {
		if p == 1 {
			place[j] = int32(len(used))
			used = append(used, j)
		}
	}
	return place, used
}

// layouts brings every tree of a valid ensemble to pre-order. Columns are renumbered to those that some split asks, which are
// returned too. Of the outputs only those from first to last, not included, are kept.
func layouts(e *tree.Ensemble, first, last int) ([]*shape, []int) {
	place, used := asked(e)
	var out []*shape
	for t := range e.Trees() {
		if e.Targets != nil {
			if k := int(e.Targets[t]); k >= first && k < last {
				out = append(out, layout(e, t, place, k, k+1, k-first))
			}
			continue
		}
		out = append(out, layout(e, t, place, first, last, 0))
	}
	return out, used
}

// layout brings tree t to pre-order. Its values are those for outputs from first to last; the first of them is output place of
// what is explained.
func layout(e *tree.Ensemble, t int, columns []int32, first, last, place int) *shape {
	type frame struct {
		origin int32
		parent int32 // index of the split above, -1 for the root
		right  bool
		path   *edge
	}
	s := &shape{width: last - first, first: place}
	stack := []frame{{e.Roots[t], -1, false, nil}}
	for len(stack) > 0 {
		f := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		node := int32(s.nodes)
		s.nodes++
		if f.parent >= 0 {
			if p := &s.splits[f.parent]; f.right {
				p.right = node
			} else {
				p.left = node
			}
			f.path.node = node
		}
		if e.Leaf(f.origin) {
			l := f.path.end(node)
			s.leaves = append(s.leaves, l)
			s.unique = max(s.unique, len(l.column))
			for k := first; k < last; k++ {
				s.values = append(s.values, e.Value(f.origin, k))
			}
			continue
		}
		sp := split{threshold: e.Threshold[f.origin], node: node, feature: columns[e.Feature[f.origin]], up: -1, bit: f.path.distinct(),
			unusual: e.MissingLeft[f.origin], origin: f.origin}
		if e.Strict {
			sp.threshold = math.Nextafter(sp.threshold, math.Inf(-1)) // v < t is v ≤ the number before t
		}
		if e.Sets != nil && e.Sets[f.origin] >= 0 {
			sp.threshold, sp.unusual = math.Inf(-1), true
		}
		above, grown := 1.0, f.path.distinct()+1
		if last := f.path.last(sp.feature); last != nil {
			sp.up, above, sp.bit, grown = last.node, last.z, last.bit, grown-1
		}
		l, r := e.Left[f.origin], e.Right[f.origin]
		sp.zLeft, sp.zRight = above*part(e.Cover[l], e.Cover[f.origin]), above*part(e.Cover[r], e.Cover[f.origin])
		s.splits = append(s.splits, sp)
		at := int32(len(s.splits) - 1)
		stack = append(stack,
			frame{r, at, true, &edge{above: f.path, feature: sp.feature, z: sp.zRight, bit: sp.bit, count: grown}},
			frame{l, at, false, &edge{above: f.path, feature: sp.feature, z: sp.zLeft, bit: sp.bit, count: grown}})
	}
	return s
}

// part is the share of a node's training rows that go to a child. A node that none reached sends nothing anywhere.
func part(child, parent float64) float64 {
	if !(parent > 0) || !(child > 0) {
		return 0
	}
	return min(child/parent, 1)
}

// edge is a step of the path from the root, while a tree is laid out. A nil edge is the root's.
type edge struct {
	above   *edge
	feature int32
	node    int32
	z       float64
	bit     int32
	count   int32 // distinct columns on the path, this edge included
}

func (e *edge) distinct() int32 {
	if e == nil {
		return 0
	}
	return e.count
}

func (e *edge) last(feature int32) *edge {
	for ; e != nil; e = e.above {
		if e.feature == feature {
			return e
		}
	}
	return nil
}

func (e *edge) end(node int32) leaf {
	d := e.distinct()
	l := leaf{node: node, column: make([]int32, d), z: make([]float64, d)}
	seen := make([]bool, d)
	for ; e != nil; e = e.above {
		// The deepest edge on a column carries the product of all of them.
		if b := e.bit; !seen[b] {
			seen[b], l.column[b], l.z[b] = true, e.feature, e.z
		}
	}
	return l
}

// goesLeft reports which way a value goes.
func (s *split) goesLeft(e *tree.Ensemble, v float64) bool {
	return v <= s.threshold || s.unusual && e.GoesLeft(s.origin, v)
}
