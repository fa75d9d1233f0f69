package tree

// sequence is classes with sums taken row by row in the order of a column's values, from the nearer end, as scikit-learn takes them.
// Weights that are not whole numbers make the rounding of those sums decide between splits of equal gain.
type sequence struct {
	*classes
	counts []int32 // of each rank, then where its rows start
	sorted []int32
}

func newSequence(c *classes, rows int) *sequence {
	return &sequence{c, make([]int32, len(c.hist)/(c.k+1)), make([]int32, rows)}
}

func (c *sequence) search(col *ranks, rank []uint16, rows []int32, minLeaf int, best *split) bool {
	if col.missing || col.categorical {
		return c.classes.search(col, rank, rows, minLeaf, best)
	}
	for _, b := range rank {
		c.counts[b]++
		c.marks.add(b)
	}
	list, _ := c.marks.take(col.count)
	start := int32(0)
	for _, b := range list {
		c.counts[b], start = start, start+c.counts[b]
	}
	sorted := c.sorted[:len(rows)]
	for i, r := range rows {
		b := rank[i]
		sorted[c.counts[b]] = r
		c.counts[b]++
	}
	at := c.scanRows(list, sorted, minLeaf, best)
	if at >= 0 {
		best.place(col, list, at, false)
	}
	for _, b := range list {
		c.counts[b] = 0
	}
	return at >= 0
}

// scanRows tries the boundaries between ranks; counts holds where the rows of each rank end.
func (c *sequence) scanRows(list []uint16, sorted []int32, minLeaf int, best *split) int {
	at, position, end := -1, 0, len(sorted)
	weight, total := 0.0, 0.0
	for _, w := range c.sum[:c.k] {
		total += w
	}
	clear(c.left)
	for i, b := range list[:len(list)-1] {
		p := int(c.counts[b])
		if p < minLeaf || end-p < minLeaf {
			continue
		}
		if p-position <= end-p {
			for _, r := range sorted[position:p] {
				c.left[c.class[r]] += c.weight[r]
				weight += c.weight[r]
			}
		} else {
			copy(c.left, c.sum)
			weight = total
			for k := end - 1; k >= p; k-- {
				r := sorted[k]
				c.left[c.class[r]] -= c.weight[r]
				weight -= c.weight[r]
			}
		}
		position = p
		for k := range c.k {
			c.right[k] = c.sum[k] - c.left[k]
		}
		other := total - weight
		proxy := -other*c.impurity(c.right, other) - weight*c.impurity(c.left, weight)
		if proxy > best.num {
			best.num, best.den, at = proxy, 1, i
		}
	}
	return at
}
