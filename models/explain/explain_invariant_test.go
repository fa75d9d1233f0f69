package explain

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// training is rows with missing values, a categorical column and a class of k levels that depends on interactions.
func training(seed work.Seed, rows, columns, k int) models.Training {
	r := seed.Rand()
	names := make([]table.Column, columns)
	for j := range names {
		names[j] = table.Column{Name: fmt.Sprintf("s.c%d", j), Source: "s"}
	}
	names[1].Kind, names[1].Levels = table.Categorical, []string{"a", "b", "c", "d"}
	x := models.NewMatrix(names, rows)
	y := clinical.Outcome{Name: "y", Kind: clinical.Class, Class: make([]int, rows)}
	for c := range k {
		y.Classes = append(y.Classes, fmt.Sprint(c))
	}
	for i := range rows {
		for j := range columns {
			v := r.NormFloat64()
			if j == 1 {
				v = float64(r.IntN(4))
			}
			if r.IntN(12) == 0 {
				v = math.NaN()
			}
			x.Column(j)[i] = v
		}
		score := x.Column(0)[i]*x.Column(2)[i] + x.Column(3)[i]
		if x.Column(1)[i] > 1 {
			score++
		}
		if math.IsNaN(score) {
			score = r.NormFloat64()
		}
		y.Class[i] = min(k-1, max(0, int(math.Round(score+float64(k-1)/2))))
	}
	for c := range k {
		y.Class[c] = c // each class is there
	}
	return models.Training{X: x, Y: y, Seed: seed}
}

func fitTree(t testing.TB, data models.Training) *tree.Classifier {
	t.Helper()
	m, err := tree.DecisionTree{Criterion: "gini", MaxDepth: 7, MinSplit: 2, MinLeaf: 2}.Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*tree.Classifier)
}

// game is the worth of every subset of all columns, subsets × outputs, when a column left out is averaged over in the way of the method.
func game(e *tree.Ensemble, x []float64, worth func(subset uint, out []float64)) []float64 {
	out := make([]float64, e.Outputs()<<e.Features)
	for s := range uint(1) << e.Features {
		worth(s, out[int(s)*e.Outputs():][:e.Outputs()])
	}
	return out
}

// conditional is the expectation that the path-dependent method defines.
func conditional(e *tree.Ensemble, x []float64, subset uint, out []float64) {
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
		if f := e.Feature[n]; subset>>f&1 == 1 {
			next := e.Right[n]
			if e.GoesLeft(n, x[f]) {
				next = e.Left[n]
			}
			walk(t, next, weight)
			return
		}
		walk(t, e.Left[n], weight*e.Cover[e.Left[n]]/e.Cover[n])
		walk(t, e.Right[n], weight*e.Cover[e.Right[n]]/e.Cover[n])
	}
	for t := range e.Trees() {
		walk(t, e.Roots[t], 1)
	}
}

// Trees with missing values, categorical splits and columns asked twice: both methods, on every row, against the definition, for
// values and interactions.
func TestTreesAgainstDefinition(t *testing.T) {
	for _, k := range []int{2, 3} {
		data := training(work.Seed(k), 150, 7, k)
		m := fitTree(t, data)
		e := m.Ensemble()
		rows := data.X.Select([]int{0, 5, 17, 40, 77, 101})
		reference := data.X.Select([]int{1, 2, 3, 50, 60, 70, 80})
		background := FromMatrix(reference)
		background.Weights = []float64{1, 2, 3, 1, 1, 1, 0.5}
		shares := background.shares()
		row, b := make([]float64, e.Features), make([]float64, e.Features)
		for _, method := range []string{TreePathDependent, TreeInterventional, Enumeration} {
			r := Request{Method: method, Background: &background}
			got, err := Explain(context.Background(), m, rows, r)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				rows.Row(i, row)
				worth := game(e, row, func(s uint, out []float64) {
					if method == TreePathDependent {
						conditional(e, row, s, out)
						return
					}
					mix, v := make([]float64, e.Features), make([]float64, e.Outputs())
					for n, share := range shares {
						reference.Row(n, b)
						for j := range mix {
							mix[j] = b[j]
							if s>>j&1 == 1 {
								mix[j] = row[j]
							}
						}
						e.Output(mix, v)
						for c := range out {
							out[c] += share * v[c]
						}
					}
				})
				outputs := e.Outputs()
				want := make([]float64, outputs*e.Features)
				shapley(worth, e.Features, outputs, want)
				for c := range outputs {
					a := got[i][c]
					if !a.Exact || a.Method != method || a.Class != m.Classes()[len(m.Classes())-outputs+c] {
						t.Errorf("%d classes, row %d: %+v", k, i, a)
					}
					for j, v := range a.Values {
						if math.Abs(v-want[c*e.Features+j]) > 1e-12 {
							t.Errorf("%d classes, %s, row %d, column %d: %v, by definition %v", k, method, i, j, v, want[c*e.Features+j])
						}
					}
				}
				if method != Enumeration {
					checkInteractions(t, m, rows.Select([]int{i}), r, worth)
				}
			}
		}
	}
}

