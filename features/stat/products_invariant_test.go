package stat

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// The assembly and the Go kernel agree to the bit.
func TestKernelInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, k := range []int{0, 1, 2, 7, 100, 503} {
		a, b := make([]float64, k*panelX), make([]float64, k*panelY)
		for i := range a {
			a[i] = r.NormFloat64()
		}
		for i := range b {
			b[i] = r.NormFloat64()
		}
		var fast, plain [panelX * panelY]float64
		kernel(k, a, b, &fast)
		kernelGo(k, a, b, &plain)
		if fast != plain {
			t.Errorf("k = %d: %v, want %v", k, fast, plain)
		}
	}
}

// Products are inner products, for shapes that do and do not fill panels, whatever the number of goroutines.
func TestProductsInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	random := func(columns, rows int) [][]float64 {
		out := make([][]float64, columns)
		for c := range out {
			out[c] = make([]float64, rows)
			for i := range out[c] {
				out[c][i] = r.NormFloat64()
			}
		}
		return out
	}
	for _, shape := range [][3]int{{1, 1, 1}, {5, 9, 3}, {6, 8, 50}, {200, 31, 17}} {
		x, y := random(shape[0], shape[2]), random(shape[1], shape[2])
		var seen [2][][]float64
		for pass, jobs := range []int{1, 3} {
			got := make([][]float64, len(x))
			var mu sync.Mutex
			err := Products(context.Background(), x, y, jobs, func(i int, p []float64) {
				mu.Lock()
				got[i] = append([]float64(nil), p...)
				mu.Unlock()
			})
			if err != nil {
				t.Fatal(err)
			}
			seen[pass] = got
		}
		for i := range x {
			for j := range y {
				want := 0.0
				for k := range x[i] {
					want += x[i][k] * y[j][k]
				}
				if math.Abs(seen[0][i][j]-want) > 1e-12*float64(shape[2]) || seen[0][i][j] != seen[1][i][j] {
					t.Fatalf("%v: product %d, %d: %g and %g, want %g", shape, i, j, seen[0][i][j], seen[1][i][j], want)
				}
			}
		}
	}
}

func BenchmarkProducts(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 3))
	random := func(columns, rows int) [][]float64 {
		out := make([][]float64, columns)
		for c := range out {
			out[c] = make([]float64, rows)
			for i := range out[c] {
				out[c][i] = r.NormFloat64()
			}
		}
		return out
	}
	x, y := random(150, 500), random(20000, 500)
	b.SetBytes(int64(len(x) * len(y) * 500 * 2)) // "MB/s" reads as MFLOP/s
	for b.Loop() {
		if err := Products(context.Background(), x, y, 1, func(int, []float64) {}); err != nil {
			b.Fatal(err)
		}
	}
}
