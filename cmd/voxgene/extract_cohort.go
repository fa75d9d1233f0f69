package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// ofCohort says that the only argument is an experiment or cohort file.
func ofCohort(args []string) bool {
	if len(args) != 1 {
		return false
	}
	extension := strings.ToLower(filepath.Ext(args[0]))
	return extension == ".yaml" || extension == ".yml" || extension == ".json"
}

// cohort extracts sources of a cohort file, by default those of images: a row a patient, columns source.feature.
func (x *extraction) cohort(ctx context.Context, path string, pool work.Pool, stdout, stderr io.Writer) error {
	for _, f := range []struct {
		name string
		set  bool
	}{{"--params", x.params != ""}, {"--label", x.labels != nil}, {"--map", x.mapped != ""}, {"--perturb", x.draws > 0}, {"--profile", x.profile != "pyradiomics"}} {
		if f.set {
			return badInput(fmt.Errorf("%s is for single cases: the sources of %s say what is extracted", f.name, path))
		}
	}
	if extension := strings.ToLower(filepath.Ext(x.output)); x.output != "" && extension != ".csv" && extension != ".tsv" && extension != ".parquet" {
		return badInput(fmt.Errorf("-o %s: want a name that ends in .csv, .tsv or .parquet", x.output))
	}
	n, err := settings.ReadFile(path)
	if err != nil {
		return badInput(err)
	}
	var p settings.Problems
	cfg := cohort.Decode(n, &p)
	if err := p.Err(); err != nil {
		return badInput(err)
	}
	if cfg, err = chosen(cfg, x.sources); err != nil {
		return badInput(fmt.Errorf("%s: %w", path, err))
	}
	c, err := cohort.Load(ctx, cfg, filepath.Dir(path), pool)
	if err != nil {
		return badInput(err)
	}
	if err := c.Flow.Write(stderr); err != nil {
		return err
	}
	for _, n := range c.Notes {
		fmt.Fprintln(stderr, "note:", n)
	}
	for _, e := range c.Contradictions {
		fmt.Fprintf(stderr, "contradiction: patient %s: %s\n", e.Patient, e.Reason)
	}
	if x.output == "" {
		err = table.WriteText(stdout, c.Table, ',')
	} else {
		err = table.Write(x.output, c.Table)
	}
	if err != nil || len(c.Failures) == 0 {
		return err
	}
	all := make([]error, len(c.Failures), len(c.Failures)+1)
	for i, f := range c.Failures {
		all[i] = fmt.Errorf("%s: %s", f.Patient, f.Reason)
	}
	return errors.Join(append(all, fmt.Errorf("%d of %d patients failed", len(c.Failures), c.Flow.Patients))...)
}

// chosen is the cohort with the sources that are asked for and without outcomes, whose columns stay out of the table all the same.
func chosen(cfg cohort.Config, names []string) (cohort.Config, error) {
	if len(names) == 0 {
		cfg = cfg.Features(func(s cohort.Source) bool { return s.Kind == "images" })
		if cfg.BatchColumns = false; len(cfg.Sources) == 0 {
			return cfg, errors.New("no source is of kind images; --sources all takes the others")
		}
		return cfg, nil
	}
	var known []string
	for _, s := range cfg.Sources {
		known = append(known, s.Name)
	}
	if len(names) == 1 && names[0] == "all" {
		return cfg.Features(func(cohort.Source) bool { return true }), nil
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return cfg, fmt.Errorf("--sources: there is no source %q; there are %s", n, strings.Join(known, ", "))
		}
	}
	return cfg.Features(func(s cohort.Source) bool { return slices.Contains(names, s.Name) }), nil
}
