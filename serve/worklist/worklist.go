// Package worklist shows what came to be predicted and what became of it, under /v1/cases and /v1/results, and lets a person verify a
// result or take it back.
//
// HTTP never names a patient: whose a case is stands in it as a keyed hash, by which cases of one patient are seen to be of one. Who knows
// an identifier can ask for its cases; nobody can ask for the identifier. Clients see the models that they may ask, and no other.
package worklist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/scans"
	"github.com/voxgene/voxgene/serve/viewing"
)

// Options say what a front shows and where it reports.
type Options struct {
	Store *results.Store // nil keeps none: every route then says so
	Scans *scans.Store   // nil keeps none
	// Verifiers are the clients that may verify and retract, by name; none named is everyone who may ask the model.
	Verifiers []string
	Views     *viewing.Recorder // notes who looks at what; nil notes nothing
	Outbox    *results.Outbox   // tells other systems of what is verified and taken back; nil tells none
	Log       *slog.Logger
}

// Front answers the routes.
type Front struct{ Options }

// New returns a front.
func New(o Options) *Front { return &Front{o} }

// Register adds the routes to a mux.
func (f *Front) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/cases", f.cases)
	mux.HandleFunc("GET /v1/results", f.list)
	mux.HandleFunc("POST /v1/results/find", f.find)
	mux.HandleFunc("GET /v1/results/{result}", f.get)
	mux.HandleFunc("POST /v1/results/{result}/finalise", func(w http.ResponseWriter, r *http.Request) { f.move(w, r, false) })
	mux.HandleFunc("POST /v1/results/{result}/retract", func(w http.ResponseWriter, r *http.Request) { f.move(w, r, true) })
}

// most is how many cases or results one answer lists, and usual how many where a client does not say.
const (
	most  = 2000
	usual = 500
)

// entry is a case of the worklist.
type entry struct {
	ID      string         `json:"id"`
	Time    time.Time      `json:"time"`
	Changed time.Time      `json:"changed"`
	Source  string         `json:"source"`
	Model   string         `json:"model"`
	Subject string         `json:"subject"`
	Status  results.Status `json:"status"`
	Reason  string         `json:"reason,omitempty"`
	Result  string         `json:"result,omitempty"`
}

// summary is a result in a list.
type summary struct {
	ID       string        `json:"id"`
	Time     time.Time     `json:"time"`
	Changed  time.Time     `json:"changed"`
	Model    string        `json:"model"`
	Version  string        `json:"version"`
	Use      string        `json:"intended_use"`
	Subject  string        `json:"subject"`
	State    results.State `json:"state"`
	By       string        `json:"by,omitempty"`
	Previous string        `json:"previous,omitempty"`
	Next     string        `json:"next,omitempty"`
	Current  bool          `json:"current"`
	Erased   bool          `json:"erased,omitempty"`
	Headline []headline    `json:"headline"` // what was predicted, in short
	Warnings int           `json:"warnings"`
	Abstains bool          `json:"abstained,omitempty"` // of all that is predicted
	Lesions  int           `json:"lesions,omitempty"`   // how many have a prediction each
}

// headline is what was predicted of one outcome.
type headline struct {
	Lesion      string   `json:"lesion,omitempty"` // where each has a prediction
	Outcome     string   `json:"outcome"`
	Label       *string  `json:"label,omitempty"`
	Probability *float64 `json:"probability,omitempty"` // of the label
	RiskGroup   *string  `json:"risk_group,omitempty"`
	Risk        *float64 `json:"risk,omitempty"`
}

// detail is all that is shown of a result.
type detail struct {
	summary
	Words      string                   `json:"words"`
	Reason     string                   `json:"reason,omitempty"`
	Prediction json.RawMessage          `json:"prediction,omitempty"`
	Curves     map[string]results.Curve `json:"curves,omitempty"`
	Features   []results.Feature        `json:"features,omitempty"`
	Lesions    []detailLesion           `json:"lesions,omitempty"` // in place of prediction and curves, where each has one
	Deliveries []delivery               `json:"deliveries,omitempty"`
	Scan       *held                    `json:"scan,omitempty"`
	May        bool                     `json:"may_verify"` // whether this client may verify and retract
}

// detailLesion is what is shown of one lesion.
type detailLesion struct {
	results.Seen
	Prediction json.RawMessage   `json:"prediction"`
	Features   []results.Feature `json:"features,omitempty"` // of its own
}

// delivery is what another system answered about a result.
type delivery struct {
	Time     time.Time `json:"time"`
	System   string    `json:"system"`
	Action   string    `json:"action"`
	Accepted bool      `json:"accepted"`
	Detail   string    `json:"detail,omitempty"`
}

// held says where the images can be looked at, and how long.
type held struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until"`
}

// ready says that results are kept here, or answers that they are not.
func (f *Front) ready(w http.ResponseWriter, r *http.Request) bool {
	if f.Store == nil {
		f.fail(w, r, problem.New(http.StatusNotFound, "this server keeps no results: results.path in its configuration names where"), nil)
	}
	return f.Store != nil
}

