package onnx

import (
	"errors"
	"fmt"
	"math"
)

// perChannel are parameters of each channel.
func perChannel(in []*tensor, k, channels int) ([]float32, error) {
	t := optional(in, k)
	if t == nil || len(t.floats) != channels {
		return nil, fmt.Errorf("input %d is not a number for each of %d channels", k+1, channels)
	}
	return t.floats, nil
}

// batchNormalise uses the mean and variance that training left, as in prediction.
func batchNormalise(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if err := need(in, 5); err != nil {
		return nil, err
	}
	if n.whole("training_mode", 0) != 0 {
		return nil, errors.New("it is in the mode of training; export the network for prediction")
	}
	x := in[0]
	if len(x.shape) < 2 {
		return nil, fmt.Errorf("an input of %v has no channels", x.shape)
	}
	channels := x.shape[1]
	var p [4][]float32
	for k := range p {
		var err error
		if p[k], err = perChannel(in, k+1, channels); err != nil {
			return nil, err
		}
	}
	epsilon := float64(n.number("epsilon", 1e-5))
	y := &tensor{shape: x.shape, floats: make([]float32, len(x.floats))}
	space := product(x.shape[2:])
	for c := range x.shape[0] * channels {
		k := c % channels
		factor := float64(p[0][k]) / math.Sqrt(float64(p[3][k])+epsilon)
		shift := float64(p[1][k]) - factor*float64(p[2][k])
		to, from := y.floats[c*space:][:space], x.floats[c*space:][:space]
		for i, v := range from {
			to[i] = float32(factor*float64(v) + shift)
		}
	}
	return []*tensor{y}, nil
}

// standardise brings numbers to mean 0 and variance 1.
func standardise(to, from []float32, epsilon float64) {
	sum, squares := 0.0, 0.0
	for _, v := range from {
		sum += float64(v)
	}
	mean := sum / float64(len(from))
	for _, v := range from {
		squares += (float64(v) - mean) * (float64(v) - mean)
	}
	factor := 1 / math.Sqrt(squares/float64(len(from))+epsilon)
	for i, v := range from {
		to[i] = float32((float64(v) - mean) * factor)
	}
}

// instanceNormalise standardises each channel of each sample.
func instanceNormalise(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if err := need(in, 3); err != nil {
		return nil, err
	}
	if len(in[0].shape) < 3 {
		return nil, fmt.Errorf("an input of %v has no space", in[0].shape)
	}
	return normaliseGroups(in, in[0].shape[1], n.number("epsilon", 1e-5))
}

// groupNormalise standardises groups of channels. From version 21 on scale and shift are of channels, before of groups.
func groupNormalise(r *run, n *node, in []*tensor) ([]*tensor, error) {
	if err := need(in, 3); err != nil {
		return nil, err
	}
	groups := int(n.whole("num_groups", 0))
	if len(in[0].shape) < 3 || groups < 1 || in[0].shape[1]%groups != 0 {
		return nil, fmt.Errorf("%d groups of the channels of %v", groups, in[0].shape)
	}
	if r.model.opset < 21 {
		per := in[0].shape[1] / groups
		in = []*tensor{in[0], repeatEach(in[1], per), repeatEach(in[2], per)}
	}
	return normaliseGroups(in, groups, n.number("epsilon", 1e-5))
}

func repeatEach(t *tensor, times int) *tensor {
	out := &tensor{floats: make([]float32, 0, len(t.floats)*times)}
	for _, v := range t.floats {
		for range times {
			out.floats = append(out.floats, v)
		}
	}
	out.shape = []int{len(out.floats)}
	return out
}

func normaliseGroups(in []*tensor, groups int, epsilon float32) ([]*tensor, error) {
	x := in[0]
	channels := x.shape[1]
	scale, err := perChannel(in, 1, channels)
	if err != nil {
		return nil, err
	}
	shift, err := perChannel(in, 2, channels)
	if err != nil {
		return nil, err
	}
	y := &tensor{shape: x.shape, floats: make([]float32, len(x.floats))}
	space := product(x.shape[2:])
	each := channels / groups * space
	for g := range x.shape[0] * groups {
		standardise(y.floats[g*each:][:each], x.floats[g*each:][:each], float64(epsilon))
	}
	for c := range x.shape[0] * channels {
		to := y.floats[c*space:][:space]
		for i := range to {
			to[i] = to[i]*scale[c%channels] + shift[c%channels]
		}
	}
	return []*tensor{y}, nil
}

// layerNormalise standardises over an axis and all behind it.
func layerNormalise(_ *run, n *node, in []*tensor) ([]*tensor, error) {
	if err := need(in, 2); err != nil {
		return nil, err
	}
	x := in[0]
	a, err := axis(n.whole("axis", -1), len(x.shape))
	if err != nil {
		return nil, err
	}
	each := product(x.shape[a:])
	shift := optional(in, 2)
	if len(in[1].floats) != each || shift != nil && len(shift.floats) != each {
		return nil, fmt.Errorf("%d scales for %d numbers", len(in[1].floats), each)
	}
	y := &tensor{shape: x.shape, floats: make([]float32, len(x.floats))}
	for g := range product(x.shape[:a]) {
		to := y.floats[g*each:][:each]
		standardise(to, x.floats[g*each:][:each], float64(n.number("epsilon", 1e-5)))
		for i := range to {
			to[i] *= in[1].floats[i]
			if shift != nil {
				to[i] += shift.floats[i]
			}
		}
	}
	return []*tensor{y}, nil
}
