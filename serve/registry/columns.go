package registry

import (
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Columns finds the inputs of a bundle by the names that requests use.
type Columns struct {
	Inputs []bundle.Input
	Unit   table.Unit // what a row is

	index   map[string]int // by full name, and by bare name where only one input has it
	written []string       // each full name as a member of a JSON object begins, "name":
}

func newColumns(b *bundle.Bundle) *Columns {
	c := &Columns{Inputs: b.Inputs, Unit: b.Unit, index: make(map[string]int, len(b.Inputs))}
	bare := make(map[string]int, len(b.Inputs))
	c.written = make([]string, len(b.Inputs))
	for j, in := range b.Inputs {
		c.index[in.Name] = j
		c.written[j] = string(bundle.AppendString(nil, in.Name)) + ":"
		bare[pipeline.Bare(in.Column)]++
	}
	for j, in := range b.Inputs {
		name := pipeline.Bare(in.Column)
		if _, taken := c.index[name]; !taken && bare[name] == 1 {
			c.index[name] = j
		}
	}
	return c
}

// Written is the name of the input numbered j as a member of a JSON object begins, "name":, with no byte escaped that need not be. There is
// none for a number that is not an input's.
func (c *Columns) Written(j int) string {
	if j < len(c.written) {
		return c.written[j]
	}
	return ""
}

// Find returns the input of that name, or -1. The input numbered guess is tried first: clients send columns in order.
func (c *Columns) Find(name []byte, guess int) int {
	if guess < len(c.Inputs) && c.Inputs[guess].Name == string(name) {
		return guess
	}
	if j, ok := c.index[string(name)]; ok {
		return j
	}
	return -1
}
