package tree

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
)

func init() {
	for _, extra := range []bool{false, true} {
		name := forestKind(extra)
		models.Register(models.Kind{
			Name: name, Outcomes: []clinical.OutcomeKind{clinical.Class}, Params: forestParams(extra),
			New: func(o models.Options) (models.Learner, error) { return newForest(o, extra) }, Decode: DecodeClassifier(name),
		})
	}
}

func forestKind(extra bool) string {
	if extra {
		return "extra_trees"
	}
	return "random_forest"
}

// Forest learns many trees, each on rows and columns drawn at random, and averages their class shares: a random forest (Breiman 2001)
// or extremely randomised trees (Geurts, Ernst and Wehenkel 2006). Every draw is keyed by the seed and the number of the tree, so the
// forest does not depend on how many processors grew it. Missing values and categories are as in DecisionTree.
type Forest struct {
	Extra       bool   // one random threshold a column instead of the best
	Trees       int    // how many
	Criterion   string // gini or entropy
	MaxFeatures string // columns drawn a node: sqrt, log2, all, a share such as 0.3, or a number
	MaxDepth    int    // 0 means no limit but MaxDepth
	MinSplit    int
	MinLeaf     int
	MinDecrease float64
	Bootstrap   bool    // rows are drawn with replacement; otherwise a share without, or all
	Share       float64 // of the rows, drawn for each tree
	Weights     ClassWeights
}

// OutOfBag is how well a forest predicts training rows by the trees that were not grown on them.
type OutOfBag struct {
	Rows     int     `json:"rows"`              // rows that some tree was not grown on
	Accuracy float64 `json:"accuracy"`          // share of them whose most probable class is theirs
	LogLoss  float64 `json:"log_loss"`          // mean of minus the log of the probability of their class, at least 1e-15
	AUC      float64 `json:"auc,omitempty"`     // of two classes
	CIndex   float64 `json:"c_index,omitempty"` // of survival times: Harrell's
}

func forestParams(extra bool) []models.Param {
	var out []models.Param
	for _, p := range treeParams(decisionDefaults) {
		if p.Name != "ccp_alpha" {
			out = append(out, p)
		}
	}
	return append(out,
		models.Param{Name: "trees", Doc: "number of trees", Default: 500, Min: 1, Max: 100_000},
		models.Param{Name: "max_features", Doc: "columns drawn for a split: sqrt, log2, all, a share such as 0.3, or a number", Default: "sqrt"},
		models.Param{Name: "bootstrap", Doc: "draw rows with replacement for each tree", Default: !extra},
		models.Param{Name: "max_samples", Doc: "share of the rows drawn for each tree", Default: 1.0, Min: 1e-6, Max: 1},
	)
}

func newForest(o models.Options, extra bool) (models.Learner, error) {
	w, err := classWeights(o)
	if err != nil {
		return nil, err
	}
	f := Forest{
		Extra: extra, Trees: o["trees"].(int), Criterion: o["criterion"].(string), MaxFeatures: o["max_features"].(string),
		MaxDepth: o["max_depth"].(int), MinSplit: o["min_samples_split"].(int), MinLeaf: o["min_samples_leaf"].(int),
		MinDecrease: o["min_impurity_decrease"].(float64), Bootstrap: o["bootstrap"].(bool), Share: o["max_samples"].(float64), Weights: w,
	}
	if _, err := columnsDrawn(f.MaxFeatures, 100); err != nil {
		return nil, err
	}
	return f, nil
}

// columnsDrawn returns how many of so many columns a rule draws.
func columnsDrawn(rule string, columns int) (int, error) {
	n := float64(columns)
	switch rule {
	case "", "sqrt":
		n = math.Sqrt(n)
	case "log2":
		n = math.Log2(n)
	case "all":
	default:
		v, err := strconv.ParseFloat(rule, 64)
		if err != nil || !(v > 0) || v > 1 && v != math.Trunc(v) {
			return 0, fmt.Errorf("max_features: %q is not sqrt, log2, all, a share between 0 and 1, or a whole number", rule)
		}
		if v < 1 {
			v *= n
		}
		n = min(v, n)
	}
	return max(int(n), 1), nil
}

