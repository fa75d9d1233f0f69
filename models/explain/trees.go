package explain

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// trees explains the outputs of an ensemble of trees, from the first wanted to the last. It is safe for concurrent use.
type trees struct {
	ensemble *tree.Ensemble
	used     []int // columns that some tree asks
	outputs  int
	base     []float64
	paths    []pathTree  // of the path-dependent method
	crosses  []crossTree // of the interventional method
}

// rescaled turns interventional values of sums over trees into ones of a function of the sums, background row by background row:
// each row's values are multiplied by the ratio of the two differences between the explained row and it. For probabilities this is
// shap's model_output="probability" [Chen2022]: the values add up to the function, but they are not its Shapley values.
//
// [Chen2022]: https://doi.org/10.1038/s41467-022-31384-3
type rescaled struct {
	parts   []*trees // the sum that each target is a function of; targets may share one
	form    *linked
	shares  []float64 // of the background rows
	sums    []float64 // background × outputs
	base    []float64
	used    []int
	targets int
}

func newRescaled(form *linked, targets int, b models.Matrix, shares []float64) (*rescaled, error) {
	e := form.ensemble
	r := &rescaled{form: form, shares: shares, targets: targets}
	of := map[int]*trees{}
	for _, k := range form.raw {
		if of[k] == nil {
			t, err := interventional(e, k, k+1, b, shares, 1, true)
			if err != nil {
				return nil, err
			}
			of[k] = t
		}
		r.parts = append(r.parts, of[k])
	}
	r.used = r.parts[0].used
	r.sums, r.base = form.background(b, shares, targets)
	return r, nil
}

func (r *rescaled) columns() []int   { return r.used }
func (r *rescaled) bases() []float64 { return r.base }

func (r *rescaled) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	e := r.form.ensemble
	n, outputs := len(r.used), e.Outputs()
	phi = s.take((hi - lo) * r.targets * n)
	rows := readRows(e, r.used, x, lo, hi, nil)
	row, here, weights := make([]float64, e.Features), make([]float64, outputs), make([]float64, len(r.shares))
	for i := range hi - lo {
		tree.ReadRow(x, lo+i, row)
		e.Output(row, here)
		for k, part := range r.parts {
			u, f := here[r.form.raw[k]], r.form.links[k]
			for b, share := range r.shares {
				v := r.sums[b*outputs+r.form.raw[k]]
				d := u - v
				if math.Abs(d) < 1e-6 {
					d = 1e-6 // the slope there
					v = u - d
				}
				weights[b] = share * (f(u) - f(v)) / d
			}
			to := phi[(i*r.targets+k)*n : (i*r.targets+k+1)*n]
			for c := range part.crosses {
				part.crosses[c].add(e, rows[i*n:(i+1)*n:(i+1)*n], weights, &s.tree.cross, to)
			}
		}
	}
	return phi, nil, nil
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// ensembleOf returns the trees of a model whose outputs, on a scale, are sums over trees.
func ensembleOf(m models.Model, scale string, times []float64) (*tree.Ensemble, error) {
	e, ok := m.(ensembled)
	if !ok {
		return nil, fmt.Errorf("a model of kind %s is not made of trees; the methods %s and %s are not for it", m.Kind(), TreePathDependent, TreeInterventional)
	}
	if over, ok := sumsOverTime(m, scale, times); ok {
		return over, nil
	}
	s := string(e.Ensemble().Scale)
	if s != scale || len(times) > 0 {
		other := TreeInterventional
		if e.Ensemble().Outputs() > 1 {
			other = Enumeration // a function of several sums
		}
		return nil, fmt.Errorf("the %s of a model of kind %s is not a sum over trees, its %s is: explain that, or use %s or %s", scale, m.Kind(), s, other, Permutation)
	}
	return e.Ensemble(), nil
}

