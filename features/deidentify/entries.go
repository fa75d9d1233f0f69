package deidentify

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// entry is a file of the input.
type entry struct {
	path string // for the terminal
	name string // below the input, with slashes
	read func() ([]byte, error)
}

// list returns the regular files of a folder, the entries of a zip archive, or a single file, in order. Entries are read before done is called.
func list(from string) (all []entry, done func() error, err error) {
	done = func() error { return nil }
	info, err := os.Stat(from)
	if err != nil {
		return nil, done, err
	}
	file := func(path, name string) {
		all = append(all, entry{path, name, func() ([]byte, error) { return os.ReadFile(path) }})
	}
	if info.IsDir() {
		err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			name, err := filepath.Rel(from, path)
			file(path, filepath.ToSlash(name))
			return err
		})
		return all, done, err
	}
	if !strings.HasSuffix(strings.ToLower(from), ".zip") {
		file(from, filepath.Base(from))
		return all, done, nil
	}
	z, err := zip.OpenReader(from)
	if err != nil {
		return nil, done, fmt.Errorf("%s: %w", from, err)
	}
	for _, f := range z.File {
		if f.Mode().IsRegular() {
			all = append(all, entry{f.Name, strings.TrimPrefix(filepath.ToSlash(filepath.Clean("/"+f.Name)), "/"), func() ([]byte, error) { return unzip(from, f) }})
		}
	}
	return all, z.Close, nil
}

func unzip(archive string, f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, largest))
	if err == nil && len(b) == largest {
		err = fmt.Errorf("%s: an entry is larger than any file of a cohort", archive)
	}
	return b, err
}
