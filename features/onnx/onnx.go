// Package onnx evaluates networks that are stored in ONNX files (https://onnx.ai, IR version 3 and later), in plain Go: the operators of the
// usual convolutional encoders in one, two and three dimensions, in single precision. It is for encoders that look at one patient at a time,
// small beside the reading of the scan; nothing is trained.
//
// A file is not trusted: what it asks for is bounded (see the limits), operators that are not known are named all at once, and nothing
// outside the file is read.
package onnx

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Limits of what a file may ask for.
const (
	MaxFile    = 256 << 20 // bytes
	maxNodes   = 20_000
	maxTensor  = 1 << 26 // numbers of one tensor
	maxRank    = 8
	maxHeld    = 1 << 28 // numbers that are held at once
	maxProduct = 1 << 41 // multiplications of one run
)

// Model is a network that was read. It is safe for concurrent use.
type Model struct {
	nodes  []node // those that the output needs, in order
	given  map[string]*tensor
	input  Value
	output string
	opset  int
	last   map[string]int // the last node that reads a value
}

// Value is an input or output of the network: its name, and its shape with -1 for what is not fixed; nil where the shape is not said.
type Value struct {
	Name  string
	Shape []int
}

// node is one operation.
type node struct {
	op, name        string
	inputs, outputs []string
	attributes      map[string]attribute
	do              operator
}

// describe names the node for an error.
func (n *node) describe() string {
	if n.name != "" {
		return fmt.Sprintf("node %q (%s)", n.name, n.op)
	}
	return fmt.Sprintf("the %s that makes %q", n.op, strings.Join(n.outputs, ", "))
}

// Read reads a model whose answer is the value of that name: an output of the network, or of any of its nodes; empty is the first output.
func Read(data []byte, output string) (*Model, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("the file has %d bytes; at most %d are read", len(data), MaxFile)
	}
	g, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("not a readable ONNX file: %w", err)
	}
	m, err := prepare(g, output)
	if err != nil {
		return nil, err
	}
	var inputs []Value
	for _, v := range g.inputs {
		if g.initializers[v.Name] == nil {
			inputs = append(inputs, v)
		}
	}
	if len(inputs) != 1 {
		return nil, fmt.Errorf("the network has %d inputs beside its weights; an encoder has one", len(inputs))
	}
	m.input = inputs[0]
	return m, nil
}

// prepare makes a model of a graph.
func prepare(g *graph, output string) (*Model, error) {
	m := &Model{given: g.initializers, opset: g.opset, output: output}
	if len(g.outputs) == 0 {
		return nil, errors.New("the network has no output")
	}
	if output == "" {
		m.output = g.outputs[0].Name
	}
	return m, m.need(g)
}

// Input is the network's input.
func (m *Model) Input() Value { return m.input }

// need keeps the nodes that the output needs, in an order in which they can be computed, and finds their operators.
func (m *Model) need(g *graph) error {
	maker := map[string]int{}
	for i, n := range g.nodes {
		for _, o := range n.outputs {
			if _, twice := maker[o]; twice && o != "" {
				return fmt.Errorf("the value %q is made twice", o)
			}
			maker[o] = i
		}
	}
	if _, ok := maker[m.output]; !ok || m.output == "" {
		if i := slices.IndexFunc(g.nodes, func(n node) bool { return n.name == m.output && len(n.outputs) > 0 }); i >= 0 && m.output != "" {
			m.output, ok = g.nodes[i].outputs[0], true
		}
		if !ok {
			return fmt.Errorf("the network has no value or node %q; it ends with %v", m.output, lastValues(g))
		}
	}
	wanted := make([]bool, len(g.nodes))
	stack := []string{m.output}
	for len(stack) > 0 {
		name := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if i, ok := maker[name]; ok && name != "" && !wanted[i] {
			wanted[i] = true
			stack = append(stack, g.nodes[i].inputs...)
		}
	}
	unknown := map[string]bool{}
	m.last = map[string]int{}
	made := map[string]bool{}
	for i, n := range g.nodes {
		if !wanted[i] {
			continue
		}
		for _, in := range n.inputs {
			if j, ok := maker[in]; ok && !made[in] && in != "" {
				return fmt.Errorf("%s reads %q before %s makes it", n.describe(), in, g.nodes[j].describe())
			}
			m.last[in] = len(m.nodes)
		}
		for _, o := range n.outputs {
			made[o] = true
		}
		do, ok := operators[n.op]
		if !ok {
			unknown[n.op] = true
		}
		n.do = do
		m.nodes = append(m.nodes, n)
	}
	if len(unknown) > 0 {
		return fmt.Errorf("operators that are not known here: %v; known are %v", slices.Sorted(maps.Keys(unknown)), slices.Sorted(maps.Keys(operators)))
	}
	return nil
}

