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

// treeBlock is the number of rows that pass through one tree before the next tree is taken up.
const treeBlock = 64

// explain sets phi, rows × outputs × used columns, for the rows of x from lo to hi, at most treeBlock of them.
func (t *trees) explain(x models.Matrix, lo, hi int, w *treeScratch) []float64 {
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
	return w.phi[:rows*size]
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
