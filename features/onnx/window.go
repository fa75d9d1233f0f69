package onnx

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// window is how a convolution or a pool moves over space.
type window struct {
	space, kernel, stride, dilation []int
	before                          []int // padding at the start of each axis
	out                             []int
}

// window reads the attributes of a node for an input with these axes of space.
func (n *node) window(space []int, kernel []int) (window, error) {
	w := window{space: space, kernel: kernel}
	rank := len(space)
	ints := func(name string, or int64, count int) ([]int, error) {
		v := n.attributes[name].ints
		if v == nil {
			v = make([]int64, count)
			for k := range v {
				v[k] = or
			}
		}
		if len(v) != count {
			return nil, fmt.Errorf("%s has %d numbers and %d are wanted", name, len(v), count)
		}
		out := make([]int, count)
		for k, x := range v {
			if x < or || x > 1<<20 {
				return nil, fmt.Errorf("%s of %v", name, v)
			}
			out[k] = int(x)
		}
		return out, nil
	}
	var err error
	if w.kernel == nil {
		if w.kernel, err = ints("kernel_shape", 1, rank); err != nil {
			return w, err
		}
	}
	if len(w.kernel) != rank {
		return w, fmt.Errorf("a kernel of %v over %d axes", w.kernel, rank)
	}
	if w.stride, err = ints("strides", 1, rank); err != nil {
		return w, err
	}
	if w.dilation, err = ints("dilations", 1, rank); err != nil {
		return w, err
	}
	pads, err := ints("pads", 0, 2*rank)
	if err != nil {
		return w, err
	}
	w.before, w.out = pads[:rank:rank], make([]int, rank)
	up := n.whole("ceil_mode", 0) != 0
	for a := range rank {
		if w.kernel[a] < 1 || w.kernel[a] > 1<<12 {
			return w, fmt.Errorf("a kernel of %v", w.kernel)
		}
		extent := (w.kernel[a]-1)*w.dilation[a] + 1
		switch auto := n.attributes["auto_pad"].text; auto {
		case "", "NOTSET":
			free := space[a] + pads[a] + pads[rank+a] - extent
			if free < 0 {
				return w, fmt.Errorf("a kernel of %v with dilations %v is wider than %v", w.kernel, w.dilation, space)
			}
			w.out[a] = free/w.stride[a] + 1
			if up && free%w.stride[a] != 0 && w.out[a]*w.stride[a] < space[a]+pads[a] { // the last window begins within the input
				w.out[a]++
			}
		case "VALID":
			if space[a] < extent {
				return w, fmt.Errorf("a kernel of %v is wider than %v", w.kernel, space)
			}
			w.before[a], w.out[a] = 0, (space[a]-extent)/w.stride[a]+1
		case "SAME_UPPER", "SAME_LOWER":
			w.out[a] = (space[a] + w.stride[a] - 1) / w.stride[a]
			all := max(0, (w.out[a]-1)*w.stride[a]+extent-space[a])
			if w.before[a] = all / 2; auto == "SAME_LOWER" {
				w.before[a] = all - all/2
			}
		default:
			return w, fmt.Errorf("auto_pad is %q", auto)
		}
	}
	return w, nil
}

// taps are the places of the kernel, one after the other.
func (w *window) taps() [][]int {
	n := 1
	for _, k := range w.kernel {
		n *= k
	}
	out := make([][]int, 0, n)
	walk(w.kernel, nil, func(i int, _ []int) {
		at := make([]int, len(w.kernel))
		for a := len(at) - 1; a >= 0; a-- {
			at[a] = i % w.kernel[a]
			i /= w.kernel[a]
		}
		out = append(out, at)
	})
	return out
}

// row writes what one tap sees of one channel at the places from lo to hi of the output, other where it is outside.
func (w *window) row(to, channel []float32, tap []int, lo, hi int, other float32) {
	rank := len(w.space)
	place := make([]int, rank)
	for a, i := rank-1, lo; a >= 0; a-- {
		place[a] = i % w.out[a]
		i /= w.out[a]
	}
	for n := range hi - lo {
		at, inside := 0, true
		for a := range rank {
			x := place[a]*w.stride[a] - w.before[a] + tap[a]*w.dilation[a]
			if x < 0 || x >= w.space[a] {
				inside = false
				break
			}
			at = at*w.space[a] + x
		}
		if to[n] = other; inside {
			to[n] = channel[at]
		}
		for a := rank - 1; a >= 0; a-- {
			if place[a]++; place[a] < w.out[a] {
				break
			}
			place[a] = 0
		}
	}
}

func product(v []int) int {
	n := 1
	for _, d := range v {
		n *= d
	}
	return n
}

// columnsAtOnce bounds what a convolution spreads out at a time.
const columnsAtOnce = 1 << 21

