// Package leakage looks, before anything is trained, for ways in which an outcome may have slipped into the columns that are to
// predict it, or one patient into both sides of a fold.
//
// It fits nothing. Each check has a rule that is written beside it and a level: a warning should be explained or repaired before a
// number of this table is believed; a note should be known to the reader.
package leakage

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
)

// The levels of a finding.
const (
	Warning = "warning"
	Note    = "note"
)

// Finding is something that looks like leakage. Its text names columns and counts, never a patient.
type Finding struct {
	Level  string
	Check  string // which check found it: perfect_column, pure_category, …
	Column string // where it is one column
	Text   string
	Rows   []int // rows of the input that are meant, for the terminal; nil where it is all of them
}

// Input is one outcome and the columns that are to predict it. Rows are those whose outcome is known.
type Input struct {
	X       models.Matrix
	Y       clinical.Outcome
	Patient []int    // of each row; nil means each row is a patient
	Site    []string // of each row; nil where there is none
	ID      []string // name of each row's patient, to tell aliquots and lesions that are listed as patients; nil where not known
	Fold    []string // test fold of each row, empty for none, of a division that was made elsewhere; nil where there is none
}

// Audit runs all checks. Warnings come first; within a level the order is that of the checks and columns.
func Audit(ctx context.Context, in Input) ([]Finding, error) {
	var out []Finding
	for _, check := range []func(Input) []Finding{dividedPatients, partsOfPatients, patients, duplicates, nearDuplicates, perfectColumns, pureCategories, missingness, sites, normalised, quantileNormalised, identifiers} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out = append(out, check(in)...)
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(level(a.Level), level(b.Level)) })
	return out, nil
}

func level(l string) int {
	if l == Warning {
		return 0
	}
	return 1
}

// patients reports patients with several rows: folds keep them whole, but what is counted below counts rows.
func patients(in Input) []Finding {
	if in.Patient == nil {
		return nil
	}
	rows := map[int][]int{}
	for i, p := range in.Patient {
		rows[p] = append(rows[p], i)
	}
	several, mixed := 0, 0
	for _, of := range rows {
		if len(of) < 2 {
			continue
		}
		several++
		for _, i := range of[1:] {
			if in.Y.Kind == clinical.Class && in.Y.Class[i] != in.Y.Class[of[0]] {
				mixed++
				break
			}
		}
	}
	if several == 0 {
		return nil
	}
	f := Finding{Level: Note, Check: "several_rows", Text: fmt.Sprintf("%d patients have several rows (slices, lesions or visits). Folds keep a patient on one side; a tool that divides rows would not.", several)}
	if mixed > 0 {
		f.Text += fmt.Sprintf(" Rows of %d patients differ in their outcome.", mixed)
	}
	return []Finding{f}
}
