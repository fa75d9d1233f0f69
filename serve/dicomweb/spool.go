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
)

// Attributes by group and element (PS3.6).
const (
	modality     = 0x00080060
	manufacturer = 0x00080070
	studyUID     = 0x0020000D
	seriesUID    = 0x0020000E
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
			if info, err := d.Info(); err == nil && strings.HasPrefix(d.Name(), "arriving-") && time.Since(info.ModTime()) > max(abandoned, 2*s.intake.Limits.Stall) { // of a server that was killed
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
	delete(s.looked, dir)
	return os.RemoveAll(dir)
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
	f := &found{source: "stow", models: s.config.Models, require: s.config.Require, prepared: s.config.Prepared,
		fetch: func(_ context.Context, instance string, to io.Writer) error {
			in, err := os.Open(filepath.Join(dir, filepath.Base(instance)))
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
		o, err := dicom.ReadObject(filepath.Join(dir, file.Name()))
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
			f.identity = results.Identity{Patient: o.Text(0x00100020), Issuer: o.Text(0x00100021), Name: o.Text(0x00100010), Birth: o.Text(0x00100030), Sex: o.Text(0x00100040),
				Accession: o.Text(0x00080050), Study: f.where, StudyDate: o.Text(0x00080020), StudyTime: o.Text(0x00080030)}
		}
	}
	return f, nil
}