// lastValues are names of the last values of a network, for an error.
func lastValues(g *graph) []string {
	var out []string
	for _, n := range slices.Backward(g.nodes) {
		out = append(out, n.outputs...)
		if len(out) >= 8 {
			break
		}
	}
	return out
}

// Run evaluates the network on one input, the last axis fastest, and returns the output and its shape.
func (m *Model) Run(values []float32, shape []int) ([]float32, []int, error) {
	size, err := sizeOf(shape)
	if err != nil {
		return nil, nil, err
	}
	if size != len(values) {
		return nil, nil, fmt.Errorf("%d values for the shape %v", len(values), shape)
	}
	if err := m.Takes(shape); err != nil {
		return nil, nil, err
	}
	t, err := m.evaluate(map[string]*tensor{m.input.Name: {shape: shape, floats: values}})
	if err != nil {
		return nil, nil, err
	}
	if t.floats == nil {
		return nil, nil, fmt.Errorf("the value %q holds no numbers in single precision", m.output)
	}
	return t.floats, t.shape, nil
}

// evaluate computes the output from values by name.
func (m *Model) evaluate(values map[string]*tensor) (out *tensor, err error) {
	defer func() { // operators check what they are given; what they miss must not end a server
		if e := recover(); e != nil {
			err = fmt.Errorf("the network asks for what cannot be: %v", e)
		}
	}()
	r := &run{model: m, values: values}
	for i := range m.nodes {
		n := &m.nodes[i]
		in := make([]*tensor, len(n.inputs))
		for k, name := range n.inputs {
			if name == "" {
				continue // an optional input that is left out
			}
			if in[k] = r.find(name); in[k] == nil {
				return nil, fmt.Errorf("%s reads %q, which nothing makes", n.describe(), name)
			}
		}
		made, err := n.do(r, n, in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.describe(), err)
		}
		for k, t := range made {
			if k < len(n.outputs) && n.outputs[k] != "" {
				r.values[n.outputs[k]] = t
				r.held += t.size()
			}
		}
		if r.held > maxHeld || r.products > maxProduct {
			return nil, fmt.Errorf("%s: the network needs more than is given: at most %d numbers at once and %d multiplications", n.describe(), maxHeld, int64(maxProduct))
		}
		for _, name := range n.inputs {
			if t := r.values[name]; t != nil && m.last[name] == i && name != m.output {
				r.held -= t.size()
				delete(r.values, name)
			}
		}
	}
	if out = r.find(m.output); out == nil {
		return nil, fmt.Errorf("the value %q is not made", m.output)
	}
	return out, nil
}

// Takes says why an input of this shape does not fit the network's input.
func (m *Model) Takes(shape []int) error {
	want := m.input.Shape
	if want == nil {
		return nil
	}
	ok := len(want) == len(shape)
	for a := range want {
		ok = ok && a < len(shape) && (want[a] < 0 || want[a] == shape[a])
	}
	if !ok {
		return fmt.Errorf("the input %q has the shape %v (-1 is free), and %v was given", m.input.Name, want, shape)
	}
	return nil
}

// run is one evaluation.
type run struct {
	model    *Model
	values   map[string]*tensor
	held     int
	products int
}

func (r *run) find(name string) *tensor {
	if t := r.values[name]; t != nil {
		return t
	}
	return r.model.given[name]
}
