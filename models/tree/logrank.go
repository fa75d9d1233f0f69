package tree

import (
	"math"
	"slices"
)

// logRank measures splits by the log-rank statistic between the two sides, U²/V (Segal 1988; Ishwaran and others 2008).
//
// U, the events on the left less those expected, is a sum over the rows on the left of their event less the node's cumulative hazard at
// their time. V, Σ w·Y·(n−Y) over event times with Y the rows at risk on the left, changes with one more row there by sums up to its time
// that two Fenwick trees give, so that a boundary costs the logarithm of the number of event times rather than that number.
type logRank struct {
	time  []uint16 // of each row: the number of distinct training event times not after its own
	event []bool
	times []uint32 // rows that each row stands for

	// Of the node, by its own event times: the rows' places among them, and cumulative sums with a nought before the first.
	place  []int32 // of each row
	hazard []float64
	weight []float64 // Σ w
	riskW  []float64 // Σ w × rows at risk
	count  float64

	marks  marks
	of     []uint16  // the node's event times
	deaths []float64 // of each, then at risk
	hist   []int32
	sorted []int32
	tree   []fenwickPair
}

// fenwickPair sums rows on the left, and their Σ w.
type fenwickPair struct{ n, w float64 }

func newLogRank(time []uint16, event []bool, times []uint32, ranks int) *logRank {
	return &logRank{time: time, event: event, times: times, place: make([]int32, len(time)), hist: make([]int32, ranks+1), sorted: make([]int32, len(time))}
}

func (c *logRank) enter(rows []int32) (weight, impurity float64, count int, mixed bool) {
	latest := 0
	for _, r := range rows {
		if c.event[r] {
			c.marks.add(c.time[r])
		}
		latest = max(latest, int(c.time[r]))
	}
	list, _ := c.marks.take(latest + 1)
	c.of = append(c.of[:0], list...)
	k := len(c.of)
	c.deaths = resize(c.deaths, 2*(k+1))
	deaths, leaving := c.deaths[:k+1], c.deaths[k+1:]
	total := uint32(0)
	for _, r := range rows {
		p := c.placeOf(c.time[r])
		c.place[r] = p
		n := c.times[r]
		total += n
		leaving[p] += float64(n)
		if c.event[r] {
			deaths[p] += float64(n)
		}
	}
	c.count = float64(total)
	c.hazard, c.weight, c.riskW = resize(c.hazard, k+1), resize(c.weight, k+1), resize(c.riskW, k+1)
	atRisk := c.count - leaving[0]
	for i := 1; i <= k; i++ {
		d := deaths[i]
		w := 0.0
		if atRisk > 1 {
			w = d * (atRisk - d) / ((atRisk - 1) * atRisk * atRisk)
		}
		c.hazard[i] = c.hazard[i-1] + d/atRisk
		c.weight[i] = c.weight[i-1] + w
		c.riskW[i] = c.riskW[i-1] + w*atRisk
		atRisk -= leaving[i]
	}
	c.tree = slices.Grow(c.tree[:0], k+1)[:k+1]
	return c.count, 0, int(total), c.weight[k] > 0
}

// resize returns a slice of n noughts, in the room of s where there is enough.
func resize(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n, 2*n)
	}
	s = s[:n]
	clear(s)
	return s
}

// placeOf returns how many of the node's event times are not after a time.
func (c *logRank) placeOf(t uint16) int32 {
	i, found := slices.BinarySearch(c.of, t)
	if found {
		i++
	}
	return int32(i)
}

// value writes the node's cumulative hazard at its last event time. Forests replace it by mortality.
func (c *logRank) value(out []float64) { out[0] = c.hazard[len(c.hazard)-1] }

func (c *logRank) perfect(*split) bool       { return false }
func (c *logRank) decrease(s *split) float64 { return s.num / s.den }

