package deidentify

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/voxgene/voxgene/features/work"
)

// Report is what became of a cohort. It names no patient and no file of the input.
type Report struct {
	Files       int            `json:"files"`       // that were looked at
	Written     int            `json:"written"`     // without what named their patients
	Quarantined map[string]int `json:"quarantined"` // not written, by reason
	Other       int            `json:"other"`       // no DICOM: left where they are
	Twice       int            `json:"twice"`       // the same as one that was written
	Patients    int            `json:"patients"`
	Attributes  map[string]int `json:"attributes"` // by what was done with them
	Removed     map[string]int `json:"removed"`    // attributes removed, emptied or replaced, by tag
	// Faces are series, as they are now called, in which the head may be: a face can be made of such a scan, and defacing is not done here.
	Faces []string `json:"faces"`

	// Left are the files of the input that were not written, with the reason: for the terminal, since their names may name a patient.
	Left []Left `json:"-"`
}

// Left is a file that was not written.
type Left struct{ Path, Reason string }

// largest is the most bytes of one file.
const largest = 4 << 30

// ReportFile is the report's name in the output folder.
const ReportFile = "deidentified.json"

// Folder takes every file of a folder or zip archive and writes those that can be de-identified to a new or empty folder:
// patient/study/series/instance.dcm, under their new names. It goes on past a file that cannot, and every file of the input is counted. The
// error is of reading or writing; the report holds what is quarantined.
func (p *Profile) Folder(ctx context.Context, from, to string) (*Report, error) {
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: what is in it would be taken for de-identified", to)
	}
	r := &Report{Quarantined: map[string]int{}, Attributes: map[string]int{}, Removed: map[string]int{}, Faces: []string{}}
	patients, faces := map[string]bool{}, map[string]bool{}
	err := files(from, func(name string, read func() ([]byte, error)) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.Files++
		b, err := read()
		if err != nil {
			return err
		}
		i, err := p.Identify(b)
		if err == nil {
			err = p.write(i, to, r)
		}
		var q *Quarantine
		switch {
		case errors.Is(err, ErrNotDICOM):
			r.Other++
			r.Left = append(r.Left, Left{name, err.Error()})
			return nil
		case errors.As(err, &q):
			r.Quarantined[q.Reason]++
			r.Left = append(r.Left, Left{name, q.Reason})
			return nil
		case err != nil:
			return err
		}
		patients[i.Patient] = true
		for what, n := range i.Done {
			r.Attributes[what] += n
		}
		for tag, n := range i.Removed {
			r.Removed[tag] += n
		}
		if series := i.Patient + "/" + i.Study + "/" + i.Series; i.Face && !faces[series] {
			faces[series] = true
			r.Faces = append(r.Faces, series)
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	r.Patients = len(patients)
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return r, err
	}
	return r, work.WriteFile(filepath.Join(to, ReportFile), append(text, '\n'), 0o644)
}

// write writes an instance. Two that differ and share a UID cannot both stay.
func (p *Profile) write(i *Instance, to string, r *Report) error {
	dir := filepath.Join(to, i.Patient, i.Study, i.Series) // of hexadecimal digits and mapped UIDs: no path of the input
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, i.UID+".dcm")
	switch there, err := os.ReadFile(path); {
	case err == nil && i.same(there):
		r.Twice++
		return nil
	case err == nil:
		return &Quarantine{"another file has its SOPInstanceUID and other content"}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	r.Written++
	return work.WriteFile(path, i.Bytes, 0o644)
}

// files calls each with the regular files of a folder or the entries of a zip archive, in order.
func files(from string, each func(name string, read func() ([]byte, error)) error) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			return each(path, func() ([]byte, error) { return os.ReadFile(path) })
		})
	}
	if !strings.HasSuffix(strings.ToLower(from), ".zip") {
		return each(from, func() ([]byte, error) { return os.ReadFile(from) })
	}
	z, err := zip.OpenReader(from)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	defer z.Close()
	for _, f := range z.File {
		if !f.Mode().IsRegular() {
			continue
		}
		err := each(f.Name, func() ([]byte, error) {
			r, err := f.Open()
			if err != nil {
				return nil, err
			}
			defer r.Close()
			b, err := io.ReadAll(io.LimitReader(r, largest))
			if err == nil && len(b) == largest {
				err = fmt.Errorf("%s: an entry is larger than any DICOM file", from)
			}
			return b, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
