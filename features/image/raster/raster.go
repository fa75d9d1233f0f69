// Package raster reads volumes and masks from stacks of PNG and TIFF slices: one file a slice in a folder, or the pages of one TIFF.
//
// Such files do not say where they lie in the patient, nor, reliably, how large a pixel is. The spacing has to be given; the origin is 0 and
// the axes are the patient's. Files are put in order by the numbers in their names, so that 10 follows 9.
package raster

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image"
)

// Options say what a stack does not.
type Options struct {
	Spacing [3]float64 // mm: between columns, between rows, between slices
	Files   string     // which files of a folder: a pattern with * and ?; every PNG and TIFF where empty
	Channel string     // of colour slices: red, green or blue; not needed where the three are equal
}

// Limits on a stack.
const (
	maxSlices = 1 << 16
	maxPixels = 1 << 26 // of a slice
)

// Read reads the whole volume of a folder or a file.
func Read(path string, o Options) (*image.Volume, error) {
	r, err := ReadRegion(path, o, image.Selection{})
	return r.Volume, err
}

// ReadRegion reads the part of a volume that keep selects, in one pass.
func ReadRegion(path string, o Options, keep image.Selection) (image.Reading, error) {
	var out image.Reading
	err := with(path, o, func(g image.Grid, s image.Samples, voxels io.Reader) (err error) {
		out, err = image.DecodeVolume(voxels, g, s, keep)
		return err
	})
	return out, err
}

// ReadMask reads the labels of a folder or a file.
func ReadMask(path string, o Options) (*image.Mask, error) {
	var out *image.Mask
	err := with(path, o, func(g image.Grid, s image.Samples, voxels io.Reader) (err error) {
		out, err = image.DecodeMask(voxels, g, s)
		return err
	})
	return out, err
}

// Is says whether the first bytes of a file are those of PNG or TIFF.
func Is(head []byte) bool {
	return strings.HasPrefix(string(head), "\x89PNG\r\n\x1a\n") || tiffOrder(head) != nil
}

// with gives do the grid of a stack and its samples.
func with(name string, o Options, do func(g image.Grid, s image.Samples, voxels io.Reader) error) error {
	err := func() error {
		for a, s := range o.Spacing {
			if !(s > 0) {
				return fmt.Errorf("spacing along axis %c is %g mm: PNG and TIFF do not hold it, it has to be given", 'i'+rune(a), s)
			}
		}
		all, close, err := pictures(name, o)
		if err != nil {
			return err
		}
		defer close()
		st := &stack{slices: all, channel: o.Channel}
		first, err := all[0].open()
		if err != nil {
			return err
		}
		st.first = first
		g := image.Grid{Size: [3]int{first.width, first.height, len(all)}, Spacing: o.Spacing, Direction: image.IdentityDirection}
		samples := image.Samples{Type: image.Uint8, Slope: 1}
		if st.wide = first.wide; st.wide {
			samples.Type = image.Uint16
		}
		return do(g, samples, st)
	}()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// pictures lists the slices of a folder, or the pages of a file.
func pictures(name string, o Options) (all []slice, close func() error, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		if o.Files != "" {
			return nil, nil, errors.New("files are chosen in a folder, and this is a file")
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		pages, err := pages(f, info.Size())
		if err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
		return pages, f.Close, nil
	}
	names, err := list(os.DirFS(name), o.Files)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range names {
		all = append(all, slice{name: n, path: filepath.Join(name, n)})
	}
	return all, func() error { return nil }, nil
}

// list names the slices of a folder, in order.
func list(fsys fs.FS, pattern string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		extension := strings.ToLower(path.Ext(e.Name()))
		if !e.Type().IsRegular() || extension != ".png" && extension != ".tif" && extension != ".tiff" {
			continue
		}
		if pattern != "" {
			ok, err := path.Match(pattern, e.Name())
			if err != nil {
				return nil, fmt.Errorf("files: %q is not a pattern", pattern)
			}
			if !ok {
				continue
			}
		}
		names = append(names, e.Name())
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no PNG or TIFF file%s", map[bool]string{true: " of the form " + pattern}[pattern != ""])
	}
	if len(names) > maxSlices {
		return nil, fmt.Errorf("%d slices: more than the limit of %d", len(names), maxSlices)
	}
	slices.SortFunc(names, natural)
	return names, nil
}

// natural compares names with their numbers as numbers.
func natural(a, b string) int {
	whole := [2]string{a, b}
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			m, n := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(whole[0], whole[1]))
}

// digits is how many digits a text begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
