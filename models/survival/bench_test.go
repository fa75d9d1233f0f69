//go:build unix

package survival_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"

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
	start := cpu(b)
	for b.Loop() {
		if c, err = survival.Rank(obs, risk, survival.ConcordanceOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpu(b)-start)/float64(b.N), "cpu-s/op")
	b.ReportMetric(c.C, "C")
}

// cpu returns the user and system time of the process, in seconds.
func cpu(b *testing.B) float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}