// Fit grows the forest.
func (f Forest) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	if err := checkRows(t, clinical.Class); err != nil {
		return nil, err
	}
	s, err := newSample(t, f.Weights)
	if err != nil {
		return nil, err
	}
	draw, err := columnsDrawn(f.MaxFeatures, len(t.X.Columns))
	if err != nil {
		return nil, err
	}
	columns, err := ranked(t.X, missingRank)
	if err != nil {
		return nil, err
	}
	l := DecisionTree{MaxDepth: f.MaxDepth, MinSplit: f.MinSplit, MinLeaf: f.MinLeaf, MinDecrease: f.MinDecrease}.limits()
	l.draw, l.random = draw, f.Extra
	trees := make([]*nodes, f.Trees)
	bags := newBags(f.Trees, t.X.Rows)
	known, rowwise := s.known(), byRow(columns)
	parallel(f.Trees, f.Trees*len(known)*draw, func() func(int) {
		b := newBag(t.X.Rows)
		measure := f.measure(s, columns, b)
		g := newGrower(columns, l, measure, s.width())
		g.byRow = rowwise
		return func(i int) {
			if ctx.Err() != nil {
				return
			}
			rng := t.Seed.SplitInt("tree", i).Rand()
			rows := b.draw(known, f.Bootstrap, f.Share, rng)
			bags.mark(i, rows)
			if c, ok := measure.(*binaryGini); ok {
				s.pack(c.packed, b.times)
			}
			trees[i] = g.grow(rows, rng)
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a := about{Kind: forestKind(f.Extra), Columns: t.X.Columns, Classes: t.Y.Classes}
	if note := constantNote(t.X.Columns, columns); note != "" {
		a.Notes = append(a.Notes, note)
	}
	if f.Bootstrap || f.Share < 1 && f.Share > 0 {
		a.OutOfBag = outOfBag(s, routers(trees, columns, rowwise), bags, known)
	}
	e := assemble(shape{len(columns), Probability, make([]float64, s.width()), nil}, trees, 1/float64(f.Trees))
	return newClassifier(a, e), nil
}

// measure returns a criterion over rows drawn into a bag.
func (f Forest) measure(s *sample, columns []ranks, b *bag) criterion {
	if s.k == 2 && s.plain && f.Criterion != "entropy" {
		return newBinaryGini(make([]uint64, len(s.class)), [2]float64{s.each[0], s.each[1]})
	}
	return newClasses(f.Criterion == "entropy", s.class, s.weight, b.times, s.k, mostRanks(columns))
}

// bag is the rows drawn for one tree at a time.
type bag struct {
	times []uint32 // how often each row was drawn
	rows  []int32
	order []int32
}

func newBag(rows int) *bag { return &bag{times: make([]uint32, rows), rows: make([]int32, 0, rows)} }

// draw fills the bag from the known rows and returns those drawn, ascending, each once.
func (b *bag) draw(known []int32, replace bool, share float64, rng *rand.Rand) []int32 {
	clear(b.times)
	n := len(known)
	if share > 0 && share < 1 {
		n = max(int(math.Round(share*float64(n))), 1)
	}
	switch {
	case replace:
		for range n {
			b.times[known[rng.IntN(len(known))]]++
		}
	case n == len(known):
		for _, r := range known {
			b.times[r] = 1
		}
	default:
		b.order = append(b.order[:0], known...)
		for i := range n {
			k := i + rng.IntN(len(known)-i)
			b.order[i], b.order[k] = b.order[k], b.order[i]
			b.times[b.order[i]] = 1
		}
	}
	b.rows = b.rows[:0]
	for _, r := range known {
		if b.times[r] > 0 {
			b.rows = append(b.rows, r)
		}
	}
	return b.rows
}

// bags remembers which rows each tree was grown on, a bit a row.
type bags [][]uint64

func newBags(trees, rows int) bags {
	out := make(bags, trees)
	flat := make([]uint64, trees*((rows+63)/64))
	for i := range out {
		out[i] = flat[i*((rows+63)/64) : (i+1)*((rows+63)/64)]
	}
	return out
}

func (b bags) mark(tree int, rows []int32) {
	for _, r := range rows {
		b[tree][r>>6] |= 1 << (r & 63)
	}
}

func (b bags) has(tree int, row int32) bool { return b[tree][row>>6]>>(row&63)&1 == 1 }
