package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/fhir"
	"github.com/voxgene/voxgene/serve/results"
)

// NewOutbox returns the outbox of a configuration: the systems that results are written to and withdrawn from. program is the version of this
// program. The server runs it; commands use it to try at once what the server would try later.
func NewOutbox(c Config, store *results.Store, log *slog.Logger, program string) (*results.Outbox, error) {
	o := &results.Outbox{Store: store, Writeback: c.Writeback, Log: log}
	for _, s := range c.DICOMweb.Systems {
		system, err := dicomweb.NewSystem(s, store, program)
		if err != nil {
			return nil, err
		}
		o.Systems = append(o.Systems, system)
	}
	for _, s := range c.FHIR.Systems {
		system, err := fhir.NewSystem(s, program)
		if err != nil {
			return nil, err
		}
		o.Systems = append(o.Systems, system)
	}
	return o, nil
}

// registerKeys adds the route at which FHIR servers find the public keys that they know us by. They need no credentials for it.
func registerKeys(mux *http.ServeMux, systems []results.System) error {
	var known []*fhir.System
	for _, s := range systems {
		if f, ok := s.(*fhir.System); ok {
			known = append(known, f)
		}
	}
	set := fhir.Keys(known)
	if len(set.Keys) == 0 {
		return nil
	}
	body, err := json.Marshal(set)
	if err != nil {
		return err
	}
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(append(body, '\n')) // an error means that the client went away
	})
	return nil
}

// runner works beside the server until ctx ends.
type runner interface{ Run(ctx context.Context) }

// newIntakes returns what takes studies from elsewhere, and registers the routes by which they come.
func newIntakes(c Config, mux *http.ServeMux, in *dicomweb.Intake) ([]runner, error) {
	var out []runner
	for _, p := range c.DICOMweb.Pollers {
		poller, err := dicomweb.NewPoller(p, in, in.Log)
		if err != nil {
			return nil, err
		}
		out = append(out, poller)
	}
	if stow := c.DICOMweb.Stow; stow.Path != "" {
		if stow.Spool == "" {
			stow.Spool = c.Results.Path + ".spool"
		}
		s, err := dicomweb.NewStow(stow, in)
		if err != nil {
			return nil, err
		}
		s.Register(mux)
		out = append(out, s)
	}
	return out, nil
}
