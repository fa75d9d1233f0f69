// Package studies answers POST /v1/models/{model}/studies: a patient's raw files instead of numbers. Series are chosen, regions read and
// features computed by the rules that the bundle carries, which are those of training.
//
// What arrives is kept in a folder of its own under names of ours, within limits on bytes, files and time, and is removed when the answer
// is there. Work that takes longer than a client waits goes on as a job. Messages name parts and series, and never a patient.
package studies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/voxgene/voxgene/features/deidentify"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/scans"
)

// Limits bound studies.
type Limits struct {
	Upload   int64         `mapstructure:"upload"`   // bytes of a request
	Unpacked int64         `mapstructure:"unpacked"` // bytes of the files in its archives
	Files    int           `mapstructure:"files"`    // parts, and files in archives
	Running  int           `mapstructure:"running"`  // studies that are worked on at once
	Waiting  int           `mapstructure:"waiting"`  // studies that arrive or wait for their turn, then 429
	Wait     time.Duration `mapstructure:"wait"`     // how long a client waits before 202
	Timeout  time.Duration `mapstructure:"timeout"`  // of one study
	Stall    time.Duration `mapstructure:"stall"`    // without a byte arriving, then 408
	Temp     string        `mapstructure:"temp"`     // folder for what arrives; "" is the system's
	// Images say how long what was sent may be looked at after the answer.
	KeepImages time.Duration `mapstructure:"keep_images"` // 0 keeps none
	KeepBytes  int64         `mapstructure:"keep_bytes"`  // of all that is kept, in memory
}

// DefaultLimits suit studies of a few thousand slices on a small server.
func DefaultLimits() Limits {
	return Limits{Upload: 2 << 30, Unpacked: 8 << 30, Files: 20_000, Running: 1, Waiting: 8, Wait: 5 * time.Second, Timeout: 15 * time.Minute, Stall: 30 * time.Second, KeepBytes: 1 << 30}
}

// Check returns everything that is wrong with the limits.
func (l Limits) Check() error {
	var faults []error
	for _, v := range []struct {
		name  string
		value int64
	}{{"upload", l.Upload}, {"unpacked", l.Unpacked}, {"files", int64(l.Files)}, {"running", int64(l.Running)}, {"waiting", int64(l.Waiting)}, {"timeout", int64(l.Timeout)}, {"stall", int64(l.Stall)}} {
		if v.value <= 0 {
			faults = append(faults, fmt.Errorf("studies.%s: want more than 0", v.name))
		}
	}
	if l.Wait < 0 {
		faults = append(faults, errors.New("studies.wait: want 0 or more"))
	}
	return errors.Join(append(faults, scans.Limits{Keep: l.KeepImages, Bytes: l.KeepBytes}.Check())...)
}

// Front answers studies from the bundles of a registry. Make one with New.
type Front struct {
	Options
	jobs *jobs
}

// Options say what a front serves and where it reports.
type Options struct {
	Registry *registry.Registry
	Limits   Limits
	Patients api.Limits
	Log      *slog.Logger
	Audit    *audit.Log     // nil keeps none
	Results  *results.Store // nil keeps none
	// Outbox sends new results to other systems; nil sends none. Where writing is not permitted they stay here.
	Outbox *results.Outbox
	Scans  *scans.Store // nil keeps none
	// Pseudonyms makes patients anonymous as soon as their files have arrived; nil keeps who they are.
	Pseudonyms deidentify.Key
	// Program is the version of this program, for the objects that are written elsewhere.
	Program string
}

// New returns a front. Close stops its work.
func New(o Options) *Front {
	return &Front{Options: o, jobs: newJobs(o.Limits)}
}

// Close breaks off studies under way and removes their files.
func (f *Front) Close() { f.jobs.close() }

// Register adds the routes to a mux.
func (f *Front) Register(mux *http.ServeMux) {
	for _, prefix := range []string{"/v1/models/{model}", "/v1/models/{model}/versions/{version}"} {
		mux.HandleFunc("POST "+prefix+"/studies", f.post)
	}
	mux.HandleFunc("GET /v1/jobs/{job}", f.get)
	mux.HandleFunc("DELETE /v1/jobs/{job}", f.cancel)
}

