package studies

import (
	"encoding/json"

	"github.com/voxgene/voxgene/serve/results"
)

// uploaded is the source of cases that a client sent as files.
const uploaded = "upload"

// note puts what became of a study on the worklist: done with its result, in need of a mask, or refused and why. What is of no known
// patient is not kept, and not noted either.
func (f *Front) note(s *study, a answer, err error) {
	if f.Results == nil || s.identity.Patient == "" {
		return
	}
	c := results.Case{Source: uploaded, Model: s.entry.Bundle.Name, Status: results.Done, Result: a.Result, Content: results.CaseContent{Identity: s.identity}}
	if err != nil {
		p, _ := asProblem(err)
		c.Status, c.Reason = results.Refused, p.Detail
		if len(p.Errors) > 0 {
			c.Reason = p.Errors[0].Detail
		}
		if s.maskless {
			c.Status = results.NeedsMask
		}
	}
	if _, err := f.Results.PutCase(c); err != nil {
		f.Log.Error("a case could not be noted", "model", c.Model, "cause", err.Error())
	}
}

// render notes what became of a study that a client sent, and renders the answer.
func (f *Front) render(s *study, a answer, err error) ([]byte, error) {
	f.note(s, a, err)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(a)
	return append(out, '\n'), err
}
