package bundle

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Range is between which values an input lay in training once batches were harmonised. Raw values of another scanner lie elsewhere, and
// that is what the harmonisation takes away; a patient is unusual only where the corrected value is.
type Range struct {
	Name string  `json:"name"` // full name of the input
	Low  float64 `json:"low"`  // rounded outwards to a thousandth of the range
	High float64 `json:"high"`
}

// NewRanges describes the columns of training rows as they leave harmonisation: what pipeline.FittedChain.ApplyHarmonised returns.
func NewRanges(x models.Matrix) []Range {
	var out []Range
	for j, c := range x.Columns {
		low, high := math.Inf(1), math.Inf(-1)
		for _, v := range x.Column(j) {
			if !table.Missing(v) {
				low, high = min(low, v), max(high, v)
			}
		}
		if low > high {
			continue
		}
		unit := unitOf(low, high)
		out = append(out, Range{c.Name, min(low, rounded(low, unit, math.Floor)), max(high, rounded(high, unit, math.Ceil))})
	}
	return out
}

// ranges returns the outcome's range of each input that it harmonises, by index of the input.
func (b *Bundle) ranges(o *Outcome) (map[int]Range, error) {
	if len(o.Ranges) == 0 {
		return nil, nil
	}
	out := make(map[int]Range, len(o.Ranges))
	for _, r := range o.Ranges {
		j, ok := b.index[r.Name]
		if !ok || !(r.Low <= r.High) {
			return nil, fmt.Errorf("the range of %q, from %v to %v, is not one of an input", r.Name, r.Low, r.High)
		}
		out[j] = r
	}
	return out, nil
}

// harmonised warns of row i where a value that was given lies outside what training saw once batches were harmonised. z has the columns
// that pipeline.FittedChain.ApplyHarmonised returns. An input that another outcome warned of already is passed over.
func (b *Bundle) harmonised(p *plan, x, z models.Matrix, i int, said []Warning) []Warning {
	out := said
	for k, c := range z.Columns {
		j := b.index[c.Name]
		r, ok := p.ranges[j]
		v, raw := z.Values[k*z.Rows+i], x.Values[j*x.Rows+i]
		if !ok || raw != raw || v != v || v >= r.Low && v <= r.High {
			continue
		}
		again := false
		for _, w := range said {
			again = again || w.Code == OutOfRange && w.Feature == c.Name
		}
		if !again {
			out = append(out, Warning{Code: OutOfRange, Feature: c.Name, Message: fmt.Sprintf("%s is %.6g, and %.6g once its batch is harmonised; training values lie then between %.6g and %.6g",
				c.Name, raw, v, r.Low, r.High)})
		}
	}
	return out
}
