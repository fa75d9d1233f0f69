package neural

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// graphWeights hands out the weights of a graph by name.
type graphWeights map[string]*Node

// named takes the first inputs of a graph as weights and returns the others.
func (a *Architecture) named(in []*Node) (graphWeights, []*Node) {
	layout := a.layout()
	w := make(graphWeights, len(layout))
	for i := range layout {
		w[layout[i].Name] = in[i]
	}
	return w, in[len(layout):]
}

// dense applies the layer of that name.
func (w graphWeights) dense(name string, x *Node) *Node {
	return dense(x, w[name+".weight"], w[name+".bias"])
}

// sample is what a graph reads of a batch. Parts that the architecture lacks are nil.
type sample struct {
	image   *Node // [channels, batch, z, y, x]
	table   *Node // [columns, batch]
	begun   *Node // in place of table what its first layer makes of it before the rectifier, [hidden, batch]; else nil
	present *Node // [modalities, batch]: 1 where a patient has images, and where a table; only where both are read
	drop    *Node // [width, batch]: what the last hidden layer is multiplied with; nil outside training
}

// sample takes the inputs of a batch that follow the weights and returns the others.
func (a *Architecture) sample(in []*Node, training bool) (sample, []*Node) {
	var s sample
	take := func() *Node {
		n := in[0]
		in = in[1:]
		return n
	}
	if a.Image != nil {
		s.image = take()
	}
	if a.Columns > 0 {
		s.table = take()
	}
	if a.Fusion != "" {
		s.present = take()
	}
	if training {
		s.drop = take()
	}
	return s, in
}

// traced are the activations of a forward pass that are asked for by name: table.layer0, image.level1, embedding, slices, modalities.
type traced map[string]*Node

// forward is the network: the output of each head, [width, batch], and the activations of its layers. Those of levels of the image, and gradients with
// respect to it, are there only where levels says so.
func (a *Architecture) forward(w graphWeights, s sample, levels bool) ([]*Node, traced) {
	seen := traced{}
	var image *Node
	if a.Image != nil {
		if levels {
			image = a.Image.forward(w, s.image, true, seen)
		} else {
			image = a.Image.embed(w, s.image, false, seen)
		}
	}
	return a.join(w, image, s, seen), seen
}

// join is the network behind the features of the image, which are nil where it reads none.
func (a *Architecture) join(w graphWeights, image *Node, s sample, seen traced) []*Node {
	var table *Node
	hidden := image
	if a.Columns > 0 {
		table = s.table
		for i := range a.Hidden {
			name := fmt.Sprintf("table.layer%d", i)
			if i == 0 && s.begun != nil {
				table = relu(s.begun)
			} else {
				table = relu(w.dense(name, table))
			}
			seen[name] = table
		}
		hidden = table
	}
	if a.Fusion != "" {
		hidden = a.fuse(w, image, table, s.present, seen)
	}
	seen["embedding"] = hidden
	if s.drop != nil {
		hidden = Mul(hidden, s.drop)
	}
	out := make([]*Node, len(a.Heads))
	for i := range a.Heads {
		out[i] = w.dense(fmt.Sprintf("head%d", i), hidden)
	}
	return out
}

// fuse joins the embeddings of image and table. What a patient lacks is zero and says so.
func (a *Architecture) fuse(w graphWeights, image, table, present *Node, seen traced) *Node {
	hasImage, hasTable := Slice(present, AxisRange(0, 1), AxisRange()), Slice(present, AxisRange(1, 2), AxisRange())
	if a.Fusion == concat {
		return relu(w.dense("fusion", Concatenate([]*Node{Mul(image, hasImage), Mul(table, hasTable), present}, 0)))
	}
	if a.Fusion == bilinear {
		return relu(w.dense("fusion.joint", product(w.dense("fusion.image", image), w.dense("fusion.table", table), present)))
	}
	parts := []*Node{relu(w.dense("fusion.image", image)), relu(w.dense("fusion.table", table))}
	joined, weights := gate(parts, present, w["fusion.gate.tanh.weight"], w["fusion.gate.sigmoid.weight"], w["fusion.gate.score.weight"])
	seen["modalities"] = weights
	return relu(w.dense("fusion.joint", joined))
}

