package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/train/validate"
)

// Permuted is how much a bundle's score of one outcome falls when an input is shuffled among the patients.
type Permuted struct {
	Outcome    string
	Measure    string // by its title: AUC, C-index (Harrell)
	Patients   int
	Score      float64 // with nothing shuffled
	Inputs     []string
	Importance []explain.Permuted // one an input
}

// PermutationImportance shuffles each of a bundle's inputs in turn, as often as repeats says, among the patients of a cohort whose
// outcome is known, and scores the outcomes that the bundle predicts under the same names. The patients should be others than those
// of training.
func PermutationImportance(ctx context.Context, b *bundle.Bundle, cfg cohort.Config, dir string, repeats int, seed work.Seed) ([]Permuted, error) {
	c, err := cohort.Load(ctx, cfg, dir, work.Pool{})
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, &InputError{err}
	}
	all, err := b.Align(c.Table)
	if err != nil {
		return nil, &InputError{err}
	}
	var out []Permuted
	for _, whole := range c.Outcomes {
		at := slices.IndexFunc(b.Outcomes, func(o bundle.Outcome) bool { return o.Name == whole.Name })
		if at < 0 {
			return nil, &InputError{fmt.Errorf("the bundle does not predict %q; it predicts %v", whole.Name, outcomeNames(b))}
		}
		if whole.Kind != b.Outcomes[at].Kind {
			return nil, &InputError{fmt.Errorf("outcome %s is of kind %s here and %s in the bundle", whole.Name, whole.Kind, b.Outcomes[at].Kind)}
		}
		y, err := inTermsOf(&b.Outcomes[at], whole)
		if err != nil {
			return nil, &InputError{fmt.Errorf("outcome %s: %w", whole.Name, err)}
		}
		rows := known(y)
		y = y.Select(rows)
		x := all.Select(rows)
		m, err := b.Whole(whole.Name)
		if err != nil {
			return nil, err
		}
		measure := validate.Score(y)
		score := func(p models.Prediction) (float64, error) {
			return measure.Of(y, validate.Prediction{Prediction: p, Prevalence: 0.5}), nil
		}
		got := Permuted{Outcome: y.Name, Measure: measure.Title, Patients: len(rows)}
		p, err := m.Predict(x, nil)
		if err != nil {
			return nil, err
		}
		if got.Score, err = score(p); err != nil {
			return nil, err
		}
		sets := make([][]int, len(x.Columns))
		for j, column := range x.Columns {
			sets[j], got.Inputs = []int{j}, append(got.Inputs, column.Name)
		}
		if got.Importance, err = explain.PermutationImportance(ctx, m, x, nil, score, sets, repeats, seed); err != nil {
			return nil, &InputError{fmt.Errorf("outcome %s, %d patients: %w", y.Name, len(rows), err)}
		}
		out = append(out, got)
	}
	return out, nil
}
