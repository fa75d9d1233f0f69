package association

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/work"
)

// resamples are bootstrap draws of patients, the same for every pair.
type resamples struct {
	rows   [][]int32 // the patients of each draw
	counts [][]int32 // how often each patient is in it
}

func drawResamples(draws, patients int, seed work.Seed) resamples {
	b := resamples{make([][]int32, draws), make([][]int32, draws)}
	for d := range draws {
		r := seed.Split("stability", fmt.Sprint(d)).Rand()
		b.rows[d], b.counts[d] = make([]int32, patients), make([]int32, patients)
		for i := range patients {
			from := r.IntN(patients)
			b.rows[d][i] = int32(from)
			b.counts[d][from]++
		}
	}
	return b
}

// stability is the share of the draws in which pair k has the same sign and a p, unadjusted, within the level. NaN without a bootstrap,
// and where a model would have to be fitted to each draw.
func (m *Map) stability(k int, b resamples) float64 {
	x, y := m.x[k/len(m.Y)], m.y[k%len(m.Y)]
	if len(b.rows) == 0 || math.IsNaN(m.Effect[k]) || y.scale == survival || m.isModerated(x, y) {
		return math.NaN()
	}
	again := m.testAgain(x, y)
	if x.scale == numeric && y.scale == numeric && m.Config.Method != Kendall {
		again = m.correlateAgain(x.values, y.values)
	}
	same := 0
	for d := range b.rows {
		effect, p := again(b.rows[d], b.counts[d])
		if p <= m.Config.Level && effect*m.Effect[k] > 0 {
			same++
		}
	}
	return float64(same) / float64(len(b.rows))
}

// testAgain tests a pair on the rows of a draw by the map's own method.
func (m *Map) testAgain(x, y variable) func(rows, counts []int32) (effect, p float64) {
	a := variable{Column: x.Column, scale: x.scale, values: make([]float64, len(x.values))}
	b := variable{Column: y.Column, scale: y.scale, values: make([]float64, len(y.values))}
	return func(rows, _ []int32) (float64, float64) {
		for i, from := range rows {
			a.values[i], b.values[i] = x.values[from], y.values[from]
		}
		effect, p, _ := m.pairTest(a, b)
		return effect, p
	}
}

// correlateAgain weights each patient by how often a draw has it, which needs no sorting again: a column is ordered once and its
// weighted mid-ranks are the ranks of the draw. Covariates were removed before, and a partial Spearman is Pearson's of the residuals.
func (m *Map) correlateAgain(x, y []float64) func(rows, counts []int32) (effect, p float64) {
	rx, ry, method := residuals([][]float64{x}, [][]float64{y}, m.given, stat.Method(m.Config.Method))
	var a, b []float64
	var at []int32
	for i := range rx[0] {
		if !math.IsNaN(rx[0][i]) && !math.IsNaN(ry[0][i]) {
			a, b, at = append(a, rx[0][i]), append(b, ry[0][i]), append(at, int32(i))
		}
	}
	orderA, orderB := ascending(a), ascending(b)
	ra, rb, w := a, b, make([]float64, len(a))
	if method == stat.SpearmanMethod {
		ra, rb = make([]float64, len(a)), make([]float64, len(b))
	}
	return func(_, counts []int32) (float64, float64) {
		n := 0.0
		for i, row := range at {
			w[i] = float64(counts[row])
			n += w[i]
		}
		if method == stat.SpearmanMethod {
			weightedRanks(a, w, orderA, ra)
			weightedRanks(b, w, orderB, rb)
		}
		r := weightedCorrelation(ra, rb, w, n)
		df := n - 2
		if !(df >= 1) {
			return r, math.NaN()
		}
		return r, stat.StudentP(r*math.Sqrt(df/((1-r)*(1+r))), df)
	}
}

func ascending(v []float64) []int32 {
	order := make([]int32, len(v))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(v[a], v[b]) })
	return order
}

// weightedRanks are the mid-ranks that v has when row i occurs w[i] times.
func weightedRanks(v, w []float64, order []int32, ranks []float64) {
	before := 0.0
	for first := 0; first < len(order); {
		last, tied := first, 0.0
		for last < len(order) && v[order[last]] == v[order[first]] {
			tied += w[order[last]]
			last++
		}
		for _, i := range order[first:last] {
			ranks[i] = before + (tied+1)/2
		}
		before += tied
		first = last
	}
}

// weightedCorrelation is NaN where a column is constant on the rows of positive weight, whose sum is n.
func weightedCorrelation(a, b, w []float64, n float64) float64 {
	var ma, mb float64
	for i, v := range w {
		ma += v * a[i]
		mb += v * b[i]
	}
	ma, mb = ma/n, mb/n
	var saa, sbb, sab float64
	for i, v := range w {
		da, db := a[i]-ma, b[i]-mb
		saa, sbb, sab = saa+v*da*da, sbb+v*db*db, sab+v*da*db
	}
	const eps = 1e-13 // as stat.Pearson judges a constant
	if saa <= n*ma*ma*eps*eps || sbb <= n*mb*mb*eps*eps {
		return math.NaN()
	}
	return max(-1, min(1, sab/math.Sqrt(saa)/math.Sqrt(sbb)))
}
