package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/train"
	"github.com/voxgene/voxgene/train/config"
)

// evaluateFlags are the flags of evaluate.
type evaluateFlags struct {
	out, predictions, config, id, update string
	within                               string
	openLocked                           bool
	again                                string
	outcomes, survival                   []string
	set                                  []string
}

func evaluateCommand() *cobra.Command {
	var f evaluateFlags
	c := &cobra.Command{
		Use:   "evaluate BUNDLE TABLE|COHORT.yaml",
		Short: "Judge a bundle on patients of another site, or predictions made elsewhere",
		Long: `Judge a trained bundle on patients whom it was not trained on: discrimination with intervals, calibration intercept and slope, and how the patients
differ from those of training. --update writes a new version of the bundle, linked to the old one, and compares both on held-out patients; it is refused
under twenty events. The cohort is a table, with --outcome and --survival saying which columns hold what happened, or a file with
the blocks cohort, sources and outcomes of an experiment.

Of an experiment file, patients whom its validation.locked sets apart are left out. --open-locked judges the bundle on them alone, once: the
opening is written beside the file, and a second one is refused without --again REASON.

With --predictions and --config, the report of train for a model made elsewhere: a CSV with patient, outcome, probability (or risk), and repeat
and fold where there are several test sets.

It leaves report.html, metrics.json, predictions.csv and run.json in the output folder.`,
		Example: `  voxgene evaluate runs/glioma/model.voxgene elsewhere.csv --outcome idh=idh_mutant --survival os=os_days,os_event,d
  voxgene evaluate runs/glioma/model.voxgene elsewhere.yaml -o runs/elsewhere
  voxgene evaluate runs/glioma/model.voxgene experiment.yaml --open-locked -o runs/locked
  voxgene evaluate --predictions p.csv --config experiment.yaml`,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := evaluate(c, args, f)
			var wrong *train.InputError
			if errors.As(err, &wrong) {
				return badInput(err)
			}
			if err != nil {
				return err
			}
			return headline(c.OutOrStdout(), s)
		},
	}
	c.Flags().StringVarP(&f.out, "out", "o", "", "folder for the results (default: evaluation)")
	c.Flags().StringVar(&f.predictions, "predictions", "", "predictions of a model made elsewhere (CSV)")
	c.Flags().StringVar(&f.config, "config", "", "experiment whose cohort and outcomes the predictions are of")
	c.Flags().StringArrayVar(&f.set, "set", nil, "change that experiment: key=value; may be repeated")
	c.Flags().StringArrayVar(&f.outcomes, "outcome", nil, "class outcome of a table: NAME=COLUMN; may be repeated")
	c.Flags().StringArrayVar(&f.survival, "survival", nil, "survival outcome of a table: NAME=TIME,EVENT,UNIT (d, wk, mo, a); may be repeated")
	c.Flags().StringVar(&f.update, "update", "", "write a new version fitted to this site: intercept, slope or baseline_hazard")
	c.Flags().BoolVar(&f.openLocked, "open-locked", false, "judge the bundle on the patients that the experiment locked, and log that they were looked at")
	c.Flags().StringVar(&f.again, "again", "", "reason for opening the locked patients another time")
	c.Flags().StringVar(&f.within, "within", "", "column of lesions or visits of a table, for a bundle that predicts each (default: lesion or visit)")
	c.Flags().StringVar(&f.id, "id", "", "column of patients of a table (default: found by looking)")
	return c
}

func evaluate(c *cobra.Command, args []string, f evaluateFlags) (*train.Summary, error) {
	if f.out == "" {
		f.out = "evaluation"
	}
	if f.predictions != "" || f.config != "" {
		if f.predictions == "" || f.config == "" || len(args) > 0 || len(f.outcomes)+len(f.survival) > 0 {
			return nil, &train.InputError{Err: errors.New("predictions made elsewhere want --predictions and --config, and nothing else")}
		}
		e, err := config.ReadFile(f.config, f.set)
		if err != nil {
			return nil, &train.InputError{Err: err}
		}
		e.Output = f.out
		return train.Predictions(c.Context(), e, f.predictions, train.Options{Log: c.ErrOrStderr()})
	}
	if known := []string{"", string(train.Intercept), string(train.Slope), string(train.BaselineHazard)}; !slices.Contains(known, f.update) {
		return nil, &train.InputError{Err: fmt.Errorf("--update %s: want %s", f.update, strings.Join(known[1:], ", "))}
	}
	if len(args) != 2 {
		return nil, &train.InputError{Err: errors.New("evaluate wants a bundle and a table or cohort file; see voxgene evaluate --help")}
	}
	b, err := bundle.Open(args[0])
	if err != nil {
		return nil, &train.InputError{Err: err}
	}
	o := train.ExternalOptions{Output: f.out, Update: train.Update(f.update), Log: c.ErrOrStderr(), OpenLocked: f.openLocked, Again: f.again}
	cfg, dir, err := evaluateCohort(b, args[1], f, &o)
	if err != nil {
		return nil, &train.InputError{Err: err}
	}
	if f.again != "" && !f.openLocked {
		return nil, &train.InputError{Err: errors.New("--again belongs to --open-locked")}
	}
	if f.openLocked && o.Experiment == nil {
		return nil, &train.InputError{Err: errors.New("--open-locked wants the experiment file that locked the patients")}
	}
	return train.External(c.Context(), b, cfg, dir, o)
}

