package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/leakage"
)

// audited is an outcome, what is to predict it, and the names of its rows' patients.
type audited struct {
	leakage.Input
	names []string
}

// lintTable reads a single table for the audit. Unlike a cohort it may have several rows a patient, because that is one of the things to
// be looked at.
func lintTable(path string, f lintFlags) ([]audited, error) {
	class := f.outcome != "" && f.time == "" && f.event == ""
	if !class && (f.outcome != "" || f.time == "" || f.event == "") {
		return nil, errors.New("say what is to be predicted: --outcome COLUMN, or --time COLUMN and --event COLUMN")
	}
	told := slices.DeleteFunc([]string{f.outcome, f.time, f.event, f.site, f.folds}, func(s string) bool { return s == "" })
	texts, err := table.ReadTexts(path, table.Options{Key: f.id, Columns: told})
	if err != nil {
		return nil, err
	}
	values, err := table.Read(path, table.Options{Key: f.id, Source: "table", Drop: slices.DeleteFunc(slices.Clone(told), func(s string) bool { return s == f.site })})
	if err != nil {
		return nil, err
	}
	known, err := knownColumns(path, values, f.knownFrom)
	if err != nil {
		return nil, err
	}
	y, err := lintOutcome(path, texts, f, class)
	if err != nil {
		return nil, err
	}
	var rows []int
	for i := range y.Rows() {
		if y.Known(i) {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: the outcome is known of no row", path)
	}
	kept := &table.Table{Keys: values.Keys}
	for j, c := range values.Columns {
		if !slices.Contains(known, c.Name) {
			kept.Columns, kept.Values = append(kept.Columns, c), append(kept.Values, values.Values[j])
		}
	}
	a := audited{Input: leakage.Input{X: models.FromTable(kept.Select(rows)), Y: y.Select(rows)}}
	number := map[string]int{}
	for _, r := range rows {
		id := values.Keys[r].Patient
		if _, ok := number[id]; !ok {
			number[id] = len(number)
		}
		a.Patient, a.names = append(a.Patient, number[id]), append(a.names, id)
		if f.site != "" {
			a.Site = append(a.Site, texts.Column(f.site)[r])
		}
		if f.folds != "" {
			a.Fold = append(a.Fold, texts.Column(f.folds)[r])
		}
	}
	a.ID = a.names
	return []audited{a}, nil
}

// lintOutcome makes the outcome from the cells of a table.
func lintOutcome(path string, texts *table.Texts, f lintFlags, class bool) (clinical.Outcome, error) {
	if class {
		y, err := clinical.NewClass(plain(f.outcome), texts.Column(f.outcome), clinical.Classes{})
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return y, err
	}
	y, _, err := clinical.NewSurvival("survival", clinical.FollowUp{Time: texts.Column(f.time), Event: texts.Column(f.event), Unit: "d", Origin: "unknown"})
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return y, err
}

// knownColumns are the full names of the columns that --known-from names. A name that fits none is an error, because a misspelt one would
// hide nothing.
func knownColumns(path string, t *table.Table, patterns []string) ([]string, error) {
	var out, bare []string
	for _, c := range t.Columns {
		bare = append(bare, c.Name[len("table."):])
	}
	for _, p := range patterns {
		found := false
		for j, c := range t.Columns {
			if table.Match(p, bare[j]) || table.Match(p, c.Name) {
				out, found = append(out, c.Name), true
			}
		}
		if !found {
			err := fmt.Errorf("%s: --known-from %s: there is no such column", path, p)
			if near := settings.Nearest(p, bare); near != "" {
				err = fmt.Errorf("%w; did you mean %q?", err, near)
			}
			return nil, err
		}
	}
	return out, nil
}
