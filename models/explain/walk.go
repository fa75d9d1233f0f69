package explain

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// walked samples Shapley values of a function of sums over trees, as sampled does of any model, but far more cheaply and closely.
//
// While columns are put in one after the other, a leaf is reached from the moment when the last of the columns it needs has come
// until the first it forbids comes, so one descent of a tree finds its values along a whole walk: where the row and the background
// row part ways at a split, the walk goes the one way before the column comes and the other after.
//
// What is sampled is only what is left when the secant of the function between the background row and the row is taken off: that
// part is a multiple of a sum over trees, whose Shapley values are exact (rescaled), and it meets the function at both ends. The
// values are unbiased and sum to the output, and the standard error is that of the rest, which is of second order.
type walked struct {
	form       *linked
	secant     *rescaled // nil where it is not to be had: then all is sampled
	shapes     []*shape
	places     [][]int32 // by shape and node: the split there, or the leaf, as −1 − its number
	used       []int
	targets    int
	background []float64 // rows × used, as the trees read them
	shares     []float64
	sums       []float64 // background rows × sums
	base       []float64
	pairs      int
	orders     []int32 // background rows × pairs × used: when each column comes in
}

// walkedPairs is the number of pairs of orders for each background row, where the request does not say.
const walkedPairs = 8

func newWalked(form *linked, m models.Model, targets int, r Request) (*walked, error) {
	b, err := r.Background.Matrix(m.Columns())
	if err != nil {
		return nil, err
	}
	e := form.ensemble
	w := &walked{form: form, targets: targets, shares: r.Background.shares(), pairs: r.Pairs}
	if w.pairs == 0 {
		w.pairs = walkedPairs
	}
	w.shapes, w.used = layouts(e, 0, e.Outputs())
	for _, s := range w.shapes {
		w.places = append(w.places, s.places())
	}
	if !form.softmax {
		if w.secant, err = newRescaled(form, targets, b, w.shares); err != nil {
			w.secant = nil // a path of more columns than the method takes
		}
	}
	w.background = readRows(e, w.used, b, 0, b.Rows, nil)
	w.sums, w.base = form.background(b, w.shares, targets)
	if n := float64(len(w.used)) * float64(w.pairs) * float64(b.Rows); n > 1<<27 {
		return nil, fmt.Errorf("%s: %.2g places of columns in orders: ask for fewer pairs or give a smaller background", Permutation, n)
	}
	seed := r.Seed.Split("walk")
	w.orders = make([]int32, 0, len(w.used)*w.pairs*b.Rows)
	for i := range b.Rows {
		rand := seed.SplitInt("background", i).Rand()
		for range w.pairs {
			for _, p := range rand.Perm(len(w.used)) {
				w.orders = append(w.orders, int32(p))
			}
		}
	}
	return w, nil
}

func (w *walked) columns() []int   { return w.used }
func (w *walked) bases() []float64 { return w.base }

// places says what stands at each node of a tree.
func (s *shape) places() []int32 {
	at := make([]int32, s.nodes)
	for i := range s.splits {
		at[s.splits[i].node] = int32(i)
	}
	for i := range s.leaves {
		at[s.leaves[i].node] = -1 - int32(i)
	}
	return at
}

func (w *walked) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	n := len(w.used)
	size := n * w.targets
	if w.secant != nil {
		if phi, _, err = w.secant.values(x, lo, hi, s); err != nil {
			return nil, nil, err
		}
	} else {
		phi = s.take((hi - lo) * size)
	}
	errs = make([]float64, (hi-lo)*size)
	rows := readRows(w.form.ensemble, w.used, x, lo, hi, nil)
	outputs := w.form.ensemble.Outputs()
	own, here := make([]float64, w.form.ensemble.Features), make([]float64, outputs)
	t := newTour(w)
	for i := range hi - lo {
		tree.ReadRow(x, lo+i, own)
		w.form.ensemble.Output(own, here)
		t.row(rows[i*n:(i+1)*n], here, phi[i*size:(i+1)*size], errs[i*size:(i+1)*size])
	}
	return phi, errs, nil
}

// slope is that of the secant of target k from one sum to another, as rescaled takes it.
func (l *linked) slope(k int, from, to float64) float64 {
	d := to - from
	if math.Abs(d) < 1e-6 {
		d = 1e-6 // the slope there
		from = to - d
	}
	return (l.links[k](to) - l.links[k](from)) / d
}

