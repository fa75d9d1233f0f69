// Package train takes an experiment from its file to a bundle and a report.
//
// Run loads the cohort, judges the procedure of each outcome on folds of patients, makes the final choice on all of them, refits,
// and leaves model.voxgene, report.html, metrics.json, predictions.csv, features.parquet and run.json in the output folder. The
// first five but the report are the same bytes for the same input and seed, whatever the number of processors, and for a run that
// was stopped and resumed.
package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/train/config"
)

// Options are how a run is done; they do not change what comes out.
type Options struct {
	Resume bool      // go on from the work that an earlier run of the same folder finished
	Log    io.Writer // lines for the terminal; nil means none
	// Against is the folder of an earlier run to compare with, in the report and run.json; empty means none.
	Against string
	// Progress, if not nil, is called as the parts of a stage are done.
	Progress func(stage string, done, total int)
}

// The files that a run leaves.
const (
	BundleFile      = "model.voxgene"
	ReportFile      = "report.html"
	MetricsFile     = "metrics.json"
	PredictionsFile = "predictions.csv"
	FeaturesFile    = "features.parquet"
	RunFile         = "run.json"

	storeDir = ".work" // finished work, for resuming
)

// run is a run under way.
type run struct {
	e       *config.Experiment
	o       Options
	pool    work.Pool
	cohort  *cohort.Cohort
	ids     []string // patients, as rows of the table
	number  []int    // patient number of each row
	all     models.Matrix
	started time.Time
	canon   []byte

	results    []*outcomeRun
	locked     *LockedSet // patients set apart, none of whom is in the cohort any more; nil means none
	lockedNote string
	lockedWarn bool

	fits    int
	hashes  map[string]string
	inputs  map[string]string // hashes of what was read, by its part in the experiment
	foreign bool              // predictions of a model made elsewhere are judged; nothing is fitted
	timings []Timing
}

// Timing is how long a stage took.
type Timing struct {
	Stage   string  `json:"stage"`
	Seconds float64 `json:"seconds"`
}

// ErrPatients says that the run is complete but for patients whose files could not be used.
var ErrPatients = errors.New("some patients' files could not be used")

// Run trains the experiment and leaves its results in e.Output. With ErrPatients the results are there nevertheless.
func Run(ctx context.Context, e *config.Experiment, o Options) (*Summary, error) {
	r := &run{e: e, o: o, started: time.Now(), hashes: map[string]string{}}
	if r.o.Log == nil {
		r.o.Log = io.Discard
	}
	var err error
	if r.canon, err = e.Canonical(); err != nil {
		return nil, err
	}
	if o.Against != "" { // hours of fits should not end in a missing file
		if _, err := os.Stat(filepath.Join(o.Against, PredictionsFile)); err != nil {
			return nil, &InputError{fmt.Errorf("--against: %w", err)}
		}
	}
	if err := os.MkdirAll(e.Output, 0o755); err != nil {
		return nil, err
	}
	store := filepath.Join(e.Output, storeDir)
	if !o.Resume {
		if err := os.RemoveAll(store); err != nil {
			return nil, err
		}
	}
	r.pool.Jobs = e.Jobs
	if r.pool.Store, err = work.OpenStore(store); err != nil {
		return nil, err
	}
	if err := r.stage("load the cohort", func() error { return r.load(ctx) }); err != nil {
		return nil, err
	}
	// All outcomes are planned before the first fit, so that one that cannot be judged stops the run at once.
	var problems []error
	for i := range r.cohort.Outcomes {
		one, err := r.plan(i)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		r.results = append(r.results, one)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, &InputError{err}
	}
	if err := r.stage("time one fold", func() error { return r.announce(ctx) }); err != nil {
		return nil, err
	}
	for _, one := range r.results {
		if err := r.stage("outcome "+one.y.Name, func() error { return r.judge(ctx, one) }); err != nil {
			return nil, fmt.Errorf("outcome %s: %w", one.y.Name, err)
		}
	}
	if o.Against != "" {
		if err := r.against(o.Against); err != nil {
			return nil, err
		}
	}
	s, err := r.write(ctx)
	if err != nil {
		return nil, err
	}
	if len(r.cohort.Failures) > 0 {
		return s, fmt.Errorf("%w: %d, listed above", ErrPatients, len(r.cohort.Failures))
	}
	return s, nil
}

// InputError marks what the user has to repair: the experiment, or what it says of its data.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the fault.
func (e *InputError) Unwrap() error { return e.Err }

// stage runs one part and keeps its time.
func (r *run) stage(name string, f func() error) error {
	start := time.Now()
	err := f()
	r.timings = append(r.timings, Timing{name, time.Since(start).Seconds()})
	return err
}

// on returns the pool with progress reported under the name of a stage.
func (r *run) on(stage string) work.Pool {
	p := r.pool
	if r.o.Progress != nil {
		p.Progress = func(done, total int) { r.o.Progress(stage, done, total) }
	}
	return p
}

func (r *run) logf(format string, args ...any) { fmt.Fprintf(r.o.Log, format+"\n", args...) }

