package train

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/train/report"
)

// conformal fixes the limits of prediction sets, class by class (Mondrian; Vovk 2012), from out-of-fold probabilities: a class is in
// a patient's set when one minus its probability is at most the limit of that class. The limit is the ⌈(n+1)·level⌉-th smallest
// score of the n patients of the class. Of a patient with several rows of the class, each counts by its share of them, so that the limit
// is one of patients: that of the pooled distributions of Dunn, Wasserman and Ramdas (2023), doi:10.1080/01621459.2022.2060112.
// A class with too few patients for its level has no such score, and then no set is made.
// Coverage is measured, not assumed: limits from the other folds, applied to each fold.
func (r *run) conformal(one *outcomeRun) error {
	if r.e.Conformal == nil {
		return nil
	}
	if one.y.Kind == clinical.Survival {
		one.noConformal = "No prediction sets: times are censored, and a set of times would need the censoring to be understood."
		return nil
	}
	level := r.e.Conformal.Level
	p := one.result.Pool(-1, len(one.rows))
	classes := len(one.y.Classes)
	scores := make([][]score, classes)
	fold := make([][]int, classes)
	rows := make([]map[int]int, classes) // of each patient, by class
	for c := range rows {
		rows[c] = map[int]int{}
	}
	of := make(map[int]int)
	for k, f := range one.result.Folds {
		if f.Fold.Repeat > 0 {
			break
		}
		for _, row := range f.Fold.Test {
			of[row] = k
		}
	}
	for i, row := range p.Rows {
		c := one.y.Class[row]
		scores[c] = append(scores[c], score{1 - p.Probabilities[i*classes+c], one.study.Rows.Patient[row], 1})
		rows[c][one.study.Rows.Patient[row]]++
		fold[c] = append(fold[c], of[row])
	}
	for c, s := range scores {
		for i := range s {
			s[i].share = 1 / float64(rows[c][s[i].patient])
		}
	}
	out := bundle.Conformal{Level: level}
	for c, s := range scores {
		limit, ok := conformalLimit(s, level)
		if !ok {
			one.noConformal = fmt.Sprintf("No prediction sets: class %s has %d patients, and a level of %g needs %d.", one.y.Classes[c], len(rows[c]), level, conformalNeeds(level))
			return nil
		}
		covered := 0.0
		for i, v := range s {
			var others []score
			for j, w := range s {
				if fold[c][j] != fold[c][i] {
					others = append(others, w)
				}
			}
			// Without enough others every class stays in the set.
			if l, ok := conformalLimit(others, level); !ok || v.value <= l {
				covered += v.share
			}
		}
		out.Limits, out.Counts = append(out.Limits, limit), append(out.Counts, len(rows[c]))
		out.Coverage = append(out.Coverage, covered/float64(len(rows[c])))
	}
	one.kept.Conformal = &out
	return nil
}

// score is how far a row is from its own class, and the share of its patient that it stands for.
type score struct {
	value   float64
	patient int
	share   float64
}

// conformalLimit is the ⌈(n+1)·level⌉-th smallest score of n patients, which there is not where n is too small.
func conformalLimit(scores []score, level float64) (float64, bool) {
	patients := 0.0
	for _, s := range scores {
		patients += s.share
	}
	k := math.Ceil((math.Round(patients)+1)*level - 1e-9)
	if k < 1 {
		return 0, false
	}
	sum := 0.0
	for _, s := range slices.SortedStableFunc(slices.Values(scores), func(a, b score) int { return cmp.Compare(a.value, b.value) }) {
		if sum += s.share; sum >= k-1e-9 {
			return s.value, true
		}
	}
	return 0, false
}

// conformalNeeds is the least number of patients of a class for a level.
func conformalNeeds(level float64) int {
	n := 1
	for {
		if _, ok := conformalLimit(slices.Repeat([]score{{share: 1}}, n), level); ok {
			return n
		}
		n++
	}
}

func (one *outcomeRun) conformalTable() (report.Table, bool) {
	c := one.kept.Conformal
	if c == nil {
		return report.Table{Title: "Prediction sets", Caption: one.noConformal}, one.noConformal != ""
	}
	t := report.Table{Title: "Prediction sets", Caption: fmt.Sprintf("Sets that hold the true class in %g %% of patients of each class. Coverage: limits from the other folds, on each fold.", 100*c.Level),
		Head: []string{"class", "patients", "covered"}}
	for k, name := range one.y.Classes {
		t.Rows = append(t.Rows, []string{name, strconv.Itoa(c.Counts[k]), strconv.FormatFloat(100*c.Coverage[k], 'f', 1, 64) + " %"})
	}
	return t, true
}
