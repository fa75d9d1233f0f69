package pipeline

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// located is a Step that learns batches from a table of patients whose outcome nobody knows.
type located interface {
	local() *table.Table
	// names reports whether a column names the step's batches.
	names(c table.Column) bool
}

// Learn returns the chain with the batches of a table of new patients: those of a scanner or centre that was not there in training. Of
// the patients no outcome is needed. They pass the steps before harmonise as any row does, their batches' effects are estimated against
// what training fixed, and nothing else of the chain changes: patients of the batches that training had are answered as before, to the
// bit. Columns are found by full or bare name; one that the table lacks counts as missing.
func (f *FittedChain) Learn(t *table.Table) (*FittedChain, error) {
	at := -1 // the last step that harmonises
	batches := map[string]bool{}
	for i, s := range f.steps {
		if h, ok := s.fitted.(*harmonised); ok {
			at = i
			batches[h.given[h.state.Batch].Name] = true
		}
	}
	if at < 0 {
		return nil, errors.New("no step harmonises batches, so there is nothing to learn from patients of another")
	}
	g := &FittedChain{inputs: slices.Clone(f.inputs), notes: f.notes}
	if err := widen(g.inputs, func(c table.Column) bool { return batches[c.Name] }, t); err != nil {
		return nil, err
	}
	x, err := locals(g.inputs, t)
	if err != nil {
		return nil, err
	}
	g.columns = g.inputs
	for i, s := range f.steps {
		given := make([]table.Column, len(s.on))
		for k, j := range s.on {
			given[k] = g.columns[j]
		}
		fitted, err := again(s.fitted, given)
		if err != nil {
			return nil, fmt.Errorf("step %s: %w", s.fitted.Kind(), err)
		}
		var part models.Matrix
		if i <= at {
			part = gather(x, s.on, given)
		}
		if h, ok := fitted.(*harmonised); ok {
			if err := h.learn(part); err != nil {
				return nil, fmt.Errorf("step harmonise: %w", err)
			}
		}
		made, err := g.add(s.on, given, fitted)
		if err != nil {
			return nil, err
		}
		if i >= at {
			continue // what follows needs no local row
		}
		out, err := fitted.Apply(part)
		if err != nil {
			return nil, fmt.Errorf("step %s, patients to learn from: %w", fitted.Kind(), err)
		}
		x = made.merge(x, out)
	}
	return g, nil
}

// again is a fitted step for the same columns with more levels.
func again(f Fitted, columns []table.Column) (Fitted, error) {
	state, err := f.Encode()
	if err != nil {
		return nil, err
	}
	return kinds[f.Kind()].Decode(columns, state)
}

// Widen adds to columns that name batches the levels that tables of local patients have, so that a bundle knows their names.
func Widen(specs []Spec, columns []table.Column) ([]table.Column, error) {
	columns = slices.Clone(columns)
	for _, s := range specs {
		k, ok := Lookup(s.Step)
		if !ok {
			continue
		}
		step, err := s.build(k)
		if err != nil {
			return nil, err
		}
		if l, ok := step.(located); ok && l.local() != nil {
			if err := widen(columns, l.names, l.local()); err != nil {
				return nil, err
			}
		}
	}
	return columns, nil
}

// widen appends the batches of a table to the levels of the columns that name batches.
func widen(columns []table.Column, names func(table.Column) bool, t *table.Table) error {
	found := false
	shared := bareNames(columns)
	for i, c := range columns {
		if c.Kind != table.Categorical || !names(c) {
			continue
		}
		j := locate(c, shared, t)
		if j < 0 {
			continue
		}
		found = true
		columns[i].Levels = slices.Clone(c.Levels)
		for r := range t.Rows() {
			if level := text(t, j, r); level != "" && !slices.Contains(columns[i].Levels, level) {
				columns[i].Levels = append(columns[i].Levels, level)
			}
		}
		slices.Sort(columns[i].Levels[len(c.Levels):])
	}
	if !found {
		return errors.New("the table of local patients has no column of their batch, as the training data have")
	}
	return nil
}

// bareNames counts the columns of each bare name.
func bareNames(columns []table.Column) map[string]int {
	count := make(map[string]int, len(columns))
	for _, c := range columns {
		count[Bare(c)]++
	}
	return count
}

// locate is the column of a table that an input is, by full name or by a bare name that one input has; −1 where there is none.
func locate(c table.Column, shared map[string]int, t *table.Table) int {
	if j := t.Find(c.Name); j >= 0 || shared[Bare(c)] > 1 {
		return j
	}
	return t.Find(Bare(c))
}

// text is a cell as a level would be written; "" where it is missing.
func text(t *table.Table, column, row int) string {
	v := t.Values[column][row]
	c := t.Columns[column]
	switch {
	case table.Missing(v):
		return ""
	case c.Kind == table.Numeric:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case int(v) < 0 || int(v) >= len(c.Levels):
		return ""
	}
	return c.Levels[int(v)]
}

// locals are the rows of a table as a matrix of inputs.
func locals(columns []table.Column, t *table.Table) (models.Matrix, error) {
	x := models.NewMatrix(columns, t.Rows())
	shared := bareNames(columns)
	for i, c := range columns {
		to := x.Column(i)
		j := locate(c, shared, t)
		if j < 0 {
			for r := range to {
				to[r] = math.NaN()
			}
			continue
		}
		from := t.Columns[j]
		if c.Kind == table.Numeric {
			if from.Kind != table.Numeric {
				return x, fmt.Errorf("column %s of the local patients holds text, and numbers are wanted", from.Name)
			}
			copy(to, t.Values[j])
			continue
		}
		for r := range to {
			level := text(t, j, r)
			if to[r] = float64(slices.Index(c.Levels, level)); level == "" && table.Missing(t.Values[j][r]) {
				to[r] = math.NaN()
			}
		}
	}
	return x, nil
}

// learn adds the batches of rows that training had not.
func (f *harmonised) learn(x models.Matrix) error {
	m, covariates, err := f.parts(x)
	if err != nil {
		return err
	}
	batches, err := f.batches(x)
	if err != nil {
		return err
	}
	learnt := false
	for _, name := range slices.Compact(slices.Sorted(slices.Values(batches))) {
		if name == "" || f.state.ComBat.Knows(name) {
			continue
		}
		var rows []int
		part := make([][]float64, len(covariates))
		for i, b := range batches {
			if b != name {
				continue
			}
			rows = append(rows, i)
			for k := range covariates {
				part[k] = append(part[k], covariates[k][i])
			}
		}
		if f.state.ComBat, err = f.state.ComBat.Learn(name, m.SelectSamples(rows), part); err != nil {
			return err
		}
		learnt = true
	}
	if !learnt {
		return errors.New("the local patients are of no batch that training had not")
	}
	return nil
}
