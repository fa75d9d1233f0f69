package deidentify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/work"
)

// Report is what became of a cohort. It names no patient and no file of the input.
type Report struct {
	Files       int            `json:"files"`       // that were looked at
	Written     int            `json:"written"`     // DICOM files, without what named their patients
	Scans       int            `json:"scans"`       // NIfTI and NRRD files written
	Tables      int            `json:"tables"`      // written
	Quarantined map[string]int `json:"quarantined"` // not written, by reason
	Other       int            `json:"other"`       // of other kinds: left where they are
	Twice       int            `json:"twice"`       // the same as one that was written
	Patients    int            `json:"patients"`
	Attributes  map[string]int `json:"attributes"` // by what was done with them
	Removed     map[string]int `json:"removed"`    // attributes removed, emptied or replaced, by tag
	Columns     []Column       `json:"columns"`    // of tables, and what was done with them
	// Faces are series or files, as they are now called, in which the head may be: a face can be made of such a scan, and defacing is not done here.
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

// cohort is a run over a cohort's files.
type cohort struct {
	*Profile
	to       string
	report   *Report
	ids      *identifiersOf
	patients map[string]bool
	faces    map[string]bool
}

// Folder takes every file of a folder or zip archive and writes those that can be de-identified to a new or empty folder: DICOM as
// patient/study/series/instance.dcm, tables, NIfTI and NRRD under their own paths, all with the new names. Whose a scan is, is told by the identifier in
// its path; identifiers are those of the DICOM files and of the tables' columns that p.ID names. It goes on past a file that cannot be written, and every file
// of the input is counted. The error is of reading or writing; the report holds what is quarantined.
func (p *Profile) Folder(ctx context.Context, from, to string) (*Report, error) {
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: what is in it would be taken for de-identified", to)
	}
	c := &cohort{Profile: p, to: to, ids: newIdentifiers(p.Key), patients: map[string]bool{}, faces: map[string]bool{},
		report: &Report{Quarantined: map[string]int{}, Attributes: map[string]int{}, Removed: map[string]int{}, Faces: []string{}, Columns: []Column{}}}
	all, done, err := list(from)
	if err != nil {
		return c.report, err
	}
	defer done()
	var later []entry // their patients are known when all identifiers are
	for _, e := range all {
		if err := ctx.Err(); err != nil {
			return c.report, err
		}
		c.report.Files++
		if _, kind := cutExtension(e.name); kind != "" && kind != ".dcm" {
			later = append(later, e)
			continue
		}
		if err := c.image(e); err != nil {
			return c.report, err
		}
	}
	if err := c.others(ctx, later); err != nil {
		return c.report, err
	}
	r := c.report
	r.Patients = len(c.patients)
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return r, err
	}
	if err := os.MkdirAll(to, 0o755); err != nil { // where nothing was written
		return r, err
	}
	return r, work.WriteFile(filepath.Join(to, ReportFile), append(text, '\n'), 0o644)
}

// left notes a file that is not written: quarantined, or of another kind. An error of another sort is returned.
func (c *cohort) left(e entry, err error) error {
	var q *Quarantine
	reason := err.Error()
	switch {
	case errors.Is(err, ErrNotDICOM):
		if c.report.Other++; !errors.Is(err, ErrDirectory) {
			reason = "it is neither DICOM nor a table, NIfTI or NRRD"
		}
	case errors.As(err, &q):
		c.report.Quarantined[q.Reason]++
	default:
		return err
	}
	c.report.Left = append(c.report.Left, Left{e.path, reason})
	return nil
}

// image takes one DICOM file.
func (c *cohort) image(e entry) error {
	b, err := e.read()
	if err != nil {
		return err
	}
	i, err := c.Identify(b)
	if err == nil {
		err = c.write(i)
	}
	if err != nil {
		return c.left(e, err)
	}
	r := c.report
	c.ids.add(i.was, i.issuer)
	c.patients[i.Patient] = true
	for what, n := range i.Done {
		r.Attributes[what] += n
	}
	for tag, n := range i.Removed {
		r.Removed[tag] += n
	}
	if i.Face {
		c.face(i.Patient + "/" + i.Study + "/" + i.Series)
	}
	return nil
}

func (c *cohort) face(what string) {
	if !c.faces[what] {
		c.faces[what] = true
		c.report.Faces = append(c.report.Faces, what)
	}
}

