package neural

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/voxgene/voxgene/features/work"
)

// random are n numbers that are not small and differ from one another, so that no maximum is tied.
func random(label string, n int) []float64 {
	r := work.Seed(7).Split(label).Rand()
	v := make([]float64, n)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	return v
}

func backend(t testing.TB) compute.Backend {
	t.Helper()
	b, err := open(defaultBackend)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tensor64 is a tensor of random numbers.
func tensor64(label string, dims ...int) *tensors.Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return tensors.FromFlatDataAndDimensions(random(label, n), dims...)
}

// constant is a matrix in the precision of x.
func constant(x *Node, values [][]float64) *Node {
	return ConvertDType(Const(x.Graph(), values), x.DType())
}

// weighed is a number that weighs every value of y differently.
func weighed(y *Node) *Node {
	c := Sin(AddScalar(MulScalar(Iota(y.Graph(), reshaped(y), 0), 1.7), 0.3))
	return ReduceAllSum(Mul(Reshape(y, -1), c))
}

// Each block of networks and each loss, with the shapes of its inputs.
var blocks = []struct {
	name   string
	shapes [][]int
	build  func(in []*Node) *Node
}{
	{"convolution 1, 2-D", [][]int{{2, 2, 4, 5}, {3, 1, 2}}, func(in []*Node) *Node { return conv(in[0], in[1], 1, true) }},
	{"convolution 3, 2-D", [][]int{{2, 2, 4, 5}, {3, 9, 2}}, func(in []*Node) *Node { return conv(in[0], in[1], 3, true) }},
	{"convolution 5, 2-D", [][]int{{1, 2, 4, 5}, {2, 25, 1}}, func(in []*Node) *Node { return conv(in[0], in[1], 5, true) }},
	{"convolution 3, 3-D", [][]int{{2, 2, 3, 4, 3}, {2, 27, 2}}, func(in []*Node) *Node { return conv(in[0], in[1], 3, true) }},
	{"pool, 2-D", [][]int{{2, 2, 4, 5}}, func(in []*Node) *Node { return maxPool(in[0]) }},
	{"pool, 3-D", [][]int{{1, 2, 2, 3, 4}}, func(in []*Node) *Node { return maxPool(in[0]) }},
	{"pool, one slice", [][]int{{2, 2, 1, 4, 4}}, func(in []*Node) *Node { return maxPool(in[0]) }},
	{"rectifier", [][]int{{3, 4}}, func(in []*Node) *Node { return relu(in[0]) }},
	{"dense", [][]int{{3, 4}, {2, 3}, {2}}, func(in []*Node) *Node { return dense(in[0], in[1], in[2]) }},
	{"mean", [][]int{{2, 2, 3, 2}}, func(in []*Node) *Node { return mean(in[0]) }},
	{"instance norm", [][]int{{3, 2, 3, 4}, {3}, {3}}, func(in []*Node) *Node { return normalise(in[0], in[1], in[2], instanceNorm) }},
	{"layer norm", [][]int{{3, 2, 3, 4}, {3}, {3}}, func(in []*Node) *Node { return normalise(in[0], in[1], in[2], layerNorm) }},
	{"attention over slices", [][]int{{3, 8}, {5, 3}, {1, 5}}, func(in []*Node) *Node { p, _ := attend(in[0], in[1], in[2], 4); return p }},
	{"gated attention", [][]int{{4, 3}, {4, 3}, {5, 4}, {5, 4}, {1, 5}}, func(in []*Node) *Node {
		present := constant(in[0], [][]float64{{1, 0, 1}, {1, 1, 0}})
		p, _ := gate(in[:2], present, in[2], in[3], in[4])
		return p
	}},
	{"product of embeddings", [][]int{{4, 3}, {4, 3}}, func(in []*Node) *Node {
		return product(in[0], in[1], constant(in[0], [][]float64{{1, 0, 1}, {1, 1, 0}}))
	}},
	{"cross-entropy", [][]int{{3, 4}, {3, 4}, {1, 4}}, func(in []*Node) *Node { return crossEntropy(in[0], target{in[1], in[2]}) }},
	{"partial likelihood", [][]int{{1, 4}, {1, 4}}, func(in []*Node) *Node {
		risk := constant(in[0], [][]float64{{1, 1, 1, 1}, {0, 1, 1, 1}, {0, 0, 1, 0}, {0, 0, 1, 1}})
		return partialLikelihood(in[0], target{risk, in[1]})
	}},
	{"discrete time", [][]int{{3, 4}, {3, 4}, {3, 4}}, func(in []*Node) *Node { return discreteLikelihood(in[0], target{in[1], in[2]}) }},
}

// The gradient of every block, with respect to everything it reads, is that of finite differences in double precision.
func TestGradients(t *testing.T) {
	be := backend(t)
	const step = 1e-5
	for _, b := range blocks {
		t.Run(b.name, func(t *testing.T) {
			args := make([]any, len(b.shapes))
			flat := make([][]float64, len(b.shapes))
			for i, s := range b.shapes {
				x := tensor64(fmt.Sprint(b.name, i), s...)
				args[i], flat[i] = x, tensors.MustCopyFlatData[float64](x)
			}
			value := MustNewExec(be, func(in []*Node) *Node { return weighed(b.build(in)) })
			gradient := MustNewExec(be, func(in []*Node) []*Node { return Gradient(weighed(b.build(in)), in...) })
			got := gradient.MustCall(args...)
			for i, s := range b.shapes {
				g := tensors.MustCopyFlatData[float64](got[i])
				for k := range flat[i] {
					at := func(d float64) float64 {
						moved := append([]float64(nil), flat[i]...)
						moved[k] += d
						with := append([]any(nil), args...)
						with[i] = tensors.FromFlatDataAndDimensions(moved, s...)
						return tensors.ToScalar[float64](value.MustCall1(with...))
					}
					want := (at(step) - at(-step)) / (2 * step)
					if math.Abs(g[k]-want) > 1e-6*(1+math.Abs(want)) {
						t.Fatalf("input %d, element %d: %.9g, finite differences %.9g", i, k, g[k], want)
					}
				}
			}
		})
	}
}
