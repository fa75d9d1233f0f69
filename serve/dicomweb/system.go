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
	orthanc *client.Client // nil where nothing is deleted
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
	s := &System{config: c, client: to, results: store, program: program}
	if c.Delete != "" {
		own := c.Config
		own.URL = c.Delete
		if s.orthanc, err = client.New(own); err != nil {
			return nil, fmt.Errorf("dicomweb.systems %s.delete: %w", c.Name, err)
		}
	}
	return s, nil
}

// Name is what the configuration calls the system.
func (s *System) Name() string { return s.config.Name }

// Takes reports whether a result was made from a DICOM study, and verified where the system wants that.
func (s *System) Takes(r *results.Result) bool {
	return p10.ValidUID(r.Identity.Study) && len(r.Evidence) > 0 && (!s.config.Verified || r.State == results.Final)
}

// Follows is true: a result that becomes final has a report of its own, which replaces the preliminary one.
func (s *System) Follows() bool { return true }

// wants reports whether a kind of object is sent to the system.
func (s *System) wants(kind string) bool {
	return len(s.config.Objects) == 0 || slices.Contains(s.config.Objects, kind)
}

// Write stores the report of a result in its present state, and the objects that were made with it. Their identifiers follow from the result's and
// the state, so that a second time changes nothing.
func (s *System) Write(ctx context.Context, r results.Result) results.Delivery {
	if r.State == results.Amended { // the report of the later version names the one that it replaces
		return results.Delivery{Accepted: true, Detail: "the report of the later version replaces it"}
	}
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
		before, err := object.Predecessors(s.results, &r)
		if err != nil {
			return results.Delivery{Detail: "the reports that were written before could not be read", Retry: true}
		}
		report, err := object.Report(&r, object.Document{Program: s.program, Organization: s.config.Organization, Masks: masks, Predecessors: before})
		if err != nil {
			return results.Delivery{Detail: err.Error()}
		}
		objects[object.Listed(&r)], files[object.ReportUID(&r)] = object.ReportUID(&r), report
	}
	if len(files) == 0 && r.State != results.Preliminary { // a system that is sent no report has the others from before
		return results.Delivery{Accepted: true, Detail: "nothing of it changes for the system"}
	}
	return s.send(ctx, &r, objects, files)
}

// send stores objects, which are named as the delivery lists them.
func (s *System) send(ctx context.Context, r *results.Result, objects map[string]string, files map[string][]byte) results.Delivery {
	if len(files) == 0 {
		return results.Delivery{Detail: "there is no object of the kinds that the system is sent"}
	}
	stored, err := s.client.Store(ctx, r.Identity.Study, files)
	if err != nil {
		d := results.Delivery{Detail: err.Error(), Retry: client.Later(err)}
		if client.Reached(err) {
			d.Objects = objects // they may be there
		}
		return d
	}
	return judged(objects, stored)
}

// judged is the delivery that an answer is: accepted only when every object was.
func judged(objects map[string]string, stored client.Stored) results.Delivery {
	d := results.Delivery{Accepted: len(stored.Failed) == 0, Objects: maps.Clone(objects)}
	var said []string
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		uid := objects[name]
		if f, bad := stored.Failed[uid]; bad {
			delete(d.Objects, name)
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
