package tree

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

func init() {
	models.Register(models.Kind{
		Name: "boosting", Outcomes: []clinical.OutcomeKind{clinical.Class}, Params: append(boostingParams(),
			models.Param{Name: "scale_pos_weight", Doc: "weight of rows of the last of two classes", Default: 1.0, Min: 0, Max: 1e9},
			models.Param{Name: "class_weight", Doc: "balanced makes classes weigh the same", Default: "none", Choices: []string{"none", "balanced"}},
			models.Param{Name: "class_weights", Doc: "a weight a class, in the order of the classes", Default: []float64(nil), Min: 0, Max: 1e9}),
		New: newBoosting, Decode: DecodeClassifier("boosting"),
	})
}

// Boosting learns a sum of trees by gradient boosting as XGBoost does (Chen and Guestrin 2016), under XGBoost's names: each round adds
// a tree (one a class where there are more than two) fitted to gradients and hessians of the loss. Missing values go, at each split,
// where it gains more; categorical columns are split into two sets of categories, ordered by their gradients.
//
// Method "exact" tells all values of a column apart, up to 65,535, and makes the splits of XGBoost's exact method; "hist" groups them to
// 256 and is faster.
type Boosting struct {
	Rounds         int
	LearningRate   float64
	MaxDepth       int
	Penalty        Penalty
	Subsample      float64 // share of the rows of each tree, drawn row by row
	ColumnsTree    float64 // colsample_bytree: share of the columns of each tree
	ColumnsLevel   float64 // colsample_bylevel: share of those, for each depth
	ColumnsNode    float64 // colsample_bynode: share of those, for each node
	Method         string  // exact or hist
	MaxBins        int     // of hist, at most 256
	EarlyStopping  int     // rounds without a better loss on held-out patients after which it stops; 0 means none are held out
	Validation     float64 // share of the patients held out for that
	PositiveWeight float64 // scale_pos_weight; 0 means 1
	Weights        ClassWeights
	// BaseScore is the probability from which two classes start; 0 means each outcome's own share. Others start at their shares.
	BaseScore float64
}

// Fit boosts.
func (b Boosting) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	if err := checkRows(t, clinical.Class); err != nil {
		return nil, err
	}
	s, err := newSample(t, b.Weights)
	if err != nil {
		return nil, err
	}
	run, err := b.run(ctx, t, s.known(), func(fitted []int32) objective { return b.objective(s, fitted) })
	if err != nil {
		return nil, err
	}
	a := about{Kind: "boosting", Columns: t.X.Columns, Classes: t.Y.Classes, Notes: run.notes}
	return newClassifier(a, run.ensemble(LogOdds)), nil
}

// objective is the loss over classes, started from what the fitted rows say.
func (b Boosting) objective(s *sample, fitted []int32) objective {
	share := make([]float64, s.k)
	total := 0.0
	weight := slices.Clone(s.weight)
	for i, c := range s.class {
		if s.k == 2 && c == 1 && b.PositiveWeight > 0 {
			weight[i] *= b.PositiveWeight
		}
	}
	for _, r := range fitted {
		share[s.class[r]] += weight[r]
		total += weight[r]
	}
	for k := range share { // a class that no fitted row has starts low, not at minus infinity
		share[k] = (share[k] + 1e-3) / (total + 1e-3*float64(s.k))
	}
	if s.k == 2 {
		if b.BaseScore > 0 {
			share[1] = b.BaseScore
		}
		o := &logisticLoss{positive: make([]bool, len(s.class)), weight: weight, base: math.Log(share[1] / (1 - share[1]))}
		for i, c := range s.class {
			o.positive[i] = c == 1
		}
		return o
	}
	for k := range share {
		share[k] = math.Log(share[k])
	}
	return &softmaxLoss{s.class, weight, share}
}

// boosted is the state of a run.
type boosted struct {
	features  int
	objective objective
	trees     []*nodes
	targets   []int32
	margins   []float64 // rows × outputs, of the rows that were fitted and held out
	fitted    []int32
	notes     []string
}

