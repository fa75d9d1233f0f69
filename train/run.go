package train

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/config"
)

// Options are how a run is done; they do not change what comes out.
type Options struct {
	Resume bool      // go on from the work that an earlier run of the same folder finished
	Log    io.Writer // lines for the terminal; nil means none
	// Against is the folder of an earlier run to compare with, in the report and run.json; empty means none.
	Against string
	// Backend names what networks run on, for run.json and so that work finished on another is not gone on with; empty where it is Go.
	Backend string
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
	keys    []table.Key // of the rows of the table: a patient, or a lesion or visit of one
	unit    table.Unit
	number  []int // patient number of each row
	all     models.Matrix
	started time.Time
	canon   []byte

	results    []*outcomeRun
	together   *together  // outcomes that are learnt by one model; nil means none
	locked     *LockedSet // patients set apart, none of whom is in the cohort any more; nil means none
	lockedNote string
	lockedWarn bool

	fits    int
	hashes  map[string]string
	inputs  map[string]string // hashes of what was read, by its part in the experiment
	faults  settings.Problems // of models and steps, that make every fit fail
	foreign bool              // predictions of a model made elsewhere are judged; nothing is fitted
	timings []Timing
}

// Timing is how long a stage took.
type Timing struct {
	Stage   string  `json:"stage"`
	Seconds float64 `json:"seconds"`
}

// newRun begins a run of an experiment, whose canonical form is canon, and makes its output folder.
func newRun(e *config.Experiment, o Options, canon []byte) (*run, error) {
	r := &run{e: e, o: o, started: time.Now(), hashes: map[string]string{}, canon: canon}
	if r.o.Log == nil {
		r.o.Log = io.Discard
	}
	r.pool.Jobs = e.Jobs
	return r, os.MkdirAll(e.Output, 0o755)
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

// loadCohort reads the patients of the experiment and prints the account of them.
func (r *run) loadCohort(ctx context.Context, pool work.Pool) (*cohort.Cohort, error) {
	c, err := cohort.Load(ctx, r.e.Config, r.e.Dir, pool)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, &InputError{err}
	}
	return c, c.Flow.Write(r.o.Log)
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
	r.cohort, r.unit = c, c.Unit
	seen := map[string]int{}
	for _, k := range c.Table.Keys {
		n, ok := seen[k.Patient]
		if !ok {
			n = len(seen)
			seen[k.Patient] = n
		}
		r.keys, r.number = append(r.keys, k), append(r.number, n)
	}
}

// save writes one of the run's files and keeps its hash.
func (r *run) save(name string, b []byte) error {
	r.hashes[name] = hash(b)
	return work.WriteFile(filepath.Join(r.e.Output, name), b, 0o644)
}

// saveResults writes metrics.json and predictions.csv.
func (r *run) saveResults(metrics []byte) error {
	predictions, err := r.predictions()
	if err != nil {
		return err
	}
	if err := r.save(MetricsFile, metrics); err != nil {
		return err
	}
	return r.save(PredictionsFile, predictions)
}

// saveReport writes report.html, which has the hashes of what was written before it, and run.json, which has its own too.
func (r *run) saveReport(page []byte) error {
	if err := r.save(ReportFile, page); err != nil {
		return err
	}
	record, err := r.record()
	if err != nil {
		return err
	}
	return r.save(RunFile, record)
}
