package dicom

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	goimage "image"
	"image/jpeg"

	"github.com/cocosip/go-dicom-codec/jpeg2000"
	jpegls "github.com/cocosip/go-dicom-codec/jpegls/lossless"
	"github.com/cocosip/go-dicom-codec/jpegls/nearlossless"
)

// compressed names the transfer syntaxes of compressed pixels.
var compressed = map[string]string{
	"1.2.840.10008.1.2.5":    "RLE",
	"1.2.840.10008.1.2.4.50": "JPEG baseline",
	"1.2.840.10008.1.2.4.51": "JPEG extended",
	"1.2.840.10008.1.2.4.57": "JPEG lossless",
	"1.2.840.10008.1.2.4.70": "JPEG lossless, first-order prediction",
	"1.2.840.10008.1.2.4.80": "JPEG-LS lossless",
	"1.2.840.10008.1.2.4.81": "JPEG-LS near-lossless",
	"1.2.840.10008.1.2.4.90": "JPEG 2000 lossless",
	"1.2.840.10008.1.2.4.91": "JPEG 2000",
}

// fragments cuts encapsulated pixels (PS3.5, A.4) into frames.
func fragments(b []byte, frames int) ([][]byte, error) {
	var table []byte
	var parts [][]byte
	var starts []int // of each part, counted from the first item after the table
	at, begin := 0, -1
	for {
		if at+8 > len(b) {
			return nil, errors.New("the file is cut off in the middle of its compressed pixels")
		}
		t := tag(binary.LittleEndian.Uint16(b[at:]))<<16 | tag(binary.LittleEndian.Uint16(b[at+2:]))
		n := int64(binary.LittleEndian.Uint32(b[at+4:]))
		at += 8
		if t == sequenceDelimiter {
			break
		}
		if t != item || int64(at)+n > int64(len(b)) {
			return nil, fmt.Errorf("compressed pixels: no whole item at byte %d: the file is damaged or cut off", at-8)
		}
		part := b[at : at+int(n)]
		if begin < 0 {
			table, begin = part, at+int(n)
		} else {
			parts, starts = append(parts, part), append(starts, at-8-begin)
		}
		at += int(n)
	}
	switch {
	case len(parts) == 0:
		return nil, errors.New("compressed pixels hold no frame")
	case frames == 1:
		return [][]byte{bytes.Join(parts, nil)}, nil
	case len(parts) == frames:
		return parts, nil
	case len(table) != 4*frames:
		return nil, fmt.Errorf("compressed pixels: %d fragments for %d frames, and no table that says which are whose", len(parts), frames)
	}
	out := make([][]byte, frames)
	for i, p := range parts {
		f := 0
		for f+1 < frames && int(binary.LittleEndian.Uint32(table[4*(f+1):])) <= starts[i] {
			f++
		}
		out[f] = append(out[f], p...)
	}
	for i := range out {
		if out[i] == nil {
			return nil, fmt.Errorf("compressed pixels: frame %d has no fragment", i+1)
		}
	}
	return out, nil
}

// decompress decodes one frame into b. The size that the code stream itself claims is compared before it is decoded.
func decompress(syntax string, code []byte, f format, b []byte) (err error) {
	name, ok := compressed[syntax]
	if !ok {
		return fmt.Errorf("pixels are compressed as %q, which is not read", syntax)
	}
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("%s: damaged: %v", name, e)
		}
	}()
	if name == "RLE" {
		return unpack(code, f, b)
	}
	size, err := claimed(code)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if size.width != f.columns || size.height != f.rows || size.components != 1 || size.bits > f.allocated {
		return fmt.Errorf("%s: the code is of %d×%d pixels of %d components and %d bits, and the header says %d×%d, 1 and %d",
			name, size.width, size.height, size.components, size.bits, f.columns, f.rows, f.allocated)
	}
	switch syntax[len("1.2.840.10008.1.2.4."):] {
	case "50", "51":
		return baseline(code, size, b)
	case "57", "70":
		return losslessJPEG(code, f, b)
	case "80":
		return put(b, f)(jpegls.Decode(code))
	case "81":
		out, w, h, n, bits, _, err := nearlossless.Decode(code)
		return put(b, f)(out, w, h, n, bits, err)
	}
	d := jpeg2000.NewDecoder()
	if err := d.Decode(code); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	values, err := d.GetComponentData(0)
	if err != nil || len(values) != f.pixels() {
		return fmt.Errorf("%s: %d of %d pixels (%v)", name, len(values), f.pixels(), err)
	}
	for i, x := range values {
		switch f.allocated {
		case 8:
			b[i] = byte(x)
		case 16:
			binary.LittleEndian.PutUint16(b[2*i:], uint16(x))
		case 32:
			binary.LittleEndian.PutUint32(b[4*i:], uint32(x))
		}
	}
	return nil
}

