// Package part10 writes DICOM files (PS3.10): explicit types, little-endian. Texts are in the smallest repertoire that holds them all, ASCII,
// Latin-1 or UTF-8, because not every reader knows the last.
//
// A Set is filled by keyword and may be filled in any order. What the standard would not allow is an error of Encode and never a
// damaged file: a text that is too long for its type, a number that does not fit, an identifier that is none.
package part10

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Tag is an attribute's group and element.
type Tag uint32

func (t Tag) String() string { return fmt.Sprintf("(%04X,%04X)", uint32(t)>>16, uint32(t)&0xFFFF) }

// Attribute is a tag with its type (PS3.6).
type Attribute struct {
	Tag Tag
	VR  string
}

// Set is the attributes of a file or of an item. The zero Set is empty.
type Set struct {
	elements []element
	faults   []error
}

type element struct {
	Attribute
	value []byte
	items []*Set
}

// fault notes what is wrong with an attribute.
func (s *Set) fault(a Attribute, format string, args ...any) {
	s.faults = append(s.faults, fmt.Errorf("%v %s: %s", a.Tag, a.VR, fmt.Sprintf(format, args...)))
}

// add adds an attribute, in place of one of the same tag.
func (s *Set) add(e element) {
	if i := slices.IndexFunc(s.elements, func(o element) bool { return o.Tag == e.Tag }); i >= 0 {
		s.elements[i] = e
		return
	}
	s.elements = append(s.elements, e)
}

// most is the longest value of each text type, in characters (PS3.5, table 6.2-1).
var most = map[string]int{"AE": 16, "AS": 4, "CS": 16, "DA": 8, "DS": 16, "DT": 26, "IS": 12, "LO": 64, "LT": 10240, "PN": 64 * 5, "SH": 16, "ST": 1024, "TM": 16, "UC": math.MaxInt32,
	"UI": 64, "UR": math.MaxInt32, "UT": math.MaxInt32}

