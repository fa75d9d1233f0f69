// Package golearn puts golearn's decision trees behind the project's contract: ID3, CART and the random tree of
// github.com/sjwhitworth/golearn. What golearn grows is imported into the project's own trees, with class shares counted on the training
// rows, so that a model predicts, explains, prints and travels like any other and golearn is not needed to use it.
//
// golearn has limits that are kept in view rather than hidden: more than 500 columns are refused (past 511 its grids change the order of
// columns without an error), missing values, case weights and categorical columns are refused, ID3 and the random tree split a column
// once on the way down and never split the last one left, so they want two columns at least. Its forests cannot be seeded and its other
// learners need cgo; neither is here.
package golearn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/trees"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// MaxColumns is the most columns that golearn is given.
const MaxColumns = 500

func init() {
	class := []clinical.OutcomeKind{clinical.Class}
	models.Register(models.Kind{
		Name: "golearn_id3", Outcomes: class, Decode: tree.DecodeClassifier("golearn_id3"),
		New: func(models.Options) (models.Learner, error) { return ID3{}, nil },
	})
	models.Register(models.Kind{
		Name: "golearn_cart", Outcomes: class, Decode: tree.DecodeClassifier("golearn_cart"),
		Params: []models.Param{
			{Name: "criterion", Doc: "impurity that splits lower", Default: "gini", Choices: []string{"gini", "entropy"}},
			{Name: "max_depth", Doc: "deepest a leaf may lie; 0 means no limit", Default: 0, Min: 0, Max: tree.MaxDepth},
		},
		New: func(o models.Options) (models.Learner, error) {
			return CART{Criterion: o["criterion"].(string), MaxDepth: o["max_depth"].(int)}, nil
		},
	})
	models.Register(models.Kind{
		Name: "golearn_random_tree", Outcomes: class, Decode: tree.DecodeClassifier("golearn_random_tree"),
		Params: []models.Param{{Name: "columns", Doc: "columns drawn for each split; 0 means their square root", Default: 0, Min: 0, Max: MaxColumns}},
		New:    func(o models.Options) (models.Learner, error) { return RandomTree{Columns: o["columns"].(int)}, nil },
	})
}

// ID3 learns golearn's ID3 tree: splits of numbers in two by information gain, each column once on the way down.
type ID3 struct{}

// CART learns golearn's CART classifier.
type CART struct {
	Criterion string // gini or entropy
	MaxDepth  int    // 0 means no limit
}

// RandomTree learns golearn's random tree: ID3 that looks, at each node, at some columns drawn from the seed.
type RandomTree struct {
	Columns int // drawn at each node; 0 means the square root of all
}

// Fit grows the tree.
func (ID3) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	return fitID3(ctx, t, "golearn_id3", &drawnRule{columns: MaxColumns})
}

// Fit grows the tree.
func (r RandomTree) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	n := r.Columns
	if n <= 0 {
		n = max(int(math.Sqrt(float64(len(t.X.Columns)))), 1)
	}
	return fitID3(ctx, t, "golearn_random_tree", &drawnRule{columns: n, seed: t.Seed})
}

func fitID3(ctx context.Context, t models.Training, kind string, rule trees.RuleGenerator) (m models.Model, err error) {
	if err := check(ctx, t); err != nil {
		return nil, err
	}
	if len(t.X.Columns) < 2 {
		return nil, fmt.Errorf("%s never splits the last column that is left; it needs two columns at least", kind)
	}
	defer rescue(&err)
	class := base.NewCategoricalAttribute()
	class.SetName("class")
	for k := range t.Y.Classes { // all classes, so that codes do not depend on the order of rows
		class.GetSysValFromString(strconv.Itoa(k))
	}
	grid, err := newGrid(t.X, class, func(row int) []byte { return class.GetSysValFromString(strconv.Itoa(t.Y.Class[row])) })
	if err != nil {
		return nil, err
	}
	w := &importer{x: t.X, class: t.Y.Class}
	w.id3(trees.InferID3Tree(grid, rule), rowsOf(t.X))
	return w.model(kind, t, false)
}

// Fit grows the tree.
func (c CART) Fit(ctx context.Context, t models.Training) (m models.Model, err error) {
	if err := check(ctx, t); err != nil {
		return nil, err
	}
	defer rescue(&err)
	class := base.NewFloatAttribute("class")
	grid, err := newGrid(t.X, class, func(row int) []byte { return base.PackFloatToBytes(float64(t.Y.Class[row])) })
	if err != nil {
		return nil, err
	}
	labels := make([]int64, len(t.Y.Classes))
	for k := range labels {
		labels[k] = int64(k)
	}
	depth := int64(c.MaxDepth)
	if depth <= 0 {
		depth = -1
	}
	grown := trees.NewDecisionTreeClassifier(c.Criterion, depth, labels)
	if err := grown.Fit(grid); err != nil {
		return nil, fmt.Errorf("golearn_cart: %w", err)
	}
	w := &importer{x: t.X, class: t.Y.Class}
	importCART(w, grown)
	return w.model("golearn_cart", t, true)
}

