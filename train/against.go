package train

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/voxgene/voxgene/train/validate"
)

// Against compares one outcome's headline with that of an earlier run.
type Against struct {
	Run     string   `json:"run"`
	Measure string   `json:"measure"`
	Before  *float64 `json:"before"`
	Now     *float64 `json:"now"`
	P       *float64 `json:"p"` // of a paired test; null where the folds are not the same
	Note    string   `json:"note,omitempty"`
}

// against compares the run with an earlier one whose files are in dir: by a paired test where both were judged on the same folds of
// the same patients, side by side otherwise.
func (r *run) against(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, MetricsFile))
	if err != nil {
		return &InputError{fmt.Errorf("--against: %w", err)}
	}
	var before map[string]Metrics
	if err := json.Unmarshal(b, &before); err != nil {
		return &InputError{fmt.Errorf("--against %s: %w", filepath.Join(dir, MetricsFile), err)}
	}
	given, err := readPredictions(filepath.Join(dir, PredictionsFile))
	if err != nil {
		return &InputError{fmt.Errorf("--against %s: %w", filepath.Join(dir, PredictionsFile), err)}
	}
	for i, whole := range r.cohort.Outcomes {
		at := slices.IndexFunc(r.results, func(one *outcomeRun) bool { return one.y.Name == whole.Name })
		old, ok := before[whole.Name]
		if at < 0 || !ok || len(r.results[at].measures) == 0 {
			continue
		}
		one := r.results[at]
		m := one.measures[0]
		a := &Against{Run: filepath.Base(filepath.Clean(dir)), Measure: m.Name, Before: old.Headline[m.Name].Value, Now: finite(one.estimate(m, -1, r.e.Validation.Level).Value)}
		if other, err := r.elsewhere(i, given[whole.Name]); err != nil {
			a.Note = "the predictions of the earlier run are of other patients: " + err.Error()
		} else if !sameFolds(one.folds, other.folds) {
			a.Note = "the earlier run was judged on other folds"
		} else {
			_, p := one.differs(m, one.result, other.result, -1, -1)
			a.P = finite(p)
		}
		one.against = a
	}
	return nil
}

// sameFolds reports whether the test sets of two runs are the same, in order.
func sameFolds(a, b []validate.Fold) bool {
	return slices.EqualFunc(a, b, func(f, g validate.Fold) bool { return f.Repeat == g.Repeat && slices.Equal(f.Test, g.Test) })
}
