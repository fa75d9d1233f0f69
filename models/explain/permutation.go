package explain

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// sampled estimates Shapley values from random orders [Castro2009]: along an order, each column's value is what the prediction
// moves by when the column is put in. Each order is walked forwards and backwards, which cancels what is linear in the noise, and
// each background row gets the same number of orders, so that base and sum are those of the whole background. The standard error
// is that of the mean over orders, each pair one draw, within background rows.
//
// [Castro2009]: https://doi.org/10.1016/j.cor.2008.04.004
type sampled struct {
	*mixtures
	pairs int
	seed  work.Seed
	// form is that of a linear model, whose sums move by a term a step, so that a walk needs no prediction; nil for others.
	form *linked
}

// mostWalked bounds the values that a model is given to explain one row.
const mostWalked = 1 << 38

func newSampled(e *Explainer, r Request) (engine, error) {
	if r.Pairs != 0 && (r.Pairs < 2 || r.Pairs > 1<<20) {
		return nil, fmt.Errorf("%s: %d pairs of orders a background row; want 2 or more, for a standard error", Permutation, r.Pairs)
	}
	if r.Background == nil {
		return nil, fmt.Errorf("%s: %w", r.Method, ErrNoBackground)
	}
	form, linked := linkOf(e.model, e.targets[0].scale, len(e.targets), e.times)
	if linked && form.ensemble != nil {
		return newWalked(form, e.model, len(e.targets), r)
	}
	if r.Pairs == 0 {
		r.Pairs = 2
	}
	m, err := newMixtures(e, r)
	if err != nil {
		return nil, err
	}
	p := &sampled{m, r.Pairs, r.Seed.Split("permutation"), nil}
	if linked {
		p.form = form
	}
	if n := float64(len(m.used)) * float64(len(e.model.Columns())) * float64(r.Pairs) * 2 * float64(m.background.Rows); p.form == nil && n > mostWalked {
		return nil, fmt.Errorf("%s: one row would take %.2g predictions of %d columns: give a smaller background, or explain another scale",
			Permutation, n/float64(len(e.model.Columns())), len(e.model.Columns()))
	}
	return p, nil
}

// walkSums sets what a walk of a linear model passes, as score would, for each order's first to last but one step.
func (p *sampled) walkSums(x models.Matrix, i, b int, order []int, walk []float64) {
	row, background := make([]float64, len(p.used)), make([]float64, len(p.used))
	for j, c := range p.used {
		row[j], background[j] = x.Column(c)[i], p.mixtures.background.Column(c)[b]
	}
	start, sums, targets := make([]float64, len(p.form.start)), make([]float64, len(p.form.start)), len(p.targets)
	p.form.sum(p.used, background, start)
	n := len(order)
	for _, back := range []bool{false, true} {
		copy(sums, start)
		for t := range n - 1 {
			j, s := order[t], t
			if back {
				j, s = order[n-1-t], n-1+t
			}
			for k, w := range p.form.linear {
				sums[k] += w[p.used[j]] * (row[j] - background[j])
			}
			p.form.apply(sums, walk[s*targets:(s+1)*targets])
		}
	}
}

func (p *sampled) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	size := len(p.used) * len(p.targets)
	phi, errs = s.take((hi-lo)*size), make([]float64, (hi-lo)*size)
	for i := lo; i < hi; i++ {
		if err := s.stopped(); err != nil {
			return nil, nil, err
		}
		at := (i - lo) * size
		if err := p.row(x, i, phi[at:at+size], errs[at:at+size]); err != nil {
			return nil, nil, err
		}
	}
	return phi, errs, nil
}

// row sets the values and standard errors, targets × columns, of row i.
func (p *sampled) row(x models.Matrix, i int, phi, errs []float64) error {
	targets := len(p.targets)
	prediction, err := p.model.Predict(x.Select([]int{i}), p.times)
	if err != nil {
		return err
	}
	here := p.read(prediction, 0)
	mean, squares, pair := make([]float64, len(phi)), make([]float64, len(phi)), make([]float64, len(phi))
	for b, share := range p.shares {
		differ := p.differs(x, i, b)
		clear(mean)
		clear(squares)
		for r := range p.pairs {
			clear(pair)
			order := p.seed.SplitInt("background", b).SplitInt("pair", r).Rand().Perm(len(differ))
			place := make([]int, len(p.used)) // when a column is put in, walking forwards; −1 where it makes no difference
			for j := range place {
				place[j] = -1
			}
			for t, o := range order {
				place[differ[o]] = t
			}
			n := len(order)
			if n == 0 {
				continue
			}
			// Mixtures 0 to n−2 have the first s+1 of the order in; n−1 to 2n−3 have the last s+1 in.
			walk := make([]float64, (2*n-2)*targets)
			if p.form != nil {
				entering := make([]int, n)
				for t, o := range order {
					entering[t] = differ[o]
				}
				p.walkSums(x, i, b, entering, walk)
			} else if err := p.score(x, i, b, 2*n-2, func(s, j int) bool {
				t := place[j]
				return t < 0 || s < n-1 && t <= s || s >= n-1 && t >= n-1-(s-(n-1))
			}, func(s int, v []float64) { copy(walk[s*targets:], v) }); err != nil {
				return err
			}
			p.credit(walk[:(n-1)*targets], p.at[b], here, func(t int) int { return differ[order[t]] }, pair)
			p.credit(walk[(n-1)*targets:], p.at[b], here, func(t int) int { return differ[order[n-1-t]] }, pair)
			for m, v := range pair {
				d := v - mean[m]
				mean[m] += d / float64(r+1)
				squares[m] += d * (v - mean[m])
			}
		}
		for m := range phi {
			phi[m] += share * mean[m]
			errs[m] += share * share * squares[m] / float64(p.pairs*(p.pairs-1))
		}
	}
	for m := range errs {
		errs[m] = math.Sqrt(errs[m])
	}
	return nil
}

// credit gives each column half of the step by which its entry moved the targets, from a background row to the row.
func (p *sampled) credit(walk, from, to []float64, column func(t int) int, phi []float64) {
	targets, n := len(from), len(p.used)
	steps := len(walk)/targets + 1
	for t := range steps {
		before, after := from, to
		if t > 0 {
			before = walk[(t-1)*targets : t*targets]
		}
		if t < steps-1 {
			after = walk[t*targets : (t+1)*targets]
		}
		for k := range targets {
			phi[k*n+column(t)] += (after[k] - before[k]) / 2
		}
	}
}
