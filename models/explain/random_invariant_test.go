package explain

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// randomEnsemble is trees of any form that an ensemble may have: single leaves, stumps and deeper ones, columns asked again along a path,
// thresholds on the very values that rows have, missing values to either side, categories, splits that no training row passed, one output or
// several, trees for all outputs or for one each, comparison by < or ≤, values rounded to float32.
func randomEnsemble(t *rapid.T) (*tree.Ensemble, []table.Column, *rand.Rand) {
	features := rapid.IntRange(1, 6).Draw(t, "columns")
	outputs := rapid.IntRange(1, 3).Draw(t, "outputs")
	depth := rapid.IntRange(0, 5).Draw(t, "depth")
	count := rapid.IntRange(1, 5).Draw(t, "trees")
	targets, strict, single := rapid.Bool().Draw(t, "a tree an output"), rapid.Bool().Draw(t, "strict"), rapid.Bool().Draw(t, "float32")
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	columns := make([]table.Column, features)
	for j := range columns {
		columns[j].Name = string(rune('a' + j))
		if r.IntN(3) == 0 {
			columns[j].Kind, columns[j].Levels = table.Categorical, []string{"p", "q", "r", "s"}
		}
	}
	e := &tree.Ensemble{Features: features, Strict: strict, Float32: single, Scale: tree.Identity, Roots: []int32{0}, SetStart: []int32{0}}
	for range outputs {
		e.Base = append(e.Base, r.NormFloat64())
	}
	width := outputs
	if targets {
		width = 1
	}
	var add func(depth int, cover float64) int32
	add = func(depth int, cover float64) int32 {
		n := int32(len(e.Feature))
		e.Feature, e.Left, e.Right = append(e.Feature, -1), append(e.Left, -1), append(e.Right, -1)
		e.Threshold, e.MissingLeft, e.Sets = append(e.Threshold, 0), append(e.MissingLeft, false), append(e.Sets, -1)
		e.Cover, e.Gain = append(e.Cover, cover), append(e.Gain, 0)
		for range width {
			e.Values = append(e.Values, r.NormFloat64())
		}
		if depth == 0 || r.IntN(6) == 0 {
			return n
		}
		f := r.IntN(features)
		e.Feature[n], e.MissingLeft[n], e.Threshold[n] = int32(f), r.IntN(2) == 0, randomValue(r)
		if columns[f].Kind == table.Categorical {
			e.Sets[n] = int32(len(e.SetStart) - 1)
			e.SetBits = append(e.SetBits, uint64(r.IntN(16)))
			e.SetStart = append(e.SetStart, int32(len(e.SetBits)))
		}
		share := []float64{0, 0.125, 0.5, 0.75, 1}[r.IntN(5)]
		e.Left[n] = add(depth-1, cover*share)
		e.Right[n] = add(depth-1, cover-cover*share)
		return n
	}
	for i := range count {
		add(depth, 64)
		e.Roots = append(e.Roots, int32(len(e.Feature)))
		if targets {
			e.Targets = append(e.Targets, int32(i%outputs))
		}
	}
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	return e, columns, r
}

// randomValue is one of few values, so that rows lie on thresholds and repeat each other; 0.1 is none of float32's.
func randomValue(r *rand.Rand) float64 { return []float64{-2, -0.1, 0, 0.1, 1, 7.5}[r.IntN(6)] }

// randomRows has missing values, unseen levels, infinite values, a constant column at times and columns that repeat another at times.
func randomRows(r *rand.Rand, columns []table.Column, rows int) models.Matrix {
	x := models.NewMatrix(columns, rows)
	for j, c := range columns {
		constant, again := r.IntN(6) == 0, j > 0 && r.IntN(4) == 0 && columns[j-1].Kind == c.Kind
		for i := range rows {
			v := randomValue(r)
			if c.Kind == table.Categorical {
				v = float64(r.IntN(6)) - 1 // a level that was not seen, and one past the sets' last
			}
			switch {
			case again:
				v = x.Column(j - 1)[i]
			case constant && i > 0:
				v = x.Column(j)[0]
			case r.IntN(6) == 0:
				v = math.NaN()
			case c.Kind == table.Numeric && r.IntN(20) == 0:
				v = math.Inf(1 - 2*r.IntN(2))
			}
			x.Column(j)[i] = v
		}
	}
	return x
}

// expectation is what the path-dependent method takes for a subset: a column that is not in sends the row down both ways, by the shares of
// training rows; a node that none reached sends it nowhere.
func expectation(e *tree.Ensemble, x []float64, subset int, out []float64) {
	copy(out, e.Base)
	var walk func(t int, n int32, weight float64)
	walk = func(t int, n int32, weight float64) {
		if e.Leaf(n) {
			for k := range out {
				if e.Adds(t, k) {
					out[k] += weight * e.Value(n, k)
				}
			}
			return
		}
		l, r := e.Left[n], e.Right[n]
		switch f := e.Feature[n]; {
		case subset>>f&1 == 1 && e.GoesLeft(n, x[f]):
			walk(t, l, weight)
		case subset>>f&1 == 1:
			walk(t, r, weight)
		case e.Cover[n] > 0:
			walk(t, l, weight*e.Cover[l]/e.Cover[n])
			walk(t, r, weight*e.Cover[r]/e.Cover[n])
		}
	}
	for t := range e.Trees() {
		walk(t, e.Roots[t], 1)
	}
}

