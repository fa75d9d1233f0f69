// Package fhir speaks FHIR R4: POST /fhir/$predict takes a patient's observations and answers a collection of a RiskAssessment for
// each survival outcome, an Observation for each class outcome, a DiagnosticReport, the Device that made them and their Provenance.
//
// A prediction from images is not a laboratory measurement, so a subtype is a plain Observation of category imaging, preliminary, and
// never under the codes of a laboratory test. Features are coded in our own system, urn:voxgene:feature. Every resource says what the
// prediction may be used for. The operation stores nothing and sends nothing elsewhere; a System writes kept results to a FHIR server, where that
// is permitted, and withdraws them there.
package fhir

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
)

// The systems of our codes and identifiers.
const (
	FeatureSystem = "urn:voxgene:feature" // codes are full names of inputs
	OutcomeSystem = "urn:voxgene:outcome"
	BundleSystem  = "urn:voxgene:bundle" // identifiers are versions of bundles
	ResultSystem  = "urn:voxgene:result" // identifiers are those of kept results, with an outcome after a point
)

// contentType of FHIR in JSON.
const contentType = "application/fhir+json"

// object is a JSON object: resources are built as they are written.
type object = map[string]any

// Front answers FHIR from the bundles of a registry.
type Front struct {
	Registry *registry.Registry
	Limits   api.Limits
	Log      *slog.Logger
	Audit    *audit.Log // nil keeps none
	Version  string     // of this program
	Default  string     // model where a request names none; empty is the only one
	Now      func() time.Time
}

// Register adds the routes to a mux.
func (f *Front) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /fhir/metadata", f.inJSON(f.capability))
	mux.HandleFunc("GET /fhir/OperationDefinition/predict", f.inJSON(f.definition))
	mux.HandleFunc("POST /fhir/$predict", f.inJSON(f.predict))
	mux.HandleFunc("/fhir/", f.inJSON(f.other))
}

// inJSON answers who wants another format than JSON with 406 (https://hl7.org/fhir/R4/http.html#mime-type): _format comes before Accept.
func (f *Front) inJSON(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		wanted := r.Header.Get("Accept")
		if format := r.URL.Query().Get("_format"); format != "" {
			wanted = strings.ReplaceAll(format, " ", "+") // a plus that was not escaped
		}
		if wanted != "" && !takesJSON(wanted) {
			f.fail(w, r, single(http.StatusNotAcceptable, "not-supported", "this server writes JSON alone: ask for application/fhir+json"))
			return
		}
		next(w, r)
	}
}

// takesJSON reports whether a list of media types has one that JSON is.
func takesJSON(list string) bool {
	for one := range strings.SplitSeq(list, ",") {
		media, parameters, _ := strings.Cut(strings.ToLower(one), ";")
		switch strings.TrimSpace(media) {
		case "application/fhir+json", "application/json", "text/json", "json", "application/*", "*/*", "*":
			if q := strings.ReplaceAll(parameters, " ", ""); q != "q=0" && !strings.HasPrefix(q, "q=0.000") {
				return true
			}
		}
	}
	return false
}

// other answers what there is nothing for, or not by this method.
func (f *Front) other(w http.ResponseWriter, r *http.Request) {
	allow := map[string]string{"/fhir/$predict": "POST", "/fhir/metadata": "GET, HEAD", "/fhir/OperationDefinition/predict": "GET, HEAD"}[r.URL.Path]
	if allow != "" {
		w.Header().Set("Allow", allow)
		f.fail(w, r, single(http.StatusMethodNotAllowed, "not-supported", "this path takes "+allow))
		return
	}
	f.fail(w, r, single(http.StatusNotFound, "not-found", "this server has the operation $predict, metadata and OperationDefinition/predict, and keeps no resources"))
}

// issueCodes are the types of issues for what the body could not be read for.
var issueCodes = map[int]string{http.StatusUnsupportedMediaType: "not-supported", http.StatusRequestEntityTooLarge: "too-long", http.StatusRequestTimeout: "timeout"}

func (f *Front) send(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		f.Log.Error("fhir", "cause", err.Error())
		status, b = http.StatusInternalServerError, []byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"fatal","code":"exception"}]}`)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) // an error means that the client went away
}

// fail answers an OperationOutcome with an identifier that is also in the log.
func (f *Front) fail(w http.ResponseWriter, r *http.Request, err error) {
	var all *faults
	id := problem.NewID()
	if !errors.As(err, &all) {
		f.Log.Error("fhir", "id", id, "cause", err.Error())
		all = single(http.StatusInternalServerError, "exception", "the prediction failed; the log has the cause under this id")
	} else {
		f.Log.Warn("refused", "id", id, "route", r.Pattern, "status", all.status(), "faults", len(all.list)+all.more)
	}
	f.send(w, all.status(), object{"resourceType": "OperationOutcome", "issue": all.issues(id)})
}

// predict answers the operation.
func (f *Front) predict(w http.ResponseWriter, r *http.Request) {
	var body []byte
	if p := api.ReadBody(w, r, &body, f.Limits.Body); p != nil {
		code := issueCodes[p.Status]
		if code == "" {
			code = "invalid"
		}
		f.fail(w, r, single(p.Status, code, p.Error()))
		return
	}
	q := decode(body)
	if q.broken {
		f.fail(w, r, &q.faults)
		return
	}
	e, err := f.model(r, q)
	if err != nil && !q.any() || err != nil && forbidden(err) {
		f.fail(w, r, err)
		return
	}
	var d api.Decoded
	if err == nil {
		d = q.features(e)
	} else {
		q.append(err)
	}
	if q.any() {
		f.fail(w, r, &q.faults)
		return
	}
	d.Request.Explain = &bundle.Explain{Top: 5}
	answers, p, cause := api.Predict(r, e, d, f.Audit)
	switch {
	case p != nil && p.Status >= 500:
		f.fail(w, r, cause)
		return
	case p != nil:
		for _, one := range p.Errors {
			q.add(p.Status, "invalid", "Parameters", "%s: %s", one.Pointer, one.Detail)
		}
		if !q.any() {
			q.add(p.Status, "invalid", "Parameters", "%s", p.Detail)
		}
		f.fail(w, r, &q.faults)
		return
	}
	f.send(w, http.StatusOK, f.collection(e, q, answers[0], body))
}

// model returns the bundle that a request is for.
func (f *Front) model(r *http.Request, q *request) (*registry.Entry, error) {
	name := q.model
	if name == "" {
		name = f.Default
	}
	if name == "" {
		all := f.Registry.Models()
		if len(all) != 1 {
			names := make([]string, len(all))
			for i, m := range all {
				names[i] = m.Name
			}
			return nil, single(http.StatusBadRequest, "required", "name a model with the parameter model; there are "+list(names)).at("Parameters.parameter")
		}
		name = all[0].Name
	}
	if !auth.From(r.Context()).May(name) {
		return nil, single(http.StatusForbidden, "forbidden", "these credentials are not for that model")
	}
	e, err := f.Registry.Find(name, q.version)
	if err != nil {
		return nil, single(http.StatusNotFound, "not-found", err.Error())
	}
	return e, nil
}
