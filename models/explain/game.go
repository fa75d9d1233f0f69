package explain

import (
	"fmt"
	"math/bits"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// linkedGame enumerates the subsets of columns for a model of trees or a linear one without predicting each. A leaf is reached by
// just those subsets that have in them every column that the row alone passes and none that the background row alone passes. So it
// is handed out as a few numbers, with alternating signs, over those needed columns joined with some of the forbidden, and one
// summation over subsets of subsets turns the numbers of all leaves into the sums of every subset. A linear sum moves by one term from
// subset to subset. What is explained may be any function of the sums.
type linkedGame struct {
	form   *linked
	shapes []*shape
	used   []int
	// background is rows × used columns, as the model reads them.
	background []float64
	shares     []float64
	base       []float64
	targets    int
}

func newLinkedGame(m models.Model, form *linked, targets int, b models.Matrix, shares []float64) (*linkedGame, error) {
	g := &linkedGame{form: form, used: active(m), shares: shares, base: make([]float64, targets), targets: targets}
	if n := len(g.used); n > mostLinked || (form.sums()+targets)<<n > mostCells {
		return nil, fmt.Errorf("%s: the model reacts to %d columns, and all subsets of at most %d can be tried, fewer for several numbers at once: use %s",
			Enumeration, n, mostLinked, Permutation)
	}
	if form.ensemble != nil {
		g.shapes, _ = layouts(form.ensemble, 0, form.ensemble.Outputs())
	}
	g.background = g.read(b, 0, b.Rows)
	n, sums, here := len(g.used), make([]float64, form.sums()), make([]float64, targets)
	row := make([]float64, len(b.Columns))
	for i, share := range shares {
		if form.ensemble != nil {
			tree.ReadRow(b, i, row)
			form.ensemble.Output(row, sums)
		} else {
			form.sum(g.used, g.background[i*n:(i+1)*n], sums)
		}
		form.apply(sums, here)
		for k, v := range here {
			g.base[k] += share * v
		}
	}
	return g, nil
}

// sum sets a linear model's sums for a row of its used columns.
func (l *linked) sum(used []int, row, sums []float64) {
	copy(sums, l.start)
	for k, w := range l.linear {
		for j, c := range used {
			sums[k] += w[c] * row[j]
		}
	}
}

// read returns rows × used columns as the model reads them.
func (g *linkedGame) read(x models.Matrix, lo, hi int) []float64 {
	if g.form.ensemble != nil {
		return readRows(g.form.ensemble, g.used, x, lo, hi, nil)
	}
	out := make([]float64, (hi-lo)*len(g.used))
	for j, c := range g.used {
		for i, v := range x.Column(c)[lo:hi] {
			out[i*len(g.used)+j] = v
		}
	}
	return out
}

func (g *linkedGame) columns() []int   { return g.used }
func (g *linkedGame) bases() []float64 { return g.base }

func (g *linkedGame) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	n, outputs := len(g.used), g.form.sums()
	rows := g.read(x, lo, hi)
	phi = s.take((hi - lo) * g.targets * n)
	sums, worth, here := make([]float64, outputs<<n), make([]float64, g.targets<<n), make([]float64, g.targets)
	var own, theirs []uint64
	for i := range hi - lo {
		clear(worth)
		for b, share := range g.shares {
			row, background := rows[i*n:(i+1)*n], g.background[b*n:(b+1)*n]
			if g.form.ensemble == nil {
				g.form.spread(g.used, row, background, sums)
			} else {
				g.walk(row, background, sums, &own, &theirs)
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

// walk sets the sums of every subset for a row and a background row of trees.
func (g *linkedGame) walk(row, background, sums []float64, own, theirs *[]uint64) {
	e, n := g.form.ensemble, len(g.used)
	clear(sums)
	copy(sums, e.Base)
	for _, s := range g.shapes {
		if len(*own) < s.nodes {
			*own, *theirs = make([]uint64, s.nodes), make([]uint64, s.nodes)
		}
		s.follow(e, row, *own)
		s.follow(e, background, *theirs)
		s.spread(*own, *theirs, e.Outputs(), sums)
	}
	overSubsets(sums, n, e.Outputs())
}

// overSubsets replaces the numbers of each subset, subsets × outputs, by their sums over all of its subsets.
func overSubsets(sums []float64, n, outputs int) {
	for j := range n {
		half := outputs << j
		for at := half; at < len(sums); at += 2 * half {
			from, to := sums[at-half:at], sums[at:at+half]
			for i, v := range from {
				to[i] += v
			}
		}
	}
}

// spread sets the sums of every subset for a row and a background row of a linear model.
func (l *linked) spread(used []int, row, background, sums []float64) {
	k := len(l.start)
	l.sum(used, background, sums[:k])
	for s := 1; s < 1<<len(used); s++ {
		j := bits.TrailingZeros(uint(s))
		before := s & (s - 1)
		for o, w := range l.linear {
			sums[s*k+o] = sums[before*k+o] + w[used[j]]*(row[j]-background[j])
		}
	}
}

// spread adds what the tree gives each subset beyond its subsets, given what the row and a background row pass: v over the needed
// columns joined with every set of k forbidden ones, negative where k is odd.
func (s *shape) spread(own, other []uint64, outputs int, sums []float64) {
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
		values := s.values[i*s.width : (i+1)*s.width]
		for f := forbids; ; f = (f - 1) & forbids {
			to := sums[int(f|needs)*outputs+s.first:]
			if bits.OnesCount(f)&1 == 0 {
				for k, v := range values {
					to[k] += v
				}
			} else {
				for k, v := range values {
					to[k] -= v
				}
			}
			if f == 0 {
				break
			}
		}
	}
}
