package bundle

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
)

// Interactions are what pairs of inputs contributed together to one number of a patient's prediction, beyond what each did alone.
type Interactions struct {
	Outcome string
	Class   string
	Time    float64 // NaN where the number is tied to none
	Scale   string
	Method  string
	Pairs   []Interaction // the largest first
}

// Interaction is the Shapley interaction value of two inputs or groups, both halves together.
type Interaction struct {
	First, Second string
	Amount        float64
}

// Interact returns, for every row of x, whose columns are Columns(), the interactions of each outcome asked for, all where none is named: the
// e.Top largest, summed by e.GroupBy. They are exact and for models of trees alone. Faults of the request are RequestErrors.
func (b *Bundle) Interact(ctx context.Context, x models.Matrix, outcomes []string, e *Explain) ([][]Interactions, error) {
	if err := b.prepare(); err != nil {
		return nil, err
	}
	if err := models.CheckColumns(b.columns, x); err != nil {
		return nil, err
	}
	if wrong := b.Check(Request{Outcomes: outcomes, Explain: e}); wrong != nil {
		return nil, wrong
	}
	chosen, err := b.chosen(outcomes)
	if err != nil {
		return nil, err
	}
	out := make([][]Interactions, x.Rows)
	for _, n := range chosen {
		o, p := &b.Outcomes[n], b.plans[n]
		d, err := p.division(b, e)
		if err != nil {
			return nil, &RequestError{"explain.group_by", fmt.Sprintf("outcome %s: %v", o.Name, err)}
		}
		z, err := o.Chain.Apply(gather(x, p))
		if err != nil {
			return nil, fmt.Errorf("outcome %s: %w", o.Name, err)
		}
		z.Columns = p.columns
		for i := range out { // one by one: a row has as many values as pairs of columns
			list, err := p.interactions(ctx, o, z.Select([]int{i}), d, e)
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], list...)
		}
	}
	return out, nil
}

// interactions are those of an outcome for the one row of z.
func (p *plan) interactions(ctx context.Context, o *Outcome, z models.Matrix, d division, e *Explain) ([]Interactions, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := p.request(o, e)
	if err != nil {
		return nil, err
	}
	got, err := explain.Interact(ctx, o.Model, z, r)
	if err != nil {
		return nil, &RequestError{"explain.interactions", fmt.Sprintf("outcome %s: %v", o.Name, err)}
	}
	out := make([]Interactions, len(got[0]))
	for k, g := range got[0] {
		out[k] = Interactions{Outcome: o.Name, Class: g.Class, Time: g.Time, Scale: g.Scale, Method: g.Method, Pairs: pairs(g, d, e.Top)}
	}
	return out, nil
}

// pairs sums interactions of a model's columns to those of slots. Columns of one slot interact within it, which is no pair.
func pairs(g explain.Interactions, d division, top int) []Interaction {
	sums := map[[2]int]float64{}
	for a, i := range g.Columns {
		for c, j := range g.Columns[:a] {
			v := 2 * g.At(a, c)
			if v == 0 {
				continue
			}
			for _, one := range d.parts[i] {
				for _, other := range d.parts[j] {
					if first, second := min(one.Group, other.Group), max(one.Group, other.Group); first != second {
						sums[[2]int{first, second}] += v * one.Share * other.Share
					}
				}
			}
		}
	}
	out := make([]Interaction, 0, len(sums))
	for at, v := range sums {
		out = append(out, Interaction{d.slots[at[0]].name, d.slots[at[1]].name, v})
	}
	slices.SortFunc(out, func(a, b Interaction) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Amount), math.Abs(a.Amount)), cmp.Compare(a.First, b.First), cmp.Compare(a.Second, b.Second))
	})
	if top == 0 {
		top = defaultTop
	}
	return out[:min(top, len(out))]
}
