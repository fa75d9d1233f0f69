package golearn

import (
	"github.com/sjwhitworth/golearn/trees"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// importer turns a tree of golearn's into one of ours, taking the training rows down it.
type importer struct {
	x     models.Matrix
	class []int
	e     tree.Ensemble
	rows  [][]int // of each node
}

func rowsOf(x models.Matrix) []int {
	rows := make([]int, x.Rows)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// add appends a leaf that these rows reach.
func (w *importer) add(rows []int) int32 {
	n := int32(len(w.e.Feature))
	w.e.Feature, w.e.Threshold = append(w.e.Feature, -1), append(w.e.Threshold, 0)
	w.e.Left, w.e.Right = append(w.e.Left, -1), append(w.e.Right, -1)
	w.rows = append(w.rows, rows)
	return n
}

// split makes a leaf a split and returns the rows of both sides; it does nothing where one side gets none, as then nothing is known of it.
func (w *importer) split(n int32, column int, goesLeft func(v float64) bool, threshold float64) (left, right []int, ok bool) {
	for _, r := range w.rows[n] {
		if goesLeft(w.x.Column(column)[r]) {
			left = append(left, r)
		} else {
			right = append(right, r)
		}
	}
	if len(left) == 0 || len(right) == 0 {
		return nil, nil, false
	}
	w.e.Feature[n], w.e.Threshold[n] = int32(column), threshold
	return left, right, true
}

// id3 imports a node of ID3 or of a random tree; values up to the threshold are its child "0". A node with one child is that child.
func (w *importer) id3(d *trees.DecisionTreeNode, rows []int) int32 {
	low, high := d.Children["0"], d.Children["1"]
	if low == nil && high != nil {
		return w.id3(high, rows)
	}
	if high == nil && low != nil {
		return w.id3(low, rows)
	}
	n := w.add(rows)
	if low == nil || d.SplitRule == nil || d.SplitRule.SplitAttr == nil {
		return n
	}
	column := columnOf(d.SplitRule.SplitAttr)
	t := d.SplitRule.SplitVal
	left, right, ok := w.split(n, column, func(v float64) bool { return v <= t }, t)
	if !ok {
		return n
	}
	w.e.Left[n] = w.id3(low, left)
	w.e.Right[n] = w.id3(high, right)
	return n
}

// importCART imports the tree, breadth first; values below the threshold go left. golearn marks a root that it found no split for in a
// field that is not exported; such a root lowers impurity by nothing.
func importCART(w *importer, c *trees.CARTDecisionTreeClassifier) {
	queue, at := listOf(c.RootNode), []int32{w.add(rowsOf(w.x))}
	for i := 0; i < len(queue); i++ {
		from, n := queue[i], at[i]
		t := from.Threshold
		left, right, ok := w.split(n, int(from.Feature), func(v float64) bool { return v < t }, t)
		if !ok {
			continue
		}
		if i == 0 && w.impurity(left)+w.impurity(right) >= w.impurity(w.rows[n])*(1-1e-12) {
			w.e.Feature[n], w.e.Threshold[n] = -1, 0
			continue
		}
		w.e.Left[n] = w.add(left)
		w.e.Right[n] = w.add(right)
		if from.Left != nil {
			queue, at = append(queue, from.Left), append(at, w.e.Left[n])
		}
		if from.Right != nil {
			queue, at = append(queue, from.Right), append(at, w.e.Right[n])
		}
	}
}

// listOf makes a list of a type that cannot be named.
func listOf[T any](v T) []T { return []T{v} }

// counts returns how many of the rows are of each class.
func (w *importer) counts(rows []int, classes int) []float64 {
	n := make([]float64, classes)
	for _, r := range rows {
		n[w.class[r]]++
	}
	return n
}

// impurity is the Gini impurity of rows, times their number.
func (w *importer) impurity(rows []int) float64 {
	top := 0
	for _, r := range rows {
		top = max(top, w.class[r])
	}
	sum := 0.0
	for _, n := range w.counts(rows, top+1) {
		sum += n * n
	}
	return float64(len(rows)) - sum/float64(len(rows))
}

// model finishes the ensemble: class shares, covers, and gains in Gini impurity.
func (w *importer) model(kind string, t models.Training, strict bool) (models.Model, error) {
	e, k := &w.e, len(t.Y.Classes)
	e.Features, e.Strict, e.Scale, e.Roots = len(t.X.Columns), strict, tree.Probability, []int32{0, int32(len(e.Feature))}
	e.Base = make([]float64, k)
	if k == 2 {
		e.Base = e.Base[:1]
	}
	e.MissingLeft = make([]bool, len(e.Feature))
	for n, rows := range w.rows {
		counts := w.counts(rows, k)
		for c := k - len(e.Base); c < k; c++ { // of two classes, the last
			e.Values = append(e.Values, counts[c]/float64(len(rows)))
		}
		e.Cover = append(e.Cover, float64(len(rows)))
		gain := 0.0
		if e.Feature[n] >= 0 {
			left, right := w.rows[e.Left[n]], w.rows[e.Right[n]]
			gain = max(w.impurity(rows)-w.impurity(left)-w.impurity(right), 0)
			e.MissingLeft[n] = len(left) > len(right)
		}
		e.Gain = append(e.Gain, gain)
	}
	return tree.NewClassifier(kind, t.X.Columns, t.Y.Classes, nil, e)
}
