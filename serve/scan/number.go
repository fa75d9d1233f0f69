package scan

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// powers are the powers of ten that float64 holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// tens are the powers of ten that 64 bits hold.
var tens = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// quotient returns the float64 nearest to m/d, ties to even, for m and d above zero: 63 bits or more of the quotient and whether
// there is a remainder decide the rounding exactly. Both are under 2^64 and d at most 10^19, so the result is never subnormal.
func quotient(m, d uint64) float64 {
	shiftM, shiftD := bits.LeadingZeros64(m), bits.LeadingZeros64(d)
	m <<= shiftM
	q, r := bits.Div64(m>>1, m<<63, d<<shiftD)
	drop := bits.Len64(q) - 53
	rest, half := q&(1<<drop-1), uint64(1)<<(drop-1)
	q >>= drop
	if rest > half || rest == half && (r != 0 || q&1 == 1) {
		q++
	}
	exponent := shiftD - shiftM - 63 + drop
	return float64(q) * math.Float64frombits(uint64(1023+exponent)<<52)
}

// run appends the decimal digits from b[i] on to m, modulo 2^64, and returns where they end. Eight are read at once (Lemire 2021, Number parsing
// at a gigabyte per second, doi:10.1002/spe.2984).
func run(b []byte, i int, m uint64) (uint64, int) {
	for i+8 <= len(b) {
		v := binary.LittleEndian.Uint64(b[i:])
		if (v&0xf0f0f0f0f0f0f0f0)|((v+0x0606060606060606)&0xf0f0f0f0f0f0f0f0)>>4 != 0x3333333333333333 {
			break
		}
		v = (v & 0x0f0f0f0f0f0f0f0f) * (10<<8 + 1) >> 8
		v = (v & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16
		v = (v & 0x0000ffff0000ffff) * (10000<<32 + 1) >> 32
		m, i = m*1e8+v, i+8
	}
	for ; i < len(b) && b[i]-'0' < 10; i++ {
		m = m*10 + uint64(b[i]-'0')
	}
	return m, i
}

// Number consumes a number. Where the digits fit 53 bits and the exponent is small, one multiplication or division of exact numbers
// gives the nearest float64 (Clinger 1990); up to 19 digits with a fraction, a division of integers does; everything else is
// strconv's. A number beyond float64 is an error.
func (s *Scanner) Number() float64 {
	if c := s.Peek(); c != '-' && (c < '0' || c > '9') {
		s.fail("want a number, found %s", s.found())
		return 0
	}
	b, start := s.b, s.i
	i := start
	negative := b[i] == '-'
	if negative {
		i++
	}
	var mantissa uint64
	digits, exponent := 0, 0
	first := i
	mantissa, i = run(b, i, mantissa)
	digits += i - first
	if i == first || b[first] == '0' && i > first+1 {
		s.fail("a number that JSON does not have")
		return 0
	}
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		mantissa, i = run(b, i, mantissa)
		digits += i - point
		if i == point {
			s.fail("a number that ends in its point")
			return 0
		}
		exponent = point - i
	}
	simple := digits <= 19
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		sign := 1
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			if b[i] == '-' {
				sign = -1
			}
			i++
		}
		from, e := i, 0
		for ; i < len(b) && b[i]-'0' < 10; i++ {
			if e < 1000 {
				e = e*10 + int(b[i]-'0')
			}
		}
		if i == from {
			s.fail("a number without the digits of its exponent")
			return 0
		}
		exponent += sign * e
	}
	s.i = i
	if simple && mantissa < 1<<53 && exponent >= -22 && exponent <= 22 {
		v := float64(mantissa)
		if exponent < 0 {
			v /= powers[-exponent]
		} else {
			v *= powers[exponent]
		}
		if negative {
			v = -v
		}
		return v
	}
	if simple && mantissa != 0 && exponent < 0 && exponent >= -19 {
		v := quotient(mantissa, tens[-exponent])
		if negative {
			v = -v
		}
		return v
	}
	v, err := strconv.ParseFloat(string(b[start:i]), 64)
	if err != nil {
		s.i = start
		s.fail("a number beyond the range of 64-bit floating point")
		return 0
	}
	return v
}
