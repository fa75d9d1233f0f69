package tree

import (
	"math"
	"math/rand/v2"
)

// limits say when a node is left a leaf and how its split is looked for.
type limits struct {
	maxDepth    int     // deepest a node may lie; at most MaxDepth
	minSplit    int     // rows that a node must have to be split
	minLeaf     int     // rows that a child must have
	minDecrease float64 // of weighted impurity by a split, as a share of the root's weight
	above       float64 // what the decrease must exceed, as it is
	draw        int     // columns drawn for each node; 0 means all
	random      bool    // one threshold a column, drawn between the node's extremes (extremely randomised trees)
}

// split is a candidate. Criteria compare num/den, larger is better, without dividing.
type split struct {
	num, den    float64
	feature     int32
	rank        uint16 // numerical: ranks up to this one go left
	categories  []uint64
	missingLeft bool
	threshold   float64
	left        uint64 // what binaryGini summed on the left
}

// criterion measures splits of the node it was last told to enter. It knows the outcome of every row; the grower does not.
type criterion interface {
	// enter takes up a node and returns its weight, its impurity times its weight, its number of rows, and whether a split could gain
	// anything.
	enter(rows []int32) (weight, impurity float64, count int, mixed bool)
	// value writes the value of the node entered.
	value(out []float64)
	// search looks through all splits of a column and replaces best by a better one; it reports whether it did. The ranks of the rows
	// are given in the rows' order.
	search(c *ranks, rank []uint16, rows []int32, minLeaf int, best *split) bool
	// evaluate measures one split, given the rows that go left.
	evaluate(left []int32, minLeaf int) (num, den float64, ok bool)
	// perfect reports whether no split of the node can be better than this one.
	perfect(s *split) bool
	// decrease returns by how much a split lowers the weighted impurity of the node.
	decrease(s *split) float64
}

// nodes are the nodes of one tree while it grows, in pre-order.
type nodes struct {
	feature     []int32
	threshold   []float64
	left, right []int32
	missingLeft []bool
	cover       []float64
	gain        []float64
	values      []float64
	impurity    []float64
	rank        []uint16
	categories  [][]uint64
}

func (t *nodes) add(cover, impurity float64) int32 {
	n := int32(len(t.feature))
	t.feature, t.threshold = append(t.feature, -1), append(t.threshold, 0)
	t.left, t.right = append(t.left, -1), append(t.right, -1)
	t.missingLeft = append(t.missingLeft, false)
	t.cover, t.gain, t.impurity = append(t.cover, cover), append(t.gain, 0), append(t.impurity, impurity)
	t.rank, t.categories = append(t.rank, 0), append(t.categories, nil)
	return n
}

// set makes a leaf a split; its children are set when they are grown.
func (t *nodes) set(n int32, s *split) {
	t.feature[n], t.threshold[n], t.rank[n] = s.feature, s.threshold, s.rank
	t.missingLeft[n], t.categories[n] = s.missingLeft, s.categories
}

// hop is a node as rows pass it by rank.
type hop struct {
	feature     int32
	left, right int32
	rank        uint16
	missingLeft bool
	categorical bool
}

// router takes training rows down a tree by rank.
type router struct {
	tree    *nodes
	hops    []hop
	columns []ranks
	byRow   []uint16 // may be nil
}

func (t *nodes) router(columns []ranks, byRow []uint16) *router {
	r := &router{t, make([]hop, len(t.feature)), columns, byRow}
	for n := range r.hops {
		r.hops[n] = hop{t.feature[n], t.left[n], t.right[n], t.rank[n], t.missingLeft[n], t.categories[n] != nil}
	}
	return r
}

// leaf returns the leaf that a training row reaches.
func (r *router) leaf(row int32) int32 {
	n := int32(0)
	var mine []uint16
	if r.byRow != nil {
		mine = r.byRow[int(row)*len(r.columns) : (int(row)+1)*len(r.columns)]
	}
	for {
		h := &r.hops[n]
		if h.feature < 0 {
			return n
		}
		var rank uint16
		if mine != nil {
			rank = mine[h.feature]
		} else {
			rank = r.columns[h.feature].rank[row]
		}
		left := rank <= h.rank
		if rank == missingRank || h.categorical {
			left = goesLeft(rank, h.rank, r.tree.categories[n], h.missingLeft)
		}
		n = h.right
		if left {
			n = h.left
		}
	}
}

