package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/voxgene/voxgene/features/work"
)

// The file is a zip archive whose parts are stored as they are, in the order of their names and without times: the same content is
// the same bytes. A manifest lists every other part with its length and SHA-256. Names are keys and never paths on a disk.
const (
	manifestName = "manifest.json"
	// MaxBytes bounds a bundle; MaxParts the number of its parts.
	MaxBytes = 4 << 30
	MaxParts = 10_000
)

// pack writes parts as a container. The manifest is made from the others by the caller and is one of them.
func pack(parts map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	names := slices.Sorted(maps.Keys(parts))
	// The manifest comes first, so that a reader that streams meets it before the rest.
	names = append([]string{manifestName}, slices.DeleteFunc(names, func(n string) bool { return n == manifestName })...)
	for _, name := range names {
		if !fs.ValidPath(name) {
			return nil, fmt.Errorf("%q is not the name of a part", name)
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(parts[name]); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// unpack returns the parts of a container. They are slices of b, so that nothing is allocated on the word of the file.
func unpack(b []byte) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("this is not a Voxgene bundle: %w", err)
	}
	if len(z.File) > MaxParts {
		return nil, fmt.Errorf("%d parts; a bundle has at most %d", len(z.File), MaxParts)
	}
	parts := make(map[string][]byte, len(z.File))
	for _, f := range z.File {
		if f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64 {
			return nil, fmt.Errorf("part %q is compressed; a bundle's parts are stored as they are", f.Name)
		}
		if _, twice := parts[f.Name]; twice || !fs.ValidPath(f.Name) {
			return nil, fmt.Errorf("part %q is there twice, or is not a name", f.Name)
		}
		at, err := f.DataOffset()
		if err != nil {
			return nil, fmt.Errorf("part %q: %w", f.Name, err)
		}
		size := int64(f.UncompressedSize64)
		if at < 0 || size < 0 || at > int64(len(b)) || size > int64(len(b))-at {
			return nil, fmt.Errorf("part %q reaches past the end of the file", f.Name)
		}
		parts[f.Name] = b[at : at+size : at+size]
	}
	return parts, nil
}

// readFile reads a whole bundle, refusing one over MaxBytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	if info.Size() > MaxBytes {
		return nil, fmt.Errorf("%s: %d bytes; a bundle has at most %d", path, info.Size(), int64(MaxBytes))
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// hash is the SHA-256 of b in hexadecimal.
func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Save writes the bundle to a file, whole or not at all, and sets its Version. The same bundle gives the same bytes.
func (b *Bundle) Save(path string) error {
	file, err := b.Encode()
	if err != nil {
		return err
	}
	return work.WriteFile(path, file, 0o644)
}

// Open reads the bundle in a file and verifies every part. See Read.
func Open(path string) (*Bundle, error) {
	file, err := readFile(path)
	if err != nil {
		return nil, err
	}
	b, err := Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}
