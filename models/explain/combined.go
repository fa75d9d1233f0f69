package explain

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/fusion"
)

// combination is a model that sums what other models say, with weights that depend on which sources a row has.
type combination interface {
	models.Model
	Parts() []fusion.Part
	Probabilities() bool
	Mask(models.Matrix) models.Matrix
	Ways(models.Matrix) []int
	Terms(way int) fusion.Terms
}

// combined explains such a sum: a column's value is that in its part's number times the part's weight, exactly the Shapley value where the
// part's is, because Shapley values of a sum are the sums of Shapley values. The base is that of the row's own way.
type combined struct {
	model   combination
	parts   []*Explainer
	numbers int // of each part, and targets
	used    []int
	base    []float64 // of a row that has every part
}

// newCombined prepares the explanation of a sum on its own scale. It is not ok where a part's numbers have no exact explanation.
func newCombined(m models.Model, scale string, targets int, r Request) (*combined, error) {
	c, ok := m.(combination)
	if !ok {
		return nil, fmt.Errorf("a model of kind %s is not a combination of others; the method %s is not for it", m.Kind(), Combined)
	}
	if own, err := choose(m, Request{}); err != nil || len(r.Times) > 0 || own[0].scale != scale {
		return nil, fmt.Errorf("the %s of a model of kind %s is not a sum of what its parts say", scale, m.Kind())
	}
	out := &combined{model: c, numbers: targets}
	for _, p := range c.Parts() {
		sub := Request{Background: r.Background.only(p.Model), Seed: r.Seed.Split("part", p.Name), Rows: r.Rows}
		if c.Probabilities() {
			sub.Scale = Probability
		}
		e, err := New(p.Model, sub)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		if !e.exact || len(e.targets) != targets {
			return nil, fmt.Errorf("%s: the %s of a model of kind %s is not explained exactly", p.Name, e.targets[0].scale, p.Model.Kind())
		}
		out.parts = append(out.parts, e)
	}
	for j := range m.Columns() {
		out.used = append(out.used, j)
	}
	out.base = out.bases()
	return out, nil
}

// only is the background of a part's columns; nil stays nil.
func (b *Background) only(m models.Model) *Background {
	if b == nil {
		return nil
	}
	x, err := b.Matrix(m.Columns())
	if err != nil {
		return nil // the part says what it lacks, where it needs it
	}
	out := FromMatrix(x)
	out.Weights = b.Weights
	return &out
}

func (c *combined) columns() []int { return c.used }

// bases are those of a row that has every part.
func (c *combined) bases() []float64 {
	if c.base != nil {
		return c.base
	}
	full := c.model.Ways(models.Blank(c.model))[0]
	return c.basesOf(full)
}

func (c *combined) basesOf(way int) []float64 {
	t := c.model.Terms(way)
	out := append([]float64{}, t.Constants...)
	for k := range out {
		for p, e := range c.parts {
			for q, b := range e.engine.bases() {
				out[k] += t.Weights[k][p*c.numbers+q] * b
			}
		}
	}
	return out
}

func (c *combined) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	rows := make([]int, hi-lo)
	for i := range rows {
		rows[i] = lo + i
	}
	x = x.Select(rows)
	ways := c.model.Ways(x)
	width := len(c.used)
	phi = make([]float64, len(rows)*c.numbers*width)
	s.bases = make([]float64, 0, len(rows)*c.numbers)
	terms := map[int]fusion.Terms{}
	bases := map[int][]float64{}
	for _, w := range ways {
		if bases[w] == nil {
			terms[w], bases[w] = c.model.Terms(w), c.basesOf(w)
		}
		s.bases = append(s.bases, bases[w]...)
	}
	errs, s.sampled = nil, nil
	var own scratch
	for p, part := range c.model.Parts() {
		var of []int
		for i, w := range ways {
			if asks(terms[w], p, c.numbers) {
				of = append(of, i)
			}
		}
		if len(of) == 0 {
			continue
		}
		e := c.parts[p]
		own.sampled = nil
		v, doubts, err := e.engine.values(part.Of(x, of), 0, len(of), &own)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", part.Name, err)
		}
		columns := e.engine.columns()
		for i, row := range of {
			if own.sampled != nil && own.sampled[i] && errs == nil {
				errs, s.sampled = make([]float64, len(phi)), make([]bool, len(rows))
			}
			sampled := own.sampled != nil && own.sampled[i] && doubts != nil
			if sampled {
				s.sampled[row] = true
			}
			weights := terms[ways[row]].Weights
			for q := range c.numbers {
				from := v[(i*c.numbers+q)*len(columns):][:len(columns)]
				for k := range c.numbers {
					w := weights[k][p*c.numbers+q]
					if w == 0 {
						continue
					}
					to := phi[(row*c.numbers+k)*width:]
					for n, j := range columns {
						to[part.Columns[j]] += w * from[n]
						if sampled {
							errs[(row*c.numbers+k)*width+part.Columns[j]] += math.Abs(w * doubts[(i*c.numbers+q)*len(columns)+n])
						}
					}
				}
			}
		}
	}
	return phi, errs, nil
}

// asks reports whether a way gives a part any weight.
func asks(t fusion.Terms, part, numbers int) bool {
	for _, w := range t.Weights {
		for _, v := range w[part*numbers : (part+1)*numbers] {
			if v != 0 {
				return true
			}
		}
	}
	return false
}