func (f *Front) fail(w http.ResponseWriter, r *http.Request, p problem.Problem, cause error) {
	problem.Write(w, r, f.Log, p, cause)
}

// broken answers a fault of ours.
func (f *Front) broken(w http.ResponseWriter, r *http.Request, err error) {
	f.fail(w, r, problem.New(http.StatusInternalServerError, "the results could not be read; the log has the cause under this id"), err)
}

// limit is how many entries a request wants.
func limit(r *http.Request) (int, *problem.Problem) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		p := problem.New(http.StatusUnprocessableEntity, fmt.Sprintf("limit is a number from 1 to %d", most))
		return 0, &p
	}
	return n, nil
}

func (f *Front) cases(w http.ResponseWriter, r *http.Request) {
	f.listed(w, r, "cases", func(models []string, n int) (any, int, error) {
		list, err := f.Store.Worklist(results.CaseFilter{Models: models, Limit: n})
		return entries(list), len(list), err
	})
}

func (f *Front) list(w http.ResponseWriter, r *http.Request) {
	f.listed(w, r, "results", func(models []string, n int) (any, int, error) {
		list, err := f.Store.List(results.Filter{Models: models, Limit: n})
		return summaries(list), len(list), err
	})
}

// listed answers with so many entries, of the models that the client may ask.
func (f *Front) listed(w http.ResponseWriter, r *http.Request, name string, of func(models []string, n int) (any, int, error)) {
	if !f.ready(w, r) {
		return
	}
	n, p := limit(r)
	if p != nil {
		f.fail(w, r, *p, nil)
		return
	}
	list, n, err := of(auth.From(r.Context()).Models, n)
	if err != nil {
		f.broken(w, r, err)
		return
	}
	if f.noted(w, r, viewing.View{Kind: viewing.List, Object: name, Found: &n}) {
		f.send(w, r, map[string]any{name: list})
	}
}

func entries(list []results.Case) []entry {
	out := make([]entry, len(list))
	for i, c := range list {
		out[i] = entry{c.ID, c.Time, c.Changed, c.Source, c.Model, c.Subject, c.Status, hide(c.Reason, c.Content.Identity), c.Result}
	}
	return out
}

// find answers with the cases and results of a patient whose identifier the client knows. It is a POST, so that the identifier stands in
// no address and no log.
func (f *Front) find(w http.ResponseWriter, r *http.Request) {
	if !f.ready(w, r) {
		return
	}
	var body struct{ Patient, Issuer string }
	if p := read(w, r, &body); p != nil {
		f.fail(w, r, *p, nil)
		return
	}
	if body.Patient == "" {
		f.fail(w, r, problem.New(http.StatusUnprocessableEntity, "patient is the identifier that the files or the request had", problem.Fault{Pointer: "#/patient", Detail: "is empty"}), nil)
		return
	}
	who := auth.From(r.Context())
	list, err := f.Store.Worklist(results.CaseFilter{Models: who.Models, Patient: body.Patient, Issuer: body.Issuer, Limit: usual})
	if err != nil {
		f.broken(w, r, err)
		return
	}
	found, err := f.Store.List(results.Filter{Models: who.Models, Patient: body.Patient, Issuer: body.Issuer, Limit: usual})
	if err != nil {
		f.broken(w, r, err)
		return
	}
	n := len(found)
	if f.noted(w, r, viewing.View{Kind: viewing.Search, Patient: body.Patient, Found: &n}) {
		f.send(w, r, map[string]any{"cases": entries(list), "results": summaries(found)})
	}
}

// one is the result of a request's path, if the client may see it.
func (f *Front) one(w http.ResponseWriter, r *http.Request) (results.Result, bool) {
	res, err := f.Store.Get(r.PathValue("result"))
	if err != nil && !errors.Is(err, results.ErrNotFound) {
		f.broken(w, r, err)
		return res, false
	}
	if err != nil || !auth.From(r.Context()).May(res.Model) {
		f.fail(w, r, problem.New(http.StatusNotFound, "there is no such result, or it is of a model that these credentials are not for"), nil)
		return res, false
	}
	return res, true
}

func (f *Front) get(w http.ResponseWriter, r *http.Request) {
	if !f.ready(w, r) {
		return
	}
	if res, ok := f.one(w, r); ok && f.noted(w, r, viewing.View{Kind: viewing.Result, Object: res.ID, Patient: res.Identity.Patient, Model: res.Model, Version: res.Version}) {
		f.answer(w, r, res)
	}
}

// noted writes a view to the audit, or answers that it could not be written: what is not noted is not shown.
func (f *Front) noted(w http.ResponseWriter, r *http.Request, v viewing.View) bool {
	err := f.Views.Record(r, v)
	if err != nil {
		f.fail(w, r, problem.New(http.StatusServiceUnavailable, "the audit could not be written, and what is not noted there is not shown"), err)
	}
	return err == nil
}

