package main

import (
	"math"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/figure"
)

const (
	effectRows  = 500 // patients over which effects are averaged, the first ones
	effectSteps = 20
)

// effect draws how one estimate moves with a numeric input as it is measured: partial dependence and accumulated local effects over
// the patients of the table, both brought to mean 0. It draws nothing of a group, of levels, or of an input that does not vary.
func effect(b *bundle.Bundle, x models.Matrix, e *explained, feature string) (figure.Figure, error) {
	j := b.Find(feature)
	if j < 0 || x.Columns[j].Kind != table.Numeric || !varies(x.Column(j)) {
		return figure.Figure{}, nil
	}
	if x.Rows > effectRows {
		rows := make([]int, effectRows)
		for i := range rows {
			rows[i] = i
		}
		x = x.Select(rows)
		if !varies(x.Column(j)) {
			return figure.Figure{}, nil
		}
	}
	m, err := b.Whole(e.outcome)
	if err != nil {
		return figure.Figure{}, err
	}
	var r explain.Request
	entry := e.entry
	if t := e.at[0].Time; !math.IsNaN(t) {
		r.Times, r.Scale, entry = []float64{t}, e.at[0].Scale, 0
	}
	partial, err := explain.PartialDependence(m, x, j, nil, r)
	if err != nil {
		return figure.Figure{}, err
	}
	local, err := explain.AccumulatedEffects(m, x, j, effectSteps, r)
	if err != nil {
		return figure.Figure{}, err
	}
	if entry >= len(partial) {
		return figure.Figure{}, nil
	}
	p, l := partial[entry], local[entry]
	mean := 0.0
	for _, v := range p.Value {
		mean += v / float64(len(p.Value))
	}
	for g := range p.Value {
		p.Value[g] -= mean
	}
	scale := p.Scale
	if e.class == "" {
		scale = e.at[0].Scale // of a risk, which a pipeline and a model together do not know
	}
	name := feature
	if u := x.Columns[j].Unit; u != "" {
		name += " (" + u + ")"
	}
	return figure.Lines(e.title(), name, "Effect ("+scale+", mean 0)", []figure.Curve{
		{Name: "accumulated local effect", X: l.Grid, Y: l.Value}, {Name: "partial dependence", X: p.Grid, Y: p.Value}})
}

// varies reports whether a column has two different values.
func varies(column []float64) bool {
	first := math.NaN()
	for _, v := range column {
		if table.Missing(v) {
			continue
		}
		if !math.IsNaN(first) && v != first {
			return true
		}
		first = v
	}
	return false
}
