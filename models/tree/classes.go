package tree

import (
	"math"
	"slices"
)

// classes is the Gini impurity or entropy of any number of classes with any weights.
type classes struct {
	entropy bool
	class   []int32
	weight  []float64 // of each row, class weights and case weights multiplied
	times   []uint32  // rows that each row stands for; nil means one
	k       int

	sum         []float64 // of the node: a weight a class, then the number of rows
	left, right []float64
	marks       marks
	hist        []float64 // ranks × (classes + 1)
	whole       float64   // the node's weight × impurity
}

func newClasses(entropy bool, class []int32, weight []float64, times []uint32, k, ranks int) *classes {
	return &classes{entropy: entropy, class: class, weight: weight, times: times, k: k,
		sum: make([]float64, k+1), left: make([]float64, k+1), right: make([]float64, k+1), hist: make([]float64, (ranks+1)*(k+1))}
}

func (c *classes) add(to []float64, r int32) {
	n := 1.0
	if c.times != nil {
		n = float64(c.times[r])
	}
	to[c.class[r]] += c.weight[r] * n
	to[c.k] += n
}

func (c *classes) enter(rows []int32) (weight, impurity float64, count int, mixed bool) {
	clear(c.sum)
	for _, r := range rows {
		c.add(c.sum, r)
	}
	for _, w := range c.sum[:c.k] {
		weight += w
	}
	if weight > 0 {
		impurity = c.impurity(c.sum, weight)
	}
	c.whole = weight * impurity
	return weight, c.whole, int(c.sum[c.k]), impurity > epsilon
}

// impurity returns the impurity of a side, in scikit-learn's order of operations, whose rounding decides between splits of equal gain.
func (c *classes) impurity(sum []float64, weight float64) float64 {
	s := 0.0
	for _, w := range sum[:c.k] {
		if !c.entropy {
			s += w * w
		} else if w > 0 {
			p := w / weight
			s -= p * (math.Log(p) / math.Ln2)
		}
	}
	if c.entropy {
		return s
	}
	return 1 - s/(weight*weight)
}

func (c *classes) value(out []float64) {
	weight := 0.0
	for _, w := range c.sum[:c.k] {
		weight += w
	}
	if len(out) == 1 { // of two classes, the last
		out[0] = c.sum[1] / weight
		return
	}
	for k := range out {
		out[k] = c.sum[k] / weight
	}
}

func (c *classes) perfect(s *split) bool { return s.num >= 0 }

func (c *classes) decrease(s *split) float64 { return c.whole + s.num }

func (c *classes) search(col *ranks, rank []uint16, rows []int32, minLeaf int, best *split) bool {
	stride := c.k + 1
	slot := func(b uint16) []float64 {
		i := min(int(b), len(c.hist)/stride-1) // missing values have the last
		return c.hist[i*stride : (i+1)*stride]
	}
	for i, r := range rows {
		b := rank[i]
		c.add(slot(b), r)
		c.marks.add(b)
	}
	list, missing := c.marks.take(col.count)
	rest := slot(missingRank)
	at, left := -1, false
	orders := 1
	if col.categorical {
		orders = c.k
		if c.k == 2 {
			orders = 1 // by one class is by the other, backwards
		}
	}
	for o := range orders {
		if col.categorical {
			c.byShare(list, slot, c.k-1-o)
		}
		p := c.scan(list, slot, nil, rest, missing, minLeaf, best)
		l := false
		if missing {
			if q := c.scan(list, slot, rest, nil, false, minLeaf, best); q >= 0 {
				p, l = q, true
			}
		}
		if p >= 0 {
			at, left = p, l
			best.place(col, list, at, left)
		}
	}
	for _, b := range list {
		clear(slot(b))
	}
	clear(rest)
	return at >= 0
}

// scan is as that of binaryGini.
func (c *classes) scan(list []uint16, slot func(uint16) []float64, start, rest []float64, last bool, minLeaf int, best *split) int {
	clear(c.left)
	copy(c.left, start)
	if !last && len(list) > 0 {
		list = list[:len(list)-1]
	}
	at := -1
	for i, b := range list {
		for k, w := range slot(b) {
			c.left[k] += w
		}
		if num, ok := c.split(minLeaf); ok && num*best.den > best.num {
			best.num, best.den, at = num, 1, i
		}
	}
	return at
}

// split measures the split whose left side has been summed: minus the weighted impurities of both sides, which is what scikit-learn
// compares.
func (c *classes) split(minLeaf int) (num float64, ok bool) {
	n := c.left[c.k]
	if n < float64(minLeaf) || c.sum[c.k]-n < float64(minLeaf) {
		return 0, false
	}
	wl, wr := 0.0, 0.0
	for k, w := range c.left[:c.k] {
		c.right[k] = max(c.sum[k]-w, 0)
		wl += w
		wr += c.right[k]
	}
	if wl <= 0 || wr <= 0 {
		return 0, false
	}
	return -wr*c.impurity(c.right, wr) - wl*c.impurity(c.left, wl), true
}

func (c *classes) evaluate(rows []int32, minLeaf int) (num, den float64, ok bool) {
	clear(c.left)
	for _, r := range rows {
		c.add(c.left, r)
	}
	num, ok = c.split(minLeaf)
	return num, 1, ok
}

// byShare orders categories by their share of class k. For more than two classes the best prefix over the orders of all classes is
// tried, which need not be the best of all sets.
func (c *classes) byShare(list []uint16, slot func(uint16) []float64, k int) {
	share := func(b uint16) float64 {
		s, all := slot(b), 0.0
		for _, w := range s[:c.k] {
			all += w
		}
		if all <= 0 {
			return 0
		}
		return s[k] / all
	}
	slices.Sort(list)
	slices.SortStableFunc(list, func(a, b uint16) int { return compareFloats(share(a), share(b)) })
}
