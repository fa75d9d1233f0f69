package scan

import (
	"encoding/binary"
	"math/bits"
)

// Row consumes members of an object as long as they come in a known order and are numbers: the one numbered k begins with names[k], written
// `"name":`, and its number goes to into[k]. Space may stand around names and numbers. It returns how many it
// consumed; the scanner then stands behind the last number, where More goes on. What is not such a member, is not JSON or is a number beyond
// the range is left for the other methods, and never an error here.
//
// It does what More, Key and Number do at a fraction of their cost: five hundred members are most of a request.
func (s *Scanner) Row(names []string, into []float64) int {
	if s.err != nil {
		return 0
	}
	b, i := s.b, s.i
	for k, name := range names {
		if k > 0 {
			i = space(b, i)
			if i >= len(b) || b[i] != ',' {
				return k
			}
			i++
		}
		i = space(b, i)
		if len(b)-i < len(name) || string(b[i:i+len(name)]) != name {
			return k
		}
		i = space(b, i+len(name))
		v, end := plain(b, i)
		if end == 0 {
			return k
		}
		into[k] = v
		i = end
		s.i = i
	}
	return len(names)
}

// space returns where the space that begins at i ends.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// plain reads a number of up to 19 digits without an exponent and returns it with where it ends, or 0 where it is none: Number reads those.
func plain(b []byte, i int) (v float64, end int) {
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	first := i
	mantissa := uint64(0)
	for ; i < len(b) && b[i]-'0' < 10; i++ {
		mantissa = mantissa*10 + uint64(b[i]-'0')
	}
	digits := i - first
	if digits == 0 || digits > 19 || b[first] == '0' && digits > 1 {
		return 0, 0
	}
	places := 0
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for {
			if i+8 > len(b) {
				return 0, 0 // the body does not end here, or is not the JSON that is wanted
			}
			m, n := digitsOf(binary.LittleEndian.Uint64(b[i:]))
			mantissa, i = mantissa*tens[n]+m, i+n
			if n < 8 {
				break
			}
		}
		if places = i - point; places == 0 || digits+places > 19 {
			return 0, 0
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		return 0, 0
	}
	switch {
	case mantissa < 1<<53: // an exact division of exact numbers, see Number
		v = float64(mantissa) / powers[places]
	case places > 0:
		v = quotient(mantissa, tens[places])
	default:
		return 0, 0
	}
	if negative {
		v = -v
	}
	return v, i
}

// digitsOf returns the number that the first bytes of v write in decimal digits, and how many of the eight are digits. See run.
func digitsOf(v uint64) (m uint64, n int) {
	// The upper half of each byte is 0 where it is a digit: by the byte itself and, beyond 9, by the carry of adding 6.
	other := (v&0xf0f0f0f0f0f0f0f0 ^ 0x3030303030303030) | ((v&0x0f0f0f0f0f0f0f0f)+0x0606060606060606)&0xf0f0f0f0f0f0f0f0
	n = bits.TrailingZeros64(other) >> 3
	if n == 0 {
		return 0, 0
	}
	v = (v & 0x0f0f0f0f0f0f0f0f) << (8 * (8 - n)) // zeros in front of fewer than eight
	v = v * (10<<8 + 1) >> 8
	v = (v & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16
	return (v & 0x0000ffff0000ffff) * (10000<<32 + 1) >> 32, n
}
