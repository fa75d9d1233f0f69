// Package clinical holds what is known of patients beside scans and genes: outcomes, covariates, the terms of radiologists.
package clinical

import "math"

// OutcomeKind is what there is to predict.
type OutcomeKind string

// The kinds of outcome, as configurations and metrics.json write them.
const (
	Class    OutcomeKind = "class"
	Survival OutcomeKind = "survival"
)

// Outcome is what happened to each row. Class outcomes use Classes and Class; survival outcomes the rest. A row whose outcome is
// not known has Class -1 or Time NaN; it is left out of this outcome only, before anything is fitted.
type Outcome struct {
	Name string
	Kind OutcomeKind

	Classes []string // names, sorted; the last is the positive class of a binary outcome
	Class   []int    // index into Classes, one a row; -1 where not known

	Entry []float64 // time at which a row came under observation; nil means 0 for all
	Time  []float64 // time of the event or of last contact, in Unit since Origin; NaN where not known
	Event []int     // 0 censored, 1 the event, 2 and up competing events
	Unit  string    // UCUM: d, mo, a
	// Origin names time zero: imaging, diagnosis, surgery, …
	Origin string
}

// Rows is the number of rows that the outcome covers.
func (o Outcome) Rows() int {
	if o.Kind == Class {
		return len(o.Class)
	}
	return len(o.Time)
}

// Known reports whether the outcome of row i is known.
func (o Outcome) Known(i int) bool {
	if o.Kind == Class {
		return o.Class[i] >= 0
	}
	return !math.IsNaN(o.Time[i])
}

// Select returns the outcome of the rows with these indices.
func (o Outcome) Select(rows []int) Outcome {
	out := o
	out.Class, out.Event = pick(o.Class, rows), pick(o.Event, rows)
	out.Entry, out.Time = pick(o.Entry, rows), pick(o.Time, rows)
	return out
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
