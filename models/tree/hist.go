package tree

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
)

// histBins is how many ranks a column may have in the histogram method, a missing value's included where there are some.
const histBins = 256

// blockColumns is how many columns lie side by side in a block: a row's ranks are then 16 bytes, and the histograms of a block stay in
// the first cache.
const blockColumns = 16

// blockHist is the histograms of a block: gradient in the upper half of a word and hessian in the lower, in fixed point, so that both
// are added at once, sums do not depend on their order, and a sibling is an exact difference.
type blockHist [blockColumns][histBins]uint64

// histGrower grows trees of boosting by histograms of at most 256 ranks a column. It knows the parent's histograms, sums those of the
// smaller child and subtracts them for the larger. Its trees do not depend on how many goroutines share the blocks.
type histGrower struct {
	columns []ranks
	blocks  [][]byte // rows × blockColumns
	penalty Penalty
	rate    float64
	depth   int
	of      []pair // of each row
	choose  func(depth int) []bool
	leaf    []int32 // where each row of the tree ended

	packed         []uint64 // of in fixed point
	scaleG, scaleH float64
	free           [][]blockHist
	scanners       chan *scanner
	part           *grower // partitions rows
	tree           *nodes
}

func newHistGrower(columns []ranks, p Penalty, rate float64, depth int) *histGrower {
	n := len(columns[0].rank)
	h := &histGrower{columns: columns, penalty: p, rate: rate, depth: depth, of: make([]pair, n), packed: make([]uint64, n), leaf: make([]int32, n)}
	jobs := runtime.GOMAXPROCS(0)
	h.scanners = make(chan *scanner, jobs)
	for range jobs {
		h.scanners <- &scanner{h: h}
	}
	h.blocks = make([][]byte, (len(columns)+blockColumns-1)/blockColumns)
	parallel(len(h.blocks), n*len(columns), func() func(int) {
		return func(b int) {
			block := make([]byte, n*blockColumns)
			for k := range blockColumns {
				if j := b*blockColumns + k; j < len(columns) {
					for i, r := range columns[j].rank {
						block[i*blockColumns+k] = byte(r) // missing becomes 255
					}
				}
			}
			h.blocks[b] = block
		}
	})
	h.part = newGrower(columns, limits{}, nil, 1)
	h.part.spare = make([]int32, n)
	return h
}

// family is a node to be: its rows, their sums, and its best split once it was looked for.
type family struct {
	rows  []int32
	sum   pair
	fixed uint64
	local []uint64 // packed, of the rows
	hist  []blockHist
	best  split
	small bool // too small for its children to be worth histograms that are kept
}

// keptRows is the least number of rows of a node whose histograms are kept for its children.
const keptRows = 512

// grow grows a tree on the rows, whose order it changes.
func (h *histGrower) grow(rows []int32, choose func(int) []bool, _ *rand.Rand) *nodes {
	h.tree, h.choose = &nodes{}, choose
	h.fix(rows)
	root := h.family(rows)
	if h.depth > 0 {
		h.find([]*family{root}, nil, 0)
	}
	h.node(root, 0)
	return h.tree
}

func (h *histGrower) pairs() []pair   { return h.of }
func (h *histGrower) leaves() []int32 { return h.leaf }
func (h *histGrower) ranks() []ranks  { return h.columns }

// fix brings gradients to fixed point: sums of all rows stay below 2³⁰ and 2³¹.
func (h *histGrower) fix(rows []int32) {
	var g, s float64
	for _, r := range rows {
		g += math.Abs(h.of[r].g)
		s += h.of[r].h
	}
	h.scaleG, h.scaleH = (1<<30)/max(g, math.SmallestNonzeroFloat64*(1<<60)), (1<<31)/max(s, math.SmallestNonzeroFloat64*(1<<60))
	for _, r := range rows {
		p := h.of[r]
		h.packed[r] = uint64(int64(math.RoundToEven(p.g*h.scaleG)))<<32 + uint64(math.RoundToEven(p.h*h.scaleH))
	}
}

func (h *histGrower) family(rows []int32) *family {
	f := &family{rows: rows, best: split{num: math.Inf(-1), den: 1, feature: -1}, small: len(rows) < keptRows, local: make([]uint64, len(rows))}
	for i, r := range rows {
		f.sum = f.sum.plus(h.of[r])
		f.local[i] = h.packed[r]
		f.fixed += h.packed[r]
	}
	return f
}

