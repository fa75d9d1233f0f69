package neural

import (
	"fmt"
	"runtime"

	. "github.com/gomlx/gomlx/core/graph"
)

// way integrates gradients for one network, along the straight ways from the origins, whose image is the same, to a row.
//
// What the first layer of the table and the first convolution do is linear, the same everywhere on a way, and the dearest: they see every column and every
// voxel. So they are applied to both ends of the way alone. Points on it are mixed from what they make of the ends, gradients are summed behind them, and only
// the sums are brought back. Where a network has no such layer, or another backend runs it, the column or the image itself is mixed.
type way struct {
	m      *Model
	goals  []goal
	from   []origin
	starts []end // of the origins
	bases  []float64
	// forward and back are the programs: outputs, and outputs with the gradient of a weighted sum of them.
	forward, back *program
	// first is the first convolution and pull brings a gradient behind it back to the image; nil where the image itself is mixed.
	first, pull *program
	fields      []field // of what is mixed of an image
	size        int     // of a batch
	alone       bool    // a row's batches run one after the other, because rows run at once
}

// field is one input of a program: for each sample channels with so many values each, [channels, batch, inner].
type field struct{ channels, inner int }

// end is where a way ends or begins, with what is mixed of it: for each member what its first layers make of it, or one for all.
type end struct {
	position
	images, tables [][]float64
}

// sums is what is summed over the points of ways: gradients of what is mixed of the image, and of the table for each origin, one behind the other; of
// presence contributions.
type sums struct {
	images, tables [][]float64
	present        []float64
}

func (m *Model) newWay(goals []goal, from []origin) (*way, error) {
	w := &way{m: m, goals: goals, from: from, size: m.Architecture.onTheWay(len(from)), bases: make([]float64, len(goals))}
	if err := w.compile(); err != nil {
		return nil, err
	}
	at := make([]step, len(from))
	for k, o := range from {
		at[k].from = k
		start := end{position: o.position, tables: w.tables(o.table)}
		if k > 0 {
			start.images = w.starts[0].images
		} else if err := w.enter(&start); err != nil {
			return nil, err
		}
		w.starts = append(w.starts, start)
	}
	out, err := w.outputs(w.starts[0], at)
	if err != nil {
		return nil, err
	}
	for k, o := range from {
		for g := range goals {
			w.bases[g] += o.share * goals[g].value(out[k])
		}
	}
	return w, nil
}

// compile makes the programs.
func (w *way) compile() error {
	a := &w.m.Architecture
	var err error
	program := func(name string, build func(in []*Node) []*Node) *program {
		p, failed := compiled(fmt.Sprintf("%s %d %d %s", name, w.m.Head, w.size, a.graph()), build)
		if failed != nil {
			err = failed
		}
		return p
	}
	if e := a.Image; e != nil && !e.Residual && onGo() {
		l := newLattice(e.slices(), e.space(), len(e.Widths) > 1, e.reach())
		for range l.phases() {
			w.fields = append(w.fields, field{e.Widths[0], l.size()})
		}
		w.first, w.pull = program("first convolution", a.first), program("pull back the first convolution", a.pullFirst)
	} else if e != nil {
		w.fields = []field{{e.Channels, e.Size[0] * e.Size[1] * e.Size[2]}}
	}
	w.forward = program("outputs on a way", func(in []*Node) []*Node { return w.behind(in).outs })
	w.back = program("gradients on a way", func(in []*Node) []*Node {
		b := w.behind(in)
		out := b.outs[w.m.Head]
		return append([]*Node{out}, Gradient(ReduceAllSum(Mul(out, b.rest[0])), b.inputs...)...)
	})
	return err
}

// onTheWay is how many points of a way a program takes: as many as keep its memory small, and such that the fewest that there are fill whole batches.
func (a *Architecture) onTheWay(origins int) int {
	least, most := fewestPoints, 16
	if a.Image == nil {
		least, most = least*ofTables, 128
	} else {
		most = min(most, max(1, (1<<14)/(a.Image.Size[0]*a.Image.Size[1]*a.Image.Size[2])))
	}
	points := (least + origins - 1) / origins * origins
	batches := (points + most - 1) / most
	return (points + batches - 1) / batches
}

// first builds the graph of the first convolution of one image: its phases.
func (a *Architecture) first(in []*Node) []*Node {
	w, rest := a.named(in)
	return a.Image.firstConvolution(w, a.Image.each(rest[0]), a.Image.reach(), false).first.phase
}

