package neural

import (
	"errors"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/voxgene/voxgene/models"
)

// lastLevel names the activations that Grad-CAM looks at.
func (e *Encoder) lastLevel() string { return fmt.Sprintf("image.level%d", len(e.Widths)-1) }

// score is the number that an explanation of a network is about, of each patient: the logit of a class against the mean of the others, the log-hazard, or
// the sum of the hazards' logits.
func (h *Head) score(out *Node, class int) *Node {
	if h.Kind != classesHead {
		return ReduceAllSum(out)
	}
	sum := ReduceAllSum(out)
	one := ReduceAllSum(Slice(out, AxisRange(class, class+1), AxisRange()))
	rest := float64(h.Classes - 1)
	return Sub(MulScalar(one, 1+1/rest), DivScalar(sum, rest))
}

// cam builds the graph of Grad-CAM for one patient: the activations of the last level weighed with the mean gradient of the score, over space as it is
// there, before the rectifier.
func (a *Architecture) cam(head, class int) func(in []*Node) []*Node {
	return func(in []*Node) []*Node {
		w, rest := a.named(in)
		s, _ := a.sample(rest, false)
		outs, seen := a.forward(w, s, true)
		at := seen[a.Image.lastLevel()]
		g := Gradient(a.Heads[head].score(outs[head], class), at)[0]
		axes := make([]int, 0, 3)
		for k := 2; k < at.Rank(); k++ {
			axes = append(axes, k)
		}
		return []*Node{ReduceSum(Mul(ReduceAndKeep(g, ReduceMean, axes...), at), 0)}
	}
}

// GradCAM says where in the crop of each row the network finds what speaks for a class, or for risk: Selvaraju and others,
// arXiv:1610.02391. The map has a value a voxel of the crop, x fastest, 0 and up: it is computed on the last level and brought to the crop
// linearly. A row without an image has none.
func (m *Model) GradCAM(x models.Matrix, class int) ([][]float32, error) {
	a := &m.Architecture
	if a.Image == nil {
		return nil, errors.New("the network reads no image")
	}
	if h := m.head(); h.Kind == classesHead && (class < 0 || class >= h.Classes) {
		return nil, fmt.Errorf("class %d of %d", class, h.Classes)
	}
	d, err := m.dataset(x)
	if err != nil {
		return nil, err
	}
	p, err := compiled(fmt.Sprintf("cam %d %d %s", m.Head, class, a.graph()), a.cam(m.Head, class))
	if err != nil {
		return nil, err
	}
	out := make([][]float32, d.rows)
	return out, inParallel(d.rows, func(i int) error {
		if !d.hasImage(i) {
			return nil
		}
		out[i] = make([]float32, a.Image.Size[0]*a.Image.Size[1]*a.Image.Size[2])
		for _, w := range m.Members {
			got, err := p.run(append(w.arrays(), d.batch(a, []int{i}, nil)...)...)
			if err != nil {
				return err
			}
			a.Image.enlarge(out[i], got[0], float32(len(m.Members)))
		}
		return nil
	})
}

// coarse is the size of the last level along x, y and z.
func (e *Encoder) coarse() [3]int {
	size := e.Size
	axes := 3
	if e.Dimensions != threeDimension {
		axes = 2
	}
	for range len(e.Widths) - 1 {
		for a := range axes {
			if size[a] > 1 {
				size[a] /= 2
			}
		}
	}
	return size
}

// enlarge adds the positive part of a map of the last level to one of the crop, divided by the number of maps. The k-th place of the coarse
// map lies over the middle of the voxels that it was pooled from.
func (e *Encoder) enlarge(to, from []float32, parts float32) {
	size := e.coarse()
	positive := make([]float32, len(from))
	for k, v := range from {
		positive[k] = max(v, 0)
	}
	var step [3]float64
	for a := range 3 {
		step[a] = 1
		for n := e.Size[a]; n > size[a]; n /= 2 {
			step[a] *= 2
		}
	}
	n := 0
	for k := range e.Size[2] {
		for j := range e.Size[1] {
			for i := range e.Size[0] {
				at := [3]float64{(float64(i)+0.5)/step[0] - 0.5, (float64(j)+0.5)/step[1] - 0.5, (float64(k)+0.5)/step[2] - 0.5}
				to[n] += interpolate(positive, size, at) / parts
				n++
			}
		}
	}
}
