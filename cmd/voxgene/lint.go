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
	"github.com/voxgene/voxgene/features/settings"
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
	outcome, time, event, id, site string
	knownFrom                      []string
	asJSON                         bool
}

func lintCommand() *cobra.Command {
	var f lintFlags
	c := &cobra.Command{
		Use:   "lint TABLE | CONFIG",
		Short: "Look for leakage and duplicates before any training",
		Long: `Look, before any training, for columns that give the outcome away, patients listed twice, categories and sites of one class, values that are
missing for one class only, columns that were normalised over the whole cohort, and identifiers among the columns.

A table (CSV, TSV) is read with --outcome, or --time and --event for survival; of an experiment file (.yaml) every outcome is looked at.
Exit code 0: nothing but notes; 1: there are warnings; 2: the table or the command line needs repair.`,
		Example: `  voxgene lint features.csv --outcome idh_mutant
  voxgene lint features.csv --time os_days --event os_event --site centre
  voxgene lint experiment.yaml`,
		Args: exactly(1, "a table or an experiment file"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, dir, err := lintConfig(args[0], f)
			if err != nil {
				return badInput(err)
			}
			loaded, err := cohort.Load(c.Context(), cfg, dir, work.Pool{})
			if err != nil {
				return badInput(err)
			}
			return lint(c, loaded, f.asJSON)
		},
	}
	c.Flags().StringVar(&f.outcome, "outcome", "", "column of the class to be predicted")
	c.Flags().StringVar(&f.time, "time", "", "column of the time to the event or last contact")
	c.Flags().StringVar(&f.event, "event", "", "column that says whether the event happened")
	c.Flags().StringVar(&f.id, "id", "", "column of patients (default: found by looking)")
	c.Flags().StringVar(&f.site, "site", "", "column of sites")
	c.Flags().StringSliceVar(&f.knownFrom, "known-from", nil, "columns that are known with the outcome and will not predict it")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print findings as JSON")
	return c
}

// lintConfig returns the cohort that the command line describes. A table becomes an experiment with one source.
func lintConfig(path string, f lintFlags) (cohort.Config, string, error) {
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".yaml" || ext == ".yml" {
		if f.outcome != "" || f.time != "" {
			return cohort.Config{}, "", errors.New("an experiment file says what its outcomes are; leave out --outcome and --time")
		}
		e, err := config.ReadFile(path, nil)
		if err != nil {
			return cohort.Config{}, "", err
		}
		return e.Config, e.Dir, nil
	}
	list := map[string]any{"patients": path}
	source := map[string]any{"name": "table", "kind": "table", "path": path}
	outcome := map[string]any{"name": "outcome"}
	switch {
	case f.outcome != "" && f.time == "" && f.event == "":
		outcome["name"], outcome["kind"], outcome["column"] = plain(f.outcome), "class", f.outcome
		source["drop"] = []string{f.outcome}
	case f.outcome == "" && f.time != "" && f.event != "":
		outcome["name"], outcome["kind"], outcome["time"], outcome["event"], outcome["origin"], outcome["unit"] = "survival", "survival", f.time, f.event, "unknown", "d"
		source["drop"] = []string{f.time, f.event}
	default:
		return cohort.Config{}, "", errors.New("say what is to be predicted: --outcome COLUMN, or --time COLUMN and --event COLUMN")
	}
	if f.id != "" {
		list["id"], source["id"] = f.id, f.id
	}
	if f.site != "" {
		list["site"] = f.site
	}
	if len(f.knownFrom) > 0 {
		outcome["known_from"] = f.knownFrom
	}
	b, err := json.Marshal(map[string]any{"cohort": list, "sources": []any{source}, "outcomes": []any{outcome}})
	if err != nil {
		return cohort.Config{}, "", err
	}
	n, err := settings.Parse("command line", b)
	if err != nil {
		return cohort.Config{}, "", err
	}
	var p settings.Problems
	cfg := cohort.Decode(n, &p)
	return cfg, ".", p.Err()
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

// lint audits every outcome of a cohort and prints what it finds; the terminal may name patients.
func lint(c *cobra.Command, loaded *cohort.Cohort, asJSON bool) error {
	number := map[string]int{}
	all := []finding{}
	warnings := 0
	for i, y := range loaded.Outcomes {
		var rows, patient []int
		var site []string
		for r := range y.Rows() {
			if !y.Known(r) {
				continue
			}
			rows = append(rows, r)
			id := loaded.Table.Keys[r].Patient
			if _, ok := number[id]; !ok {
				number[id] = len(number)
			}
			patient = append(patient, number[id])
			if loaded.Sites != nil {
				site = append(site, loaded.Sites[r])
			}
		}
		t := &table.Table{Keys: loaded.Table.Keys}
		for j, column := range loaded.Table.Columns {
			if !slices.Contains(loaded.KnownFrom[i], column.Name) {
				t.Columns, t.Values = append(t.Columns, column), append(t.Values, loaded.Table.Values[j])
			}
		}
		found, err := leakage.Audit(c.Context(), leakage.Input{X: models.FromTable(t.Select(rows)), Y: y.Select(rows), Patient: patient, Site: site})
		if err != nil {
			return err
		}
		for _, f := range found {
			one := finding{Outcome: y.Name, Level: f.Level, Check: f.Check, Column: f.Column, Text: f.Text}
			for _, r := range f.Rows {
				one.Patients = append(one.Patients, loaded.Table.Keys[rows[r]].Patient)
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
			if _, err := fmt.Fprintf(w, "  %s and %s\n", f.Patients[k], f.Patients[k+1]); err != nil {
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
