package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// operator computes a node from its inputs; those left out are nil.
type operator func(r *run, n *node, in []*tensor) ([]*tensor, error)

// operators are those that are known: https://onnx.ai/onnx/operators.
var operators map[string]operator

func init() {
	operators = map[string]operator{
		"Conv": convolve, "MaxPool": pool(false), "AveragePool": pool(true),
		"GlobalAveragePool": global(mean), "GlobalMaxPool": global(largest),
		"BatchNormalization": batchNormalise, "InstanceNormalization": instanceNormalise, "LayerNormalization": layerNormalise, "GroupNormalization": groupNormalise,
		"Gemm": gemm, "MatMul": matMul,
		"Relu":        each1(func(x float64) float64 { return max(x, 0) }),
		"Sigmoid":     each1(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }),
		"Tanh":        each1(math.Tanh),
		"Erf":         each1(math.Erf),
		"Exp":         each1(math.Exp),
		"Log":         each1(math.Log),
		"Sqrt":        each1(math.Sqrt),
		"Neg":         each1(func(x float64) float64 { return -x }),
		"Abs":         each1(math.Abs),
		"Reciprocal":  each1(func(x float64) float64 { return 1 / x }),
		"Floor":       each1(math.Floor),
		"Softplus":    each1(func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }),
		"HardSwish":   each1(func(x float64) float64 { return x * max(0, min(1, x/6+0.5)) }),
		"Mish":        each1(func(x float64) float64 { return x * math.Tanh(max(x, 0)+math.Log1p(math.Exp(-math.Abs(x)))) }),
		"LeakyRelu":   slope("alpha", 0.01, func(x, a float64) float64 { return max(x, 0) + a*min(x, 0) }),
		"Elu":         slope("alpha", 1, func(x, a float64) float64 { return max(x, 0) + a*math.Expm1(min(x, 0)) }),
		"HardSigmoid": hardSigmoid, "Selu": selu, "Gelu": gelu, "Clip": clip,
		"PRelu": each2(func(x, a float64) float64 { return max(x, 0) + a*min(x, 0) }, nil),
		"Add":   each2(func(a, b float64) float64 { return a + b }, func(a, b int64) int64 { return a + b }),
		"Sub":   each2(func(a, b float64) float64 { return a - b }, func(a, b int64) int64 { return a - b }),
		"Mul":   each2(func(a, b float64) float64 { return a * b }, func(a, b int64) int64 { return a * b }),
		"Div": each2(func(a, b float64) float64 { return a / b }, func(a, b int64) int64 {
			if b == 0 {
				return 0
			}
			return a / b
		}),
		"Pow":        power,
		"Max":        several(func(a, b float64) float64 { return max(a, b) }, func(a, b int64) int64 { return max(a, b) }),
		"Min":        several(func(a, b float64) float64 { return min(a, b) }, func(a, b int64) int64 { return min(a, b) }),
		"Sum":        several(func(a, b float64) float64 { return a + b }, nil),
		"ReduceMean": reduce(mean), "ReduceMax": reduce(largest), "ReduceSum": reduce(total),
		"Softmax": softmax, "Identity": identity, "Dropout": identity,
		"Constant": constant, "ConstantOfShape": constantOfShape, "Shape": shapeOf, "Cast": cast,
		"Flatten": flatten, "Reshape": reshape, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Expand": expand,
		"Concat": concat, "Transpose": transpose, "Gather": gather, "Slice": slice, "Pad": pad,
	}
}

// each1 is a function of each number by itself.
func each1(f func(float64) float64) operator {
	return func(r *run, _ *node, in []*tensor) ([]*tensor, error) {
		if err := need(in, 1); err != nil {
			return nil, err
		}
		y := &tensor{shape: in[0].shape, floats: make([]float32, len(in[0].floats))}
		for i, v := range in[0].floats {
			y.floats[i] = float32(f(float64(v)))
		}
		return []*tensor{y}, nil
	}
}