func (f *Front) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, cause := asProblem(err)
	if p.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "10")
	}
	problem.Write(w, r, f.Log, p, cause)
}

// asProblem is the problem that an error is, or one of ours with its cause.
func asProblem(err error) (problem.Problem, error) {
	var p problem.Problem
	switch {
	case errors.As(err, &p):
		return p, nil
	case errors.Is(err, context.DeadlineExceeded):
		return problem.New(http.StatusServiceUnavailable, "the study took longer than studies.timeout allows"), err
	case errors.Is(err, context.Canceled):
		return problem.New(http.StatusServiceUnavailable, "the study was broken off"), err
	}
	cause := errors.New("a fault while a study was worked on") // of which the text may quote what was sent
	if fault := panicked(""); errors.As(err, &fault) {
		cause = fault
	}
	return problem.New(http.StatusInternalServerError, "the study failed; the log has the cause under this id"), cause
}

// post takes a study.
func (f *Front) post(w http.ResponseWriter, r *http.Request) {
	e, p := api.Find(f.Registry, r)
	if p != nil {
		f.fail(w, r, *p)
		return
	}
	free, err := f.jobs.reserve()
	if err != nil {
		w.Header().Set("Connection", "close")
		f.fail(w, r, err)
		return
	}
	dir, err := os.MkdirTemp(f.Limits.Temp, "voxgene-study-")
	if err != nil {
		free()
		f.fail(w, r, err)
		return
	}
	clean := func() {
		if err := os.RemoveAll(dir); err != nil {
			f.Log.Error("files of a study could not be removed", "cause", "see "+dir)
		}
		free()
	}
	u, err := receive(w, r, dir, f.Limits)
	if err == nil && f.Pseudonyms != nil {
		err = u.pseudonymise(f.Pseudonyms)
	}
	if err != nil {
		clean()
		f.fail(w, r, err)
		return
	}
	// The job outlives the request; it keeps the credentials and not the deadline.
	c := r.WithContext(context.WithoutCancel(r.Context()))
	j := f.jobs.start(auth.From(r.Context()).Name, e.Bundle.Name, func(ctx context.Context, j *job) ([]byte, error) {
		defer clean()
		s := newStudy(e, u)
		a, err := f.predict(ctx, c.WithContext(ctx), s, j)
		return f.render(s, a, err)
	}, c.Context())
	wait := time.NewTimer(f.Limits.Wait)
	defer wait.Stop()
	select {
	case <-j.done:
		if j.err != nil {
			f.fail(w, r, j.err)
			return
		}
		send(w, http.StatusOK, j.answer)
		return
	case <-wait.C:
	case <-r.Context().Done(): // the upload took the request's time, or the client went away; the job goes on
	}
	w.Header().Set("Location", "/v1/jobs/"+j.id)
	w.Header().Set("Retry-After", "2")
	send(w, http.StatusAccepted, j.describe())
}

// find is the job of a request's path, if the client may see it.
func (f *Front) find(w http.ResponseWriter, r *http.Request) *job {
	j := f.jobs.find(r.PathValue("job"))
	who := auth.From(r.Context())
	if j == nil || j.who != who.Name || !who.May(j.model) {
		f.fail(w, r, problem.New(http.StatusGone, "there is no such job, or not any more: an answer is kept for an hour"))
		return nil
	}
	return j
}

func (f *Front) get(w http.ResponseWriter, r *http.Request) {
	if j := f.find(w, r); j != nil {
		send(w, http.StatusOK, j.describe())
	}
}

func (f *Front) cancel(w http.ResponseWriter, r *http.Request) {
	if j := f.find(w, r); j != nil {
		j.cancel()
		send(w, http.StatusOK, j.describe())
	}
}

// send answers with JSON that nobody between may keep.
func send(w http.ResponseWriter, status int, v any) {
	b, ok := v.([]byte)
	if !ok {
		var err error
		if b, err = json.Marshal(v); err != nil { // texts and numbers alone: it cannot fail
			status, b = http.StatusInternalServerError, []byte("{}")
		}
		b = append(b, '\n')
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(b) // an error means that the client went away
}