// evaluateCohort returns the cohort that the command line describes. The sources of a table are named as the bundle's, because its
// columns are found by bare name. Of an experiment file, o is told of the experiment.
func evaluateCohort(b *bundle.Bundle, path string, f evaluateFlags, o *train.ExternalOptions) (cohort.Config, string, error) {
	var n *settings.Node
	dir := filepath.Dir(path)
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".yaml" || ext == ".yml" {
		if len(f.outcomes)+len(f.survival) > 0 {
			return cohort.Config{}, "", errors.New("a cohort file says what its outcomes are; leave out --outcome and --survival")
		}
		var err error
		if n, err = settings.ReadFile(path); err != nil {
			return cohort.Config{}, "", err
		}
		if n.Get("models") != nil { // an experiment, which may lock patients
			if o.Experiment, err = config.ReadFile(path, f.set); err != nil {
				return cohort.Config{}, "", err
			}
			return o.Experiment.Config, dir, nil
		}
	} else {
		text, err := tableCohort(b, path, f)
		if err != nil {
			return cohort.Config{}, "", err
		}
		if n, err = settings.Parse("command line", text); err != nil {
			return cohort.Config{}, "", err
		}
		dir = "."
	}
	var p settings.Problems
	cfg := cohort.Decode(n, &p)
	return cfg, dir, p.Err()
}

// tableCohort writes the cohort of a single table: a source for each of the bundle's, with the columns that it reads.
func tableCohort(b *bundle.Bundle, path string, f evaluateFlags) ([]byte, error) {
	list := map[string]any{"patients": path}
	var sources []any
	bySource := map[string][]string{}
	var order []string
	for _, in := range b.Inputs {
		if bySource[in.Source] == nil {
			order = append(order, in.Source)
		}
		bySource[in.Source] = append(bySource[in.Source], strings.TrimPrefix(in.Name, in.Source+"."))
	}
	within := map[string]any{}
	if b.Unit != table.PerPatient {
		list["unit"], within[string(b.Unit)] = b.Unit, cmp.Or(f.within, string(b.Unit))
		maps.Copy(list, within)
	}
	for _, name := range order {
		s := map[string]any{"name": name, "kind": "table", "path": path, "columns": bySource[name]}
		maps.Copy(s, within)
		if f.id != "" {
			s["id"] = f.id
		}
		sources = append(sources, s)
	}
	if f.id != "" {
		list["id"] = f.id
	}
	var outcomes []any
	for _, text := range f.outcomes {
		name, column, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--outcome %s: want NAME=COLUMN", text)
		}
		o := map[string]any{"name": name, "kind": string(clinical.Class), "column": column}
		for _, known := range b.Outcomes {
			if known.Name == name && len(known.Classes) > 0 {
				o["positive"] = known.Classes[len(known.Classes)-1]
			}
		}
		outcomes = append(outcomes, o)
	}
	for _, text := range f.survival {
		name, rest, _ := strings.Cut(text, "=")
		parts := strings.Split(rest, ",")
		if len(parts) != 3 {
			return nil, fmt.Errorf("--survival %s: want NAME=TIME,EVENT,UNIT", text)
		}
		outcomes = append(outcomes, map[string]any{"name": name, "kind": string(clinical.Survival), "time": parts[0], "event": parts[1], "unit": parts[2], "origin": "as in training"})
	}
	if len(outcomes) == 0 {
		return nil, errors.New("say which columns hold what happened: --outcome NAME=COLUMN or --survival NAME=TIME,EVENT,UNIT")
	}
	return json.Marshal(map[string]any{"cohort": list, "sources": sources, "outcomes": outcomes})
}