// put takes what a decoder returns into b: bytes where the code has up to 8 bits, little-endian words where it has more.
func put(b []byte, f format) func(out []byte, width, height, components, bits int, err error) error {
	return func(out []byte, width, height, components, bits int, err error) error {
		if err != nil {
			return err
		}
		size := (bits + 7) / 8
		if width != f.columns || height != f.rows || components != 1 || len(out) < size*f.pixels() || size > f.allocated/8 {
			return fmt.Errorf("decoded %d bytes of %d×%d pixels of %d bits: want %d×%d", len(out), width, height, bits, f.columns, f.rows)
		}
		if size == f.allocated/8 {
			copy(b, out)
			return nil
		}
		for i := range f.pixels() {
			copy(b[i*f.allocated/8:(i+1)*f.allocated/8], out[i*size:(i+1)*size])
		}
		return nil
	}
}

// baseline decodes JPEG of 8 bits.
func baseline(code []byte, size codeSize, b []byte) error {
	if size.bits != 8 {
		return fmt.Errorf("JPEG extended of %d bits is not read: convert the file to JPEG lossless or uncompressed, for example with dcmdjpeg", size.bits)
	}
	m, err := jpeg.Decode(bytes.NewReader(code))
	if err != nil {
		return err
	}
	grey, ok := m.(*goimage.Gray)
	if !ok {
		return errors.New("JPEG of colours")
	}
	wide := len(b) / (size.width * size.height)
	clear(b)
	for y := range size.height {
		for x := range size.width {
			b[(y*size.width+x)*wide] = grey.Pix[y*grey.Stride+x]
		}
	}
	return nil
}

// codeSize is what a code stream says of its image.
type codeSize struct{ width, height, components, bits int }

// claimed reads the size out of the frame header of JPEG and JPEG-LS, or the SIZ segment of JPEG 2000.
func claimed(code []byte) (codeSize, error) {
	cut := errors.New("the code is cut off before it says its size")
	if len(code) > 4 && code[0] == 0xFF && code[1] == 0x4F {
		if len(code) < 43 || code[2] != 0xFF || code[3] != 0x51 {
			return codeSize{}, cut
		}
		be := func(at int) int { return int(binary.BigEndian.Uint32(code[at:])) }
		return codeSize{be(8) - be(16), be(12) - be(20), int(binary.BigEndian.Uint16(code[40:])), int(code[42]&0x7F) + 1}, nil
	}
	if len(code) < 4 || code[0] != 0xFF || code[1] != 0xD8 {
		return codeSize{}, errors.New("no JPEG: its first bytes are wrong")
	}
	for at := 2; at+10 <= len(code); {
		if code[at] != 0xFF {
			return codeSize{}, fmt.Errorf("no marker at byte %d", at)
		}
		marker := code[at+1]
		if marker == 0xFF {
			at++
			continue
		}
		if 0xC0 <= marker && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC || marker == 0xF7 {
			return codeSize{
				bits: int(code[at+4]), height: int(binary.BigEndian.Uint16(code[at+5:])), width: int(binary.BigEndian.Uint16(code[at+7:])),
				components: int(code[at+9]),
			}, nil
		}
		at += 2 + int(binary.BigEndian.Uint16(code[at+2:]))
	}
	return codeSize{}, cut
}

// unpack decodes RLE (PS3.5, annex G): a segment a byte of a pixel, the highest byte first, each packed bits.
func unpack(code []byte, f format, b []byte) error {
	if len(code) < 64 {
		return errors.New("RLE: the header is cut off")
	}
	size := f.allocated / 8
	if n := int(binary.LittleEndian.Uint32(code)); n != size {
		return fmt.Errorf("RLE: %d segments for pixels of %d bytes", n, size)
	}
	for s := range size {
		start, end := int64(binary.LittleEndian.Uint32(code[4+4*s:])), int64(len(code))
		if s+1 < size {
			end = int64(binary.LittleEndian.Uint32(code[8+4*s:]))
		}
		if start < 64 || start > end || end > int64(len(code)) {
			return fmt.Errorf("RLE: segment %d is not inside the frame", s+1)
		}
		if n := unpackSegment(code[start:end], b, size-1-s, size); n < f.pixels() {
			return fmt.Errorf("RLE: segment %d ends after %d of %d pixels", s+1, n, f.pixels())
		}
	}
	return nil
}

// unpackSegment writes packed bits to every stride-th byte of b from at on, and says how many there were.
func unpackSegment(code, b []byte, at, stride int) int {
	n := 0
	for len(code) > 0 && at < len(b) {
		c := int8(code[0])
		code = code[1:]
		switch {
		case c >= 0:
			for i := 0; i <= int(c) && len(code) > 0 && at < len(b); i++ {
				b[at], code = code[0], code[1:]
				at += stride
				n++
			}
		case c > -128 && len(code) > 0:
			for i := 0; i < 1-int(c) && at < len(b); i++ {
				b[at] = code[0]
				at += stride
				n++
			}
			code = code[1:]
		}
	}
	return n
}
