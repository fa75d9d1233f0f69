package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// pick makes a tensor of another shape whose places come from places of x.
func (t *tensor) pick(shape []int, from func(i int) int) *tensor {
	n := product(shape)
	y := &tensor{shape: shape}
	if t.floats != nil {
		y.floats = make([]float32, n)
		for i := range n {
			y.floats[i] = t.floats[from(i)]
		}
		return y
	}
	y.ints = make([]int64, n)
	for i := range n {
		y.ints[i] = t.ints[from(i)]
	}
	return y
}

// permute brings the axes into another order.
func permute(x *tensor, order []int) *tensor {
	by, shape, from := make([]int, len(order)), make([]int, len(order)), strides(x.shape)
	for k, a := range order {
		shape[k], by[k] = x.shape[a], from[a]
	}
	places := make([]int, x.size())
	walk(shape, [][]int{by}, func(i int, at []int) { places[i] = at[0] })
	return x.pick(shape, func(i int) int { return places[i] })
}

func transpose(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) == 0 || in[0] == nil {
		return nil, errors.New("it has no input")
	}
	x := in[0]
	order := make([]int, len(x.shape))
	for a := range order {
		order[a] = len(order) - 1 - a
	}
	if p := n.attributes["perm"].ints; p != nil {
		if len(p) != len(order) {
			return nil, fmt.Errorf("an order of %v for %v", p, x.shape)
		}
		if _, err := axesOf(p, len(order)); err != nil {
			return nil, err
		}
		for k, a := range p {
			order[k], _ = axis(a, len(order))
		}
	}
	return []*tensor{permute(x, order)}, nil
}

func expand(_ *run, _ *node, in []*tensor) ([]*tensor, error) {
	if len(in) < 2 || in[0] == nil {
		return nil, errors.New("it wants two inputs")
	}
	to, err := shapeFrom(in[1])
	if err != nil {
		return nil, err
	}
	shape, by, _, err := broadcast(in[0].shape, to)
	if err != nil {
		return nil, err
	}
	places := make([]int, product(shape))
	walk(shape, [][]int{by}, func(i int, at []int) { places[i] = at[0] })
	return []*tensor{in[0].pick(shape, func(i int) int { return places[i] })}, nil
}

func concat(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) == 0 || slices.Contains(in, nil) {
		return nil, errors.New("an input is missing")
	}
	a, err := axis(n.whole("axis", 0), len(in[0].shape))
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(in[0].shape)
	shape[a] = 0
	for _, t := range in {
		if len(t.shape) != len(shape) || (t.floats == nil) != (in[0].floats == nil) {
			return nil, fmt.Errorf("%v beside %v", t.shape, in[0].shape)
		}
		for k, d := range t.shape {
			if k != a && d != shape[k] {
				return nil, fmt.Errorf("%v beside %v", t.shape, in[0].shape)
			}
		}
		shape[a] += t.shape[a]
	}
	if _, err := sizeOf(shape); err != nil {
		return nil, err
	}
	y := &tensor{shape: shape}
	outer := product(shape[:a])
	for o := range outer {
		for _, t := range in {
			each := product(t.shape[a:])
			if t.floats != nil {
				y.floats = append(y.floats, t.floats[o*each:][:each]...)
			} else {
				y.ints = append(y.ints, t.ints[o*each:][:each]...)
			}
		}
	}
	return []*tensor{y}, nil
}

// gather takes places along one axis.
func gather(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) < 2 || in[0] == nil || in[1] == nil || in[1].ints == nil {
		return nil, errInts
	}
	x, index := in[0], in[1]
	a, err := axis(n.whole("axis", 0), len(x.shape))
	if err != nil {
		return nil, err
	}
	shape := slices.Concat(x.shape[:a], index.shape, x.shape[a+1:])
	if _, err := sizeOf(shape); err != nil {
		return nil, err
	}
	places := make([]int, len(index.ints))
	for k, v := range index.ints {
		if places[k], err = axis(v, x.shape[a]); err != nil {
			return nil, fmt.Errorf("place %d of %d", v, x.shape[a])
		}
	}
	inner, along, count := product(x.shape[a+1:]), x.shape[a], len(places)
	return []*tensor{x.pick(shape, func(i int) int {
		return (i/(inner*count)*along+places[i/inner%count])*inner + i%inner
	})}, nil
}

