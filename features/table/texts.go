package table

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Texts are columns of a file as they are written, for what has to look at the words themselves: outcomes, codes, names of sites.
type Texts struct {
	File  string
	Keys  []Key
	Lines []int // of each row, from 1
	Names []string
	Cells [][]string // one a column, in order of Names; a missing cell is ""
}

// ReadTexts reads the columns that options take as texts. It finds the key and checks records as Read does.
func ReadTexts(path string, o Options) (*Texts, error) {
	if strings.EqualFold(filepath.Ext(path), ".parquet") {
		return nil, fmt.Errorf("%s: patients and outcomes are read from CSV or TSV", path)
	}
	return readTexts(path, func() (io.ReadCloser, error) { return Open(path) }, o)
}

// ParseTexts is ReadTexts of text in memory; name is that of its file, for messages.
func ParseTexts(name string, b []byte, o Options) (*Texts, error) {
	return readTexts(name, func() (io.ReadCloser, error) {
		r, err := NewText(name, bytes.NewReader(b))
		return io.NopCloser(r), err
	}, o)
}

func readTexts(path string, open func() (io.ReadCloser, error), o Options) (*Texts, error) {
	p := &Problems{}
	r := &reader{name: path, o: o, p: p}
	err := r.pass(open, func(f [][]byte) {
		if len(r.texts) == 0 {
			for k := range r.cols {
				r.texts = append(r.texts, k)
			}
		}
		r.keys = append(r.keys, r.key(f))
		r.text(f)
	})
	if err != nil {
		return nil, err
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	t := &Texts{File: path, Keys: r.keys, Lines: r.lines}
	for _, c := range r.cols {
		t.Names = append(t.Names, c.name)
		t.Cells = append(t.Cells, c.cells)
	}
	return t, nil
}

// Column returns the cells of a column, or nil.
func (t *Texts) Column(name string) []string {
	for j, n := range t.Names {
		if n == name {
			return t.Cells[j]
		}
	}
	return nil
}