// slope is a function with one parameter.
func slope(name string, or float32, f func(x, a float64) float64) operator {
	return func(r *run, n *node, in []*tensor) ([]*tensor, error) {
		a := float64(n.number(name, or))
		return each1(func(x float64) float64 { return f(x, a) })(r, n, in)
	}
}

func hardSigmoid(r *run, n *node, in []*tensor) ([]*tensor, error) {
	a, b := float64(n.number("alpha", 0.2)), float64(n.number("beta", 0.5))
	return each1(func(x float64) float64 { return max(0, min(1, a*x+b)) })(r, n, in)
}

func selu(r *run, n *node, in []*tensor) ([]*tensor, error) {
	a, g := float64(n.number("alpha", 1.67326319)), float64(n.number("gamma", 1.05070102))
	return each1(func(x float64) float64 { return g * (max(x, 0) + a*math.Expm1(min(x, 0))) })(r, n, in)
}

func gelu(r *run, n *node, in []*tensor) ([]*tensor, error) {
	switch how := n.attributes["approximate"].text; how {
	case "", "none":
		return each1(func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) })(r, n, in)
	case "tanh":
		return each1(func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		})(r, n, in)
	default:
		return nil, fmt.Errorf("an approximation %q", how)
	}
}

// clip has its bounds as attributes up to version 10, as inputs from 11 on.
func clip(r *run, n *node, in []*tensor) ([]*tensor, error) {
	low, high := math.Inf(-1), math.Inf(1)
	if a, ok := n.attributes["min"]; ok {
		low = float64(a.float)
	}
	if a, ok := n.attributes["max"]; ok {
		high = float64(a.float)
	}
	for k, to := range []*float64{&low, &high} {
		if t := optional(in, k+1); t != nil {
			if len(t.floats) != 1 {
				return nil, errors.New("a bound is one number")
			}
			*to = float64(t.floats[0])
		}
	}
	return each1(func(x float64) float64 { return min(max(x, low), high) })(r, n, in)
}

// each2 is a function of two numbers, with shapes brought together; whole gives whole numbers.
func each2(f func(a, b float64) float64, whole func(a, b int64) int64) operator {
	return func(r *run, n *node, in []*tensor) ([]*tensor, error) {
		if len(in) < 2 || in[0] == nil || in[1] == nil {
			return nil, errors.New("it wants two inputs")
		}
		a, b := in[0], in[1]
		shape, sa, sb, err := broadcast(a.shape, b.shape)
		if err != nil {
			return nil, err
		}
		size, _ := sizeOf(shape)
		y := &tensor{shape: shape}
		switch {
		case a.floats != nil && b.floats != nil:
			y.floats = make([]float32, size)
			walk(shape, [][]int{sa, sb}, func(i int, at []int) {
				y.floats[i] = float32(f(float64(a.floats[at[0]]), float64(b.floats[at[1]])))
			})
		case a.ints != nil && b.ints != nil && whole != nil:
			y.ints = make([]int64, size)
			walk(shape, [][]int{sa, sb}, func(i int, at []int) { y.ints[i] = whole(a.ints[at[0]], b.ints[at[1]]) })
		default:
			return nil, errFloats
		}
		return []*tensor{y}, nil
	}
}

// power has the type of its first input.
func power(r *run, n *node, in []*tensor) ([]*tensor, error) {
	if len(in) < 2 || in[0] == nil || in[1] == nil {
		return nil, errors.New("it wants two inputs")
	}
	made, err := each2(math.Pow, nil)(r, n, []*tensor{floating(in[0]), floating(in[1])})
	if err == nil && in[0].ints != nil {
		made[0].ints = make([]int64, len(made[0].floats))
		for i, v := range made[0].floats {
			made[0].ints[i] = int64(v)
		}
		made[0].floats = nil
	}
	return made, err
}

// floating is a tensor in single precision.
func floating(t *tensor) *tensor {
	if t.floats != nil {
		return t
	}
	out := &tensor{shape: t.shape, floats: make([]float32, len(t.ints))}
	for i, v := range t.ints {
		out.floats[i] = float32(v)
	}
	return out
}

