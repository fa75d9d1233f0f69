package raster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// tiffOrder is the byte order of a TIFF, nil where the first bytes are not of one.
func tiffOrder(head []byte) binary.ByteOrder {
	if len(head) < 8 {
		return nil
	}
	switch string(head[:4]) {
	case "II*\x00":
		return binary.LittleEndian
	case "MM\x00*":
		return binary.BigEndian
	}
	return nil
}

// pages lists the pages of a TIFF, or the one picture that another file is. Each page is the same file with another page first, because
// the decoder reads the first.
func pages(f io.ReaderAt, size int64) ([]slice, error) {
	head := make([]byte, 8)
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	order := tiffOrder(head)
	if order == nil {
		return []slice{{name: "picture", page: f, size: size}}, nil
	}
	var out []slice
	seen := map[uint32]bool{}
	for at := order.Uint32(head[4:]); at != 0; {
		if seen[at] || len(out) >= maxSlices {
			return nil, fmt.Errorf("page %d: the list of pages does not end", len(out)+1)
		}
		seen[at] = true
		first := append([]byte(nil), head...)
		order.PutUint32(first[4:], at)
		out = append(out, slice{name: fmt.Sprintf("page %d", len(out)+1), page: patched{f, first}, size: size})
		var count [2]byte
		if _, err := f.ReadAt(count[:], int64(at)); err != nil {
			return nil, fmt.Errorf("page %d: the file is cut off", len(out))
		}
		var next [4]byte
		if _, err := f.ReadAt(next[:], int64(at)+2+12*int64(order.Uint16(count[:]))); err != nil {
			return nil, fmt.Errorf("page %d: the file is cut off", len(out))
		}
		at = order.Uint32(next[:])
	}
	if out == nil {
		return nil, errors.New("a TIFF without a page")
	}
	return out, nil
}

// patched is a file with other first bytes.
type patched struct {
	io.ReaderAt
	first []byte
}

func (p patched) ReadAt(b []byte, at int64) (int, error) {
	n, err := p.ReaderAt.ReadAt(b, at)
	if at >= 0 && at < int64(len(p.first)) {
		copy(b[:n], p.first[at:])
	}
	return n, err
}