// pullFirst builds the graph that brings a gradient of the phases of the first convolution, the last inputs, back to the image. An image goes before them,
// whose values do not matter.
func (a *Architecture) pullFirst(in []*Node) []*Node {
	w, rest := a.named(in)
	var sum *Node
	for q, y := range a.Image.firstConvolution(w, a.Image.each(rest[0]), a.Image.reach(), true).first.phase {
		if part := ReduceAllSum(Mul(y, Reshape(rest[1+q], -1))); sum == nil {
			sum = part
		} else {
			sum = Add(sum, part)
		}
	}
	return Gradient(sum, rest[0])
}

// behindFirst is a network from what is mixed on: outputs of heads, and the inputs behind the weights, of which those that are no part of a point are the rest.
// Samples do not touch one another, so that each has its own gradient.
type behindFirst struct {
	outs, inputs, rest []*Node
}

// behind builds the graph of the network from what is mixed on.
func (w *way) behind(in []*Node) behindFirst {
	a := &w.m.Architecture
	weights, rest := a.named(in)
	var b behindFirst
	take := func() *Node {
		n := rest[0]
		b.inputs, rest = append(b.inputs, n), rest[1:]
		return n
	}
	var image *Node
	seen := traced{}
	if e := a.Image; w.first != nil {
		first := planes{lattice: newLattice(w.size*e.slices(), e.space(), len(e.Widths) > 1, e.reach()), channels: e.Widths[0]}
		for range first.phases() {
			first.phase = append(first.phase, Reshape(take(), -1))
		}
		image = e.pool(weights, e.onLattice(weights, begun{first: first, inputGradient: true}), seen)
	} else if e != nil {
		image = e.embed(weights, Reshape(take(), e.Channels, w.size, e.Size[2], e.Size[1], e.Size[0]), true, seen)
	}
	var s sample
	if len(a.Hidden) > 0 && a.Columns > 0 {
		s.begun = take()
	} else if a.Columns > 0 {
		s.table = take()
	}
	if a.Fusion != "" {
		s.present = take()
	}
	b.outs, b.rest = a.join(weights, image, s, seen), rest
	return b
}

