package dicomweb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/scratch"
	"github.com/voxgene/voxgene/serve/seal"
)

// Attributes by group and element (PS3.6).
const (
	modality     = 0x00080060
	manufacturer = 0x00080070
	studyUID     = 0x0020000D
	seriesUID    = 0x0020000E

	patientID         = 0x00100020
	issuerOfPatientID = 0x00100021
)

// How the spool's names begin: of files that arrive, and of the folders of studies that wait.
const (
	arriving = "arriving-"
	waiting  = "study-"
)

// spoolEvery is how often the spool is looked at.
const spoolEvery = time.Second

// abandoned is how long nothing arrives of an instance that nobody sends any more: a sender that stalls is cut off long before.
const abandoned = 10 * time.Minute

// name is how the spool calls what has an identifier.
func name(uid string) string {
	sum := sha256.Sum256([]byte(uid))
	return hex.EncodeToString(sum[:16])
}

// tidy looks through what an earlier process left in the spool: files that were arriving are removed, unless a process that lives holds them, and what an
// earlier version of the program kept as it came is encrypted.
func (s *Stow) tidy() error {
	entries, err := os.ReadDir(s.config.Spool)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(s.config.Spool, e.Name())
		switch {
		case e.IsDir() && strings.HasPrefix(e.Name(), waiting):
			err = sealPlain(path, s.intake.Results)
		case strings.HasPrefix(e.Name(), arriving):
			var f *os.File
			if f, err = os.Open(path); err == nil {
				if scratch.Abandoned(f) {
					err = os.Remove(path)
				}
				err = errors.Join(err, f.Close())
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Run makes cases of what lies in the spool until ctx ends. What was left there when the server stopped is taken up again.
func (s *Stow) Run(ctx context.Context) {
	last := ""
	wait := spoolEvery
	for {
		switch err := s.Sweep(ctx); {
		case ctx.Err() != nil:
			return
		case err == nil:
			wait, last = spoolEvery, ""
		default:
			if err.Error() != last {
				last = err.Error()
				s.intake.Log.Error("spool", "cause", last)
			}
			wait = min(2*wait, time.Minute)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Sweep looks at every study of the spool of which nothing arrived for a while.
func (s *Stow) Sweep(ctx context.Context) error {
	dirs, err := os.ReadDir(s.config.Spool)
	if err != nil {
		return err
	}
	var faults []error
	for _, d := range dirs {
		path := filepath.Join(s.config.Spool, d.Name())
		if !d.IsDir() {
			if info, err := d.Info(); err == nil && strings.HasPrefix(d.Name(), arriving) && time.Since(info.ModTime()) > max(abandoned, 2*s.intake.Limits.Stall) { // of a server that was killed
				faults = append(faults, os.Remove(path))
			}
			continue
		}
		if ctx.Err() == nil {
			faults = append(faults, s.study(ctx, path))
		}
	}
	return errors.Join(faults...)
}

// state is what a folder of the spool holds: the names of its files, and when the newest came.
func state(dir string) (string, time.Time, error) {
	var names []string
	var newest time.Time
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		names = append(names, fmt.Sprintf("%s %d %d", d.Name(), info.Size(), info.ModTime().UnixNano()))
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
		return nil
	})
	return strings.Join(names, "\n"), newest, err
}

// study looks at one study of the spool, and removes it once every model is done with it or its time is over.
func (s *Stow) study(ctx context.Context, dir string) error {
	s.mu.Lock()
	before, newest, err := state(dir)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	age := time.Since(newest)
	if age < s.config.Settle || s.looked[dir] == before && age < s.config.Keep {
		return nil
	}
	f, err := s.find(dir)
	if errors.Is(err, errSealed) || errors.Is(err, seal.ErrDamaged) {
		return s.lost(dir)
	}
	if err != nil {
		return err
	}
	cases, err := s.intake.look(ctx, f)
	if err != nil {
		return err
	}
	open, err := s.close(f, cases, age >= s.config.Keep)
	if err != nil {
		return err
	}
	s.looked[dir] = before
	if open {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if after, _, err := state(dir); err != nil || after != before { // something came meanwhile
		return err
	}
	return s.remove(dir)
}

// remove removes the folder of a study and destroys its key.
func (s *Stow) remove(dir string) error {
	delete(s.looked, dir)
	return errors.Join(os.RemoveAll(dir), s.intake.Results.DropSpoolKey(filepath.Base(dir)))
}

// lost ends a study of which a file cannot be read: its patient was erased, or the file is damaged. What waits for more of it on the worklist is refused.
func (s *Stow) lost(dir string) error {
	s.intake.Log.Error("what waited in the spool cannot be read and is removed", "cause", errSealed.Error())
	all, err := s.intake.Results.Cases("stow", 0)
	if err != nil {
		return err
	}
	for _, c := range all {
		if (c.Status == results.Waiting || c.Status == results.NeedsMask) && waiting+name(c.Content.Where) == filepath.Base(dir) {
			c.Status, c.Reason = results.Refused, "what had come of the study cannot be read any more; send it again"
			if _, err := s.intake.put(c); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(dir)
}

// close reports whether a study waits for something still. Where its time is over, what waits is refused; where no model reads it, it is so at
// once.
func (s *Stow) close(f *found, cases []results.Case, over bool) (open bool, err error) {
	if len(cases) == 0 {
		c := results.Case{Source: f.source, Status: results.Refused, Reason: "no series is of a modality that a model reads", Content: results.CaseContent{Identity: f.identity, Where: f.where}}
		for _, e := range s.intake.models(f.models) {
			c.Model = e.Bundle.Name
			if _, err := s.intake.put(c); err != nil {
				return false, err
			}
		}
		return false, nil
	}
	for _, c := range cases {
		if c.Status != results.Waiting && c.Status != results.NeedsMask {
			continue
		}
		if !over {
			return true, nil
		}
		c.Status, c.Reason = results.Refused, fmt.Sprintf("%s did not come within %v", strings.TrimPrefix(c.Reason, "for "), s.config.Keep)
		if _, err := s.intake.put(c); err != nil {
			return false, err
		}
	}
	return false, nil
}

// find describes a study of the spool.
func (s *Stow) find(dir string) (*found, error) {
	key, err := s.intake.Results.OpenSpool(filepath.Base(dir))
	if errors.Is(err, results.ErrNotFound) {
		return nil, errSealed
	}
	if err != nil {
		return nil, err
	}
	sealed := under(dir, key)
	f := &found{source: "stow", models: s.config.Models, require: s.config.Require, prepared: s.config.Prepared, files: sealed,
		fetch: func(_ context.Context, instance string, to io.Writer) error {
			in, err := sealed.Open(instance)
			if err != nil {
				return err
			}
			_, err = io.Copy(to, in)
			return errors.Join(err, in.Close())
		}}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		o, err := dicom.ReadObjectIn(sealed, file.Name())
		if err != nil {
			return nil, err
		}
		uid := o.Text(seriesUID)
		i := slices.IndexFunc(f.series, func(have series) bool { return have.uid == uid })
		if i < 0 {
			i = len(f.series)
			f.series = append(f.series, series{uid: uid, modality: o.Text(modality), manufacturer: o.Text(manufacturer)})
		}
		f.series[i].instances = append(f.series[i].instances, file.Name())
		if f.where == "" {
			f.where = o.Text(studyUID)
			f.identity = results.Identity{Patient: o.Text(patientID), Issuer: o.Text(issuerOfPatientID), Name: o.Text(0x00100010), Birth: o.Text(0x00100030), Sex: o.Text(0x00100040),
				Accession: o.Text(0x00080050), Study: f.where, StudyDate: o.Text(0x00080020), StudyTime: o.Text(0x00080030)}
		}
	}
	return f, nil
}
