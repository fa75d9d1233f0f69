package tree

import (
	"math"
	"math/rand/v2"
	"runtime"
)

// histBins is how many ranks a column may have in the histogram method, a missing value's included where there are some.
const histBins = 256

// blockColumns is how many columns lie side by side in a block: a row's ranks are 16 bytes, and the histograms of a block stay in
// the first cache.
const blockColumns = 16

// stripBlocks is how many blocks lie side by side in a strip, whose rows are lines of the cache.
const stripBlocks = 4

// blockHist is the histograms of a block: gradient in the upper half of a word and hessian in the lower, in fixed point, so that both
// are added at once, sums do not depend on their order, and a sibling is an exact difference.
type blockHist [blockColumns][histBins]uint64

// histGrower grows trees of boosting by histograms of at most 256 ranks a column. It knows the parent's histograms, sums those of the
// smaller child and subtracts them for the larger. Its trees do not depend on how many goroutines share the blocks.
type histGrower struct {
	columns []ranks
	strips  [][]byte // of stripBlocks blocks or fewer: rows × their columns
	blocks  int
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
	h.blocks = (len(columns) + blockColumns - 1) / blockColumns
	h.strips = make([][]byte, (h.blocks+stripBlocks-1)/stripBlocks)
	parallel(len(h.strips), n*len(columns), func() func(int) {
		return func(k int) {
			stride := blockColumns * min(stripBlocks, h.blocks-k*stripBlocks)
			strip := make([]byte, n*stride)
			for q := range stride {
				if j := k*stripBlocks*blockColumns + q; j < len(columns) {
					for i, r := range columns[j].rank {
						strip[i*stride+q] = byte(r) // missing becomes 255
					}
				}
			}
			h.strips[k] = strip
		}
	})
	h.part = newGrower(columns, limits{}, nil, 1)
	h.part.spare, h.part.local = make([]int32, n), make([]uint16, n)
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
	return make([]blockHist, h.blocks)
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
		bests[i] = make([]split, h.blocks)
		if h.choose != nil {
			allowed[i] = h.choose(depth)
		}
	}
	parallel(len(h.strips), work, func() func(int) {
		return func(k int) {
			s := <-h.scanners
			defer func() { h.scanners <- s }()
			from := k * stripBlocks
			to := min(from+stripBlocks, h.blocks)
			var first []blockHist
			for i, f := range siblings {
				hists := s.scratch[i][:to-from]
				if f.hist != nil {
					hists = f.hist[from:to]
				}
				if i == 1 && parent != nil {
					for b := range hists {
						hists[b].subtract(&first[b])
					}
				} else {
					add(hists, h.strips[k], f.rows, f.local)
				}
				first = hists
				for b := range hists {
					bests[i][from+b] = s.scan(&hists[b], from+b, f, allowed[i])
				}
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

// add sums the histograms of a strip over rows, whose words are given in their order. A row's ranks in a strip are a line of the cache,
// which the first block fetches and the others find there: rows are taken by as many as the cache holds.
func add(hists []blockHist, strip []byte, rows []int32, words []uint64) {
	clear(hists)
	const chunk = 2048
	for from := 0; from < len(rows); from += chunk {
		to := min(from+chunk, len(rows))
		for b := range hists {
			hists[b].add(strip[b*blockColumns:], len(hists)*blockColumns, rows[from:to], words[from:to])
		}
	}
}

// add adds rows of a block that begins the strip given, whose rows are stride apart.
func (t *blockHist) add(strip []byte, stride int, rows []int32, words []uint64) {
	words = words[:len(rows)]
	for i, r := range rows {
		v := words[i]
		q := (*[blockColumns]byte)(strip[int(r)*stride:])
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