// rows runs a task for every row. Where there are as many as processors they run at once.
func (w *way) rows(n int, do func(i int) error) error {
	if w.alone = n >= runtime.GOMAXPROCS(0); w.alone {
		return inParallel(n, do)
	}
	for i := range n {
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

// tasks runs the parts of a row's work.
func (w *way) tasks(n int, do func(i int) error) error {
	if !w.alone {
		return inParallel(n, do)
	}
	for i := range n {
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

// end is where a way ends.
func (w *way) end(to position) (end, error) {
	e := end{position: to, tables: w.tables(to.table)}
	return e, w.enter(&e)
}

// enter makes what is mixed of the image.
func (w *way) enter(e *end) error {
	if e.image == nil {
		return nil
	}
	if w.first == nil {
		e.images = [][]float64{e.image}
		return nil
	}
	crop := w.crop()
	for j, v := range e.image {
		crop.values[j] = float32(v)
	}
	for _, weights := range w.m.Members {
		got, err := w.first.run(append(weights.arrays(), crop)...)
		if err != nil {
			return err
		}
		var all []float64
		for _, phase := range got {
			for _, v := range phase {
				all = append(all, float64(v))
			}
		}
		e.images = append(e.images, all)
	}
	return nil
}

// tables is what is mixed of a table.
func (w *way) tables(table []float64) [][]float64 {
	if table == nil || len(w.m.Architecture.Hidden) == 0 {
		return [][]float64{table}
	}
	var out [][]float64
	for m := range w.m.Members {
		matrix, bias := w.firstLayer(m)
		made := make([]float64, len(bias))
		for h, b := range bias {
			sum := float64(b)
			for j, v := range matrix[h*len(table) : (h+1)*len(table)] {
				sum += float64(v) * table[j]
			}
			made[h] = sum
		}
		out = append(out, made)
	}
	return out
}

// firstLayer is that of a member's table: [hidden, columns], and what is added.
func (w *way) firstLayer(member int) (matrix, bias []float32) {
	for _, x := range w.m.Members[member] {
		switch x.Name {
		case "table.layer0.weight":
			matrix = x.Values
		case "table.layer0.bias":
			bias = x.Values
		}
	}
	return matrix, bias
}

// crop is room for one image.
func (w *way) crop() array {
	e := w.m.Architecture.Image
	return newArray(e.Channels, 1, e.Size[2], e.Size[1], e.Size[0])
}

// mix packs points on the way to a row, at most size, into the inputs of a graph, those of each member. What is left over is 0.
func (w *way) mix(to end, points []step) [][]array {
	a := &w.m.Architecture
	out := make([][]array, len(w.m.Members))
	for m := range out {
		at := 0
		for _, f := range w.fields {
			if m >= len(to.images) { // one for all
				out[m] = append(out[m], out[0][len(out[m])])
				continue
			}
			t := newArray(f.channels, w.size, f.inner)
			for k, s := range points {
				for c := range f.channels {
					place := at + c*f.inner
					from, to := w.starts[s.from].images[m][place:place+f.inner], to.images[m][place:place+f.inner]
					mixed := t.values[(c*w.size+k)*f.inner:][:f.inner]
					for j, v := range from {
						mixed[j] = float32(v + s.along*(to[j]-v))
					}
				}
			}
			at += f.channels * f.inner
			out[m] = append(out[m], t)
		}
		lay := func(to []float64, of func(start *end) []float64) {
			t := newArray(len(to), w.size)
			for k, s := range points {
				from := of(&w.starts[s.from])
				for j, v := range from {
					t.values[j*w.size+k] = float32(v + s.along*(to[j]-v))
				}
			}
			out[m] = append(out[m], t)
		}
		if a.Columns > 0 {
			i := m % len(to.tables)
			lay(to.tables[i], func(start *end) []float64 { return start.tables[i] })
		}
		if a.Fusion != "" {
			lay(to.present, func(start *end) []float64 { return start.present })
		}
	}
	return out
}

// outputs are those of the head at points on the way to a row, averaged over members.
func (w *way) outputs(to end, points []step) ([][]float64, error) {
	out := make([][]float64, len(points))
	return out, inParallel((len(points)+w.size-1)/w.size, func(chunk int) error {
		part := points[chunk*w.size : min((chunk+1)*w.size, len(points))]
		got, err := w.some(w.mix(to, part), len(part))
		copy(out[chunk*w.size:], got)
		return err
	})
}

// some are the outputs at the first points of a batch.
func (w *way) some(in [][]array, points int) ([][]float64, error) {
	width := w.m.head().width()
	out := make([][]float64, points)
	for k := range out {
		out[k] = make([]float64, width)
	}
	for m, weights := range w.m.Members {
		got, err := w.forward.run(append(weights.arrays(), in[m]...)...)
		if err != nil {
			return nil, err
		}
		for k := range out {
			for c := range width {
				out[k][c] += float64(got[w.m.Head][c*w.size+k]) / float64(len(w.m.Members))
			}
		}
	}
	return out, nil
}

// contributions is what sums come to, on the way to a row.
func (w *way) contributions(s sums, to end) (position, error) {
	out := position{present: s.present, table: make([]float64, len(to.table))}
	if to.table != nil {
		w.pullTable(s.tables, to, out.table)
	}
	if to.image == nil {
		return out, nil
	}
	out.image = make([]float64, len(to.image))
	from := w.from[0].image
	if w.first == nil {
		for j, g := range s.images[0] {
			out.image[j] = g * (to.image[j] - from[j])
		}
		return out, nil
	}
	for m, weights := range w.m.Members {
		in := append(weights.arrays(), w.crop())
		at := 0
		for _, f := range w.fields {
			t := newArray(f.channels, 1, f.inner)
			for j := range t.values {
				t.values[j] = float32(s.images[m][at+j])
			}
			at += len(t.values)
			in = append(in, t)
		}
		got, err := w.pull.run(in...)
		if err != nil {
			return out, err
		}
		for j, g := range got[0] {
			out.image[j] += float64(g) * (to.image[j] - from[j])
		}
	}
	return out, nil
}

// pullTable adds to each column what gradients behind the first layer come to on the ways from all origins.
func (w *way) pullTable(gradients [][]float64, to end, out []float64) {
	columns := len(out)
	slope := make([]float64, columns)
	for m, sum := range gradients {
		matrix, bias := w.firstLayer(m)
		for k, o := range w.from {
			if len(w.m.Architecture.Hidden) == 0 {
				slope = sum[k*columns : (k+1)*columns]
			} else {
				clear(slope)
				for h, g := range sum[k*len(bias) : (k+1)*len(bias)] {
					for j, v := range matrix[h*columns : (h+1)*columns] {
						slope[j] += g * float64(v)
					}
				}
			}
			for j, g := range slope {
				out[j] += g * (to.table[j] - o.table[j])
			}
		}
	}
}