// node makes a node of a family and grows all below it.
func (h *histGrower) node(f *family, depth int) (int32, float64) {
	whole := -h.penalty.gain(f.sum.g, f.sum.h)
	n := h.tree.add(f.sum.h, 0)
	h.tree.values = append(h.tree.values, h.rate*h.penalty.weight(f.sum.g, f.sum.h))
	if f.best.feature < 0 {
		for _, r := range f.rows {
			h.leaf[r] = n
		}
		h.release(f)
		return n, whole
	}
	cut := h.part.partition(f.rows, &f.best)
	h.tree.set(n, &f.best)
	left, right := h.family(f.rows[:cut]), h.family(f.rows[cut:])
	f.local = nil
	if depth+1 < h.depth {
		small, large := left, right
		if len(left.rows) > len(right.rows) {
			small, large = right, left
		}
		h.find([]*family{small, large}, f.hist, depth+1)
		f.hist = nil // taken over by the larger child
	}
	h.release(f)
	l, lower := h.node(left, depth+1)
	r, upper := h.node(right, depth+1)
	h.tree.left[n], h.tree.right[n] = l, r
	h.tree.gain[n] = whole - lower - upper
	return n, whole
}

// release gives a family's histograms back.
func (h *histGrower) release(f *family) {
	if f.hist != nil {
		h.free = append(h.free, f.hist)
		f.hist = nil
	}
}

func (h *histGrower) take() []blockHist {
	if k := len(h.free); k > 0 {
		out := h.free[k-1]
		h.free = h.free[:k-1]
		return out
	}
	return make([]blockHist, len(h.blocks))
}

// find looks for the best split of the root, or of two siblings, the smaller first, whose parent's histograms may be given; the larger
// takes those over.
func (h *histGrower) find(siblings []*family, parent []blockHist, depth int) {
	work := 0
	allowed, bests := make([][]bool, len(siblings)), make([][]split, len(siblings))
	for i, f := range siblings {
		switch {
		case i == 1 && parent != nil:
			f.hist = parent
		case !f.small:
			f.hist = h.take()
		}
		work += len(f.rows)*len(h.columns)/2 + len(h.columns)*histBins
		bests[i] = make([]split, len(h.blocks))
		if h.choose != nil {
			allowed[i] = h.choose(depth)
		}
	}
	parallel(len(h.blocks), work, func() func(int) {
		return func(b int) {
			s := <-h.scanners
			defer func() { h.scanners <- s }()
			var first *blockHist
			for i, f := range siblings {
				hist := &s.scratch[i]
				if f.hist != nil {
					hist = &f.hist[b]
				}
				if i == 1 && parent != nil {
					hist.subtract(first)
				} else {
					*hist = blockHist{}
					hist.add(h.blocks[b], f.rows, f.local)
				}
				first = hist
				bests[i][b] = s.scan(hist, b, f, allowed[i])
			}
		}
	})
	for i, f := range siblings {
		for _, s := range bests[i] {
			if s.feature >= 0 && s.num*f.best.den > f.best.num*s.den {
				f.best = s
			}
		}
		if f.best.feature >= 0 && h.gain(f) <= leastGain {
			f.best.feature = -1
		}
		if f.small {
			h.release(f)
		}
	}
}

// gain is what the best split of a family gains over a leaf.
func (h *histGrower) gain(f *family) float64 {
	g, d := h.sums(f)
	return (f.best.num/f.best.den+g*g)/d*h.unit() - h.penalty.gain(f.sum.g, f.sum.h)
}

// unit is what a gain in fixed point is worth.
func (h *histGrower) unit() float64 { return h.scaleH / (h.scaleG * h.scaleG) }

// add adds rows, whose words are given in their order.
func (t *blockHist) add(block []byte, rows []int32, words []uint64) {
	for i, r := range rows {
		v := words[i]
		q := (*[blockColumns]byte)(block[int(r)*blockColumns:])
		t[0][q[0]] += v
		t[1][q[1]] += v
		t[2][q[2]] += v
		t[3][q[3]] += v
		t[4][q[4]] += v
		t[5][q[5]] += v
		t[6][q[6]] += v
		t[7][q[7]] += v
		t[8][q[8]] += v
		t[9][q[9]] += v
		t[10][q[10]] += v
		t[11][q[11]] += v
		t[12][q[12]] += v
		t[13][q[13]] += v
		t[14][q[14]] += v
		t[15][q[15]] += v
	}
}

// subtract turns the parent's histograms into the larger child's.
func (t *blockHist) subtract(other *blockHist) {
	for k := range t {
		a, b := &t[k], &other[k]
		for i := range a {
			a[i] -= b[i]
		}
	}
}

// scanner finds the best split of a block's columns; it has room for the histograms of two nodes.
type scanner struct {
	h       *histGrower
	scratch [2]blockHist
	list    []uint16
}

