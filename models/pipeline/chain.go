package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Scoped is a step and the columns it is for.
type Scoped struct {
	Kind string   // the step's kind
	On   []string // patterns, see Matches; empty means all that the step may touch
	Step Step
}

// Chain is steps in the order in which they are applied. The empty chain passes numbers on as they are.
type Chain []Scoped

// FittedChain is a chain that has been fitted. It is safe for concurrent use.
type FittedChain struct {
	inputs  []table.Column
	steps   []fittedStep
	columns []table.Column
	notes   []string
}

// fittedStep is one step of a chain: which of the incoming columns it takes, and how what it returns is merged with the others.
type fittedStep struct {
	on      []int          // indices of incoming columns, ascending
	given   []table.Column // the columns at those indices
	fitted  Fitted
	columns []table.Column // of the merged matrix
	places  []place        // one a merged column; nil where the step took all and its columns are the result
}

// place says where a merged column comes from.
type place struct {
	made  bool // by the step; otherwise passed by
	index int  // among the step's columns or the incoming ones
}

// Fit fits the steps one after the other, each on what the ones before made of the training rows. What leaves the chain is never
// categorical: where the steps leave such columns, encode is appended. Case weights are not used by steps.
func (c Chain) Fit(ctx context.Context, t models.Training) (*FittedChain, error) {
	f, err := c.fitAll(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, s := range c {
		if l, ok := s.Step.(located); ok && l.local() != nil {
			if f, err = f.Learn(l.local()); err != nil {
				return nil, fmt.Errorf("estimate_from: %w", err)
			}
		}
	}
	return f, nil
}

func (c Chain) fitAll(ctx context.Context, t models.Training) (*FittedChain, error) {
	if err := checkFinite(t.X); err != nil {
		return nil, err
	}
	f := &FittedChain{inputs: t.X.Columns, columns: t.X.Columns}
	for i, s := range c {
		k, ok := Lookup(s.Kind)
		if !ok {
			return nil, fmt.Errorf("there is no step %q; known: %v", s.Kind, names())
		}
		if err := checkScope(s.Kind, s.On, k.Touches, f.inputs); err != nil {
			return nil, err
		}
		if err := f.fit(ctx, &t, s, k, i); err != nil {
			return nil, err
		}
	}
	for _, c := range f.columns {
		if c.Group == "batch" {
			return nil, fmt.Errorf("column %q names batches and no step harmonise takes it; a model must not learn from it", c.Name)
		}
	}
	if slices.ContainsFunc(f.columns, func(c table.Column) bool { return c.Kind == table.Categorical }) {
		k := kinds["encode"]
		step, err := k.New(models.Defaults(k.Params))
		if err != nil {
			return nil, err
		}
		return f, f.fit(ctx, &t, Scoped{Kind: "encode", Step: step}, k, len(c))
	}
	return f, nil
}

// fit fits one more step on t, whose matrix is then what the step made of it.
func (f *FittedChain) fit(ctx context.Context, t *models.Training, s Scoped, k Kind, number int) error {
	on := scope(s.On, k.Touches, f.columns)
	if s.Kind != "harmonise" { // nobody else may touch a batch: imputed, it would be a guess
		on = slices.DeleteFunc(on, func(j int) bool { return f.columns[j].Group == "batch" })
	}
	if len(on) == 0 {
		return nil
	}
	part := *t
	given := make([]table.Column, len(on))
	for i, j := range on {
		given[i] = f.columns[j]
	}
	volumes := t.X.Volumes // pass by every step, and are seen by those that read them
	part.X = gather(t.X, on, given)
	part.X.Volumes = volumes
	part.Seed = t.Seed.SplitInt("step "+s.Kind, number)
	fitted, err := s.Step.Fit(ctx, part)
	if err != nil {
		return fmt.Errorf("step %s: %w", s.Kind, err)
	}
	made, err := f.add(on, given, fitted)
	if err != nil {
		return fmt.Errorf("step %s: %w", s.Kind, err)
	}
	if n, ok := fitted.(models.Noted); ok {
		for _, note := range n.Notes() {
			f.notes = append(f.notes, s.Kind+": "+note)
		}
	}
	out, err := fitted.Apply(part.X)
	if err != nil {
		return fmt.Errorf("step %s: %w", s.Kind, err)
	}
	t.X = made.merge(t.X, out)
	t.X.Volumes = volumes
	return nil
}

// add appends a fitted step that takes the given columns, which have the indices on, and works out how its columns merge with the others. A column
// that a step made stands where the first of the columns it came from stood.
func (f *FittedChain) add(on []int, given []table.Column, fitted Fitted) (*fittedStep, error) {
	position := make(map[string]int, len(on))
	for _, j := range on {
		position[f.columns[j].Name] = j
	}
	type spot struct {
		at int
		place
		column table.Column
	}
	spots := make([]spot, 0, len(f.columns))
	taken := 0
	for j, c := range f.columns {
		if taken < len(on) && on[taken] == j {
			taken++
			continue
		}
		spots = append(spots, spot{j, place{false, j}, c})
	}
	for i, c := range fitted.Columns() {
		from := c.From
		if len(from) == 0 {
			from = []string{c.Name}
		}
		at := math.MaxInt
		var origin []string
		for _, name := range from {
			j, ok := position[name]
			if !ok {
				return nil, fmt.Errorf("column %q is made from %q, which the step was not given", c.Name, name)
			}
			at = min(at, j)
			if before := f.columns[j].From; len(before) > 0 {
				origin = append(origin, before...)
			} else {
				origin = append(origin, name)
			}
		}
		if c.From = origin; len(origin) == 1 && origin[0] == c.Name {
			c.From = nil
		} else if len(origin) > 1 {
			slices.Sort(origin)
			c.From = slices.Compact(origin)
		}
		spots = append(spots, spot{at, place{true, i}, c})
	}
	slices.SortStableFunc(spots, func(a, b spot) int { return cmp.Compare(a.at, b.at) })

	s := fittedStep{on: on, given: given, fitted: fitted, columns: make([]table.Column, len(spots)), places: make([]place, len(spots))}
	inOrder := len(on) == len(f.columns)
	for i, p := range spots {
		s.columns[i], s.places[i] = p.column, p.place
		inOrder = inOrder && p.index == i
	}
	if inOrder {
		s.places = nil
	}
	seen := make(map[string]bool, len(s.columns))
	for _, c := range s.columns {
		if seen[c.Name] {
			return nil, fmt.Errorf("column %q would be there twice", c.Name)
		}
		seen[c.Name] = true
	}
	f.steps = append(f.steps, s)
	f.columns = s.columns
	return &f.steps[len(f.steps)-1], nil
}

// merge puts the columns that a step made among those that passed it by.
func (s *fittedStep) merge(incoming, made models.Matrix) models.Matrix {
	if s.places == nil {
		made.Columns = s.columns
		return made
	}
	out := models.NewMatrix(s.columns, incoming.Rows)
	for j, p := range s.places {
		if p.made {
			copy(out.Column(j), made.Column(p.index))
		} else {
			copy(out.Column(j), incoming.Column(p.index))
		}
	}
	return out
}

// gather returns the columns with these indices, which columns describes; all of them is the matrix itself.
func gather(x models.Matrix, on []int, columns []table.Column) models.Matrix {
	if len(on) == len(x.Columns) {
		return x
	}
	out := models.NewMatrix(columns, x.Rows)
	for i, j := range on {
		copy(out.Column(i), x.Column(j))
	}
	return out
}

// Inputs are the raw columns that Apply expects, in order.
func (f *FittedChain) Inputs() []table.Column { return f.inputs }

// Columns are the columns that Apply returns, none of them categorical. From names raw columns.
func (f *FittedChain) Columns() []table.Column { return f.columns }

// Missing says what becomes of a source of which nothing is given: what its columns are replaced by, or that the model itself takes them
// as missing, or that they are not used at all.
func (f *FittedChain) Missing(source string) string {
	used := slices.ContainsFunc(f.inputs, func(c table.Column) bool { return c.Source == source })
	if !used {
		return "it is not used here"
	}
	for i := range f.steps {
		s := &f.steps[i]
		if m, ok := s.fitted.(*imputed); ok && slices.ContainsFunc(m.columns, func(c table.Column) bool { return c.Source == source }) {
			return "what is usual in training stands in for it (impute)"
		}
	}
	return "the model takes its columns as missing"
}

// Notes says what the fit had to tell: columns dropped and why. Empty after decoding.
func (f *FittedChain) Notes() []string { return f.notes }

// HoldsRows is the number of training rows whose values a step holds, which a configuration has to allow; 0 where none does.
func (f *FittedChain) HoldsRows() int {
	most := 0
	for _, s := range f.steps {
		if h, ok := s.fitted.(interface{ HoldsRows() int }); ok {
			most = max(most, h.HoldsRows())
		}
	}
	return most
}

// Apply takes any rows through the chain. x has the columns Inputs() and is not written to.
func (f *FittedChain) Apply(x models.Matrix) (models.Matrix, error) {
	return f.apply(x, nil)
}

// ApplyHarmonised is Apply, and beside it the raw columns that steps harmonise corrected, as the last of them leaves each: what is to be
// compared between batches. Columns made from several raw ones are not there; without such a step there is none.
func (f *FittedChain) ApplyHarmonised(x models.Matrix) (out, corrected models.Matrix, err error) {
	kept := map[string][]float64{}
	out, err = f.apply(x, func(s *fittedStep, made models.Matrix) {
		if h, ok := s.fitted.(*harmonised); ok {
			h.corrected(made, kept)
		}
	})
	if err != nil || len(kept) == 0 {
		return out, models.Matrix{Rows: x.Rows}, err
	}
	var columns []table.Column
	for _, c := range f.inputs {
		if kept[c.Name] != nil {
			columns = append(columns, c)
		}
	}
	corrected = models.NewMatrix(columns, x.Rows)
	for j, c := range columns {
		copy(corrected.Column(j), kept[c.Name])
	}
	return out, corrected, nil
}

// apply takes rows through the chain; watch, where it is not nil, is shown what each step made of them.
func (f *FittedChain) apply(x models.Matrix, watch func(*fittedStep, models.Matrix)) (models.Matrix, error) {
	volumes := x.Volumes // pass by every step, and are seen by those that read them
	if err := models.CheckColumns(f.inputs, x); err != nil {
		return models.Matrix{}, err
	}
	x.Columns = f.inputs
	absent := models.FindAbsent(x)
	for i := range f.steps {
		s := &f.steps[i]
		given := gather(x, s.on, s.given)
		given.Volumes = volumes
		made, err := s.fitted.Apply(given)
		if err != nil {
			return models.Matrix{}, fmt.Errorf("step %s: %w", s.fitted.Kind(), err)
		}
		if watch != nil {
			watch(s, made)
		}
		x = s.merge(x, made)
	}
	x.Volumes, x.Absent = volumes, absent
	return x, nil
}

// checkFinite refuses infinite values, which no step or model can use, naming the first.
func checkFinite(x models.Matrix) error {
	for j, c := range x.Columns {
		for i, v := range x.Column(j) {
			if math.IsInf(v, 0) {
				return fmt.Errorf("column %s, row %d: the value is infinite; leave it empty where it is not known", c.Name, i+1)
			}
		}
	}
	return nil
}
