package registry

import (
	"slices"

	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Columns finds the inputs of a bundle by the names that requests use.
type Columns struct {
	// Inputs are those of the bundle, with the units that features of shape have by definition where training stated none.
	Inputs []bundle.Input
	Unit   table.Unit // what a row is

	index   map[string]int // by full name, and by bare name where only one input has it
	written []string       // each full name as a member of a JSON object begins, "name":
	numbers []int          // from each input on, where the numeric ones end
}

func newColumns(b *bundle.Bundle) *Columns {
	c := &Columns{Inputs: slices.Clone(b.Inputs), Unit: b.Unit, index: make(map[string]int, len(b.Inputs))}
	bare := make(map[string]int, len(b.Inputs))
	c.written = make([]string, len(b.Inputs))
	for j, in := range b.Inputs {
		c.index[in.Name] = j
		c.written[j] = string(bundle.AppendString(nil, in.Name)) + ":"
		bare[pipeline.Bare(in.Column)]++
		if in.Unit == "" && in.Kind == table.Numeric {
			c.Inputs[j].Unit = radiomics.Unit(pipeline.Bare(in.Column))
		}
	}
	c.numbers = make([]int, len(b.Inputs)+1)
	for j, end := len(b.Inputs)-1, len(b.Inputs); j >= 0; j-- {
		if b.Inputs[j].Kind != table.Numeric {
			end = j
		}
		c.numbers[j] = end
	}
	for j, in := range b.Inputs {
		name := pipeline.Bare(in.Column)
		if _, taken := c.index[name]; !taken && bare[name] == 1 {
			c.index[name] = j
		}
	}
	return c
}

// Numbers are the names of the inputs from the one numbered j on that are numbers, up to the first that is not, each as a member of a JSON object
// begins, "name":, with no byte escaped that need not be.
func (c *Columns) Numbers(j int) []string {
	if j >= len(c.written) {
		return nil
	}
	return c.written[j:c.numbers[j]]
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

// Nearest is the input's name most like one that no input has, or "" where none is like it. Names beyond a length and models beyond a number of
// inputs are not compared: that is quadratic, and the client chose the name. Ask for those alone that are told, as problem.Faults.Full says. What is not like an input's name may be anything, an identifier of a
// patient too, and is not to be repeated.
func (c *Columns) Nearest(name string) string {
	if len(name) > 100 || len(c.Inputs) > 2000 {
		return ""
	}
	known := make([]string, len(c.Inputs))
	for j, in := range c.Inputs {
		known[j] = in.Name
	}
	return settings.Nearest(name, known)
}