// check returns an error where golearn must not be given the rows.
func check(ctx context.Context, t models.Training) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case t.Y.Kind != clinical.Class:
		return fmt.Errorf("outcome %q is a %s outcome; golearn's trees learn classes", t.Y.Name, t.Y.Kind)
	case t.X.Rows != t.Y.Rows() || t.X.Rows == 0 || len(t.X.Columns) == 0:
		return fmt.Errorf("%d rows, %d columns and %d outcomes: nothing to learn from", t.X.Rows, len(t.X.Columns), t.Y.Rows())
	case len(t.X.Columns) > MaxColumns:
		return fmt.Errorf("%d columns; golearn is given at most %d, because past 511 it mixes them up: select columns first, or use decision_tree", len(t.X.Columns), MaxColumns)
	case t.Weights != nil:
		return errors.New("golearn's trees take no case weights; decision_tree does")
	}
	for j, c := range t.X.Columns {
		if c.Kind == table.Categorical {
			return fmt.Errorf("column %q is categorical; golearn is given numbers: encode it first, or use decision_tree", c.Name)
		}
		for i, v := range t.X.Column(j) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("column %q, row %d: %v; golearn has no rule for it: impute first, or use decision_tree", c.Name, i+1, v)
			}
		}
	}
	seen := make([]int, len(t.Y.Classes))
	for i, k := range t.Y.Class {
		if k < 0 || k >= len(seen) {
			return fmt.Errorf("row %d: the outcome %q is not known; leave such rows out", i+1, t.Y.Name)
		}
		seen[k]++
	}
	if slices.Max(seen) == t.X.Rows {
		return fmt.Errorf("outcome %q: all %d rows are of one class; there is nothing to tell apart", t.Y.Name, t.X.Rows)
	}
	return nil
}

// rescue makes a panic of golearn's an error.
func rescue(err *error) {
	if e := recover(); e != nil {
		*err = fmt.Errorf("golearn failed: %v", e)
	}
}

// newGrid builds golearn's instances: the columns of x as numbers in one attribute group, named by their place, and the class.
func newGrid(x models.Matrix, class base.Attribute, classOf func(row int) []byte) (*base.DenseInstances, error) {
	grid := base.NewDenseInstances()
	specs := make([]base.AttributeSpec, len(x.Columns))
	for j := range x.Columns {
		specs[j] = grid.AddAttribute(base.NewFloatAttribute(strconv.Itoa(j)))
	}
	spec := grid.AddAttribute(class)
	if err := grid.AddClassAttribute(class); err != nil {
		return nil, fmt.Errorf("golearn: %w", err)
	}
	if err := grid.Extend(x.Rows); err != nil {
		return nil, fmt.Errorf("golearn: %w", err)
	}
	for j := range x.Columns {
		for i, v := range x.Column(j) {
			grid.Set(specs[j], i, base.PackFloatToBytes(v))
		}
	}
	for i := range x.Rows {
		grid.Set(spec, i, classOf(i))
	}
	return grid, nil
}

// drawnRule draws the columns of a node and leaves the choice among them to golearn's information gain. golearn's own rules look at columns
// in an order that a map decides, so that ties between columns fall differently from fit to fit; its rule of the random tree draws from the
// program's one generator and never ends where fewer columns are left than it wants. Here columns are looked at in their order, and the
// draw is keyed by what the node holds.
type drawnRule struct {
	columns int
	seed    work.Seed
	gain    trees.InformationGainRuleGenerator
}

// GenerateSplitRule implements trees.RuleGenerator.
func (d *drawnRule) GenerateSplitRule(f base.FixedDataGrid) *trees.DecisionTreeRule {
	left := base.AttributeDifferenceReferences(f.AllAttributes(), f.AllClassAttributes())
	slices.SortFunc(left, func(a, b base.Attribute) int { return cmp.Compare(columnOf(a), columnOf(b)) })
	if d.columns >= len(left) {
		return d.gain.GetSplitRuleFromSelection(left, f)
	}
	_, rows := f.Size()
	key := []string{"node", strconv.Itoa(rows)}
	for _, a := range left {
		key = append(key, a.GetName())
	}
	counts := base.GetClassDistribution(f)
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		key = append(key, name, strconv.Itoa(counts[name]))
	}
	rng := d.seed.Split(key...).Rand()
	for i := range d.columns {
		k := i + rng.IntN(len(left)-i)
		left[i], left[k] = left[k], left[i]
	}
	return d.gain.GetSplitRuleFromSelection(left[:d.columns], f)
}

// columnOf returns the column that newGrid made an attribute of.
func columnOf(a base.Attribute) int {
	j, err := strconv.Atoi(a.GetName())
	if err != nil {
		panic("golearn: an attribute named " + a.GetName())
	}
	return j
}
