package dicom

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/voxgene/voxgene/features/image"
)

// Limits on what a file may hold: far above any that a scanner or a planning system writes.
const (
	maxDepth    = 24
	maxElements = 4 << 20
)

// ErrNotDICOM says that a file is not one of DICOM.
var ErrNotDICOM = errors.New("not a DICOM file")

// errMore says that the part of the file at hand ends before its attributes do.
var errMore = errors.New("the file is cut off in the middle of its attributes")

// parsed is a file's attributes, and where its pixels are.
type parsed struct {
	*dataSet
	syntax string // transfer syntax UID
	pixels pixels
	// inflated is the whole content after the file's header, of a deflated file; offsets of pixels are then into it.
	inflated []byte
}

// pixels says where a file keeps its pixels. length is −1 where they are compressed.
type pixels struct {
	tag            tag // 0 for none
	vr             [2]byte
	offset, length int64
}

// parser reads attributes from bytes.
type parser struct {
	b        []byte
	at       int
	explicit bool
	order    binary.ByteOrder
	elements int
	pixels   pixels
}

// parse reads the attributes at the beginning of a file. all says that b is the whole file. Where it is not, errMore asks for more of it.
func parse(b []byte, all bool) (parsed, error) {
	p := parser{b: b, order: binary.LittleEndian, explicit: true}
	if len(b) >= 132 && string(b[128:132]) == "DICM" {
		p.at = 132
	} else if len(b) < 8 || !plausible(b) {
		return parsed{}, ErrNotDICOM
	}
	meta := &dataSet{}
	for p.at+4 <= len(b) && binary.LittleEndian.Uint16(b[p.at:]) == 2 {
		if err := p.element(meta, 0); err != nil {
			return parsed{}, err
		}
	}
	syntax := meta.text(transferSyntaxUID)
	d := &dataSet{}
	out := parsed{dataSet: d, syntax: syntax}
	switch syntax {
	case "1.2.840.10008.1.2":
		p.explicit = false
	case "1.2.840.10008.1.2.2":
		p.order, d.bigEndian = binary.BigEndian, true
	case "1.2.840.10008.1.2.1.99":
		if !all {
			return parsed{}, errMore
		}
		limit := min(int64(len(b)-p.at)*image.DeflateRatio, 4*image.MaxVoxels)
		inflated, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b[p.at:])), limit))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return parsed{}, fmt.Errorf("deflated attributes: %w", err)
		}
		p.b, p.at = inflated, 0
		out.inflated = inflated
	case "": // nothing says: two capital letters after the tag are a type
		p.explicit = p.at+6 <= len(p.b) && capital(p.b[p.at+4]) && capital(p.b[p.at+5])
	}
	err := p.attributes(d, 0, len(p.b))
	out.pixels = p.pixels
	return out, err
}

// plausible says whether a file without the preamble begins with attributes of group 2 or 8 anyway.
func plausible(b []byte) bool {
	group, element := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	if group != 2 && group != 8 || element > 0x2000 {
		return false
	}
	length := binary.LittleEndian.Uint32(b[4:])
	return capital(b[4]) && capital(b[5]) || length < 1<<16
}

func capital(c byte) bool { return 'A' <= c && c <= 'Z' }

// attributes reads attributes up to end, to a delimiter, or to the pixels.
func (p *parser) attributes(d *dataSet, depth, end int) error {
	for p.at < end && p.pixels.tag == 0 {
		if p.at+4 <= len(p.b) {
			if t := p.tag(); t == itemDelimiter || t == sequenceDelimiter {
				p.at += 8
				return nil
			}
		}
		if depth == 0 && end-p.at < 8 && len(bytes.Trim(p.b[p.at:end], "\x00")) == 0 {
			p.at = end // padding of a few bytes
			return nil
		}
		if err := p.element(d, depth); err != nil {
			return err
		}
	}
	return nil
}

// tag looks at the tag ahead.
func (p *parser) tag() tag {
	return tag(p.order.Uint16(p.b[p.at:]))<<16 | tag(p.order.Uint16(p.b[p.at+2:]))
}

const undefined = 0xFFFFFFFF

