// Package tree holds the models made of decision trees: one tree, forests, boosting, survival forests. One grower grows them all
// and one flat format holds them all, so that prediction, explanation, printing and the bundle are written once. Models that
// XGBoost wrote load into the same format.
package tree

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Scale is the scale of an ensemble's output, in the words of models.Attribution.
type Scale string

// The scales of output. Outputs of LogOdds are the log-odds of the last class where there is one output, and unnormalised
// log-probabilities of the classes (for a softmax) where there are more.
const (
	Identity    Scale = "identity"
	Probability Scale = "probability"
	LogOdds     Scale = "log-odds"
	LogHazard   Scale = "log-hazard"
	// CumulativeHazard is a cumulative hazard, or the sum of one over the times of training events (mortality).
	CumulativeHazard Scale = "cumulative hazard"
	// Survival is S(t) at one time.
	Survival Scale = "survival"
)

var scales = []Scale{Identity, Probability, LogOdds, LogHazard, CumulativeHazard, Survival}

// Bounds on what is accepted as an ensemble.
const (
	maxFeatures = 1 << 24
	maxOutputs  = 1 << 12
	maxNodes    = 1 << 28
	// MaxDepth is the deepest a node may lie below its root.
	MaxDepth = 1024
)

// Ensemble is a sum of trees as a structure of arrays. The output k of a row is Base[k] plus, over all trees that add to k, the value
// of the leaf that the row reaches; averages are sums whose leaf values were divided by the number of trees.
//
// A row is read at each node n that is not a leaf: v is the row's value in column Feature[n], first rounded to float32 where Float32 is
// set. A missing v (NaN, and a negative v at a categorical split) goes left where MissingLeft[n] is set and right otherwise. At a
// categorical split v goes right when its category is in the node's set, and left otherwise. At any other split it goes left when
// v < Threshold[n] (Strict) or v ≤ Threshold[n] (not Strict), and right otherwise.
//
// Models read a row of a matrix with ReadRow, which makes levels that were not seen in training missing. A threshold of ±MaxFloat64
// parts known values from missing ones.
//
// An Ensemble is not changed once it is made, and is safe for concurrent use.
type Ensemble struct {
	Features int       // columns that a row has
	Strict   bool      // the comparison is <, as XGBoost's, rather than ≤, as scikit-learn's
	Float32  bool      // values are rounded to float32 before they are compared
	Scale    Scale     // of the outputs
	Base     []float64 // one an output

	// Roots has one entry a tree and one more: tree t is the nodes Roots[t] to Roots[t+1], its root first, parents before children.
	Roots []int32
	// Targets is nil where every tree has a value for every output; otherwise tree t has one value and adds to output Targets[t].
	Targets []int32

	// One entry a node.
	Feature     []int32 // column of the split; -1 at a leaf
	Threshold   []float64
	Left, Right []int32 // nodes; -1 at a leaf
	MissingLeft []bool
	Cover       []float64 // training weight that reached the node: case weights, or sum of hessians in boosting
	Gain        []float64 // what the split gained, in the learner's own measure; 0 at a leaf
	// Values is nodes × Width(): at a leaf what it adds to the output, elsewhere the mean of the leaves below by cover.
	Values []float64

	// Sets is nil where no split is categorical. Otherwise Sets[n] is the number of the set of node n, or -1, and the categories of
	// set s are the bits of SetBits[SetStart[s]:SetStart[s+1]], the lowest first.
	Sets     []int32
	SetStart []int32
	SetBits  []uint64
}

// Outputs is the number of values that a row gets.
func (e *Ensemble) Outputs() int { return len(e.Base) }

// Trees is the number of trees.
func (e *Ensemble) Trees() int { return len(e.Roots) - 1 }

// Nodes is the number of nodes of all trees.
func (e *Ensemble) Nodes() int { return len(e.Feature) }

// Width is the number of values that a node has: one where trees have targets, Outputs otherwise.
func (e *Ensemble) Width() int {
	if e.Targets != nil {
		return 1
	}
	return len(e.Base)
}

