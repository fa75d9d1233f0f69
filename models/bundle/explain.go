package bundle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
)

// Explain asks for explanations. The zero Explain lists the ten inputs that count most, by the method that suits the model.
type Explain struct {
	Top     int    // largest contributions listed, those of zero left out and the others summed; 0 means 10
	GroupBy string // empty for single inputs, or one of Groupings
	Method  string // one of explain.Methods; empty means auto
	// Sets are the gene sets of the grouping set.
	Sets []genes.Set
	// At explains survival at these times in place of the risk.
	At []Time
	// Background stands in for columns that are left out, in place of the bundle's own. Its columns are the bundle's inputs.
	Background *models.Matrix
}

// Groupings are the ways to sum contributions: by source, by group of columns, by radiomics family within a source, and by gene set.
var Groupings = []string{"source", "group", "family", "set"}

// defaultTop is how many contributions are listed when a request does not say.
const defaultTop = 10

func (e *Explain) check() error {
	switch {
	case e.GroupBy != "" && !slices.Contains(Groupings, e.GroupBy):
		return &RequestError{"explain.group_by", fmt.Sprintf("%q is not one of %v", e.GroupBy, Groupings)}
	case e.GroupBy == "set" && len(e.Sets) == 0:
		return &RequestError{"explain.group_by", "set needs gene sets, which voxgene explain --sets reads"}
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
	d, err := p.division(b, e)
	if err != nil {
		return &RequestError{"explain.group_by", fmt.Sprintf("outcome %s: %v", o.Name, err)}
	}
	return explainer.Each(z, func(row int, list []models.Attribution) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		answer := &out[row].Outcomes[k]
		for _, a := range list {
			folded, err := b.fold(a, d, x, row, e)
			if err != nil {
				return fmt.Errorf("outcome %s: %w", o.Name, err)
			}
			answer.Explanations = append(answer.Explanations, folded)
		}
		return nil
	})
}

// fold turns an attribution over a model's columns into one over raw inputs: contributions of columns that were made from one
// input are summed, a column made from several stands under its own name, and with GroupBy all of a group are summed.
func (b *Bundle) fold(a models.Attribution, d division, x models.Matrix, row int, e *Explain) (Explanation, error) {
	if len(a.Values) != len(d.parts) {
		return Explanation{}, fmt.Errorf("%d attributions for %d columns", len(a.Values), len(d.parts))
	}
	out := Explanation{Method: a.Method, Exact: a.Exact, Class: a.Class, Time: a.Time, Scale: a.Scale, Base: a.Base, Output: a.Output, Gap: a.Gap}
	all := make([]Contribution, len(d.slots))
	for s, n := range d.slots {
		all[s] = b.contribution(n, x, row)
	}
	for j, v := range a.Values {
		for _, part := range d.parts[j] {
			all[part.Group].Amount += v * part.Share
			if a.Errors != nil {
				all[part.Group].Error += a.Errors[j] * part.Share
			}
		}
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

// division says to which slots the contribution of each of the model's columns goes, and in which shares.
type division struct {
	slots []slot
	parts [][]explain.Part
}

// division returns the division that a request asks for. That into single inputs was made when the bundle was prepared.
func (p *plan) division(b *Bundle, e *Explain) (division, error) {
	var g explain.Groups
	switch e.GroupBy {
	case "":
		return p.single, nil
	case "source":
		g = explain.By(p.made, explain.Source)
	case "group":
		g = explain.By(p.made, explain.Group)
	case "family":
		g = explain.By(p.made, explain.Family)
	case "set":
		var err error
		if g, err = explain.BySets(p.made, e.Sets); err != nil {
			return division{}, err
		}
	}
	d := division{parts: g.Parts}
	for _, name := range g.Names {
		d.slots = append(d.slots, slot{name, -1})
	}
	return d, nil
}

// divide works out the division into single inputs: columns that were made from one input go to it, others stand for themselves.
func (p *plan) divide(b *Bundle) division {
	d := division{parts: make([][]explain.Part, len(p.made))}
	seen := make(map[string]int, len(p.made))
	for j, c := range p.made {
		s := slot{c.Name, -1}
		if p.raw[j] >= 0 {
			s = slot{b.Inputs[p.raw[j]].Name, p.raw[j]}
		}
		k, ok := seen[s.name]
		if !ok {
			k = len(d.slots)
			seen[s.name] = k
			d.slots = append(d.slots, s)
		}
		d.parts[j] = []explain.Part{{Group: k, Share: 1}}
	}
	return d
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
