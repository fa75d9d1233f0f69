package studies

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/results"
)

// Folder is a study that lies in a folder here: DICOM series and what was drawn on them.
type Folder struct {
	Path     string
	Prepared []string // sources whose series were prepared as in training
	Require  []string // sources that have to be there; others may be missing
	Route    string   // who asks, for the audit
}

// ErrNoMask says that a study lacks nothing but a segmentation of a region.
var ErrNoMask = errors.New("the study has no mask")

// Folder predicts a study, keeps the result and returns it. It takes its turn among those that are uploaded. A study that is at fault is a
// problem of a client's, or ErrNoMask; neither names a patient. The folder stays as it is.
func (f *Front) Folder(ctx context.Context, e *registry.Entry, in Folder) (results.Result, error) {
	if f.Results == nil {
		return results.Result{}, errors.New("studies: no results are kept")
	}
	free, err := f.jobs.reserve()
	if err != nil {
		return results.Result{}, err
	}
	u := &upload{dir: in.Path, fields: map[string]string{"prepared": strings.Join(in.Prepared, ",")}, files: map[string][]string{"image": {in.Path}}, loose: map[string]bool{}}
	var id string
	j := f.jobs.start("", e.Bundle.Name, func(ctx context.Context, j *job) ([]byte, error) {
		defer free()
		s := newStudy(e, u)
		s.shared = true
		for _, source := range e.Bundle.Sources {
			if !slices.Contains(in.Require, source.Name) {
				s.optional = append(s.optional, source.Name)
			}
		}
		a, err := f.predict(ctx, (&http.Request{Pattern: in.Route}).WithContext(ctx), s, j)
		if err != nil && s.maskless {
			return nil, ErrNoMask
		}
		if err == nil && a.Result == "" {
			return nil, problem.New(http.StatusUnprocessableEntity, "the series have no PatientID, so that nobody would know whose the result is")
		}
		id = a.Result
		return nil, err
	}, ctx)
	<-j.done
	if j.err != nil {
		return results.Result{}, j.err
	}
	return f.Results.Get(id)
}

// absent reports whether an error says no more than that a source that may be missing is.
func (s *study) absent(source *extraction.Source, err error) bool {
	var p problem.Problem
	return errors.As(err, &p) && slices.Contains(s.optional, source.Name) && slices.Contains(s.lacks, source.Name)
}
