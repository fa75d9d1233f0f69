//go:build unix

package survival_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/work/machine"
	"github.com/voxgene/voxgene/models/survival"
)

// stored reads numbers that models/linear/bench/peer.R left below VOXGENE_BENCH.
func stored(b *testing.B, name string) []float64 {
	dir := os.Getenv("VOXGENE_BENCH")
	if dir == "" {
		b.Skip("VOXGENE_BENCH is not set: models/linear/bench/run.sh writes the data that R is timed on")
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

func BenchmarkConcordance(b *testing.B) {
	time, status, risk := stored(b, "coxph_time"), stored(b, "coxph_status"), stored(b, "coxph_eta")
	obs := make([]survival.Observation, len(time))
	for i := range obs {
		obs[i] = survival.Observation{Time: time[i], Event: int(status[i])}
	}
	var c survival.Concordance
	var err error
	start := machine.ProcessorTime()
	for b.Loop() {
		if c, err = survival.Rank(obs, risk, survival.ConcordanceOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((machine.ProcessorTime()-start).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(c.C, "C")
}