// forward is the convolutional part: [width, batch].
func (e *Encoder) forward(w graphWeights, x *Node, inputGradient bool, seen traced) *Node {
	x = e.each(x)
	first := true
	convolve := func(name string, x *Node) *Node {
		y := conv(x, w[name+".weight"], e.Kernel, inputGradient || !first)
		first = false
		if e.Norm == noNorm {
			return Add(y, perChannel(w[name+".bias"], y))
		}
		return normalise(y, w[name+".scale"], w[name+".shift"], e.Norm)
	}
	for l := range e.Widths {
		for b := range e.Depth {
			name := fmt.Sprintf("image.level%d.block%d", l, b)
			last := b == e.Depth-1 && l < len(e.Widths)-1
			before, again := x, inputGradient || !first
			x = convolve(name+".conv1", x)
			if e.Residual {
				x = convolve(name+".conv2", relu(x))
				if skip := w[name+".skip.weight"]; skip != nil {
					before = conv(before, skip, 1, again)
				}
				x = Add(x, before)
			}
			if last { // the rectifier commutes with the pool and has an eighth of the work behind it
				x = maxPool(x)
			}
			x = relu(x)
		}
		seen[fmt.Sprintf("image.level%d", l)] = x
	}
	return e.pool(w, mean(x), seen)
}

// each gives a slice that goes through the convolutions by itself the place of a sample.
func (e *Encoder) each(x *Node) *Node {
	return Reshape(x, append([]int{e.Channels, x.Shape().Dim(1) * e.slices()}, e.space()...)...)
}

// pool joins the slices of a patient, of which x are the features.
func (e *Encoder) pool(w graphWeights, x *Node, seen traced) *Node {
	seen["image.pooled"] = x
	if e.Dimensions != slicewise {
		return x
	}
	x, weights := attend(x, w["image.attention.hidden.weight"], w["image.attention.score.weight"], e.slices())
	seen["slices"] = weights
	return x
}

// embed is forward where the activations of levels are not wanted: on the Go backend activations are laid out on a lattice, where it takes a fraction of
// the time. Products of matrices that use vector instructions are fast enough for the zeros between the rows to be multiplied as well; others take longer
// than leaving them out.
func (e *Encoder) embed(w graphWeights, x *Node, inputGradient bool, seen traced) *Node {
	if x.Graph().Backend().Name() != goBackend {
		return e.forward(w, x, inputGradient, seen)
	}
	return e.pool(w, e.onLattice(w, e.firstConvolution(w, e.each(x), e.reach(), inputGradient)), seen)
}

// reach of the zeros between the rows of a lattice.
func (e *Encoder) reach() int {
	if vectorised {
		return e.Kernel / 2
	}
	return 0
}

// begun is an encoder on a lattice behind its first convolution.
type begun struct {
	image         planes // nothing where the first convolution was made elsewhere, which a residual block does not allow
	first         planes
	inputGradient bool
}

// firstConvolution is the first convolution of x, [channels, batch × slices, space…], on a lattice with zeros for that reach.
func (e *Encoder) firstConvolution(w graphWeights, x *Node, reach int, inputGradient bool) begun {
	p := planes{lattice: newLattice(x.Shape().Dim(1), e.space(), len(e.Widths) > 1, reach), channels: e.Channels}
	p.phase = p.enter(x)
	pooled := len(e.Widths) > 1 && e.Depth == 1 && !e.Residual
	return begun{p, p.conv(w["image.level0.block0.conv1.weight"], w["image.level0.block0.conv1.bias"], e.Kernel, pooled, inputGradient), inputGradient}
}

// onLattice are the features of each slice, [width, batch], by way of a lattice.
func (e *Encoder) onLattice(w graphWeights, from begun) *Node {
	levels := len(e.Widths)
	normalised := func(name string, y planes, pooled bool) planes {
		if e.Norm == noNorm {
			return y
		}
		return y.normalise(w[name+".scale"], w[name+".shift"], e.Norm, pooled)
	}
	convolve := func(name string, p planes, pooled bool) planes {
		return normalised(name, p.conv(w[name+".weight"], w[name+".bias"], e.Kernel, pooled, true), pooled)
	}
	p, reach := from.image, from.first.reach
	for l := range e.Widths {
		if l > 0 && l < levels-1 {
			x := p.whole(p.phase[0], p.channels)
			p.lattice = newLattice(p.batch, p.space, true, reach)
			p.phase = p.enter(x)
		}
		for b := range e.Depth {
			name := fmt.Sprintf("image.level%d.block%d", l, b)
			last := b == e.Depth-1 && l < levels-1
			before, again := p, true
			if l == 0 && b == 0 {
				p, again = normalised(name+".conv1", from.first, last && !e.Residual), from.inputGradient
			} else {
				p = convolve(name+".conv1", p, last && !e.Residual)
			}
			if e.Residual {
				p = convolve(name+".conv2", p.rectify(false), last)
				if skip := w[name+".skip.weight"]; skip != nil {
					before = before.conv(skip, nil, 1, false, again)
				}
				p = p.add(before)
			}
			p = p.rectify(last)
		}
	}
	return p.mean()
}
