package image

import (
	"math"
	"sync"
)

// Statistics describes every voxel of an image, whatever part of it was kept.
type Statistics struct {
	Count     int     // voxels with a value: NaN are left out here and below
	NaN       int     // voxels that are not a number
	Min, Max  float64 // NaN where Count is 0
	Mean      float64
	SD        float64 // with n−1, as in ITK's NormalizeImageFilter; 0 for one voxel
	AtMinimum int     // voxels at Min: the background of most MR images
}

// Statistics takes the statistics of a volume that is in memory.
func (v *Volume) Statistics() Statistics {
	var m moments
	m.init()
	for start := 0; start < len(v.Values); start += blockSamples {
		m.add(v.Values[start:min(start+blockSamples, len(v.Values))])
	}
	return m.statistics()
}

// blockSamples is the number of samples that are decoded and summed at a time. Sums depend on it, so that it is fixed.
const blockSamples = 1 << 14

// moments gathers statistics block by block. Means and sums of squares of blocks are merged by the update of Chan, Golub and LeVeque
// (1979), in order, so that the result does not depend on how many goroutines there are.
type moments struct {
	n, nan, atMin int
	min, max      float64
	mean, m2      float64
}

func (m *moments) init() { m.min, m.max = math.Inf(1), math.Inf(-1) }

func (m *moments) add(block []float64) {
	sum, n := 0.0, 0
	low, high := math.Inf(1), math.Inf(-1)
	atLow := 0
	for _, x := range block {
		if x != x {
			continue
		}
		n++
		sum += x
		if x <= low {
			if x < low {
				low, atLow = x, 0
			}
			atLow++
		}
		if x > high {
			high = x
		}
	}
	m.nan += len(block) - n
	if n == 0 {
		return
	}
	mean := sum / float64(n)
	m2 := 0.0
	for _, x := range block {
		if x == x {
			m2 += (x - mean) * (x - mean)
		}
	}
	if low < m.min {
		m.min, m.atMin = low, atLow
	} else if low == m.min {
		m.atMin += atLow
	}
	m.max = max(m.max, high)
	total := float64(m.n + n)
	delta := mean - m.mean
	m.mean += delta * float64(n) / total
	m.m2 += m2 + delta*delta*float64(m.n)*float64(n)/total
	m.n += n
}

func (m *moments) statistics() Statistics {
	s := Statistics{Count: m.n, NaN: m.nan, Min: m.min, Max: m.max, Mean: m.mean, AtMinimum: m.atMin}
	if m.n == 0 {
		s.Min, s.Max, s.Mean, s.SD = math.NaN(), math.NaN(), math.NaN(), math.NaN()
		return s
	}
	if m.n > 1 {
		s.SD = math.Sqrt(m.m2 / float64(m.n-1))
	}
	return s
}

// histogram gathers the statistics of samples of 8 or 16 bits: one increment a voxel, and exact sums. Neighbouring samples count in
// two tables, because background repeats one level and an increment would wait for the one before it.
type histogram struct {
	tables    *[2][1 << 16]uint32
	even, odd []uint32
	lowest    int // the stored number of element 0
}

// tables are pairs of tables of 16-bit samples, all zero, that scans of a batch take one after the other.
var tables = sync.Pool{New: func() any { return &[2][1 << 16]uint32{} }}

func newHistogram(t Type) *histogram {
	both := tables.Get().(*[2][1 << 16]uint32)
	levels := 1 << (8 * t.Size())
	h := &histogram{tables: both, even: both[0][:levels], odd: both[1][:levels]}
	if t == Int8 || t == Int16 {
		h.lowest = -len(h.even) / 2
	}
	return h
}

// add8 counts samples of one byte; flip is 0x80 for signed ones, which puts the lowest first.
func (h *histogram) add8(raw []byte, flip byte) {
	even, odd := (*[1 << 8]uint32)(h.even), (*[1 << 8]uint32)(h.odd)
	for ; len(raw) >= 2; raw = raw[2:] {
		even[raw[0]^flip]++
		odd[raw[1]^flip]++
	}
	if len(raw) == 1 {
		even[raw[0]^flip]++
	}
}

// add16 counts little-endian samples of two bytes; flip is 0x8000 for signed ones.
func (h *histogram) add16(raw []byte, flip uint16) {
	even, odd := (*[1 << 16]uint32)(h.even), (*[1 << 16]uint32)(h.odd)
	for ; len(raw) >= 4; raw = raw[4:] {
		even[(uint16(raw[0])|uint16(raw[1])<<8)^flip]++
		odd[(uint16(raw[2])|uint16(raw[3])<<8)^flip]++
	}
	if len(raw) >= 2 {
		even[(uint16(raw[0])|uint16(raw[1])<<8)^flip]++
	}
}

// statistics are those of stored·slope + intercept. The histogram is used up.
func (h *histogram) statistics(slope, intercept float64) Statistics {
	n, sum := 0, 0 // exact: 2^30 voxels of at most 2^16
	first, last := -1, -1
	for level := range h.even {
		c := int(h.even[level]) + int(h.odd[level])
		if c == 0 {
			continue
		}
		if first < 0 {
			first = level
		}
		last = level
		n += c
		sum += c * (level + h.lowest)
	}
	if n == 0 {
		var m moments
		return m.statistics()
	}
	mean, m2 := float64(sum)/float64(n), 0.0
	for level := first; level <= last; level++ {
		d := float64(level+h.lowest) - mean
		m2 += float64(int(h.even[level])+int(h.odd[level])) * d * d
	}
	low, high := first, last
	if slope < 0 {
		first, last = last, first
	}
	s := Statistics{
		Count: n, AtMinimum: int(h.even[first]) + int(h.odd[first]),
		Min:  float64(first+h.lowest)*slope + intercept,
		Max:  float64(last+h.lowest)*slope + intercept,
		Mean: mean*slope + intercept,
	}
	if n > 1 {
		s.SD = math.Abs(slope) * math.Sqrt(m2/float64(n-1))
	}
	clear(h.even[low : high+1])
	clear(h.odd[low : high+1])
	tables.Put(h.tables)
	*h = histogram{}
	return s
}
