package neural

import . "github.com/gomlx/gomlx/core/graph"

// relu is max(x, 0).
func relu(x *Node) *Node {
	if forRuntime(x) {
		return runtimeRelu(x)
	}
	return Max(x, ScalarZero(x.Graph(), x.DType()))
}

// dense is w·x + b of x, [in, batch], with w, [out, in].
func dense(x, w, b *Node) *Node { return Add(Dot(w, x).Product(), Reshape(b, -1, 1)) }

// perChannel gives a vector of one value a channel the rank of x, [channels, batch, space…].
func perChannel(v, x *Node) *Node {
	dims := make([]int, x.Rank())
	for a := range dims {
		dims[a] = 1
	}
	dims[0] = -1
	return Reshape(v, dims...)
}

// normEpsilon is added to variances, as PyTorch does.
const normEpsilon = 1e-5

// normalise brings x, [channels, batch, space…], to mean 0 and variance 1 and then to a learnt scale and shift a channel: over the space
// of each channel of each sample (instance), or over all channels together (layer). Ba, Kiros & Hinton, arXiv:1607.06450; Ulyanov,
// Vedaldi & Lempitsky, arXiv:1607.08022.
func normalise(x, scale, shift *Node, over string) *Node {
	var axes []int
	if over == layerNorm {
		axes = []int{0}
	}
	for a := 2; a < x.Rank(); a++ {
		axes = append(axes, a)
	}
	if forRuntime(x) {
		return runtimeNormalise(x, scale, shift, axes)
	}
	centred := Sub(x, ReduceAndKeep(x, ReduceMean, axes...))
	variance := ReduceAndKeep(Square(centred), ReduceMean, axes...)
	factor := Div(perChannel(scale, x), Sqrt(AddScalar(variance, normEpsilon)))
	return Add(Mul(centred, factor), perChannel(shift, x))
}

// mean is the mean over space: [channels, batch].
func mean(x *Node) *Node {
	axes := make([]int, 0, 3)
	for a := 2; a < x.Rank(); a++ {
		axes = append(axes, a)
	}
	return ReduceMean(x, axes...)
}

// attend pools the slices of each patient, h of [features, batch × slices], with learnt weights that sum to one: Ilse, Tomczak & Welling,
// arXiv:1802.04712, equation 8. It returns [features, batch] and the weights, [batch, slices].
func attend(h, v, w *Node, slices int) (pooled, weights *Node) {
	score := Dot(w, Tanh(Dot(v, h).Product())).Product() // [1, batch × slices]
	weights = Softmax(Reshape(score, -1, slices), 1)
	features := h.Shape().Dim(0)
	each := Reshape(h, features, -1, slices)
	return ReduceSum(Mul(each, InsertAxes(weights, 0)), 2), weights
}

// gate joins embeddings of modalities, each [width, batch], by weights that sum to one over those that are present: gated attention of Ilse,
// Tomczak & Welling, arXiv:1802.04712, equation 9. present is [modalities, batch].
func gate(embedded []*Node, present, v, u, w *Node) (joined, weights *Node) {
	scores := make([]*Node, len(embedded))
	for m, e := range embedded {
		scores[m] = Dot(w, Mul(Tanh(Dot(v, e).Product()), Sigmoid(Dot(u, e).Product()))).Product() // [1, batch]
	}
	all := Concatenate(scores, 0)
	all = Sub(all, StopGradient(ReduceAndKeep(all, ReduceMax, 0)))
	all = Mul(Exp(all), present)
	weights = Div(all, AddScalar(ReduceAndKeep(all, ReduceSum, 0), 1e-12)) // none present: nothing is joined
	for m, e := range embedded {
		part := Mul(e, Slice(weights, AxisRange(m, m+1), AxisRange()))
		if joined == nil {
			joined = part
		} else {
			joined = Add(joined, part)
		}
	}
	return joined, weights
}

// product puts the embeddings of image and table, each [width, batch], beside their product, element by element: bilinear pooling of low rank,
// Kim and others, arXiv:1610.04325. A layer behind it reads sums of what each says and of what they say together, where behind a mere
// concatenation a product has to be pieced together from rectifiers. What a patient lacks is zero, and so is the product then.
func product(image, table, present *Node) *Node {
	hasImage, hasTable := Slice(present, AxisRange(0, 1), AxisRange()), Slice(present, AxisRange(1, 2), AxisRange())
	u, v := Mul(image, hasImage), Mul(table, hasTable)
	return Concatenate([]*Node{u, v, Mul(u, v), present}, 0)
}