// several is each2 over one input or more.
func several(f func(a, b float64) float64, whole func(a, b int64) int64) operator {
	two := each2(f, whole)
	return func(r *run, n *node, in []*tensor) ([]*tensor, error) {
		if len(in) == 0 || slices.Contains(in, nil) {
			return nil, errors.New("an input is missing")
		}
		y := in[0]
		for _, x := range in[1:] {
			made, err := two(r, n, []*tensor{y, x})
			if err != nil {
				return nil, err
			}
			y = made[0]
		}
		return []*tensor{y}, nil
	}
}

// What runs of numbers are brought to.
func mean(v []float32) float32 { return total(v) / float32(len(v)) }

func total(v []float32) float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x)
	}
	return float32(sum)
}

func largest(v []float32) float32 {
	top := float32(math.Inf(-1))
	for _, x := range v {
		if x > top || x != x {
			top = x
		}
	}
	return top
}

// global brings the space of each channel to one number.
func global(f func([]float32) float32) operator {
	return func(_ *run, _ *node, in []*tensor) ([]*tensor, error) {
		if err := need(in, 1); err != nil {
			return nil, err
		}
		x := in[0]
		if len(x.shape) < 3 {
			return nil, fmt.Errorf("an input of %v has no space", x.shape)
		}
		shape := slices.Clone(x.shape)
		for a := 2; a < len(shape); a++ {
			shape[a] = 1
		}
		y, err := newFloats(shape)
		if err != nil {
			return nil, err
		}
		space := product(x.shape[2:])
		for c := range y.floats {
			y.floats[c] = f(x.floats[c*space:][:space])
		}
		return []*tensor{y}, nil
	}
}

// reduce brings some axes to one number; all where none is named.
func reduce(f func([]float32) float32) operator {
	return func(_ *run, n *node, in []*tensor) ([]*tensor, error) {
		if err := need(in, 1); err != nil {
			return nil, err
		}
		x := in[0]
		named, err := n.list("axes", in, 1)
		if err != nil {
			return nil, err
		}
		if len(named) == 0 && n.whole("noop_with_empty_axes", 0) != 0 {
			return in[:1], nil
		}
		axes, err := axesOf(named, len(x.shape))
		if err != nil {
			return nil, err
		}
		gone := make([]bool, len(x.shape))
		for _, a := range axes {
			gone[a] = true
		}
		if len(named) == 0 {
			for a := range gone {
				gone[a] = true
			}
		}
		// The axes that stay come first, those that go last: each run of the last ones becomes a number.
		var order, kept, shape []int
		run := 1
		for a, d := range x.shape {
			if gone[a] {
				run *= d
				if n.whole("keepdims", 1) != 0 {
					shape = append(shape, 1)
				}
				continue
			}
			order, kept, shape = append(order, a), append(kept, d), append(shape, d)
		}
		for a := range x.shape {
			if gone[a] {
				order = append(order, a)
			}
		}
		t := permute(x, order)
		y := &tensor{shape: shape, floats: make([]float32, product(kept))}
		for i := range y.floats {
			y.floats[i] = f(t.floats[i*run:][:run])
		}
		return []*tensor{y}, nil
	}
}

