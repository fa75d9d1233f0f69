package work

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Key is the SHA-256 of all that determines a result.
type Key [sha256.Size]byte

// String returns the key in lower-case hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// NewKey hashes the kind of work, the version of its code (a constant that its author raises when results change), and every
// part that determines its result: canonical parameters, hashes of inputs, a seed. Parts are length-prefixed, so ("ab","c") and
// ("a","bc") differ.
func NewKey(kind string, version int, parts ...[]byte) Key {
	h := sha256.New()
	write := func(b []byte) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	write([]byte(kind))
	write(fmt.Appendf(nil, "%d", version))
	for _, p := range parts {
		write(p)
	}
	return Key(h.Sum(nil))
}

// HashFile returns the SHA-256 of a file's content, for use as a part of a Key.
func HashFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h.Sum(nil), nil
}

// Store keeps finished work in a folder, one file a key, each followed by a checksum of its own. It is safe for use by
// several goroutines and processes at once: files are renamed into place after they are on disk.
type Store struct{ dir string }

// OpenStore opens the store in dir, making the folder (readable by its owner alone) if it is not there.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("work store: %w", err)
	}
	return &Store{dir: dir}, nil
}

func (s *Store) path(k Key) string {
	name := k.String()
	return filepath.Join(s.dir, name[:2], name[2:])
}

// Get returns the bytes stored under k. A damaged file counts as absent, so that its work is done again.
func (s *Store) Get(k Key) ([]byte, bool) {
	b, err := os.ReadFile(s.path(k))
	if err != nil || len(b) < sha256.Size {
		return nil, false
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(body); string(want[:]) != string(sum) {
		return nil, false
	}
	return body, true
}

// Put stores the bytes under k, replacing what was there.
func (s *Store) Put(k Key, b []byte) error {
	sum := sha256.Sum256(b)
	path := s.path(k)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("work store: %w", err)
	}
	return WriteFile(path, append(b[:len(b):len(b)], sum[:]...), 0o600)
}

// WriteFile writes a file so that a reader, or a machine that loses power, sees the old content or the new and nothing between:
// it writes beside the target, syncs, renames, and syncs the folder.
func WriteFile(path string, b []byte, perm fs.FileMode) error {
	return WriteTo(path, perm, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// WriteTo is WriteFile for what is too large to hold: write produces the content.
func WriteTo(path string, perm fs.FileMode, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	if err := errors.Join(fill(f, perm, write), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	// Some systems cannot sync a folder; there the rename alone has to do.
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

// fill writes to f and waits until it is on disk.
func fill(f *os.File, perm fs.FileMode, write func(io.Writer) error) error {
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(perm); err != nil {
		return err
	}
	return f.Sync()
}
