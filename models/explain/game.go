package explain

import (
	"fmt"
	"math/bits"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// treeGame enumerates the subsets of columns for a model of trees without predicting each: a leaf is reached by just those subsets
// that have in them every column that the row alone passes and none that the background row alone passes, so each tree hands out
// 2^n leaf values. What is explained may be any function of the trees' sums.
type treeGame struct {
	form   *linked
	shapes []*shape
	used   []int
	// background is rows × used columns, as trees read them; sums is rows × outputs.
	background []float64
	shares     []float64
	base       []float64
	targets    int
}

func newTreeGame(form *linked, targets int, b models.Matrix, shares []float64) (*treeGame, error) {
	e := form.ensemble
	shapes, used := layouts(e, 0, e.Outputs())
	if len(used) > mostColumns {
		return nil, fmt.Errorf("%s: the trees ask %d columns, and all subsets of at most %d can be tried: use %s or %s",
			Enumeration, len(used), mostColumns, TreeInterventional, Permutation)
	}
	g := &treeGame{form: form, shapes: shapes, used: used, background: readRows(e, used, b, 0, b.Rows, nil), shares: shares, base: make([]float64, targets), targets: targets}
	row, sums, here := make([]float64, e.Features), make([]float64, e.Outputs()), make([]float64, targets)
	for i, share := range shares {
		tree.ReadRow(b, i, row)
		e.Output(row, sums)
		form.apply(sums, here)
		for k, v := range here {
			g.base[k] += share * v
		}
	}
	return g, nil
}

func (g *treeGame) columns() []int   { return g.used }
func (g *treeGame) bases() []float64 { return g.base }

func (g *treeGame) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	n, outputs := len(g.used), g.form.ensemble.Outputs()
	rows := readRows(g.form.ensemble, g.used, x, lo, hi, nil)
	phi = s.take((hi - lo) * g.targets * n)
	sums, worth, here := make([]float64, outputs<<n), make([]float64, g.targets<<n), make([]float64, g.targets)
	var own, other []uint64
	for i := range hi - lo {
		clear(worth)
		for b, share := range g.shares {
			for at := range 1 << n {
				copy(sums[at*outputs:], g.form.ensemble.Base)
			}
			for _, shape := range g.shapes {
				if len(own) < shape.nodes {
					own, other = make([]uint64, shape.nodes), make([]uint64, shape.nodes)
				}
				shape.follow(g.form.ensemble, rows[i*n:(i+1)*n], own)
				shape.follow(g.form.ensemble, g.background[b*n:(b+1)*n], other)
				shape.spread(own, other, 1<<n-1, outputs, sums)
			}
			for at := range 1 << n {
				g.form.apply(sums[at*outputs:(at+1)*outputs], here)
				for k, v := range here {
					worth[at*g.targets+k] += share * v
				}
			}
		}
		shapley(worth, n, g.targets, phi[i*g.targets*n:(i+1)*g.targets*n])
	}
	return phi, nil, nil
}

// spread adds the tree's leaf values to the sums, subsets × outputs, of the subsets that reach them, given what the row and a
// background row pass.
func (s *shape) spread(own, other []uint64, everything uint, outputs int, sums []float64) {
	for i := range s.leaves {
		l := &s.leaves[i]
		all := full(len(l.column))
		p, q := own[l.node]&all, other[l.node]&all
		if p|q != all {
			continue
		}
		var needs, forbids uint // columns of the ensemble
		for m := all &^ q; m != 0; m &= m - 1 {
			needs |= 1 << l.column[bits.TrailingZeros64(m)]
		}
		for m := all &^ p; m != 0; m &= m - 1 {
			forbids |= 1 << l.column[bits.TrailingZeros64(m)]
		}
		free := everything &^ (needs | forbids)
		for k := range s.width {
			v := s.values[i*s.width+k]
			for f := free; ; f = (f - 1) & free {
				sums[int(f|needs)*outputs+s.first+k] += v
				if f == 0 {
					break
				}
			}
		}
	}
}
