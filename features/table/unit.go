package table

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Unit is what a row that a model reads stands for, as configurations write it: cohort.unit.
type Unit string

// The units. Whatever the unit, folds and samples are of patients.
const (
	PerPatient Unit = "patient"
	PerLesion  Unit = "lesion"
	PerVisit   Unit = "visit"
)

// Units are all of them.
var Units = []Unit{PerPatient, PerLesion, PerVisit}

// Of is the part of a key by which rows of the unit are told apart: the patient, and the lesion or the visit.
func (u Unit) Of(k Key) Key {
	switch u {
	case PerLesion:
		return Key{Patient: k.Patient, Lesion: k.Lesion}
	case PerVisit:
		return Key{Patient: k.Patient, Visit: k.Visit}
	}
	return Key{Patient: k.Patient}
}

// Within names the lesion or the visit of a key; it is empty for a patient, and for a row that holds for all lesions or visits of one.
func (u Unit) Within(k Key) string {
	switch u {
	case PerLesion:
		return k.Lesion
	case PerVisit:
		return k.Visit
	}
	return ""
}

// Key is the key of a lesion or a visit of a patient.
func (u Unit) Key(patient, within string) Key {
	return u.Of(Key{Patient: patient, Lesion: within, Visit: within})
}

// Plural is the unit's name for many.
func (u Unit) Plural() string {
	if u == "" {
		u = PerPatient
	}
	return string(u) + "s"
}

// Describe names a row for the terminal: "p1", "p1, lesion 2".
func (u Unit) Describe(k Key) string {
	if within := u.Within(k); within != "" {
		return fmt.Sprintf("%s, %s %s", k.Patient, u, within)
	}
	return k.Patient
}

// CompareKeys orders keys by patient, then by visit and lesion, which are numbers where both are.
func CompareKeys(a, b Key) int {
	return cmp.Or(strings.Compare(a.Patient, b.Patient), compareNames(a.Visit, b.Visit), compareNames(a.Lesion, b.Lesion))
}

func compareNames(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	if errX == nil && errY == nil && x != y {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// Lookup returns what a map holds of a row: of its lesion or visit, else of its patient as a whole.
func Lookup[V any](of map[Key]V, k Key) (V, bool) {
	v, ok := of[k]
	if !ok {
		v, ok = of[Key{Patient: k.Patient}]
	}
	return v, ok
}
