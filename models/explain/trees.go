package explain

import (
	"fmt"
	"math"

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
	rescaled *rescaled   // where the probability is explained and the sums are log-odds
}

// rescaled turns interventional values of log-odds into ones of probability, background row by background row: each row's values
// are multiplied by the ratio of the two differences between the explained row and it. This is shap's model_output="probability"
// [Chen2022]: the values sum to the probability, but they are not the Shapley values of it.
//
// [Chen2022]: https://doi.org/10.1038/s41467-022-31384-3
type rescaled struct {
	shares  []float64 // of the background rows
	margins []float64 // log-odds there
}

// weights sets the weight of each background row for an explained row with these log-odds.
func (r *rescaled) weights(margin float64, to []float64) {
	here := sigmoid(margin)
	for b, m := range r.margins {
		slope := here * (1 - here)
		if d := margin - m; math.Abs(d) > 1e-9 {
			slope = (here - sigmoid(m)) / d
		}
		to[b] = r.shares[b] * slope
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// ensembleOf returns the trees of a model whose outputs, on a scale, are sums over trees.
func ensembleOf(m models.Model, scale string) (*tree.Ensemble, error) {
	e, ok := m.(ensembled)
	if !ok {
		return nil, fmt.Errorf("a model of kind %s is not made of trees; the methods %s and %s are not for it", m.Kind(), TreePathDependent, TreeInterventional)
	}
	if s := string(e.Ensemble().Scale); s != scale {
		return nil, fmt.Errorf("the %s of a model of kind %s is not a sum over trees, its %s is: explain that, or use %s", scale, m.Kind(), s, Permutation)
	}
	return e.Ensemble(), nil
}

// newTrees prepares a method for trees.
func newTrees(m models.Model, scale string, targets int, r Request) (*trees, error) {
	e, err := ensembleOf(m, scale)
	rescale := false
	if t, ok := m.(ensembled); err != nil && ok && scale == Probability && r.Method == TreeInterventional && t.Ensemble().Scale == tree.LogOdds && targets == 1 {
		e, err, rescale = t.Ensemble(), nil, true
	}
	if err != nil {
		return nil, err
	}
	if e.Outputs() != targets {
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
	return interventional(e, 0, targets, b, r.Background.shares(), r.Rows, rescale)
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
func interventional(e *tree.Ensemble, first, last int, b models.Matrix, weights []float64, rows int, rescale bool) (*trees, error) {
	shapes, used := layouts(e, first, last)
	t := &trees{ensemble: e, used: used, outputs: last - first, base: append([]float64{}, e.Base[first:last]...)}
	background := make([]float64, b.Rows*len(used))
	for j, c := range used {
		for i, v := range b.Column(c) {
			background[i*len(used)+j] = t.read(v)
		}
	}
	t.crosses = make([]crossTree, len(shapes))
	for i, s := range shapes {
		c, err := newCrossTree(e, s, background, weights, len(used), rescale)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		for k := range s.width {
			t.base[s.first+k] += c.mean(k)
		}
		if rows >= keepFrom && !rescale {
			c.keep()
		}
		t.crosses[i] = c
	}
	if rescale {
		t.rescaled = &rescaled{shares: weights, margins: make([]float64, b.Rows)}
		row, out := make([]float64, e.Features), make([]float64, 1)
		t.base[0] = 0
		for i := range b.Rows {
			b.Row(i, row)
			e.Output(row, out)
			t.rescaled.margins[i] = out[0]
			t.base[0] += weights[i] * sigmoid(out[0])
		}
	}
	return t, nil
}

// keepFrom is the number of rows from which keeping the answers of every pattern costs less than it saves.
const keepFrom = 64

// read is what a tree sees of a value.
func (t *trees) read(v float64) float64 {
	if t.ensemble.Float32 {
		return float64(float32(v))
	}
	return v
}

func (t *trees) columns() []int   { return t.used }
func (t *trees) bases() []float64 { return t.base }

// values takes a block of rows through one tree before the next tree is taken up, so that the tree stays near the processor.
func (t *trees) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	w := &s.tree
	columns, rows := len(t.used), hi-lo
	size := t.outputs * columns
	w.fit(rows*columns, rows*size)
	for j, c := range t.used {
		for i, v := range x.Column(c)[lo:hi] {
			w.rows[i*columns+j] = t.read(v)
		}
	}
	for p := range t.paths {
		for i := range rows {
			t.paths[p].add(t.ensemble, w.rows[i*columns:(i+1)*columns:(i+1)*columns], &w.path, w.phi[i*size:(i+1)*size])
		}
	}
	var weights []float64 // rows × background
	if t.rescaled != nil {
		n := len(t.rescaled.margins)
		weights = make([]float64, rows*n)
		row, out := make([]float64, t.ensemble.Features), make([]float64, 1)
		for i := range rows {
			x.Row(lo+i, row)
			t.ensemble.Output(row, out)
			t.rescaled.weights(out[0], weights[i*n:(i+1)*n])
		}
	}
	for c := range t.crosses {
		for i := range rows {
			var own []float64
			if n := len(weights) / rows; n > 0 {
				own = weights[i*n : (i+1)*n]
			}
			t.crosses[c].add(t.ensemble, w.rows[i*columns:(i+1)*columns:(i+1)*columns], own, &w.cross, w.phi[i*size:(i+1)*size])
		}
	}
	return w.phi[:rows*size], nil, nil
}

// treeScratch is what a goroutine needs.
type treeScratch struct {
	rows, phi []float64
	path      pathScratch
	cross     crossScratch
}

func (w *treeScratch) fit(rows, phi int) {
	if len(w.rows) < rows {
		w.rows = make([]float64, rows)
	}
	if len(w.phi) < phi {
		w.phi = make([]float64, phi)
	}
	clear(w.phi[:phi])
}
