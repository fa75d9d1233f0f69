// Package scratch holds the files of patients that a server works on, for as long as it does: a folder for each process, which is locked while the
// process lives. What a process left that was killed is removed by the next one that starts; the lock tells it from one that is at work,
// whatever became of its number since, and on whichever machine it runs.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names of the folders, and of the file in each that is locked.
const (
	prefix = "voxgene-files-"
	held   = "lock"
)

// Folder is the folder of this process.
type Folder struct {
	// Path is where it lies. It can be read by nobody else.
	Path string
	// Removed is how many folders of processes that ended without closing theirs were removed.
	Removed int
	lock    *os.File
}

// Open makes a folder within another one, "" for the system's folder of temporary files, and removes those that dead processes left there.
func Open(within string) (*Folder, error) {
	if within == "" {
		within = os.TempDir()
	}
	removed, err := clean(within)
	if err != nil {
		return nil, err
	}
	for range 10 { // one that cleans may have the lock before its maker does
		path, err := os.MkdirTemp(within, prefix)
		if err != nil {
			return nil, err
		}
		lock, err := os.OpenFile(filepath.Join(path, held), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return nil, errors.Join(err, os.RemoveAll(path))
		}
		if !locked(lock) || !same(lock) {
			lock.Close() // of a folder that is going
			continue
		}
		return &Folder{Path: path, Removed: removed, lock: lock}, nil
	}
	return nil, fmt.Errorf("scratch: no folder could be made within %s", within)
}

// Close removes the folder and all that is in it.
func (f *Folder) Close() error {
	return errors.Join(os.RemoveAll(f.Path), f.lock.Close())
}

// Hold marks an open file as one that this process works on, until it is closed or the process ends, however it does.
func Hold(f *os.File) { mark(f) }

// Abandoned reports whether an open file is of a process that ended: nobody holds it. Where the system does not tell, it is false.
func Abandoned(f *os.File) bool { return mark(f) }

// same reports whether an open file is still the one of its name.
func same(f *os.File) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(a, b)
}

// clean removes the folders whose lock nobody holds. What cannot be read, because it is another user's, is left.
func clean(within string) (int, error) {
	entries, err := os.ReadDir(within)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, e := range entries {
		if !e.IsDir() || len(e.Name()) <= len(prefix) || e.Name()[:len(prefix)] != prefix {
			continue
		}
		path := filepath.Join(within, e.Name())
		lock, err := os.OpenFile(filepath.Join(path, held), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if locked(lock) && os.RemoveAll(path) == nil {
			n++
		}
		lock.Close()
	}
	return n, nil
}