// convolve is Conv: for each group of channels a product of the kernels with what their taps see.
func convolve(r *run, n *node, in []*tensor) ([]*tensor, error) {
	if err := need(in, 2); err != nil {
		return nil, err
	}
	x, k := in[0], in[1]
	if len(x.shape) < 3 || len(k.shape) != len(x.shape) {
		return nil, fmt.Errorf("an input of %v and kernels of %v", x.shape, k.shape)
	}
	groups := int(n.whole("group", 1))
	channels, filters := x.shape[1], k.shape[0]
	if groups < 1 || channels%groups != 0 || filters%groups != 0 || k.shape[1] != channels/groups {
		return nil, fmt.Errorf("%d groups of %d channels with kernels of %v", groups, channels, k.shape)
	}
	w, err := n.window(x.shape[2:], k.shape[2:])
	if err != nil {
		return nil, err
	}
	bias := optional(in, 2)
	if bias != nil && len(bias.floats) != filters {
		return nil, fmt.Errorf("%d biases of %d filters", bias.size(), filters)
	}
	y, err := newFloats(append([]int{x.shape[0], filters}, w.out...))
	if err != nil {
		return nil, err
	}
	places, space, taps := product(w.out), product(w.space), w.taps()
	per, each := channels/groups, filters/groups
	rows := per * len(taps)
	if r.products += y.size() * rows; r.products > maxProduct || rows > columnsAtOnce*8 {
		return nil, errors.New("the convolution is too large")
	}
	if rows == 0 || places == 0 {
		return []*tensor{y}, nil
	}
	block := min(places, max(1, columnsAtOnce/rows))
	columns := make([]float32, rows*block)
	for b := range x.shape[0] {
		for g := range groups {
			for lo := 0; lo < places; lo += block {
				hi := min(lo+block, places)
				wide := hi - lo
				for c := range per {
					channel := x.floats[(b*channels+g*per+c)*space:][:space]
					for t, tap := range taps {
						w.row(columns[(c*len(taps)+t)*wide:][:wide], channel, tap, lo, hi, 0)
					}
				}
				to := y.floats[(b*filters+g*each)*places+lo:]
				gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, each, wide, rows, 1, k.floats[g*each*rows:], rows, columns, wide, 0, to, places)
			}
		}
		for f := range filters {
			if bias != nil {
				v := bias.floats[f]
				to := y.floats[(b*filters+f)*places:][:places]
				for i := range to {
					to[i] += v
				}
			}
		}
	}
	return []*tensor{y}, nil
}

// pool is MaxPool and AveragePool.
func pool(mean bool) operator {
	return func(r *run, n *node, in []*tensor) ([]*tensor, error) {
		if err := need(in, 1); err != nil {
			return nil, err
		}
		x := in[0]
		if len(x.shape) < 3 {
			return nil, fmt.Errorf("an input of %v has no space", x.shape)
		}
		w, err := n.window(x.shape[2:], nil)
		if err != nil {
			return nil, err
		}
		if len(n.outputs) > 1 && n.outputs[1] != "" {
			return nil, errors.New("the places of the largest are not given")
		}
		y, err := newFloats(append([]int{x.shape[0], x.shape[1]}, w.out...))
		if err != nil {
			return nil, err
		}
		places, space, taps := product(w.out), product(w.space), w.taps()
		if r.products += y.size() * len(taps); r.products > maxProduct {
			return nil, errors.New("the pool is too large")
		}
		outside := float32(math.Inf(-1))
		padded := n.whole("count_include_pad", 0) != 0
		var count []float32
		if mean {
			outside = 0
			count = w.counts(places, taps, padded, n)
		}
		seen := make([]float32, places)
		for c := range x.shape[0] * x.shape[1] {
			to := y.floats[c*places:][:places]
			for i := range to {
				to[i] = outside
			}
			for _, tap := range taps {
				w.row(seen, x.floats[c*space:][:space], tap, 0, places, outside)
				if mean {
					for i, v := range seen {
						to[i] += v
					}
					continue
				}
				for i, v := range seen {
					if v > to[i] || v != v {
						to[i] = v
					}
				}
			}
			for i := range count {
				to[i] /= count[i]
			}
		}
		return []*tensor{y}, nil
	}
}

// counts are how many voxels the mean at each place is over: those inside, or with the padding that the node names.
func (w *window) counts(places int, taps [][]int, padded bool, n *node) []float32 {
	counted := *w
	ones := make([]float32, product(w.space))
	for i := range ones {
		ones[i] = 1
	}
	if padded {
		pads := n.attributes["pads"].ints
		counted.space, counted.before = make([]int, len(w.space)), make([]int, len(w.space))
		for a := range w.space {
			counted.space[a] = w.space[a]
			if len(pads) == 2*len(w.space) {
				counted.space[a] += int(pads[a] + pads[len(w.space)+a])
			} else if n.attributes["auto_pad"].text != "" {
				extent := (w.kernel[a]-1)*w.dilation[a] + 1
				counted.space[a] = max(w.space[a], (w.out[a]-1)*w.stride[a]+extent)
			}
		}
		if size, err := sizeOf(counted.space); err == nil {
			ones = make([]float32, size)
			for i := range ones {
				ones[i] = 1
			}
		}
	}
	sum, seen := make([]float32, places), make([]float32, places)
	for _, tap := range taps {
		counted.row(seen, ones, tap, 0, places, 0)
		for i, v := range seen {
			sum[i] += v
		}
	}
	return sum
}
