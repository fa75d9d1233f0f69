package tree

import (
	"math"
	"sync"

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
// leaves that lead to themselves, so that eight descents run in step. A row is read into a buffer with a place for each column in use;
// where values are missing, with two, -Inf for nodes that send missing left and +Inf for those that send it right, so that descents
// never ask.
type runner struct {
	e       *Ensemble
	used    []int32 // columns in use, ascending
	steps   []step
	values  []float64 // steps × width
	roots   []int32
	depths  []int32
	max     int32 // deepest tree
	buffers sync.Pool
}

type step struct {
	threshold float64 // at most this goes left
	slot      int32   // twice the place of the column, plus 1 where missing goes right
	left      int32
}

func newRunner(e *Ensemble) *runner {
	r := &runner{e: e, steps: make([]step, e.Nodes()), values: make([]float64, len(e.Values)), roots: e.Roots[:e.Trees()]}
	if e.Sets != nil {
		return r // walked by Reach
	}
	place := make([]int32, e.Features)
	for _, f := range e.Feature {
		if f >= 0 {
			place[f] = 1
		}
	}
	for f := range place {
		if place[f] == 1 {
			place[f] = int32(len(r.used))
			r.used = append(r.used, int32(f))
		}
	}
	if len(r.used) == 0 {
		r.used = []int32{0} // trees that are one leaf still look at a place
	}
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
			slot := 2 * place[e.Feature[n]]
			if !e.MissingLeft[n] {
				slot++
			}
			threshold := e.Threshold[n]
			if e.Strict {
				threshold = math.Nextafter(threshold, math.Inf(-1))
			}
			r.steps[at] = step{threshold, slot, first + int32(len(queue))}
			queue = append(queue, e.Left[n], e.Right[n])
		}
		depth := int32(e.Depth(t))
		r.depths = append(r.depths, depth)
		r.max = max(r.max, depth)
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
		return func(b int) {
			buffer, ok := r.buffers.Get().(*[]float64)
			if size := 2 * len(r.used) * min(blockRows, x.Rows); !ok || len(*buffer) < size {
				fresh := make([]float64, size)
				buffer = &fresh
			}
			r.block(x, b*blockRows, min((b+1)*blockRows, x.Rows), *buffer, out)
			r.buffers.Put(buffer)
		}
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
	n, outputs := to-from, r.e.Outputs()
	slots, shift := len(r.used), uint(1)
	if !r.gather(x, from, n, buffer) {
		slots, shift = 2*slots, 0
		r.gatherMissing(x, from, n, buffer)
	}
	if r.e.Float32 {
		for i, v := range buffer[:n*slots] {
			buffer[i] = float64(float32(v))
		}
	}
	for i := range n {
		copy(out[(from+i)*outputs:(from+i+1)*outputs], r.e.Base)
	}
	i := 0
	for ; i+lanes <= n; i += lanes {
		r.eightRows(buffer[i*slots:(i+lanes)*slots], shift, out[(from+i)*outputs:(from+i+lanes)*outputs])
	}
	for ; i < n; i++ {
		r.oneRow(buffer[i*slots:(i+1)*slots], shift, out[(from+i)*outputs:(from+i+1)*outputs])
	}
}

// gather reads n rows, a place a column in use; it reports whether none had a missing value.
func (r *runner) gather(x models.Matrix, from, n int, buffer []float64) bool {
	slots, complete := len(r.used), true
	for s, j := range r.used {
		levels := x.Columns[j].Kind != table.Numeric
		at := int(j)*x.Rows + from
		if n == 1 { // a served row
			v := x.Values[at]
			if v != v || v < 0 && levels {
				return false
			}
			buffer[s] = v
			continue
		}
		for i, v := range x.Values[at : at+n] {
			if v != v || v < 0 && levels {
				complete = false
			}
			buffer[i*slots+s] = v
		}
	}
	return complete
}

// gatherMissing reads n rows, two places a column in use.
func (r *runner) gatherMissing(x models.Matrix, from, n int, buffer []float64) {
	slots := 2 * len(r.used)
	for s, j := range r.used {
		levels := x.Columns[j].Kind != table.Numeric
		at := int(j)*x.Rows + from
		for i, v := range x.Values[at : at+n] {
			left, right := v, v
			if v != v || v < 0 && levels {
				left, right = math.Inf(-1), math.Inf(1)
			}
			buffer[i*slots+2*s], buffer[i*slots+2*s+1] = left, right
		}
	}
}

// descend takes one step down. A row with a place a column is read at half the slot.
func descend(s *step, row []float64, shift uint) int32 {
	n := s.left
	if row[s.slot>>(shift&31)] > s.threshold {
		n++
	}
	return n
}

// eightRows takes eight rows down each tree together.
func (r *runner) eightRows(rows []float64, shift uint, out []float64) {
	steps, slots := r.steps, len(rows)/lanes
	outputs := len(r.e.Base)
	r0, r1, r2, r3 := rows[:slots], rows[slots:2*slots], rows[2*slots:3*slots], rows[3*slots:4*slots]
	r4, r5, r6, r7 := rows[4*slots:5*slots], rows[5*slots:6*slots], rows[6*slots:7*slots], rows[7*slots:8*slots]
	for t, root := range r.roots {
		n0, n1, n2, n3, n4, n5, n6, n7 := root, root, root, root, root, root, root, root
		for range r.depths[t] {
			n0, n1 = descend(&steps[n0], r0, shift), descend(&steps[n1], r1, shift)
			n2, n3 = descend(&steps[n2], r2, shift), descend(&steps[n3], r3, shift)
			n4, n5 = descend(&steps[n4], r4, shift), descend(&steps[n5], r5, shift)
			n6, n7 = descend(&steps[n6], r6, shift), descend(&steps[n7], r7, shift)
		}
		for i, n := range [lanes]int32{n0, n1, n2, n3, n4, n5, n6, n7} {
			r.add(t, n, out[i*outputs:(i+1)*outputs])
		}
	}
}

// oneRow takes one row down eight trees together, and adds their leaves in the order of trees, as eightRows does.
func (r *runner) oneRow(row []float64, shift uint, out []float64) {
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
			n0, n1 = descend(&steps[n0], row, shift), descend(&steps[n1], row, shift)
			n2, n3 = descend(&steps[n2], row, shift), descend(&steps[n3], row, shift)
			n4, n5 = descend(&steps[n4], row, shift), descend(&steps[n5], row, shift)
			n6, n7 = descend(&steps[n6], row, shift), descend(&steps[n7], row, shift)
		}
		for i, n := range [lanes]int32{n0, n1, n2, n3, n4, n5, n6, n7} {
			r.add(t+i, n, out)
		}
	}
	for ; t < len(r.roots); t++ {
		n := r.roots[t]
		for range r.depths[t] {
			n = descend(&steps[n], row, shift)
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
