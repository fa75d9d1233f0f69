package inflate

import "math/bits"

// An entry of a decoding table is value<<16 | length of the code<<8 | bits to take, which are those of the code and the extra bits that
// follow a length or a distance. What it is stands between.
const (
	literal  = 1 << 13             // the value is a byte
	endBlock = 1 << 14             // the block ends
	subtable = 1 << 15             // the value is where a subtable begins, the length how many bits it is indexed by
	invalid  = endBlock | subtable // no code
	special  = invalid
	maxBits  = 15
)

// The bits that the main tables are indexed by, and room for subtables, where longer codes go on. No complete code of 288 symbols needs
// more than 2,342 entries with 11 bits, and none of 32 more than 594 with 9 (zlib's enough.c).
const (
	litBits  = 11
	litRoom  = 2342
	distBits = 9
	distRoom = 594
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
		lit[b] = uint32(b)<<16 | literal
	}
	lit[256] = endBlock
	lit[286], lit[287], dist[30], dist[31] = invalid, invalid, invalid, invalid
	for i, base := range lengthBase {
		lit[257+i] = uint32(base)<<16 | uint32(lengthExtra[i])
	}
	for i, base := range distBase {
		dist[i] = uint32(base)<<16 | uint32(distExtra[i])
	}
	for i := range cl {
		cl[i] = uint32(i)<<16 | literal
	}
	return lit, dist, cl
}

// build fills a decoding table, with its subtables, from the lengths of the codes of symbols, 0 for none. It returns false for lengths
// that are no code: oversubscribed, or incomplete with more than one code.
func build(table []uint32, tableBits int, lengths []uint8, of []uint32) bool {
	var count, next [maxBits + 2]int
	for _, l := range lengths {
		count[l]++
	}
	left := 1
	for l := 1; l <= maxBits; l++ {
		left = left<<1 - count[l]
		if left < 0 {
			return false
		}
		next[l+1] = next[l] + count[l] // where the symbols of longer codes begin in sorted
	}
	codes := next[maxBits+1]
	if left > 0 {
		return incomplete(table[:1<<tableBits], lengths, of, codes)
	}
	var sorted [288]uint16 // symbols by the length of their codes
	for symbol, l := range lengths {
		if l > 0 {
			sorted[next[l]] = uint16(symbol)
			next[l]++
		}
	}
	// Codes of a length fill a table of as many bits, which repeats itself in that of one bit more. Codes are kept with their bits
	// reversed, as the stream has them.
	code, filled, at := 0, 1, 0
	for l := 1; l <= tableBits; l++ {
		copy(table[filled:2*filled], table[:filled])
		filled *= 2
		for range count[l] {
			table[code] = of[sorted[at]] + uint32(l)*(1<<8+1)
			code = after(code, l)
			at++
		}
	}
	subtables(table, tableBits, code, sorted[at:codes], lengths, of)
	return true
}

// after is the code that follows another of l bits, both with their bits reversed; 0 after the last.
func after(code, l int) int {
	gaps := ^code & (1<<l - 1)
	if gaps == 0 {
		return 0
	}
	highest := 1 << (bits.Len(uint(gaps)) - 1)
	return code&(highest-1) | highest
}

// incomplete is the table of no code or of one, which must be of one bit.
func incomplete(table []uint32, lengths []uint8, of []uint32, codes int) bool {
	for i := range table {
		table[i] = invalid
	}
	for symbol, l := range lengths {
		if l == 0 {
			continue
		}
		if codes > 1 || l > 1 {
			return false
		}
		for i := 0; i < len(table); i += 2 {
			table[i] = of[symbol] + 1<<8 + 1
		}
	}
	return true
}

// subtables adds the codes that are longer than a table has bits, code being the first, in a subtable for each prefix. Codes with one
// prefix follow each other, and the last is the longest.
func subtables(table []uint32, tableBits, code int, sorted []uint16, lengths []uint8, of []uint32) {
	start := 1 << tableBits
	for len(sorted) > 0 {
		prefix, same, longest := code&(1<<tableBits-1), 0, 0
		for c := code; same < len(sorted) && c&(1<<tableBits-1) == prefix; same++ {
			longest = int(lengths[sorted[same]])
			c = after(c, longest)
		}
		more := longest - tableBits
		table[prefix] = uint32(start)<<16 | uint32(more)<<8 | subtable
		for _, symbol := range sorted[:same] {
			l := int(lengths[symbol])
			for i := code >> tableBits; i < 1<<more; i += 1 << (l - tableBits) {
				table[start+i] = of[symbol] + uint32(l)*(1<<8+1)
			}
			code = after(code, l)
		}
		sorted = sorted[same:]
		start += 1 << more
	}
}
