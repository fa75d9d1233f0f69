package table

import (
	"fmt"
	"regexp"
)

// Options say how a file is read into a table. The zero value finds the separator and the key column by looking, takes every
// column, and infers kinds.
type Options struct {
	// Source and Group are those of every column; with a source, column names become source.column.
	Source, Group string
	// Key is the header of the column that holds patients. Empty takes the first column of which the header is blank (as R and
	// pandas write row names) or one of patient, patient_id, case, case_id, subject, id, sample, in any case.
	Key string
	// KeyPattern, when not nil, is matched in the cell of the key column and its first group (or the whole match) is the patient.
	KeyPattern *regexp.Regexp
	// Visit, Lesion, Region and Reader are headers of further parts of the key; empty means there is none.
	Visit, Lesion, Region, Reader string
	// Columns are headers or patterns (original_*) of the columns to take, in the order of the file; nil takes all. Drop leaves out.
	Columns, Drop []string
	// Kinds declares kinds by header or pattern; others are inferred: a column of numbers is numeric, one of texts categorical.
	Kinds map[string]Declaration
	// Missing are texts that stand for a missing value, beside MissingMarkers.
	Missing []string
	// DecimalComma reads 1,5 as one and a half. It needs another separator than the comma, or quotes.
	DecimalComma bool
	// Separator is the byte between fields; zero finds it by looking.
	Separator byte
}

// Declaration is what a configuration says of a column instead of leaving it to inference.
type Declaration struct {
	Kind   Kind
	Levels []string // of an ordinal column, in order; of a categorical one, optional
	Unit   string
}

// Check returns an error when the options contradict themselves.
func (o Options) Check() error {
	for name, d := range o.Kinds {
		if d.Kind == Ordinal && len(d.Levels) < 2 {
			return fmt.Errorf("column %q is declared ordinal: its levels have to be listed in order", name)
		}
		seen := map[string]bool{}
		for _, l := range d.Levels {
			if seen[l] {
				return fmt.Errorf("column %q: level %q is declared twice", name, l)
			}
			seen[l] = true
		}
	}
	return nil
}

// declared returns the declaration of a header: by its name, else by the longest pattern that fits, the first in order among equals.
func (o Options) declared(header string) (Declaration, bool) {
	if d, ok := o.Kinds[header]; ok {
		return d, true
	}
	best := ""
	for pattern := range o.Kinds {
		if isPattern(pattern) && Match(pattern, header) && (best == "" || len(pattern) > len(best) || len(pattern) == len(best) && pattern < best) {
			best = pattern
		}
	}
	return o.Kinds[best], best != ""
}
