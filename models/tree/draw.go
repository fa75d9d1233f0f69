package tree

import "math"

// drawn tries one split of column j at random: a threshold drawn evenly between the smallest and the largest value of the node
// (Geurts, Ernst and Wehenkel 2006), or for categories a set drawn evenly. Missing values go where it is better.
func (g *grower) drawn(j int32, rows []int32, best *split) {
	c := &g.columns[j]
	s := split{feature: j}
	if c.categorical {
		s.categories = g.drawCategories(c, rows)
	} else if !g.drawThreshold(c, rows, &s) {
		return
	}
	if c.categorical && s.categories == nil {
		return
	}
	missing := c.missing && hasMissing(c, rows)
	for _, s.missingLeft = range []bool{false, true} {
		if s.missingLeft && !missing {
			return
		}
		left := g.spare[:0]
		for _, r := range rows {
			if goesLeft(c.rank[r], s.rank, s.categories, s.missingLeft) {
				left = append(left, r)
			}
		}
		num, den, ok := g.measure.evaluate(left, g.limits.minLeaf)
		if ok && num*best.den > best.num*den {
			s.num, s.den = num, den
			*best = s
		}
	}
}

func hasMissing(c *ranks, rows []int32) bool {
	for _, r := range rows {
		if c.rank[r] == missingRank {
			return true
		}
	}
	return false
}

// drawThreshold draws a threshold and finds the last rank on its left; it reports false where the node has one value.
func (g *grower) drawThreshold(c *ranks, rows []int32, s *split) bool {
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		if c.rank[r] != missingRank {
			low, high = min(low, c.values[r]), max(high, c.values[r])
		}
	}
	if !(low < high) {
		return false
	}
	u := g.rng.Float64()
	s.threshold = low*(1-u) + high*u
	if !(s.threshold >= low && s.threshold < high) {
		s.threshold = low
	}
	for _, r := range rows {
		if c.rank[r] != missingRank && c.values[r] <= s.threshold {
			s.rank = max(s.rank, c.rank[r])
		}
	}
	return true
}

// drawCategories draws which of the node's categories go right, at least one and not all; nil where there is only one.
func (g *grower) drawCategories(c *ranks, rows []int32) []uint64 {
	seen := make([]uint64, (c.count+63)/64)
	var list []uint16
	for _, r := range rows {
		if b := c.rank[r]; b != missingRank && seen[b>>6]>>(b&63)&1 == 0 {
			seen[b>>6] |= 1 << (b & 63)
			list = append(list, b)
		}
	}
	if len(list) < 2 {
		return nil
	}
	g.rng.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
	right := make([]uint64, len(seen))
	for _, b := range list[:1+g.rng.IntN(len(list)-1)] {
		right[b>>6] |= 1 << (b & 63)
	}
	return right
}

// settle sends categories that the node has not met where more of its rows went, so that they share the fate of the many.
func settle(c *ranks, rows []int32, cut int, categories []uint64) {
	if cut > len(rows)-cut {
		return // left is where categories outside the set go
	}
	met := make([]uint64, len(categories))
	for _, r := range rows {
		if b := c.rank[r]; b != missingRank {
			met[b>>6] |= 1 << (b & 63)
		}
	}
	for i := range categories {
		categories[i] |= ^met[i]
	}
	if spare := len(categories)*64 - c.count; spare > 0 {
		categories[len(categories)-1] &= math.MaxUint64 >> spare
	}
}
