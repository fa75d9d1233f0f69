package dicom

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// losslessJPEG decodes the lossless process of JPEG (ITU-T T.81, annex H): Huffman coding, one component, predictors 1 to 7. It writes
// samples of size bytes, little-endian, into b.
func losslessJPEG(code []byte, f format, b []byte) error {
	d := losslessDecoder{columns: f.columns, rows: f.rows}
	scan, err := d.segments(code)
	if err != nil {
		return fmt.Errorf("JPEG lossless: %w", err)
	}
	samples, err := d.scan(scan)
	if err != nil {
		return fmt.Errorf("JPEG lossless: %w", err)
	}
	switch f.allocated {
	case 8:
		for i, x := range samples {
			b[i] = byte(x)
		}
	case 16:
		for i, x := range samples {
			binary.LittleEndian.PutUint16(b[2*i:], x)
		}
	case 32:
		for i, x := range samples {
			binary.LittleEndian.PutUint32(b[4*i:], uint32(x))
		}
	}
	return nil
}

type losslessDecoder struct {
	columns, rows int
	precision     int
	predictor     int
	shift         int // point transform
	restart       int // samples between restarts, 0 for none
	tables        [4]*huffman
	table         *huffman

	code   []byte // entropy-coded
	bits   uint64
	count  int // bits that are in bits
	padded int // zeros that stand for what the code does not have
}

var errCut = errors.New("the code is cut off")

// segments reads the headers and returns the coded samples.
func (d *losslessDecoder) segments(code []byte) ([]byte, error) {
	for at := 2; at+4 <= len(code); {
		if code[at] != 0xFF {
			return nil, fmt.Errorf("no marker at byte %d", at)
		}
		marker := code[at+1]
		if marker == 0xFF {
			at++
			continue
		}
		length := int(binary.BigEndian.Uint16(code[at+2:]))
		if length < 2 || at+2+length > len(code) {
			return nil, errCut
		}
		body := code[at+4 : at+2+length]
		at += 2 + length
		switch marker {
		case 0xC3:
			if len(body) < 6 {
				return nil, errCut
			}
			d.precision = int(body[0])
		case 0xC4:
			if err := d.huffmanTables(body); err != nil {
				return nil, err
			}
		case 0xDD:
			if len(body) < 2 {
				return nil, errCut
			}
			d.restart = int(binary.BigEndian.Uint16(body))
		case 0xDA:
			if len(body) < 6 || body[0] != 1 {
				return nil, errors.New("a scan of one component is read")
			}
			d.table, d.predictor, d.shift = d.tables[body[2]>>4&3], int(body[3]), int(body[5]&15)
			switch {
			case d.table == nil:
				return nil, errors.New("no Huffman table")
			case d.predictor < 1 || d.predictor > 7:
				return nil, fmt.Errorf("predictor %d: want 1 to 7", d.predictor)
			case d.precision < 2 || d.precision > 16 || d.shift >= d.precision:
				return nil, fmt.Errorf("precision of %d bits, shifted by %d", d.precision, d.shift)
			}
			return code[at:], nil
		case 0xC0, 0xC1, 0xC2, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF:
			return nil, fmt.Errorf("process %#x is not the lossless one", marker)
		}
	}
	return nil, errCut
}

// huffman is a code: short codes by a table, the others by length.
type huffman struct {
	fast   [256]uint16 // length<<8 | category of the code that begins with these 8 bits; 0 for a longer one
	limit  [17]int32   // one past the last code of a length, −1 where there is none
	offset [17]int32   // of a code's value from the code
	values []byte
}

func (d *losslessDecoder) huffmanTables(body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 {
			return errCut
		}
		id, counts := body[0]&15, body[1:17]
		total := 0
		for _, c := range counts {
			total += int(c)
		}
		if id > 3 || len(body) < 17+total || total > 256 {
			return errors.New("damaged Huffman table")
		}
		h := &huffman{values: body[17 : 17+total]}
		code, at := int32(0), 0
		for length := 1; length <= 16; length++ {
			n := int(counts[length-1])
			h.offset[length] = int32(at) - code
			for range n {
				if code >= 1<<length {
					return errors.New("damaged Huffman table")
				}
				if length <= 8 {
					first := code << (8 - length)
					for i := range int32(1) << (8 - length) {
						h.fast[first+i] = uint16(length)<<8 | uint16(h.values[at])
					}
				}
				code++
				at++
			}
			h.limit[length] = code
			code <<= 1
		}
		d.tables[id] = h
		body = body[17+total:]
	}
	return nil
}