// newTrees prepares a method for trees.
func newTrees(m models.Model, scale string, targets int, r Request) (engine, error) {
	e, err := ensembleOf(m, scale, r.Times)
	var form *linked
	switch {
	case err != nil && r.Method != TreePathDependent:
		if l, ok := linkOf(m, scale, targets, r.Times); ok && l.ensemble != nil && !l.softmax {
			form, err = l, nil
		}
	case r.Method == TreeInterventionalRescaled && err == nil:
		return nil, fmt.Errorf("the %s of a model of kind %s is a sum over trees, and nothing is to be rescaled: use %s", scale, m.Kind(), TreeInterventional)
	}
	if err != nil {
		return nil, err
	}
	if form == nil && e.Outputs() != targets {
		return nil, fmt.Errorf("a model of kind %s has trees for %d numbers and predicts %d", m.Kind(), e.Outputs(), targets)
	}
	if r.Method == TreePathDependent {
		return pathDependent(e, 0, targets), nil
	}
	if r.Background == nil {
		return nil, fmt.Errorf("%s: %w", r.Method, ErrNoBackground)
	}
	b, err := r.Background.Matrix(m.Columns())
	if err != nil {
		return nil, err
	}
	if form != nil {
		return newRescaled(form, targets, b, r.Background.shares())
	}
	return interventional(e, 0, targets, b, r.Background.shares(), r.Rows, false)
}

// pathDependent prepares the path-dependent method.
func pathDependent(e *tree.Ensemble, first, last int) *trees {
	shapes, used := layouts(e, first, last)
	t := &trees{ensemble: e, used: used, outputs: last - first, base: append([]float64{}, e.Base[first:last]...)}
	t.paths = make([]pathTree, len(shapes))
	for i, s := range shapes {
		t.paths[i] = newPathTree(s)
		for k, v := range t.paths[i].mean {
			t.base[s.first+k] += v
		}
	}
	return t
}

// interventional prepares the interventional method for a background. Where many rows will be explained, what a leaf gives for each
// pattern is kept.
func interventional(e *tree.Ensemble, first, last int, b models.Matrix, weights []float64, rows int, remember bool) (*trees, error) {
	shapes, used := layouts(e, first, last)
	t := &trees{ensemble: e, used: used, outputs: last - first, base: append([]float64{}, e.Base[first:last]...)}
	background := readRows(e, used, b, 0, b.Rows, nil)
	t.crosses = make([]crossTree, len(shapes))
	for i, s := range shapes {
		c, err := newCrossTree(e, s, background, weights, len(used), remember)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		for k := range s.width {
			t.base[s.first+k] += c.mean(k)
		}
		if rows >= keepFrom && !remember {
			c.keep()
		}
		t.crosses[i] = c
	}
	return t, nil
}

// keepFrom is the number of rows from which keeping the answers of every pattern costs less than it saves.
const keepFrom = 64

// Many is for Request.Rows, where an Explainer is kept.
const Many = keepFrom

// readRows returns rows of x, from lo to hi, as trees read them: rows × used columns, row-major, in to where that is large enough.
func readRows(e *tree.Ensemble, used []int, x models.Matrix, lo, hi int, to []float64) []float64 {
	if n := (hi - lo) * len(used); cap(to) < n {
		to = make([]float64, n)
	} else {
		to = to[:n]
	}
	for j, c := range used {
		unseen := math.Inf(-1)
		if x.Columns[c].Kind != table.Numeric {
			unseen = 0 // a level below 0 was not seen in training, and is missing
		}
		for i, v := range x.Column(c)[lo:hi] {
			if v < unseen {
				v = math.NaN()
			}
			if e.Float32 {
				v = float64(float32(v))
			}
			to[i*len(used)+j] = v
		}
	}
	return to
}

func (t *trees) columns() []int   { return t.used }
func (t *trees) bases() []float64 { return t.base }

// values takes a block of rows through one tree before the next tree is taken up, so that the tree stays near the processor.
func (t *trees) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	w := &s.tree
	columns, rows := len(t.used), hi-lo
	size := t.outputs * columns
	w.rows = readRows(t.ensemble, t.used, x, lo, hi, w.rows)
	phi = s.take(rows * size)
	for p := range t.paths {
		for i := range rows {
			t.paths[p].add(t.ensemble, w.rows[i*columns:(i+1)*columns:(i+1)*columns], &w.path, phi[i*size:(i+1)*size])
		}
	}
	for c := range t.crosses {
		for i := range rows {
			t.crosses[c].add(t.ensemble, w.rows[i*columns:(i+1)*columns:(i+1)*columns], nil, &w.cross, phi[i*size:(i+1)*size])
		}
	}
	return phi, nil, nil
}

// treeScratch is what a goroutine needs.
type treeScratch struct {
	rows  []float64
	path  pathScratch
	cross crossScratch
}
