package dicomweb

import (
	"context"
	"fmt"
	"net/http"

	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// rejectionNote is what deliveries call the note that rejects objects.
const rejectionNote = "ko"

// Withdraw stores the report that replaces those before and says that nothing of the result is to be used, and the note that rejects every object
// which was written there, as far as the configuration wants them. Where the system is an Orthanc of which the configuration says so, what
// was rejected is deleted after that.
func (s *System) Withdraw(ctx context.Context, r results.Result, written results.Delivery) results.Delivery {
	objects, files := map[string]string{}, map[string][]byte{}
	rejected := object.Stored(&r, written.Objects)
	if s.config.Retraction != retractNote || len(rejected) == 0 {
		before, err := object.Predecessors(s.results, &r)
		if err != nil {
			return results.Delivery{Detail: "the reports that were written before could not be read", Retry: true}
		}
		report, err := object.Report(&r, object.Document{Program: s.program, Predecessors: before})
		if err != nil {
			return results.Delivery{Detail: err.Error()}
		}
		objects[object.Listed(&r)], files[object.ReportUID(&r)] = object.ReportUID(&r), report
	}
	if s.config.Retraction != retractReport && len(rejected) > 0 {
		note, err := object.Rejection(&r, s.program, rejected)
		if err != nil {
			return results.Delivery{Detail: err.Error()}
		}
		uid := object.RejectionUID(&r, rejected)
		objects[rejectionNote], files[uid] = uid, note
	}
	d := s.send(ctx, &r, objects, files)
	if !d.Accepted || s.orthanc == nil {
		return d
	}
	n, err := s.delete(ctx, rejected)
	if err != nil {
		d.Accepted, d.Retry = false, client.Later(err)
		d.Detail += ", not deleted: " + err.Error()
		return d
	}
	d.Detail += fmt.Sprintf(", %d objects deleted", n)
	return d
}

// delete deletes objects from Orthanc and returns how many were there. What carries one of our identifiers and another manufacturer's name is left.
func (s *System) delete(ctx context.Context, rejected []results.Instance) (int, error) {
	n := 0
	for _, in := range rejected {
		var found []struct{ Type, ID string }
		if err := s.orthanc.Post(ctx, "/tools/lookup", "text/plain", []byte(in.Instance), &found); err != nil {
			return n, err
		}
		for _, f := range found {
			if f.Type != "Instance" {
				continue
			}
			var tags struct{ Manufacturer string }
			if err := s.orthanc.JSON(ctx, "/instances/"+f.ID+"/simplified-tags", &tags); err != nil {
				return n, err
			}
			if !object.Own(tags.Manufacturer) {
				return n, &client.Error{Status: http.StatusConflict, Detail: "an object under an identifier of ours is of another manufacturer"}
			}
			if err := s.orthanc.Delete(ctx, "/instances/"+f.ID); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
