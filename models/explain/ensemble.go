package explain

import (
	"errors"
	"fmt"
	"math"
)

// source is one tree as its family stores it, by node; node 0 is the root. A row goes left where value <= threshold.
type source struct {
	left, right []int32 // children; both negative at a leaf
	feature     []int32
	threshold   []float64
	missingLeft []bool    // where a missing value goes
	cover       []float64 // weight of the training rows that reached the node
	values      []float64 // nodes × outputs; read at leaves only
	outputs     int
	first       int // the ensemble's output to which the tree's first one adds
}

// shape is a tree laid out in pre-order, with what Shapley values need to know of its paths. An edge is named by the node it leads
// to. Where a column is asked several times on one path, its edges are one player: the row passes them all or the column fails.
type shape struct {
	splits []split
	leaves []leaf
	nodes  int
	unique int // most distinct columns on a path
}

// split is an internal node.
type split struct {
	threshold   float64
	node        int32 // its own position
	left, right int32 // positions of the children
	feature     int32
	up          int32 // edge above that asked the same column last; -1 if none
	bit         int32 // number of the column among the distinct ones of this path, in order of appearance
	missingLeft bool
	zLeft       float64 // share of the training rows that pass this edge and every edge above it on the same column
	zRight      float64
}

// leaf is where a path ends; its columns are in order of appearance.
type leaf struct {
	node   int32
	origin int32 // index in the source's arrays
	column []int32
	z      []float64 // of each column, the share of training rows that pass all its edges on this path
}

var errTree = errors.New("explain: a tree is not a tree")

// layout brings a tree to pre-order. It returns an error where children are out of range, shared or cyclic, or columns out of range.
func layout(t source, columns int) (*shape, error) {
	n := len(t.left)
	if n == 0 || len(t.right) != n || len(t.feature) != n || len(t.threshold) != n || len(t.cover) != n || len(t.values) != n*t.outputs {
		return nil, fmt.Errorf("%w: its arrays differ in length", errTree)
	}
	type frame struct {
		origin int32
		parent int32 // index of the split above, -1 for the root
		right  bool
		path   *edge
	}
	s := &shape{nodes: n}
	stack := []frame{{0, -1, false, nil}}
	visited := 0
	for len(stack) > 0 {
		f := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if visited++; visited > n {
			return nil, fmt.Errorf("%w: a node is reached twice", errTree)
		}
		node := int32(visited - 1)
		if f.parent >= 0 {
			p := &s.splits[f.parent]
			if f.right {
				p.right = node
			} else {
				p.left = node
			}
		}
		if f.path != nil {
			f.path.node = node
		}
		l, r := t.left[f.origin], t.right[f.origin]
		if l < 0 && r < 0 {
			s.leaves = append(s.leaves, f.path.end(node, f.origin))
			s.unique = max(s.unique, len(s.leaves[len(s.leaves)-1].column))
			continue
		}
		feature := t.feature[f.origin]
		if l < 0 || r < 0 || int(l) >= n || int(r) >= n || feature < 0 || int(feature) >= columns {
			return nil, fmt.Errorf("%w: node %d has children %d and %d and column %d of %d", errTree, f.origin, l, r, feature, columns)
		}
		sp := split{threshold: t.threshold[f.origin], node: node, feature: feature, up: -1, missingLeft: t.missingLeft != nil && t.missingLeft[f.origin]}
		above := 1.0
		sp.bit = int32(f.path.distinct())
		if e := f.path.last(feature); e != nil {
			sp.up, above, sp.bit = e.node, e.z, e.bit
		}
		sp.zLeft, sp.zRight = above*share(t.cover[l], t.cover[f.origin]), above*share(t.cover[r], t.cover[f.origin])
		s.splits = append(s.splits, sp)
		at := int32(len(s.splits) - 1)
		grown := f.path.distinct()
		if sp.up < 0 {
			grown++
		}
		stack = append(stack,
			frame{r, at, true, &edge{above: f.path, feature: feature, z: sp.zRight, bit: sp.bit, count: grown}},
			frame{l, at, false, &edge{above: f.path, feature: feature, z: sp.zLeft, bit: sp.bit, count: grown}})
	}
	return s, nil
}

// share is the part of a node's training rows that go to a child. A node that none reached sends nothing anywhere.
func share(child, parent float64) float64 {
	if !(parent > 0) || !(child > 0) {
		return 0
	}
	return min(child/parent, 1)
}

// edge is a step of the path from the root, while a tree is laid out.
type edge struct {
	above   *edge
	feature int32
	node    int32
	z       float64
	bit     int32
	count   int // distinct columns on the path, this edge included
}

func (e *edge) distinct() int {
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

func (e *edge) end(node, origin int32) leaf {
	l := leaf{node: node, origin: origin}
	d := e.distinct()
	l.column, l.z = make([]int32, d), make([]float64, d)
	seen := make([]bool, d)
	for ; e != nil; e = e.above {
		// The deepest edge on a column carries the product of all of them.
		if b := e.bit; !seen[b] {
			seen[b], l.column[b], l.z[b] = true, e.feature, e.z
		}
	}
	return l
}

// left reports which way a value goes.
func (s *split) goesLeft(v float64) bool {
	return v <= s.threshold || s.missingLeft && math.IsNaN(v)
}
