package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/results"
)

const body = `{"patients": [{"id": "CANARY-17", "features": {"clinical.age": 61, "clinical.sex": "M", "t1.volume": 900.5, "rna.EGFR": 0.1, "rna.TP53": null}}]}`

// start runs a server over a bundle file and returns its address, its reload channel and a function that stops it and returns Run's error.
func start(t *testing.T, path string, log io.Writer, edit func(*serve.Config)) (string, chan struct{}, func() error) {
	t.Helper()
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Listen, c.Models, c.Reload = "127.0.0.1:0", []string{path}, 0
	if edit != nil {
		edit(&c)
	}
	s, err := serve.New(c, slog.New(slog.NewJSONHandler(log, nil)), "test")
	if err != nil {
		t.Fatal(err)
	}
	reload := make(chan struct{})
	a, stop := run(t, s, reload)
	return a, reload, stop
}

// run runs a server and returns its address and a function that stops it and returns Run's error.
func run(t *testing.T, s *serve.Server, reload chan struct{}) (string, func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	address, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- s.Run(ctx, reload, func(a net.Addr) { address <- a.String() }) }()
	select {
	case a := <-address:
		return a, func() error { cancel(); return <-done }
	case err := <-done:
		cancel()
		t.Fatal(err)
		return "", nil
	}
}