// fill takes in bytes until there are more bits than one sample needs. A marker ends the code; zeros follow it.
func (d *losslessDecoder) fill() {
	for d.count <= 48 {
		var c byte
		switch {
		case len(d.code) == 0 || d.code[0] == 0xFF && (len(d.code) < 2 || d.code[1] != 0):
			d.padded += 8
		case d.code[0] == 0xFF:
			c, d.code = 0xFF, d.code[2:]
		default:
			c, d.code = d.code[0], d.code[1:]
		}
		d.bits = d.bits<<8 | uint64(c)
		d.count += 8
	}
}

// difference decodes one difference.
func (d *losslessDecoder) difference() (int32, error) {
	if d.count < 33 {
		d.fill()
	}
	h := d.table
	category := -1
	if f := h.fast[d.bits>>(d.count-8)&0xFF]; f != 0 {
		d.count -= int(f >> 8)
		category = int(f & 0xFF)
	} else {
		for length := 1; length <= 16; length++ {
			code := int32(d.bits >> (d.count - length) & (1<<length - 1))
			if code < h.limit[length] {
				at := code + h.offset[length]
				if at < 0 || int(at) >= len(h.values) {
					break
				}
				d.count -= length
				category = int(h.values[at])
				break
			}
		}
	}
	switch {
	case category < 0 || category > 16:
		return 0, errors.New("damaged: a code that is not in the table")
	case category == 0:
		return 0, nil
	case category == 16:
		return 32768, nil
	}
	d.count -= category
	x := int32(d.bits >> d.count & (1<<category - 1))
	if x < 1<<(category-1) {
		x += -1<<category + 1
	}
	return x, nil
}

// scan decodes all samples.
func (d *losslessDecoder) scan(code []byte) ([]uint16, error) {
	d.code = code
	out := make([]uint16, d.rows*d.columns)
	start := int32(1) << (d.precision - d.shift - 1)
	left := d.restart
	firstRow := true
	for y := range d.rows {
		row := out[y*d.columns:][:d.columns]
		var above []uint16
		if y > 0 {
			above = out[(y-1)*d.columns:][:d.columns]
		}
		for x := range row {
			fresh := y == 0 && x == 0
			if d.restart > 0 && left == 0 {
				if err := d.next(); err != nil {
					return nil, err
				}
				left, fresh, firstRow = d.restart, true, true
			}
			left--
			var p int32
			switch {
			case fresh:
				p = start
			case firstRow && x > 0:
				p = int32(row[x-1])
			case x == 0:
				p = int32(above[0])
				firstRow = false
			default:
				p = predict(d.predictor, int32(row[x-1]), int32(above[x]), int32(above[x-1]))
			}
			diff, err := d.difference()
			if err != nil {
				return nil, fmt.Errorf("pixel (%d, %d): %w", x, y, err)
			}
			row[x] = uint16(p + diff)
		}
		if d.padded > d.count+64 {
			return nil, fmt.Errorf("row %d of %d: %w", y+1, d.rows, errCut)
		}
	}
	if d.shift > 0 {
		for i := range out {
			out[i] <<= d.shift
		}
	}
	return out, nil
}

// next moves behind a restart marker.
func (d *losslessDecoder) next() error {
	d.bits, d.count, d.padded = 0, 0, 0
	for i := 0; i+1 < len(d.code); i++ {
		if d.code[i] == 0xFF && 0xD0 <= d.code[i+1] && d.code[i+1] <= 0xD7 {
			d.code = d.code[i+2:]
			return nil
		}
	}
	return errors.New("a restart marker is missing")
}

// predict is T.81, table H.1: a is the sample to the left, b above, c above left.
func predict(kind int, a, b, c int32) int32 {
	switch kind {
	case 1:
		return a
	case 2:
		return b
	case 3:
		return c
	case 4:
		return a + b - c
	case 5:
		return a + (b-c)>>1
	case 6:
		return b + (a-c)>>1
	}
	return (a + b) >> 1
}