// softmax runs over one axis; before version 13 over all from that axis on.
func softmax(r *run, n *node, in []*tensor) ([]*tensor, error) {
	if err := need(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	or := int64(-1)
	if r.model.opset < 13 {
		or = 1
	}
	a, err := axis(n.whole("axis", or), len(x.shape))
	if err != nil {
		return nil, err
	}
	along, stride := x.shape[a], product(x.shape[a+1:])
	if r.model.opset < 13 {
		along, stride = product(x.shape[a:]), 1
	}
	y := &tensor{shape: x.shape, floats: make([]float32, len(x.floats))}
	if len(x.floats) == 0 {
		return []*tensor{y}, nil
	}
	for start := range len(x.floats) / along {
		at := start/stride*stride*along + start%stride
		top, sum := math.Inf(-1), 0.0
		for k := range along {
			top = max(top, float64(x.floats[at+k*stride]))
		}
		for k := range along {
			sum += math.Exp(float64(x.floats[at+k*stride]) - top)
		}
		for k := range along {
			y.floats[at+k*stride] = float32(math.Exp(float64(x.floats[at+k*stride])-top) / sum)
		}
	}
	return []*tensor{y}, nil
}

// gemm is alpha·A·B + beta·C, A and B transposed or not.
func gemm(r *run, n *node, in []*tensor) ([]*tensor, error) {
	if err := need(in, 2); err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	if len(a.shape) != 2 || len(b.shape) != 2 {
		return nil, fmt.Errorf("a product of %v and %v", a.shape, b.shape)
	}
	ta, tb := blas.NoTrans, blas.NoTrans
	rows, inner := a.shape[0], a.shape[1]
	if n.whole("transA", 0) != 0 {
		ta, rows, inner = blas.Trans, inner, rows
	}
	other, columns := b.shape[0], b.shape[1]
	if n.whole("transB", 0) != 0 {
		tb, other, columns = blas.Trans, columns, other
	}
	if other != inner {
		return nil, fmt.Errorf("a product of %v and %v", a.shape, b.shape)
	}
	y, err := newFloats([]int{rows, columns})
	if err != nil {
		return nil, err
	}
	beta := float32(0)
	if c := optional(in, 2); c != nil {
		shape, strides, _, err := broadcast(c.shape, y.shape)
		if err != nil || !slices.Equal(shape, y.shape) || c.floats == nil {
			return nil, fmt.Errorf("a summand of %v for a product of %v", c.shape, y.shape)
		}
		walk(shape, [][]int{strides}, func(i int, at []int) { y.floats[i] = c.floats[at[0]] })
		beta = n.number("beta", 1)
	}
	if r.products += rows * inner * columns; r.products > maxProduct {
		return nil, errors.New("the product is too large")
	}
	if len(y.floats) > 0 && inner > 0 {
		gonum.Implementation{}.Sgemm(ta, tb, rows, columns, inner, n.number("alpha", 1), a.floats, max(1, a.shape[1]), b.floats, max(1, b.shape[1]), beta, y.floats, columns)
	}
	return []*tensor{y}, nil
}

// matMul is a product of the last two axes, the others brought together; a vector is a row on the left and a column on the right.
func matMul(r *run, _ *node, in []*tensor) ([]*tensor, error) {
	if err := need(in, 2); err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	sa, sb := a.shape, b.shape
	if len(sa) == 0 || len(sb) == 0 {
		return nil, errors.New("a product with a single number")
	}
	if len(sa) == 1 {
		sa = []int{1, sa[0]}
	}
	if len(sb) == 1 {
		sb = []int{sb[0], 1}
	}
	rows, inner, columns := sa[len(sa)-2], sa[len(sa)-1], sb[len(sb)-1]
	if sb[len(sb)-2] != inner {
		return nil, fmt.Errorf("a product of %v and %v", a.shape, b.shape)
	}
	outer, ta, tb, err := broadcast(sa[:len(sa)-2], sb[:len(sb)-2])
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(outer)
	if len(a.shape) > 1 {
		shape = append(shape, rows)
	}
	if len(b.shape) > 1 {
		shape = append(shape, columns)
	}
	y, err := newFloats(shape)
	if err != nil {
		return nil, err
	}
	if r.products += len(y.floats) * inner; r.products > maxProduct {
		return nil, errors.New("the product is too large")
	}
	if len(y.floats) == 0 || inner == 0 {
		return []*tensor{y}, nil
	}
	walk(outer, [][]int{ta, tb}, func(i int, at []int) {
		gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, rows, columns, inner, 1, a.floats[at[0]*rows*inner:], inner, b.floats[at[1]*inner*columns:], columns, 0,
			y.floats[i*rows*columns:], columns)
	})
	return []*tensor{y}, nil
}
