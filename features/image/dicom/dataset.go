package dicom

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// dataSet is a list of attributes, in the order of the file.
type dataSet struct {
	elements  []element
	bigEndian bool
}

// element is one attribute: its bytes, or its items.
type element struct {
	tag   tag
	vr    [2]byte // zero where the file does not say
	value []byte
	items []*dataSet
}

// find returns the first attribute of that tag, nil where there is none.
func (d *dataSet) find(t tag) *element {
	if d == nil {
		return nil
	}
	for i := range d.elements {
		if d.elements[i].tag == t {
			return &d.elements[i]
		}
	}
	return nil
}

// has says whether an attribute is there with a value.
func (d *dataSet) has(t tag) bool {
	e := d.find(t)
	return e != nil && (len(e.value) > 0 || len(e.items) > 0)
}

// items are those of a sequence.
func (d *dataSet) items(t tag) []*dataSet {
	if e := d.find(t); e != nil {
		return e.items
	}
	return nil
}

// item is the first of a sequence, nil where there is none.
func (d *dataSet) item(t tag) *dataSet {
	if all := d.items(t); len(all) > 0 {
		return all[0]
	}
	return nil
}

// text is a value without the padding, "" where there is none.
func (d *dataSet) text(t tag) string {
	e := d.find(t)
	if e == nil {
		return ""
	}
	s := strings.Trim(string(e.value), " \x00\t\r\n")
	if utf8.ValidString(s) {
		return s
	}
	// Not UTF-8: Latin-1, the repertoire of nearly all files with accents (ISO_IR 100).
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

// texts are the values of a list.
func (d *dataSet) texts(t tag) []string {
	s := d.text(t)
	if s == "" {
		return nil
	}
	parts := strings.Split(s, "\\")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// numbers are the values of an attribute of numbers, whether the file holds them as text or as binary.
func (d *dataSet) numbers(t tag) ([]float64, error) {
	e := d.find(t)
	if e == nil || len(e.value) == 0 {
		return nil, nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if d.bigEndian {
		order = binary.BigEndian
	}
	vr := string(e.vr[:])
	if binary16[t] && (vr == "\x00\x00" || vr == "UN") {
		vr = "US"
	}
	if (t == diffusionBValue || t == floatingPointValue) && (vr == "\x00\x00" || vr == "UN") {
		vr = "FD"
	}
	var out []float64
	switch vr {
	case "US", "SS":
		for b := e.value; len(b) >= 2; b = b[2:] {
			x := order.Uint16(b)
			if vr == "SS" {
				out = append(out, float64(int16(x)))
				continue
			}
			out = append(out, float64(x))
		}
	case "UL", "SL":
		for b := e.value; len(b) >= 4; b = b[4:] {
			x := order.Uint32(b)
			if vr == "SL" {
				out = append(out, float64(int32(x)))
				continue
			}
			out = append(out, float64(x))
		}
	case "FL":
		for b := e.value; len(b) >= 4; b = b[4:] {
			out = append(out, float64(math.Float32frombits(order.Uint32(b))))
		}
	case "FD":
		for b := e.value; len(b) >= 8; b = b[8:] {
			out = append(out, math.Float64frombits(order.Uint64(b)))
		}
	default:
		return decimals(t, e.value)
	}
	return out, nil
}

// decimals reads numbers in text, separated by backslashes.
func decimals(t tag, b []byte) ([]float64, error) {
	s := strings.Trim(string(b), " \x00")
	if s == "" {
		return nil, nil
	}
	out := make([]float64, 0, strings.Count(s, "\\")+1)
	for more := true; more; {
		var part string
		part, s, more = strings.Cut(s, "\\")
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("attribute (%04X,%04X): %.30q is not a number", t.group(), uint16(t), part)
		}
		out = append(out, x)
	}
	return out, nil
}

// number is the only or first value; ok is false where there is none.
func (d *dataSet) number(t tag) (x float64, ok bool, err error) {
	all, err := d.numbers(t)
	if err != nil || len(all) == 0 {
		return 0, false, err
	}
	return all[0], true, nil
}

// whole is a value that must be a whole number from low to high.
func (d *dataSet) whole(t tag, name string, low, high int) (int, error) {
	x, ok, err := d.number(t)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	if !ok {
		return 0, fmt.Errorf("%s is missing", name)
	}
	if x != math.Trunc(x) || x < float64(low) || x > float64(high) {
		return 0, fmt.Errorf("%s is %g: want %d to %d", name, x, low, high)
	}
	return int(x), nil
}
