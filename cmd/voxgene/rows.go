package main

import (
	"fmt"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
)

// rowsOf are the rows of a patient in a table, all lesions or visits of them where these are the rows, or the one that row names.
func rowsOf(b *bundle.Bundle, t *table.Table, patient, row, file string) ([]int, error) {
	var own []int
	var known []string
	for i, k := range t.Keys {
		if k.Patient != patient || len(own)+len(known) > 0 && b.Unit == table.PerPatient {
			continue
		}
		within := b.Unit.Within(k)
		if known = append(known, within); row == "" || within == row {
			own = append(own, i)
		}
	}
	switch {
	case len(known) == 0:
		return nil, fmt.Errorf("%s has no patient %q", file, patient)
	case len(own) == 0 && b.Unit == table.PerPatient:
		return nil, fmt.Errorf("--row names a lesion or a visit, and a row of this model is a patient")
	case len(own) == 0:
		return nil, fmt.Errorf("patient %q has no %s %q; there are %s", patient, b.Unit, row, strings.Join(known, ", "))
	}
	return own, nil
}

// theRow is rowsOf where one row is wanted.
func theRow(b *bundle.Bundle, t *table.Table, patient, row, file string) (int, error) {
	own, err := rowsOf(b, t, patient, row, file)
	if err != nil {
		return 0, err
	}
	if len(own) > 1 {
		var known []string
		for _, i := range own {
			known = append(known, b.Unit.Within(t.Keys[i]))
		}
		return 0, fmt.Errorf("patient %q has %d %s, and a map is of one: name it with --row: %s", patient, len(own), b.Unit.Plural(), strings.Join(known, ", "))
	}
	return own[0], nil
}
