//go:build linux

package tree

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work/machine"
	"github.com/voxgene/voxgene/models"
)

// readFloats reads little-endian numbers that the peers' script wrote into the folder VOXGENE_BENCH.
func readFloats(b *testing.B, name string) []float64 {
	b.Helper()
	dir := os.Getenv("VOXGENE_BENCH")
	if dir == "" {
		b.Skip("VOXGENE_BENCH is not set: run testdata/peers.py, which makes the data")
	}
	f, err := os.Open(filepath.Join(dir, name+".f64"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	out, r, one := make([]float64, info.Size()/8), bufio.NewReader(f), make([]byte, 8)
	for i := range out {
		if _, err := io.ReadFull(r, one); err != nil {
			b.Fatal(err)
		}
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(one))
	}
	return out
}

func benchData(b *testing.B, tag, part string) models.Training {
	y := readFloats(b, tag+"_y"+part)
	x := models.Matrix{Rows: len(y), Values: readFloats(b, tag+"_"+part)}
	x.Columns = make([]table.Column, len(x.Values)/len(y))
	return models.Training{X: x, Y: classOutcome(y), Seed: 1}
}

// peakMB is the most memory that the process has held, data included.
func peakMB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}

// benchFit measures fits by CPU seconds, and the area under the curve on the test part.
func benchFit(b *testing.B, tag string, l models.Learner) {
	train, test := benchData(b, tag, "train"), benchData(b, tag, "test")
	var m models.Model
	start := machine.ProcessorTime()
	for b.Loop() {
		var err error
		if m, err = l.Fit(context.Background(), train); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((machine.ProcessorTime()-start).Seconds()/float64(b.N), "cpu-s/op")
	p, err := m.Predict(test.X, nil)
	if err != nil {
		b.Fatal(err)
	}
	scores, positive := make([]float64, test.X.Rows), make([]bool, test.X.Rows)
	for i := range scores {
		scores[i], positive[i] = p.Probabilities[2*i+1], test.Y.Class[i] == 1
	}
	b.ReportMetric(areaUnderCurve(scores, positive), "score")
	b.ReportMetric(peakMB(b), "peak-MB")
}

func BenchmarkForest500x2000(b *testing.B) {
	benchFit(b, "500x2000", Forest{Trees: 500, Bootstrap: true})
}

func BenchmarkForest24950x500(b *testing.B) {
	benchFit(b, "24950x500", Forest{Trees: 50, Bootstrap: true})
}

// One row through 500 trees, as a server asks.
func BenchmarkPredictOne500x2000(b *testing.B) {
	train := benchData(b, "500x2000", "train")
	m, err := Forest{Trees: 500, Bootstrap: true}.Fit(context.Background(), train)
	if err != nil {
		b.Fatal(err)
	}
	x := train.X.Select([]int{7})
	b.ReportAllocs()
	start := machine.ProcessorTime()
	for b.Loop() {
		if _, err := m.Predict(x, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((machine.ProcessorTime()-start).Seconds()/float64(b.N)*1e6, "cpu-µs/op")
}

var boost300 = Boosting{Rounds: 300, LearningRate: 0.1, MaxDepth: 6, Penalty: Penalty{Lambda: 1, MinChildWeight: 1}}

func BenchmarkBoostingHist500x2000(b *testing.B) {
	l := boost300
	l.Method = "hist"
	benchFit(b, "500x2000", l)
}

func BenchmarkBoostingExact500x2000(b *testing.B) { benchFit(b, "500x2000", boost300) }

func BenchmarkBoostingHist24950x500(b *testing.B) {
	l := boost300
	l.Method = "hist"
	benchFit(b, "24950x500", l)
}

// Survival forests are scored by the concordance out of bag.
func BenchmarkSurvivalForest2000x50(b *testing.B) {
	time, event := readFloats(b, "2000x50_time"), readFloats(b, "2000x50_event")
	d := models.Training{Seed: 1, X: models.Matrix{Rows: len(time), Values: readFloats(b, "2000x50_train")}}
	d.X.Columns = make([]table.Column, len(d.X.Values)/len(time))
	d.Y = clinical.Outcome{Kind: clinical.Survival, Time: time}
	for _, v := range event {
		d.Y.Event = append(d.Y.Event, int(v))
	}
	var m models.Model
	start := machine.ProcessorTime()
	for b.Loop() {
		var err error
		if m, err = (SurvivalForest{Trees: 50, MinSplit: 16, MinLeaf: 8, Bootstrap: true}).Fit(context.Background(), d); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((machine.ProcessorTime()-start).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(m.(*SurvivalTrees).OutOfBag().CIndex, "score")
	b.ReportMetric(peakMB(b), "peak-MB")
}
