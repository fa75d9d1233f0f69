// Package serve runs the server: it loads bundles, listens, reloads what changed, and stops without breaking off a request.
package serve

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/voxgene/voxgene/features/deidentify"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/cdshooks"
	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/fhir"
	"github.com/voxgene/voxgene/serve/guard"
	"github.com/voxgene/voxgene/serve/oip"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/scans"
	"github.com/voxgene/voxgene/serve/scoring"
	"github.com/voxgene/voxgene/serve/scratch"
	"github.com/voxgene/voxgene/serve/studies"
	"github.com/voxgene/voxgene/serve/viewing"
	"github.com/voxgene/voxgene/serve/web"
	"github.com/voxgene/voxgene/serve/worklist"
)

// Server is a configured server. Make one with New; it listens in Run.
type Server struct {
	config   Config
	registry *registry.Registry
	api      *api.API
	handler  http.Handler
	tls      *tls.Config
	audit    *audit.Log
	results  *results.Store
	outbox   *results.Outbox // nil where no results are kept
	studies  *studies.Front
	scans    *scans.Store
	temp     *scratch.Folder // of the files of studies; nil where none could be made
	intakes  []runner        // pollers, and what takes studies by STOW-RS
	log      *slog.Logger
}

// New loads the bundles that the configuration names and builds the routes. Every bundle must be sound.
func New(c Config, log *slog.Logger, version string) (*Server, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	aliases := map[string]registry.Alias{}
	for _, a := range c.Aliases {
		aliases[a.Name] = registry.Alias{Model: a.Model, Version: a.Version}
	}
	var trusted []ed25519.PublicKey
	for _, path := range c.Trust {
		k, err := bundle.ReadPublicKey(path)
		if err != nil {
			return nil, fmt.Errorf("trust: %w", err)
		}
		trusted = append(trusted, k)
	}
	bundles, err := registry.Open(c.Models, aliases, trusted...)
	if err != nil {
		return nil, err
	}
	limits := api.Limits{Body: c.Limits.Body, Patients: c.Limits.Patients}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(bundles, build(version), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gate, err := auth.New(c.Auth, c.Listen, c.TLS.ClientCA != "", log)
	if err != nil {
		return nil, err
	}
	certificates, err := c.TLS.Load()
	if err != nil {
		return nil, err
	}
	kept, err := c.Audit.open()
	if err != nil {
		return nil, err
	}
	var pseudonyms deidentify.Key
	if c.Privacy == Research {
		if pseudonyms, err = deidentify.ReadKey(c.PrivacyKey); err != nil {
			return nil, fmt.Errorf("privacy_key: %w", err)
		}
		if kept != nil {
			kept.Pseudonyms(func(patient string) string { return pseudonyms.Pseudonym(patient, "") })
		}
	}
	var store *results.Store
	var outbox *results.Outbox
	if c.Results.Path != "" {
		if store, err = results.Open(c.Results.Path); err != nil {
			return nil, err
		}
		if outbox, err = NewOutbox(c, store, log, version); err != nil {
			return nil, err
		}
	}
	a := api.New(api.Options{Registry: bundles, Limits: limits, Log: log, Metrics: metrics, Audit: kept, Version: version})
	front := oip.Front{Registry: bundles, Limits: limits, Log: log, Audit: kept, Version: version, Ready: a.Ready}
	front.Register(a.Mux())
	rows := scoring.Front{Registry: bundles, Limits: limits, Log: log, Audit: kept, Version: version, Default: c.DefaultModel}
	rows.Register(a.Mux())
	resources := fhir.Front{Registry: bundles, Limits: limits, Log: log, Audit: kept, Version: version, Default: c.DefaultModel, Now: time.Now}
	resources.Register(a.Mux())
	if len(c.CDSHooks.Clients) > 0 {
		hooks, err := cdshooks.New(cdshooks.Options{Config: c.CDSHooks, Results: store, Registry: bundles, Writeback: c.Writeback, Audit: kept, Views: viewing.New(kept), Log: log, Metrics: metrics,
			Body: c.Limits.Body, Now: time.Now})
		if err != nil {
			return nil, err
		}
		hooks.Register(a.Mux())
	}
	if outbox != nil {
		metrics.MustRegister(waiting{outbox, log})
		if err := registerKeys(a.Mux(), outbox.Systems); err != nil {
			return nil, err
		}
	}
	temp, err := scratch.Open(c.Studies.Temp)
	switch {
	case err != nil: // studies that come will say so; a server of tables alone needs none
		log.Warn("there is no folder for the files of studies (studies.temp)", "cause", err.Error())
	case temp.Removed > 0:
		log.Warn("files of studies that a server left which was killed are removed", "folders", temp.Removed)
	}
	if temp != nil {
		c.Studies.Temp = temp.Path
	}
	shown := scans.New(scans.Limits{Keep: c.Studies.KeepImages, Bytes: c.Studies.KeepBytes})
	files := studies.New(studies.Options{Registry: bundles, Limits: c.Studies, Patients: limits, Log: log, Audit: kept, Results: store, Outbox: outbox, Pseudonyms: pseudonyms, Scans: shown, Program: version})
	files.Register(a.Mux())
	views := viewing.New(kept)
	(&scans.Front{Store: shown, Views: views, Log: log}).Register(a.Mux())
	worklist.New(worklist.Options{Store: store, Scans: shown, Verifiers: c.Results.Verifiers, Views: views, Outbox: outbox, Log: log}).Register(a.Mux())
	intakes, err := newIntakes(c, a.Mux(), &dicomweb.Intake{Registry: bundles, Results: store, Studies: files, Limits: c.Studies, Log: log})
	if err != nil {
		if temp != nil {
			err = errors.Join(err, temp.Close())
		}
		return nil, err
	}
	web.Register(a.Mux())
	g := guard.New(guard.Options{Log: log, Metrics: metrics, Timeout: c.Limits.Timeout, AtOnce: c.Limits.AtOnce, Wait: c.Limits.Wait, Access: c.Log.Access, Rate: c.Limits.Rate, Client: gate.Client},
		gate.Wrap(a))
	return &Server{config: c, registry: bundles, api: a, handler: g, tls: certificates, audit: kept, results: store, outbox: outbox, studies: files, intakes: intakes, scans: shown, temp: temp, log: log}, nil
}

// Handler answers requests, for tests and for mounting elsewhere.
func (s *Server) Handler() http.Handler { return s.handler }

// Models are the names of the models and aliases, with the version that answers.
func (s *Server) Models() []string {
	var out []string
	for _, m := range s.registry.Models() {
		out = append(out, m.Name+" "+m.Versions[0].Bundle.Version())
	}
	return out
}

// Close breaks off studies under way and closes the audit and the results. Run does so itself when it returns.
func (s *Server) Close() error {
	var faults []error
	s.studies.Close()
	s.scans.Close()
	if s.temp != nil {
		faults = append(faults, s.temp.Close())
	}
	if s.audit != nil {
		faults = append(faults, s.audit.Close())
	}
	if s.results != nil {
		faults = append(faults, s.results.Close())
	}
	return errors.Join(faults...)
}

// Run listens until ctx ends and then stops gracefully: /readyz says no, for the time to drain requests are taken nevertheless, and those under way are then
// finished within the grace period.
// listening, when not nil, is told the address. A value on reload makes the server look at its bundles again, as it does by itself
// at the configured interval.
func (s *Server) Run(ctx context.Context, reload <-chan struct{}, listening func(net.Addr)) error {
	return errors.Join(s.run(ctx, reload, listening), s.Close())
}

// ballast is memory that is never touched, and so never taken from the system: beside it the few megabytes that a server of tables lives on
// are little, and the collector runs a tenth as often. What a bundle or a study holds counts as ever.
const ballast = 32 << 20

func (s *Server) run(ctx context.Context, reload <-chan struct{}, listening func(net.Addr)) error {
	weight := make([]byte, ballast)
	defer runtime.KeepAlive(weight)
	l, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return err
	}
	if s.tls != nil {
		l = tls.NewListener(l, s.tls)
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: s.config.Limits.Headers,
		ReadTimeout:       s.config.Limits.Headers + s.config.Limits.Arrival,
		WriteTimeout:      s.config.Limits.Headers + s.config.Limits.Arrival + s.config.Limits.Timeout + 5*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	watching, stop := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer stop()
	watchers.Go(func() { s.watch(watching, reload) })
	if s.audit != nil && s.config.Audit.Keep > 0 {
		watchers.Go(func() { s.expire(watching) })
	}
	if s.outbox != nil && len(s.outbox.Systems) > 0 {
		watchers.Go(func() { s.outbox.Run(watching) })
	}
	for _, in := range s.intakes {
		watchers.Go(func() { in.Run(watching) })
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	if listening != nil {
		listening(l.Addr())
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.log.Info("stopping")
	s.api.Drain()
	if wait := s.config.Limits.Drain; wait > 0 {
		select {
		case err := <-failed:
			return err
		case <-time.After(wait):
		}
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Limits.Grace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("requests were still under way after %v and were broken off: %w", s.config.Limits.Grace, err), server.Close())
	}
	return nil
}

// watch reloads bundles on demand and when a file changed.
func (s *Server) watch(ctx context.Context, reload <-chan struct{}) {
	var tick <-chan time.Time
	if s.config.Reload > 0 {
		t := time.NewTicker(s.config.Reload)
		defer t.Stop()
		tick = t.C
	}
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-reload:
		case <-tick:
		}
		change, err := s.registry.Reload()
		switch {
		case err != nil && err.Error() != last: // said once, not at every look
			last = err.Error()
			s.log.Error("bundles could not be reloaded; what was served is served still", "cause", last)
		case err == nil:
			last = ""
			if len(change.Added)+len(change.Removed) > 0 {
				s.log.Info("bundles reloaded", "added", change.Added, "removed", change.Removed)
			}
		}
	}
}

// expire empties audit entries that are older than the configuration keeps them, at the start and then once an hour.
func (s *Server) expire(ctx context.Context) {
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	for {
		n, err := s.audit.Expire(ctx, time.Now().Add(-s.config.Audit.Keep))
		switch {
		case err != nil:
			s.log.Error("audit entries could not be expired", "cause", err.Error())
		case n > 0:
			s.log.Info("audit entries expired", "entries", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
