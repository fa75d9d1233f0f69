package dicom

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Folder is what a folder, a zip archive or a single file holds.
type Folder struct {
	Path          string
	Series        []*Series       // images, one a SeriesInstanceUID, by series number
	Segmentations []*Segmentation // DICOM SEG
	Structures    []*StructureSet // RTSTRUCT
	Others        map[string]int  // files of other kinds by SOP class
	others        int             // files of other kinds
	close         func() error
}

// Limits on a folder.
const (
	maxFiles    = 200_000
	maxProblems = 20
)

// SOP classes of objects that are not images.
const (
	segmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4"
	labelMapStorage     = "1.2.840.10008.5.1.4.1.1.66.7"
	structureSetStorage = "1.2.840.10008.5.1.4.1.1.481.3"
)

// OpenFolder reads the attributes of every DICOM file in a folder and those below it, in a zip archive, or of one file. Files of
// other formats are passed over; a damaged DICOM file is an error with its name, and all such files are named. The caller closes the folder.
func OpenFolder(path string) (*Folder, error) {
	out := &Folder{Path: path, close: func() error { return nil }}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	fsys, names := os.DirFS(filepath.Dir(path)), []string{filepath.Base(path)}
	switch {
	case info.IsDir():
		fsys = os.DirFS(path)
		names, err = walk(fsys)
	case isZip(path):
		var z *zip.ReadCloser
		if z, err = zip.OpenReader(path); err == nil {
			fsys, out.close = &z.Reader, z.Close
			names, err = walk(fsys)
		}
	}
	if err == nil {
		err = out.fill(fsys, names, len(names) == 1 && !info.IsDir())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), out.close())
	}
	return out, nil
}

// OpenFiles is OpenFolder for some files of a file system, which stays open as long as the series are read.
func OpenFiles(fsys fs.FS, names []string) (*Folder, error) {
	out := &Folder{close: func() error { return nil }}
	return out, out.fill(fsys, names, len(names) == 1)
}

// Close closes the archive, if it is one. Series cannot be read after that.
func (f *Folder) Close() error { return f.close() }

// isZip tells an archive by its first bytes.
func isZip(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	n, _ := f.Read(magic[:])
	return string(magic[:n]) == "PK\x03\x04"
}

// walk lists the files of a tree, by name.
func walk(fsys fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.Type().IsRegular():
			names = append(names, path)
		}
		if len(names) > maxFiles {
			return fmt.Errorf("more than %d files: name the folder of one patient", maxFiles)
		}
		return nil
	})
	return names, err
}

// fill loads the files and sorts them into series and others. only says that one file was named, which then has to be DICOM.
func (f *Folder) fill(fsys fs.FS, names []string, only bool) error {
	byUID := map[string]*Series{}
	var problems []error
	for _, name := range names {
		one, err := load(fsys, name)
		if errors.Is(err, ErrNotDICOM) && !only {
			continue
		}
		if err != nil {
			if problems = append(problems, err); len(problems) >= maxProblems {
				break
			}
			continue
		}
		class := one.text(sopClassUID)
		switch {
		case class == segmentationStorage || class == labelMapStorage:
			f.Segmentations = append(f.Segmentations, &Segmentation{file: one})
		case class == structureSetStorage || one.text(modality) == "RTSTRUCT":
			f.Structures = append(f.Structures, &StructureSet{file: one})
		case one.pixels.tag == 0:
			f.others++
		default:
			uid := one.text(seriesInstanceUID)
			s := byUID[uid]
			if s == nil {
				s = newSeries(one)
				byUID[uid] = s
				f.Series = append(f.Series, s)
			}
			s.files = append(s.files, one)
		}
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if len(f.Series)+len(f.Segmentations)+len(f.Structures) == 0 {
		return fmt.Errorf("no DICOM image, segmentation or structure set among %d files", len(names))
	}
	slices.SortStableFunc(f.Series, func(a, b *Series) int {
		x, _ := strconv.Atoi(a.Number)
		y, _ := strconv.Atoi(b.Number)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.UID, b.UID))
	})
	return nil
}

// One is the only series of the folder. Where there are several, the error lists them.
func (f *Folder) One() (*Series, error) {
	switch len(f.Series) {
	case 0:
		return nil, fmt.Errorf("%s: no DICOM image, and %d segmentations, %d structure sets and %d other objects", f.Path, len(f.Segmentations), len(f.Structures), f.others)
	case 1:
		return f.Series[0], nil
	}
	lines := make([]string, len(f.Series))
	for i, s := range f.Series {
		lines[i] = "  " + s.String()
	}
	return nil, fmt.Errorf("%s: %d series: choose one by its attributes:\n%s", f.Path, len(f.Series), strings.Join(lines, "\n"))
}
