package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// tensor holds numbers, the last axis fastest: single precision, or whole numbers (and truth values as 0 and 1). It is never written to once
// made.
type tensor struct {
	shape  []int
	floats []float32
	ints   []int64
}

func (t *tensor) size() int { return max(len(t.floats), len(t.ints)) }

// sizeOf is the number of values of a shape.
func sizeOf(shape []int) (int, error) {
	if len(shape) > maxRank {
		return 0, fmt.Errorf("a shape has at most %d axes, not %d", maxRank, len(shape))
	}
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > maxTensor/d {
			return 0, fmt.Errorf("a tensor of the shape %v is more than %d numbers, or less than none", shape, maxTensor)
		}
		n *= d
	}
	return n, nil
}

// newFloats is a tensor of zeros.
func newFloats(shape []int) (*tensor, error) {
	n, err := sizeOf(shape)
	if err != nil {
		return nil, err
	}
	return &tensor{shape: shape, floats: make([]float32, n)}, nil
}

// axis is an axis that may count from the end.
func axis(a int64, rank int) (int, error) {
	if a < -int64(rank) || a >= int64(rank) {
		return 0, fmt.Errorf("axis %d of %d", a, rank)
	}
	if a < 0 {
		a += int64(rank)
	}
	return int(a), nil
}

// axes are several, sorted, each once.
func axesOf(list []int64, rank int) ([]int, error) {
	var out []int
	for _, v := range list {
		a, err := axis(v, rank)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	slices.Sort(out)
	if len(slices.Compact(slices.Clone(out))) != len(out) {
		return nil, fmt.Errorf("axes %v name one twice", list)
	}
	return out, nil
}

// strides of a shape whose last axis is fastest.
func strides(shape []int) []int {
	out := make([]int, len(shape))
	n := 1
	for a := len(shape) - 1; a >= 0; a-- {
		out[a] = n
		n *= shape[a]
	}
	return out
}

// broadcast is the shape that two shapes make together, as in NumPy, and the strides of each in it.
func broadcast(a, b []int) (shape, sa, sb []int, err error) {
	rank := max(len(a), len(b))
	shape, sa, sb = make([]int, rank), make([]int, rank), make([]int, rank)
	ta, tb := strides(a), strides(b)
	for k := range rank {
		da, db := 1, 1
		if i := k - (rank - len(a)); i >= 0 {
			da, sa[k] = a[i], ta[i]
		}
		if i := k - (rank - len(b)); i >= 0 {
			db, sb[k] = b[i], tb[i]
		}
		if da != db && da != 1 && db != 1 {
			return nil, nil, nil, fmt.Errorf("shapes %v and %v do not go together", a, b)
		}
		if shape[k] = da; da == 1 {
			shape[k], sa[k] = db, 0
		}
		if db == 1 {
			sb[k] = 0
		}
	}
	_, err = sizeOf(shape)
	return shape, sa, sb, err
}

// walk visits every place of a shape in order with its offsets by several strides.
func walk(shape []int, by [][]int, do func(n int, at []int)) {
	size := 1
	for _, d := range shape {
		size *= d
	}
	at, place := make([]int, len(by)), make([]int, len(shape))
	for n := range size {
		do(n, at)
		for a := len(shape) - 1; a >= 0; a-- {
			place[a]++
			for k := range by {
				at[k] += by[k][a]
			}
			if place[a] < shape[a] {
				break
			}
			for k := range by {
				at[k] -= by[k][a] * shape[a]
			}
			place[a] = 0
		}
	}
}

var (
	errFloats = errors.New("it wants numbers in single precision")
	errInts   = errors.New("it wants whole numbers")
)

// need returns the first inputs of a node as tensors of floats, all there.
func need(in []*tensor, n int) error {
	if len(in) < n {
		return fmt.Errorf("it has %d inputs and wants %d", len(in), n)
	}
	for k := range n {
		if in[k] == nil || in[k].floats == nil {
			return errFloats
		}
	}
	return nil
}

// optional is an input that may be left out.
func optional(in []*tensor, k int) *tensor {
	if k < len(in) {
		return in[k]
	}
	return nil
}

// whole is an attribute, or its default.
func (n *node) whole(name string, or int64) int64 {
	if a, ok := n.attributes[name]; ok {
		return a.integer
	}
	return or
}

func (n *node) number(name string, or float32) float32 {
	if a, ok := n.attributes[name]; ok {
		return a.float
	}
	return or
}

// list are whole numbers that are an attribute of older versions and an input of newer ones; nil where neither is there.
func (n *node) list(name string, in []*tensor, k int) ([]int64, error) {
	if a, ok := n.attributes[name]; ok {
		return a.ints, nil
	}
	t := optional(in, k)
	if t == nil {
		return nil, nil
	}
	if t.ints == nil {
		return nil, errInts
	}
	return t.ints, nil
}