func goesLeft(rank, cut uint16, categories []uint64, missingLeft bool) bool {
	switch {
	case rank == missingRank:
		return missingLeft
	case categories != nil:
		return categories[rank>>6]>>(rank&63)&1 == 0
	}
	return rank <= cut
}

// grower grows one tree at a time, depth first and left before right. It is not safe for concurrent use.
type grower struct {
	columns []ranks
	byRow   []uint16 // the ranks again, row by row, or nil
	limits  limits
	measure criterion
	width   int // values of a node
	rng     *rand.Rand

	order []int32 // of columns, for draws
	spare []int32
	local []uint16 // ranks of a node's rows
	total float64  // weight of the root
	tree  *nodes

	choose func(depth int) []bool         // columns that a node may split; nil means draw of limits
	onLeaf func(node int32, rows []int32) // called while the criterion is at the node; may be nil
}

func newGrower(columns []ranks, l limits, c criterion, width int) *grower {
	return &grower{columns: columns, limits: l, measure: c, width: width, order: make([]int32, len(columns))}
}

// grow grows a tree on the rows, whose order it changes.
func (g *grower) grow(rows []int32, rng *rand.Rand) *nodes {
	g.rng, g.tree = rng, &nodes{}
	for j := range g.order {
		g.order[j] = int32(j)
	}
	if cap(g.spare) < len(rows) {
		g.spare, g.local = make([]int32, len(rows)), make([]uint16, len(rows))
	}
	g.node(rows, 0)
	return g.tree
}

// node grows the node of these rows and all below it, and returns it.
func (g *grower) node(rows []int32, depth int) int32 {
	weight, impurity, count, mixed := g.measure.enter(rows)
	if depth == 0 {
		g.total = weight
	}
	n := g.tree.add(weight, impurity/weight)
	at := len(g.tree.values)
	for range g.width {
		g.tree.values = append(g.tree.values, 0)
	}
	g.measure.value(g.tree.values[at:])
	best := split{num: math.Inf(-1), den: 1, feature: -1}
	if mixed && depth < g.limits.maxDepth && count >= g.limits.minSplit && count >= 2*g.limits.minLeaf {
		g.find(rows, depth, &best)
	}
	gain := 0.0
	if best.feature >= 0 {
		gain = g.measure.decrease(&best)
	}
	if best.feature < 0 || !g.worth(gain) {
		if g.onLeaf != nil {
			g.onLeaf(n, rows)
		}
		return n
	}
	cut := g.partition(rows, &best)
	g.tree.set(n, &best)
	g.tree.gain[n] = max(gain, 0)
	left := g.node(rows[:cut], depth+1)
	g.tree.left[n], g.tree.right[n] = left, g.node(rows[cut:], depth+1)
	return n
}

// worth reports whether a split that lowers impurity by d lowers it by enough.
func (g *grower) worth(d float64) bool {
	return d/g.total+epsilon >= g.limits.minDecrease && (g.limits.above <= 0 || d > g.limits.above)
}

// epsilon is the precision below which scikit-learn calls an impurity nought.
const epsilon = 0x1p-52

// find looks for the best split among the columns drawn, and among more of them while none has any.
func (g *grower) find(rows []int32, depth int, best *split) {
	if g.choose != nil {
		for j, ok := range g.choose(depth) {
			if ok {
				g.column(int32(j), rows, best)
			}
		}
		return
	}
	draw := g.limits.draw
	if draw <= 0 || draw >= len(g.columns) {
		for j := range g.columns {
			g.column(int32(j), rows, best)
		}
		return
	}
	for i := range g.order {
		if i >= draw && best.feature >= 0 {
			return
		}
		if best.feature >= 0 && g.measure.perfect(best) {
			return
		}
		k := i + g.rng.IntN(len(g.order)-i)
		g.order[i], g.order[k] = g.order[k], g.order[i]
		g.column(g.order[i], rows, best)
	}
}

