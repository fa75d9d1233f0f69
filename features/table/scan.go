package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxRecord bounds one record of a text file, in bytes.
const MaxRecord = 256 << 20

// Scanner reads delimited text a record at a time, without allocating for fields. A field that begins with a double quote runs
// to the closing one, a doubled quote inside stands for one, and line ends inside belong to it (RFC 4180). Records end with LF,
// CRLF or, as old spreadsheets write, CR. Blank lines are skipped.
type Scanner struct {
	// Separator is the byte between fields. Zero lets the first record decide: tab if it has one, else semicolon if it has one and
	// no comma, else comma.
	Separator byte
	// Comment, when not empty, skips lines that begin with it before the first record.
	Comment string
	// Plain takes quotes as any other character, as mutation files need.
	Plain bool

	r      io.Reader
	buf    []byte
	start  int // of the record in buf
	end    int // of what was read
	eof    bool
	begun  bool
	line   int // of the current record
	next   int // of the one after
	fields [][]byte
	err    error
}

// NewScanner returns a scanner over text that Open or NewText prepared.
func NewScanner(r io.Reader) *Scanner { return &Scanner{r: r, buf: make([]byte, 1<<18), next: 1} }

// Fields returns the fields of the current record. They are overwritten by the next call of Scan.
func (s *Scanner) Fields() [][]byte { return s.fields }

// Line is the line on which the current record begins, from 1.
func (s *Scanner) Line() int { return s.line }

// Err returns what ended the scan other than the end of the text. It names a line but not the file.
func (s *Scanner) Err() error { return s.err }

// Scan reads the next record and reports whether there was one.
func (s *Scanner) Scan() bool {
	for {
		record, ok := s.record()
		if !ok {
			return false
		}
		if len(record) == 0 || !s.begun && s.Comment != "" && bytes.HasPrefix(record, []byte(s.Comment)) {
			continue
		}
		if !s.begun {
			s.begun = true
			if s.Separator == 0 {
				s.Separator = separatorOf(record)
			}
		}
		s.split(record)
		return s.err == nil
	}
}

func separatorOf(record []byte) byte {
	switch {
	case bytes.IndexByte(record, '\t') >= 0:
		return '\t'
	case bytes.IndexByte(record, ';') >= 0 && bytes.IndexByte(record, ',') < 0:
		return ';'
	}
	return ','
}

// record returns the bytes of the next record without its line end.
func (s *Scanner) record() ([]byte, bool) {
	searched := 0 // how far the record at start was looked through
	for s.err == nil {
		window := s.buf[s.start:s.end]
		if n, after, lines := s.lineEnd(window, searched); n >= 0 {
			s.line, s.next = s.next, s.next+lines
			s.start += after
			return window[:n:n], true
		}
		if s.eof {
			if len(window) == 0 {
				return nil, false
			}
			s.line = s.next
			s.start = s.end
			if !s.Plain && openQuote(window, s.Separator) {
				s.err = fmt.Errorf("line %d: a quoted field is not closed before the end of the file", s.line)
				return nil, false
			}
			return bytes.TrimSuffix(window, []byte{'\r'}), true
		}
		searched = len(window)
		s.fill()
	}
	return nil, false
}

// fill reads more text behind what is there, making room first.
func (s *Scanner) fill() {
	if s.start > 0 {
		copy(s.buf, s.buf[s.start:s.end])
		s.start, s.end = 0, s.end-s.start
	}
	if s.end == len(s.buf) {
		if len(s.buf) >= MaxRecord {
			s.err = fmt.Errorf("line %d: a record of more than %d bytes; is a quote not closed?", s.next, MaxRecord)
			return
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n, err := s.r.Read(s.buf[s.end:])
	s.end += n
	switch {
	case errors.Is(err, io.EOF):
		s.eof = true
	case err != nil:
		s.err = err
	}
}

// lineEnd finds the line end that closes the record at the start of b: its offset, the offset behind it, and the lines it spans.
func (s *Scanner) lineEnd(b []byte, searched int) (end, after, lines int) {
	if n := bytes.IndexByte(b[searched:], '\n'); n >= 0 {
		n += searched
		if !s.Plain && bytes.IndexByte(b[:n], '"') >= 0 {
			return s.quotedLineEnd(b)
		}
		if cr := bytes.IndexByte(b[:n], '\r'); cr >= 0 && cr < n-1 {
			return cr, cr + 1, 1 // CR alone ended a line before
		}
		end = n
		if end > 0 && b[end-1] == '\r' {
			end--
		}
		return end, n + 1, 1
	}
	if s.eof {
		if cr := bytes.IndexByte(b, '\r'); cr >= 0 && cr < len(b)-1 {
			return cr, cr + 1, 1
		}
	}
	return -1, 0, 0
}

// quotedLineEnd is lineEnd where quotes may hide line ends.
func (s *Scanner) quotedLineEnd(b []byte) (end, after, lines int) {
	sep := s.Separator
	if sep == 0 {
		sep = separatorOf(b)
	}
	quoted, fieldStart := false, true
	inside := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted:
			if c == '"' {
				if i+1 < len(b) && b[i+1] == '"' {
					i++
				} else {
					quoted = false
				}
			} else if c == '\n' {
				inside++
			}
		case c == '"' && fieldStart:
			quoted, fieldStart = true, false
		case c == sep:
			fieldStart = true
		case c == '\n':
			end = i
			if end > 0 && b[end-1] == '\r' {
				end--
			}
			return end, i + 1, inside + 1
		case c == '\r' && i+1 < len(b) && b[i+1] != '\n':
			return i, i + 1, inside + 1
		default:
			fieldStart = false
		}
	}
	return -1, 0, 0
}

func openQuote(b []byte, sep byte) bool {
	quoted, fieldStart := false, true
	for i := 0; i < len(b); i++ {
		switch {
		case quoted && b[i] == '"':
			if i+1 < len(b) && b[i+1] == '"' {
				i++
			} else {
				quoted = false
			}
		case quoted:
		case b[i] == '"' && fieldStart:
			quoted, fieldStart = true, false
		default:
			fieldStart = b[i] == sep || b[i] == '\n'
		}
	}
	return quoted
}

// split cuts a record into fields, taking quotes off in place.
func (s *Scanner) split(record []byte) {
	s.fields = s.fields[:0]
	for {
		if !s.Plain && len(record) > 0 && record[0] == '"' {
			field, rest, more := s.quotedField(record)
			s.fields = append(s.fields, field)
			if !more {
				return
			}
			record = rest
			continue
		}
		n := bytes.IndexByte(record, s.Separator)
		if n < 0 {
			s.fields = append(s.fields, record)
			return
		}
		s.fields = append(s.fields, record[:n:n])
		record = record[n+1:]
	}
}

// quotedField reads the quoted field that record begins with, and reports whether another follows.
func (s *Scanner) quotedField(record []byte) (field, rest []byte, more bool) {
	w, i := 0, 1
	for i < len(record) {
		if record[i] == '"' {
			if i+1 >= len(record) || record[i+1] != '"' {
				break
			}
			i++
		}
		record[w] = record[i]
		w++
		i++
	}
	i++ // behind the closing quote
	if i < len(record) && record[i] != s.Separator {
		s.err = fmt.Errorf("line %d, field %d: text follows a closing quote", s.line, len(s.fields)+1)
		return nil, nil, false
	}
	if i >= len(record) {
		return record[:w:w], nil, false
	}
	return record[:w:w], record[i+1:], true
}

// Reset makes the next record the first one again: it may decide the separator.
func (s *Scanner) Reset() { s.begun = false }