// element reads one attribute.
func (p *parser) element(d *dataSet, depth int) error {
	if p.elements++; p.elements > maxElements {
		return fmt.Errorf("more than %d attributes", maxElements)
	}
	if p.at+8 > len(p.b) {
		return errMore
	}
	e := element{tag: p.tag()}
	var length uint32
	if p.explicit || e.tag.group() == 2 {
		e.vr = [2]byte(p.b[p.at+4 : p.at+6])
		if !capital(e.vr[0]) || !capital(e.vr[1]) {
			// A writer that forgot the type: what stands there is an implicit length.
			if e.vr != [2]byte{} && !(e.vr[0] < 'A' || e.vr[0] > 'z') {
				return fmt.Errorf("attribute (%04X,%04X) at byte %d has the type %q: none of DICOM", e.tag.group(), uint16(e.tag), p.at, e.vr[:])
			}
			e.vr = [2]byte{}
			length = p.order.Uint32(p.b[p.at+4:])
			p.at += 8
		} else if long(e.vr) {
			if p.at+12 > len(p.b) {
				return errMore
			}
			length = p.order.Uint32(p.b[p.at+8:])
			p.at += 12
		} else {
			length = uint32(p.order.Uint16(p.b[p.at+6:]))
			p.at += 8
		}
	} else {
		length = p.order.Uint32(p.b[p.at+4:])
		p.at += 8
	}
	if depth == 0 && (e.tag == pixelData || e.tag == floatPixelData || e.tag == doublePixelData) {
		p.pixels = pixels{e.tag, e.vr, int64(p.at), int64(length)}
		if length == undefined {
			p.pixels.length = -1
		}
		return nil
	}
	switch {
	case string(e.vr[:]) == "SQ" || e.vr == [2]byte{} && (sequences[e.tag] || length == undefined):
		return p.sequence(d, e, length, depth)
	case length == undefined: // UN of unknown length is a sequence in implicit types (PS3.5, 6.2.2)
		explicit := p.explicit
		p.explicit = false
		err := p.sequence(d, e, length, depth)
		p.explicit = explicit
		return err
	case string(e.vr[:]) == "UN" && sequences[e.tag]:
		explicit := p.explicit
		p.explicit = false
		err := p.sequence(d, e, length, depth)
		p.explicit = explicit
		return err
	}
	if int64(p.at)+int64(length) > int64(len(p.b)) {
		return errMore
	}
	e.value = p.b[p.at : p.at+int(length) : p.at+int(length)]
	p.at += int(length)
	d.elements = append(d.elements, e)
	return nil
}

// long says whether a type's length takes four bytes.
func long(vr [2]byte) bool {
	switch string(vr[:]) {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		return true
	}
	return false
}

// sequence reads the items of an attribute.
func (p *parser) sequence(d *dataSet, e element, length uint32, depth int) error {
	if depth >= maxDepth {
		return fmt.Errorf("sequences nested more than %d deep", maxDepth)
	}
	end := len(p.b)
	if length != undefined {
		if int64(p.at)+int64(length) > int64(len(p.b)) {
			return errMore
		}
		end = p.at + int(length)
	}
	delimited := length != undefined
	for p.at < end {
		if p.at+8 > len(p.b) {
			return errMore
		}
		t, size := p.tag(), p.order.Uint32(p.b[p.at+4:])
		p.at += 8
		if t == sequenceDelimiter {
			delimited = true
			break
		}
		if t != item {
			return fmt.Errorf("attribute (%04X,%04X): (%04X,%04X) at byte %d where an item was due", e.tag.group(), uint16(e.tag), t.group(), uint16(t), p.at-8)
		}
		inner := &dataSet{bigEndian: d.bigEndian}
		e.items = append(e.items, inner)
		if p.elements++; p.elements > maxElements {
			return fmt.Errorf("more than %d attributes", maxElements)
		}
		stop := end
		if size != undefined {
			if int64(p.at)+int64(size) > int64(end) {
				return errMore
			}
			stop = p.at + int(size)
		}
		if err := p.attributes(inner, depth+1, stop); err != nil {
			return err
		}
		if size != undefined {
			p.at = stop
		}
	}
	if !delimited {
		return errMore
	}
	d.elements = append(d.elements, e)
	return nil
}
