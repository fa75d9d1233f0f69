package radiomics

import (
	"cmp"
	"math"
	"slices"
)

// cell is an entry of a matrix of grey level (index in texture, from 0) by size: a run's length, a zone's volume, a dependence.
type cell struct {
	level, size int32
	count       float64
}

// merge sorts cells by level and size, and adds up those of the same.
func merge(cells []cell) []cell {
	slices.SortFunc(cells, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.size, b.size))
	})
	out := cells[:0]
	for _, c := range cells {
		if k := len(out) - 1; k >= 0 && out[k].level == c.level && out[k].size == c.size {
			out[k].count += c.count
		} else {
			out = append(out, c)
		}
	}
	return out
}

// sizeMeasures are the sums that run length, size zone and dependence matrices share.
type sizeMeasures struct {
	n, voxels                                float64 // Σ counts; Σ counts·size
	small, large, low, high                  float64 // emphases ÷ n
	smallLow, smallHigh, largeLow, largeHigh float64
	greyUniformity, sizeUniformity           float64 // Σ of squared marginals
	greyVariance, sizeVariance, entropy      float64
}

// measure computes the shared sums over distinct cells. The level of a cell is taken from grey.
func measure(cells []cell, grey []int) sizeMeasures {
	var m sizeMeasures
	byLevel := make([]float64, len(grey))
	longest := int32(0)
	for _, c := range cells {
		m.n += c.count
		m.voxels += c.count * float64(c.size)
		byLevel[c.level] += c.count
		longest = max(longest, c.size)
	}
	bySize := newMarginal(cells, longest)
	var meanGrey, meanSize float64
	for _, c := range cells {
		i, j, p := float64(grey[c.level]), float64(c.size), c.count/m.n
		i2, j2 := i*i, j*j
		m.small += p / j2
		m.large += p * j2
		m.low += p / i2
		m.high += p * i2
		m.smallLow += p / (i2 * j2)
		m.smallHigh += p * i2 / j2
		m.largeLow += p * j2 / i2
		m.largeHigh += p * i2 * j2
		m.entropy -= p * math.Log2(p)
		meanGrey += p * i
		meanSize += p * j
	}
	m.entropy += 0
	for l, c := range byLevel {
		d := float64(grey[l]) - meanGrey
		m.greyUniformity += c * c
		m.greyVariance += c / m.n * d * d
	}
	for _, s := range bySize {
		d := float64(s.size) - meanSize
		m.sizeUniformity += s.count * s.count
		m.sizeVariance += s.count / m.n * d * d
	}
	return m
}

// newMarginal adds up the counts of each size, in ascending order of size.
func newMarginal(cells []cell, longest int32) []cell {
	if int(longest) <= 4*len(cells)+64 {
		sums := make([]float64, longest+1)
		for _, c := range cells {
			sums[c.size] += c.count
		}
		out := make([]cell, 0, len(cells))
		for s, c := range sums {
			if c > 0 {
				out = append(out, cell{size: int32(s), count: c})
			}
		}
		return out
	}
	out := make([]cell, len(cells))
	for i, c := range cells {
		out[i] = cell{size: c.size, count: c.count}
	}
	return merge(out)
}