func post(client *http.Client, address string) (int, string, error) {
	r, err := client.Post("http://"+address+"/v1/models/glioma/predict", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return r.StatusCode, string(b), err
}

// synced is a log that several goroutines write.
type synced struct {
	sync.Mutex
	bytes.Buffer
}

func (s *synced) Write(b []byte) (int, error) { s.Lock(); defer s.Unlock(); return s.Buffer.Write(b) }
func (s *synced) text() string                { s.Lock(); defer s.Unlock(); return s.String() }

// A thousand reloads, each of another bundle, under load: no request fails, and each answer is of one bundle. The server then stops
// and leaves no goroutine. Nothing that it wrote names the patient.
func TestReloadUnderLoad(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "model.voxgene")
	first, _ := bundletest.New(t)
	second, _ := bundletest.New(t)
	second.Patients = 41
	bundletest.Save(t, first, path)
	one, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bundletest.Save(t, second, path)
	two, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var log synced
	address, reload, stop := start(t, path, &log, nil)
	var ended atomic.Bool
	var answered atomic.Int64
	var seen sync.Map
	var group sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	for range 4 {
		group.Go(func() {
			for !ended.Load() {
				code, text, err := post(client, address)
				if err != nil || code != 200 {
					t.Errorf("%d %s %v", code, text, err)
					return
				}
				version, _, _ := strings.Cut(text[strings.Index(text, "sha256:"):], `"`)
				seen.Store(version, true)
				answered.Add(1)
			}
		})
	}
	for i := range 1000 {
		content := [][]byte{one, two}[i%2]
		if err := os.WriteFile(path+".next", content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path+".next", time.Time{}, time.Unix(int64(1e9+i), 0)); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".next", path); err != nil {
			t.Fatal(err)
		}
		reload <- struct{}{}
		if i >= 998 { // each of the two stays until it has answered: a thousand reloads can pass between two answers of one client
			version := []string{first.Version(), second.Version()}[i%2]
			for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
				if _, ok := seen.Load(version); ok {
					break
				}
			}
		}
	}
	ended.Store(true)
	group.Wait()
	client.CloseIdleConnections()
	for _, b := range []string{first.Version(), second.Version()} {
		if _, ok := seen.Load(b); !ok {
			t.Errorf("%s never answered", b)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if n := answered.Load(); n < 100 {
		t.Errorf("%d requests were too few to test anything", n)
	}
	if strings.Contains(log.text(), "CANARY") || strings.Contains(log.text(), "900.5") {
		t.Errorf("the log names the patient: %.300s", log.text())
	}
}

// A request under way when the server is told to stop is answered.
func TestGracefulStop(t *testing.T) {
	defer goleak.VerifyNone(t)
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, nil)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /v1/models/glioma/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:20])
	time.Sleep(50 * time.Millisecond) // until the handler has it
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	time.Sleep(50 * time.Millisecond)
	io.WriteString(c, body[20:])
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("%v: %s", err, answer)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A server that stops says so on /readyz before it stops taking requests, so that a balancer has seen it.
func TestDrain(t *testing.T) {
	defer goleak.VerifyNone(t)
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, func(c *serve.Config) { c.Limits.Drain = 700 * time.Millisecond })
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ready := func(path string) int {
		r, err := client.Get("http://" + address + path)
		if err != nil {
			return 0
		}
		r.Body.Close()
		return r.StatusCode
	}
	if code := ready("/readyz"); code != 200 {
		t.Fatal(code)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	said := 0
	for range 100 {
		if said = ready("/readyz"); said != 200 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	code, text, err := post(client, address)
	if said != 503 || ready("/v2/health/ready") != 503 || ready("/healthz") != 200 || code != 200 || err != nil {
		t.Errorf("/readyz answered %d, and predict after that %d %s %v", said, code, text, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if code := ready("/readyz"); code != 0 {
		t.Errorf("a server that was stopped answers %d", code)
	}
}

// A client that sends nothing, sends slowly, closes its side, or never ends its body is cut off.
func TestSlowClients(t *testing.T) {
	defer goleak.VerifyNone(t)
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, func(c *serve.Config) { c.Limits.Headers, c.Limits.Arrival = 200*time.Millisecond, 200*time.Millisecond })
	for name, c := range map[string]struct{ send, want string }{
		"silent":       {"", ""},
		"half headers": {"POST /v1/models/glioma/predict HTTP/1.1\r\nHost: x\r\n", ""},
		"half body":    {"POST /v1/models/glioma/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"patients\"", "HTTP/1.1 408"},
		"half closed":  {"POST /v1/models/glioma/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"pat", "HTTP/1.1 4"},
		"endless":      {"POST /v1/models/glioma/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n     \r\n", "HTTP/1.1 408"},
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, c.send)
		if name == "half closed" {
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if errors.Is(err, os.ErrDeadlineExceeded) || !strings.HasPrefix(string(answer), c.want) {
			t.Errorf("%s: %v, %q", name, err, answer)
		}
		conn.Close()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serve.yaml")
	if err := os.WriteFile(path, []byte("listen: 127.0.0.1:9000\nmodels: [a.voxgene, b]\naliases: [{name: Stable, model: Glioma}]\nlimits: {timeout: 2m, patients: 3}\nwriteback: {expires: 2030-06-01}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VOXGENE_LIMITS_BODY", "1000")
	c, err := serve.ReadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Listen, c.Models, c.Aliases, c.Limits.Timeout, c.Limits.Patients, c.Limits.Body, c.Limits.Arrival, " ", c.Writeback.Expires); got != "127.0.0.1:9000[a.voxgene b] [{Stable Glioma }] 2m0s 3 1000 30s 2030-06-01" {
		t.Errorf("got %s", got)
	}
	// The example has every key, and its values are the defaults but for what depends on the machine.
	example, err := serve.ReadConfig("../configs/serve.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("VOXGENE_LIMITS_BODY", "")
	plain, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	plain.Models, plain.Limits.AtOnce = example.Models, example.Limits.AtOnce
	example.Limits.Body = plain.Limits.Body
	if a, b := fmt.Sprintf("%+v", example), fmt.Sprintf("%+v", plain); a != b {
		t.Errorf("configs/serve.yaml is not the defaults:\n%s\n%s", a, b)
	}
	if err := os.WriteFile(path, []byte("modells: [a]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := serve.ReadConfig(path); err == nil || !strings.Contains(err.Error(), "modells") {
		t.Errorf("an unknown key: %v", err)
	}
	c.Models, c.Listen, c.Limits.AtOnce, c.Writeback = nil, "nowhere", 0, results.Writeback{}
	if err := c.Check(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v", err)
	}
}

// A body that never ends is cut off, be it that it comes fast, by its length, or a byte at a time, by its time; neither holds a turn longer than that.
func TestEndlessBody(t *testing.T) {
	defer goleak.VerifyNone(t)
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, func(c *serve.Config) {
		c.Limits.Body, c.Limits.Headers, c.Limits.Arrival, c.Limits.AtOnce = 1<<20, 200*time.Millisecond, 200*time.Millisecond, 1
	})
	chunk := "1000\r\n" + strings.Repeat(" ", 0x1000) + "\r\n"
	for name, c := range map[string]struct {
		chunk string
		pause time.Duration
		want  string
	}{"fast": {chunk, 0, "HTTP/1.1 413"}, "a byte at a time": {"1\r\n \r\n", 20 * time.Millisecond, "HTTP/1.1 408"}} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "POST /v1/models/glioma/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
		begun := time.Now()
		cut := make(chan time.Duration, 1)
		go func() {
			for {
				if _, err := io.WriteString(conn, c.chunk); err != nil || time.Since(begun) > 5*time.Second {
					cut <- time.Since(begun)
					return
				}
				time.Sleep(c.pause)
			}
		}()
		line, err := bufio.NewReader(conn).ReadString('\n')
		if !strings.HasPrefix(line, c.want) {
			t.Errorf("%s: %v, %q", name, err, line)
		}
		if took := <-cut; took > 5*time.Second {
			t.Errorf("%s: the connection was not cut off", name)
		}
		conn.Close()
	}
	if code, text, err := post(http.DefaultClient, address); err != nil || code != 200 {
		t.Errorf("afterwards: %d %s %v", code, text, err)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}
