package dicom

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/voxgene/voxgene/features/image"
)

// format says how a file stores its pixels.
type format struct {
	rows, columns, frames int
	allocated, stored     int // bits
	signed                bool
	kind                  image.Type // 0 for one bit
}

// maxPixels is the largest frame that is read: 8,192×8,192.
const maxPixels = 1 << 26

// pixels is the number of pixels of a frame.
func (f format) pixels() int { return f.rows * f.columns }

// bytes is the length of a decoded frame.
func (f format) bytes() int { return f.pixels() * f.allocated / 8 }

// layout reads the attributes that describe pixels.
func (f *file) layout() (format, error) {
	var out format
	if f.pixels.tag == 0 {
		return out, fmt.Errorf("%s: no pixels", f.name)
	}
	var all []error
	whole := func(t tag, name string, low, high int) int {
		n, err := f.whole(t, name, low, high)
		if err != nil {
			all = append(all, fmt.Errorf("%s: %w", f.name, err))
		}
		return n
	}
	out.rows = whole(rows, "Rows", 1, 1<<16)
	out.columns = whole(columns, "Columns", 1, 1<<16)
	out.allocated = whole(bitsAllocated, "BitsAllocated", 1, 64)
	out.stored = out.allocated
	out.frames = 1
	if f.has(numberOfFrames) {
		out.frames = whole(numberOfFrames, "NumberOfFrames", 1, image.MaxVoxels)
	}
	if f.has(samplesPerPixel) {
		if n := whole(samplesPerPixel, "SamplesPerPixel", 1, 1<<16); n > 1 {
			all = append(all, fmt.Errorf("%s: %d samples a pixel (%s): images of one value a pixel are read", f.name, n, f.text(photometricInterpretation)))
		}
	}
	if p := f.text(photometricInterpretation); p == "PALETTE COLOR" {
		all = append(all, fmt.Errorf("%s: colours of a palette: images of one value a pixel are read", f.name))
	}
	switch f.pixels.tag {
	case floatPixelData, doublePixelData:
		out.kind = image.Float32
		if f.pixels.tag == doublePixelData {
			out.kind = image.Float64
		}
		if len(all) == 0 && out.allocated != 8*out.kind.Size() {
			all = append(all, fmt.Errorf("%s: BitsAllocated is %d for pixels of type %s", f.name, out.allocated, out.kind))
		}
		return out, errors.Join(all...)
	}
	if f.has(bitsStored) {
		out.stored = whole(bitsStored, "BitsStored", 1, max(out.allocated, 1))
	}
	if f.has(pixelRepresentation) {
		out.signed = whole(pixelRepresentation, "PixelRepresentation", 0, 1) == 1
	}
	if len(all) == 0 && f.has(highBit) {
		if h := whole(highBit, "HighBit", 0, 63); h != out.stored-1 {
			all = append(all, fmt.Errorf("%s: HighBit is %d with %d bits stored: want %d", f.name, h, out.stored, out.stored-1))
		}
	}
	unsigned := map[int]image.Type{8: image.Uint8, 16: image.Uint16, 32: image.Uint32}
	signed := map[int]image.Type{8: image.Int8, 16: image.Int16, 32: image.Int32}
	out.kind = unsigned[out.allocated]
	if out.signed {
		out.kind = signed[out.allocated]
	}
	if len(all) == 0 && out.kind == 0 && out.allocated != 1 {
		all = append(all, fmt.Errorf("%s: %d bits allocated a pixel: want 1, 8, 16 or 32", f.name, out.allocated))
	}
	if len(all) == 0 && (out.pixels()*out.frames > image.MaxVoxels || out.pixels() > maxPixels) {
		all = append(all, fmt.Errorf("%s: %d frames of %d×%d: more than the limit of %d pixels a frame or %d in all", f.name, out.frames, out.columns, out.rows, maxPixels, image.MaxVoxels))
	}
	return out, errors.Join(all...)
}

// frames gives the frames of a file, decoded, in any order.
type frames struct {
	file      *file
	format    format
	open      fs.File
	whole     []byte   // native pixels in memory, where the file cannot be read at a place
	fragments [][]byte // compressed frames
}

