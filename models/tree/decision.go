package tree

import (
	"context"
	"fmt"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
)

func init() {
	models.Register(models.Kind{
		Name: "decision_tree", Outcomes: []clinical.OutcomeKind{clinical.Class}, Params: treeParams(decisionDefaults),
		New: newDecision, Decode: DecodeClassifier("decision_tree"),
	})
}

// DecisionTree learns one classification tree (CART, Breiman and others 1984) as scikit-learn's DecisionTreeClassifier does, with
// the splits of best decrease among all columns and all thresholds. Where several splits are equally good it takes the first column and
// the lowest threshold, so that the same rows give the same tree.
//
// Missing values are tried on both sides of each split; a node that met none sends those to come where more of its rows went.
// Categorical columns are split into two sets of categories.
type DecisionTree struct {
	Criterion   string  // gini or entropy
	MaxDepth    int     // 0 means no limit but MaxDepth
	MinSplit    int     // rows a node must have to be split
	MinLeaf     int     // rows a leaf must have
	MinDecrease float64 // of weighted impurity, as a share of the root's weight
	Alpha       float64 // of cost-complexity pruning
	Weights     ClassWeights
}

// ClassWeights are given to rows by their class.
type ClassWeights struct {
	Balanced bool      // rows/(classes × rows of the class), as scikit-learn
	Each     []float64 // in the order of the outcome's classes
}

// defaults of the options that kinds of tree share.
type defaults struct {
	depth, split, leaf int
}

var decisionDefaults = defaults{depth: 0, split: 2, leaf: 1}

func treeParams(d defaults) []models.Param {
	return []models.Param{
		{Name: "criterion", Doc: "impurity that splits lower", Default: "gini", Choices: []string{"gini", "entropy"}},
		{Name: "max_depth", Doc: "deepest a leaf may lie; 0 means no limit", Default: d.depth, Min: 0, Max: MaxDepth},
		{Name: "min_samples_split", Doc: "rows that a node must have to be split", Default: d.split, Min: 2, Max: 1e9},
		{Name: "min_samples_leaf", Doc: "rows that a leaf must have", Default: d.leaf, Min: 1, Max: 1e9},
		{Name: "min_impurity_decrease", Doc: "least decrease of impurity by a split, weighted by its share of the rows", Default: 0.0, Min: 0, Max: 1e9},
		{Name: "ccp_alpha", Doc: "cost-complexity pruning: the price of a leaf", Default: 0.0, Min: 0, Max: 1e9},
		{Name: "class_weight", Doc: "balanced makes classes weigh the same", Default: "none", Choices: []string{"none", "balanced"}},
		{Name: "class_weights", Doc: "a weight a class, in the order of the classes", Default: []float64(nil), Min: 0, Max: 1e9},
	}
}

func newDecision(o models.Options) (models.Learner, error) {
	w, err := classWeights(o)
	if err != nil {
		return nil, err
	}
	return DecisionTree{
		Criterion: o["criterion"].(string), MaxDepth: o["max_depth"].(int), MinSplit: o["min_samples_split"].(int),
		MinLeaf: o["min_samples_leaf"].(int), MinDecrease: o["min_impurity_decrease"].(float64), Alpha: o["ccp_alpha"].(float64), Weights: w,
	}, nil
}

func classWeights(o models.Options) (ClassWeights, error) {
	w := ClassWeights{Balanced: o["class_weight"].(string) == "balanced", Each: o["class_weights"].([]float64)}
	if w.Balanced && len(w.Each) > 0 {
		return w, fmt.Errorf("class_weight: balanced and class_weights exclude each other")
	}
	return w, nil
}

// Fit grows and prunes the tree.
func (d DecisionTree) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	if err := checkRows(t, clinical.Class); err != nil {
		return nil, err
	}
	s, err := newSample(t, d.Weights)
	if err != nil {
		return nil, err
	}
	columns, err := ranked(t.X, missingRank)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	grown := d.grow(s, columns, t)
	e := assemble(shape{len(columns), Probability, make([]float64, s.width()), nil}, []*nodes{grown.prune(d.Alpha)}, 1)
	a := about{Kind: "decision_tree", Columns: t.X.Columns, Classes: t.Y.Classes}
	if note := constantNote(t.X.Columns, columns); note != "" {
		a.Notes = append(a.Notes, note)
	}
	return newClassifier(a, e), nil
}

func (d DecisionTree) grow(s *sample, columns []ranks, t models.Training) *nodes {
	g := newGrower(columns, d.limits(), s.criterion(d.Criterion, columns), s.width())
	return g.grow(s.known(), t.Seed.Split("tree").Rand())
}

