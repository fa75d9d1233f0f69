package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// The library takes the memory that a footer or the header of a page asks for before it looks whether the file can hold as much, so that forty
// bytes could fill the machine, from which no program recovers. What is asked for is compared with the file here, before the library sees it.

const (
	maxSchemaDepth = 64      // levels of nested columns
	maxPageHeader  = 1 << 24 // bytes; the smallest and largest text of a page stand in it whole
)

// checkFooter says what is wrong with the lengths in a Parquet file's footer.
func checkFooter(in io.ReaderAt, size int64) error {
	var tail [8]byte
	if size < int64(len(tail))+4 {
		return fmt.Errorf("%d bytes are no Parquet file", size)
	}
	if _, err := in.ReadAt(tail[:], size-8); err != nil {
		return err
	}
	if string(tail[4:]) != "PAR1" {
		return fmt.Errorf("it does not end as a Parquet file does: %q, want PAR1", tail[4:])
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if length > size-12 {
		return fmt.Errorf("the footer of %d bytes is longer than the file", length)
	}
	footer := make([]byte, length)
	if _, err := in.ReadAt(footer, size-8-length); err != nil {
		return err
	}
	if _, err := thriftLength(footer); err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	var m format.FileMetaData
	if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReaderFromBytes(footer)).Decode(&m); err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	return checkSchema(m.Schema)
}

// checkSchema says whether the columns, which lie flat with the number of children that each has, are a tree that is no deeper than any in use.
func checkSchema(schema []format.SchemaElement) error {
	if len(schema) == 0 {
		return errors.New("footer: there is no schema")
	}
	open := []int64{1} // elements still to come of each level
	for i := range schema {
		for len(open) > 0 && open[len(open)-1] == 0 {
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			return fmt.Errorf("footer: the schema has %d elements and ends after %d", len(schema), i)
		}
		open[len(open)-1]--
		var children int32
		if n := schema[i].NumChildren; n.Valid {
			children = n.V
		}
		if children < 0 || int(children) > len(schema)-i-1 {
			return fmt.Errorf("footer: column %q has %d columns inside, of %d that follow", clip([]byte(schema[i].Name)), children, len(schema)-i-1)
		}
		if children > 0 {
			open = append(open, int64(children))
		}
		if len(open) > maxSchemaDepth {
			return fmt.Errorf("footer: columns are nested deeper than %d levels", maxSchemaDepth)
		}
	}
	return nil
}

// checkRows says whether a file could hold as many rows as it says. Repeated values take next to nothing in a page, but each row's patient has to stand somewhere.
func checkRows(f *parquet.File, size int64) error {
	rows := f.NumRows()
	if most := 1<<16 + 1024*size; rows < 0 || rows > most {
		return fmt.Errorf("%d rows in %d bytes", rows, size)
	}
	var sum int64
	for i, g := range f.Metadata().RowGroups {
		if g.NumRows < 0 || g.NumRows > rows-sum {
			return fmt.Errorf("row group %d has %d rows, of %d in the file", i, g.NumRows, rows)
		}
		sum += g.NumRows
	}
	return nil
}

// checkPages says what is wrong with the lengths in the headers of a flat column's pages.
func checkPages(in io.ReaderAt, size int64, m *format.ColumnMetaData, rows int64) error {
	at := m.DataPageOffset
	if m.DictionaryPageOffset != 0 {
		at = m.DictionaryPageOffset
	}
	if at < 4 || m.TotalCompressedSize < 0 || at > size || m.TotalCompressedSize > size-at {
		return fmt.Errorf("pages at byte %d of %d, %d bytes", at, size, m.TotalCompressedSize)
	}
	end := at + m.TotalCompressedSize
	var buf []byte
	for at < end {
		h, length, err := pageHeader(in, at, end, &buf)
		if err != nil {
			return fmt.Errorf("page at byte %d: %w", at, err)
		}
		if err := checkPage(in, at+int64(length), end, h, m.Codec, rows); err != nil {
			return fmt.Errorf("page at byte %d: %w", at, err)
		}
		at += int64(length) + int64(h.CompressedPageSize)
	}
	return nil
}

// pageHeader reads the header of the page at a place, and how many bytes it has.
func pageHeader(in io.ReaderAt, at, end int64, buf *[]byte) (*format.PageHeader, int, error) {
	for window := int64(512); ; window *= 8 {
		window = min(window, end-at)
		if int64(cap(*buf)) < window {
			*buf = make([]byte, window)
		}
		b := (*buf)[:window]
		if _, err := in.ReadAt(b, at); err != nil {
			return nil, 0, err
		}
		length, err := thriftLength(b)
		if errors.Is(err, io.ErrUnexpectedEOF) && window < min(end-at, maxPageHeader) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		h := new(format.PageHeader)
		err = thrift.Unmarshal(new(thrift.CompactProtocol), b[:length], h)
		return h, length, err
	}
}

// expansion is how many bytes one compressed byte can become: what the format of each codec allows, and for those that allow
// anything what data come to.
var expansion = map[format.CompressionCodec]int64{format.Uncompressed: 1, format.Snappy: 32, format.Lz4Raw: 256, format.Gzip: 1100, format.Zstd: 1 << 15, format.Brotli: 1 << 15}

