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
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/train/config"
)

// ErrPatients says that the run is complete but for patients whose files could not be used.
var ErrPatients = errors.New("some patients' files could not be used")

// Run trains the experiment and leaves its results in e.Output. With ErrPatients the results are there nevertheless.
func Run(ctx context.Context, e *config.Experiment, o Options) (*Summary, error) {
	canon, err := e.Canonical()
	if err != nil {
		return nil, err
	}
	if o.Against != "" { // hours of fits should not end in a missing file
		if _, err := os.Stat(filepath.Join(o.Against, PredictionsFile)); err != nil {
			return nil, &InputError{fmt.Errorf("--against: %w", err)}
		}
	}
	r, err := newRun(e, o, canon)
	if err != nil {
		return nil, err
	}
	store := filepath.Join(e.Output, storeDir)
	if !o.Resume {
		if err := os.RemoveAll(store); err != nil {
			return nil, err
		}
	}
	if r.pool.Store, err = work.OpenStore(store); err != nil {
		return nil, err
	}
	if err := r.stage("load the cohort", func() error { return r.load(ctx) }); err != nil {
		return nil, err
	}
	// All outcomes are planned before the first fit, so that one that cannot be judged stops the run at once.
	if r.together, err = r.joint(); err != nil {
		return nil, &InputError{err}
	}
	var problems []error
	for i := range r.cohort.Outcomes {
		one, err := r.plan(i)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		r.results = append(r.results, one)
	}
	if err := errors.Join(append([]error{r.faults.Err()}, problems...)...); err != nil {
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

// load reads the cohort and writes the feature table.
func (r *run) load(ctx context.Context) error {
	c, err := r.loadCohort(ctx, r.on("cohort"))
	if err != nil {
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

// write makes the bundle, and from it and the results all other files.
func (r *run) write(ctx context.Context) (*Summary, error) {
	metrics, err := r.metrics()
	if err != nil {
		return nil, err
	}
	b := &bundle.Bundle{Name: r.e.Name, CreatedBy: "voxgene", Patients: r.patients(), Unit: r.unit, Config: r.canon, Metrics: metrics}
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
	if err := r.save(BundleFile, file); err != nil {
		return nil, err
	}
	if err := r.saveResults(metrics); err != nil {
		return nil, err
	}
	page, err := r.page()
	if err != nil {
		return nil, err
	}
	return r.summary(), r.saveReport(page)
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
			if a, ok := table.Lookup(r.cohort.Acquired[all[i].Name], r.keys[row]); ok {
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
