package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// identity passes on what it is given: Identity, and Dropout in prediction.
func identity(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) == 0 || in[0] == nil {
		return nil, errors.New("it has no input")
	}
	return in[:1], nil
}

func constant(_ *run, n *node, _ []*tensor) ([]*tensor, error) {
	switch a := n.attributes; {
	case a["value"].tensor != nil:
		return []*tensor{a["value"].tensor}, nil
	case a["value_floats"].floats != nil:
		v := a["value_floats"].floats
		return []*tensor{{shape: []int{len(v)}, floats: v}}, nil
	case a["value_ints"].ints != nil:
		v := a["value_ints"].ints
		return []*tensor{{shape: []int{len(v)}, ints: v}}, nil
	}
	if a, ok := n.attributes["value_float"]; ok {
		return []*tensor{{shape: []int{}, floats: []float32{a.float}}}, nil
	}
	if a, ok := n.attributes["value_int"]; ok {
		return []*tensor{{shape: []int{}, ints: []int64{a.integer}}}, nil
	}
	return nil, errors.New("it has no value that is read here")
}

// shapeFrom is a shape that a tensor of whole numbers says.
func shapeFrom(t *tensor) ([]int, error) {
	if t == nil || t.ints == nil {
		return nil, errInts
	}
	out := make([]int, len(t.ints))
	for a, d := range t.ints {
		if d < 0 || d > maxTensor {
			return nil, fmt.Errorf("a shape of %v", t.ints)
		}
		out[a] = int(d)
	}
	_, err := sizeOf(out)
	return out, err
}

func constantOfShape(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	shape, err := shapeFrom(optional(in, 0))
	if err != nil {
		return nil, err
	}
	size, _ := sizeOf(shape)
	v := n.attributes["value"].tensor
	if v != nil && v.size() != 1 {
		return nil, errors.New("its value is one number")
	}
	y := &tensor{shape: shape}
	if v != nil && v.ints != nil {
		y.ints = slices.Repeat(v.ints, size)
		return []*tensor{y}, nil
	}
	y.floats = make([]float32, size)
	if v != nil {
		for i := range y.floats {
			y.floats[i] = v.floats[0]
		}
	}
	return []*tensor{y}, nil
}

func shapeOf(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) == 0 || in[0] == nil {
		return nil, errors.New("it has no input")
	}
	rank := int64(len(in[0].shape))
	bound := func(name string, or int64) int64 {
		v := n.whole(name, or)
		if v < 0 {
			v += rank
		}
		return max(0, min(v, rank))
	}
	lo, hi := bound("start", 0), bound("end", rank)
	y := &tensor{ints: []int64{}}
	for _, d := range in[0].shape[lo:max(lo, hi)] {
		y.ints = append(y.ints, int64(d))
	}
	y.shape = []int{len(y.ints)}
	return []*tensor{y}, nil
}

func cast(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) == 0 || in[0] == nil {
		return nil, errors.New("it has no input")
	}
	x := in[0]
	y := &tensor{shape: x.shape}
	switch to := n.whole("to", 0); to {
	case typeFloat, typeDouble, typeFloat16, typeBfloat16:
		if x.floats != nil {
			return in[:1], nil
		}
		y.floats = make([]float32, len(x.ints))
		for i, v := range x.ints {
			y.floats[i] = float32(v)
		}
	case typeInt32, typeInt64:
		if x.ints != nil {
			return in[:1], nil
		}
		y.ints = make([]int64, len(x.floats))
		for i, v := range x.floats {
			y.ints[i] = int64(v)
		}
	default:
		return nil, fmt.Errorf("to the type %d", to)
	}
	return []*tensor{y}, nil
}

// as is a tensor with another shape of the same size.
func as(x *tensor, shape []int) ([]*tensor, error) {
	n, err := sizeOf(shape)
	if err != nil {
		return nil, err
	}
	if n != x.size() {
		return nil, fmt.Errorf("%v cannot take the shape %v", x.shape, shape)
	}
	return []*tensor{{shape: shape, floats: x.floats, ints: x.ints}}, nil
}

func flatten(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) == 0 || in[0] == nil {
		return nil, errors.New("it has no input")
	}
	x := in[0]
	a := n.whole("axis", 1)
	if a < 0 {
		a += int64(len(x.shape))
	}
	if a < 0 || a > int64(len(x.shape)) {
		return nil, fmt.Errorf("axis %d of %v", a, x.shape)
	}
	return as(x, []int{product(x.shape[:a]), product(x.shape[a:])})
}

func reshape(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) < 2 || in[0] == nil || in[1] == nil || in[1].ints == nil || len(in[1].ints) > maxRank {
		return nil, errInts
	}
	x := in[0]
	shape, open, known := make([]int, len(in[1].ints)), -1, 1
	for a, d := range in[1].ints {
		switch {
		case d == -1 && open < 0:
			open = a
			continue
		case d == 0 && n.whole("allowzero", 0) == 0 && a < len(x.shape):
			shape[a] = x.shape[a]
		case d >= 0 && d <= maxTensor:
			shape[a] = int(d)
		default:
			return nil, fmt.Errorf("a shape of %v for %v", in[1].ints, x.shape)
		}
		if known *= shape[a]; known > maxTensor {
			return nil, fmt.Errorf("a shape of %v for %v", in[1].ints, x.shape)
		}
	}
	if open >= 0 {
		if known == 0 {
			return nil, fmt.Errorf("a shape of %v for %v", in[1].ints, x.shape)
		}
		shape[open] = x.size() / known
	}
	return as(x, shape)
}

func squeeze(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) == 0 || in[0] == nil {
		return nil, errors.New("it has no input")
	}
	x := in[0]
	list, err := n.list("axes", in, 1)
	if err != nil {
		return nil, err
	}
	axes, err := axesOf(list, len(x.shape))
	if err != nil {
		return nil, err
	}
	shape := []int{}
	for a, d := range x.shape {
		if list == nil && d == 1 {
			continue
		}
		if slices.Contains(axes, a) {
			if d != 1 {
				return nil, fmt.Errorf("axis %d of %v has more than one place", a, x.shape)
			}
			continue
		}
		shape = append(shape, d)
	}
	return as(x, shape)
}

func unsqueeze(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) == 0 || in[0] == nil {
		return nil, errors.New("it has no input")
	}
	x := in[0]
	list, err := n.list("axes", in, 1)
	if err != nil {
		return nil, err
	}
	rank := len(x.shape) + len(list)
	if rank > maxRank {
		return nil, fmt.Errorf("%d axes", rank)
	}
	axes, err := axesOf(list, rank)
	if err != nil {
		return nil, err
	}
	shape, from := make([]int, rank), 0
	for a := range shape {
		if slices.Contains(axes, a) {
			shape[a] = 1
			continue
		}
		shape[a] = x.shape[from]
		from++
	}
	return as(x, shape)
}
