// Package scan reads JSON one token at a time without building a tree.
//
// A served request is five hundred named numbers, and turning them into a tree costs more than the model. The scanner is strict
// (RFC 8259): no comments, no trailing commas, no NaN, nothing after the value. The first error stops it, and Err says where it was.
package scan

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Scanner reads tokens from a text. The zero Scanner reads nothing; see New.
type Scanner struct {
	b       []byte
	i       int
	err     error
	scratch []byte
}

// New returns a scanner of a text. It may be reused with Reset.
func New(b []byte) *Scanner { return &Scanner{b: b} }

// Reset starts the scanner over on another text.
func (s *Scanner) Reset(b []byte) { s.b, s.i, s.err = b, 0, nil }

// Err is the first error, or nil.
func (s *Scanner) Err() error { return s.err }

// Offset is the byte at which the scanner stands.
func (s *Scanner) Offset() int { return s.i }

// fail records an error at the scanner's place, unless there was one before.
func (s *Scanner) fail(format string, args ...any) {
	if s.err == nil {
		line, column := 1, 1
		for _, c := range s.b[:min(s.i, len(s.b))] {
			if column++; c == '\n' {
				line, column = line+1, 1
			}
		}
		s.err = fmt.Errorf("line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
	}
}

// Peek returns the first byte of the next token, or 0 at the end or after an error.
func (s *Scanner) Peek() byte {
	if s.err != nil {
		return 0
	}
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// Begin consumes the bracket that opens an object or array. Otherwise it reports what was wanted.
func (s *Scanner) Begin(bracket byte) bool {
	if s.Peek() == bracket {
		s.i++
		return true
	}
	want := "an object"
	if bracket == '[' {
		want = "a list"
	}
	s.fail("want %s, found %s", want, s.found())
	return false
}

// More reports whether another element comes before the closing bracket, consuming commas and that bracket. first is true before
// the first element and is set by More.
func (s *Scanner) More(first *bool, bracket byte) bool {
	switch c := s.Peek(); {
	case c == bracket:
		s.i++
		return false
	case *first:
		*first = false
		return s.err == nil
	case c == ',':
		s.i++
		if s.Peek() == bracket {
			s.fail("a comma before %q", string(bracket))
			return false
		}
		return s.err == nil
	}
	s.fail("want a comma or %q, found %s", string(bracket), s.found())
	return false
}

// Key consumes the key of an object's next member and its colon. The bytes are valid until the next call.
func (s *Scanner) Key() []byte {
	k := s.String()
	if s.Peek() != ':' {
		s.fail("want a colon after a key, found %s", s.found())
		return nil
	}
	s.i++
	return k
}

// String consumes a string and returns its text, which is valid until the next call. It must be UTF-8.
func (s *Scanner) String() []byte {
	if s.Peek() != '"' {
		s.fail("want a text, found %s", s.found())
		return nil
	}
	start := s.i + 1
	ascii := true
	for i := start; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			text := s.b[start:i]
			if !ascii && !utf8.Valid(text) {
				s.fail("the text is not UTF-8")
				return nil
			}
			s.i = i + 1
			return text
		case c == '\\':
			return s.escaped(start, i)
		case c < ' ':
			s.i = i
			s.fail("a control character in a text")
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.fail("a text without an end")
	return nil
}

// escaped reads on from the first escape of a string.
func (s *Scanner) escaped(start, i int) []byte {
	out := append(s.scratch[:0], s.b[start:i]...)
	for i < len(s.b) {
		c := s.b[i]
		switch {
		case c == '"':
			s.scratch = out
			if !utf8.Valid(out) {
				s.fail("the text is not UTF-8")
				return nil
			}
			s.i = i + 1
			return out
		case c < ' ':
			s.i = i
			s.fail("a control character in a text")
			return nil
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		if i+1 >= len(s.b) {
			break
		}
		if s.b[i+1] == 'u' {
			r, n := unicode(s.b[i:])
			if n == 0 {
				s.i = i
				s.fail("\\u wants four hexadecimal digits")
				return nil
			}
			out = utf8.AppendRune(out, r)
			i += n
			continue
		}
		e, ok := escape(s.b[i+1])
		if !ok {
			s.i = i
			s.fail("an escape that JSON does not have")
			return nil
		}
		out = append(out, e)
		i += 2
	}
	s.i = len(s.b)
	s.fail("a text without an end")
	return nil
}

// escape returns what a single-character escape stands for.
func escape(c byte) (byte, bool) {
	switch c {
	case '"', '\\', '/':
		return c, true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	}
	return 0, false
}

// unicode reads \uXXXX, or two of them that are a surrogate pair, and returns the rune and the length read; 0 where it is neither. A
// surrogate alone is U+FFFD.
func unicode(b []byte) (rune, int) {
	r, ok := four(b)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
			if low, ok := four(b[6:]); ok {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					return pair, 12
				}
			}
		}
		return utf8.RuneError, 6
	}
	return r, 6
}

// four reads the digits of \uXXXX.
func four(b []byte) (rune, bool) {
	if len(b) < 6 {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

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

// Null consumes null if it is next.
func (s *Scanner) Null() bool { return s.Peek() == 'n' && s.literal("null") }

// Bool consumes true or false.
func (s *Scanner) Bool() bool {
	switch s.Peek() {
	case 't':
		return s.literal("true")
	case 'f':
		s.literal("false")
		return false
	}
	s.fail("want true or false, found %s", s.found())
	return false
}

func (s *Scanner) literal(word string) bool {
	if len(s.b)-s.i >= len(word) && string(s.b[s.i:s.i+len(word)]) == word {
		s.i += len(word)
		return true
	}
	s.fail("a word that JSON does not have")
	return false
}

// maxDepth bounds nesting in values that are skipped.
const maxDepth = 100

// Skip consumes any value.
func (s *Scanner) Skip() { s.skip(0) }

func (s *Scanner) skip(depth int) {
	if depth > maxDepth {
		s.fail("more than %d levels of nesting", maxDepth)
		return
	}
	first := true
	switch s.Peek() {
	case '{':
		s.i++
		for s.More(&first, '}') {
			s.Key()
			s.skip(depth + 1)
		}
	case '[':
		s.i++
		for s.More(&first, ']') {
			s.skip(depth + 1)
		}
	case '"':
		s.String()
	case 't', 'f':
		s.Bool()
	case 'n':
		s.Null()
	default:
		s.Number()
	}
}

// End reports whether nothing but space follows, and an error otherwise.
func (s *Scanner) End() bool {
	if s.Peek() != 0 || s.err == nil && s.i < len(s.b) {
		s.fail("something follows the value")
	}
	return s.err == nil
}

// found names the next token for a message.
func (s *Scanner) found() string { return Name(s.Peek()) }

// Name says what a token that begins with this byte is.
func Name(c byte) string {
	switch {
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '"':
		return "a text"
	case c == 't' || c == 'f':
		return "true or false"
	case c == 'n':
		return "null"
	case c == '-' || c >= '0' && c <= '9':
		return "a number"
	case c == 0:
		return "the end"
	}
	return strconv.QuoteRuneToASCII(rune(c))
}
