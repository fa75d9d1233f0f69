package train

import (
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/validate"
)

// together are the outcomes that joint models of the run learn, and one division of the patients who have any of them.
type together struct {
	names    []string
	rows     []int // of the feature table
	outcomes []clinical.Outcome
	x        models.Matrix
	folds    []validate.Fold
}

// joint divides the patients of the outcomes that are learnt together. It leaves out columns from which any of those can be told.
func (r *run) joint() (*together, error) {
	names := r.e.Joint()
	if names == nil {
		return nil, nil
	}
	t := &together{names: names}
	var whole []clinical.Outcome
	drop := map[string]bool{}
	for _, name := range names {
		i := slices.IndexFunc(r.cohort.Outcomes, func(o clinical.Outcome) bool { return o.Name == name })
		whole = append(whole, r.cohort.Outcomes[i])
		for _, c := range r.cohort.KnownFrom[i] {
			drop[c] = true
		}
	}
	for row := range r.all.Rows {
		if slices.ContainsFunc(whole, func(o clinical.Outcome) bool { return o.Known(row) }) {
			t.rows = append(t.rows, row)
		}
	}
	for _, o := range whole {
		t.outcomes = append(t.outcomes, o.Select(t.rows))
	}
	var keep []int
	for j, c := range r.all.Columns {
		if !drop[c.Name] {
			keep = append(keep, j)
		}
	}
	if len(keep) == 0 {
		return nil, fmt.Errorf("outcomes %v: no column is left to predict them together", names)
	}
	t.x = columns(r.all, keep).Select(t.rows)
	rows := validate.Rows{Patient: pickRows(r.number, t.rows)}
	rows.Outcome = t.outcomes[0]
	if r.cohort.Sites != nil {
		rows.Site = pickRows(r.cohort.Sites, t.rows)
	}
	if column := r.e.Validation.Time; column != "" {
		times, err := r.timeColumn(column)
		if err != nil {
			return nil, err
		}
		rows.Time = pickRows(times, t.rows)
	}
	design := r.e.Validation.Design()
	var err error
	if design.Scheme == validate.FoldsFile {
		ids := make([]string, len(t.rows))
		for i, row := range t.rows {
			ids[i] = r.keys[row].Patient
		}
		if design.File, err = validate.ReadFolds(r.e.Path(r.e.Validation.FoldsFile), ids); err != nil {
			return nil, err
		}
	}
	t.folds, err = validate.PlanJoint(design, rows, t.outcomes, work.Seed(r.e.Seed))
	return t, err
}

// of gives a study what its joint models learn from, and the folds that it shares with the other outcomes.
func (t *together) of(r *run, one *outcomeRun) *validate.Joint {
	j := &validate.Joint{Rows: len(t.rows), Outcomes: t.outcomes, At: slices.Index(t.names, one.y.Name), X: t.x, Patient: pickRows(r.number, t.rows)}
	for _, row := range one.rows {
		at, _ := slices.BinarySearch(t.rows, row)
		j.Row = append(j.Row, at)
	}
	for _, again := range r.cohort.Again {
		j.Again = append(j.Again, models.FromTable(again).Select(t.rows))
	}
	if r.cohort.Learns() {
		j.Learned = r.learned(t.rows)
	}
	one.folds = validate.Restrict(t.folds, j.Row)
	return j
}

// narrowed is a joint training set with the columns of a variant alone.
func narrowed(j *validate.Joint, to models.Matrix) *validate.Joint {
	if j == nil {
		return nil
	}
	names := map[string]bool{}
	for _, c := range to.Columns {
		names[c.Name] = true
	}
	var keep []int
	for k, c := range j.X.Columns {
		if names[c.Name] {
			keep = append(keep, k)
		}
	}
	out := *j
	out.X = columns(j.X, keep)
	if to.Volumes == nil {
		out.X.Volumes = nil
	}
	return &out
}
