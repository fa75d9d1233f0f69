package fusion

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
)

// LateKind is the kind of a late fusion.
const LateKind = "late_fusion"

// The combinations.
const (
	// Mean is the mean of the probabilities of classes or, for survival, a Cox model of the mean of standardised risks.
	Mean = "mean"
	// Stacked is a ridge regression [Wolpert1992] on what the parts say of rows that they were not fitted to: logistic on margins, or on the
	// probabilities of models without one; Cox on risks.
	//
	// [Wolpert1992]: https://doi.org/10.1016/S0893-6080(05)80023-1
	Stacked = "stacked"
)

func init() {
	models.Register(models.Kind{
		Name:     LateKind,
		Outcomes: []clinical.OutcomeKind{clinical.Class, clinical.Survival},
		Params: []models.Param{
			{Name: "sources", Default: map[string]any{}, Block: readSources, Doc: "a model for each source or group of columns: {imaging: {kind: logistic}, rna: {kind: random_forest}}"},
			{Name: "combine", Default: Mean, Choices: []string{Mean, Stacked}, Doc: "how what the models say becomes one answer"},
			{Name: "inner_folds", Default: 5, Min: 2, Max: 20, Doc: "folds of the training rows by which the combination sees rows that the models were not fitted to"},
		},
		Fits: fits,
		New: func(o models.Options) (models.Learner, error) {
			l := late{specs: specs(o), combine: o["combine"].(string), folds: o["inner_folds"].(int)}
			if len(l.specs) == 0 {
				return nil, errors.New("late_fusion wants sources: {imaging: {kind: logistic}, rna: {kind: random_forest}}")
			}
			if len(fits(o)) == 0 {
				return nil, errors.New("sources: no outcome is fitted by all of these kinds of model")
			}
			for _, s := range l.specs {
				learner, err := s.kind.New(s.options)
				if err != nil {
					return nil, fmt.Errorf("sources: %s: %w", s.name, err)
				}
				l.learners = append(l.learners, learner)
			}
			return l, nil
		},
		Decode: decodeLate,
	})
}

type late struct {
	specs    []spec
	learners []models.Learner
	combine  string
	folds    int
}

// Late is a fitted late fusion. A row takes the combination that was fitted for the sources that it has.
type Late struct {
	columns []table.Column
	parts   []Part
	kind    clinical.OutcomeKind
	classes []string
	combine string
	// combinations are those of every set of parts, bit p of whose index stands for part p. Nil for the mean of probabilities.
	combinations []*combination
	rows         []int     // training rows that have every part of each set
	prior        []float64 // shares of the classes, for a row without any part
	notes        []string
}

// Fit fits each part to the rows that have it and each combination to the rows that have all of its parts.
func (l late) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	m := &Late{columns: t.X.Columns, kind: t.Y.Kind, classes: t.Y.Classes, combine: l.combine}
	if err := m.divide(l.specs); err != nil {
		return nil, err
	}
	given := m.given(t.X)
	for p := range m.parts {
		rows := having(given, 1<<p)
		model, err := l.fitPart(ctx, t, m.parts[p], p, rows, "fit")
		if err != nil {
			return nil, fmt.Errorf("%s, which %d of %d training rows have: %w", m.parts[p].Name, len(rows), t.X.Rows, err)
		}
		m.parts[p].Model = model
		if n, ok := model.(models.Noted); ok {
			for _, note := range n.Notes() {
				m.notes = append(m.notes, m.parts[p].Name+": "+note)
			}
		}
	}
	m.prior = shares(t.Y)
	m.rows = make([]int, 1<<len(m.parts))
	for set := range m.rows {
		m.rows[set] = len(having(given, set))
	}
	if m.combine == Stacked || m.kind == clinical.Survival {
		said, err := l.outOfFold(ctx, t, m.parts, given)
		if err != nil {
			return nil, err
		}
		if err := m.fitCombinations(ctx, t, said, given); err != nil {
			return nil, err
		}
	}
	full := 1<<len(m.parts) - 1
	for set := full; set > 0; set-- {
		if set == full || len(m.members(set)) == len(m.parts)-1 {
			m.notes = append(m.notes, m.describe(set))
		}
	}
	return m, nil
}

