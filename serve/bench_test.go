package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/work/machine"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
)

// wide is a request of 500 named features, each in a format, for the bundle of the same name.
func wide(b *bundle.Bundle, format string, column func(j int) float64) string {
	var body strings.Builder
	body.WriteString(`{"patients":[{"id":"p1","features":{`)
	for j, in := range b.Inputs {
		if j > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `"%s":`+format, in.Name, column(j))
	}
	body.WriteString(`}}]}`)
	return body.String()
}

// newWide returns a server of a logistic model of 500 columns, and a request.
func newWide(b *testing.B) (*serve.Server, string) {
	b.Helper()
	w, x := bundletest.Wide(b, 500)
	path := filepath.Join(b.TempDir(), "wide.voxgene")
	bundletest.Save(b, w, path)
	c, err := serve.ReadConfig("")
	if err != nil {
		b.Fatal(err)
	}
	c.Models, c.Listen = []string{path}, "127.0.0.1:0"
	s, err := serve.New(c, slog.New(slog.NewJSONHandler(io.Discard, nil)), "test")
	if err != nil {
		b.Fatal(err)
	}
	return s, wide(w, "%g", func(j int) float64 { return x.Column(j)[0] })
}

// BenchmarkPredict is one request of 500 features through every layer but the socket.
func BenchmarkPredict(b *testing.B) { benchmark(b, "predict") }

// BenchmarkExplain is the same with the explanation of a linear model.
func BenchmarkExplain(b *testing.B) { benchmark(b, "explain") }

func benchmark(b *testing.B, verb string) {
	s, body := newWide(b)
	h := s.Handler()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/v1/models/wide/"+verb, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkSocket is the same over loopback, with a client that writes bytes and reads bytes. cpu-us/op is user and system time of
// client and server together.
func BenchmarkSocket(b *testing.B) {
	s, body := newWide(b)
	socket(b, s.Handler(), body)
}

// BenchmarkSocketPeer is what is left when everything but net/http and encoding/json is taken away: the body into a map, a weighted
// sum, an answer. It has no envelope, metrics, log or limits.
func BenchmarkSocketPeer(b *testing.B) {
	_, body := newWide(b)
	socket(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Patients []struct {
				ID       string
				Features map[string]float64
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		sum := 0.0
		for _, v := range in.Patients[0].Features {
			sum += v / 500
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]float64{"probability": 1 / (1 + math.Exp(-sum))}); err != nil {
			b.Error(err)
		}
	}), body)
}

// BenchmarkSocketBare is net/http alone: the body is read and thrown away. What a request costs beyond it is ours.
func BenchmarkSocketBare(b *testing.B) {
	_, body := newWide(b)
	socket(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		io.WriteString(w, "{}\n")
	}), body)
}

func socket(b *testing.B, h http.Handler, body string) {
	l := httptest.NewServer(h)
	defer l.Close()
	conn, err := net.Dial("tcp", l.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := fmt.Appendf(nil, "POST /v1/models/wide/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answer := make([]byte, 1<<16)
	before := machine.ProcessorTime()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		n, err := conn.Read(answer)
		if err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200")) || answer[n-1] != '\n' {
			b.Fatalf("%v %s", err, answer[:n])
		}
	}
	b.ReportMetric(float64((machine.ProcessorTime()-before).Microseconds())/float64(b.N), "cpu-us/op")
}
