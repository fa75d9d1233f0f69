package dicom

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
)

// Sum is the hash of an object's content: SHA-256 over its attributes and its pixels.
//
// It is of the object and not of the file. The preamble and the file's header (group 0002) are left out, which each archive and each node writes anew, as are
// the lengths of groups and padding; types and lengths are not hashed as they are written, so that an object has the same sum in implicit and explicit types,
// and with sequences of known and of unknown length. Other values, and pixels that are compressed in another way, give another sum.
type Sum [sha256.Size]byte

// Sums are the sums of the series' objects, in the order of its files.
func (s *Series) Sums() ([]Sum, error) {
	out := make([]Sum, len(s.files))
	for i, f := range s.files {
		var err error
		if out[i], err = f.sum(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Sum is the sum of the segmentation or structure set, as long as its folder is open.
func (m *MaskFile) Sum() (Sum, error) { return m.file.sum() }

// padding is the attribute that fills up a file.
const dataSetPadding tag = 0xFFFCFFFC

// sum hashes an object.
func (f *file) sum() (Sum, error) {
	h := sha256.New()
	hashSet(h, f.dataSet, 0)
	if f.pixels.tag != 0 {
		if err := f.hashPixels(h); err != nil {
			return Sum{}, err
		}
	}
	return Sum(h.Sum(nil)), nil
}

// hashSet hashes attributes. Each begins with its tag, and what it holds with how much it is, so that no two sets give the same bytes.
func hashSet(h hash.Hash, d *dataSet, depth int) {
	var head [13]byte
	put := func(t tag, kind byte, n int) {
		binary.LittleEndian.PutUint32(head[:], uint32(t))
		head[4] = kind
		binary.LittleEndian.PutUint64(head[5:], uint64(n))
		h.Write(head[:])
	}
	for i := range d.elements {
		e := &d.elements[i]
		if uint16(e.tag) == 0 || e.tag == dataSetPadding {
			continue
		}
		items := e.items
		if e.value != nil {
			if items = e.hidden(); items == nil || depth >= maxDepth {
				put(e.tag, 'v', len(e.value))
				h.Write(e.value)
				continue
			}
		}
		if len(items) == 0 { // in implicit types an empty sequence is an empty value
			put(e.tag, 'v', 0)
			continue
		}
		put(e.tag, 's', len(items))
		for _, in := range items {
			put(item, 'i', 0)
			hashSet(h, in, depth+1)
			put(itemDelimiter, 'e', 0)
		}
	}
	if d.bigEndian {
		put(0, 'b', 0)
	}
}

// hidden are the items of a value that is a sequence though its type is not told: of a tag that is not known, such as a private one, in implicit types.
// Nil where the value is none.
func (e *element) hidden() []*dataSet {
	if string(e.vr[:]) != "UN" && e.vr != [2]byte{} || !bytes.HasPrefix(e.value, []byte{0xFE, 0xFF, 0x00, 0xE0}) {
		return nil
	}
	p, in := parser{b: e.value, order: binary.LittleEndian}, &dataSet{}
	if err := p.sequence(in, element{tag: e.tag}, uint32(len(e.value)), 0); err != nil || p.at != len(e.value) || len(in.elements) != 1 {
		return nil
	}
	return in.elements[0].items
}

// hashPixels hashes the pixels as they are stored, with the way of compression, if there is one.
func (f *file) hashPixels(h hash.Hash) error {
	fmt.Fprintf(h, "pixels %08X ", uint32(f.pixels.tag))
	if f.pixels.length < 0 {
		fmt.Fprintf(h, "compressed %s ", f.syntax)
	}
	if f.inflated != nil {
		rest := f.inflated[min(f.pixels.offset, int64(len(f.inflated))):]
		if f.pixels.length >= 0 {
			rest = rest[:min(f.pixels.length, int64(len(rest)))]
		}
		h.Write(rest)
		return nil
	}
	open, err := f.fsys.Open(f.name)
	if err != nil {
		return err
	}
	defer open.Close()
	var from io.Reader = open
	if r, ok := open.(io.Seeker); ok {
		_, err = r.Seek(f.pixels.offset, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, open, f.pixels.offset)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	if f.pixels.length >= 0 {
		from = io.LimitReader(open, f.pixels.length)
		_, err = io.Copy(h, from)
	} else {
		err = hashFragments(h, from)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return nil
}

// hashFragments hashes the fragments of compressed pixels up to their end: what follows them, padding as a rule, is none of the image.
func hashFragments(h hash.Hash, from io.Reader) error {
	var head [8]byte
	for {
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return nil // cut off, which whoever reads the pixels says
		}
		h.Write(head[:])
		if bytes.Equal(head[:4], []byte{0xFE, 0xFF, 0xDD, 0xE0}) {
			return nil
		}
		if _, err := io.CopyN(h, from, int64(binary.LittleEndian.Uint32(head[4:]))); err != nil {
			return nil
		}
	}
}
