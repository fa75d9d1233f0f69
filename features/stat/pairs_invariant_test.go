package stat_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/stat"
)

func randomColumns(seed uint64, columns, rows int, missing float64, ties bool) [][]float64 {
	r := rand.New(rand.NewPCG(seed, 9))
	out := make([][]float64, columns)
	for c := range out {
		out[c] = make([]float64, rows)
		for i := range out[c] {
			out[c][i] = r.NormFloat64()
			if ties {
				out[c][i] = math.Round(out[c][i] * 2)
			}
			if r.Float64() < missing {
				out[c][i] = math.NaN()
			}
		}
	}
	return out
}

func same(a, b, tolerance float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= tolerance
}

// The map of all pairs is what Pearson and Spearman say of each pair, with ties, holes, a constant and an almost empty column.
func TestCorrelateInvariant(t *testing.T) {
	for _, missing := range []float64{0, 0.1} {
		for _, ties := range []bool{false, true} {
			x, y := randomColumns(1, 13, 37, missing, ties), randomColumns(2, 29, 37, missing, ties)
			for i := range y[3] {
				y[3][i] = 5
			}
			for i := range 30 {
				y[4][i] = math.NaN()
			}
			for method, one := range map[stat.Method]func(x, y []float64) stat.Correlation{
				stat.PearsonMethod: stat.Pearson, stat.SpearmanMethod: stat.Spearman,
			} {
				pairs, err := stat.Correlate(context.Background(), x, y, method, 0, 2)
				if err != nil {
					t.Fatal(err)
				}
				again, _ := stat.Correlate(context.Background(), x, y, method, 0, 1)
				p, _ := pairs.PValues(context.Background(), nil, 2)
				for i := range x {
					for j := range y {
						want := one(x[i], y[j])
						if want.N < stat.MinPairRows {
							want.R, want.P = math.NaN(), math.NaN()
						}
						k := i*len(y) + j
						if !same(pairs.R[k], want.R, 1e-12) || !same(pairs.P(i, j), want.P, 1e-9*want.P) || !same(p[k], pairs.P(i, j), 0) || pairs.Count(i, j) != want.N {
							t.Fatalf("%s, missing %g, ties %v, pair %d %d: r %g p %g n %d, want %+v", method, missing, ties, i, j, pairs.R[k], pairs.P(i, j), pairs.Count(i, j), want)
						}
						if !same(again.R[k], pairs.R[k], 0) {
							t.Fatal("the numbers depend on jobs")
						}
					}
				}
			}
		}
	}
}

// AdjustMany gives what Adjust gives, for p-values that are even, heaped at 0, tied and missing.
func TestAdjustManyInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	p := make([]float64, 300000) // more than are done at a time
	for i := range p {
		switch i % 5 {
		case 0:
			p[i] = math.Pow(r.Float64(), 30)
		case 1:
			p[i] = float64(r.IntN(50)) / 50
		case 2:
			p[i] = 1
		default:
			p[i] = r.Float64()
		}
	}
	p[3], p[77], p[78] = math.NaN(), 0, 1e-320
	for _, a := range stat.Adjustments() {
		if a == stat.Hommel {
			continue // quadratic, and not an FDR
		}
		want := stat.Adjust(p, a)
		got := slices.Clone(p)
		stat.AdjustMany(got, a)
		for i := range p {
			if !same(got[i], want[i], 1e-14*want[i]) {
				t.Fatalf("%s: p %g became %g, want %g", a, p[i], got[i], want[i])
			}
		}
	}
}

// Beside numpy and scipy's 9.0 CPU s for the same map: ../../docs/benchmarks.md.
func BenchmarkCorrelate(b *testing.B) {
	x, y := randomColumns(3, 1500, 500, 0, false), randomColumns(4, 20000, 500, 0, false)
	var p []float64
	for b.Loop() {
		pairs, err := stat.Correlate(context.Background(), x, y, stat.SpearmanMethod, 0, 0)
		if err != nil {
			b.Fatal(err)
		}
		if p, err = pairs.PValues(context.Background(), p, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// 30 million p-values of no link at all, adjusted in place.
func BenchmarkAdjustMany(b *testing.B) {
	p := make([]float64, 30_000_000)
	r := rand.New(rand.NewPCG(7, 8))
	for b.Loop() {
		b.StopTimer()
		for i := range p {
			p[i] = r.Float64()
		}
		b.StartTimer()
		stat.AdjustMany(p, stat.BenjaminiHochberg)
	}
}