// Adds reports whether tree t adds to output k.
func (e *Ensemble) Adds(t, k int) bool { return e.Targets == nil || int(e.Targets[t]) == k }

// Value returns what node n, of a tree that adds to output k, has as its value for it.
func (e *Ensemble) Value(n int32, k int) float64 {
	if e.Targets != nil {
		return e.Values[n]
	}
	return e.Values[int(n)*len(e.Base)+k]
}

// Leaf reports whether node n is a leaf.
func (e *Ensemble) Leaf(n int32) bool { return e.Feature[n] < 0 }

// GoesLeft reports whether a row whose value in column Feature[n] is v goes left at node n, which is not a leaf.
func (e *Ensemble) GoesLeft(n int32, v float64) bool {
	if e.Float32 {
		v = float64(float32(v))
	}
	if v != v {
		return e.MissingLeft[n]
	}
	if e.Sets != nil && e.Sets[n] >= 0 {
		if v < 0 {
			return e.MissingLeft[n]
		}
		return !e.inSet(e.Sets[n], v)
	}
	if e.Strict {
		return v < e.Threshold[n]
	}
	return v <= e.Threshold[n]
}

// inSet reports whether category v, not negative, is in set s.
func (e *Ensemble) inSet(s int32, v float64) bool {
	bits := e.SetBits[e.SetStart[s]:e.SetStart[s+1]]
	if v >= float64(len(bits)*64) {
		return false
	}
	c := int(v)
	return bits[c/64]>>(c%64)&1 == 1
}

// Categories returns the categories that go right at node n, ascending, and whether its split is categorical.
func (e *Ensemble) Categories(n int32) ([]int, bool) {
	if e.Sets == nil || e.Sets[n] < 0 {
		return nil, false
	}
	var out []int
	for i, w := range e.SetBits[e.SetStart[e.Sets[n]]:e.SetStart[e.Sets[n]+1]] {
		for b := range 64 {
			if w>>b&1 == 1 {
				out = append(out, i*64+b)
			}
		}
	}
	return out, true
}

// Reach returns the leaf of tree t that a row reaches. The row has a value a column.
func (e *Ensemble) Reach(t int, row []float64) int32 {
	n := e.Roots[t]
	for e.Feature[n] >= 0 {
		if e.GoesLeft(n, row[e.Feature[n]]) {
			n = e.Left[n]
		} else {
			n = e.Right[n]
		}
	}
	return n
}

// Output writes a row's outputs to out, which has one place an output. It is the definition of what an ensemble says; models use
// a faster form of the same.
func (e *Ensemble) Output(row, out []float64) {
	copy(out, e.Base)
	for t := range e.Trees() {
		n := e.Reach(t, row)
		if e.Targets != nil {
			out[e.Targets[t]] += e.Values[n]
			continue
		}
		for k := range out {
			out[k] += e.Values[int(n)*len(out)+k]
		}
	}
}

// Depth returns the number of splits between the root and the deepest leaf of tree t.
func (e *Ensemble) Depth(t int) int {
	first := e.Roots[t]
	depth := make([]int32, e.Roots[t+1]-first)
	deepest := int32(0)
	for n := first; n < e.Roots[t+1]; n++ {
		if e.Feature[n] < 0 {
			deepest = max(deepest, depth[n-first])
			continue
		}
		depth[e.Left[n]-first] = depth[n-first] + 1
		depth[e.Right[n]-first] = depth[n-first] + 1
	}
	return int(deepest)
}

// Leaves returns the number of leaves of tree t.
func (e *Ensemble) Leaves(t int) int { return int(e.Roots[t+1]-e.Roots[t]+1) / 2 }

