package fhir

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/results"
)

// Config is the fhir part of the server's configuration.
type Config struct {
	Systems []SystemConfig `mapstructure:"systems"`
}

// SystemConfig is a FHIR server to which results are written.
type SystemConfig struct {
	Name          string                   `mapstructure:"name"`
	client.Config `mapstructure:",squash"` // of the server: url is its base
	Smart         Smart                    `mapstructure:"smart"`
	Issuers       []Issuer                 `mapstructure:"issuers"`
	Verified      bool                     `mapstructure:"verified"` // only results that a person has verified
}

// Issuer says under which system a server knows the patient identifiers of an issuer.
type Issuer struct {
	System string `mapstructure:"system"` // of FHIR identifiers
	Issuer string `mapstructure:"issuer"` // that results are kept under; empty is none
}

// Check returns everything that is wrong with the configuration.
func (c Config) Check() error {
	var faults []error
	names := map[string]bool{results.File: true}
	for i, s := range c.Systems {
		at := fmt.Sprintf("fhir.systems[%d]", i)
		fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(at+format, args...)) }
		if s.Name == "" || names[s.Name] {
			fault(".name: each has a name of its own, and not file")
		}
		names[s.Name] = true
		faults = append(faults, s.Config.Check(at))
		if len(s.Issuers) == 0 {
			fault(".issuers: under which system does the server know patients? {system: \"urn:oid:…\", issuer: HOSPITAL}")
		}
		for k, n := range s.Issuers {
			if n.System == "" || slices.ContainsFunc(s.Issuers[:k], func(o Issuer) bool { return o.Issuer == n.Issuer }) {
				fault(".issuers[%d]: each issuer has one system", k)
			}
		}
		switch m := s.Smart; {
		case m == (Smart{}):
			if s.User+s.TokenEnv+s.TokenFile != "" && secure(s.URL) != nil {
				fault(".url: credentials go over https only")
			}
		case m.ClientID == "" || m.Key == "":
			fault(".smart: client_id and key_file go together")
		case s.User+s.TokenEnv+s.TokenFile != "":
			fault(": want smart, a password or a token")
		case m.TokenURL != "" && secure(m.TokenURL) != nil:
			fault(".smart.token_url: want an https address")
		case secure(s.URL) != nil:
			fault(".url: tokens go over https only")
		}
	}
	return errors.Join(faults...)
}

// System is a FHIR server to which results are written as a transaction of conditional creates, so that a second time changes nothing, and
// in which they become entered-in-error when they are retracted. A result is written only where the server knows exactly one patient by its
// identifier; none is ever made.
type System struct {
	config  SystemConfig
	base    string
	http    *http.Client
	tokens  *tokens // nil without SMART
	program string
	now     func() time.Time
}

var _ results.System = (*System)(nil)

// NewSystem returns the system of a configuration. program is the version of this program.
func NewSystem(c SystemConfig, program string) (*System, error) {
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	h, err := c.HTTP()
	if err != nil {
		return nil, fmt.Errorf("fhir.systems %s: %w", c.Name, err)
	}
	s := &System{config: c, base: strings.TrimRight(c.URL, "/"), http: h, program: program, now: time.Now}
	if c.Smart != (Smart{}) {
		sign, err := readSigner(c.Smart.Key)
		if err != nil {
			return nil, fmt.Errorf("fhir.systems %s: smart.key_file: %w", c.Name, err)
		}
		s.tokens = &tokens{Smart: c.Smart, base: s.base, sign: sign, http: h, now: time.Now}
	}
	return s, nil
}

// Keys are the public keys by which servers check who we are, as they are registered there.
func Keys(systems []*System) jose.JSONWebKeySet {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, s := range systems {
		if s.tokens != nil && len(set.Key(s.tokens.sign.kid)) == 0 {
			set.Keys = append(set.Keys, s.tokens.sign.public())
		}
	}
	return set
}

// Name is what the configuration calls the system.
func (s *System) Name() string { return s.config.Name }

// Takes reports whether the server can know the result's patient, and the result is verified where the system wants that.
func (s *System) Takes(r *results.Result) bool {
	return s.identifierSystem(r) != "" && r.Identity.Patient != "" && (!s.config.Verified || r.State == results.Final)
}

