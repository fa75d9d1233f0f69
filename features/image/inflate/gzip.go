package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// Gzip decompresses a gzip file of one member or several, and compares checksum and length of each.
type Gzip struct {
	r      *Reader
	sum    uint32
	length uint32
	err    error
	lent   *buffers // nil once they were given back
}

// spare are the buffers of files that were read to their end.
var spare = sync.Pool{New: func() any { return new(buffers) }}

// NewGzip returns a reader of a gzip file. A file that does not begin as one is an error.
func NewGzip(src io.Reader) (*Gzip, error) {
	g := &Gzip{lent: spare.Get().(*buffers)}
	g.r = newReader(src, g.lent)
	if err := g.header(); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return g, nil
}

// Read gives decompressed bytes. io.EOF is the end of the last member, whose checksum was right.
func (g *Gzip) Read(p []byte) (int, error) {
	for {
		if g.err != nil {
			return 0, g.err
		}
		n, err := g.r.Read(p)
		g.sum = crc32.Update(g.sum, crc32.IEEETable, p[:n])
		g.length += uint32(n)
		if err == nil || n > 0 {
			return n, nil
		}
		if g.err = err; errors.Is(err, io.EOF) {
			g.err = g.next()
		}
		if g.err != nil { // nothing is read after it
			g.r = nil
			spare.Put(g.lent)
			g.lent = nil
		}
	}
}

// Zeros takes bytes that are known to be zero off what Read would give, at most n, and says how many.
func (g *Gzip) Zeros(n int) int {
	if g.err != nil {
		return 0
	}
	n = g.r.Zeros(n)
	g.sum = crc32.Update(g.sum, crc32.IEEETable, g.r.out[g.r.from-n:g.r.from])
	g.length += uint32(n)
	return n
}

// next reads the end of a member, and the beginning of another where one follows.
func (g *Gzip) next() error {
	g.r.take(g.r.n % 8)
	g.r.unread()
	var tail [8]byte
	for i := range tail {
		b, err := g.r.byte()
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		tail[i] = b
	}
	if sum := binary.LittleEndian.Uint32(tail[:]); sum != g.sum {
		return fmt.Errorf("%w: the checksum is %08x, and the file says %08x", ErrCorrupt, g.sum, sum)
	}
	if length := binary.LittleEndian.Uint32(tail[4:]); length != g.length {
		return fmt.Errorf("%w: %d bytes (modulo 2³²), and the file says %d", ErrCorrupt, g.length, length)
	}
	g.sum, g.length = 0, 0
	return g.header()
}

// byte is the next byte of the input, outside of a DEFLATE stream.
func (r *Reader) byte() (byte, error) {
	if r.end-r.at < 1 {
		if err := r.fill(); err != nil {
			return 0, err
		}
		if r.at >= r.end {
			return 0, io.EOF
		}
	}
	r.at++
	return r.in[r.at-1], nil
}

// header reads the header of a member. io.EOF says that none follows.
func (g *Gzip) header() error {
	r := g.r
	first, err := r.byte()
	if err != nil {
		return err
	}
	head := [10]byte{first}
	for i := 1; i < len(head); i++ {
		if head[i], err = r.byte(); err != nil {
			return io.ErrUnexpectedEOF
		}
	}
	if head[0] != 0x1f || head[1] != 0x8b || head[2] != 8 {
		return fmt.Errorf("%w: not gzip, or more follows its end", ErrCorrupt)
	}
	flags := head[3]
	skip := 0
	if flags&4 != 0 {
		low, errA := r.byte()
		high, errB := r.byte()
		if errA != nil || errB != nil {
			return io.ErrUnexpectedEOF
		}
		skip = int(low) | int(high)<<8
	}
	for range skip {
		if _, err := r.byte(); err != nil {
			return io.ErrUnexpectedEOF
		}
	}
	for _, flag := range []byte{8, 16} { // a name and a comment, each to a zero
		for flags&flag != 0 {
			b, err := r.byte()
			if err != nil {
				return io.ErrUnexpectedEOF
			}
			if b == 0 {
				break
			}
		}
	}
	if flags&2 != 0 {
		for range 2 {
			if _, err := r.byte(); err != nil {
				return io.ErrUnexpectedEOF
			}
		}
	}
	r.bits, r.n, r.final, r.huffman, r.stored, r.err = 0, 0, false, false, 0, nil
	r.from, r.to, r.zeros = 0, 0, [2]int{}
	return nil
}