// tour is what a goroutine needs to walk.
type tour struct {
	*walked
	row1, row0 []float64
	arrival    []int32 // of each column: the number of columns that are in once it is
	order      []int32 // columns as they come
	steps      []float64
	before     []float64
	after      []float64
	slopes     []float64
	mean       []float64
	squares    []float64
	pair       []float64
}

func newTour(w *walked) *tour {
	n, outputs := len(w.used), w.form.ensemble.Outputs()
	size := n * w.targets
	return &tour{walked: w, arrival: make([]int32, n), order: make([]int32, n), steps: make([]float64, (n+2)*outputs), before: make([]float64, w.targets),
		after: make([]float64, w.targets), slopes: make([]float64, w.targets), mean: make([]float64, size), squares: make([]float64, size), pair: make([]float64, size)}
}

// row adds to phi what walks from every background row to the row find, beyond the secant's part, and sets the standard errors.
func (t *tour) row(row, sums, phi, errs []float64) {
	n, outputs := len(t.used), len(sums)
	for b, share := range t.shares {
		t.row1, t.row0 = row, t.background[b*n:(b+1)*n]
		if t.secant != nil {
			for k := range t.slopes {
				o := t.form.raw[k]
				t.slopes[k] = t.form.slope(k, t.sums[b*outputs+o], sums[o])
			}
		}
		clear(t.mean)
		clear(t.squares)
		for p := range t.pairs {
			clear(t.pair)
			at := (b*t.pairs + p) * n
			for _, back := range [2]bool{false, true} {
				for j, a := range t.orders[at : at+n] {
					if back {
						a = int32(n-1) - a
					}
					t.order[a], t.arrival[j] = int32(j), a+1
				}
				t.walk()
				t.credit()
			}
			for m, v := range t.pair {
				d := v - t.mean[m]
				t.mean[m] += d / float64(p+1)
				t.squares[m] += d * (v - t.mean[m])
			}
		}
		for m := range phi {
			phi[m] += share * t.mean[m]
			errs[m] += share * share * t.squares[m] / float64(t.pairs*(t.pairs-1))
		}
	}
	for m := range errs {
		errs[m] = math.Sqrt(errs[m])
	}
}

// walk sets, for each number of columns that are in, by how much the sums change when the last of them comes; those of none are the
// sums themselves but for their base.
func (t *tour) walk() {
	clear(t.steps)
	for i, s := range t.shapes {
		t.descend(s, t.places[i], 0, 0, int32(len(t.used)+1))
	}
}

// descend adds what a node's leaves give while from or more, but fewer than to, columns are in.
func (t *tour) descend(s *shape, places []int32, node, from, to int32) {
	for {
		at := places[node]
		if at < 0 {
			leaf := int(-1 - at)
			outputs := t.form.ensemble.Outputs()
			in, out := t.steps[int(from)*outputs+s.first:], t.steps[int(to)*outputs+s.first:]
			for k := range s.width {
				v := s.values[leaf*s.width+k]
				in[k] += v
				out[k] -= v
			}
			return
		}
		sp := &s.splits[at]
		f := sp.feature
		with, without := sp.right, sp.right
		if sp.goesLeft(t.form.ensemble, t.row1[f]) {
			with = sp.left
		}
		if sp.goesLeft(t.form.ensemble, t.row0[f]) {
			without = sp.left
		}
		switch comes := t.arrival[f]; {
		case with == without || comes <= from:
			node = with
		case comes >= to:
			node = without
		default:
			t.descend(s, places, without, from, comes)
			node, from = with, comes
		}
	}
}

// credit gives each column half of the step by which its coming moved the targets, less what the secant moved by.
func (t *tour) credit() {
	outputs, n := t.form.ensemble.Outputs(), len(t.used)
	sums := t.steps[:outputs]
	for o, v := range t.form.ensemble.Base {
		sums[o] += v
	}
	t.form.apply(sums, t.before)
	for s := 1; s <= n; s++ {
		step := t.steps[s*outputs : (s+1)*outputs]
		still := true
		for _, v := range step {
			still = still && v == 0
		}
		if still {
			continue
		}
		for o, v := range step {
			sums[o] += v
		}
		t.form.apply(sums, t.after)
		j := int(t.order[s-1])
		for k, v := range t.after {
			d := v - t.before[k]
			if t.secant != nil {
				d -= t.slopes[k] * step[t.form.raw[k]]
			}
			t.pair[k*n+j] += d / 2
		}
		t.before, t.after = t.after, t.before
	}
}