// slice takes places from a start to an end by steps along some axes.
func slice(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) == 0 || in[0] == nil {
		return nil, errors.New("it has no input")
	}
	x := in[0]
	var lists [4][]int64
	for k, name := range []string{"starts", "ends", "axes", "steps"} {
		var err error
		if lists[k], err = n.list(name, in, k+1); err != nil {
			return nil, err
		}
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	if axes == nil {
		for a := range starts {
			axes = append(axes, int64(a))
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return nil, fmt.Errorf("starts %v, ends %v, axes %v and steps %v", starts, ends, axes, steps)
	}
	shape, by, from := slices.Clone(x.shape), strides(x.shape), 0
	for k, v := range axes {
		a, err := axis(v, len(x.shape))
		if err != nil {
			return nil, err
		}
		step, size := int64(1), int64(x.shape[a])
		if steps != nil {
			step = steps[k]
		}
		if step == 0 || step > maxTensor || step < -maxTensor {
			return nil, fmt.Errorf("a step of %d", step)
		}
		at := func(v, lo, hi int64) int64 {
			if v < 0 {
				v += size
			}
			return min(max(v, lo), hi)
		}
		lo, hi := at(starts[k], 0, size), at(ends[k], 0, size)
		count := (hi - lo + step - 1) / step
		if step < 0 {
			lo = at(starts[k], 0, size-1)
			if hi = at(ends[k], -1, size-1); ends[k] < -size {
				hi = -1
			}
			count = (lo - hi - step - 1) / -step
		}
		if count = max(0, count); count > 0 {
			from += int(lo) * by[a]
		}
		shape[a] = int(count)
		by[a] *= int(step)
	}
	places := make([]int, product(shape))
	walk(shape, [][]int{by}, func(i int, at []int) { places[i] = from + at[0] })
	return []*tensor{x.pick(shape, func(i int) int { return places[i] })}, nil
}

// pad adds one value around, or repeats the edge or its reflection.
func pad(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if err := need(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	pads, err := n.list("pads", in, 1)
	if err != nil {
		return nil, err
	}
	rank := len(x.shape)
	if axes, err := n.list("axes", in, 3); err != nil {
		return nil, err
	} else if axes != nil {
		all := make([]int64, 2*rank)
		for k, v := range axes {
			a, err := axis(v, rank)
			if err != nil || len(pads) != 2*len(axes) {
				return nil, fmt.Errorf("pads %v along axes %v", pads, axes)
			}
			all[a], all[rank+a] = pads[k], pads[len(axes)+k]
		}
		pads = all
	}
	if len(pads) != 2*rank {
		return nil, fmt.Errorf("pads %v for %v", pads, x.shape)
	}
	value := n.number("value", 0)
	if t := optional(in, 2); t != nil {
		if len(t.floats) != 1 {
			return nil, errors.New("its value is one number")
		}
		value = t.floats[0]
	}
	mode := n.attributes["mode"].text
	shape := make([]int, rank)
	for a := range shape {
		if pads[a] < -maxTensor || pads[a] > maxTensor || pads[rank+a] < -maxTensor || pads[rank+a] > maxTensor {
			return nil, fmt.Errorf("pads %v", pads)
		}
		if shape[a] = x.shape[a] + int(pads[a]+pads[rank+a]); shape[a] < 0 || shape[a] > maxTensor {
			return nil, fmt.Errorf("pads %v for %v", pads, x.shape)
		}
	}
	y, err := newFloats(shape)
	if err != nil {
		return nil, err
	}
	by := strides(x.shape)
	place := make([]int, rank)
	for i := range y.floats {
		rest, from, inside := i, 0, true
		for a := rank - 1; a >= 0; a-- {
			place[a] = rest%shape[a] - int(pads[a])
			rest /= shape[a]
			size := x.shape[a]
			v := place[a]
			if v < 0 || v >= size {
				switch {
				case mode == "edge" && size > 0:
					v = min(max(v, 0), size-1)
				case mode == "reflect" && size > 1:
					if v = ((v % (2*size - 2)) + 2*size - 2) % (2*size - 2); v >= size {
						v = 2*size - 2 - v
					}
				case mode == "" || mode == "constant":
					inside = false
				default:
					return nil, fmt.Errorf("the mode %q", mode)
				}
			}
			if inside {
				from += v * by[a]
			}
		}
		if y.floats[i] = value; inside {
			y.floats[i] = x.floats[from]
		}
	}
	return []*tensor{y}, nil
}
