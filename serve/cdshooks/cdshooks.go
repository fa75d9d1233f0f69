// Package cdshooks speaks CDS Hooks 2.0: when a chart is opened (patient-view), it shows what is known of that patient.
//
// A card is made from a kept result alone, never by inference. There is no card unless the result was verified by a person, is not
// replaced, not retracted and not older than the configuration allows, its bundle is still served, the institution permits results to leave
// (writeback), and the patient is one and the same without doubt: exactly one identifier of a known system, and no birth date or sex that
// contradicts it. Clients prove who they are by a JWT, see Verifier. Nothing that is logged or measured names a patient.
package cdshooks

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/structure"
	"github.com/voxgene/voxgene/serve/viewing"
)

// Config is the cdshooks part of the server's configuration. Without clients there is no such front.
type Config struct {
	URL     string        `mapstructure:"url"`     // that clients call, without /cds-services: https://voxgene.hospital.example
	Clients []Client      `mapstructure:"clients"` // whose tokens are taken
	Issuers []Issuer      `mapstructure:"issuers"` // whose patient identifiers are those of results
	MaxAge  time.Duration `mapstructure:"max_age"` // of a result; older ones are stale
	Origins []string      `mapstructure:"origins"` // of pages that may ask (CORS)
}

// Issuer says which identifiers of FHIR are the patient numbers of which issuer of results.
type Issuer struct {
	System string `mapstructure:"system"` // of Patient.identifier
	Issuer string `mapstructure:"issuer"` // as results have it: IssuerOfPatientID, or empty
}

// Options say what a Front answers from.
type Options struct {
	Config
	Results   *results.Store
	Registry  *registry.Registry
	Writeback results.Writeback
	Audit     *audit.Log        // keeps feedback; nil keeps none
	Views     *viewing.Recorder // notes which cards were given to whom; nil notes nothing
	Log       *slog.Logger
	Metrics   *prometheus.Registry
	Body      int64 // bytes of a request
	Now       func() time.Time
}

// Front answers the hooks.
type Front struct {
	Options
	verifier *Verifier
	answers  *prometheus.CounterVec
}

// Service is the identifier of the one service.
const Service = "voxgene-results"

// New returns the front, or everything that is wrong with its configuration.
func New(o Options) (*Front, error) {
	var faults []error
	if o.URL == "" {
		faults = append(faults, errors.New("cdshooks.url: under which address do clients call? it is the audience of their tokens"))
	}
	if o.Results == nil {
		faults = append(faults, errors.New("cdshooks: cards are made from kept results; set results.path"))
	}
	if len(o.Issuers) == 0 {
		faults = append(faults, errors.New("cdshooks.issuers: which identifiers of a Patient are those of results?"))
	}
	if o.MaxAge <= 0 {
		faults = append(faults, errors.New("cdshooks.max_age: want more than 0"))
	}
	v, err := NewVerifier(o.Clients, o.Now)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	f := &Front{Options: o, verifier: v, answers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "voxgene_cds_answers_total",
		Help: "Answers to patient-view, by what became of them: card, or why there was none."}, []string{"answer"})}
	o.Metrics.MustRegister(f.answers)
	return f, nil
}

// Register adds the routes to a mux.
func (f *Front) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /cds-services", f.cors(f.discovery))
	mux.HandleFunc("POST /cds-services/{service}", f.cors(f.hook))
	mux.HandleFunc("POST /cds-services/{service}/feedback", f.cors(f.feedback))
	for _, path := range []string{"/cds-services", "/cds-services/{service}", "/cds-services/{service}/feedback"} {
		mux.HandleFunc("OPTIONS "+path, f.cors(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	}
}

// cors lets the pages that the configuration names ask.
func (f *Front) cors(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(f.Origins, origin) {
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			h.Set("Vary", "Origin")
		}
		next(w, r)
	}
}

func (f *Front) discovery(w http.ResponseWriter, _ *http.Request) {
	f.send(w, map[string]any{"services": []any{map[string]any{
		"hook": "patient-view", "id": Service, "title": "Predictions from imaging and genomics",
		"description": "Verified predictions of molecular subtype and survival of the patient whose chart is opened",
		"prefetch":    map[string]string{"patient": "Patient/{{context.patientId}}"},
	}}})
}

func (f *Front) send(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil { // texts and numbers alone: it cannot fail
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(append(b, '\n')) // an error means that the client went away
}

// open checks the token and reads the body into v, or answers what is wrong. What does not fit into v is noted in faults.
func (f *Front) open(w http.ResponseWriter, r *http.Request, path string, v any, faults *problem.Faults) (client string, ok bool) {
	refuse := func(status int, detail string) (string, bool) {
		problem.Write(w, r, f.Log, problem.New(status, detail), nil)
		return "", false
	}
	if r.PathValue("service") != Service {
		return refuse(http.StatusNotFound, "there is no such service; GET /cds-services lists them")
	}
	client, err := f.verifier.Verify(r.Context(), r.Header.Get("Authorization"), f.URL+path)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="voxgene"`)
		return refuse(http.StatusUnauthorized, err.Error())
	}
	if r.Header.Get("Content-Type") == "" { // some clients leave it out, and the protocol has no other
		r.Header.Set("Content-Type", "application/json")
	}
	var body []byte
	if p := api.ReadBody(w, r, &body, f.Body); p != nil {
		problem.Write(w, r, f.Log, *p, nil)
		return "", false
	}
	found, more, _, err := structure.Check(body, reflect.TypeOf(v), structure.Rules{})
	if err != nil {
		return refuse(http.StatusBadRequest, "the body is not the JSON of a CDS Hooks request")
	}
	for _, one := range found {
		faults.Add(one.Place.Pointer(), "%s", one.Text)
	}
	faults.More += more
	if err := json.Unmarshal(body, v); err != nil && !faults.Any() { // what does not fit was told
		return refuse(http.StatusBadRequest, "the body is not the JSON of a CDS Hooks request")
	}
	return client, true
}
