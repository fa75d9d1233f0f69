package association

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
)

// Weighting patients by how often a draw has them says what testing the drawn rows says, with ties and holes.
func TestCorrelateAgainInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	column := func(ties bool) []float64 {
		out := make([]float64, 40)
		for i := range out {
			if out[i] = r.NormFloat64(); ties {
				out[i] = math.Round(out[i])
			}
			if i%9 == 4 {
				out[i] = math.NaN()
			}
		}
		return out
	}
	for method, one := range map[Method]func(x, y []float64) stat.Correlation{Pearson: stat.Pearson, Spearman: stat.Spearman} {
		m := &Map{Config: Config{Method: method}, X: make([]table.Column, 1), Y: make([]table.Column, 1)}
		x, y := column(true), column(false)
		again, b := m.correlateAgain(x, y), drawResamples(50, len(x), 3)
		for d, rows := range b.rows {
			px, py := make([]float64, len(x)), make([]float64, len(x))
			for i, from := range rows {
				px[i], py[i] = x[from], y[from]
			}
			want := one(px, py)
			if effect, p := again(rows, b.counts[d]); math.Abs(effect-want.R) > 1e-12 || math.Abs(p-want.P) > 1e-10 {
				t.Fatalf("%s, draw %d: r %g p %g, want %g and %g", method, d, effect, p, want.R, want.P)
			}
		}
	}
}
