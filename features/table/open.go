package table

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// MaxText bounds the text of one file after decompression, so that a small hostile archive cannot fill the machine.
const MaxText = 16 << 30

// Open opens a text file and decompresses it when it begins as a gzip stream, whatever its name. A byte-order mark of UTF-8 is
// skipped; UTF-16 is refused by name.
func Open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := NewText(path, f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return readCloser{r, f}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// NewText does what Open does for a stream that is open already; name is for messages.
func NewText(name string, r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if start, _ := b.Peek(2); len(start) == 2 && start[0] == 0x1f && start[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("%s: it begins as gzip, but %w", name, err)
		}
		b = bufio.NewReaderSize(&limited{name: name, r: z, left: MaxText}, 1<<16)
	}
	start, _ := b.Peek(4)
	switch {
	case len(start) >= 3 && string(start[:3]) == "\xef\xbb\xbf":
		if _, err := b.Discard(3); err != nil {
			return nil, err
		}
	case len(start) >= 2 && (string(start[:2]) == "\xff\xfe" || string(start[:2]) == "\xfe\xff"):
		return nil, fmt.Errorf("%s: the text is UTF-16, as Excel writes “Unicode Text”; save it as CSV UTF-8", name)
	case len(start) == 4 && string(start) == "PK\x03\x04":
		return nil, fmt.Errorf("%s: this is a zip archive or an Excel workbook, not text; save the sheet as CSV UTF-8", name)
	}
	return b, nil
}

// limited fails, instead of ending, when more than a number of bytes is read.
type limited struct {
	name string
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fmt.Errorf("%s: more than %d bytes of text after decompression", l.name, int64(MaxText))
	}
	return n, err
}