// Follows is true: the resources carry the state of the result.
func (s *System) Follows() bool { return true }

func (s *System) identifierSystem(r *results.Result) string {
	for _, i := range s.config.Issuers {
		if i.Issuer == r.Identity.Issuer {
			return i.System
		}
	}
	return ""
}

// Write creates the resources of a result, or brings those that are there to its state.
func (s *System) Write(ctx context.Context, r results.Result) results.Delivery {
	there, err := s.status(ctx, &r)
	switch {
	case err != nil:
		return undelivered(err)
	case there == string(r.State):
		return results.Delivery{Accepted: true, Detail: "was there already", Objects: map[string]string{"identifier": ResultSystem + "|" + r.ID}}
	case there == string(results.EnteredInError):
		return results.Delivery{Detail: "has the result as entered in error"}
	}
	patient, err := s.patient(ctx, &r)
	if err != nil {
		return undelivered(err)
	}
	activity := "prediction"
	switch {
	case there != "" && r.State == results.Final:
		activity = "verification"
	case r.State == results.Amended:
		activity = "replacement by a later version"
	}
	return s.send(ctx, &r, patient, there != "", activity)
}

// Withdraw brings the resources of a result to entered-in-error, with the reason. They stay with the patient that they were written to, whatever
// the server knows of the identifier now.
func (s *System) Withdraw(ctx context.Context, r results.Result, written results.Delivery) results.Delivery {
	patient := written.Objects["patient"]
	if id, ok := strings.CutPrefix(patient, "Patient/"); !ok || !validID(id) {
		var err error
		if patient, err = s.patient(ctx, &r); err != nil {
			return undelivered(err)
		}
	}
	return s.send(ctx, &r, patient, true, "retraction")
}

// refusal is a delivery that failed: why, and whether it may succeed later.
type refusal struct {
	text  string
	later bool
}

func (r *refusal) Error() string { return r.text }

func undelivered(err error) results.Delivery {
	var r *refusal
	errors.As(err, &r)
	return results.Delivery{Detail: err.Error(), Retry: r == nil || r.later}
}

// status is that of the report which the server has of a result; empty where it has none.
func (s *System) status(ctx context.Context, r *results.Result) (string, error) {
	found, err := s.search(ctx, "DiagnosticReport", ResultSystem, resultIdentifier(r.ID, ""))
	if err != nil || len(found) == 0 {
		return "", err
	}
	if len(found) > 1 {
		return "", &refusal{fmt.Sprintf("has %d reports of the result", len(found)), false}
	}
	return found[0].Status, nil
}

// patient returns the reference to the one patient whom the server knows by the result's identifier, and who is not someone else by birth date or
// sex.
func (s *System) patient(ctx context.Context, r *results.Result) (string, error) {
	found, err := s.search(ctx, "Patient", s.identifierSystem(r), r.Identity.Patient)
	if err != nil {
		return "", err
	}
	switch {
	case len(found) == 0:
		return "", &refusal{"knows no patient by the identifier", true}
	case len(found) > 1:
		return "", &refusal{fmt.Sprintf("knows %d patients by the identifier", len(found)), false}
	case !validID(found[0].ID):
		return "", &refusal{"names the patient by what is not an id", false}
	}
	p := found[0]
	birth := strings.ReplaceAll(p.Birth, "-", "")
	sex := map[string]string{"male": "M", "female": "F", "other": "O"}[p.Gender]
	id := r.Identity
	if len(birth) == 8 && id.Birth != "" && birth != id.Birth || sex != "" && id.Sex != "" && sex != id.Sex {
		return "", &refusal{"knows another patient by the identifier: birth date or sex differ", false}
	}
	return "Patient/" + p.ID, nil
}

// found is the part of a resource that a search looks at.
type found struct {
	Type       string          `json:"resourceType"`
	ID         string          `json:"id"`
	Status     string          `json:"status"`
	Birth      string          `json:"birthDate"`
	Gender     string          `json:"gender"`
	Identifier json.RawMessage `json:"identifier"`
}

