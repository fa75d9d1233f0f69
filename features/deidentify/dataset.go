package deidentify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// element is one attribute: a value, the items of a sequence, or pixel data in fragments, which are kept as they stand.
type element struct {
	tag   uint32
	vr    string
	value []byte
	items []dataSet // of SQ
	raw   bool      // value is fragments with their delimiter: the length is undefined
}

// dataSet is attributes in the order of the file.
type dataSet []element

func (d dataSet) find(t uint32) *element {
	for i := range d {
		if d[i].tag == t {
			return &d[i]
		}
	}
	return nil
}

// text is the value of an attribute without padding; empty where there is none.
func (d dataSet) text(t uint32) string {
	if e := d.find(t); e != nil {
		return trim(e.value)
	}
	return ""
}

// put sets an attribute, in its place by tag.
func (d *dataSet) put(e element) {
	at, found := slices.BinarySearchFunc(*d, e.tag, func(x element, t uint32) int { return int(int64(x.tag) - int64(t)) })
	if found {
		(*d)[at] = e
	} else {
		*d = slices.Insert(*d, at, e)
	}
}

const (
	item              = 0xFFFEE000
	itemDelimiter     = 0xFFFEE00D
	sequenceDelimiter = 0xFFFEE0DD
	pixelData         = 0x7FE00010
	undefined         = 0xFFFFFFFF
	deepest           = 32 // sequences in sequences
)

// long says which VRs have two reserved bytes and a length of four.
var long = map[string]bool{"OB": true, "OD": true, "OF": true, "OL": true, "OV": true, "OW": true, "SQ": true, "UC": true, "UN": true, "UR": true, "UT": true, "SV": true, "UV": true}

// reader reads data sets; what it returns is in little-endian order.
type reader struct {
	b        []byte
	at       int
	implicit bool
	big      bool // the bytes are in big-endian order, and explicit
}

// order is that of the bytes.
func (r *reader) order() binary.ByteOrder {
	if r.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// width is how many bytes of a VR belong together.
var width = map[string]int{"US": 2, "SS": 2, "OW": 2, "AT": 2, "UL": 4, "SL": 4, "FL": 4, "OF": 4, "OL": 4, "FD": 8, "OD": 8, "SV": 8, "UV": 8, "OV": 8}

// little returns a value of a VR in little-endian order.
func (r *reader) little(vr string, value []byte) []byte {
	n := width[vr]
	if !r.big || n == 0 {
		return value
	}
	out := slices.Clone(value)
	for i := 0; i+n <= len(out); i += n {
		slices.Reverse(out[i : i+n])
	}
	return out
}

var errCut = errors.New("the file is cut off, or a length in it is wrong")

func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b)-r.at {
		return nil, errCut
	}
	r.at += n
	return r.b[r.at-n : r.at : r.at], nil
}

// header reads a tag, its VR and its length.
func (r *reader) header() (t uint32, vr string, length uint32, err error) {
	h, err := r.take(8)
	if err != nil {
		return 0, "", 0, err
	}
	t = uint32(r.order().Uint16(h))<<16 | uint32(r.order().Uint16(h[2:]))
	if r.implicit || t>>16 == 0xFFFE {
		return t, vrOf(t), r.order().Uint32(h[4:]), nil
	}
	if vr = string(h[4:6]); !long[vr] {
		return t, vr, uint32(r.order().Uint16(h[6:])), nil
	}
	n, err := r.take(4)
	if err != nil {
		return 0, "", 0, err
	}
	return t, vr, r.order().Uint32(n), nil
}

// vrOf is the VR of an attribute in a file that does not say it: from PS3.6, UN where that has none.
func vrOf(t uint32) string {
	if t>>16&1 == 1 {
		if t>>16 != 1 && t&0xFFFF >= 0x10 && t&0xFFFF <= 0xFF {
			return "LO" // private creator
		}
		return "UN"
	}
	if r := listed()[t]; r != nil {
		return r.VR // newer attributes than the dictionary's among them
	}
	info, err := tag.Find(tag.Tag{Group: uint16(t >> 16), Element: uint16(t)})
	if err != nil || len(info.VRs) == 0 {
		return "UN"
	}
	if vr := info.VRs[0]; len(vr) == 2 {
		return vr
	}
	return "US" // or SS, or OW
}

