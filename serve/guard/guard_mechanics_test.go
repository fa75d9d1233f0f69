package guard_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/voxgene/voxgene/serve/guard"
)

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

// A handler that panics is answered 500 with an id, logged with its place, and the next request is served.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	mux := http.NewServeMux()
	mux.HandleFunc("GET /bad", func(http.ResponseWriter, *http.Request) { panic("patient Smith") })
	mux.HandleFunc("GET /good", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	h := guard.New(guard.Options{Log: slog.New(slog.NewJSONHandler(&log, nil)), Metrics: prometheus.NewRegistry(), Timeout: time.Second, Access: true}, mux)
	if w := get(h, "/bad"); w.Code != 500 || !strings.Contains(w.Body.String(), `"id"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(h, "/good"); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
	for _, want := range []string{"guard_mechanics_test.go", `"route":"GET /good","status":200,"bytes":2`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, &log)
		}
	}
	if strings.Contains(log.String(), "Smith") {
		t.Error("the log has what was panicked with")
	}
}

// Beyond the bound a request waits, then is told to come back; the routes that watch the server answer all the same.
func TestAtOnce(t *testing.T) {
	enter, leave := make(chan bool), make(chan bool)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slow", func(http.ResponseWriter, *http.Request) { enter <- true; <-leave })
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	metrics := prometheus.NewRegistry()
	h := guard.New(guard.Options{Log: slog.New(slog.DiscardHandler), Metrics: metrics, AtOnce: 1, Wait: time.Millisecond}, mux)
	done := make(chan int)
	go func() { done <- get(h, "/slow").Code }()
	<-enter
	if w := get(h, "/slow"); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := get(h, "/healthz"); w.Code != 200 {
		t.Errorf("/healthz: %d", w.Code)
	}
	leave <- true
	if code := <-done; code != 200 {
		t.Errorf("the first: %d", code)
	}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]uint64{}
	for _, f := range families {
		if f.GetName() == "voxgene_request_seconds" {
			for _, m := range f.GetMetric() {
				counted[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetHistogram().GetSampleCount()
			}
		}
	}
	if counted["200 GET /slow"] != 1 || counted["429 other"] != 1 || counted["200 GET /healthz"] != 1 {
		t.Errorf("counted %v", counted)
	}
}

// A handler's context ends after the time of a request.
func TestTimeout(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done(); w.WriteHeader(503) })
	h := guard.New(guard.Options{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Timeout: time.Millisecond}, mux)
	if w := get(h, "/x"); w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
}

// A context that nobody waits for says all the same when it ended and why, and who waits afterwards does not; what derives from it ends with it.
func TestTimeoutWithoutWaiting(t *testing.T) {
	var kept context.Context
	mux := http.NewServeMux()
	mux.HandleFunc("GET /late", func(w http.ResponseWriter, r *http.Request) {
		at, ok := r.Context().Deadline()
		for r.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		<-r.Context().Done()
		if !ok || time.Now().Before(at) || r.Context().Err() != context.DeadlineExceeded {
			t.Errorf("ended at %v with %v", at, r.Context().Err())
		}
	})
	mux.HandleFunc("GET /quick", func(w http.ResponseWriter, r *http.Request) {
		if kept = r.Context(); kept.Err() != nil {
			t.Error(kept.Err())
		}
	})
	mux.HandleFunc("GET /derived", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		if <-ctx.Done(); ctx.Err() != context.DeadlineExceeded {
			t.Error(ctx.Err())
		}
	})
	for path, timeout := range map[string]time.Duration{"/late": time.Millisecond, "/quick": time.Hour, "/derived": time.Millisecond} {
		h := guard.New(guard.Options{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Timeout: timeout}, mux)
		if w := get(h, path); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if <-kept.Done(); kept.Err() != context.Canceled {
		t.Errorf("once answered: %v", kept.Err())
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	mux.HandleFunc("GET /gone", func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() != context.Canceled {
			t.Error(r.Context().Err())
		}
	})
	h := guard.New(guard.Options{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Timeout: time.Hour}, mux)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "GET", "/gone", nil))
}