func (d DecisionTree) limits() limits {
	l := limits{maxDepth: d.MaxDepth, minSplit: max(d.MinSplit, 2), minLeaf: max(d.MinLeaf, 1), minDecrease: d.MinDecrease}
	if l.maxDepth <= 0 || l.maxDepth > MaxDepth {
		l.maxDepth = MaxDepth
	}
	return l
}

// Path returns the pruning path of the tree that the training rows give without pruning.
func (d DecisionTree) Path(ctx context.Context, t models.Training) (PruningPath, error) {
	if err := checkRows(t, clinical.Class); err != nil {
		return PruningPath{}, err
	}
	s, err := newSample(t, d.Weights)
	if err != nil {
		return PruningPath{}, err
	}
	columns, err := ranked(t.X, missingRank)
	if err != nil {
		return PruningPath{}, err
	}
	if err := ctx.Err(); err != nil {
		return PruningPath{}, err
	}
	return d.grow(s, columns, t).path(), nil
}

// sample is a class outcome as criteria read it.
type sample struct {
	class  []int32
	k      int
	each   []float64 // weight of each class
	weight []float64 // of each row, its class's included
	plain  bool      // no case weights
}

// newSample applies class weights. One class only is an error.
func newSample(t models.Training, w ClassWeights) (*sample, error) {
	k := len(t.Y.Classes)
	s := &sample{class: make([]int32, t.X.Rows), k: k, each: make([]float64, k), weight: make([]float64, t.X.Rows), plain: t.Weights == nil}
	counts := make([]int, k)
	for i, c := range t.Y.Class {
		if c >= k {
			return nil, fmt.Errorf("row %d: class %d of %d", i+1, c, k)
		}
		s.class[i] = int32(c)
		if t.Weights == nil || t.Weights[i] > 0 {
			counts[c]++
		}
	}
	present, rows := 0, 0
	for c, n := range counts {
		rows += n
		if n > 0 {
			present++
		}
		s.each[c] = 1
		if w.Balanced {
			s.each[c] = float64(len(s.class)) / (float64(k) * float64(max(n, 1)))
		}
	}
	if present < 2 {
		return nil, fmt.Errorf("outcome %q: %d rows of one class; there is nothing to tell apart", t.Y.Name, rows)
	}
	if len(w.Each) > 0 {
		if len(w.Each) != k {
			return nil, fmt.Errorf("class_weights has %d weights, the outcome %q has %d classes: %q", len(w.Each), t.Y.Name, k, t.Y.Classes)
		}
		copy(s.each, w.Each)
	}
	for i, c := range s.class {
		s.weight[i] = s.each[c]
		if t.Weights != nil {
			s.weight[i] *= t.Weights[i]
		}
	}
	return s, nil
}

// width is the number of values of a node: the share of the last of two classes, or that of each of more.
func (s *sample) width() int {
	if s.k == 2 {
		return 1
	}
	return s.k
}

// known returns the rows that weigh anything.
func (s *sample) known() []int32 {
	rows := make([]int32, 0, len(s.class))
	for i, w := range s.weight {
		if w > 0 {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// criterion returns a criterion over all rows, once each, that meets scikit-learn's choices to the rounding.
func (s *sample) criterion(name string, columns []ranks) criterion {
	even := s.plain
	for _, w := range s.each {
		even = even && w == 1
	}
	switch {
	case !even:
		return newSequence(newClasses(name == "entropy", s.class, s.weight, nil, s.k, mostRanks(columns)), len(s.class))
	case s.k == 2 && name == "gini":
		c := newBinaryGini(s.packed(nil), [2]float64{1, 1})
		c.faithful = true
		return c
	}
	return newClasses(name == "entropy", s.class, s.weight, nil, s.k, mostRanks(columns))
}

// packed returns count and count of the last class of each row.
func (s *sample) packed(times []uint32) []uint64 {
	out := make([]uint64, len(s.class))
	s.pack(out, times)
	return out
}

// pack writes to out what packed returns, where row i stands for times[i] rows; nil means one.
func (s *sample) pack(out []uint64, times []uint32) {
	for i, c := range s.class {
		n := uint64(1)
		if times != nil {
			n = uint64(times[i])
		}
		out[i] = n | n<<32*uint64(c) // rows of class 1 count in both halves
	}
}

func mostRanks(columns []ranks) int {
	most := 0
	for j := range columns {
		most = max(most, columns[j].count)
	}
	return most
}
