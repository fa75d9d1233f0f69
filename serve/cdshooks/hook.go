package cdshooks

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/viewing"
)

// hookRequest is the part of a call that is looked at.
type hookRequest struct {
	Hook     string `json:"hook"`
	Instance string `json:"hookInstance"`
	Context  struct {
		User    string `json:"userId"`
		Patient string `json:"patientId"`
	} `json:"context"`
	Prefetch struct {
		Patient json.RawMessage `json:"patient"`
	} `json:"prefetch"`
}

// check returns all that is wrong with a call, beside what did not fit into it.
func (q *hookRequest) check(faults problem.Faults) *problem.Problem {
	for _, one := range []struct {
		pointer, detail string
		wrong           bool
	}{
		{"#/hook", "want patient-view, which is the hook of this service", q.Hook != "patient-view"},
		{"#/hookInstance", "want the UUID of this call", q.Instance == ""},
		{"#/context/userId", "want who looks at the chart", q.Context.User == ""},
		{"#/context/patientId", "want whose chart it is", q.Context.Patient == ""},
	} {
		if one.wrong && !faults.Covers(one.pointer) {
			faults.Add(one.pointer, "%s", one.detail)
		}
	}
	return faults.Problem(http.StatusBadRequest)
}

// patient is the part of a FHIR Patient that tells who it is.
type patient struct {
	Type       string `json:"resourceType"`
	ID         string `json:"id"`
	Identifier []struct {
		System string `json:"system"`
		Value  string `json:"value"`
	} `json:"identifier"`
	Birth  string `json:"birthDate"`
	Gender string `json:"gender"`
}

// hook answers patient-view.
func (f *Front) hook(w http.ResponseWriter, r *http.Request) {
	var q hookRequest
	var faults problem.Faults
	client, ok := f.open(w, r, "/cds-services/"+Service, &q, &faults)
	if !ok {
		return
	}
	refuse := func(status int, detail string) { problem.Write(w, r, f.Log, problem.New(status, detail), nil) }
	if p := q.check(faults); p != nil {
		problem.Write(w, r, f.Log, *p, nil)
		return
	}
	var p patient
	if err := json.Unmarshal(q.Prefetch.Patient, &p); err != nil || p.Type != "Patient" || p.ID != q.Context.Patient {
		refuse(http.StatusPreconditionFailed, "prefetch.patient is not the Patient of the context, and nothing is fetched from the FHIR server")
		return
	}
	cards := []card{}
	found, why := f.of(p)
	for i := range found {
		c, no := f.card(&found[i])
		if no == "" {
			v := viewing.View{Kind: viewing.Result, Object: found[i].ID, Patient: found[i].Identity.Patient, Model: found[i].Model, Version: found[i].Version, Who: client, User: q.Context.User}
			if err := f.Views.Record(r, v); err != nil {
				problem.Write(w, r, f.Log, problem.New(http.StatusServiceUnavailable, "the audit could not be written"), err)
				return
			}
			cards = append(cards, c)
		} else if why == "" || why == "no_result" {
			why = no
		}
	}
	if len(cards) > 0 {
		why = "card"
	}
	f.answers.WithLabelValues(why).Inc()
	f.send(w, map[string]any{"cards": cards})
}

// of returns the results of a patient, or why there are none.
func (f *Front) of(p patient) ([]results.Result, string) {
	type name struct{ value, issuer string }
	names := map[name]bool{}
	for _, id := range p.Identifier {
		for _, known := range f.Issuers {
			if id.System == known.System && id.Value != "" {
				names[name{id.Value, known.Issuer}] = true
			}
		}
	}
	if len(names) == 0 {
		return nil, "no_identifier"
	}
	if len(names) > 1 {
		return nil, "ambiguous"
	}
	for n := range names {
		all, err := f.Results.Of(n.value, n.issuer)
		if err != nil {
			f.Log.Error("cds results", "cause", err.Error())
			return nil, "failed"
		}
		for i := range all {
			if !all[i].Erased && contradicts(p, all[i].Identity) {
				return nil, "ambiguous"
			}
		}
		return all, "no_result"
	}
	return nil, "no_result"
}

// contradicts reports whether a chart and a result cannot be of one person.
func contradicts(p patient, id results.Identity) bool {
	if birth := strings.ReplaceAll(p.Birth, "-", ""); birth != "" && id.Birth != "" && birth != id.Birth {
		return true
	}
	sex := map[string]string{"male": "M", "female": "F", "other": "O"}[p.Gender]
	return sex != "" && id.Sex != "" && sex != id.Sex
}

// feedback answers what became of cards. Outcomes are counted; what a person wrote goes to the audit, under the patient's key. Where one piece is at fault
// none is taken.
func (f *Front) feedback(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Feedback []json.RawMessage `json:"feedback"`
	}
	var faults problem.Faults
	client, ok := f.open(w, r, "/cds-services/"+Service+"/feedback", &q, &faults)
	if !ok {
		return
	}
	kept := make([]feedback, len(q.Feedback))
	for i, raw := range q.Feedback {
		kept[i] = f.piece(raw, "#/feedback/"+strconv.Itoa(i), &faults)
	}
	if p := faults.Problem(http.StatusBadRequest); p != nil {
		problem.Write(w, r, f.Log, *p, nil)
		return
	}
	for _, one := range kept {
		if p := f.keep(r, client, one); p != nil {
			problem.Write(w, r, f.Log, *p, nil)
			return
		}
	}
	f.send(w, map[string]any{})
}