// answer renders a result.
func (f *Front) answer(w http.ResponseWriter, r *http.Request, res results.Result) {
	who := auth.From(r.Context())
	d := detail{summary: summarise(&res), Words: bundle.Words(res.Use), Reason: hide(res.Reason, res.Identity), Curves: res.Curves, Features: res.Features, May: f.verifies(who)}
	var err error
	if d.Prediction, err = nameless(res.Prediction, res.Subject); err != nil {
		f.broken(w, r, err)
		return
	}
	for i := range res.Lesions {
		l := &res.Lesions[i]
		p, err := nameless(l.Prediction, res.Subject)
		if err != nil {
			f.broken(w, r, err)
			return
		}
		d.Lesions = append(d.Lesions, detailLesion{l.See(func(text string) string { return hide(text, res.Identity) }), p, l.Features})
	}
	all, err := f.Store.Deliveries(res.ID)
	if err != nil {
		f.broken(w, r, err)
		return
	}
	for _, a := range all {
		d.Deliveries = append(d.Deliveries, delivery{a.Time, a.System, a.Action, a.Accepted, hide(a.Detail, res.Identity)})
	}
	if s := f.Scans.Of(res.ID, who); s != nil {
		d.Scan = &held{s.ID, s.Until}
	}
	f.send(w, r, d)
}

// verifies reports whether a client may verify and retract.
func (f *Front) verifies(who auth.Principal) bool {
	return len(f.Verifiers) == 0 || slices.Contains(f.Verifiers, who.Name)
}

// move makes a result final, or takes it back.
func (f *Front) move(w http.ResponseWriter, r *http.Request, back bool) {
	if !f.ready(w, r) {
		return
	}
	res, ok := f.one(w, r)
	if !ok {
		return
	}
	who := auth.From(r.Context())
	if !f.verifies(who) {
		f.fail(w, r, problem.New(http.StatusForbidden, "these credentials may read results, and not verify or retract them: results.verifiers names who may"), nil)
		return
	}
	var body struct {
		By, Reason string
		Rejection  results.Rejection
	}
	if p := read(w, r, &body); p != nil {
		f.fail(w, r, *p, nil)
		return
	}
	var faults []problem.Fault
	if body.By = strings.TrimSpace(body.By); body.By == "" {
		faults = append(faults, problem.Fault{Pointer: "#/by", Detail: "say who does it"})
	}
	if body.Reason = strings.TrimSpace(body.Reason); back && body.Reason == "" {
		faults = append(faults, problem.Fault{Pointer: "#/reason", Detail: "say why it is taken back"})
	}
	if !slices.Contains([]results.Rejection{"", results.PatientSafety, results.Quality}, body.Rejection) {
		faults = append(faults, problem.Fault{Pointer: "#/rejection", Detail: "is patient_safety or quality"})
	}
	if len(faults) > 0 {
		f.fail(w, r, problem.New(http.StatusUnprocessableEntity, "a fault in the body", faults...), nil)
		return
	}
	kind := viewing.Verify
	if back {
		kind = viewing.Retract
	}
	if !f.noted(w, r, viewing.View{Kind: kind, Object: res.ID, Patient: res.Identity.Patient, Model: res.Model, Version: res.Version, User: body.By}) {
		return
	}
	by := body.By
	if who.Name != "" { // what was typed is a claim; whose credentials these are is known
		by += " (" + who.Name + ")"
	}
	var err error
	if back {
		if res, err = f.Store.Retract(res.ID, by, body.Reason, body.Rejection); err == nil && f.Outbox != nil {
			_, err = f.Outbox.Withdraw(res.ID)
		}
	} else if res, err = f.Store.Finalise(res.ID, by); err == nil && f.Outbox != nil {
		err = f.Outbox.Verified(res.ID)
	}
	switch {
	case errors.Is(err, results.ErrState):
		f.fail(w, r, problem.New(http.StatusConflict, "the result is "+string(res.State)+"; only a preliminary result that no later one replaced can be made final"), nil)
	case err != nil:
		f.broken(w, r, err)
	default:
		f.answer(w, r, res)
	}
}

// maxBody bounds the bodies of these routes, which hold some names and a reason.
const maxBody = 16 << 10

// read reads a small JSON body.
func read(w http.ResponseWriter, r *http.Request, to any) *problem.Problem {
	var body []byte
	if p := api.ReadBody(w, r, &body, maxBody); p != nil {
		return p
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(to)
	if err == nil && d.More() {
		err = errors.New("something follows the value")
	}
	if err == nil {
		return nil
	}
	p := problem.New(http.StatusBadRequest, "the body is not the object of texts that the document describes; /openapi.json has it")
	return &p
}

// send answers with JSON that nobody between may keep.
func (f *Front) send(w http.ResponseWriter, r *http.Request, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		f.broken(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)+1))
	h.Set("Cache-Control", "no-store")
	w.Write(append(b, '\n')) // an error means that the client went away
}
