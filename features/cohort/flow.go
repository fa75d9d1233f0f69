package cohort

import (
	"fmt"
	"io"

	"github.com/voxgene/voxgene/features/table"
)

// Exclusion says that a patient is left out of something, and why. It names a patient: for the terminal, not for logs or bundles.
type Exclusion struct {
	Patient string
	Reason  string
}

// Presence counts the patients that a source or an outcome covers.
type Presence struct {
	Name    string
	Have    int
	Missing []Exclusion // in order of patients
}

// Flow is the account of a cohort from the patients listed to those that each outcome has, for the report's flow chart.
type Flow struct {
	Listed   int         // patients in the patients table
	Excluded []Exclusion // left out of everything
	Patients int         // of the feature table
	Unit     table.Unit  // what its rows are
	Rows     int         // its rows; as many as patients where those are the rows
	Sources  []Presence
	Outcomes []Presence
	// Unlisted counts, by source, patients that its file has and the patients table has not.
	Unlisted map[string]int
}

// Write prints the counts; no patient is named.
func (f Flow) Write(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "patients listed %d, excluded %d, in the table %d\n", f.Listed, len(f.Excluded), f.Patients); err != nil {
		return err
	}
	if f.Unit != table.PerPatient && f.Unit != "" {
		if _, err := fmt.Fprintf(w, "%s in the table %d\n", f.Unit.Plural(), f.Rows); err != nil {
			return err
		}
	}
	for _, s := range f.Sources {
		if _, err := fmt.Fprintf(w, "source %s: %d patients, %d without\n", s.Name, s.Have, len(s.Missing)); err != nil {
			return err
		}
	}
	for _, o := range f.Outcomes {
		if _, err := fmt.Fprintf(w, "outcome %s: known of %d, not of %d\n", o.Name, o.Have, len(o.Missing)); err != nil {
			return err
		}
	}
	return nil
}
