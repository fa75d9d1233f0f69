package tree

import (
	"math"
	"slices"
)

// binaryGini is the Gini impurity of two classes where rows have whole-number weights, as bootstraps give. A row's count and its count
// of the last class are the low and high halves of one word, so that both are added at once.
type binaryGini struct {
	packed []uint64   // one a row
	weight [2]float64 // of the classes
	// faithful settles near ties by scikit-learn's own arithmetic, whose rounding decides between splits of equal gain.
	faithful bool
	sum      uint64  // of the node
	last     float64 // of the node: weight of the last class
	both     float64 // and of both

	local  []uint64 // packed, of the node's rows
	marks  marks
	hist   *[1 << 16]uint64
	groups []uint64 // of ranks
	inside []bool   // groups whose ranks are told apart
}

func newBinaryGini(packed []uint64, weight [2]float64) *binaryGini {
	return &binaryGini{packed: packed, weight: weight, hist: new([1 << 16]uint64),
		groups: make([]uint64, maxCoarse), inside: make([]bool, maxCoarse)}
}

// weigh returns the weight of the last class and of both.
func (c *binaryGini) weigh(p uint64) (last, both float64) {
	last = float64(p>>32) * c.weight[1]
	return last, last + float64(uint32(p)-uint32(p>>32))*c.weight[0]
}

func (c *binaryGini) enter(rows []int32) (weight, impurity float64, count int, mixed bool) {
	c.sum = 0
	if cap(c.local) < len(rows) {
		c.local = make([]uint64, len(rows))
	}
	c.local = c.local[:len(rows)]
	for i, r := range rows {
		p := c.packed[r]
		c.local[i] = p
		c.sum += p
	}
	c.last, c.both = c.weigh(c.sum)
	both, p := c.both, c.last/c.both
	impurity = 1 - p*p - (1-p)*(1-p)
	return both, impurity * both, int(uint32(c.sum)), impurity > epsilon
}

// perfect reports whether a split leaves no impurity on either side, so that none can be better.
func (c *binaryGini) perfect(s *split) bool {
	return s.num >= c.last*(c.both-c.last)*s.den*(1-1e-12)
}

func (c *binaryGini) value(out []float64) {
	last, both := c.weigh(c.sum)
	out[0] = last / both
}

func (c *binaryGini) decrease(s *split) float64 {
	_, both := c.weigh(c.sum)
	return 2 * s.num / (s.den * both)
}

func (c *binaryGini) search(col *ranks, rank []uint16, rows []int32, minLeaf int, best *split) bool {
	if len(rows) >= 32 && !col.missing && !col.categorical && !c.faithful {
		return c.coarse(col, rank, minLeaf, best)
	}
	hist, packed := c.hist, c.local[:len(rank)]
	for i, b := range rank {
		hist[b] += packed[i]
		c.marks.add(b)
	}
	list, _ := c.marks.take(col.count)
	missing := hist[missingRank]
	hist[missingRank] = 0
	if col.categorical {
		c.byResponse(list)
	}
	at, left := c.scan(list, 0, missing, minLeaf, best)
	if missing > 0 {
		if p, _ := c.scan(list, missing, 0, minLeaf, best); p >= 0 {
			at, left = p, true
		}
	}
	if at >= 0 {
		best.place(col, list, at, left)
	}
	for _, b := range list {
		hist[b] = 0
	}
	return at >= 0
}

// scan tries the boundaries between the ranks in the list, and after the last of them where rest is still to the right. Left starts
// with what is given. It returns the position of the best boundary, or -1 where none is better than best.
func (c *binaryGini) scan(list []uint16, left, rest uint64, minLeaf int, best *split) (at int, missingLeft bool) {
	last, both := c.weigh(c.sum)
	count, least := uint32(c.sum), uint32(minLeaf)
	missingLeft = left > 0
	if rest == 0 && len(list) > 0 {
		list = list[:len(list)-1]
	}
	at = -1
	num, den, bestLeft := best.num, best.den, best.left
	tie := 1.0
	if c.faithful {
		tie -= 1e-10
	}
	w0, w1, hist := c.weight[0], c.weight[1], c.hist
	for i, b := range list {
		left += hist[b]
		n := uint32(left)
		if n < least || count-n < least {
			continue
		}
		ones := uint32(left >> 32)
		l1 := float64(ones) * w1
		l := l1 + float64(n-ones)*w0
		d := l1*both - l*last
		dd, lr := d*d, l*(both-l)
		if x, y := dd*den, num*lr; x >= y*tie {
			if x <= y && !c.faithful || x*tie <= y && !(c.proxy(left) > c.proxy(bestLeft)) {
				continue
			}
			num, den, bestLeft, at = dd, lr, left, i
		}
	}
	best.num, best.den, best.left = num, den, bestLeft
	return at, missingLeft
}

// proxy is what scikit-learn compares: minus the weighted impurities of both sides, in its order of operations.
func (c *binaryGini) proxy(left uint64) float64 {
	right := c.sum - left
	side := func(p uint64) (weight, impurity float64) {
		ones, n := float64(p>>32), float64(uint32(p))
		zeros := n - ones
		return n, 1 - (zeros*zeros+ones*ones)/(n*n)
	}
	wl, il := side(left)
	wr, ir := side(right)
	return -wr*ir - wl*il
}

func (c *binaryGini) evaluate(rows []int32, minLeaf int) (num, den float64, ok bool) {
	var left uint64
	for _, r := range rows {
		left += c.packed[r]
	}
	if n, all := int(uint32(left)), int(uint32(c.sum)); n < minLeaf || all-n < minLeaf {
		return 0, 0, false
	}
	last, both := c.weigh(c.sum)
	l1, l := c.weigh(left)
	d := l1*both - l*last
	return d * d, l * (both - l), true
}

// byResponse orders categories by their share of the last class: for two classes the best set of categories is then a prefix (Breiman
// and others 1984, theorem 4.5).
func (c *binaryGini) byResponse(list []uint16) {
	share := func(b uint16) float64 {
		last, both := c.weigh(c.hist[b])
		return last / both
	}
	slices.SortStableFunc(list, func(a, b uint16) int { return compareFloats(share(a), share(b)) })
}

func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// place writes where a split lies: after position at of the list of ranks in the order in which they were tried.
func (s *split) place(col *ranks, list []uint16, at int, missingLeft bool) {
	s.missingLeft, s.rank, s.categories = missingLeft, list[at], nil
	if !col.categorical {
		return
	}
	s.categories = make([]uint64, (col.count+63)/64)
	s.rank = math.MaxUint16
	for _, b := range list[at+1:] {
		s.categories[b>>6] |= 1 << (b & 63)
	}
}
