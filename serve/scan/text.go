package scan

import (
	"unicode/utf16"
	"unicode/utf8"
)

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
