package tree

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/survival"
)

func init() {
	models.Register(models.Kind{
		Name: "survival_forest", Outcomes: []clinical.OutcomeKind{clinical.Survival},
		Params: []models.Param{
			{Name: "trees", Doc: "number of trees", Default: 500, Min: 1, Max: 100_000},
			{Name: "max_features", Doc: "columns drawn for a split: sqrt, log2, all, a share such as 0.3, or a number", Default: "sqrt"},
			{Name: "max_depth", Doc: "deepest a leaf may lie; 0 means no limit", Default: 0, Min: 0, Max: MaxDepth},
			{Name: "min_samples_split", Doc: "rows that a node must have to be split", Default: 16, Min: 2, Max: 1e9},
			{Name: "min_samples_leaf", Doc: "rows that a leaf must have", Default: 8, Min: 1, Max: 1e9},
			{Name: "bootstrap", Doc: "draw rows with replacement for each tree", Default: true},
			{Name: "max_samples", Doc: "share of the rows drawn for each tree", Default: 1.0, Min: 1e-6, Max: 1},
		},
		New: func(o models.Options) (models.Learner, error) {
			f := SurvivalForest{Trees: o["trees"].(int), MaxFeatures: o["max_features"].(string), MaxDepth: o["max_depth"].(int),
				MinSplit: o["min_samples_split"].(int), MinLeaf: o["min_samples_leaf"].(int), Bootstrap: o["bootstrap"].(bool), Share: o["max_samples"].(float64)}
			_, err := columnsDrawn(f.MaxFeatures, 100)
			return f, err
		},
		Decode: decodeSurvivalForest,
	})
}

// SurvivalForest learns a random survival forest (Ishwaran and others 2008): trees on bootstrapped rows whose splits have the largest
// log-rank statistic, whose leaves hold Nelson–Aalen and Kaplan–Meier estimates, and whose estimates are averaged over trees. Missing values
// and categories are as in DecisionTree. Competing events count as censoring; case weights and left truncation are refused.
type SurvivalForest struct {
	Trees       int
	MaxFeatures string // as in Forest
	MaxDepth    int
	MinSplit    int
	MinLeaf     int
	Bootstrap   bool
	Share       float64
}

