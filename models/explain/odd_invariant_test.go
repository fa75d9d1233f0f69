package explain

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// Trees of a shape that training seldom makes: a column asked again and again along a path, splits that nobody of training passed, a
// tree of one leaf; rows with missing values, and rows equal to the background. Walks, subsets and kept tables agree with a prediction
// of every mixture.
func TestOddTrees(t *testing.T) {
	const n = 5
	r := work.Seed(91).Rand()
	e := &tree.Ensemble{Features: n, Scale: tree.LogOdds, Base: []float64{0.3}, Roots: []int32{0}}
	grow(e, []int32{-1}, []int32{-1}, []int32{-1}, []float64{0}, []float64{9}, []float64{0.7})
	for range 12 { // chains of eight splits over few columns
		const depth = 8
		left, right, feature := make([]int32, 2*depth+1), make([]int32, 2*depth+1), make([]int32, 2*depth+1)
		threshold, cover, values := make([]float64, 2*depth+1), make([]float64, 2*depth+1), make([]float64, 2*depth+1)
		cover[0] = 64
		for i := range 2*depth + 1 {
			left[i], right[i], values[i] = -1, -1, r.NormFloat64()
		}
		for d, at := 0, 0; d < depth; d++ {
			l, rr := int32(2*d+1), int32(2*d+2)
			left[at], right[at], feature[at], threshold[at] = l, rr, int32(r.IntN(2+d%2*3)), r.NormFloat64()
			share := []float64{0, 0.5, 1}[r.IntN(3)]
			cover[l], cover[rr] = cover[at]*share, cover[at]*(1-share)
			at = []int{int(l), int(rr)}[r.IntN(2)]
		}
		grow(e, left, right, feature, threshold, cover, values)
	}
	for i := range e.MissingLeft {
		e.MissingLeft[i] = !e.Leaf(int32(i)) && r.IntN(2) == 0
	}
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	x, b := gaussian(92, 40, n), gaussian(93, 6, n)
	for i := 0; i < len(x.Values); i += 7 {
		x.Values[i] = math.NaN()
	}
	b.Values[3] = math.NaN()
	for j := range n {
		x.Column(j)[5] = b.Column(j)[2]
	}
	form := &linked{ensemble: e, raw: []int{0}, links: []func(float64) float64{sigmoid}}
	background := FromMatrix(named(b))
	m := oddModel{e: e, columns: named(b).Columns}
	walks, err := newWalked(form, m, 1, Request{Background: &background, Pairs: 400})
	if err != nil {
		t.Fatal(err)
	}
	subsets, err := newLinkedGame(m, form, 1, b, equalShares(b.Rows))
	if err != nil {
		t.Fatal(err)
	}
	direct, err := interventional(e, 0, 1, b, equalShares(b.Rows), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	tabled, err := interventional(e, 0, 1, b, equalShares(b.Rows), Many, false)
	if err != nil {
		t.Fatal(err)
	}
	row, mix, sum := make([]float64, n), make([]float64, n), make([]float64, 1)
	for i := range x.Rows {
		x.Row(i, row)
		worth, margin := make([]float64, 1<<n), make([]float64, 1<<n)
		for s := range 1 << n {
			for k := range b.Rows {
				b.Row(k, mix)
				for j := range n {
					if s>>j&1 == 1 {
						mix[j] = row[j]
					}
				}
				e.Output(mix, sum)
				worth[s] += sigmoid(sum[0]) / float64(b.Rows)
				margin[s] += sum[0] / float64(b.Rows)
			}
		}
		want, wantMargin := make([]float64, n), make([]float64, n)
		shapley(worth, n, 1, want)
		shapley(margin, n, 1, wantMargin)
		for name, c := range map[string]struct {
			of   engine
			want []float64
		}{"walks": {walks, want}, "subsets": {subsets, want}, "direct": {direct, wantMargin}, "tables": {tabled, wantMargin}} {
			phi, errs, err := c.of.values(x, i, i+1, &scratch{})
			if err != nil {
				t.Fatal(err)
			}
			all, near := make([]float64, n), make([]float64, n)
			for p, j := range c.of.columns() {
				all[j], near[j] = phi[p], 1e-12
				if errs != nil {
					near[j] += 6 * errs[p]
				}
			}
			for j, v := range all {
				if math.Abs(v-c.want[j]) > near[j]+1e-12 {
					t.Errorf("%s, row %d, column %d: %v, by definition %v", name, i, j, v, c.want[j])
				}
			}
		}
	}
}

// named gives columns names.
func named(x models.Matrix) models.Matrix {
	columns := make([]table.Column, len(x.Columns))
	for j := range columns {
		columns[j].Name = string(rune('a' + j))
	}
	x.Columns = columns
	return x
}

// oddModel is an ensemble with columns; it is asked for nothing else.
type oddModel struct {
	models.Model
	e       *tree.Ensemble
	columns []table.Column
}

func (m oddModel) Ensemble() *tree.Ensemble { return m.e }
func (m oddModel) Columns() []table.Column  { return m.columns }