// run boosts the objective that the fitted rows make, on the rows that are known.
func (b Boosting) run(ctx context.Context, t models.Training, known []int32, objectiveOf func(fitted []int32) objective) (*boosted, error) {
	columns, err := ranked(t.X, b.ranks())
	if err != nil {
		return nil, err
	}
	fitted, held, err := b.hold(t, known)
	if err != nil {
		return nil, err
	}
	o := objectiveOf(fitted)
	r := &boosted{features: len(columns), objective: o, fitted: fitted, margins: make([]float64, t.X.Rows*o.outputs())}
	if note := constantNote(t.X.Columns, columns); note != "" {
		r.notes = append(r.notes, note)
	}
	for i := range t.X.Rows {
		copy(r.margins[i*o.outputs():], o.start())
	}
	if b.EarlyStopping > 0 && math.IsNaN(o.loss(r.margins, held)) {
		return nil, fmt.Errorf("early stopping: the %d rows held out have no event; turn it off or hold out a larger share", len(held))
	}
	g := b.engine(columns)
	best, bestRound := math.Inf(1), 0
	for round := range b.Rounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b.round(r, g, t.Seed, round)
		if b.EarlyStopping == 0 {
			continue
		}
		if loss := o.loss(r.margins, held); loss < best {
			best, bestRound = loss, round+1
		} else if round+1-bestRound >= b.EarlyStopping {
			break
		}
	}
	if b.EarlyStopping > 0 {
		r.notes = append(r.notes, fmt.Sprintf("stopped early: %d of %d rounds kept, by the loss %.6g of %d rows held out", bestRound, b.Rounds, best, len(held)))
		r.keep(bestRound, columns)
	}
	return r, nil
}

// ranks is how many values of a column are told apart.
func (b Boosting) ranks() int {
	if b.Method != "hist" {
		return missingRank
	}
	if b.MaxBins < 2 {
		return histBins
	}
	return min(b.MaxBins, histBins)
}

// hold draws the rows that early stopping watches: a share of the patients.
func (b Boosting) hold(t models.Training, known []int32) (fitted, held []int32, err error) {
	if b.EarlyStopping == 0 {
		return known, nil, nil
	}
	patient := func(r int32) int {
		if t.Groups == nil {
			return int(r)
		}
		return t.Groups[r]
	}
	rng := t.Seed.Split("early stopping").Rand()
	var patients []int
	seen := map[int]bool{}
	for _, r := range known {
		if p := patient(r); !seen[p] {
			seen[p] = true
			patients = append(patients, p)
		}
	}
	rng.Shuffle(len(patients), func(i, k int) { patients[i], patients[k] = patients[k], patients[i] })
	n := int(math.Round(b.Validation * float64(len(patients))))
	if n < 1 || n >= len(patients) {
		return nil, nil, fmt.Errorf("early stopping: %v of %d patients cannot be held out; turn it off or hold out another share", b.Validation, len(patients))
	}
	out := map[int]bool{}
	for _, p := range patients[:n] {
		out[p] = true
	}
	for _, r := range known {
		if out[patient(r)] {
			held = append(held, r)
		} else {
			fitted = append(fitted, r)
		}
	}
	return fitted, held, nil
}

// engine grows the trees of rounds.
type engine interface {
	// grow grows a tree on gradients that were written to pairs; leaf tells where each of the rows ended.
	grow(rows []int32, choose func(depth int) []bool, rng *rand.Rand) *nodes
	pairs() []pair
	leaves() []int32
	ranks() []ranks
}

func (b Boosting) engine(columns []ranks) engine {
	depth := min(max(b.MaxDepth, 1), MaxDepth)
	if b.Method == "hist" {
		return newHistGrower(columns, b.Penalty, b.LearningRate, depth)
	}
	n := len(columns[0].rank)
	measure := newGradients(b.Penalty, b.LearningRate, n, mostRanks(columns))
	e := &exactEngine{newGrower(columns, limits{maxDepth: depth, minSplit: 2, minLeaf: 1, above: leastGain}, measure, 1), measure, make([]int32, n)}
	e.g.onLeaf = func(node int32, rows []int32) {
		for _, r := range rows {
			e.leaf[r] = node
		}
	}
	return e
}

// exactEngine is the grower of all trees with the criterion of boosting.
type exactEngine struct {
	g       *grower
	measure *gradients
	leaf    []int32 // where each row ended
}

func (e *exactEngine) grow(rows []int32, choose func(int) []bool, rng *rand.Rand) *nodes {
	e.g.choose = choose
	return e.g.grow(rows, rng)
}
func (e *exactEngine) pairs() []pair   { return e.measure.of }
func (e *exactEngine) leaves() []int32 { return e.leaf }
func (e *exactEngine) ranks() []ranks  { return e.g.columns }

