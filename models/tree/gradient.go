package tree

import (
	"math"
	"slices"
)

// Penalty holds what restrains the leaves of boosting, under XGBoost's names (Chen and Guestrin 2016, equations 5 to 7).
type Penalty struct {
	Lambda         float64 // reg_lambda: L2 on leaf weights
	Alpha          float64 // reg_alpha: L1 on leaf weights
	Gamma          float64 // a split that gains less, with no split left below it, is undone
	MinChildWeight float64 // sum of hessians that a child must have
	MaxDeltaStep   float64 // most that a leaf weight may be; 0 means no limit
}

// weight returns the weight of a leaf with this sum of gradients and hessians.
func (p *Penalty) weight(g, h float64) float64 {
	if h < p.MinChildWeight || h <= 0 {
		return 0
	}
	w := -p.shrunk(g) / (h + p.Lambda)
	if p.MaxDeltaStep > 0 {
		w = min(max(w, -p.MaxDeltaStep), p.MaxDeltaStep)
	}
	return w
}

// shrunk moves g towards nought by Alpha.
func (p *Penalty) shrunk(g float64) float64 {
	switch {
	case g > p.Alpha:
		return g - p.Alpha
	case g < -p.Alpha:
		return g + p.Alpha
	}
	return 0
}

// gain returns twice what a leaf lowers the objective by.
func (p *Penalty) gain(g, h float64) float64 {
	if h <= 0 {
		return 0
	}
	if p.MaxDeltaStep == 0 {
		s := p.shrunk(g)
		return s * s / (h + p.Lambda)
	}
	w := p.weight(g, h)
	return -(2*g*w + (h+p.Lambda)*w*w)
}

// leastGain is what a split must gain to be made, as in XGBoost.
const leastGain = 1e-6

// pair is a sum of gradients and hessians.
type pair struct{ g, h float64 }

func (p pair) plus(q pair) pair  { return pair{p.g + q.g, p.h + q.h} }
func (p pair) minus(q pair) pair { return pair{p.g - q.g, p.h - q.h} }

// gradients measures splits by the second-order gain of boosting, with all ranks told apart. Ties go as in XGBoost's exact method: to
// the first column, and in a column without missing values to the highest threshold.
type gradients struct {
	of      []pair // of each row
	penalty Penalty
	rate    float64 // leaf weights are multiplied by it
	sum     pair
	whole   float64 // gain of the node as a leaf
	marks   marks
	hist    []pair
}

func newGradients(p Penalty, rate float64, rows, ranks int) *gradients {
	return &gradients{of: make([]pair, rows), penalty: p, rate: rate, hist: make([]pair, ranks+1)}
}

func (c *gradients) enter(rows []int32) (weight, impurity float64, count int, mixed bool) {
	c.sum = pair{}
	for _, r := range rows {
		c.sum = c.sum.plus(c.of[r])
	}
	c.whole = c.penalty.gain(c.sum.g, c.sum.h)
	return c.sum.h, -c.whole, len(rows), true
}

func (c *gradients) value(out []float64) { out[0] = c.rate * c.penalty.weight(c.sum.g, c.sum.h) }

func (c *gradients) perfect(*split) bool { return false }

func (c *gradients) decrease(s *split) float64 { return s.num - c.whole }

func (c *gradients) search(col *ranks, rank []uint16, rows []int32, _ int, best *split) bool {
	last := uint16(len(c.hist) - 1) // missing values have the last place
	hist, of := c.hist, c.of
	for i, r := range rows {
		b := rank[i]
		c.marks.add(b)
		h := &hist[min(b, last)]
		h.g += of[r].g
		h.h += of[r].h
	}
	list, missing := c.marks.take(col.count)
	rest := pair{}
	if missing {
		rest = hist[last]
		hist[last] = pair{}
	}
	if col.categorical {
		c.byGradient(list)
	}
	at, left := -1, true
	if col.missing {
		if p := c.forward(list, missing, best); p >= 0 {
			at, left = p, false
		}
	}
	if p := c.backward(list, rest, best); p >= 0 {
		at, left = p, true
	}
	if at >= 0 {
		best.place(col, list, at, left)
	}
	for _, b := range list {
		hist[b] = pair{}
	}
	return at >= 0
}

// forward tries boundaries from the lowest, with missing values on the right.
func (c *gradients) forward(list []uint16, missing bool, best *split) int {
	if !missing && len(list) > 0 {
		list = list[:len(list)-1]
	}
	at, left := -1, pair{}
	for i, b := range list {
		left = left.plus(c.hist[b])
		if c.better(left, c.sum.minus(left), best) {
			at = i
		}
	}
	return at
}

// backward tries boundaries from the highest, with missing values on the left.
func (c *gradients) backward(list []uint16, rest pair, best *split) int {
	at, right := -1, pair{}
	for i := len(list) - 1; i > 0; i-- {
		right = right.plus(c.hist[list[i]])
		if c.better(c.sum.minus(right), right, best) {
			at = i - 1
		}
	}
	return at
}

func (c *gradients) better(left, right pair, best *split) bool {
	if left.h < c.penalty.MinChildWeight || right.h < c.penalty.MinChildWeight || left.h <= 0 || right.h <= 0 {
		return false
	}
	if v := c.penalty.gain(left.g, left.h) + c.penalty.gain(right.g, right.h); v > best.num {
		best.num, best.den = v, 1
		return true
	}
	return false
}

func (c *gradients) evaluate(rows []int32, _ int) (num, den float64, ok bool) {
	left := pair{}
	for _, r := range rows {
		left = left.plus(c.of[r])
	}
	s := split{num: math.Inf(-1)}
	ok = c.better(left, c.sum.minus(left), &s)
	return s.num, 1, ok
}

// byGradient orders categories by the weight that a leaf of each alone would have: the best set is then a prefix (Fisher 1958).
func (c *gradients) byGradient(list []uint16) {
	weight := func(b uint16) float64 { return c.hist[b].g / (c.hist[b].h + c.penalty.Lambda + 1e-12) }
	slices.SortStableFunc(list, func(a, b uint16) int { return compareFloats(weight(a), weight(b)) })
}

// undo removes splits whose children are leaves and that gain less than gamma, from the bottom, as XGBoost prunes.
func (t *nodes) undo(gamma float64) *nodes {
	if gamma <= 0 {
		return t
	}
	cut := make([]bool, len(t.feature))
	any := false
	for n := len(t.feature) - 1; n >= 0; n-- {
		if t.feature[n] < 0 {
			cut[n] = true
		} else if cut[t.left[n]] && cut[t.right[n]] && t.gain[n] < gamma {
			cut[n], any = true, true
		}
	}
	if !any {
		return t
	}
	out := &nodes{}
	t.copyTo(out, 0, cut)
	return out
}
