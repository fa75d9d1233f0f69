package explain

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/voxgene/voxgene/models"
)

// Interactions are the Shapley interaction values [Fujimoto2006] of one number of one row's prediction, from which trees can be
// explained exactly. Values is Columns × Columns and symmetric: off the diagonal half of what two columns contribute together, on
// it what is left of a column's Shapley value, so that each row of it sums to that.
//
// [Fujimoto2006]: https://doi.org/10.1016/j.geb.2005.03.002
type Interactions struct {
	Method  string
	Class   string
	Time    float64
	Scale   string
	Columns []int // indices of the model's columns that some tree asks; all others interact with nothing
	Values  []float64
}

// At returns the value of two places in Columns.
func (i Interactions) At(a, b int) float64 { return i.Values[a*len(i.Columns)+b] }

// Interact explains the rows of x by the interactions of columns, for models of trees: for each row a list as Explain returns. Memory
// is rows × asked columns².
func Interact(ctx context.Context, m models.Model, x models.Matrix, r Request) ([][]Interactions, error) {
	if r.Method == "" || r.Method == Auto {
		r.Method = TreePathDependent
	}
	r.Rows = 1 // no tables
	e, err := New(m, r)
	if err != nil {
		return nil, err
	}
	t, ok := e.engine.(*trees)
	if !ok {
		return nil, fmt.Errorf("interactions are of models of trees, on the scale on which the trees are summed, by %s or %s; this is the %s by %s",
			TreePathDependent, TreeInterventional, e.targets[0].scale, e.method)
	}
	attributions, err := Explain(ctx, m, x, r)
	if err != nil {
		return nil, err
	}
	out := make([][]Interactions, x.Rows)
	var w interactionScratch
	row := make([]float64, len(t.used))
	for i := range out {
		row = readRows(t.ensemble, t.used, x, i, i+1, row)
		values, err := t.interactions(row, &w)
		if err != nil {
			return nil, err
		}
		n := len(t.used)
		out[i] = make([]Interactions, len(e.targets))
		for k, target := range e.targets {
			v := append([]float64{}, values[k*n*n:(k+1)*n*n]...)
			for a, c := range t.used {
				own := attributions[i][k].Values[c]
				for b := range n {
					if a != b {
						own -= v[a*n+b]
					}
				}
				v[a*n+a] = own
			}
			out[i][k] = Interactions{Method: e.method, Class: target.class, Time: target.time, Scale: target.scale, Columns: t.used, Values: v}
		}
	}
	return out, nil
}

type interactionScratch struct {
	masks  []uint64
	values []float64
	pair   []float64
	factor []float64
}

// interactions sets what lies off the diagonals, targets × columns × columns.
func (t *trees) interactions(x []float64, w *interactionScratch) ([]float64, error) {
	n := len(t.used)
	if len(w.values) == 0 {
		w.values, w.pair = make([]float64, t.outputs*n*n), make([]float64, 64*64)
	}
	clear(w.values)
	each := func(s *shape, share func(i int, passed uint64, pair []float64)) error {
		if s.unique > 64 {
			return fmt.Errorf("a path of a tree asks %d different columns; interactions take at most 64", s.unique)
		}
		if len(w.masks) < s.nodes {
			w.masks = make([]uint64, s.nodes)
		}
		s.follow(t.ensemble, x, w.masks)
		for i, l := range s.leaves {
			d := len(l.column)
			if d < 2 {
				continue
			}
			pair := w.pair[:d*d]
			share(i, w.masks[l.node]&full(d), pair)
			for k := range s.width {
				v := s.values[i*s.width+k] / 2
				to := w.values[(s.first+k)*n*n:]
				for a := range d {
					for b := range a {
						both := v * pair[a*d+b]
						to[int(l.column[a])*n+int(l.column[b])] += both
						to[int(l.column[b])*n+int(l.column[a])] += both
					}
				}
			}
		}
		return nil
	}
	for p := range t.paths {
		tree := &t.paths[p]
		at, weight := quadrature(max(1, (tree.unique+1)/2), max(1, (tree.unique+1)/2))
		err := each(tree.shape, func(i int, passed uint64, pair []float64) { tree.leaves[i].pairs(passed, at, weight, w, pair) })
		if err != nil {
			return nil, err
		}
	}
	for c := range t.crosses {
		if err := each(t.crosses[c].shape, t.crosses[c].pairs); err != nil {
			return nil, err
		}
	}
	return w.values, nil
}

// pairs sets, below the diagonal, (o_a − z_a)(o_b − z_b) ∫ Π_{i≠a,b} (o_i t + z_i (1−t)) dt of the leaf's columns.
func (l *leaf) pairs(passed uint64, at, weight []float64, w *interactionScratch, pair []float64) {
	d := len(l.column)
	clear(pair)
	if len(w.factor) < d {
		w.factor = make([]float64, d)
	}
	for q, t := range at {
		product := weight[q]
		dead := false
		for j, z := range l.z {
			w.factor[j] = z * (1 - t)
			if passed>>j&1 == 1 {
				w.factor[j] += t
			}
			dead = dead || w.factor[j] == 0
			product *= w.factor[j]
		}
		if dead {
			return // a column that neither the row nor any training row passes
		}
		for a := 1; a < d; a++ {
			for b := range a {
				pair[a*d+b] += product / (w.factor[a] * w.factor[b])
			}
		}
	}
	for a := 1; a < d; a++ {
		for b := range a {
			pair[a*d+b] *= (float64(passed>>a&1) - l.z[a]) * (float64(passed>>b&1) - l.z[b])
		}
	}
}

// pairs sets, below the diagonal, what two columns of leaf i contribute together, from a leaf of value 1.
func (c *crossTree) pairs(i int, passed uint64, pair []float64) {
	d := len(c.leaves[i].column)
	clear(pair)
	all := full(d)
	failed := all &^ passed
	for _, g := range c.background(i) {
		if failed&^g.passed != 0 {
			continue
		}
		alone := all &^ g.passed
		a, b := bits.OnesCount64(alone), bits.OnesCount64(failed)
		for m := alone | failed; m != 0; m &= m - 1 {
			j := bits.TrailingZeros64(m)
			for o := (alone | failed) & (1<<j - 1); o != 0; o &= o - 1 {
				k := bits.TrailingZeros64(o)
				switch first, second := alone>>j&1 == 1, alone>>k&1 == 1; {
				case first && second:
					pair[j*d+k] += g.weight * beta[a-2][b]
				case first || second:
					pair[j*d+k] -= g.weight * beta[a-1][b-1]
				default:
					pair[j*d+k] += g.weight * beta[a][b-2]
				}
			}
		}
	}
}
