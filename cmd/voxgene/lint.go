package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/leakage"
)

// errLeakage says that the audit has warnings.
var errLeakage = errors.New("the audit has warnings")

// lintFlags are the flags of lint.
type lintFlags struct {
	outcome, time, event, id, site, folds string
	knownFrom                             []string
	asJSON                                bool
}

func lintCommand() *cobra.Command {
	var f lintFlags
	c := &cobra.Command{
		Use:   "lint TABLE | CONFIG",
		Short: "Look for leakage and duplicates before any training",
		Long: `Look, before any training, for columns that give the outcome away, patients listed twice, categories and sites of one class, values that are
missing for one class only, columns that were normalised over the whole cohort, and identifiers among the columns.

A table (CSV, TSV) is read with --outcome, or --time and --event for survival; it may have several rows a patient. --folds names a column that says in
which fold a row is tested: a patient in two of them is reported. Of an experiment file (.yaml) every outcome is looked at.
Exit code 0: nothing but notes; 1: there are warnings; 2: the table or the command line needs repair.`,
		Example: `  voxgene lint features.csv --outcome idh_mutant
  voxgene lint features.csv --time os_days --event os_event --site centre
  voxgene lint slices.csv --outcome idh_mutant --id patient --folds fold
  voxgene lint experiment.yaml`,
		Args: exactly(1, "a table or an experiment file"),
		RunE: func(c *cobra.Command, args []string) error {
			read := lintTable
			if ext := strings.ToLower(filepath.Ext(args[0])); ext == ".yaml" || ext == ".yml" {
				read = func(path string, f lintFlags) ([]audited, error) { return lintCohort(c, path, f) }
			}
			outcomes, err := read(args[0], f)
			if err != nil {
				return badInput(err)
			}
			return lint(c, outcomes, f.asJSON)
		},
	}
	c.Flags().StringVar(&f.outcome, "outcome", "", "column of the class to be predicted")
	c.Flags().StringVar(&f.time, "time", "", "column of the time to the event or last contact")
	c.Flags().StringVar(&f.event, "event", "", "column that says whether the event happened")
	c.Flags().StringVar(&f.id, "id", "", "column of patients (default: found by looking)")
	c.Flags().StringVar(&f.site, "site", "", "column of sites")
	c.Flags().StringVar(&f.folds, "folds", "", "column of the fold in which each row is tested")
	c.Flags().StringSliceVar(&f.knownFrom, "known-from", nil, "columns that are known with the outcome and will not predict it")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print findings as JSON")
	return c
}

// lintCohort loads the cohort of an experiment file; every outcome is looked at.
func lintCohort(c *cobra.Command, path string, f lintFlags) ([]audited, error) {
	if f.outcome != "" || f.time != "" || f.folds != "" {
		return nil, errors.New("an experiment file says what its outcomes are; leave out --outcome, --time and --folds")
	}
	e, err := config.ReadFile(path, nil)
	if err != nil {
		return nil, err
	}
	loaded, err := cohort.Load(c.Context(), e.Config, e.Dir, work.Pool{})
	if err != nil {
		return nil, err
	}
	var out []audited
	number := map[string]int{}
	for i, y := range loaded.Outcomes {
		var a audited
		var rows []int
		for r := range y.Rows() {
			if !y.Known(r) {
				continue
			}
			rows = append(rows, r)
			id := loaded.Table.Keys[r].Patient
			if _, ok := number[id]; !ok {
				number[id] = len(number)
			}
			a.Patient, a.names = append(a.Patient, number[id]), append(a.names, id)
			if loaded.Sites != nil {
				a.Site = append(a.Site, loaded.Sites[r])
			}
		}
		t := &table.Table{Keys: loaded.Table.Keys}
		for j, column := range loaded.Table.Columns {
			if !slices.Contains(loaded.KnownFrom[i], column.Name) {
				t.Columns, t.Values = append(t.Columns, column), append(t.Values, loaded.Table.Values[j])
			}
		}
		a.X, a.Y, a.ID = models.FromTable(t.Select(rows)), y.Select(rows), a.names
		out = append(out, a)
	}
	return out, nil
}

// plain is a name for an outcome made of a column's.
func plain(column string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(".*?[] ,", r) {
			return '_'
		}
		return r
	}, column)
}

// finding is one line of lint's JSON.
type finding struct {
	Outcome  string   `json:"outcome"`
	Level    string   `json:"level"`
	Check    string   `json:"check"`
	Column   string   `json:"column,omitempty"`
	Text     string   `json:"text"`
	Patients []string `json:"patients,omitempty"`
}

// lint audits every outcome and prints what it finds; the terminal may name patients.
func lint(c *cobra.Command, outcomes []audited, asJSON bool) error {
	all := []finding{}
	warnings := 0
	for _, a := range outcomes {
		found, err := leakage.Audit(c.Context(), a.Input)
		if err != nil {
			return err
		}
		for _, f := range found {
			one := finding{Outcome: a.Y.Name, Level: f.Level, Check: f.Check, Column: f.Column, Text: f.Text}
			for _, r := range f.Rows {
				one.Patients = append(one.Patients, a.names[r])
			}
			if f.Level == leakage.Warning {
				warnings++
			}
			all = append(all, one)
		}
	}
	if err := printFindings(c.OutOrStdout(), all, asJSON); err != nil {
		return err
	}
	if warnings > 0 {
		return fmt.Errorf("%w: %d", errLeakage, warnings)
	}
	return nil
}

func printFindings(w io.Writer, all []finding, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	for _, f := range all {
		if _, err := fmt.Fprintf(w, "%s: %s: %s\n", f.Level, f.Outcome, f.Text); err != nil {
			return err
		}
		for k := 0; k+1 < len(f.Patients) && k < 20; k += 2 {
			text := f.Patients[k]
			if other := f.Patients[k+1]; other != text {
				text += " and " + other
			}
			if _, err := fmt.Fprintln(w, "  "+text); err != nil {
				return err
			}
		}
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "nothing found that looks like leakage")
		return err
	}
	return nil
}
