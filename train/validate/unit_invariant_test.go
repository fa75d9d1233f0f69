package validate_test

import (
	"fmt"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/train/validate"
)

// lesions are rows of 60 patients with one to six each, whose outcome is the patient's or the lesion's own.
func lesions(shared bool) validate.Rows {
	rng := work.Seed(11).Rand()
	r := validate.Rows{Outcome: clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"0", "1"}}}
	for p := range 60 {
		own := rng.IntN(2)
		for range 1 + rng.IntN(6) {
			if !shared {
				own = rng.IntN(2)
			}
			r.Outcome.Class = append(r.Outcome.Class, own)
			r.Patient = append(r.Patient, p)
			r.Site = append(r.Site, []string{"A", "B", "C"}[p%3])
			r.Time = append(r.Time, float64(p)+rng.Float64())
		}
	}
	return r
}

// Whatever the scheme, all rows of a patient are on one side of every fold, and of every inner fold of its training rows, where copies of a
// patient that a bootstrap drew stay together too.
func TestNoPatientIsSplit(t *testing.T) {
	for _, shared := range []bool{true, false} {
		r := lesions(shared)
		apart := func(where string, rows validate.Rows, f validate.Fold) {
			t.Helper()
			side := map[int]bool{}
			for _, i := range f.Test {
				side[rows.Patient[i]] = true
			}
			for _, i := range f.Train {
				if side[rows.Patient[i]] {
					t.Fatalf("%s: rows of patient %d are on both sides", where, rows.Patient[i])
				}
			}
		}
		for _, d := range []validate.Design{{Scheme: validate.NestedCV, Folds: 5, Repeats: 3}, {Scheme: validate.CV, Folds: 4, Repeats: 1}, {Scheme: validate.LeaveOneSiteOut},
			{Scheme: validate.LeaveOneOut}, {Scheme: validate.Bootstrap, Repeats: 10}, {Scheme: validate.Holdout, TestFraction: 0.3}, {Scheme: validate.TimeSplit, TestFraction: 0.25}} {
			folds, err := validate.Plan(d, r, 5)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range folds {
				where := fmt.Sprintf("%s, %s", d.Scheme, f.Label())
				apart(where, r, f)
				if d.Scheme == validate.LeaveOneOut {
					continue
				}
				train := r.Select(f.Train)
				for _, inner := range validate.RepeatedKFold(train, 3, 1, 9) {
					apart(where+", inner", train, inner)
				}
			}
		}
	}
}

// Shuffled outcomes stay whole where the rows of a patient share theirs: every patient's rows still agree, each class has as many
// patients as before, and patients who are alone with their number of rows are shuffled like others. Where rows have their own, patients
// of as many rows exchange them whole.
func TestPermuteRows(t *testing.T) {
	r := lesions(true)
	moved := map[int]int{}
	for draw := range 40 {
		y := validate.Permute(r, work.Seed(draw).Rand())
		was, is, of := make([]int, 2), make([]int, 2), map[int]int{}
		for i, p := range r.Patient {
			c, seen := of[p]
			if !seen {
				of[p] = y.Class[i]
				was[r.Outcome.Class[i]]++
				is[y.Class[i]]++
			} else if c != y.Class[i] {
				t.Fatalf("rows of patient %d disagree", p)
			}
			if y.Class[i] != r.Outcome.Class[i] {
				moved[p]++
			}
		}
		if was[0] != is[0] {
			t.Errorf("%v patients of each class, and %v when shuffled", was, is)
		}
	}
	if len(moved) != 60 {
		t.Errorf("the outcome of %d patients of 60 ever changed", len(moved))
	}
	r = lesions(false)
	r.Site = nil
	rows := map[int][]int{}
	for i, p := range r.Patient {
		rows[p] = append(rows[p], i)
	}
	y := validate.Permute(r, work.Seed(1).Rand())
	sums := func(class []int) map[string]int {
		n := map[string]int{}
		for _, of := range rows {
			text := ""
			for _, i := range of {
				text += fmt.Sprint(class[i])
			}
			n[text]++
		}
		return n
	}
	if was, is := sums(r.Outcome.Class), sums(y.Class); fmt.Sprint(was) != fmt.Sprint(is) {
		t.Errorf("patterns of lesions %v became %v", was, is)
	}
}