// defined returns the Shapley values, outputs × columns, and interaction values, outputs × columns × columns with nought on the diagonal,
// by their definitions over all subsets.
func defined(n, outputs int, worth func(subset int, out []float64)) (phi, pairs []float64) {
	v := make([]float64, outputs<<n)
	for s := range 1 << n {
		worth(s, v[s*outputs:(s+1)*outputs])
	}
	factorial := func(k int) float64 { return math.Gamma(float64(k + 1)) }
	phi, pairs = make([]float64, outputs*n), make([]float64, outputs*n*n)
	for k := range outputs {
		at := func(s int) float64 { return v[s*outputs+k] }
		for s := range 1 << n {
			size := bits.OnesCount(uint(s))
			for i := range n {
				if s>>i&1 == 1 {
					continue
				}
				phi[k*n+i] += factorial(size) * factorial(n-size-1) / factorial(n) * (at(s|1<<i) - at(s))
				for j := range n {
					if j == i || s>>j&1 == 1 {
						continue
					}
					weight := factorial(size) * factorial(n-size-2) / (2 * factorial(n-1))
					pairs[(k*n+i)*n+j] += weight * (at(s|1<<i|1<<j) - at(s|1<<i) - at(s|1<<j) + at(s))
				}
			}
		}
	}
	return phi, pairs
}

// Whatever the trees, rows and background, both methods give the Shapley and interaction values of their definition.
func TestRandomTreesByDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, columns, r := randomEnsemble(t)
		rows, b := randomRows(r, columns, 4), randomRows(r, columns, 1+r.IntN(5))
		weights, total := make([]float64, b.Rows), 0.0
		for i := range weights {
			weights[i] = float64(1 + r.IntN(4))
			total += weights[i]
		}
		for i := range weights {
			weights[i] /= total
		}
		direct, err := interventional(e, 0, e.Outputs(), b, weights, 1, false)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := interventional(e, 0, e.Outputs(), b, weights, Many, false)
		if err != nil {
			t.Fatal(err)
		}
		n, outputs := e.Features, e.Outputs()
		row, other, mix := make([]float64, n), make([]float64, n), make([]float64, n)
		mean := func(s int, out []float64) {
			v := make([]float64, outputs)
			for i, w := range weights {
				tree.ReadRow(b, i, other)
				for j := range mix {
					if mix[j] = other[j]; s>>j&1 == 1 {
						mix[j] = row[j]
					}
				}
				e.Output(mix, v)
				for k := range out {
					out[k] += w * v[k]
				}
			}
		}
		for i := range rows.Rows {
			tree.ReadRow(rows, i, row)
			for name, c := range map[string]struct {
				of    *trees
				worth func(s int, out []float64)
			}{
				"path-dependent":              {pathDependent(e, 0, outputs), func(s int, out []float64) { expectation(e, row, s, out) }},
				"interventional":              {direct, mean},
				"interventional, from tables": {kept, mean},
			} {
				wantPhi, wantPairs := defined(n, outputs, c.worth)
				got, _, err := c.of.values(rows, i, i+1, &scratch{})
				if err != nil {
					t.Fatal(err)
				}
				var w interactionScratch
				pairs, err := c.of.interactions(readRows(e, c.of.used, rows, i, i+1, nil), &w)
				if err != nil {
					t.Fatal(err)
				}
				phi, both, m := make([]float64, outputs*n), make([]float64, outputs*n*n), len(c.of.used)
				sum, out := append([]float64{}, c.of.base...), make([]float64, outputs)
				for k := range outputs {
					for p, j := range c.of.used {
						phi[k*n+j] = got[k*m+p]
						sum[k] += got[k*m+p]
						for q, l := range c.of.used {
							if p != q {
								both[(k*n+j)*n+l] = pairs[(k*m+p)*m+q]
							}
						}
					}
				}
				e.Output(row, out)
				for k := range out {
					if math.Abs(sum[k]-out[k]) > 1e-11 {
						t.Fatalf("%s, row %d, output %d: base and values sum to %v, not %v", name, i, k, sum[k], out[k])
					}
				}
				for p := range phi {
					if math.Abs(phi[p]-wantPhi[p]) > 1e-11 {
						t.Fatalf("%s, row %d, output %d, column %d: %v, by definition %v", name, i, p/n, p%n, phi[p], wantPhi[p])
					}
				}
				for p := range both {
					if math.Abs(both[p]-wantPairs[p]) > 1e-11 {
						t.Fatalf("%s, row %d, output %d, columns %d and %d: %v, by definition %v", name, i, p/n/n, p/n%n, p%n, both[p], wantPairs[p])
					}
				}
			}
		}
	})
}