// frames opens the pixels of a file; the caller closes them.
func (f *file) openFrames() (*frames, error) {
	layout, err := f.layout()
	if err != nil {
		return nil, err
	}
	if layout.allocated == 1 {
		return nil, fmt.Errorf("%s: one bit a pixel: this is a segmentation, read it as a mask", f.name)
	}
	out := &frames{file: f, format: layout}
	if f.inflated == nil {
		if out.open, err = f.fsys.Open(f.name); err != nil {
			return nil, err
		}
	}
	if err := out.prepare(); err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

// prepare checks that the pixels are all there, and brings into memory what cannot be read frame by frame.
func (r *frames) prepare() error {
	f := r.file
	if f.pixels.length < 0 {
		rest, err := f.rest(r.open)
		if err != nil {
			return err
		}
		r.fragments, err = fragments(rest, r.format.frames)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		return nil
	}
	if syntax, ok := compressed[f.syntax]; ok {
		return fmt.Errorf("%s: pixels are said to be %s and are not compressed", f.name, syntax)
	}
	if err := f.enough(r.format); err != nil {
		return err
	}
	need := int64(r.format.bytes()) * int64(r.format.frames)
	switch {
	case f.inflated != nil:
		r.whole = f.inflated[f.pixels.offset:][:need]
	case r.format.frames > 1:
		if _, ok := r.open.(interface {
			ReadAt(b []byte, offset int64) (int, error)
		}); !ok {
			r.whole = make([]byte, need)
			return f.readPixels(r.open, r.whole, 0)
		}
	}
	return nil
}

// enough checks that a file is long enough for the native pixels that its header promises.
func (f *file) enough(layout format) error {
	need := int64(layout.bytes()) * int64(layout.frames)
	end := f.size
	if f.inflated != nil {
		end = int64(len(f.inflated))
	}
	if f.pixels.length < need || f.pixels.offset+need > end {
		return fmt.Errorf("%s: pixels of %d frames of %d×%d are %d bytes, and %d are there: the file is cut off, or its header is of another image",
			f.name, layout.frames, layout.columns, layout.rows, need, max(min(f.pixels.length, end-f.pixels.offset), 0))
	}
	return nil
}

// rest reads everything from the pixels on.
func (f *file) rest(open fs.File) ([]byte, error) {
	if f.inflated != nil {
		return f.inflated[f.pixels.offset:], nil
	}
	b := make([]byte, f.size-f.pixels.offset)
	return b, f.readPixels(open, b, 0)
}

// Close closes the file.
func (r *frames) Close() error {
	if r.open == nil {
		return nil
	}
	return r.open.Close()
}

// read decodes frame i into b, which has format.bytes() bytes, as little-endian samples of format.kind.
func (r *frames) read(i int, b []byte) error {
	f := r.file
	switch {
	case r.fragments != nil:
		if err := decompress(f.syntax, r.fragments[i], r.format, b); err != nil {
			return fmt.Errorf("%s: frame %d: %w", f.name, i+1, err)
		}
	case r.whole != nil:
		copy(b, r.whole[i*len(b):])
	default:
		if err := f.readPixels(r.open, b, int64(i)*int64(len(b))); err != nil {
			return err
		}
	}
	if f.bigEndian && r.fragments == nil {
		r.swap(b)
	}
	r.trim(b)
	return nil
}

// swap turns big-endian pixels into little-endian ones. Bytes in words (OW) are swapped in pairs.
func (r *frames) swap(b []byte) {
	size := r.format.allocated / 8
	if size == 1 && string(r.file.pixels.vr[:]) == "OW" {
		size = 2
	}
	for ; len(b) >= size; b = b[size:] {
		for x, y := 0, size-1; x < y; x, y = x+1, y-1 {
			b[x], b[y] = b[y], b[x]
		}
	}
}

// trim clears the bits above BitsStored, where old scanners keep overlays, or fills them with the sign.
func (r *frames) trim(b []byte) {
	unused := r.format.allocated - r.format.stored
	if unused == 0 || r.format.kind == image.Float32 || r.format.kind == image.Float64 {
		return
	}
	switch r.format.kind {
	case image.Uint8:
		for i := range b {
			b[i] = b[i] << unused >> unused
		}
	case image.Int8:
		for i := range b {
			b[i] = byte(int8(b[i]) << unused >> unused)
		}
	case image.Uint16:
		for ; len(b) >= 2; b = b[2:] {
			binary.LittleEndian.PutUint16(b, binary.LittleEndian.Uint16(b)<<unused>>unused)
		}
	case image.Int16:
		for ; len(b) >= 2; b = b[2:] {
			binary.LittleEndian.PutUint16(b, uint16(int16(binary.LittleEndian.Uint16(b))<<unused>>unused))
		}
	case image.Uint32:
		for ; len(b) >= 4; b = b[4:] {
			binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)<<unused>>unused)
		}
	case image.Int32:
		for ; len(b) >= 4; b = b[4:] {
			binary.LittleEndian.PutUint32(b, uint32(int32(binary.LittleEndian.Uint32(b))<<unused>>unused))
		}
	}
}