// write writes an instance. Two that differ and share a UID cannot both stay.
func (c *cohort) write(i *Instance) error {
	// Of hexadecimal digits and mapped UIDs: no path of the input.
	path := filepath.Join(c.to, i.Patient, i.Study, i.Series, i.UID+".dcm")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	switch there, err := os.ReadFile(path); {
	case err == nil && i.same(there):
		c.report.Twice++
		return nil
	case err == nil:
		return &Quarantine{"another file has its SOPInstanceUID and other content"}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	c.report.Written++
	return work.WriteFile(path, i.Bytes, 0o644)
}

// others takes tables and scans, whose patients are told by the identifiers of the whole cohort.
func (c *cohort) others(ctx context.Context, all []entry) error {
	sheets := map[string]*sheet{}
	for _, e := range all {
		if !tableFile.MatchString(e.name) {
			continue
		}
		b, err := e.read()
		if err != nil {
			return err
		}
		s, err := readSheet(b, c.columns())
		if err != nil {
			reason := error(&Quarantine{"the table cannot be read: " + err.Error()})
			if strings.Contains(strings.ToLower(e.name), ".txt") {
				reason = ErrNotDICOM
			}
			if err := c.left(e, reason); err != nil {
				return err
			}
			continue
		}
		for _, row := range s.rows {
			for _, i := range s.ids {
				c.ids.add(row[i], "")
			}
		}
		s.several, s.rows = len(s.rows)*len(s.ids), nil // tables of genes are large, and are read again when it is their turn
		sheets[e.name] = s
	}
	for _, e := range all {
		if patient := c.ids.patientOf(e.name); patient != "" {
			c.ids.learn(e.name, patient)
		} else if s := sheets[e.name]; s != nil {
			for i := range min(structural, max(s.several, s.inHeader(c.ids))) {
				c.ids.learn(e.name, fmt.Sprint(i)) // a table of several patients is nobody's
			}
		}
	}
	for _, e := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if sheets[e.name] != nil {
			err = c.table(e)
		} else if !tableFile.MatchString(e.name) {
			err = c.scan(e)
		}
		if err != nil {
			if err = c.left(e, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// table writes one table.
func (c *cohort) table(e entry) error {
	content, err := e.read()
	if err != nil {
		return err
	}
	s, err := readSheet(content, c.columns())
	if err != nil { // it was read before
		return err
	}
	if s.matrix = s.named(c.ids); len(s.ids) == 0 && !s.matrix {
		return &Quarantine{"none of its columns is called " + strings.Join(c.columns(), " or ") + ", and none is called as a patient: --id names the column of identifiers"}
	}
	name := c.ids.path(e.name)
	for _, row := range s.rows {
		for _, i := range s.ids {
			if id := strings.TrimSpace(row[i]); id != "" {
				c.patients[c.ids.pseudonym(id)] = true
			}
		}
	}
	for _, col := range s.clean(c.ids, c.Keep) {
		col.Table = name
		c.report.Columns = append(c.report.Columns, col)
	}
	b, err := s.encode()
	if err == nil && strings.HasSuffix(name, ".gz") {
		b, err = image.Gzip(b)
	}
	if err == nil {
		err = c.writeNew(name, b)
	}
	if err == nil {
		c.report.Tables++
	}
	return err
}

// scan writes one NIfTI or NRRD file.
func (c *cohort) scan(e entry) error {
	b, err := e.read()
	if err != nil {
		return err
	}
	out, ok, err := scan(b)
	patient := c.ids.patientOf(e.name)
	switch {
	case !ok:
		return ErrNotDICOM
	case err != nil:
		return &Quarantine{"it cannot be cleaned: " + err.Error()}
	case patient == "":
		return &Quarantine{"its path has no identifier of a patient that a table or a DICOM file gives"}
	}
	name := c.ids.path(e.name)
	if err := c.writeNew(name, out); err != nil {
		return err
	}
	c.report.Scans++
	c.patients[c.ids.pseudonym(patient)] = true
	if headWord(strings.ToUpper(e.name)) {
		c.face(name)
	}
	return nil
}

// writeNew writes a file under its new path, which has no part of the input's that was not cleaned.
func (c *cohort) writeNew(name string, b []byte) error {
	path := filepath.Join(c.to, filepath.FromSlash(name))
	if _, err := os.Lstat(path); err == nil {
		return &Quarantine{"another file has its new name"}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return work.WriteFile(path, b, 0o644)
}
