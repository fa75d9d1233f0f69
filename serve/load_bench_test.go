package serve_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"context"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work/machine"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/models/tree"
	"github.com/voxgene/voxgene/serve"
)

// load is what the clients saw.
type load struct {
	Requests, Errors int
	P50, P99, Max    float64 // ms
}

const connections = 16

// TestMain runs the clients of BenchmarkLoad where the environment asks for them, and else the tests.
func TestMain(m *testing.M) {
	address := os.Getenv("VOXGENE_LOAD")
	if address == "" {
		os.Exit(m.Run())
	}
	seconds, err := strconv.Atoi(os.Getenv("VOXGENE_LOAD_SECONDS"))
	if err != nil {
		panic(err)
	}
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(clients(address, os.Getenv("VOXGENE_LOAD_VERB"), body, time.Duration(seconds)*time.Second)); err != nil {
		panic(err)
	}
}

// clients ask over 16 connections, one request after the other on each, for some time.
func clients(address, verb string, body []byte, d time.Duration) load {
	request := fmt.Appendf(nil, "POST /v1/models/wide/%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", verb, len(body), body)
	var mu sync.Mutex
	var out load
	var took []time.Duration
	var group sync.WaitGroup
	end := time.Now().Add(d)
	for range connections {
		group.Go(func() {
			var own []time.Duration
			errors := 0
			conn, err := net.Dial("tcp", address)
			if err != nil {
				errors++
			} else {
				defer conn.Close()
				answers := bufio.NewReaderSize(conn, 64<<10)
				for time.Now().Before(end) {
					start := time.Now()
					if _, err := conn.Write(request); err != nil {
						errors++
						break
					}
					r, err := http.ReadResponse(answers, nil)
					if err != nil || r.StatusCode != 200 {
						errors++
						break
					}
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						errors++
						break
					}
					own = append(own, time.Since(start))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			took, out.Errors = append(took, own...), out.Errors+errors
		})
	}
	group.Wait()
	slices.Sort(took)
	if out.Requests = len(took); out.Requests > 0 {
		ms := func(k int) float64 { return float64(took[min(k, len(took)-1)].Microseconds()) / 1000 }
		out.P50, out.P99, out.Max = ms(len(took)/2), ms(len(took)*99/100), ms(len(took)-1)
	}
	return out
}

// BenchmarkLoad is requests of 500 features over 16 connections, for VOXGENE_LOAD_FOR seconds (3), with the clients in a process of their own,
// so that cpu-us/request is of the server alone: plain, with the audit row on disk first, with the explanation of a linear model, and for 300
// trees without and with theirs. Values have six decimals, and in full-* as many digits as a float64 needs, 16 to 17. Memory is the server's in
// the middle and at the end.
func BenchmarkLoad(b *testing.B) {
	seconds := 3
	if text := os.Getenv("VOXGENE_LOAD_FOR"); text != "" {
		var err error
		if seconds, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for _, w := range []asked{{name: "plain", verb: "predict"}, {name: "audit", verb: "predict", audited: true}, {name: "explain", verb: "explain"},
		{name: "trees", verb: "predict", trees: 300}, {name: "trees-explain", verb: "explain", trees: 300},
		{name: "full-plain", verb: "predict", full: true}, {name: "full-audit", verb: "predict", audited: true, full: true}} {
		b.Run(w.name, func(b *testing.B) {
			for b.Loop() {
				oneLoad(b, seconds, w)
			}
		})
	}
}

// asked is what is asked of the server.
type asked struct {
	name, verb string
	audited    bool
	trees      int  // of a boosted model in place of the linear one
	full       bool // values with all their digits
}

func oneLoad(b *testing.B, seconds int, ask asked) {
	w, x := bundletest.Wide(b, 500)
	if ask.trees > 0 {
		boost(b, w, x, ask.trees)
	}
	dir := b.TempDir()
	path := filepath.Join(dir, "wide.voxgene")
	bundletest.Save(b, w, path)
	c, err := serve.ReadConfig("")
	if err != nil {
		b.Fatal(err)
	}
	c.Models, c.Listen = []string{path}, "127.0.0.1:0"
	if ask.audited {
		c.Audit.Path = filepath.Join(dir, "audit.db")
	}
	s, err := serve.New(c, slog.New(slog.NewJSONHandler(io.Discard, nil)), "test")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	address, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- s.Run(ctx, nil, func(a net.Addr) { address <- a.String() }) }()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "VOXGENE_LOAD="+<-address, "VOXGENE_LOAD_SECONDS="+strconv.Itoa(seconds), "VOXGENE_LOAD_VERB="+ask.verb)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	before := machine.ProcessorTime()
	format := "%.6f"
	if ask.full {
		format = "%g"
	}
	io.WriteString(in, wide(w, format, func(j int) float64 { return x.Column(j)[0] }))
	in.Close()
	time.Sleep(time.Duration(seconds) * time.Second / 2)
	middle := resident()
	var l load
	if err := json.NewDecoder(out).Decode(&l); err != nil {
		b.Fatal(err)
	}
	used, last := (machine.ProcessorTime() - before).Microseconds(), resident()
	if err := child.Wait(); err != nil {
		b.Fatal(err)
	}
	stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if l.Errors > 0 || l.Requests == 0 {
		b.Fatalf("%+v", l)
	}
	b.ReportMetric(float64(used)/float64(l.Requests), "cpu-us/request")
	b.ReportMetric(float64(l.Requests)/float64(seconds), "requests/s")
	b.ReportMetric(l.P50, "p50-ms")
	b.ReportMetric(l.P99, "p99-ms")
	b.ReportMetric(l.Max, "max-ms")
	b.ReportMetric(middle, "MB-middle")
	b.ReportMetric(last, "MB-end")
}

// boost puts a boosted model of trees of depth three in the place of a bundle's linear one, trained on its rows by the label of that.
func boost(b *testing.B, w *bundle.Bundle, x models.Matrix, trees int) {
	ctx := context.Background()
	given, err := w.Predict(ctx, x, bundle.Request{})
	if err != nil {
		b.Fatal(err)
	}
	o := &w.Outcomes[0]
	y := clinical.Outcome{Name: o.Name, Kind: clinical.Class, Classes: o.Classes, Class: make([]int, x.Rows)}
	for i, p := range given {
		y.Class[i] = slices.Index(o.Classes, p.Outcomes[0].Label)
	}
	z, err := o.Chain.Apply(x)
	if err != nil {
		b.Fatal(err)
	}
	if o.Model, err = (tree.Boosting{Rounds: trees, LearningRate: 0.05, MaxDepth: 3, Penalty: tree.Penalty{Lambda: 1}, Subsample: 1, ColumnsTree: 0.3, ColumnsLevel: 1, ColumnsNode: 1,
		Method: "exact"}).Fit(ctx, models.Training{X: z, Y: y}); err != nil {
		b.Fatal(err)
	}
}

// resident is the memory of this process in MB, 0 where the system does not say.
func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages float64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}