// set reads attributes up to the end of the bytes or, in an item of undefined length, to its delimiter.
func (r *reader) set(depth int) (dataSet, error) {
	if depth > deepest {
		return nil, errors.New("sequences lie deeper in each other than any file needs")
	}
	var out dataSet
	for r.at < len(r.b) {
		t, vr, length, err := r.header()
		if err != nil {
			return nil, err
		}
		if t == itemDelimiter {
			return out, nil
		}
		e := element{tag: t, vr: vr}
		switch {
		case vr == "SQ", length == undefined && vr == "UN":
			inner := r.implicit
			r.implicit = r.implicit || vr == "UN" // PS3.5, 6.2.2
			e.vr = "SQ"
			e.items, err = r.sequence(length, depth)
			r.implicit = inner
		case length == undefined:
			start := r.at
			if err = r.fragments(); err == nil {
				e.value, e.raw = r.b[start:r.at:r.at], true
			}
		default:
			e.value, err = r.take(int(length))
			if known := vrOf(t); err == nil && vr == "UN" && known != "UN" && t>>16&1 == 0 {
				e.resolve(known, depth)
			}
			e.value = r.little(e.vr, e.value)
		}
		if err != nil {
			return nil, fmt.Errorf("attribute (%04X,%04X): %w", t>>16, t&0xFFFF, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// resolve gives an attribute of VR UN, that whoever wrote it did not know, the VR of the standard; the items of a sequence are then in implicit VR
// (PS3.5, 6.2.2). What does not read as that stays UN.
func (e *element) resolve(vr string, depth int) {
	if vr == "SQ" {
		r := &reader{b: e.value, implicit: true}
		if items, err := r.sequence(uint32(len(e.value)), depth+1); err == nil {
			e.vr, e.value, e.items = vr, nil, items
		}
		return
	}
	if long[vr] || len(e.value) < 0xFFFF {
		e.vr = vr
	}
}

// sequence reads the items of a sequence.
func (r *reader) sequence(length uint32, depth int) ([]dataSet, error) {
	end := len(r.b)
	if length != undefined {
		if end = r.at + int(length); end > len(r.b) {
			return nil, errCut
		}
	}
	items := []dataSet{}
	for r.at < end {
		t, _, n, err := r.header()
		switch {
		case err != nil:
			return nil, err
		case t == sequenceDelimiter:
			return items, nil
		case t != item:
			return nil, errors.New("a sequence holds something that is no item")
		}
		inner := r
		if n != undefined {
			b, err := r.take(int(n))
			if err != nil {
				return nil, err
			}
			inner = &reader{b: b, implicit: r.implicit, big: r.big}
		}
		d, err := inner.set(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, d)
	}
	return items, nil
}

// fragments passes over compressed pixel data and its delimiter.
func (r *reader) fragments() error {
	for {
		t, _, n, err := r.header()
		if err != nil {
			return err
		}
		if t == sequenceDelimiter {
			return nil
		}
		if t != item {
			return errors.New("pixel data hold something that is no fragment")
		}
		if _, err := r.take(int(n)); err != nil {
			return err
		}
	}
}

// append writes attributes; sequences and items get their lengths.
func (d dataSet) append(b []byte, implicit bool) []byte {
	for i := range d {
		e := &d[i]
		value := e.value
		if e.vr == "SQ" {
			value = nil
			for _, it := range e.items {
				inner := it.append(nil, implicit)
				value = header(value, item, "", uint32(len(inner)), true)
				value = append(value, inner...)
			}
		}
		length := uint32(len(value) + len(value)%2)
		if e.raw {
			length = undefined
		}
		b = header(b, e.tag, e.vr, length, implicit)
		b = append(b, value...)
		if len(value)%2 == 1 && !e.raw {
			pad := byte(' ')
			if e.vr == "UI" || long[e.vr] && e.vr != "UT" && e.vr != "UC" && e.vr != "UR" {
				pad = 0
			}
			b = append(b, pad)
		}
	}
	return b
}

func header(b []byte, t uint32, vr string, length uint32, implicit bool) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(t>>16))
	b = binary.LittleEndian.AppendUint16(b, uint16(t))
	switch {
	case implicit:
		return binary.LittleEndian.AppendUint32(b, length)
	case long[vr]:
		b = append(b, vr[0], vr[1], 0, 0)
		return binary.LittleEndian.AppendUint32(b, length)
	}
	b = append(b, vr[0], vr[1])
	return binary.LittleEndian.AppendUint16(b, uint16(length))
}
