// Package validate estimates how well a procedure will do on patients it has not seen.
//
// A procedure is everything that looks at more than one patient: the pipeline's steps, the search for hyper-parameters, the
// choice between models, the final fit. All of it is repeated inside each outer fold, on the training rows of that fold alone, so
// the estimate is of the procedure and not of a model that has seen the test rows in some way [Cawley2010]. The choice inside is
// made by inner folds of the training rows. Patients, not rows, are divided: rows of one patient are never on both sides.
//
// Folds depend on the seed, the outcome's name and the order of the rows, which callers sort by patient. Every fit is an item of
// work with a key that covers all that determines it, so a run that was stopped goes on where it was, and what comes out does not
// depend on how many fits ran at once.
//
// [Cawley2010]: https://jmlr.org/papers/v11/cawley10a.html
package validate

import (
	"fmt"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
)

// Rows is what a scheme needs to know of the rows it divides.
type Rows struct {
	Outcome clinical.Outcome // known for every row
	Patient []int            // patient of each row; nil means each row is a patient
	Site    []string         // of each row; nil where the cohort names none
	// Time is when each row entered the study, on any scale, for a split by time; nil where the cohort has none.
	Time []float64
}

// Len is the number of rows.
func (r Rows) Len() int { return r.Outcome.Rows() }

// Select returns the rows with these indices.
func (r Rows) Select(rows []int) Rows {
	return Rows{Outcome: r.Outcome.Select(rows), Patient: pick(r.Patient, rows), Site: pick(r.Site, rows), Time: pick(r.Time, rows)}
}

func pick[T any](from []T, rows []int) []T {
	if from == nil {
		return nil
	}
	to := make([]T, len(rows))
	for i, r := range rows {
		to[i] = from[r]
	}
	return to
}

// Fold is one division of the rows. A bootstrap's Train names rows more than once.
type Fold struct {
	Repeat int // from 0
	Number int // within the repeat, from 0
	Name   string
	Train  []int // ascending
	Test   []int // ascending
	// Within are the training rows of the outer fold that an inner fold divides; nil for an outer fold.
	Within []int
	// Extra are training rows without the outcome of the study, by their numbers among the rows of Joint.
	Extra []int
}

// Label returns a short name for messages: "repeat 2 fold 4", or the site that was left out.
func (f Fold) Label() string {
	if f.Name != "" {
		return f.Name
	}
	return fmt.Sprintf("repeat %d fold %d", f.Repeat+1, f.Number+1)
}

// Scheme says how rows are divided.
type Scheme string

// The schemes, as configurations write them.
const (
	NestedCV        Scheme = "nested_cv"          // stratified k-fold, repeated; the choice of model is made by inner folds
	CV              Scheme = "cv"                 // the same with nothing to choose: one model, no search
	LeaveOneSiteOut Scheme = "leave_one_site_out" // each site is the test set once
	LeaveOneOut     Scheme = "leave_one_out"      // each patient is the test set once
	Bootstrap       Scheme = "bootstrap"          // patients drawn with replacement; those never drawn are the test set
	Holdout         Scheme = "holdout"            // one stratified test set
	TimeSplit       Scheme = "time_split"         // the latest patients are the test set
	FoldsFile       Scheme = "folds_file"         // the user's own
)

// Design is a scheme with its numbers.
type Design struct {
	Scheme       Scheme
	Folds        int     // of k-fold schemes
	Repeats      int     // of k-fold schemes; number of draws of a bootstrap
	TestFraction float64 // of a hold-out or a split by time
	File         []Fold  // of folds_file
	InnerFolds   int     // used where there is something to choose
	OverPatients bool    // intervals by samples of patients instead of the spread over folds
}

// Plan returns the outer folds of a design. The error says why the rows cannot carry it and what they can.
func Plan(d Design, r Rows, seed work.Seed) ([]Fold, error) {
	if r.Len() == 0 {
		return nil, fmt.Errorf("outcome %s is not known for any patient", r.Outcome.Name)
	}
	switch d.Scheme {
	case NestedCV, CV:
		if err := Feasible(r, d.Folds); err != nil {
			return nil, err
		}
		return RepeatedKFold(r, d.Folds, d.Repeats, seed), nil
	case LeaveOneSiteOut:
		return leaveOneSiteOut(r)
	case LeaveOneOut:
		return leaveOneOut(r), nil
	case Bootstrap:
		return bootstrap(r, d.Repeats, seed)
	case Holdout:
		return holdout(r, d.TestFraction, seed)
	case TimeSplit:
		return timeSplit(r, d.TestFraction)
	case FoldsFile:
		return d.File, nil
	}
	return nil, fmt.Errorf("no validation scheme %q", d.Scheme)
}