func checkPage(in io.ReaderAt, at, end int64, h *format.PageHeader, codec format.CompressionCodec, rows int64) error {
	packed, whole := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
	if packed < 0 || packed > end-at {
		return fmt.Errorf("%d bytes, of %d that are left of its column", packed, end-at)
	}
	times, ok := expansion[codec]
	if !ok {
		return fmt.Errorf("compression %v is not read; write it with snappy, zstd or gzip", codec)
	}
	if whole < 0 || whole > times*(packed+64) {
		return fmt.Errorf("%d bytes of %v cannot hold %d", packed, codec, whole)
	}
	var levels int64 // bytes of levels, which stand before what is compressed
	switch {
	case h.DataPageHeader.Valid && (h.DataPageHeader.V.NumValues < 0 || int64(h.DataPageHeader.V.NumValues) > rows):
		return fmt.Errorf("%d values of %d rows", h.DataPageHeader.V.NumValues, rows)
	case h.DictionaryPageHeader.Valid && (h.DictionaryPageHeader.V.NumValues < 0 || int64(h.DictionaryPageHeader.V.NumValues) > whole):
		return fmt.Errorf("%d values in %d bytes", h.DictionaryPageHeader.V.NumValues, whole)
	case h.DataPageHeaderV2.Valid:
		v := &h.DataPageHeaderV2.V
		levels = int64(v.DefinitionLevelsByteLength) + int64(v.RepetitionLevelsByteLength)
		if v.NumValues < 0 || int64(v.NumValues) > rows || v.NumNulls < 0 || v.NumNulls > v.NumValues || v.NumRows < 0 || v.NumRows > v.NumValues {
			return fmt.Errorf("%d values, %d of them missing, of %d rows", v.NumValues, v.NumNulls, rows)
		}
		if v.DefinitionLevelsByteLength < 0 || v.RepetitionLevelsByteLength < 0 || levels > min(packed, whole) {
			return fmt.Errorf("%d bytes of levels in %d", levels, packed)
		}
		if v.IsCompressed.Valid && !v.IsCompressed.V {
			return nil
		}
	}
	if codec != format.Snappy || packed == levels {
		return nil
	}
	// Snappy says itself how long it will be, and its decoder believes that.
	b := make([]byte, min(binary.MaxVarintLen64, packed-levels))
	if _, err := in.ReadAt(b, at+levels); err != nil {
		return err
	}
	if n, read := binary.Uvarint(b); read <= 0 || n != uint64(whole-levels) {
		return fmt.Errorf("compressed data of %d bytes in a page of %d", n, whole-levels)
	}
	return nil
}

// thriftLength walks over the structure of Thrift's compact protocol at the beginning of b and returns its length in bytes. Lists and texts that are
// longer than what follows are errors that wrap io.ErrUnexpectedEOF (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md).
func thriftLength(b []byte) (int, error) {
	w := &thriftWalk{b: b}
	w.structure(0)
	return w.at, w.err
}

type thriftWalk struct {
	b   []byte
	at  int
	err error
}

func (w *thriftWalk) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("byte %d: "+format, append([]any{w.at}, args...)...)
	}
}

func (w *thriftWalk) skip(n uint64) {
	if n > uint64(len(w.b)-w.at) {
		w.fail("%d bytes where %d are left: %w", n, len(w.b)-w.at, io.ErrUnexpectedEOF)
		return
	}
	w.at += int(n)
}

func (w *thriftWalk) byte() byte {
	if w.skip(1); w.err != nil {
		return 0
	}
	return w.b[w.at-1]
}

func (w *thriftWalk) varint() uint64 {
	v, n := binary.Uvarint(w.b[w.at:])
	switch {
	case n == 0:
		w.fail("a number is cut off: %w", io.ErrUnexpectedEOF)
	case n < 0:
		w.fail("a number of more than 64 bits")
	default:
		w.at += n
	}
	return v
}

func (w *thriftWalk) structure(depth int) {
	if depth > 32 {
		w.fail("structures are nested deeper than 32 levels")
	}
	for w.err == nil {
		b := w.byte()
		kind := b & 15
		if kind == 0 || w.err != nil {
			return
		}
		if b>>4 == 0 { // the field's number is not a step from the last one's
			w.varint()
		}
		if kind > 2 { // of a truth value the kind says which
			w.value(kind, depth)
		}
	}
}

func (w *thriftWalk) value(kind byte, depth int) {
	switch kind {
	case 1, 2, 3:
		w.skip(1)
	case 4, 5, 6:
		w.varint()
	case 7:
		w.skip(8)
	case 8:
		w.skip(w.varint())
	case 9, 10:
		b := w.byte()
		n := uint64(b >> 4)
		if n == 15 {
			n = w.varint()
		}
		w.elements(n, depth, b&15)
	case 11:
		if n := w.varint(); n > 0 {
			b := w.byte()
			w.elements(n, depth, b>>4, b&15)
		}
	case 12:
		w.structure(depth + 1)
	default:
		w.fail("type %d is none of the compact protocol's", kind)
	}
}

// elements walks over n elements, each of one value or of a key and a value. A structure in use has three bytes or more.
func (w *thriftWalk) elements(n uint64, depth int, kinds ...byte) {
	least := uint64(1)
	if kinds[0] == 12 {
		least = 3
	}
	if n > uint64(len(w.b)-w.at)/least {
		w.fail("a list of %d where %d bytes are left: %w", n, len(w.b)-w.at, io.ErrUnexpectedEOF)
	}
	for range n {
		for _, kind := range kinds {
			if w.err != nil {
				return
			}
			w.value(kind, depth)
		}
	}
}
