package bundle

import (
	"cmp"
	"context"
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
	// Scale is one of those in package explain; empty means the model's own.
	Scale string
	// At explains survival at these times in place of the risk.
	At []Time
	// Maps adds the contribution of each voxel, of models that read images.
	Maps bool
	// Interactions adds what pairs contributed together, the Top largest, of models of trees.
	Interactions bool
	// Background stands in for columns that are left out, in place of the bundle's own. Its columns are the bundle's inputs.
	Background *models.Matrix
}

// Groupings are the ways to sum contributions: by source, by group of columns, by radiomics family within a source, and by gene set.
var Groupings = []string{"source", "group", "family", "set"}

// defaultTop is how many contributions are listed when a request does not say.
const defaultTop = 10

// explainer returns what explains an outcome. The one that most requests want is prepared once.
func (p *plan) explainer(o *Outcome, e *Explain) (*explain.Explainer, error) {
	if (e.Method == "" || e.Method == explain.Auto) && e.Scale == "" && len(e.At) == 0 && e.Background == nil && !e.Maps {
		p.once.Do(func() { p.usual, p.fault = explain.New(o.Model, explain.Request{Background: o.Background}) })
		return p.usual, p.fault
	}
	r, err := p.request(o, e)
	if err != nil {
		return nil, err
	}
	if len(r.Times) > 0 || e.Background != nil || e.Maps {
		return explain.New(o.Model, r)
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	asked := [2]string{e.Method, e.Scale}
	if kept := p.kept[asked]; kept != nil {
		return kept, nil
	}
	r.Rows = explain.Many
	made, err := explain.New(o.Model, r)
	if err != nil {
		return nil, err
	}
	if p.kept == nil {
		p.kept = map[[2]string]*explain.Explainer{}
	}
	p.kept[asked] = made // only what the model allows comes here, so there are few
	return made, nil
}

// request is what is asked of package explain about an outcome.
func (p *plan) request(o *Outcome, e *Explain) (explain.Request, error) {
	r := explain.Request{Method: e.Method, Scale: e.Scale, Background: o.Background, Maps: e.Maps}
	if len(e.At) > 0 && o.Kind == clinical.Survival {
		times, err := o.times(e.At)
		if err != nil {
			return r, err
		}
		var late RequestErrors
		for k, t := range times {
			if t > o.FollowUp.Limit {
				late = append(late, &RequestError{fmt.Sprintf("explain.at[%d]", k), fmt.Sprintf("fewer than %d training patients were at risk then", MinAtRisk)})
			}
		}
		if late != nil {
			return r, late
		}
		r.Times = times
	}
	if e.Background != nil {
		rows, err := o.Chain.Apply(gather(*e.Background, p))
		if err != nil {
			return r, err
		}
		background := explain.FromMatrix(rows)
		r.Background = &background
	}
	return r, nil
}

// explain adds the explanations of the k-th answer of each patient; z is what the pipeline made of x.
func (b *Bundle) explain(ctx context.Context, o *Outcome, p *plan, x, z models.Matrix, e *Explain, out []Prediction, k int) error {
	explainer, err := p.explainer(o, e)
	if err != nil {
		if Faults(err) != nil {
			return err
		}
		return &RequestError{"explain", fmt.Sprintf("outcome %s: %v", o.Name, err)}
	}
	d, err := p.division(b, e)
	if err != nil {
		return &RequestError{"explain.group_by", fmt.Sprintf("outcome %s: %v", o.Name, err)}
	}
	err = each(ctx, explainer, z, e, func(row int, list []models.Attribution) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		answer := &out[row].Outcomes[k]
		for _, a := range list {
			if explain.Wide(a) {
				out[row].Warnings = append(out[row].Warnings, Warning{Code: ExplanationGap, Outcome: o.Name,
					Message: fmt.Sprintf("contributions by %s sum to %.4g where the %s is %.4g away from the base", a.Method, a.Output-a.Base-a.Gap, a.Scale, a.Output-a.Base)})
			}
			folded, err := b.fold(a, d, x, row, e)
			if err != nil {
				return fmt.Errorf("outcome %s: %w", o.Name, err)
			}
			answer.Explanations = append(answer.Explanations, folded)
		}
		return nil
	})
	if err != nil || !e.Interactions {
		return err
	}
	for i := range out {
		if out[i].Outcomes[k].Interactions, err = p.interactions(ctx, o, z.Select([]int{i}), d, e); err != nil {
			return err
		}
	}
	return nil
}

