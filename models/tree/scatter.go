package tree

import "math/bits"

// marks is a set of ranks in two levels, so that a node of few rows lists its ranks in order in time linear in the rows, however many
// ranks the column has.
type marks struct {
	words   [1024]uint64
	summary [16]uint64
	list    []uint16
}

func (m *marks) add(r uint16) {
	m.words[r>>6] |= 1 << (r & 63)
	m.summary[r>>12] |= 1 << (r >> 6 & 63)
}

// take returns the ranks in ascending order, without missingRank, and empties the set. The list is overwritten by the next call.
func (m *marks) take(count int) (list []uint16, missing bool) {
	const last = missingRank >> 6
	list = m.list[:0]
	for i := range (count-1)>>12 + 1 {
		s := m.summary[i]
		m.summary[i] = 0
		for ; s != 0; s &= s - 1 {
			k := uint(i<<6 | bits.TrailingZeros64(s))
			w := m.words[k&1023]
			m.words[k&1023] = 0
			if k == last && w>>63 == 1 {
				missing = true
				w &^= 1 << 63
			}
			for ; w != 0; w &= w - 1 {
				list = append(list, uint16(k<<6|uint(bits.TrailingZeros64(w))))
			}
		}
	}
	if m.words[last]>>63 == 1 {
		missing = true
		m.words[last], m.summary[last>>6] = 0, 0
	}
	m.list = list
	return list, missing
}
