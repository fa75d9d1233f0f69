package tree

// maxCoarse is the most groups of ranks in which a node is first looked at.
const maxCoarse = 1024

// coarse looks at a numerical column in groups of neighbouring ranks first. The decrease of impurity is convex in the counts on the
// left, so within a group no split beats the corners of the box between the counts at its ends; ranks are told apart only in groups
// whose corners beat the best split so far. The result is that of telling all apart.
func (c *binaryGini) coarse(col *ranks, rank []uint16, minLeaf int, best *split) bool {
	shift := uint(0)
	for most := min(len(rank)/4, maxCoarse); (col.count-1)>>shift >= most; shift++ {
	}
	groups := c.groups[:(col.count-1)>>shift+1]
	clear(groups)
	packed := c.local[:len(rank)]
	for i, b := range rank {
		groups[b>>shift] += packed[i]
	}
	improved := c.ends(groups, shift, minLeaf, best)
	if shift == 0 || !c.promising(groups, best) {
		return improved
	}
	inside := c.inside[:len(groups)]
	hist := c.hist
	for i, b := range rank {
		if inside[b>>shift] {
			hist[b] += packed[i]
			c.marks.add(b)
		}
	}
	list, _ := c.marks.take(col.count)
	left, group := uint64(0), -1
	next := 0
	for i, b := range list {
		if g := int(b >> shift); g != group {
			for ; next < g; next++ {
				left += groups[next]
			}
			group = g
			next = g + 1
			// From here on left counts this group's ranks one by one, and in the end all of them.
		}
		left += hist[b]
		hist[b] = 0
		if i+1 < len(list) && int(list[i+1]>>shift) == group && c.better(left, minLeaf, best) {
			best.rank, best.categories, best.missingLeft = b, nil, false
			improved = true
		}
	}
	return improved
}

// ends tries the splits between groups.
func (c *binaryGini) ends(groups []uint64, shift uint, minLeaf int, best *split) bool {
	left, improved := uint64(0), false
	for k, v := range groups {
		if v == 0 {
			continue
		}
		left += v
		if left == c.sum {
			break
		}
		if c.better(left, minLeaf, best) {
			best.rank, best.categories, best.missingLeft = uint16((k+1)<<shift-1), nil, false
			improved = true
		}
	}
	return improved
}

// better replaces the measure of best where the split with this sum on the left is better.
func (c *binaryGini) better(left uint64, minLeaf int, best *split) bool {
	if n := uint32(left); n < uint32(minLeaf) || uint32(c.sum)-n < uint32(minLeaf) {
		return false
	}
	d, lr := c.measure(float64(uint32(left)-uint32(left>>32)), float64(left>>32))
	if d*best.den > best.num*lr {
		best.num, best.den = d, lr
		return true
	}
	return false
}

// measure returns num and den of a split by the rows of each class on the left.
func (c *binaryGini) measure(zeros, ones float64) (num, den float64) {
	l1 := ones * c.weight[1]
	l := l1 + zeros*c.weight[0]
	d := l1*c.both - l*c.last
	return d * d, l * (c.both - l)
}

// promising marks the groups inside which a split may beat best.
func (c *binaryGini) promising(groups []uint64, best *split) bool {
	inside := c.inside[:len(groups)]
	zeros, ones, any := 0.0, 0.0, false
	for k, v := range groups {
		inside[k] = false
		if v == 0 {
			continue
		}
		n1 := float64(v >> 32)
		n0 := float64(uint32(v) - uint32(v>>32))
		zeros2, ones2 := zeros+n0, ones+n1
		if n0 > 0 && n1 > 0 { // in a group of one class the ends are the corners
			d, lr := c.measure(zeros, ones2)
			e, ls := c.measure(zeros2, ones)
			if d*best.den > best.num*lr || e*best.den > best.num*ls {
				inside[k], any = true, true
			}
		}
		zeros, ones = zeros2, ones2
	}
	return any
}
