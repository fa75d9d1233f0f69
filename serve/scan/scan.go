// Package scan reads JSON one token at a time without building a tree.
//
// A served request is five hundred named numbers, and turning them into a tree costs more than the model. The scanner is strict
// (RFC 8259): no comments, no trailing commas, no NaN, nothing after the value. The first error stops it, and Err says where it was.
package scan

import (
	"fmt"
	"strconv"
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
