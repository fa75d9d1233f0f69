package validate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// Joint is what a model that learns several outcomes at once is fitted to: every patient who has any of them. The study judges it on one
// of the outcomes; the folds of all are cuts of one division (see Restrict), so that a patient whom one outcome tests is trained on for
// none of the others.
type Joint struct {
	Rows     int
	Outcomes []clinical.Outcome // of all rows, known for some
	At       int                // the outcome of the study
	Row      []int              // of each row of the study, its row here
	X        models.Matrix
	Patient  []int
	Learned  func(ctx context.Context, train []int) (models.Matrix, error) // as that of Study, over these rows
	Again    []models.Matrix
}

// Stratified is an outcome by which the rows of several outcomes are divided: each combination of class, event and not known is a class. Those that
// have too few patients for the folds join the most frequent.
func Stratified(outcomes []clinical.Outcome, rows, folds int) clinical.Outcome {
	y := clinical.Outcome{Kind: clinical.Class, Class: make([]int, rows)}
	names := make([]string, rows)
	count := map[string]int{}
	for i := range rows {
		for _, o := range outcomes {
			part := "?"
			if o.Known(i) {
				part = fmt.Sprint(stratum(o, i))
			}
			names[i] += part + "/"
		}
		count[names[i]]++
	}
	for _, o := range outcomes {
		y.Name += o.Name + "+"
	}
	most := slices.MaxFunc(slices.Sorted(maps.Keys(count)), func(a, b string) int { return cmp.Compare(count[a], count[b]) })
	for i, name := range names {
		if count[name] < minClass*folds {
			names[i] = most
		}
	}
	y.Classes = slices.Compact(slices.Sorted(slices.Values(names)))
	for i, name := range names {
		y.Class[i], _ = slices.BinarySearch(y.Classes, name)
	}
	return y
}

// PlanJoint divides the rows of several outcomes once for all.
func PlanJoint(d Design, r Rows, outcomes []clinical.Outcome, seed work.Seed) ([]Fold, error) {
	r.Outcome = Stratified(outcomes, r.Len(), d.Folds)
	if len(r.Outcome.Classes) < 2 { // one stratum: any division is as good
		r.Outcome.Classes = append(r.Outcome.Classes, "none")
		if d.Scheme == CV || d.Scheme == NestedCV {
			return RepeatedKFold(r, d.Folds, d.Repeats, seed), nil
		}
	}
	return Plan(d, r, seed)
}