func (c *logRank) search(col *ranks, rank []uint16, rows []int32, minLeaf int, best *split) bool {
	last := uint16(len(c.hist) - 1) // missing values have the last place
	for _, b := range rank {
		c.hist[min(b, last)]++
		c.marks.add(b)
	}
	list, missing := c.marks.take(col.count)
	if col.categorical {
		c.byScore(list, rank, rows)
	}
	start := int32(0)
	for _, b := range list {
		c.hist[b], start = start, start+c.hist[b]
	}
	known := start
	c.hist[last] = known
	sorted := c.sorted[:len(rows)]
	for i, r := range rows {
		b := min(rank[i], last)
		sorted[c.hist[b]] = r
		c.hist[b]++
	}
	at, left := c.scan(list, sorted[:known], nil, missing, minLeaf, best), false
	if missing {
		if p := c.scan(list, sorted[:known], sorted[known:], false, minLeaf, best); p >= 0 {
			at, left = p, true
		}
	}
	if at >= 0 {
		best.place(col, list, at, left)
	}
	for _, b := range list {
		c.hist[b] = 0
	}
	c.hist[last] = 0
	return at >= 0
}

// scan tries the boundaries between ranks, and that after the last where rest says that missing values are to the right. first goes left
// before any.
func (c *logRank) scan(list []uint16, sorted, first []int32, rest bool, minLeaf int, best *split) int {
	s := side{c: c}
	clear(c.tree)
	for _, r := range first {
		s.add(r)
	}
	if !rest && len(list) > 0 {
		list = list[:len(list)-1]
	}
	at, from := -1, int32(0)
	for i, b := range list {
		to := c.hist[b]
		for _, r := range sorted[from:to] {
			s.add(r)
		}
		from = to
		if s.count < float64(minLeaf) || c.count-s.count < float64(minLeaf) || !(s.variance > 0) {
			continue
		}
		if num := s.excess * s.excess; num*best.den > best.num*s.variance {
			best.num, best.den, at = num, s.variance, i
		}
	}
	return at
}

// side is the left side of a split while rows are added to it.
type side struct {
	c        *logRank
	count    float64 // rows
	excess   float64 // U
	variance float64 // V
}

func (s *side) add(r int32) {
	c := s.c
	n, q := float64(c.times[r]), c.place[r]
	if c.event[r] {
		s.excess += n
	}
	s.excess -= n * c.hazard[q]
	// Σ over event times up to q of w × rows at risk on the left
	below := fenwickPair{}
	for i := q; i > 0; i &= i - 1 {
		below.n += c.tree[i].n
		below.w += c.tree[i].w
	}
	below.n += c.tree[0].n // rows that leave before the first event time, whose Σ w is nought
	overlap := below.w + c.weight[q]*(s.count-below.n)
	s.variance += n*c.riskW[q] - 2*n*overlap - n*n*c.weight[q]
	s.count += n
	if q == 0 {
		c.tree[0].n += n
		return
	}
	for i := q; int(i) < len(c.tree); i += i & -i {
		c.tree[i].n += n
		c.tree[i].w += n * c.weight[q]
	}
}

func (c *logRank) evaluate(left []int32, minLeaf int) (num, den float64, ok bool) {
	s := side{c: c}
	clear(c.tree)
	for _, r := range left {
		s.add(r)
	}
	if s.count < float64(minLeaf) || c.count-s.count < float64(minLeaf) || !(s.variance > 0) {
		return 0, 0, false
	}
	return s.excess * s.excess, s.variance, true
}

// byScore orders categories by the mean of events less hazard of their rows: those with more events than expected last.
func (c *logRank) byScore(list []uint16, rank []uint16, rows []int32) {
	sum, n := make(map[uint16]float64, len(list)), make(map[uint16]float64, len(list))
	for i, r := range rows {
		k := float64(c.times[r])
		score := -c.hazard[c.place[r]]
		if c.event[r] {
			score++
		}
		sum[rank[i]] += k * score
		n[rank[i]] += k
	}
	slices.SortStableFunc(list, func(a, b uint16) int { return compareFloats(sum[a]/n[a], sum[b]/n[b]) })
}

// steps returns the node's event times and the hazard at each: the events over the rows at risk.
func (c *logRank) steps() (times []uint16, hazard []float64) {
	hazard = make([]float64, len(c.of))
	deaths, leaving := c.deaths[:len(c.of)+1], c.deaths[len(c.of)+1:]
	atRisk := c.count - leaving[0]
	for i := range hazard {
		hazard[i] = deaths[i+1] / atRisk
		atRisk -= leaving[i+1]
	}
	return slices.Clone(c.of), hazard
}

// finite reports whether a number can be stored.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
