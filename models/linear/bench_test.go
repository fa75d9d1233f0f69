//go:build unix

package linear_test

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/work/machine"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
)

// stored reads numbers that bench/peer.R left below VOXGENE_BENCH, the very numbers that the peer was timed on.
func stored(b *testing.B, name string) []float64 {
	dir := os.Getenv("VOXGENE_BENCH")
	if dir == "" {
		b.Skip("VOXGENE_BENCH is not set: bench/run.sh writes the data that the peer is timed on")
	}
	raw, err := os.ReadFile(filepath.Join(dir, name+".f64"))
	if err != nil {
		b.Fatal(err)
	}
	out := make([]float64, len(raw)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return out
}

func binomial(b *testing.B) linear.Problem {
	p := linear.Problem{Family: linear.Binomial, Classes: 2, Rows: 500, Columns: 20000, X: stored(b, "binomial_x")}
	for _, v := range stored(b, "binomial_y") {
		p.Class = append(p.Class, int(v))
	}
	return p
}

func cox(b *testing.B, name string, rows int) linear.Problem {
	p := linear.Problem{Family: linear.CoxModel, Rows: rows, X: stored(b, name+"_x"), Time: stored(b, name+"_time")}
	p.Columns = len(p.X) / rows
	for _, v := range stored(b, name+"_status") {
		p.Event = append(p.Event, v == 1)
	}
	return p
}

func path(b *testing.B, p linear.Problem) {
	var f linear.Fit
	start := machine.ProcessorTime()
	for b.Loop() {
		fits, err := linear.FitPath(context.Background(), p, linear.Options{Alpha: 0.5})
		if err != nil {
			b.Fatal(err)
		}
		f = fits.Fits[len(fits.Fits)-1]
	}
	b.ReportMetric((machine.ProcessorTime()-start).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(f.Objective, "objective")
	b.ReportMetric(f.DevRatio, "deviance-ratio")
}

func BenchmarkPathBinomial(b *testing.B) { path(b, binomial(b)) }

func BenchmarkPathMultinomial(b *testing.B) {
	p := linear.Problem{Family: linear.Multinomial, Classes: 3, Rows: 500, Columns: 20000, X: stored(b, "multinomial_x")}
	for _, v := range stored(b, "multinomial_y") {
		p.Class = append(p.Class, int(v))
	}
	path(b, p)
}

func BenchmarkPathCox(b *testing.B) {
	p := cox(b, "cox", 500)
	p.Ties = linear.Breslow
	path(b, p)
}

func BenchmarkCrossValidateBinomial(b *testing.B) {
	p := binomial(b)
	var s *linear.Selection
	var err error
	start := machine.ProcessorTime()
	for b.Loop() {
		if s, err = linear.CrossValidate(context.Background(), p, linear.Options{Alpha: 0.5}, linear.Folds(p.Class, nil, 10, 1), linear.Deviance); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((machine.ProcessorTime()-start).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(s.Mean[s.Min], "deviance")
}

func BenchmarkCoxEfron(b *testing.B) {
	p := cox(b, "coxph", 24950)
	var r *linear.Regression
	var err error
	start := machine.ProcessorTime()
	for b.Loop() {
		if r, err = linear.Regress(p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((machine.ProcessorTime()-start).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(r.LogLik, "log-likelihood")
}

// One served row.
func BenchmarkPredictRow(b *testing.B) {
	class, _ := cohort(60, 26, 2)
	m := fitted(b, "logistic", map[string]any{"lambda": 0.01}, class)
	row := models.Matrix{Columns: m.Columns(), Rows: 1, Values: make([]float64, 26)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Predict(row, nil); err != nil {
			b.Fatal(err)
		}
	}
}
