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
	results *results.Store
	program string
}

var _ results.System = (*System)(nil)

// NewSystem returns the system of a configuration, for results of a store. program is the version of this program.
func NewSystem(c SystemConfig, store *results.Store, program string) (*System, error) {
	to, err := client.New(c.Config)
	if err != nil {
		return nil, fmt.Errorf("dicomweb.systems %s: %w", c.Name, err)
	}
	return &System{config: c, client: to, results: store, program: program}, nil
}

// Name is what the configuration calls the system.
func (s *System) Name() string { return s.config.Name }

// Takes reports whether a result was made from a DICOM study, and verified where the system wants that.
func (s *System) Takes(r *results.Result) bool {
	return p10.ValidUID(r.Identity.Study) && len(r.Evidence) > 0 && (!s.config.Verified || r.State == results.Final)
}

// Follows is false: a report stays as it was stored until it is retracted.
func (s *System) Follows() bool { return false }

// wants reports whether a kind of object is sent to the system.
func (s *System) wants(kind string) bool {
	return len(s.config.Objects) == 0 || slices.Contains(s.config.Objects, kind)
}

// Write stores the report of a result and the objects that were made with it. Their identifiers follow from the result's, so that a second time
// changes nothing.
func (s *System) Write(ctx context.Context, r results.Result) results.Delivery {
	attached, err := s.results.Attached(r.ID)
	if err != nil {
		return results.Delivery{Detail: "the objects of the result could not be read", Retry: true}
	}
	objects, files := map[string]string{}, map[string][]byte{}
	masks := map[string]object.Region{}
	for _, a := range attached {
		if !s.wants(a.Kind) {
			continue
		}
		if a.Kind == Mask {
			masks[a.Source] = object.Region{Instance: a.Instance, Series: a.Series}
		}
		if len(a.Content) > 0 { // dropped ones are there already
			objects[a.Kind+" "+a.Name], files[a.Instance.Instance] = a.Instance.Instance, a.Content
		}
	}
	if s.wants(Report) {
		report, err := object.ReportOf(&r, s.program, masks)
		if err != nil {
			return results.Delivery{Detail: err.Error()}
		}
		objects[Report], files[object.ReportUID(&r)] = object.ReportUID(&r), report
	}
	return s.send(ctx, &r, objects, files)
}

// Withdraw stores the report that replaces the first one and says that nothing of the result is to be used. It is sent whatever the system
// was to be sent before.
func (s *System) Withdraw(ctx context.Context, r results.Result, _ results.Delivery) results.Delivery {
	report, err := object.Report(&r, s.program)
	if err != nil {
		return results.Delivery{Detail: err.Error()}
	}
	uid := object.ReportUID(&r)
	return s.send(ctx, &r, map[string]string{Report: uid}, map[string][]byte{uid: report})
}

// send stores objects, which are named as the delivery lists them.
func (s *System) send(ctx context.Context, r *results.Result, objects map[string]string, files map[string][]byte) results.Delivery {
	if len(files) == 0 {
		return results.Delivery{Detail: "there is no object of the kinds that the system is sent"}
	}
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
