// Package inflate decompresses DEFLATE [RFC 1951] and gzip [RFC 1952] streams of images. A scan is mostly literals under one code, so that
// a decoder which looks eight bytes ahead and writes to a flat window is twice as fast as the general one. It reads no more of the
// stream than it has to beyond a buffer, takes memory of a fixed size, and never panics, whatever the stream holds.
//
// [RFC 1951]: https://www.rfc-editor.org/rfc/rfc1951
// [RFC 1952]: https://www.rfc-editor.org/rfc/rfc1952
package inflate

import (
	"encoding/binary"
	"errors"
	"io"
)

// ErrCorrupt says that a stream is not DEFLATE data.
var ErrCorrupt = errors.New("the compressed data are damaged")

const (
	window   = 32 << 10         // how far back a match may reach
	room     = window + 256<<10 // of the output buffer
	slack    = 258 + 16         // what one step may write
	inRoom   = 64 << 10         // of the input buffer
	glance   = 4 << 10          // what the first step gives at least
	ahead    = 16               // bytes that may be looked at in one step
	overread = ahead            // zeros after the end of the input, so that looking ahead needs no check
)

// Reader decompresses a DEFLATE stream.
type Reader struct {
	src      io.Reader
	in       *[inRoom + overread]byte // in[at:end] is to be read
	at, end  int
	eof      bool
	bits     uint64 // the next bits of the stream, the first lowest
	n        uint   // how many of them there are; more may be valid
	out      *[room]byte
	from, to int    // out[from:to] is to be given; before from lies the window
	zeros    [2]int // out[zeros[0]:zeros[1]] is known to be zero: the last run of matches that repeat a zero
	lit      *[litRoom]uint32
	dist     *[distRoom]uint32
	huffman  bool // within a block of codes
	stored   int  // bytes left of a stored block
	final    bool
	err      error
}

// buffers are what a reader needs memory for.
type buffers struct {
	in   [inRoom + overread]byte
	out  [room]byte
	lit  [litRoom]uint32
	dist [distRoom]uint32
}

// NewReader returns a reader of a DEFLATE stream.
func NewReader(src io.Reader) *Reader { return newReader(src, new(buffers)) }

func newReader(src io.Reader, b *buffers) *Reader {
	return &Reader{src: src, in: &b.in, out: &b.out, lit: &b.lit, dist: &b.dist}
}

// Read gives decompressed bytes; io.EOF at the end of the stream's last block, io.ErrUnexpectedEOF where the input ends before.
func (r *Reader) Read(p []byte) (int, error) {
	for r.from == r.to {
		if r.err != nil {
			return 0, r.err
		}
		r.err = r.more()
	}
	n := copy(p, r.out[r.from:r.to])
	r.from += n
	return n, nil
}

// Zeros takes bytes that are known to be zero off what Read would give, at most n, and says how many. Not every zero is known: a long run
// that was compressed as one is.
func (r *Reader) Zeros(n int) int {
	if r.from == r.to && r.err == nil {
		r.err = r.more()
	}
	if r.from < r.zeros[0] {
		return 0
	}
	n = max(min(n, r.zeros[1]-r.from, r.to-r.from), 0)
	r.from += n
	return n
}

