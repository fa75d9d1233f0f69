package serve_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/auth"
)

// fronts are the routes that read a body, with the media type of their own.
var fronts = map[string]string{
	"/v1/models/glioma/predict": "application/json", "/v1/models/glioma/explain": "application/json", "/v2/models/glioma/infer": "application/json", "/v2/models/glioma/explain": "application/json",
	"/v1/models/glioma:predict": "application/json", "/v1/models/glioma:explain": "application/json", "/invocations": "application/json", "/invocations?": "text/csv", "/fhir/$predict": "application/fhir+json",
	"/v1/results/find": "application/json", "/v1/results/RESULT/finalise": "application/json", "/v1/results/RESULT/retract": "application/json",
}

// On every front a body that is too long is answered with 413, by its header or once it has come, one that does not arrive or never ends with 408, and one that
// breaks off with 400; each says so in words, in the shape of the front's protocol, and the connection is closed.
func TestLimitsOfFronts(t *testing.T) {
	s, _, kept, log := opened(t, func(c *serve.Config) {
		c.Limits.Body, c.Listen, c.Reload = 20_000, "127.0.0.1:0", 0 // the routes of results have a bound of their own, 16 KiB
		c.Limits.Headers, c.Limits.Arrival = 300*time.Millisecond, 300*time.Millisecond
	})
	address, stop := run(t, s, nil)
	var group sync.WaitGroup
	for path, media := range fronts {
		for name, c := range map[string]struct {
			headers, body string
			half          bool // the client's side is closed
			want          int
			words         string
		}{
			"too long":       {"Content-Length: 20001\r\n", "{", false, 413, "bytes"},
			"long in chunks": {"Transfer-Encoding: chunked\r\n", "5000\r\n" + strings.Repeat(" ", 0x5000) + "\r\n", false, 413, "bytes"},
			"half a body":    {"Content-Length: 500\r\n", "{\"a\"", false, 408, "did not arrive"},
			"endless":        {"Transfer-Encoding: chunked\r\n", "5\r\n     \r\n", false, 408, "did not arrive"},
			"broken off":     {"Content-Length: 500\r\n", "{\"a\"", true, 400, "broke off"},
		} {
			group.Go(func() {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(10 * time.Second))
				fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\n%s\r\n%s", strings.Replace(path, "RESULT", kept.ID, 1), media, c.headers, c.body)
				if c.half {
					conn.(*net.TCPConn).CloseWrite()
				}
				reader := bufio.NewReader(conn)
				answer, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Errorf("%s, %s: %v", path, name, err)
					return
				}
				text, err := io.ReadAll(answer.Body)
				if err != nil || answer.StatusCode != c.want || !strings.Contains(said(t, text), c.words) {
					t.Errorf("%s, %s: %d %s (%v), want %d", path, name, answer.StatusCode, text, err, c.want)
				}
				if shape := shapeOf(path); !strings.Contains(string(text), shape) {
					t.Errorf("%s, %s: %s lacks %s", path, name, text, shape)
				}
				if _, err := reader.ReadByte(); err == nil { // a reset is an end as well
					t.Errorf("%s, %s: something follows the answer", path, name)
				}
			})
		}
	}
	group.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if log.Len() > 0 {
		t.Errorf("the log has faults: %.500s", log)
	}
}

// shapeOf is what an error of a front has, by its protocol.
func shapeOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/v2") || strings.Contains(path, ":"):
		return `{"error":"`
	case strings.HasPrefix(path, "/invocations"):
		return `"error_code":"BAD_REQUEST"`
	case strings.HasPrefix(path, "/fhir"):
		return `"resourceType":"OperationOutcome"`
	}
	return `"type":"about:blank"`
}

// Each key has a rate of its own, whatever the front: past it the answer is 429 with Retry-After, and another key is answered.
func TestRateOfEachKey(t *testing.T) {
	key := func(name string) auth.Key {
		return auth.Key{Name: name, Hash: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name)))}
	}
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	var keys []auth.Key
	for range fronts {
		keys = append(keys, key(fmt.Sprint("key", len(keys))))
	}
	address, _, stop := start(t, path, io.Discard, func(c *serve.Config) {
		c.Limits.Rate, c.Auth = 2, auth.Config{Anonymous: "never", Keys: append(keys, key("idle"))}
	})
	ask := func(path, media, key string) (*http.Response, []byte) {
		t.Helper()
		r, err := http.NewRequest("POST", "http://"+address+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", media)
		r.Header.Set("Authorization", "Bearer "+key)
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a, text
	}
	n := 0
	for path, media := range fronts {
		refused := 0
		for range 6 {
			switch a, text := ask(path, media, keys[n].Name); {
			case a.StatusCode == 429:
				var p struct{ Detail string }
				if err := json.Unmarshal(text, &p); err != nil || a.Header.Get("Retry-After") == "" || !strings.Contains(p.Detail, "Retry-After") {
					t.Errorf("%s: %v %s", path, a.Header, text)
				}
				refused++
			case a.StatusCode >= 500 || a.StatusCode == 401:
				t.Errorf("%s: %d %s", path, a.StatusCode, text)
			}
		}
		if refused < 2 { // the window may turn over in between
			t.Errorf("%s: %d of 6 requests were refused at a rate of 2", path, refused)
		}
		n++
	}
	if a, text := ask("/v1/models/glioma/predict", "application/json", "idle"); a.StatusCode != 422 {
		t.Errorf("a key that asked nothing yet: %d %s", a.StatusCode, text)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