// load reads the cohort and writes the feature table.
func (r *run) load(ctx context.Context) error {
	c, err := cohort.Load(ctx, r.e.Config, r.e.Dir, r.on("cohort"))
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return &InputError{err}
	}
	if err := c.Flow.Write(r.o.Log); err != nil {
		return err
	}
	if err := r.hashInputs(); err != nil {
		return err
	}
	if c, err = r.setApart(c, false); err != nil {
		return &InputError{err}
	}
	if c.Table.Rows() == 0 || len(c.Table.Columns) == 0 {
		return &InputError{fmt.Errorf("the cohort has %d patients and %d columns; there is nothing to learn from", c.Table.Rows(), len(c.Table.Columns))}
	}
	for _, f := range c.Failures {
		r.logf("failed: patient %s: %s", f.Patient, f.Reason)
	}
	r.use(c)
	r.all = models.FromTable(c.Table)
	if r.all.Columns, err = pipeline.Widen(r.e.Pipeline, r.all.Columns); err != nil {
		return &InputError{err}
	}
	for _, e := range c.Contradictions {
		r.logf("contradiction: patient %s: %s", e.Patient, e.Reason)
	}
	r.all.Volumes = Volumes(c)
	var b bytes.Buffer
	if err := table.WriteParquet(&b, c.Table); err != nil {
		return err
	}
	return r.save(FeaturesFile, b.Bytes())
}

// setApart returns the cohort without the patients of the locked hold-out, or these alone.
func (r *run) setApart(c *cohort.Cohort, look bool) (*cohort.Cohort, error) {
	open, locked, set, err := lock(r.e, c)
	if err != nil || set == nil {
		return c, err
	}
	r.locked = set
	if r.lockedNote, r.lockedWarn, err = lockedNote(r.e, *set); err != nil {
		return nil, err
	}
	if look {
		return rowsOnly(c, locked), nil
	}
	r.logf("locked: %s", r.lockedNote)
	return rowsOnly(c, open), nil
}

// use keeps the cohort and numbers its patients.
func (r *run) use(c *cohort.Cohort) {
	r.cohort = c
	seen := map[string]int{}
	for _, k := range c.Table.Keys {
		n, ok := seen[k.Patient]
		if !ok {
			n = len(seen)
			seen[k.Patient] = n
		}
		r.ids, r.number = append(r.ids, k.Patient), append(r.number, n)
	}
}

// save writes one of the run's files and keeps its hash.
func (r *run) save(name string, b []byte) error {
	r.hashes[name] = hash(b)
	return work.WriteFile(filepath.Join(r.e.Output, name), b, 0o644)
}

// write makes the bundle, and from it and the results all other files.
func (r *run) write(ctx context.Context) (*Summary, error) {
	metrics, err := r.metrics()
	if err != nil {
		return nil, err
	}
	predictions, err := r.predictions()
	if err != nil {
		return nil, err
	}
	b := &bundle.Bundle{Name: r.e.Name, CreatedBy: "voxgene", Patients: r.patients(), Config: r.canon, Metrics: metrics}
	// The inputs are the columns that any outcome's pipeline reads, described over the rows that any outcome learnt from.
	reads := map[string]bool{}
	learnt := make([]bool, r.all.Rows)
	for _, one := range r.results {
		for _, c := range one.x.Columns {
			reads[c.Name] = true
		}
		for _, row := range one.rows {
			learnt[row] = true
		}
	}
	var keep, rows []int
	for j, c := range r.all.Columns {
		if reads[c.Name] {
			keep = append(keep, j)
		}
	}
	for row, ok := range learnt {
		if ok {
			rows = append(rows, row)
		}
	}
	x := columns(r.all, keep).Select(rows)
	b.Inputs = bundle.NewInputs(x)
	if b.Sources, err = r.imageSources(x, rows); err != nil {
		return nil, err
	}
	b.Abstain = r.e.Abstain
	for _, one := range r.results {
		b.Outcomes = append(b.Outcomes, one.kept)
	}
	file, err := b.Encode()
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name string
		b    []byte
	}{{BundleFile, file}, {MetricsFile, metrics}, {PredictionsFile, predictions}} {
		if err := r.save(f.name, f.b); err != nil {
			return nil, err
		}
	}
	page, err := r.page()
	if err != nil {
		return nil, err
	}
	if err := r.save(ReportFile, page); err != nil {
		return nil, err
	}
	record, err := r.record()
	if err != nil {
		return nil, err
	}
	if err := r.save(RunFile, record); err != nil {
		return nil, err
	}
	return r.summary(), nil
}

// imageSources are the sources of images that have a column among the inputs, with how the images of the patients of rows were made.
func (r *run) imageSources(x models.Matrix, rows []int) ([]extraction.Source, error) {
	all, err := r.e.Config.ImageSources(r.e.Dir)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s extraction.Source) bool {
		return !slices.ContainsFunc(x.Columns, func(c table.Column) bool { return c.Source == s.Name })
	})
	for i := range all {
		var made []extraction.Acquired
		for _, row := range rows {
			if a, ok := r.cohort.Acquired[all[i].Name][r.ids[row]]; ok {
				made = append(made, a)
			}
		}
		all[i].Seen = extraction.NewSeen(made)
	}
	return all, nil
}

// patients is the number of patients that any outcome learnt from.
func (r *run) patients() int {
	var all []int
	for _, one := range r.results {
		for _, row := range one.rows {
			all = append(all, r.number[row])
		}
	}
	slices.Sort(all)
	return len(slices.Compact(all))
}

// columns returns the matrix of the columns with these indices.
func columns(x models.Matrix, keep []int) models.Matrix {
	if len(keep) == len(x.Columns) {
		return x
	}
	c := make([]table.Column, len(keep))
	for i, j := range keep {
		c[i] = x.Columns[j]
	}
	out := models.NewMatrix(c, x.Rows)
	out.Volumes = volumesOf(x.Volumes, c)
	for i, j := range keep {
		copy(out.Column(i), x.Column(j))
	}
	return out
}

// Version says which build this is.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "voxgene (unknown) " + runtime.Version()
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			version = s.Value[:12]
		}
	}
	return fmt.Sprintf("voxgene %s %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// known returns the rows for which an outcome is known.
func known(o clinical.Outcome) []int {
	var rows []int
	for i := range o.Rows() {
		if o.Known(i) {
			rows = append(rows, i)
		}
	}
	return rows
}