func (g *grower) column(j int32, rows []int32, best *split) {
	c := &g.columns[j]
	if g.limits.random {
		g.drawn(j, rows, best)
		return
	}
	if c.count > 1 || c.missing {
		if g.measure.search(c, g.gather(j, rows), rows, g.limits.minLeaf, best) {
			best.feature = j
		}
	}
}

// gather returns the ranks of the rows in column j. The rows of a small node lie far apart in a column, each in a cache line of its
// own; row by row, the node's lines serve the other columns too and stay in the cache for the nodes below.
func (g *grower) gather(j int32, rows []int32) []uint16 {
	local := g.local[:len(rows)]
	if p := len(g.columns); g.byRow != nil && len(rows)*p <= 1<<18 {
		byRow := g.byRow[j:]
		for i, r := range rows {
			local[i] = byRow[int(r)*p]
		}
		return local
	}
	rank := g.columns[j].rank
	for i, r := range rows {
		local[i] = rank[r]
	}
	return local
}

// byRow returns the ranks row by row, or nil where they are few enough to stay in the cache anyway.
func byRow(columns []ranks) []uint16 {
	p, n := len(columns), len(columns[0].rank)
	if p*n < 1<<19 {
		return nil
	}
	out := make([]uint16, p*n)
	const block = 64
	parallel((n+block-1)/block, p*n, func() func(int) {
		return func(b int) {
			for i := b * block; i < min((b+1)*block, n); i++ {
				row := out[i*p : (i+1)*p]
				for j := range row {
					row[j] = columns[j].rank[i]
				}
			}
		}
	})
	return out
}

// partition brings the rows that go left to the front, keeping the order on both sides, sets the threshold, and returns how many go
// left. A node that met no missing value sends those to come where more of its rows went.
func (g *grower) partition(rows []int32, s *split) int {
	c := &g.columns[s.feature]
	local := g.gather(s.feature, rows)
	if s.categories == nil && !g.limits.random {
		s.threshold = between(c, local, rows, s)
	}
	left, right, missing := 0, 0, false
	spare := g.spare[:len(rows)]
	if s.categories == nil && !c.missing {
		cut := s.rank
		for i, r := range rows {
			rows[left], spare[right] = r, r
			l := 0
			if local[i] <= cut {
				l = 1
			}
			left += l
			right += 1 - l
		}
	} else {
		for i, r := range rows {
			missing = missing || local[i] == missingRank
			if goesLeft(local[i], s.rank, s.categories, s.missingLeft) {
				rows[left] = r
				left++
			} else {
				spare[right] = r
				right++
			}
		}
	}
	copy(rows[left:], spare[:right])
	if !missing {
		s.missingLeft = left > right
	}
	if s.categories != nil {
		settle(c, rows, left, s.categories)
	}
	return left
}

// between returns the midpoint of the largest value on the left and the smallest on the right; where only missing values are on one
// side, a threshold beyond all values. Values are read only where their rank is next to the cut.
func between(c *ranks, local []uint16, rows []int32, s *split) float64 {
	low, high, lows, highs := 0, missingRank, false, false
	for _, b := range local {
		if b <= s.rank {
			low, lows = max(low, int(b)), true
		} else if b != missingRank {
			high, highs = min(high, int(b)), true
		}
	}
	switch {
	case !highs:
		return math.MaxFloat64
	case !lows:
		return -math.MaxFloat64
	}
	a, b := math.Inf(-1), math.Inf(1)
	for i, r := range rows {
		switch int(local[i]) {
		case low:
			a = max(a, c.values[r])
		case high:
			b = min(b, c.values[r])
		}
	}
	t := a/2 + b/2
	if !(t >= a && t < b) { // neighbouring floats, or rounding of very small ones
		t = a
	}
	return t
}