// Validate returns an error where the arrays do not make an ensemble: wrong lengths, a child that is not below its parent, a node
// with two parents, a column that is not there, a number that is not finite. Whatever it accepts can be walked without a fault.
func (e *Ensemble) Validate() error {
	nodes, trees := len(e.Feature), len(e.Roots)-1
	switch {
	case e.Features < 1 || e.Features > maxFeatures:
		return fmt.Errorf("tree: %d columns, want 1 to %d", e.Features, maxFeatures)
	case !slices.Contains(scales, e.Scale):
		return fmt.Errorf("tree: scale %q, want one of %q", e.Scale, scales)
	case len(e.Base) < 1 || len(e.Base) > maxOutputs:
		return fmt.Errorf("tree: %d outputs, want 1 to %d", len(e.Base), maxOutputs)
	case nodes > maxNodes:
		return fmt.Errorf("tree: %d nodes, want at most %d", nodes, maxNodes)
	case trees < 0 || e.Roots[0] != 0 || int(e.Roots[trees]) != nodes:
		return errors.New("tree: the trees do not cover the nodes")
	case e.Targets != nil && len(e.Targets) != trees:
		return fmt.Errorf("tree: %d targets for %d trees", len(e.Targets), trees)
	case len(e.Threshold) != nodes || len(e.Left) != nodes || len(e.Right) != nodes || len(e.MissingLeft) != nodes ||
		len(e.Cover) != nodes || len(e.Gain) != nodes || len(e.Values) != nodes*e.Width() || e.Sets != nil && len(e.Sets) != nodes:
		return errors.New("tree: arrays of nodes differ in length")
	}
	for _, k := range e.Targets {
		if k < 0 || int(k) >= len(e.Base) {
			return fmt.Errorf("tree: target %d, there are %d outputs", k, len(e.Base))
		}
	}
	for _, list := range [][]float64{e.Base, e.Cover, e.Gain, e.Values} {
		for i, v := range list {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("tree: value %d is %v", i, v)
			}
		}
	}
	if err := e.validateSets(); err != nil {
		return err
	}
	for t := range trees {
		if err := e.validateTree(t); err != nil {
			return err
		}
	}
	return nil
}

func (e *Ensemble) validateSets() error {
	if e.Sets == nil {
		return nil
	}
	sets := len(e.SetStart) - 1
	if sets < 0 || e.SetStart[0] != 0 || int(e.SetStart[sets]) != len(e.SetBits) {
		return errors.New("tree: the sets do not cover their bits")
	}
	for s := range sets {
		if e.SetStart[s] > e.SetStart[s+1] {
			return fmt.Errorf("tree: set %d ends before it starts", s)
		}
	}
	for n, s := range e.Sets {
		if s < -1 || int(s) >= sets {
			return fmt.Errorf("tree: node %d has set %d, there are %d", n, s, sets)
		}
	}
	return nil
}

// validateTree checks the nodes of one tree. Children lie after their parent and inside the tree, and no node is a child twice; as
// many children as nodes but the root then make it a tree.
func (e *Ensemble) validateTree(t int) error {
	first, end := e.Roots[t], e.Roots[t+1]
	if first < 0 || end <= first || int(end) > len(e.Feature) {
		return fmt.Errorf("tree %d: nodes %d to %d", t, first, end)
	}
	depth := make([]int32, end-first) // below the root, plus one; 0 where no parent was met
	depth[0] = 1
	for n := first; n < end; n++ {
		d, f, l, r := depth[n-first], e.Feature[n], e.Left[n], e.Right[n]
		switch {
		case d == 0:
			return fmt.Errorf("tree %d: node %d has no parent before it", t, n)
		case d > MaxDepth+1:
			return fmt.Errorf("tree %d: deeper than %d", t, MaxDepth)
		case e.Cover[n] < 0:
			return fmt.Errorf("tree %d: node %d has cover %v", t, n, e.Cover[n])
		case f == -1 && l == -1 && r == -1:
			continue
		case f < 0 || int(f) >= e.Features:
			return fmt.Errorf("tree %d: node %d splits column %d of %d", t, n, f, e.Features)
		case l <= n || l >= end || r <= n || r >= end || l == r || depth[l-first] != 0 || depth[r-first] != 0:
			return fmt.Errorf("tree %d: node %d has children %d and %d", t, n, l, r)
		case math.IsNaN(e.Threshold[n]) || math.IsInf(e.Threshold[n], 0):
			return fmt.Errorf("tree %d: node %d has threshold %v", t, n, e.Threshold[n])
		}
		depth[l-first], depth[r-first] = d+1, d+1
	}
	return nil
}