// checkInteractions compares with Σ_S |S|!(n−|S|−2)!/(2(n−1)!) (v(S∪ij) − v(S∪i) − v(S∪j) + v(S)).
func checkInteractions(t *testing.T, m *tree.Classifier, row models.Matrix, r Request, worth []float64) {
	t.Helper()
	got, err := Interact(context.Background(), m, row, r)
	if err != nil {
		t.Fatal(err)
	}
	outputs, n := m.Ensemble().Outputs(), m.Ensemble().Features
	for k, g := range got[0] {
		for a, i := range g.Columns {
			for b, j := range g.Columns {
				if a == b {
					continue
				}
				want := 0.0
				for s := range 1 << n {
					if s>>i&1 == 1 || s>>j&1 == 1 {
						continue
					}
					size := bits.OnesCount(uint(s))
					at := func(s int) float64 { return worth[s*outputs+k] }
					want += beta[size][n-2-size] / 2 * (at(s|1<<i|1<<j) - at(s|1<<i) - at(s|1<<j) + at(s))
				}
				if math.Abs(g.At(a, b)-want) > 1e-12 || g.At(a, b) != g.At(b, a) {
					t.Errorf("%s, columns %d and %d: %v, by definition %v", r.Method, i, j, g.At(a, b), want)
				}
			}
		}
	}
}

// A row's explanation does not depend on the rows beside it, on how many there are, or on the number of processors.
func TestSameWhateverBeside(t *testing.T) {
	data := training(7, 300, 9, 3)
	m := fitTree(t, data)
	background, err := NewBackground(data.X, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{TreePathDependent, TreeInterventional, Permutation} {
		x := data.X
		if method == Permutation {
			x = x.Select([]int{4, 5, 6})
		}
		r := Request{Method: method, Background: &background, Seed: 3}
		all, err := Explain(context.Background(), m, x, r)
		if err != nil {
			t.Fatal(err)
		}
		before := runtime.GOMAXPROCS(1)
		alone, err := Explain(context.Background(), m, x.Select([]int{2}), r)
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		for k := range alone[0] {
			for j, v := range alone[0][k].Values {
				if v != all[2][k].Values[j] {
					t.Errorf("%s, class %d, column %d: %v alone, %v among others", method, k, j, v, all[2][k].Values[j])
				}
			}
		}
	}
}

// Sampled values sum to the prediction exactly and lie within their standard errors of the exact ones.
func TestPermutationWithinError(t *testing.T) {
	data := training(11, 300, 9, 2)
	m := fitTree(t, data)
	background, err := NewBackground(data.X, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := data.X.Select([]int{0, 9, 33, 90})
	exact, err := Explain(context.Background(), m, x, Request{Method: TreeInterventional, Background: &background})
	if err != nil {
		t.Fatal(err)
	}
	sampled, err := Explain(context.Background(), m, x, Request{Method: Permutation, Background: &background, Pairs: 8, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Rows {
		a, b := exact[i][0], sampled[i][0]
		if b.Exact || math.Abs(b.Gap) > 1e-12 || math.Abs(a.Base-b.Base) > 1e-12 || a.Errors != nil {
			t.Errorf("row %d: %+v", i, b)
		}
		for j := range a.Values {
			if d := math.Abs(a.Values[j] - b.Values[j]); d > 4.5*b.Errors[j]+1e-12 || b.Errors[j] > 0.05 {
				t.Errorf("row %d column %d: %v ± %v, exactly %v", i, j, b.Values[j], b.Errors[j], a.Values[j])
			}
		}
	}
}

// A column that no split asks contributes nothing, and columns that do the same contribute the same.
func TestAxioms(t *testing.T) {
	// f = [x0 > 0 and x1 > 0], by a tree of two splits; x2 is not asked.
	e := &tree.Ensemble{Features: 3, Scale: tree.Identity, Base: []float64{0}, Roots: []int32{0}}
	grow(e, []int32{1, -1, 3, -1, -1}, []int32{2, -1, 4, -1, -1}, []int32{0, -1, 1, -1, -1}, make([]float64, 5), []float64{4, 2, 2, 1, 1}, []float64{0, 0, 0, 0, 1})
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	x := models.NewMatrix(make([]table.Column, 3), 1)
	copy(x.Values, []float64{1, 1, 5})
	phi, _, err := pathDependent(e, 0, 1).values(x, 0, 1, &scratch{})
	if err != nil || len(phi) != 2 || phi[0] != phi[1] || math.Abs(phi[0]-0.375) > 1e-15 {
		t.Errorf("%v %v, want 0.375 twice", phi, err)
	}
}

// Centroids stand for five patients or more, weigh as many as they stand for, and their mean is the mean of all.
func TestBackgroundCentroids(t *testing.T) {
	for _, rows := range []int{5, 9, 10, 57, 503, 1200} {
		data := training(work.Seed(rows), rows, 6, 2)
		for j := range data.X.Columns {
			for i, v := range data.X.Column(j) {
				if math.IsNaN(v) && j != 4 {
					data.X.Column(j)[i] = 0
				}
			}
		}
		b, err := NewBackground(data.X, 9)
		if err != nil {
			t.Fatal(err)
		}
		if want := min(Most, rows/Smallest); len(b.Rows) != want {
			t.Errorf("%d rows: %d centroids, want %d", rows, len(b.Rows), want)
		}
		total, mean := 0.0, 0.0
		for i, w := range b.Weights {
			if w < Smallest {
				t.Errorf("%d rows: a centroid of %v", rows, w)
			}
			total += w
			mean += w * b.Rows[i][0]
			for n := range rows {
				if rows > 5 && b.Rows[i][0] == data.X.Column(0)[n] {
					t.Errorf("%d rows: centroid %d has the value of row %d", rows, i, n)
				}
			}
			if l := b.Rows[i][1]; l != math.Trunc(l) || l < 0 || l > 3 {
				t.Errorf("%d rows: centroid %d has level %v", rows, i, l)
			}
		}
		want := 0.0
		for _, v := range data.X.Column(0) {
			want += v
		}
		if int(total) != rows || math.Abs(mean-want) > 1e-9 {
			t.Errorf("%d rows: weights %v, mean %v, want %v", rows, total, mean/total, want/float64(rows))
		}
	}
}
