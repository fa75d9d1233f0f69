// Package guard stands before every route: it survives a fault of a handler, bounds how many requests run at once and how long each
// may take, and counts and logs what was answered. It sees methods, routes and sizes, and never what a body says of a patient.
package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/httprate"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/voxgene/voxgene/serve/problem"
)

// Options bound and report requests.
type Options struct {
	Log     *slog.Logger
	Metrics *prometheus.Registry
	Timeout time.Duration // of one request, from its headers on; 0 is none
	AtOnce  int           // requests that run at once; 0 is no bound
	Wait    time.Duration // how long a request waits for its turn before it is refused
	Access  bool          // log each request
	Rate    int           // requests a minute from one client; 0 is no bound
	// Client names who asks, for Rate; empty, or a nil func, is the address. It must not believe a request: else whoever changes what is claimed has no bound.
	Client func(*http.Request) string
}

// New returns next behind the guard.
func New(o Options, next http.Handler) http.Handler {
	g := &guard{Options: o, next: next, seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "voxgene_request_seconds",
		Help: "Time of requests, by route and status.", Buckets: []float64{1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}},
		[]string{"route", "code"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Name: "voxgene_requests_running", Help: "Requests under way."})}
	if o.Rate > 0 {
		limited := httprate.LimitBy(o.Rate, time.Minute, o.client, httprate.WithLimitHandler(func(w http.ResponseWriter, r *http.Request) {
			problem.Write(w, r, o.Log, problem.New(http.StatusTooManyRequests, fmt.Sprintf("more than %d requests a minute; Retry-After says when", o.Rate)), nil)
		}))(next)
		g.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if free[r.URL.Path] {
				next.ServeHTTP(w, r)
				return
			}
			limited.ServeHTTP(w, r)
		})
	}
	if o.AtOnce > 0 {
		g.turns = make(chan struct{}, o.AtOnce)
	}
	o.Metrics.MustRegister(g.seconds, g.running)
	return g
}

// client tells clients apart: by who they are, or by the address that they come from.
func (o *Options) client(r *http.Request) (string, error) {
	if o.Client != nil {
		if name := o.Client(r); name != "" {
			return "client " + name, nil
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr, nil
	}
	return host, nil
}

type guard struct {
	Options
	next    http.Handler
	turns   chan struct{}
	seconds *prometheus.HistogramVec
	running prometheus.Gauge
	series  sync.Map // series → prometheus.Observer
}

// series names the requests that are counted together.
type series struct {
	route string
	code  int
}

// free are routes that answer even when all turns are taken, and however often they are asked: those by which the server is watched.
var free = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true, "/ping": true, "/health": true}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	a := &answer{ResponseWriter: w}
	g.running.Inc()
	defer func() {
		g.running.Dec()
		if e := recover(); e != nil {
			if err, ok := e.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(e)
			}
			g.panicked(a, r, e)
		}
		g.done(a, r, time.Since(start))
	}()
	if g.turns != nil && !free[r.URL.Path] {
		if !g.turn(r) {
			a.Header().Set("Retry-After", "1")
			problem.Write(a, r, g.Log, problem.New(http.StatusTooManyRequests, fmt.Sprintf("%d requests run already; try again", g.AtOnce)), nil)
			return
		}
		defer func() { <-g.turns }()
	}
	if g.Timeout > 0 {
		ctx := &deadline{Context: r.Context(), at: start.Add(g.Timeout)}
		defer ctx.end()
		// The request is copied by WithContext, and the mux writes the route into the copy.
		c := r.WithContext(ctx)
		g.next.ServeHTTP(a, c)
		r.Pattern = c.Pattern
		return
	}
	g.next.ServeHTTP(a, r)
}

// turn waits until the request may run, and reports whether it may.
func (g *guard) turn(r *http.Request) bool {
	select {
	case g.turns <- struct{}{}:
		return true
	default:
	}
	if g.Wait <= 0 {
		return false
	}
	t := time.NewTimer(g.Wait)
	defer t.Stop()
	select {
	case g.turns <- struct{}{}:
		return true
	case <-t.C:
	case <-r.Context().Done():
	}
	return false
}

// panicked answers and logs a fault of ours.
func (g *guard) panicked(a *answer, r *http.Request, e any) {
	g.Log.Error("a handler panicked", "route", r.Pattern, "fault", fmt.Sprintf("%T", e), "stack", string(debug.Stack()))
	if a.code == 0 {
		problem.Write(a, r, g.Log, problem.New(http.StatusInternalServerError, "a fault of this program; the log has it under this id"), nil)
	}
}

func (g *guard) done(a *answer, r *http.Request, took time.Duration) {
	if a.code == 0 {
		a.code = http.StatusOK
	}
	route := r.Pattern
	if route == "" || route == "/" {
		route = "other"
	}
	key := series{route, a.code}
	o, ok := g.series.Load(key)
	if !ok {
		o, _ = g.series.LoadOrStore(key, g.seconds.WithLabelValues(route, strconv.Itoa(a.code)))
	}
	o.(prometheus.Observer).Observe(took.Seconds())
	if g.Access {
		// Log.Info would look up who called it, which this program never writes.
		if ctx := context.Background(); g.Log.Enabled(ctx, slog.LevelInfo) {
			line := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
			line.AddAttrs(slog.String("route", route), slog.Int("status", a.code), slog.Int("bytes", a.bytes), slog.Float64("ms", float64(took.Microseconds())/1000))
			g.Log.Handler().Handle(ctx, line) // Info drops its error as well
		}
	}
}

// answer notes what a handler answers.
type answer struct {
	http.ResponseWriter
	code  int
	bytes int
}

// WriteHeader notes the status.
func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
	a.ResponseWriter.WriteHeader(code)
}

// Write notes the length.
func (a *answer) Write(b []byte) (int, error) {
	if a.code == 0 {
		a.code = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += n
	return n, err
}

// Unwrap gives http.ResponseController the writer below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
