package seal

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"io"
)

// piece is how much of a stream is encrypted at once.
const piece = 64 << 10

// overhead is what each piece is longer by when it is encrypted.
const overhead = 16

// ErrDamaged says that an encrypted stream was altered or cut off, or is under another key.
var ErrDamaged = errors.New("what is encrypted is altered, cut off or under another key")

// Writer encrypts what is written to it, piece by piece: AES-GCM, each piece under its number and whether it is the last, so that none can be
// left out, moved or cut off. A key is for one stream alone. Close writes the last piece, and does not close what is beneath.
type Writer struct {
	to   io.Writer
	aead cipher.AEAD
	held []byte // of the piece that is being filled
	n    uint64
	out  []byte
}

// NewWriter returns a writer under a key of KeySize bytes that is used for nothing else.
func NewWriter(to io.Writer, key []byte) (*Writer, error) {
	aead, err := stream(key)
	if err != nil {
		return nil, err
	}
	return &Writer{to: to, aead: aead, held: make([]byte, 0, piece), out: make([]byte, 0, piece+overhead)}, nil
}

func stream(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// nonce is that of the n-th piece.
func nonce(n uint64, last bool) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint64(b, n)
	if last {
		b[11] = 1
	}
	return b
}

// Write encrypts b. A piece is held back until more comes, since it may be the last.
func (w *Writer) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		if len(w.held) == piece {
			if err := w.flush(false); err != nil {
				return written, err
			}
		}
		n := min(len(b), piece-len(w.held))
		w.held = append(w.held, b[:n]...)
		b, written = b[n:], written+n
	}
	return written, nil
}

func (w *Writer) flush(last bool) error {
	w.out = w.aead.Seal(w.out[:0], nonce(w.n, last), w.held, nil)
	clear(w.held)
	w.held = w.held[:0]
	w.n++
	_, err := w.to.Write(w.out)
	return err
}

// Close writes the last piece.
func (w *Writer) Close() error { return w.flush(true) }

// Reader decrypts what a Writer wrote.
type Reader struct {
	from *bufio.Reader
	aead cipher.AEAD
	rest []byte // that is decrypted and was not read
	in   []byte
	n    uint64
	done bool
	err  error
}

// NewReader returns a reader of what was written under a key. What was altered, cut off or written under another key is an error.
func NewReader(from io.Reader, key []byte) (*Reader, error) {
	aead, err := stream(key)
	if err != nil {
		return nil, err
	}
	return &Reader{from: bufio.NewReaderSize(from, piece+overhead+1), aead: aead, in: make([]byte, piece+overhead)}, nil
}

// Read returns decrypted bytes.
func (r *Reader) Read(b []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.done {
			return 0, io.EOF
		}
		r.err = r.next()
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next decrypts a piece.
func (r *Reader) next() error {
	n, err := io.ReadFull(r.from, r.in)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	_, more := r.from.Peek(1)
	r.done = more != nil
	if r.rest, err = r.aead.Open(r.in[:0], nonce(r.n, r.done), r.in[:n], nil); err != nil {
		return ErrDamaged
	}
	r.n++
	return nil
}

// PlainSize is how many bytes an encrypted stream of a size holds.
func PlainSize(size int64) int64 {
	pieces := (size + piece + overhead - 1) / (piece + overhead)
	return max(0, size-overhead*pieces)
}