// divide gives every column to the part of its source or group.
func (m *Late) divide(specs []spec) error {
	for _, s := range specs {
		m.parts = append(m.parts, Part{Name: s.name})
	}
	for j, c := range m.columns {
		at := -1
		for p, part := range m.parts {
			if part.Name != c.Source && part.Name != c.Group {
				continue
			}
			if at >= 0 {
				return fmt.Errorf("column %s belongs to %s and to %s; name sources, or groups that have none in common", c.Name, m.parts[at].Name, part.Name)
			}
			at = p
		}
		if at < 0 {
			return fmt.Errorf("column %s, of source %q and group %q, belongs to none of the parts; name its source or group, or leave it out with the source's columns", c.Name, c.Source, c.Group)
		}
		m.parts[at].Columns = append(m.parts[at].Columns, j)
	}
	for _, p := range m.parts {
		if len(p.Columns) == 0 {
			return fmt.Errorf("no column is left of %s: no source or group has that name, or the pipeline dropped all of its columns", p.Name)
		}
	}
	return nil
}

// given is for each row the set of parts of which something was given.
func (m *Late) given(x models.Matrix) []int {
	out := make([]int, x.Rows)
	for p, part := range m.parts {
		for i, without := range lacks(x, part.Columns) {
			if !without {
				out[i] |= 1 << p
			}
		}
	}
	return out
}

// having are the rows that have all parts of a set.
func having(given []int, set int) []int {
	var rows []int
	for i, g := range given {
		if g&set == set {
			rows = append(rows, i)
		}
	}
	return rows
}

// fitPart fits part p to rows.
func (l late) fitPart(ctx context.Context, t models.Training, part Part, p int, rows []int, task string) (models.Model, error) {
	if len(rows) == 0 {
		return nil, errors.New("there is nothing to learn from")
	}
	sub := t.Select(rows)
	sub.X, sub.Again = part.Of(t.X, rows), nil
	sub.Seed = t.Seed.Split("late fusion", task, part.Name)
	return l.learners[p].Fit(ctx, sub)
}

// outOfFold returns what each part says of every row that has it, by a model that was not fitted to the row's patient: rows × numbers,
// NaN where the part is absent.
func (l late) outOfFold(ctx context.Context, t models.Training, parts []Part, given []int) ([][]float64, error) {
	stratum := t.Y.Class
	if t.Y.Kind == clinical.Survival {
		stratum = make([]int, len(t.Y.Event))
		for i, e := range t.Y.Event {
			stratum[i] = min(e, 1)
		}
	}
	fold := linear.Folds(stratum, t.Groups, l.folds, t.Seed.Split("late fusion folds"))
	n := numbersOf(t.Y.Kind, len(t.Y.Classes))
	out := make([][]float64, len(parts))
	for p, part := range parts {
		out[p] = slices.Repeat([]float64{math.NaN()}, n*t.X.Rows)
		for f := range l.folds {
			var train, test []int
			for i, k := range fold {
				switch {
				case given[i]&(1<<p) == 0:
				case k == f:
					test = append(test, i)
				default:
					train = append(train, i)
				}
			}
			if len(test) == 0 {
				continue
			}
			model, err := l.fitPart(ctx, t, Part{Name: part.Name, Columns: part.Columns}, p, train, fmt.Sprintf("fold %d", f+1))
			if err != nil {
				return nil, fmt.Errorf("%s, inner fold %d of the combination: %w", part.Name, f+1, err)
			}
			said, err := model.Predict(Part{Columns: part.Columns, Model: model}.Of(t.X, test), nil)
			if err != nil {
				return nil, fmt.Errorf("%s, inner fold %d of the combination: %w", part.Name, f+1, err)
			}
			v := numbers(said, false)
			if len(v) != n*len(test) {
				return nil, fmt.Errorf("%s: %d numbers for %d rows", part.Name, len(v), len(test))
			}
			for i, row := range test {
				copy(out[p][n*row:n*(row+1)], v[n*i:])
			}
		}
	}
	return out, nil
}

// shares are those of the classes among rows; nil for survival.
func shares(y clinical.Outcome) []float64 {
	if y.Kind != clinical.Class {
		return nil
	}
	out := make([]float64, len(y.Classes))
	for _, c := range y.Class {
		out[c] += 1 / float64(len(y.Class))
	}
	return out
}

// members are the parts of a set.
func (m *Late) members(set int) []int {
	var out []int
	for p := range m.parts {
		if set&(1<<p) != 0 {
			out = append(out, p)
		}
	}
	return out
}
