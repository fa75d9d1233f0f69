package bundle

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// source is one source of a bundle's inputs.
type source struct {
	name   string
	inputs int
}

// sources numbers the sources of the inputs, in order of first appearance, and returns that of each input.
func sources(inputs []Input) ([]source, []int) {
	var list []source
	at := make([]int, len(inputs))
	seen := map[string]int{}
	for j, in := range inputs {
		k, ok := seen[in.Source]
		if !ok {
			k = len(list)
			seen[in.Source] = k
			list = append(list, source{name: in.Source})
		}
		list[k].inputs++
		at[j] = k
	}
	return list, at
}

// envelope compares row i with what training saw: values out of range, missing values (a source of which nothing was given is one
// warning), levels that training did not know. An infinite value is an error.
func (b *Bundle) envelope(x models.Matrix, i int) ([]Warning, error) {
	var out []Warning
	var given []int // values of each source, counted when a first one is missing
	for j := range b.Inputs {
		v := x.Values[j*x.Rows+i]
		in := &b.Inputs[j]
		switch {
		case v != v:
			if given == nil {
				given = b.given(x, i)
			}
			s := b.sources[b.sourceOf[j]]
			switch n := &given[b.sourceOf[j]]; {
			case *n > 0 || s.name == "" || s.inputs == 1:
				out = append(out, Warning{Code: MissingValue, Feature: in.Name, Message: in.Name + " is missing"})
			case *n == 0:
				out = append(out, Warning{Code: MissingSource, Source: s.name, Message: "nothing of the source " + s.name + " was given"})
				*n = -1 // said once
			}
		case math.IsInf(v, 0):
			return nil, &RequestError{in.Name, "the value is infinite"}
		case in.Kind != table.Numeric:
			if v == table.Unseen {
				out = append(out, Warning{Code: UnseenLevel, Feature: in.Name, Message: in.Name + " has a level that training did not know"})
			}
		case in.outside(v):
			low, high := in.Quantiles[0], in.Quantiles[len(in.Quantiles)-1]
			out = append(out, Warning{Code: OutOfRange, Feature: in.Name,
				Message: fmt.Sprintf("%s is %.6g; training values lie between %.6g and %.6g", in.Name, v, low, high)})
		}
	}
	return out, nil
}

// given counts the values of each source that row i has.
func (b *Bundle) given(x models.Matrix, i int) []int {
	n := make([]int, len(b.sources))
	for j, s := range b.sourceOf {
		if v := x.Values[j*x.Rows+i]; v == v {
			n[s]++
		}
	}
	return n
}
