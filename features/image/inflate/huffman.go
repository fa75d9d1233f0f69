package inflate

import "math/bits"

// An entry of a decoding table is a value, what it is, and the length of its code in bits: value<<16 | kind<<8 | length. The kind of a
// length or a distance is the number of extra bits that follow. The zero entry is no code.
const (
	literal  = 0x80 // kind: the value is a byte
	endBlock = 0x40 // kind: the block ends
	subtable = 0x20 // kind, with the bits of the subtable below: the value is where it begins
	maxBits  = 15
)

// The bits that the main tables are indexed by; longer codes go on in subtables.
const (
	litBits  = 11
	distBits = 9
)

// Bases and extra bits of length codes 257 … 285 and of distance codes (RFC 1951, 3.2.5).
var (
	lengthBase  = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra   = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	clOrder     = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// The entries of symbols, without the length of their codes.
var litEntries, distEntries, clEntries = entries()

func entries() (lit [288]uint32, dist [32]uint32, cl [19]uint32) {
	for b := range 256 {
		lit[b] = uint32(b)<<16 | literal<<8
	}
	lit[256] = endBlock << 8
	for i, base := range lengthBase {
		lit[257+i] = uint32(base)<<16 | uint32(lengthExtra[i])<<8
	}
	for i, base := range distBase {
		dist[i] = uint32(base)<<16 | uint32(distExtra[i])<<8
	}
	for i := range cl {
		cl[i] = uint32(i)<<16 | literal<<8
	}
	return lit, dist, cl
}

// build fills a decoding table from the lengths of the codes of symbols, 0 for none. It returns the table, grown where subtables need it,
// and false for lengths that are no code: oversubscribed, or incomplete with more than one code.
func build(table []uint32, tableBits int, lengths []uint8, of []uint32) ([]uint32, bool) {
	var count [maxBits + 1]int
	for _, l := range lengths {
		count[l]++
	}
	count[0] = 0
	code, left, codes := 0, 1, 0
	var next [maxBits + 2]int
	for l := 1; l <= maxBits; l++ {
		left = left<<1 - count[l]
		if left < 0 {
			return table, false
		}
		code = (code + count[l-1]) << 1
		next[l] = code
		codes += count[l]
	}
	if left > 0 && (codes > 1 || codes == 1 && count[1] == 0) {
		return table, false
	}
	table = table[:1<<tableBits]
	clear(table)
	first := next
	// The longest code that begins with each prefix decides the size of its subtable.
	var longest [1 << litBits]uint8
	for _, l := range lengths {
		if int(l) > tableBits {
			prefix := reverse(first[l], int(l)) & (1<<tableBits - 1)
			longest[prefix] = max(longest[prefix], l)
		}
		if l > 0 {
			first[l]++
		}
	}
	for symbol, l := range lengths {
		if l == 0 {
			continue
		}
		n := int(l)
		reversed := reverse(next[n], n)
		next[n]++
		entry := of[symbol] | uint32(l)
		if of[symbol] == 0 {
			entry = 0 // a symbol that has a code and stands for nothing
		}
		if n <= tableBits {
			for i := reversed; i < 1<<tableBits; i += 1 << n {
				table[i] = entry
			}
			continue
		}
		prefix := reversed & (1<<tableBits - 1)
		more := int(longest[prefix]) - tableBits
		if table[prefix] == 0 {
			table[prefix] = uint32(len(table))<<16 | uint32(subtable|more)<<8
			for range 1 << more {
				table = append(table, 0)
			}
		}
		start := int(table[prefix] >> 16)
		for i := reversed >> tableBits; i < 1<<more; i += 1 << (n - tableBits) {
			table[start+i] = entry
		}
	}
	return table, true
}

// reverse turns the order of the lowest n bits.
func reverse(code, n int) int { return int(bits.Reverse16(uint16(code)) >> (16 - n)) }