// Fit grows the forest.
func (f SurvivalForest) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	event, err := checkTimes(t)
	if err != nil {
		return nil, err
	}
	if t.Weights != nil {
		return nil, errors.New("survival_forest takes no case weights; survival_boosting and cox do")
	}
	if t.Y.Entry != nil && slices.ContainsFunc(t.Y.Entry, func(v float64) bool { return v > 0 }) {
		return nil, errors.New("survival_forest takes no entry times (left truncation); survival_boosting and cox do")
	}
	draw, err := columnsDrawn(f.MaxFeatures, len(t.X.Columns))
	if err != nil {
		return nil, err
	}
	columns, err := ranked(t.X, missingRank)
	if err != nil {
		return nil, err
	}
	grid := newTimeGrid(t.Y.Time, event)
	l := DecisionTree{MaxDepth: f.MaxDepth, MinSplit: f.MinSplit, MinLeaf: f.MinLeaf}.limits()
	l.draw = draw
	trees, leaves := make([]*nodes, f.Trees), make([]leafHazards, f.Trees)
	bags := newBags(f.Trees, t.X.Rows)
	known, rowwise := allOf(t.X.Rows), byRow(columns)
	parallel(f.Trees, f.Trees*t.X.Rows*draw, func() func(int) {
		b := newBag(t.X.Rows)
		measure := newLogRank(grid.place, event, b.times, mostRanks(columns))
		g := newGrower(columns, l, measure, 1)
		g.byRow = rowwise
		return func(i int) {
			if ctx.Err() != nil {
				return
			}
			rng := t.Seed.SplitInt("tree", i).Rand()
			rows := b.draw(known, f.Bootstrap, f.Share, rng)
			bags.mark(i, rows)
			g.onLeaf = func(n int32, _ []int32) { leaves[i].add(n, measure) }
			trees[i] = g.grow(rows, rng)
			grid.mortality(trees[i], &leaves[i])
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a := about{Kind: "survival_forest", Columns: t.X.Columns}
	if note := constantNote(t.X.Columns, columns); note != "" {
		a.Notes = append(a.Notes, note)
	}
	if f.Bootstrap || f.Share < 1 && f.Share > 0 {
		if a.OutOfBag, err = survivalOutOfBag(t.Y, routers(trees, columns, rowwise), bags); err != nil {
			return nil, err
		}
	}
	e := assemble(shape{len(columns), CumulativeHazard, []float64{0}, nil}, trees, 1/float64(f.Trees))
	return newSurvivalTrees(a, e, grid.curves(e, leaves, f.Trees)), nil
}

func allOf(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// timeGrid is the distinct event times of training. Past 65,534 of them, neighbours are taken together.
type timeGrid struct {
	place    []uint16 // of each row: event times not after its own
	times    []float64
	followUp float64
}

func newTimeGrid(time []float64, event []bool) *timeGrid {
	s := newColumnSorter(len(time))
	for i, v := range time {
		s.keys[i], s.rows[i] = sortable(v), int32(i)
	}
	_, order := s.sort(len(time))
	g := &timeGrid{place: make([]uint16, len(time)), followUp: time[order[len(order)-1]]}
	events := 0
	for i, r := range order {
		if event[r] && (i == 0 || events == 0 || time[r] > g.times[events-1]) {
			g.times = append(g.times, time[r])
			events++
		}
	}
	each := (len(g.times) + missingRank - 2) / (missingRank - 1) // event times a place
	if each > 1 {
		var kept []float64
		for i := 0; i < len(g.times); i += each {
			kept = append(kept, g.times[i])
		}
		g.times = kept
	}
	at := 0
	for _, r := range order {
		for at < len(g.times) && g.times[at] <= time[r] {
			at++
		}
		g.place[r] = uint16(at)
	}
	return g
}

// leafHazards is the cumulative hazards of one tree's leaves: the event times in each and the steps there. They are no more than the
// events that the tree was grown on.
type leafHazards struct {
	node  []int32
	start []int
	time  []uint16 // place of the time, counted from 1
	step  []float64
}

// add appends the leaf that the criterion was last told to enter.
func (h *leafHazards) add(n int32, c *logRank) {
	times, steps := c.steps()
	h.node, h.start = append(h.node, n), append(h.start, len(h.time))
	h.time, h.step = append(h.time, times...), append(h.step, steps...)
}

// mortality gives each leaf the sum of its cumulative hazard over the training event times, which is the number of events expected were
// all rows like those of the leaf, and other nodes the mean of theirs.
func (g *timeGrid) mortality(t *nodes, h *leafHazards) {
	for i, n := range h.node {
		end := len(h.time)
		if i+1 < len(h.start) {
			end = h.start[i+1]
		}
		sum := 0.0
		for k := h.start[i]; k < end; k++ {
			sum += h.step[k] * float64(len(g.times)-int(h.time[k])+1)
		}
		t.values[n] = sum
	}
	t.means()
}

// survivalOutOfBag returns Harrell's concordance of the mortality that trees give to rows outside their bags.
func survivalOutOfBag(y clinical.Outcome, trees []*router, b bags) (*OutOfBag, error) {
	n := len(y.Time)
	risk, votes := make([]float64, n), make([]float64, n)
	const block = 512
	parallel((n+block-1)/block, n*len(trees), func() func(int) {
		return func(k int) {
			for t, tree := range trees {
				for r := k * block; r < min((k+1)*block, n); r++ {
					if !b.has(t, int32(r)) {
						risk[r] += tree.tree.values[tree.leaf(int32(r))]
						votes[r]++
					}
				}
			}
		}
	})
	var observations []survival.Observation
	var scores []float64
	for r := range n {
		if votes[r] > 0 {
			observations = append(observations, survival.Observation{Time: y.Time[r], Event: oneIf(y.Event[r] == 1)})
			scores = append(scores, risk[r]/votes[r])
		}
	}
	if len(scores) == 0 {
		return nil, nil
	}
	c, err := survival.Rank(observations, scores, survival.ConcordanceOptions{})
	if err != nil {
		return nil, fmt.Errorf("out-of-bag concordance: %w", err)
	}
	out := &OutOfBag{Rows: len(scores)}
	if finite(c.C) {
		out.CIndex = c.C
	}
	return out, nil
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}
