package dicomweb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// System is a PACS to which results are written by STOW-RS, each into the study that it was made from.
type System struct {
	config  SystemConfig
	client  *client.Client
	program string
}

var _ results.System = (*System)(nil)

// NewSystem returns the system of a configuration. program is the version of this program.
func NewSystem(c SystemConfig, program string) (*System, error) {
	to, err := client.New(c.Config)
	if err != nil {
		return nil, fmt.Errorf("dicomweb.systems %s: %w", c.Name, err)
	}
	return &System{config: c, client: to, program: program}, nil
}

// Name is what the configuration calls the system.
func (s *System) Name() string { return s.config.Name }

// Takes reports whether a result was made from a DICOM study, and verified where the system wants that.
func (s *System) Takes(r *results.Result) bool {
	return p10.ValidUID(r.Identity.Study) && len(r.Evidence) > 0 && (!s.config.Verified || r.State == results.Final)
}

// Write stores the objects of a result. Their identifiers follow from the result's, so that a second time changes nothing.
func (s *System) Write(ctx context.Context, r results.Result) results.Delivery {
	return s.send(ctx, &r)
}

// Withdraw stores the report that replaces the first one.
func (s *System) Withdraw(ctx context.Context, r results.Result, _ results.Delivery) results.Delivery {
	return s.send(ctx, &r)
}

func (s *System) send(ctx context.Context, r *results.Result) results.Delivery {
	report, err := object.Report(r, s.program)
	if err != nil {
		return results.Delivery{Detail: err.Error()}
	}
	objects := map[string]string{Report: object.ReportUID(r)}
	files := map[string][]byte{object.ReportUID(r): report}
	stored, err := s.client.Store(ctx, r.Identity.Study, files)
	if err != nil {
		return results.Delivery{Detail: err.Error(), Retry: client.Later(err)}
	}
	return judged(objects, stored)
}

// judged is the delivery that an answer is: accepted only when every object was.
func judged(objects map[string]string, stored client.Stored) results.Delivery {
	d := results.Delivery{Accepted: len(stored.Failed) == 0, Objects: objects}
	var said []string
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		uid := objects[name]
		if f, bad := stored.Failed[uid]; bad {
			said = append(said, fmt.Sprintf("%s refused with %v", name, f))
			d.Retry = d.Retry || f.Later()
		} else if w := stored.Warnings[uid]; w != 0 {
			said = append(said, fmt.Sprintf("%s stored with warning %04X", name, w))
		} else {
			said = append(said, name+" stored")
		}
	}
	d.Detail = strings.Join(said, ", ")
	return d
}
