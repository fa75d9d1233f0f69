package explain

import (
	"fmt"

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
	return interventional(e, 0, targets, b, r.Background.shares(), r.Rows)
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
func interventional(e *tree.Ensemble, first, last int, b models.Matrix, weights []float64, rows int) (*trees, error) {
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
		c, err := newCrossTree(e, s, background, weights, len(used))
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		for k := range s.width {
			t.base[s.first+k] += c.mean(k)
		}
		if rows >= keepFrom {
			c.keep()
		}
		t.crosses[i] = c
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
	for c := range t.crosses {
		for i := range rows {
			t.crosses[c].add(t.ensemble, w.rows[i*columns:(i+1)*columns:(i+1)*columns], &w.cross, w.phi[i*size:(i+1)*size])
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