func (s *scanner) scan(t *blockHist, block int, f *family, allowed []bool) split {
	best := split{num: math.Inf(-1), den: 1, feature: -1}
	for k := range blockColumns {
		j := block*blockColumns + k
		if j >= len(s.h.columns) {
			break
		}
		c := &s.h.columns[j]
		if c.count < 2 && !c.missing || allowed != nil && !allowed[j] {
			continue
		}
		found := false
		if c.categorical || c.missing || s.h.penalty.Alpha > 0 || s.h.penalty.MaxDeltaStep > 0 {
			found = s.general(&t[k], c, f, &best)
		} else {
			found = s.plain(&t[k], c, f, &best)
		}
		if found {
			best.feature = int32(j)
		}
	}
	return best
}

// plain tries the boundaries of a numerical column without missing values, without L1 penalty or limit on leaves, from the highest.
//
// With G and D the node's sum of gradients and its sum of hessians plus 2λ, and g and d the right side's sum of gradients and of hessians
// plus λ, the gain of both sides is G²/D + (G·d − g·D)²/(d·(D−d)·D): fractions that are compared without dividing.
func (s *scanner) plain(t *[histBins]uint64, c *ranks, f *family, best *split) bool {
	low := s.least()
	lambda := s.h.penalty.Lambda * s.h.scaleH
	g, d := s.h.sums(f)
	num, den, at := best.num, best.den, -1
	right, all := uint64(0), f.fixed
	for b := c.count - 1; b > 0; b-- {
		v := t[b&(histBins-1)]
		if f.small && v == 0 {
			continue
		}
		right += v
		hr := uint32(right)
		if hr < low {
			continue
		}
		if uint32(all-right) < low {
			break
		}
		dr := float64(hr) + lambda
		u := g*dr - float64(int32(right>>32))*d
		x, y := u*u, dr*(d-dr)
		if x*den > num*y {
			num, den, at = x, y, b-1
		}
	}
	if at < 0 {
		return false
	}
	*best = split{num: num, den: den, rank: uint16(at)}
	return true
}

// least is the sum of hessians that a child must have, in fixed point and at least 1.
func (s *scanner) least() uint32 {
	return uint32(min(max(math.Ceil(s.h.penalty.MinChildWeight*s.h.scaleH), 1), math.MaxUint32))
}

// sums returns G and D of a node in fixed point (see plain).
func (h *histGrower) sums(f *family) (g, d float64) {
	return float64(int32(f.fixed >> 32)), float64(uint32(f.fixed)) + 2*h.penalty.Lambda*h.scaleH
}

// general tries the boundaries of any column with any penalty.
func (s *scanner) general(t *[histBins]uint64, c *ranks, f *family, best *split) bool {
	s.list = s.list[:0]
	for b := range c.count {
		if t[b] != 0 {
			s.list = append(s.list, uint16(b))
		}
	}
	rest := uint64(0)
	if c.missing {
		rest = t[histBins-1]
	}
	if c.categorical {
		weight := func(b uint16) float64 {
			p := s.real(t[b])
			return p.g / (p.h + s.h.penalty.Lambda + 1e-12)
		}
		slices.SortStableFunc(s.list, func(a, b uint16) int { return compareFloats(weight(a), weight(b)) })
	}
	at, missingLeft := -1, true
	if c.missing {
		left := uint64(0)
		for i, b := range s.list {
			left += t[b]
			if (rest != 0 || i+1 < len(s.list)) && s.better(left, f, best) {
				at, missingLeft = i, false
			}
		}
	}
	right := uint64(0)
	for i := len(s.list) - 1; i > 0; i-- {
		right += t[s.list[i]]
		if s.better(f.fixed-right, f, best) {
			at, missingLeft = i-1, true
		}
	}
	if at < 0 {
		return false
	}
	best.place(c, s.list, at, missingLeft)
	return true
}

// real is a sum in the units of gradients.
func (s *scanner) real(v uint64) pair {
	return pair{float64(int32(v>>32)) / s.h.scaleG, float64(uint32(v)) / s.h.scaleH}
}

func (s *scanner) better(fixed uint64, f *family, best *split) bool {
	left, right := s.real(fixed), s.real(f.fixed-fixed)
	p := &s.h.penalty
	if left.h < p.MinChildWeight || right.h < p.MinChildWeight || left.h <= 0 || right.h <= 0 {
		return false
	}
	g, d := s.h.sums(f)
	v := (p.gain(left.g, left.h)+p.gain(right.g, right.h))/s.h.unit()*d - g*g
	if v*best.den > best.num {
		best.num, best.den = v, 1
		return true
	}
	return false
}