// round adds a tree for each output.
func (b Boosting) round(r *boosted, g engine, seed work.Seed, round int) {
	outputs := r.objective.outputs()
	// All trees of a round see the margins from before it.
	before := r.margins
	if outputs > 1 {
		before = slices.Clone(r.margins)
	}
	for k := range outputs {
		r.objective.gradients(before, k, g.pairs())
		tree := seed.SplitInt("tree", round*outputs+k)
		rows := b.draw(r.fitted, tree)
		grown := g.grow(rows, b.chooser(len(g.ranks()), tree), tree.Split("node").Rand())
		kept := grown.undo(b.Penalty.Gamma)
		r.trees = append(r.trees, kept)
		if outputs > 1 {
			r.targets = append(r.targets, int32(k))
		}
		r.advance(kept, g, k, outputs, kept == grown && len(rows) == len(r.fitted) && len(rows) == len(r.margins)/outputs)
	}
}

// draw returns the rows of a tree, as a copy.
func (b Boosting) draw(fitted []int32, seed work.Seed) []int32 {
	if b.Subsample <= 0 || b.Subsample >= 1 {
		return slices.Clone(fitted)
	}
	rng := seed.Split("rows").Rand()
	rows := make([]int32, 0, len(fitted))
	for _, r := range fitted {
		if rng.Float64() < b.Subsample {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		rows = append(rows, fitted[rng.IntN(len(fitted))])
	}
	return rows
}

// advance adds a tree to the margins; where all rows were in the tree it is known where each ended.
func (r *boosted) advance(tree *nodes, g engine, k, outputs int, all bool) {
	n := len(r.margins) / outputs
	leaves, router := g.leaves(), tree.router(g.ranks(), nil)
	const block = 4096
	parallel((n+block-1)/block, n*4, func() func(int) {
		return func(b int) {
			for i := b * block; i < min((b+1)*block, n); i++ {
				leaf := leaves[i]
				if !all {
					leaf = router.leaf(int32(i))
				}
				r.margins[i*outputs+k] += tree.values[leaf]
			}
		}
	})
}

// keep forgets the rounds after the first few, also in the margins.
func (r *boosted) keep(rounds int, columns []ranks) {
	outputs := r.objective.outputs()
	r.trees = r.trees[:rounds*outputs]
	if outputs > 1 {
		r.targets = r.targets[:rounds*outputs]
	}
	trees := routers(r.trees, columns, nil)
	for i := range len(r.margins) / outputs {
		copy(r.margins[i*outputs:(i+1)*outputs], r.objective.start())
		for t, tree := range trees {
			r.margins[i*outputs+t%outputs] += tree.tree.values[tree.leaf(int32(i))]
		}
	}
}

// ensemble joins the trees; nodes that are split get the mean of their leaves.
func (r *boosted) ensemble(scale Scale) *Ensemble {
	for _, t := range r.trees {
		t.means()
	}
	return assemble(shape{r.features, scale, slices.Clone(r.objective.start()), r.targets}, r.trees, 1)
}

// chooser returns the columns that a node at a depth may split, or nil where all may always.
func (b Boosting) chooser(columns int, seed work.Seed) func(depth int) []bool {
	whole := func(s float64) bool { return s <= 0 || s >= 1 }
	if whole(b.ColumnsTree) && whole(b.ColumnsLevel) && whole(b.ColumnsNode) {
		return nil
	}
	all := make([]int32, columns)
	for j := range all {
		all[j] = int32(j)
	}
	tree := drawColumns(all, b.ColumnsTree, seed.Split("columns").Rand())
	levels := map[int][]int32{}
	nodes := seed.Split("columns of nodes").Rand()
	return func(depth int) []bool {
		level, ok := levels[depth]
		if !ok {
			level = drawColumns(tree, b.ColumnsLevel, seed.SplitInt("columns of depth", depth).Rand())
			levels[depth] = level
		}
		out := make([]bool, columns)
		for _, j := range drawColumns(level, b.ColumnsNode, nodes) {
			out[j] = true
		}
		return out
	}
}

// drawColumns draws a share of the columns, at least one.
func drawColumns(from []int32, share float64, rng *rand.Rand) []int32 {
	if share <= 0 || share >= 1 {
		return from
	}
	out := slices.Clone(from)
	n := max(int(share*float64(len(out))), 1)
	for i := range n {
		k := i + rng.IntN(len(out)-i)
		out[i], out[k] = out[k], out[i]
	}
	return out[:n]
}
