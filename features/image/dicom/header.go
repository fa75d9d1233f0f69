package dicom

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Instance is one DICOM object: its kind and its identifier.
type Instance struct{ Class, UID string }

// Text is an attribute of the series' first file by its group and element, such as 0x00100020; "" where it is not there.
func (s *Series) Text(attribute uint32) string { return s.files[0].text(tag(attribute)) }

// Instances are the objects of the series, in the order of its files.
func (s *Series) Instances() []Instance {
	out := make([]Instance, len(s.files))
	for i, f := range s.files {
		out[i] = f.instance()
	}
	return out
}

func (f *file) instance() Instance { return Instance{f.text(sopClassUID), f.text(sopInstanceUID)} }

// Object is the attributes of one DICOM file, of any kind.
type Object struct {
	Instance
	file *file
}

// ReadObject reads the attributes of a file, and no pixel.
func ReadObject(path string) (*Object, error) {
	return ReadObjectIn(os.DirFS(filepath.Dir(path)), filepath.Base(path))
}

// ReadObjectIn is ReadObject for a file of a file system.
func ReadObjectIn(fsys fs.FS, name string) (*Object, error) {
	f, err := load(fsys, name)
	if err != nil {
		return nil, err
	}
	return &Object{f.instance(), f}, nil
}

// Text is an attribute by its group and element, such as 0x00100020; "" where it is not there.
func (o *Object) Text(attribute uint32) string { return o.file.text(tag(attribute)) }

// Image reports whether the file has pixels.
func (o *Object) Image() bool { return o.file.pixels.tag != 0 }

// MaskFile is a file of a folder that holds a segmentation or a structure set.
type MaskFile struct {
	Instance
	Name    string   // within the folder
	Patient string   // PatientID
	Own     string   // its own SeriesInstanceUID
	Series  []string // SeriesInstanceUIDs that it refers to: those that it was drawn on
	file    *file
}

// Masks are the segmentations and structure sets of the folder.
func (f *Folder) Masks() []MaskFile {
	var out []MaskFile
	add := func(f *file) {
		out = append(out, MaskFile{f.instance(), f.name, f.text(patientID), f.text(seriesInstanceUID), f.references(), f})
	}
	for _, s := range f.Segmentations {
		add(s.file)
	}
	for _, r := range f.Structures {
		add(r.file)
	}
	return out
}

// references are the identifiers of the series that an object refers to, wherever it does: a SEG lists them at the top, a structure set
// within its frames of reference.
func (f *file) references() []string {
	var out []string
	var look func(d *dataSet, depth int)
	look = func(d *dataSet, depth int) {
		for i := range d.elements {
			e := &d.elements[i]
			if e.tag == seriesInstanceUID && depth > 0 {
				out = append(out, d.text(seriesInstanceUID))
			}
			for _, in := range e.items {
				look(in, depth+1)
			}
		}
	}
	look(f.dataSet, 0)
	return out
}

// Plane is one slice of a series: the object that holds it, and the centre of its first pixel in mm.
type Plane struct {
	Instance
	Frame    int // of the object, from 1; 0 where it has one alone
	Position [3]float64
}

// Planes are the slices of the series, in the order of its Grid.
func (s *Series) Planes() ([]Plane, error) {
	planes, err := s.slices()
	if err != nil {
		return nil, err
	}
	if _, err := stack(planes); err != nil { // which sorts them
		return nil, err
	}
	out := make([]Plane, len(planes))
	for i := range planes {
		out[i] = Plane{Instance: planes[i].file.instance(), Position: planes[i].position}
		if n, _, err := planes[i].file.number(numberOfFrames); err == nil && n > 1 {
			out[i].Frame = planes[i].frame + 1
		}
	}
	return out, nil
}
