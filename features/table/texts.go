package table

import (
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
	p := &Problems{}
	r := &reader{name: path, o: o, p: p}
	err := r.pass(func() (io.ReadCloser, error) { return Open(path) }, func(f [][]byte) {
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