// has reports whether a resource has an identifier, which may be one or a list.
func (f *found) has(system, value string) bool {
	type identifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	var list []identifier
	if json.Unmarshal(f.Identifier, &list) != nil {
		list = make([]identifier, 1)
		if json.Unmarshal(f.Identifier, &list[0]) != nil {
			return false
		}
	}
	return slices.Contains(list, identifier{system, value})
}

// search returns the resources of a type with an identifier. What a server answers without that identifier, because it did not understand the
// question, is an error: it could be another patient's.
func (s *System) search(ctx context.Context, kind, system, value string) ([]found, error) {
	query := url.Values{"identifier": {token(system) + "|" + token(value)}, "_count": {"10"}}
	var b struct {
		Type  string `json:"resourceType"`
		Entry []struct {
			Resource found `json:"resource"`
			Search   struct {
				Mode string `json:"mode"`
			} `json:"search"`
		} `json:"entry"`
	}
	status, err := s.do(ctx, http.MethodGet, "/"+kind+"?"+query.Encode(), nil, &b)
	if err != nil {
		return nil, err
	}
	if b.Type != "Bundle" {
		return nil, &refusal{fmt.Sprintf("answered a search with %d and no Bundle", status), true}
	}
	var out []found
	for _, e := range b.Entry {
		if e.Search.Mode == "outcome" || e.Search.Mode == "include" {
			continue
		}
		if e.Resource.Type != kind || !e.Resource.has(system, value) {
			return nil, &refusal{"answers a search with what was not looked for", false}
		}
		out = append(out, e.Resource)
	}
	return out, nil
}

// token escapes what a search takes for its own signs (R4 3.1.1.5.4).
func token(text string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`).Replace(text)
}

// validID reports whether a text is an id of FHIR.
func validID(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// maxAnswer bounds the answers of a server.
const maxAnswer = 16 << 20

// do sends a request and reads the JSON that is answered. A token that is refused is renewed once.
func (s *System) do(ctx context.Context, method, path string, body []byte, v any) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	status, text, err := s.once(ctx, method, path, body)
	if err == nil && status == http.StatusUnauthorized && s.tokens != nil {
		s.tokens.forget()
		status, text, err = s.once(ctx, method, path, body)
	}
	switch {
	case err != nil:
		return status, &refusal{err.Error(), true}
	case status != http.StatusOK && status != http.StatusCreated:
		return status, &refusal{fmt.Sprintf("answered %d %s%s", status, http.StatusText(status), codes(text)), client.Later(&client.Error{Status: status})}
	}
	if err := json.Unmarshal(text, v); err != nil {
		return status, &refusal{fmt.Sprintf("answered %d with what is not FHIR in JSON", status), true}
	}
	return status, nil
}

func (s *System) once(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("the address makes no request")
	}
	r.Header.Set("Accept", contentType)
	r.Header.Set("User-Agent", "voxgene")
	if body != nil {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Prefer", "return=minimal")
	}
	if s.tokens != nil {
		err = s.tokens.authorise(r)
	} else {
		err = s.config.Authorise(r)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("credentials: %w", err)
	}
	answer, err := s.http.Do(r)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return 0, nil, errors.New("did not answer in time")
		}
		return 0, nil, errors.New("no answer") // the error quotes the address, whose query names the patient
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil || len(text) > maxAnswer {
		return answer.StatusCode, nil, errors.New("the answer broke off, or is too long")
	}
	return answer.StatusCode, text, nil
}

// issueTypes are codes of OperationOutcome that may be repeated; its other words could name a patient.
var issueTypes = []string{"invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden", "suppressed", "processing",
	"not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict",
	"transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled"}

// codes are those of the issues that a server answered with.
func codes(text []byte) string {
	var o struct {
		Type  string `json:"resourceType"`
		Issue []struct {
			Code string `json:"code"`
		} `json:"issue"`
	}
	if json.Unmarshal(text, &o) != nil || o.Type != "OperationOutcome" {
		return ""
	}
	var list []string
	for _, i := range o.Issue {
		if slices.Contains(issueTypes, i.Code) && !slices.Contains(list, i.Code) {
			list = append(list, i.Code)
		}
	}
	if list == nil {
		return ""
	}
	return ": " + strings.Join(list, ", ")
}