// Text sets an attribute of text; several values are a list. No value, or an empty one, is an empty attribute.
func (s *Set) Text(a Attribute, values ...string) *Set {
	limit, ok := most[a.VR]
	if !ok {
		s.fault(a, "is not a type of text")
	}
	several := a.VR != "LT" && a.VR != "ST" && a.VR != "UT" && a.VR != "UR"
	if !several && len(values) > 1 {
		s.fault(a, "%d values, and the type has one", len(values))
	}
	for _, v := range values {
		switch n := utf8.RuneCountInString(v); {
		case n > limit:
			s.fault(a, "%d characters, and at most %d", n, limit)
		case !utf8.ValidString(v):
			s.fault(a, "is not UTF-8")
		case several && strings.Contains(v, `\`):
			s.fault(a, "a backslash would begin another value")
		case a.VR == "UI" && v != "" && !ValidUID(v):
			s.fault(a, "%q is not an identifier", v)
		case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && (several || r != '\n' && r != '\r' && r != '\t' && r != '\f') }):
			s.fault(a, "a control character in a text")
		}
	}
	pad := byte(' ')
	if a.VR == "UI" {
		pad = 0
	}
	b := []byte(strings.Join(values, `\`))
	if len(b)%2 == 1 {
		b = append(b, pad)
	}
	s.add(element{Attribute: a, value: b})
	return s
}

// Clip is Text with values cut to the length that the type allows, and without what it does not: for words that come from elsewhere.
func (s *Set) Clip(a Attribute, values ...string) *Set {
	clipped := make([]string, len(values))
	for i, v := range values {
		v = strings.Map(func(r rune) rune {
			if r < ' ' || r == '\\' || r == utf8.RuneError {
				return ' '
			}
			return r
		}, v)
		if limit := most[a.VR]; utf8.RuneCountInString(v) > limit {
			v = string([]rune(v)[:limit])
		}
		clipped[i] = strings.TrimSpace(v)
	}
	return s.Text(a, clipped...)
}

// Number sets an attribute of numbers: text (DS, IS) or binary (US, UL, SS, SL, FL, FD).
func (s *Set) Number(a Attribute, values ...float64) *Set {
	var b []byte
	var texts []string
	whole := func(v, low, high float64) {
		if v != math.Trunc(v) || v < low || v > high {
			s.fault(a, "%v is not a whole number from %.0f to %.0f", v, low, high)
		}
	}
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			s.fault(a, "%v is not a number", v)
			continue
		}
		switch a.VR {
		case "DS":
			texts = append(texts, decimal(v))
		case "IS":
			whole(v, math.MinInt32, math.MaxInt32)
			texts = append(texts, strconv.FormatFloat(v, 'f', 0, 64))
		case "US":
			whole(v, 0, math.MaxUint16)
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		case "SS":
			whole(v, math.MinInt16, math.MaxInt16)
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(v)))
		case "UL":
			whole(v, 0, math.MaxUint32)
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		case "SL":
			whole(v, math.MinInt32, math.MaxInt32)
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
		case "FL":
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		case "FD":
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		default:
			s.fault(a, "is not a type of numbers")
		}
	}
	if texts != nil {
		return s.Text(a, texts...)
	}
	s.add(element{Attribute: a, value: b})
	return s
}

// decimal is a number in at most 16 characters, as a decimal string may have, with as many digits as fit.
func decimal(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	for digits := 16; len(text) > 16; digits-- {
		text = strconv.FormatFloat(v, 'g', digits, 64)
	}
	return text
}

// Bytes sets an attribute of bytes (OB, OW, OF), little-endian as they stand.
func (s *Set) Bytes(a Attribute, b []byte) *Set {
	if len(b)%2 == 1 {
		b = append(slices.Clone(b), 0)
	}
	s.add(element{Attribute: a, value: b})
	return s
}

// Items sets a sequence.
func (s *Set) Items(a Attribute, items ...*Set) *Set {
	if a.VR != "SQ" {
		s.fault(a, "is not a sequence")
	}
	s.add(element{Attribute: a, items: items})
	return s
}

// Value is an attribute of text without its padding, "" where it is not there.
func (s *Set) Value(a Attribute) string {
	for _, e := range s.elements {
		if e.Tag == a.Tag {
			return strings.TrimRight(string(e.value), " \x00")
		}
	}
	return ""
}

// problems are the faults of a set and those of its items.
func (s *Set) problems() []error {
	out := slices.Clone(s.faults)
	for _, e := range s.elements {
		for i, item := range e.items {
			for _, f := range item.problems() {
				out = append(out, fmt.Errorf("%v item %d: %w", e.Tag, i+1, f))
			}
		}
	}
	return out
}

// append appends the attributes, in the order of tags. Lengths are stated.
func (s *Set) append(b []byte, charset string) []byte {
	sorted := slices.Clone(s.elements)
	slices.SortFunc(sorted, func(x, y element) int { return int(int64(x.Tag) - int64(y.Tag)) })
	for _, e := range sorted {
		value := e.value
		if charset == latin && worded[e.VR] {
			value = toLatin(value)
		}
		if e.VR == "SQ" {
			value = nil
			for _, item := range e.items {
				body := item.append(nil, charset)
				value = append(value, 0xFE, 0xFF, 0x00, 0xE0)
				value = append(binary.LittleEndian.AppendUint32(value, uint32(len(body))), body...)
			}
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(e.Tag>>16))
		b = binary.LittleEndian.AppendUint16(b, uint16(e.Tag))
		b = append(b, e.VR...)
		switch e.VR {
		case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
			b = binary.LittleEndian.AppendUint32(append(b, 0, 0), uint32(len(value)))
		default:
			if len(value) > math.MaxUint16 {
				s.fault(e.Attribute, "%d bytes, and the type holds at most %d", len(value), math.MaxUint16)
			}
			b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
		}
		b = append(b, value...)
	}
	return b
}

// The identity of this writer, in the file's header.
const (
	implementationUID  = "2.25.226483640217923911532096436405211876049"
	implementationName = "VOXGENE"

	explicitLittleEndian = "1.2.840.10008.1.2.1"
)

// The names of repertoires, padded; ASCII has none.
const (
	latin = "ISO_IR 100"
	utf   = "ISO_IR 192"
)

// worded are the types whose texts are in the file's repertoire.
var worded = map[string]bool{"LO": true, "LT": true, "PN": true, "SH": true, "ST": true, "UC": true, "UT": true}

// charset is the smallest repertoire that holds every text of a set.
func (s *Set) charset() string {
	out := ""
	for _, e := range s.elements {
		for _, item := range e.items {
			out = max(out, item.charset())
		}
		if !worded[e.VR] {
			continue
		}
		for _, r := range string(e.value) {
			switch {
			case r > 0xFF || r >= 0x80 && r < 0xA0:
				return utf
			case r >= 0x80:
				out = latin
			}
		}
	}
	return out
}

// toLatin turns a padded text of UTF-8 into one of Latin-1.
func toLatin(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, r := range string(b) {
		out = append(out, byte(r))
	}
	if len(out)%2 == 1 {
		out = append(out, ' ')
	}
	return out
}

// Encode returns the set as a file, with its SpecificCharacterSet. SOPClassUID and SOPInstanceUID have to be there.
func Encode(s *Set) ([]byte, error) {
	class, instance := s.Value(SOPClassUID), s.Value(SOPInstanceUID)
	if class == "" || instance == "" {
		s.fault(SOPInstanceUID, "a file has a class and an identifier")
	}
	charset := s.charset()
	if s.add(element{Attribute: SpecificCharacterSet, value: []byte(charset)}); charset == "" {
		s.elements = slices.DeleteFunc(s.elements, func(e element) bool { return e.Tag == SpecificCharacterSet.Tag })
	}
	body := s.append(nil, charset)
	if faults := s.problems(); len(faults) > 0 {
		return nil, fmt.Errorf("dicom: %w", errors.Join(faults...))
	}
	meta := &Set{}
	meta.Bytes(Attribute{0x00020001, "OB"}, []byte{0, 1})
	meta.Text(Attribute{0x00020002, "UI"}, class).Text(Attribute{0x00020003, "UI"}, instance)
	meta.Text(Attribute{0x00020010, "UI"}, explicitLittleEndian)
	meta.Text(Attribute{0x00020012, "UI"}, implementationUID).Text(Attribute{0x00020013, "SH"}, implementationName)
	head := meta.append(nil, "")
	var b bytes.Buffer
	b.Grow(128 + 4 + 12 + len(head) + len(body))
	b.Write(make([]byte, 128))
	b.WriteString("DICM")
	b.Write((&Set{}).Number(Attribute{0x00020000, "UL"}, float64(len(head))).append(nil, ""))
	b.Write(head)
	b.Write(body)
	return b.Bytes(), nil
}

// UID is the identifier that texts give: the same texts, the same identifier. It is a UUID of version 8 below 2.25 (PS3.5, B.2).
func UID(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	sum := h.Sum(nil)[:16]
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // RFC 9562
	return "2.25." + new(big.Int).SetBytes(sum).String()
}

// ValidUID reports whether a text is an identifier: numbers without leading zeros, separated by points, in at most 64 characters.
func ValidUID(text string) bool {
	if text == "" || len(text) > 64 {
		return false
	}
	for part := range strings.SplitSeq(text, ".") {
		if part == "" || len(part) > 1 && part[0] == '0' || strings.ContainsFunc(part, func(r rune) bool { return r < '0' || r > '9' }) {
			return false
		}
	}
	return true
}

// Merge adds the attributes of another set, in place of those of the same tags.
func (s *Set) Merge(o *Set) {
	for _, e := range o.elements {
		s.add(e)
	}
	s.faults = append(s.faults, o.faults...)
}
