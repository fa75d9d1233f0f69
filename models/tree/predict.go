package tree

import (
	"math"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// ReadRow copies row i of a matrix into dst as ensembles read it: a level that training had not seen (table.Unseen) is missing.
func ReadRow(x models.Matrix, i int, dst []float64) {
	for j := range x.Columns {
		v := x.Values[j*x.Rows+i]
		if v < 0 && x.Columns[j].Kind != table.Numeric {
			v = math.NaN()
		}
		dst[j] = v
	}
}

// runner is an ensemble laid out for prediction: nodes of 16 bytes, siblings side by side, so that going down is one addition, and
// leaves that lead to themselves, so that eight descents run in step. A column has up to two slots in a row's buffer, where missing is
// -Inf for nodes that send it left and +Inf for those that send it right, so that descents never ask.
type runner struct {
	e      *Ensemble
	slots  []slot
	steps  []step
	values []float64 // steps × width
	roots  []int32
	depths []int32
	max    int32 // deepest tree
}

type slot struct {
	column  int32
	missing float64
}

type step struct {
	threshold float64 // at most this goes left
	slot      int32
	left      int32
}

func newRunner(e *Ensemble) *runner {
	r := &runner{e: e, steps: make([]step, e.Nodes()), values: make([]float64, len(e.Values)), roots: e.Roots[:e.Trees()]}
	if e.Sets != nil {
		return r // walked by Reach
	}
	slots := make(map[slot]int32)
	queue := []int32{}
	width := e.Width()
	for t := range e.Trees() {
		first := e.Roots[t]
		queue = append(queue[:0], first)
		for i := 0; i < len(queue); i++ {
			n, at := queue[i], first+int32(i)
			copy(r.values[int(at)*width:], e.Values[int(n)*width:int(n+1)*width])
			if e.Leaf(n) {
				r.steps[at] = step{threshold: math.Inf(1), left: at}
				continue
			}
			k := slot{e.Feature[n], math.Inf(1)}
			if e.MissingLeft[n] {
				k.missing = math.Inf(-1)
			}
			s, ok := slots[k]
			if !ok {
				s = int32(len(r.slots))
				slots[k] = s
				r.slots = append(r.slots, k)
			}
			threshold := e.Threshold[n]
			if e.Strict {
				threshold = math.Nextafter(threshold, math.Inf(-1))
			}
			r.steps[at] = step{threshold, s, first + int32(len(queue))}
			queue = append(queue, e.Left[n], e.Right[n])
		}
		depth := int32(e.Depth(t))
		r.depths = append(r.depths, depth)
		r.max = max(r.max, depth)
	}
	if len(r.slots) == 0 {
		r.slots = []slot{{0, 0}} // trees that are one leaf still look at a slot
	}
	return r
}

// lanes is how many descents run in step.
const lanes = 8

// blockRows is how many rows a block gathers at once: a multiple of lanes, and of the values in a cache line.
const blockRows = 32

// score writes the outputs of every row of x to out, rows × outputs.
func (r *runner) score(x models.Matrix, out []float64) {
	blocks := (x.Rows + blockRows - 1) / blockRows
	parallel(blocks, x.Rows*r.e.Trees()*int(r.max+1)/4, func() func(int) {
		if r.e.Sets != nil {
			row := make([]float64, r.e.Features)
			return func(b int) { r.walk(x, b*blockRows, min((b+1)*blockRows, x.Rows), row, out) }
		}
		buffer := make([]float64, len(r.slots)*min(blockRows, x.Rows))
		return func(b int) { r.block(x, b*blockRows, min((b+1)*blockRows, x.Rows), buffer, out) }
	})
}

func (r *runner) walk(x models.Matrix, from, to int, row, out []float64) {
	k := r.e.Outputs()
	for i := from; i < to; i++ {
		ReadRow(x, i, row)
		r.e.Output(row, out[i*k:(i+1)*k])
	}
}

// block scores rows from to to.
func (r *runner) block(x models.Matrix, from, to int, buffer, out []float64) {
	n, slots, outputs := to-from, len(r.slots), r.e.Outputs()
	for s, k := range r.slots {
		levels := x.Columns[k.column].Kind != table.Numeric
		for i, v := range x.Values[int(k.column)*x.Rows+from : int(k.column)*x.Rows+to] {
			if r.e.Float32 {
				v = float64(float32(v))
			}
			if v != v || v < 0 && levels {
				v = k.missing
			}
			buffer[i*slots+s] = v
		}
	}
	for i := range n {
		copy(out[(from+i)*outputs:(from+i+1)*outputs], r.e.Base)
	}
	i := 0
	for ; i+lanes <= n; i += lanes {
		r.eightRows(buffer[i*slots:(i+lanes)*slots], out[(from+i)*outputs:(from+i+lanes)*outputs])
	}
	for ; i < n; i++ {
		r.oneRow(buffer[i*slots:(i+1)*slots], out[(from+i)*outputs:(from+i+1)*outputs])
	}
}

// descend takes one step down.
func descend(s *step, row []float64) int32 {
	n := s.left
	if row[s.slot] > s.threshold {
		n++
	}
	return n
}

// eightRows takes eight rows down each tree together.
func (r *runner) eightRows(rows, out []float64) {
	steps, slots := r.steps, len(r.slots)
	outputs := len(r.e.Base)
	r0, r1, r2, r3 := rows[:slots], rows[slots:2*slots], rows[2*slots:3*slots], rows[3*slots:4*slots]
	r4, r5, r6, r7 := rows[4*slots:5*slots], rows[5*slots:6*slots], rows[6*slots:7*slots], rows[7*slots:8*slots]
	for t, root := range r.roots {
		n0, n1, n2, n3, n4, n5, n6, n7 := root, root, root, root, root, root, root, root
		for range r.depths[t] {
			n0, n1 = descend(&steps[n0], r0), descend(&steps[n1], r1)
			n2, n3 = descend(&steps[n2], r2), descend(&steps[n3], r3)
			n4, n5 = descend(&steps[n4], r4), descend(&steps[n5], r5)
			n6, n7 = descend(&steps[n6], r6), descend(&steps[n7], r7)
		}
		for i, n := range [lanes]int32{n0, n1, n2, n3, n4, n5, n6, n7} {
			r.add(t, n, out[i*outputs:(i+1)*outputs])
		}
	}
}

// oneRow takes one row down eight trees together, and adds their leaves in the order of trees, as eightRows does.
func (r *runner) oneRow(row, out []float64) {
	steps := r.steps
	t := 0
	for ; t+lanes <= len(r.roots); t += lanes {
		q := r.roots[t : t+lanes]
		n0, n1, n2, n3, n4, n5, n6, n7 := q[0], q[1], q[2], q[3], q[4], q[5], q[6], q[7]
		depth := int32(0)
		for _, d := range r.depths[t : t+lanes] {
			depth = max(depth, d)
		}
		for range depth {
			n0, n1 = descend(&steps[n0], row), descend(&steps[n1], row)
			n2, n3 = descend(&steps[n2], row), descend(&steps[n3], row)
			n4, n5 = descend(&steps[n4], row), descend(&steps[n5], row)
			n6, n7 = descend(&steps[n6], row), descend(&steps[n7], row)
		}
		for i, n := range [lanes]int32{n0, n1, n2, n3, n4, n5, n6, n7} {
			r.add(t+i, n, out)
		}
	}
	for ; t < len(r.roots); t++ {
		n := r.roots[t]
		for range r.depths[t] {
			n = descend(&steps[n], row)
		}
		r.add(t, n, out)
	}
}

// add adds what leaf n of tree t says.
func (r *runner) add(t int, n int32, out []float64) {
	if r.e.Targets != nil {
		out[r.e.Targets[t]] += r.values[n]
		return
	}
	if len(out) == 1 {
		out[0] += r.values[n]
		return
	}
	for k := range out {
		out[k] += r.values[int(n)*len(out)+k]
	}
}
