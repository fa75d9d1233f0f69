// Package api is Voxgene's own HTTP interface, under /v1: models, predict, explain, and the routes by which a server is watched.
//
// A body is decoded straight into the order of the model's columns, and the answer is the bundle's prediction as it stands. Every
// error is a problem of RFC 9457 with a place in the body. Nothing that is logged or measured names a patient.
package api

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
)

// Limits bound one request.
type Limits struct {
	Body     int64 // bytes
	Patients int
}

// DefaultLimits suit a model of twenty thousand genes, or a batch of a thousand patients of five hundred features.
func DefaultLimits() Limits { return Limits{Body: 16 << 20, Patients: 10_000} }

// Options say what an API serves and where it reports.
type Options struct {
	Registry *registry.Registry
	Limits   Limits
	Log      *slog.Logger
	Metrics  *prometheus.Registry
	Audit    *audit.Log // nil keeps none
	Version  string     // of this program
}

// API answers requests.
type API struct {
	Options
	meter    *meter
	draining atomic.Bool
	mux      *http.ServeMux
}

// New returns the API. Its metrics are registered with o.Metrics.
func New(o Options) *API {
	a := &API{Options: o, meter: newMeter(o.Metrics), mux: http.NewServeMux()}
	for _, prefix := range []string{"/v1/models/{model}", "/v1/models/{model}/versions/{version}"} {
		a.mux.HandleFunc("POST "+prefix+"/predict", func(w http.ResponseWriter, r *http.Request) { a.predict(w, r, false) })
		a.mux.HandleFunc("POST "+prefix+"/explain", func(w http.ResponseWriter, r *http.Request) { a.predict(w, r, true) })
		a.mux.HandleFunc("GET "+prefix, a.model)
		a.mux.HandleFunc("GET "+prefix+"/schema", a.schema)
	}
	a.mux.HandleFunc("GET /v1/models", a.models)
	a.mux.HandleFunc("GET /openapi.json", a.openAPI)
	a.mux.HandleFunc("GET /healthz", a.health)
	a.mux.HandleFunc("GET /readyz", a.ready)
	a.mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{}))
	a.mux.HandleFunc("/", a.other)
	return a
}

// Mux is where the routes are registered; other fronts add theirs.
func (a *API) Mux() *http.ServeMux { return a.mux }

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Drain makes /readyz say no, so that a balancer sends no more requests before the server stops.
func (a *API) Drain() { a.draining.Store(true) }

// Ready reports whether requests should be sent here.
func (a *API) Ready() bool { return !a.draining.Load() }

func (a *API) fail(w http.ResponseWriter, r *http.Request, p problem.Problem, cause error) {
	problem.Write(w, r, a.Log, p, cause)
}

// methods that some route answers to.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}

// other answers what no route matches: 405 where another method would, else 404.
func (a *API) other(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	probe := *r
	for _, m := range methods {
		probe.Method = m
		if _, pattern := a.mux.Handler(&probe); pattern != "/" && pattern != "" {
			allowed = append(allowed, m)
		}
	}
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		a.fail(w, r, problem.New(http.StatusMethodNotAllowed, "this path takes "+strings.Join(allowed, ", ")), nil)
		return
	}
	a.fail(w, r, problem.New(http.StatusNotFound, "there is nothing at this path; GET /v1/models lists the models, /openapi.json the routes"), nil)
}

// find returns the version of a model that a path names, or answers 404 or 403.
func (a *API) find(w http.ResponseWriter, r *http.Request) *registry.Entry {
	e, p := Find(a.Registry, r)
	if p != nil {
		a.fail(w, r, *p, nil)
	}
	return e
}

// Find returns the version of a model that a request's path names as {model} and {version}, if the client may ask it.
func Find(bundles *registry.Registry, r *http.Request) (*registry.Entry, *problem.Problem) {
	name := r.PathValue("model")
	if !auth.From(r.Context()).May(name) {
		p := problem.New(http.StatusForbidden, "these credentials are not for that model")
		return nil, &p
	}
	e, err := bundles.Find(name, r.PathValue("version"))
	if err != nil {
		p := problem.New(http.StatusNotFound, err.Error())
		return nil, &p
	}
	return e, nil
}