// Restrict cuts folds of all rows to those of a study, whose rows are these, ascending. What is left of the training rows is kept as Extra, by its
// numbers among all rows. A fold that tests or trains on no row of the study is left out.
func Restrict(folds []Fold, rows []int) []Fold {
	number := make(map[int]int, len(rows))
	for i, row := range rows {
		number[row] = i
	}
	var out []Fold
	for _, f := range folds {
		g := Fold{Repeat: f.Repeat, Number: f.Number, Name: f.Name}
		for _, row := range f.Train {
			if i, ok := number[row]; ok {
				g.Train = append(g.Train, i)
			} else {
				g.Extra = append(g.Extra, row)
			}
		}
		for _, row := range f.Test {
			if i, ok := number[row]; ok {
				g.Test = append(g.Test, i)
			}
		}
		if len(g.Train) > 0 && len(g.Test) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// extra are the rows without the outcome of the study.
func (j *Joint) extra() []int {
	var rows []int
	for i := range j.Rows {
		if !slices.Contains(j.Row, i) {
			rows = append(rows, i)
		}
	}
	return rows
}

// Whole are all rows as a joint model sees them for the model that is kept, before the pipeline.
func (j *Joint) Whole(y clinical.Outcome, weights []float64, seed work.Seed) models.Training {
	return j.Training(j.X, j.train(seq(len(j.Row)), j.extra()), y, weights, seed)
}

func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// train are the training rows of a fold of the study among all rows, ascending.
func (j *Joint) train(train, extra []int) []int {
	rows := slices.Clone(extra)
	for _, i := range train {
		rows = append(rows, j.Row[i])
	}
	slices.Sort(rows)
	return rows
}

// Training are the rows of a fold as a joint model sees them, before the pipeline. Outcome is that of the study, which may have been permuted.
func (j *Joint) Training(x models.Matrix, rows []int, outcome clinical.Outcome, weights []float64, seed work.Seed) models.Training {
	all := make([]clinical.Outcome, len(j.Outcomes))
	for k, y := range j.Outcomes { // what stands beside an unknown value is the same, whichever outcome is asked for
		if k == j.At {
			all[k] = j.spread(outcome)
		} else {
			all[k] = y.Select(seq(j.Rows))
			for i := range j.Rows {
				if !y.Known(i) {
					set(&all[k], i, unknown(y), 0)
				}
			}
		}
	}
	t := models.Training{X: x.Select(rows), Y: all[j.At].Select(rows), Groups: pick(j.Patient, rows), Again: models.SelectEach(j.Again, rows), Seed: seed}
	t.Joint = (&models.Joint{Outcomes: all, Weights: weights, At: j.At}).Select(rows)
	return t
}

// spread gives an outcome of the study's rows to all rows; it is not known for the others.
func (j *Joint) spread(y clinical.Outcome) clinical.Outcome {
	out := j.Outcomes[j.At].Select(make([]int, j.Rows))
	none := unknown(y)
	for i := range j.Rows {
		set(&out, i, none, 0)
	}
	for i, row := range j.Row {
		set(&out, row, y, i)
	}
	return out
}

// unknown is one row of which an outcome is not known.
func unknown(like clinical.Outcome) clinical.Outcome {
	y := clinical.Outcome{Kind: like.Kind, Class: []int{-1}}
	if like.Kind != clinical.Class {
		y.Class, y.Time, y.Event = nil, []float64{math.NaN()}, []int{0}
		if like.Entry != nil {
			y.Entry = []float64{math.NaN()}
		}
	}
	return y
}

// set makes row i of an outcome that of row k of another.
func set(to *clinical.Outcome, i int, from clinical.Outcome, k int) {
	if from.Kind == clinical.Class {
		to.Class[i] = from.Class[k]
		return
	}
	to.Time[i], to.Event[i] = from.Time[k], from.Event[k]
	if from.Entry != nil {
		to.Entry[i] = from.Entry[k]
	}
}

// FirstKnown are the rows that the pipeline of a joint model is fitted on: those that have the first of its outcomes, which is then the one that a step
// which looks at the outcome sees. The steps are so the same for each outcome.
func FirstKnown(t models.Training) models.Training {
	first := t.Joint.Outcomes[0]
	var rows []int
	for i := range first.Rows() {
		if first.Known(i) {
			rows = append(rows, i)
		}
	}
	t.Y = first
	out := t.Select(rows)
	out.Joint = nil
	return out
}

// prepareJoint is prepare for a model of several outcomes.
func (s *Study) prepareJoint(ctx context.Context, f Fold, weights []float64) (t models.Training, test models.Matrix, err error) {
	j := s.Joint
	x := j.X
	if j.Learned != nil {
		from := f.Train
		if f.Within != nil {
			from = f.Within
		}
		made, err := j.Learned(ctx, j.train(from, f.Extra))
		if err != nil {
			return t, test, err
		}
		if x, err = replaced(x, made); err != nil {
			return t, test, err
		}
	}
	// Neither the seed nor the order of rows depends on the outcome that is asked for.
	t = j.Training(x, j.train(f.Train, f.Extra), s.Rows.Outcome, weights, s.Seed.Split("joint fit", f.Label()))
	t.Lower = s.Lower
	rows := make([]int, len(f.Test))
	for i, row := range f.Test {
		rows[i] = j.Row[row]
	}
	test = x.Select(rows)
	if s.Procedure.Prepare == nil {
		return t, test, nil
	}
	apply, err := s.Procedure.Prepare(ctx, FirstKnown(t))
	if err != nil {
		return t, test, err
	}
	if t.X, err = apply(t.X); err != nil {
		return t, test, err
	}
	test, err = apply(test)
	return t, test, err
}
