package dicom

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// file is one DICOM file: its attributes in memory, its pixels on disk.
type file struct {
	fsys fs.FS
	name string
	size int64
	parsed
}

// firstRead is how much of a file is read for its attributes at first: enough for an image of one slice.
const firstRead = 16 << 10

// load reads the attributes of a file, up to its pixels. Errors name the file.
func load(fsys fs.FS, name string) (*file, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", name)
	}
	buffer := make([]byte, 0, min(info.Size()+1, firstRead))
	for {
		n, err := io.ReadFull(f, buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		all := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !all {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p, err := parse(buffer, all)
		if err == nil {
			return &file{fsys: fsys, name: name, size: info.Size(), parsed: p}, nil
		}
		if all || !errors.Is(err, errMore) {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		grown := make([]byte, len(buffer), min(8*int64(cap(buffer)), max(info.Size()+1, int64(len(buffer))+1)))
		copy(grown, buffer)
		buffer = grown
	}
}

// readPixels fills b with bytes of the file from an offset within its pixels.
func (f *file) readPixels(open fs.File, b []byte, offset int64) error {
	offset += f.pixels.offset
	var err error
	switch r := open.(type) {
	case io.ReaderAt:
		_, err = r.ReadAt(b, offset)
		if errors.Is(err, io.EOF) && len(b) == 0 {
			err = nil
		}
	default:
		if _, err = io.CopyN(io.Discard, open, offset); err == nil {
			_, err = io.ReadFull(open, b)
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: the file is cut off in the middle of its pixels", f.name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return nil
}