// each explains the rows of z. A method that was asked for may take seconds a row, so where the context has a deadline rows go one by one, and
// none is begun after it.
func each(ctx context.Context, explainer *explain.Explainer, z models.Matrix, e *Explain, do func(row int, list []models.Attribution) error) error {
	if _, limited := ctx.Deadline(); !limited || z.Rows == 1 || (e.Method == "" || e.Method == explain.Auto) && len(e.At) == 0 {
		return explainer.Each(ctx, z, do)
	}
	for i := range z.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := explainer.Each(ctx, z.Select([]int{i}), func(_ int, list []models.Attribution) error { return do(i, list) }); err != nil {
			return err
		}
	}
	return nil
}

// fold turns an attribution over a model's columns into one over raw inputs: contributions of columns that were made from one
// input are summed, a column made from several stands under its own name, and with GroupBy all of a group are summed.
func (b *Bundle) fold(a models.Attribution, d division, x models.Matrix, row int, e *Explain) (Explanation, error) {
	if len(a.Values) != len(d.parts) {
		return Explanation{}, fmt.Errorf("%d attributions for %d columns", len(a.Values), len(d.parts))
	}
	out := Explanation{Method: a.Method, Exact: a.Exact, Class: a.Class, Time: a.Time, Scale: a.Scale, Base: a.Base, Output: a.Output, Gap: a.Gap}
	amounts, errs := make([]float64, len(d.slots)), []float64(nil)
	if a.Errors != nil {
		errs = make([]float64, len(d.slots))
	}
	if d.only != nil && errs == nil {
		for j, v := range a.Values {
			amounts[d.only[j]] += v
		}
	} else {
		for j, v := range a.Values {
			for _, part := range d.parts[j] {
				amounts[part.Group] += v * part.Share
				if errs != nil {
					errs[part.Group] += a.Errors[j] * part.Share
				}
			}
		}
	}
	for _, s := range a.Images {
		k := slices.IndexFunc(d.slots, func(t slot) bool { return t.name == imageSlot(s.Source, e.GroupBy) })
		if k < 0 {
			k = len(amounts)
			d.slots = append(slices.Clip(d.slots), slot{imageSlot(s.Source, e.GroupBy), -1})
			if amounts = append(amounts, 0); errs != nil {
				errs = append(errs, 0)
			}
		}
		amounts[k] += s.Value
		if s.Map != nil {
			out.Images = append(out.Images, s)
		}
	}
	top := e.Top
	if top == 0 {
		top = defaultTop
	}
	listed := largest(amounts, top)
	out.Values = make([]Contribution, len(listed))
	for k, s := range listed {
		out.Values[k] = b.contribution(d.slots[s], x, row)
		out.Values[k].Amount, amounts[s] = amounts[s], 0
		if errs != nil {
			out.Values[k].Error = errs[s]
		}
	}
	for _, v := range amounts {
		out.Other += v
	}
	return out, nil
}

// imageSlot is what the contribution of a source's image is summed to: the source itself, or a name that no column has.
func imageSlot(source, groupBy string) string {
	if groupBy == "source" {
		return source
	}
	return source + " (image)"
}

// largest returns the indices of the largest amounts, the largest first and the first of equals first; at most n, and none of zero.
func largest(amounts []float64, n int) []int {
	if n > len(amounts)/8 {
		all := make([]int, 0, len(amounts))
		for s, v := range amounts {
			if v != 0 {
				all = append(all, s)
			}
		}
		slices.SortStableFunc(all, func(s, t int) int { return cmp.Compare(math.Abs(amounts[t]), math.Abs(amounts[s])) })
		return all[:min(n, len(all))]
	}
	list := make([]int, 0, n)
	for s, v := range amounts {
		v = math.Abs(v)
		if v == 0 || len(list) == n && v <= math.Abs(amounts[list[n-1]]) {
			continue
		}
		if len(list) < n {
			list = append(list, s)
		}
		k := len(list) - 1
		for ; k > 0 && v > math.Abs(amounts[list[k-1]]); k-- {
			list[k] = list[k-1]
		}
		list[k] = s
	}
	return list
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
	only  []int // the slot of each column, where every column has but one; nil where that does not hold
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
	d := division{parts: make([][]explain.Part, len(p.made)), only: make([]int, len(p.made))}
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
		d.parts[j], d.only[j] = []explain.Part{{Group: k, Share: 1}}, k
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
