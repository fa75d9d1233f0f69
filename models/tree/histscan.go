package tree

import (
	"math"
	"slices"
)

// scanner finds the best split of a block's columns; it has room for the histograms of a strip in two nodes.
type scanner struct {
	h       *histGrower
	scratch [2][stripBlocks]blockHist
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

// groupBins is how many bins are looked at together first.
const groupBins = 16

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
	for k := (c.count - 1) / groupBins; k >= 0; k-- {
		group := (*[groupBins]uint64)(t[k*groupBins:])
		start := right
		// The gradients on the right at each boundary of the group, and the hessians, which only grow, lie in a box; the gain is convex, so
		// that none in the box beats its corners.
		lowG, highG := int64(right)>>32, int64(right)>>32
		for i := groupBins - 1; i >= 0; i-- {
			right += group[i]
			lowG, highG = min(lowG, int64(right)>>32), max(highG, int64(right)>>32)
		}
		if right == start || uint32(right) < low {
			continue
		}
		if uint32(all-start) < low {
			break
		}
		d0, d1 := float64(uint32(start))+lambda, float64(uint32(right))+lambda
		u0, u1, v0, v1 := g*d0-float64(lowG)*d, g*d0-float64(highG)*d, g*d1-float64(lowG)*d, g*d1-float64(highG)*d
		e0, e1 := num*(d0*(d-d0)), num*(d1*(d-d1))
		if u0*u0*den <= e0 && u1*u1*den <= e0 && v0*v0*den <= e1 && v1*v1*den <= e1 {
			continue
		}
		r := start
		for i := groupBins - 1; i >= 0 && k+i > 0; i-- {
			r += group[i]
			hr := uint32(r)
			if group[i] == 0 || hr < low {
				continue
			}
			if uint32(all-r) < low {
				break
			}
			dr := float64(hr) + lambda
			u := g*dr - float64(int32(r>>32))*d
			x, y := u*u, dr*(d-dr)
			if x*den > num*y {
				num, den, at = x, y, k*groupBins+i-1
			}
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
