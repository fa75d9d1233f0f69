package neural

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/work"
)

// Weight is one tensor that a network learns.
type Weight struct {
	Name   string // image.level0.block0.conv1.weight
	Shape  []int
	Values []float32
	fanIn  int // of a matrix; 0 for vectors, which begin at start
	start  float32
	linear bool // no rectifier follows
}

// Weights are those of an architecture, in the order in which its graph takes them.
type Weights []Weight

// layout lists the weights of an architecture without values.
func (a *Architecture) layout() Weights {
	var all Weights
	vector := func(name string, n int, start float32) {
		all = append(all, Weight{Name: name, Shape: []int{n}, start: start})
	}
	matrix := func(name string, linear bool, shape ...int) {
		fan := 1
		for _, d := range shape[1:] {
			fan *= d
		}
		all = append(all, Weight{Name: name, Shape: shape, fanIn: fan, linear: linear})
	}
	layer := func(name string, in, out int, linear bool) {
		matrix(name+".weight", linear, out, in)
		vector(name+".bias", out, 0)
	}
	width := 0 // of what the heads read
	if e := a.Image; e != nil {
		in := e.Channels
		convolution := func(name string, out int, linear bool) {
			matrix(name+".weight", linear, out, e.taps(), in)
			if e.Norm == noNorm {
				vector(name+".bias", out, 0)
			} else {
				vector(name+".scale", out, 1)
				vector(name+".shift", out, 0)
			}
		}
		for l, out := range e.Widths {
			for b := range e.Depth {
				name := fmt.Sprintf("image.level%d.block%d", l, b)
				before := in
				convolution(name+".conv1", out, false)
				in = out
				if e.Residual {
					convolution(name+".conv2", out, true)
					if before != out {
						matrix(name+".skip.weight", true, out, 1, before)
					}
				}
			}
		}
		width = in
		if e.Dimensions == slicewise {
			matrix("image.attention.hidden.weight", true, attentionWidth, in)
			matrix("image.attention.score.weight", true, 1, attentionWidth)
		}
	}
	if a.Columns > 0 {
		in := a.Columns
		for i, out := range a.Hidden {
			layer(fmt.Sprintf("table.layer%d", i), in, out, false)
			in = out
		}
		if a.Image == nil {
			width = in
		} else if a.Fusion == concat {
			layer("fusion", width+in+modalities, a.Embedding, false)
			width = a.Embedding
		} else if a.Fusion == bilinear {
			layer("fusion.image", width, a.Embedding, true)
			layer("fusion.table", in, a.Embedding, true)
			layer("fusion.joint", 3*a.Embedding+modalities, a.Embedding, false)
			width = a.Embedding
		} else {
			layer("fusion.image", width, a.Embedding, false)
			layer("fusion.table", in, a.Embedding, false)
			matrix("fusion.gate.tanh.weight", true, attentionWidth, a.Embedding)
			matrix("fusion.gate.sigmoid.weight", true, attentionWidth, a.Embedding)
			matrix("fusion.gate.score.weight", true, 1, attentionWidth)
			layer("fusion.joint", a.Embedding, a.Embedding, false)
			width = a.Embedding
		}
	}
	for i := range a.Heads {
		layer(fmt.Sprintf("head%d", i), width, a.Heads[i].width(), true)
	}
	return all
}

const (
	attentionWidth = 32 // of the hidden layer that scores slices and modalities
	modalities     = 2  // image and table
)

// initial draws the weights that training starts from: He et al., arXiv:1502.01852, before a rectifier, and of variance 1/fan-in elsewhere. Each
// tensor draws from its own seed, so that a change of one layer leaves the others.
func (a *Architecture) initial(seed work.Seed) Weights {
	all := a.layout()
	for i := range all {
		w := &all[i]
		w.Values = make([]float32, w.size())
		if w.fanIn == 0 {
			for k := range w.Values {
				w.Values[k] = w.start
			}
			continue
		}
		gain := 2.0
		if w.linear {
			gain = 1
		}
		sd := math.Sqrt(gain / float64(w.fanIn))
		if strings.HasPrefix(w.Name, "head") {
			sd = 0.1 / math.Sqrt(float64(w.fanIn)) // first predictions are near those of no network at all
		}
		r := seed.Split("weights", w.Name).Rand()
		for k := range w.Values {
			w.Values[k] = float32(sd * r.NormFloat64())
		}
	}
	return all
}

func (w *Weight) size() int {
	n := 1
	for _, d := range w.Shape {
		n *= d
	}
	return n
}

// arrays are the weights as a program takes them.
func (w Weights) arrays() []array {
	out := make([]array, len(w))
	for i := range w {
		out[i] = array{w[i].Shape, w[i].Values}
	}
	return out
}

// filled are tensors of a file in the layout w, whose names stand there behind a prefix.
func (w Weights) filled(tensors map[string]array, prefix string) (Weights, error) {
	w = slices.Clone(w)
	for i := range w {
		a, ok := tensors[prefix+w[i].Name]
		if !ok || !slices.Equal(a.shape, w[i].Shape) {
			return nil, fmt.Errorf("tensor %s is not there with the shape %v", prefix+w[i].Name, w[i].Shape)
		}
		w[i].Values = a.values
	}
	if !w.finite() {
		return nil, errors.New("a weight is not a number")
	}
	return w, nil
}

// clone copies the weights.
func (w Weights) clone() Weights {
	out := make(Weights, len(w))
	for i := range w {
		out[i] = w[i]
		out[i].Values = append([]float32(nil), w[i].Values...)
	}
	return out
}

// Parameters is the number of weights.
func (w Weights) Parameters() int {
	n := 0
	for i := range w {
		n += len(w[i].Values)
	}
	return n
}
