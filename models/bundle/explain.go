package bundle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
)

// Explain asks for explanations. The zero Explain lists the ten inputs that count most, by the method that suits the model.
type Explain struct {
	Top     int    // largest contributions listed, those of zero left out and the others summed; 0 means 10
	GroupBy string // empty for single inputs, or source or group
	Method  string // one of explain.Methods; empty means auto
	// At explains survival at these times in place of the risk.
	At []Time
	// Background stands in for columns that are left out, in place of the bundle's own. Its columns are the bundle's inputs.
	Background *models.Matrix
}

// defaultTop is how many contributions are listed when a request does not say.
const defaultTop = 10

func (e *Explain) check() error {
	switch {
	case e.GroupBy != "" && e.GroupBy != "source" && e.GroupBy != "group":
		return &RequestError{"explain.group_by", fmt.Sprintf("%q is not source or group", e.GroupBy)}
	case e.Top < 0:
		return &RequestError{"explain.top", fmt.Sprintf("%d is not a number of features", e.Top)}
	case e.Method != "" && !slices.Contains(explain.Methods, e.Method):
		return &RequestError{"explain.method", fmt.Sprintf("there is no method %q; there are %v", e.Method, explain.Methods)}
	}
	return nil
}

// explainer returns what explains an outcome. The one that most requests want is prepared once.
func (p *plan) explainer(o *Outcome, e *Explain) (*explain.Explainer, error) {
	if e.Method == "" && len(e.At) == 0 && e.Background == nil {
		p.once.Do(func() { p.usual, p.fault = explain.New(o.Model, explain.Request{Background: o.Background}) })
		return p.usual, p.fault
	}
	r := explain.Request{Method: e.Method, Background: o.Background}
	if len(e.At) > 0 && o.Kind == clinical.Survival {
		times, err := o.times(e.At)
		if err != nil {
			return nil, err
		}
		for k, t := range times {
			if t > o.FollowUp.Limit {
				return nil, &RequestError{fmt.Sprintf("explain.at[%d]", k), fmt.Sprintf("fewer than %d training patients were at risk then", MinAtRisk)}
			}
		}
		r.Times = times
	}
	if e.Background != nil {
		rows, err := o.Chain.Apply(gather(*e.Background, p))
		if err != nil {
			return nil, err
		}
		background := explain.FromMatrix(rows)
		r.Background = &background
	}
	return explain.New(o.Model, r)
}

// explain adds the explanations of the k-th answer of each patient; z is what the pipeline made of x.
func (b *Bundle) explain(ctx context.Context, o *Outcome, p *plan, x, z models.Matrix, e *Explain, out []Prediction, k int) error {
	explainer, err := p.explainer(o, e)
	if err != nil {
		var wrong *RequestError
		if errors.As(err, &wrong) {
			return err
		}
		return &RequestError{"explain", fmt.Sprintf("outcome %s: %v", o.Name, err)}
	}
	return explainer.Each(z, func(row int, list []models.Attribution) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		answer := &out[row].Outcomes[k]
		for _, a := range list {
			folded, err := b.fold(a, p, x, row, e)
			if err != nil {
				return fmt.Errorf("outcome %s: %w", o.Name, err)
			}
			answer.Explanations = append(answer.Explanations, folded)
		}
		return nil
	})
}

// fold turns an attribution over a model's columns into one over raw inputs: contributions of columns that were made from one
// input are summed, a column made from several stands under its own name, and with GroupBy all of a source or group are summed.
func (b *Bundle) fold(a models.Attribution, p *plan, x models.Matrix, row int, e *Explain) (Explanation, error) {
	if len(a.Values) != len(p.columns) {
		return Explanation{}, fmt.Errorf("%d attributions for %d columns", len(a.Values), len(p.columns))
	}
	out := Explanation{Method: a.Method, Class: a.Class, Time: a.Time, Scale: a.Scale, Base: a.Base, Output: a.Output, Gap: a.Gap}
	slots, names := p.slots(b, e.GroupBy)
	all := make([]Contribution, len(names))
	for s, n := range names {
		all[s] = b.contribution(n, x, row)
	}
	for j, v := range a.Values {
		all[slots[j]].Amount += v
	}
	slices.SortStableFunc(all, func(a, b Contribution) int {
		switch d := math.Abs(b.Amount) - math.Abs(a.Amount); {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return 0
	})
	for len(all) > 0 && all[len(all)-1].Amount == 0 {
		all = all[:len(all)-1] // what did not count is not listed
	}
	top := e.Top
	if top == 0 {
		top = defaultTop
	}
	for k := min(top, len(all)); k < len(all); k++ {
		out.Other += all[k].Amount
	}
	out.Values = all[:min(top, len(all)):len(all)]
	return out, nil
}

// slot is what contributions of one or more of a model's columns are summed to.
type slot struct {
	name  string
	input int // index of the input, -1 where it is not one
}

// slots returns the slot of each of the model's columns, and the slots in order of first appearance.
func (p *plan) slots(b *Bundle, groupBy string) ([]int, []slot) {
	if groupBy == "" {
		return p.slotOf, p.single
	}
	return p.divide(b, groupBy)
}

// divide works out slots.
func (p *plan) divide(b *Bundle, groupBy string) ([]int, []slot) {
	of := make([]int, len(p.made))
	var list []slot
	seen := make(map[string]int, len(p.made))
	for j, c := range p.made {
		s := slot{c.Name, -1}
		switch {
		case groupBy == "source" && c.Source != "":
			s.name = c.Source
		case groupBy == "group" && c.Group != "":
			s.name = c.Group
		case p.raw[j] >= 0:
			s = slot{b.Inputs[p.raw[j]].Name, p.raw[j]}
		}
		k, ok := seen[s.name]
		if !ok {
			k = len(list)
			seen[s.name] = k
			list = append(list, s)
		}
		of[j] = k
	}
	return of, list
}

// contribution is the slot with the value that its input had.
func (b *Bundle) contribution(s slot, x models.Matrix, row int) Contribution {
	c := Contribution{Feature: s.name, Value: math.NaN()}
	if s.input < 0 {
		return c
	}
	in := &b.Inputs[s.input]
	v := x.Values[s.input*x.Rows+row]
	switch {
	case in.Kind == table.Numeric:
		c.Value = v
	case v >= 0:
		c.Text = level(in.Column, v)
	}
	return c
}
