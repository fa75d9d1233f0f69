package serve

import (
	"log/slog"

	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/results"
)

// NewOutbox returns the outbox of a configuration: the systems that results are written to and withdrawn from. program is the version of this
// program. The server runs it; commands use it to try at once what the server would try later.
func NewOutbox(c Config, store *results.Store, log *slog.Logger, program string) (*results.Outbox, error) {
	o := &results.Outbox{Store: store, Writeback: c.Writeback, Log: log}
	for _, s := range c.DICOMweb.Systems {
		system, err := dicomweb.NewSystem(s, program)
		if err != nil {
			return nil, err
		}
		o.Systems = append(o.Systems, system)
	}
	return o, nil
}
