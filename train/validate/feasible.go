package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
)

// A test fold needs this many patients of each class, or this many with the event, for its score to mean anything at all.
const (
	minClass  = 2
	minEvents = 2
)

// TooFewError says that the rows cannot carry the folds asked for.
type TooFewError struct {
	Outcome  string
	What     string // "class wildtype", "the event"
	Patients int
	Folds    int
	Inner    bool // the inner folds, not the outer ones
	Most     int  // most folds that the rows can carry; under 2 there are none
}

func (e TooFewError) Error() string {
	option := "folds"
	if e.Inner {
		option = "inner_folds"
	}
	head := fmt.Sprintf("outcome %s: %d patients have %s", e.Outcome, e.Patients, e.What)
	if e.Inner {
		head = fmt.Sprintf("outcome %s: as few as %d training patients of an outer fold have %s", e.Outcome, e.Patients, e.What)
	}
	if e.Most < 2 {
		return head + ", too few for any cross-validation: a fold needs two; collect more, or merge classes"
	}
	return fmt.Sprintf("%s, too few for %s: %d, where each fold needs two; at most %s: %d is feasible", head, option, e.Folds, option, e.Most)
}

// Feasible returns an error when the rows have too few patients of a class, or with the event, for that many folds. It names the
// number of folds that they can carry.
func Feasible(r Rows, folds int) error {
	what, n, each := scarcest(r)
	if folds >= 2 && n >= folds*each {
		return nil
	}
	if folds < 2 {
		return fmt.Errorf("outcome %s: folds: %d, but a cross-validation has two or more", r.Outcome.Name, folds)
	}
	return TooFewError{Outcome: r.Outcome.Name, What: what, Patients: n, Folds: folds, Most: n / each}
}

// Scarcest returns what limits the number of folds: the rarest class, or the event, and of how many patients it is known.
func Scarcest(r Rows) (what string, patients int) {
	what, patients, _ = scarcest(r)
	return what, patients
}

// scarcest returns the stratum that limits the number of folds, its number of patients, and how many of them a fold needs.
func scarcest(r Rows) (what string, patientsWith, each int) {
	n := patients(r).counts()
	if r.Outcome.Kind == clinical.Survival {
		if len(n) < 2 {
			return "the event", 0, minEvents
		}
		return "the event", n[1], minEvents
	}
	n = append(n, make([]int, max(0, len(r.Outcome.Classes)-len(n)))...)
	least := 0
	for c := range n {
		if n[c] < n[least] {
			least = c
		}
	}
	if len(n) < 2 {
		return "a second class", 0, minClass
	}
	return "class " + r.Outcome.Classes[least], n[least], minClass
}

// FeasibleInner checks that the training rows of every outer fold can be divided again, each inner fold with at least one patient
// of each class or with the event on either side.
func FeasibleInner(r Rows, outer []Fold, inner int) error {
	worst := TooFewError{Patients: -1}
	for _, f := range outer {
		what, n, _ := scarcest(r.Select(slices.Compact(slices.Clone(f.Train))))
		if worst.Patients < 0 || n < worst.Patients {
			worst = TooFewError{Outcome: r.Outcome.Name, What: what, Patients: n, Folds: inner, Inner: true, Most: n}
		}
	}
	if worst.Patients >= inner && inner >= 2 {
		return nil
	}
	if inner < 2 {
		return fmt.Errorf("outcome %s: inner_folds: %d, but there is a choice to make and it needs two or more", r.Outcome.Name, inner)
	}
	return worst
}

// Summary counts rows by class or event, for messages and the fold table of a report: "wildtype: 24, mutant: 63" or "110 with 27 events".
func Summary(r Rows, rows []int) string {
	s := r.Select(slices.Compact(slices.Clone(rows)))
	n := patients(s).counts()
	var parts []string
	if r.Outcome.Kind == clinical.Survival {
		events := 0
		for _, k := range n[min(1, len(n)):] {
			events += k
		}
		return fmt.Sprintf("%d with %d events", s.Len(), events)
	}
	for c, name := range r.Outcome.Classes {
		k := 0
		if c < len(n) {
			k = n[c]
		}
		parts = append(parts, fmt.Sprintf("%s: %d", name, k))
	}
	return strings.Join(parts, ", ")
}