// more decompresses until the window is full or the stream ends.
func (r *Reader) more() error {
	limit := len(r.out) - slack
	if r.to == 0 { // who asks for a header only need not wait for all of this
		limit = glance
	}
	if r.to > len(r.out)-slack {
		keep := min(r.to, window)
		copy(r.out[:], r.out[r.to-keep:r.to])
		r.zeros = [2]int{max(r.zeros[0]-(r.to-keep), 0), max(r.zeros[1]-(r.to-keep), 0)}
		r.from, r.to = keep, keep
	}
	for r.to <= limit {
		switch {
		case r.huffman:
			if err := r.codes(limit); err != nil {
				return err
			}
		case r.stored > 0:
			if err := r.copyStored(); err != nil {
				return err
			}
		case r.final:
			return io.EOF
		default:
			if err := r.header(); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill makes sure that the input buffer holds what a step may look at. At the end of the input zeros follow.
func (r *Reader) fill() error {
	for !r.eof && r.end-r.at < ahead {
		r.end = copy(r.in[:], r.in[r.at:r.end])
		r.at = 0
		n, err := r.src.Read(r.in[r.end:inRoom])
		r.end += n
		if errors.Is(err, io.EOF) {
			r.eof = true
			clear(r.in[r.end : r.end+overread])
		} else if err != nil {
			return err
		}
	}
	if r.at-int(r.n/8) > r.end { // bits were taken that are not there
		return io.ErrUnexpectedEOF
	}
	return nil
}

// need makes sure of at least 32 bits, or of all that there are.
func (r *Reader) need() error {
	if r.n >= 32 {
		return nil
	}
	if err := r.fill(); err != nil {
		return err
	}
	for r.n <= 56 {
		r.bits |= uint64(r.in[min(r.at, r.end+overread-1)]) << r.n
		r.at++
		r.n += 8
	}
	return nil
}

// take takes bits, at most 16, of those that need made sure of.
func (r *Reader) take(n uint) int {
	v := int(r.bits & (1<<n - 1))
	r.bits >>= n
	r.n -= n
	return v
}

// corrupt is what is wrong where bits make no sense: they are damaged, or they are not there.
func (r *Reader) corrupt() error {
	if r.at-int(r.n/8) > r.end {
		return io.ErrUnexpectedEOF
	}
	return ErrCorrupt
}

// header begins a block.
func (r *Reader) header() error {
	if err := r.need(); err != nil {
		return err
	}
	r.final = r.take(1) == 1
	switch r.take(2) {
	case 0:
		return r.beginStored()
	case 1:
		return r.fixed()
	case 2:
		return r.dynamic()
	}
	return r.corrupt()
}

// beginStored reads the length of a stored block, from the next whole byte on.
func (r *Reader) beginStored() error {
	r.take(r.n % 8)
	if err := r.need(); err != nil {
		return err
	}
	length := r.take(16)
	if length^0xFFFF != r.take(16) {
		return r.corrupt()
	}
	r.unread()
	r.stored = length
	return nil
}

// unread gives whole bytes that were looked at back to the input.
func (r *Reader) unread() {
	r.at -= int(r.n / 8)
	r.bits, r.n = 0, 0
}

func (r *Reader) copyStored() error {
	if r.at >= r.end {
		if r.eof || r.at > r.end {
			return io.ErrUnexpectedEOF
		}
		if err := r.fill(); err != nil {
			return err
		}
		if r.at >= r.end {
			return io.ErrUnexpectedEOF
		}
	}
	n := copy(r.out[r.to:], r.in[r.at:min(r.end, r.at+r.stored)])
	r.at += n
	r.to += n
	r.stored -= n
	return nil
}

// cursor is where in a block of codes decode is.
type cursor struct {
	held   uint64
	n      uint
	at, to int
}

// codes decodes a block of codes until it ends or the output reaches a limit. The order of its steps is that of libdeflate (Eric Biggers).
func (r *Reader) codes(limit int) error {
	out, to := r.out, r.to
	lit, dist := r.lit, r.dist
	in, at, held := r.in, r.at, r.bits
	n := r.n // its lowest byte counts; entries are subtracted whole
	var err error
	for to <= limit {
		if assembled && r.end-at >= ahead {
			c := cursor{held, n, at, to}
			decode(&in[0], &out[0], &lit[0], &dist[0], &c, r.end-ahead, limit)
			if held, n, at, to = c.held, c.n, c.at, c.to; to > limit {
				break
			}
		}
		if r.end-at < ahead {
			r.at, r.bits, r.n = at, held, n&0xFF
			if err = r.fill(); err != nil {
				break
			}
			at = r.at
			if at+8 > len(in) {
				err = io.ErrUnexpectedEOF
				break
			}
		}
		// After this at least 56 bits are held. Bits above n are those that follow, so that they may be added again.
		held |= binary.LittleEndian.Uint64(in[at:]) << (n & 63)
		at += int((63 - uint8(n)) >> 3)
		n |= 56
		e := lit[held&(1<<litBits-1)]
		if e&literal != 0 {
			held >>= e & 63
			n -= uint(e)
			out[to] = byte(e >> 16)
			to++
			if e = lit[held&(1<<litBits-1)]; e&literal != 0 {
				held >>= e & 63
				n -= uint(e)
				out[to] = byte(e >> 16)
				to++
				if e = lit[held&(1<<litBits-1)]; e&literal != 0 {
					held >>= e & 63
					n -= uint(e)
					out[to] = byte(e >> 16)
					to++
					continue
				}
			}
			// At least 34 bits are held: enough for a code of a length and its extra bits.
		}
		if e&special != 0 {
			if e&special == subtable {
				e = lit[int(e>>16)+int(held>>litBits)&(1<<(e>>8&0xF)-1)]
			}
			if e&literal != 0 {
				held >>= e & 63
				n -= uint(e)
				out[to] = byte(e >> 16)
				to++
				continue
			}
			if e&special == endBlock {
				held >>= e & 63
				n -= uint(e)
				r.huffman = false
				break
			}
			if e&special != 0 {
				err = ErrCorrupt
				break
			}
		}
		length := int(e>>16) + int(held&(1<<(e&63)-1)>>(e>>8&63))
		held >>= e & 63
		n -= uint(e)
		if uint8(n) < 32 { // a distance takes 28 bits at most
			if at+8 > len(in) {
				err = io.ErrUnexpectedEOF
				break
			}
			held |= binary.LittleEndian.Uint64(in[at:]) << (n & 63)
			at += int((63 - uint8(n)) >> 3)
			n |= 56
		}
		d := dist[held&(1<<distBits-1)]
		if d&special != 0 {
			if d&special == subtable {
				d = dist[int(d>>16)+int(held>>distBits)&(1<<(d>>8&0xF)-1)]
			}
			if d&special != 0 {
				err = ErrCorrupt
				break
			}
		}
		back := int(d>>16) + int(held&(1<<(d&63)-1)>>(d>>8&63))
		held >>= d & 63
		n -= uint(d)
		if back > to {
			err = ErrCorrupt
			break
		}
		if back >= 8 && length <= 16 { // most matches of a scan
			binary.LittleEndian.PutUint64(out[to:], binary.LittleEndian.Uint64(out[to-back:]))
			if length > 8 {
				binary.LittleEndian.PutUint64(out[to+8:], binary.LittleEndian.Uint64(out[to+8-back:]))
			}
		} else {
			r.copyMatch(to, back, length)
		}
		to += length
	}
	// Bits above n are not counted as held.
	n &= 0xFF
	r.at, r.bits, r.n = at, held&(1<<n-1), n
	if r.at-int(r.n/8) > r.end {
		err = io.ErrUnexpectedEOF
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) { // what was made of bits that are not there is not given
		r.to = to
	}
	return err
}

// copyMatch repeats length bytes from back bytes before to. It may write up to 8 bytes more.
func (r *Reader) copyMatch(to, back, length int) {
	out := r.out[:]
	switch {
	case back == 1 && out[to-1] == 0: // background
		clear(out[to : to+length])
		if r.zeros[1] != to {
			r.zeros[0] = to
		}
		r.zeros[1] = to + length
	case length >= 64: // what has been repeated is itself repeated, so that the pieces double
		dst := out[to : to+length]
		for n := copy(dst, out[to-back:to]); n < length; {
			n += copy(dst[n:], dst[:n])
		}
	case back >= 8:
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(out[to+i:], binary.LittleEndian.Uint64(out[to+i-back:]))
		}
	case back == 1:
		v := uint64(out[to-1]) * 0x0101010101010101
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(out[to+i:], v)
		}
	default:
		dst, src := out[to:to+length], out[to-back:]
		for i := range dst {
			dst[i] = src[i]
		}
	}
}
