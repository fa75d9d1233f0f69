package object

import (
	"slices"
	"strings"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/results"
)

// reportSeries is the series of all reports of a result.
func reportSeries(result string) string { return p10.UID("voxgene result", result, "series") }

// Listed is the name under which a delivery lists the report of a result in its present state.
func Listed(r *results.Result) string {
	switch r.State {
	case results.Preliminary:
		return KindReport
	case results.EnteredInError:
		return KindReport + " retraction"
	}
	return KindReport + " " + string(r.State)
}

// Predecessors returns the reports that the one of a result in its present state replaces, of those that were written anywhere: of a retracted
// result all of its own; else the last of its own, or, where it has none yet, the last of the version before.
func Predecessors(s *results.Store, r *results.Result) ([]results.Instance, error) {
	own, err := reports(s, r.ID)
	if err != nil {
		return nil, err
	}
	own = slices.DeleteFunc(own, func(in results.Instance) bool { return in.Instance == ReportUID(r) })
	switch {
	case r.State == results.EnteredInError:
		return own, nil
	case len(own) > 0:
		return own[len(own)-1:], nil
	}
	for previous := r.Previous; previous != ""; {
		before, err := s.Get(previous)
		if err != nil {
			return nil, err
		}
		if theirs, err := reports(s, previous); err != nil || len(theirs) > 0 {
			return theirs[max(len(theirs)-1, 0):], err
		}
		previous = before.Previous
	}
	return nil, nil
}

// reports are those of a result that were written somewhere, in the order in which they were.
func reports(s *results.Store, id string) ([]results.Instance, error) {
	all, err := s.Deliveries(id)
	if err != nil {
		return nil, err
	}
	var out []results.Instance
	for _, d := range all {
		if d.Action != results.Write {
			continue
		}
		var names []string
		for name := range d.Objects {
			if kind, _, _ := strings.Cut(name, " "); kind == KindReport {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			in := results.Instance{Class: ReportStorage, Instance: d.Objects[name], Series: reportSeries(id)}
			if p10.ValidUID(in.Instance) && !slices.Contains(out, in) {
				out = append(out, in)
			}
		}
	}
	return out, nil
}
