package fhir_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/fhir"
	"github.com/voxgene/voxgene/serve/results"
)

const known = `{"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3", "value": "P1"}], "birthDate": "1950-02-03", "gender": "female"}`

func to(s *strict, edit func(*fhir.SystemConfig)) fhir.SystemConfig {
	c := fhir.SystemConfig{Name: "ehr", Config: client.Config{URL: s.URL, Timeout: 5 * time.Second}, Issuers: []fhir.Issuer{{System: "urn:oid:1.2.3", Issuer: "HOSPITAL"}}}
	if edit != nil {
		edit(&c)
	}
	return c
}

func system(t *testing.T, c fhir.SystemConfig) *fhir.System {
	t.Helper()
	if err := (fhir.Config{Systems: []fhir.SystemConfig{c}}).Check(); err != nil {
		t.Fatal(err)
	}
	s, err := fhir.NewSystem(c, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// prediction draws a prediction of some outcomes: of classes and survival, whole, withheld, beyond the follow-up, explained or not, under names that
// have to be escaped.
func prediction(seed uint64) bundle.Prediction {
	r := work.Seed(seed).Split("prediction").Rand()
	p := bundle.Prediction{ID: "P1"}
	for k := range 1 + r.IntN(3) {
		name := fmt.Sprintf("%s %d", []string{"idh", "luminal <A> & B", "grade|x,1", "é"}[r.IntN(4)], k)
		a := bundle.Answer{Name: name, Kind: clinical.Class, Risk: math.NaN(), Median: math.NaN()}
		withheld := r.IntN(6) == 0
		if r.IntN(2) == 0 {
			for c := range 2 + r.IntN(4) {
				a.Classes, a.Probabilities = append(a.Classes, fmt.Sprintf("c<%d>", c)), append(a.Probabilities, r.Float64())
			}
			if a.Label = a.Classes[0]; withheld {
				a.Label = ""
				for c := range a.Probabilities {
					a.Probabilities[c] = math.NaN()
				}
			} else if r.IntN(2) == 0 {
				a.Set = a.Classes[:r.IntN(2)]
			}
		} else {
			a.Kind, a.Unit = clinical.Survival, []string{"d", "wk", "mo", "a"}[r.IntN(4)]
			for range r.IntN(4) {
				a.Times, a.Survival = append(a.Times, 400*r.Float64()), append(a.Survival, []float64{r.Float64(), 0, 1, math.NaN()}[r.IntN(4)])
			}
			if !withheld {
				a.Risk, a.RiskGroup, a.Median = []float64{r.NormFloat64(), 900, -900}[r.IntN(3)], []string{"", "low", "medium", "high", "3 of 5"}[r.IntN(5)], 1000*r.Float64()
			}
		}
		if !withheld && r.IntN(2) == 0 {
			a.Explanations = []bundle.Explanation{{Method: "linear", Exact: true, Time: math.NaN(), Scale: []string{"log-hazard", "log-odds"}[r.IntN(2)], Values: []bundle.Contribution{{Feature: "clinical.age", Value: 61, Amount: 0.2}}}}
		}
		p.Outcomes = append(p.Outcomes, a)
		if withheld {
			p.Abstained = []string{"too much is missing"}
		}
	}
	if r.IntN(2) == 0 {
		p.Warnings = []bundle.Warning{{Code: bundle.OutOfRange, Feature: "a<b>", Message: "a<b> is 3"}, {Code: bundle.BeyondFollowUp, Outcome: p.Outcomes[0].Name, Message: "few"}}
	}
	return p
}

// Thirty results of all kinds are written, written again without a change, verified and retracted: the server, which takes nothing that is not valid
// FHIR, has each resource once, in the state of the result, of the patient, and entered-in-error in the end.
func TestWriteAndRetract(t *testing.T) {
	server := newStrict(t)
	server.add(known)
	s := system(t, to(server, nil))
	store, err := results.Open(filepath.Join(t.TempDir(), "results.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	out := &results.Outbox{Store: store, Systems: []results.System{s}, Log: slog.New(slog.DiscardHandler),
		Writeback: results.Writeback{ApprovedBy: "board", Protocol: "7", Expires: "2999-01-01"}}
	deliver := func(id string) results.Delivery {
		t.Helper()
		list, err := out.Deliver(t.Context(), id)
		if err != nil || len(list) != 1 {
			t.Fatalf("%v %v", list, err)
		}
		if !list[0].Accepted {
			t.Fatalf("%s: %s\n%v", list[0].Action, list[0].Detail, server.faults)
		}
		return list[0]
	}
	const cases = 30
	want := map[string]int{"Observation": 0, "RiskAssessment": 0, "DiagnosticReport": cases}
	for i := range uint64(cases) {
		p := prediction(i)
		for _, o := range p.Outcomes {
			if o.Kind == clinical.Class {
				want["Observation"]++
			} else {
				want["RiskAssessment"]++
			}
		}
		id := results.Identity{Patient: "P1", Issuer: "HOSPITAL", Name: "CANARY^NAME", Birth: "19500203", Sex: "F", Study: fmt.Sprintf("1.2.%d", i)}
		origin := []string{"", "2024-02-29"}[i%2]
		r, _, err := store.Keep(results.Kept{Model: "glioma", Version: fmt.Sprintf("sha256:%064x", i%3), Use: bundle.Research, Inputs: fmt.Sprintf("sha256:%064x", i),
			Content: results.Content{Identity: id, Prediction: p.AppendJSON(nil), Origin: origin}})
		if err != nil {
			t.Fatal(err)
		}
		if names, err := out.Write(r.ID); err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		deliver(r.ID)
		if _, err := out.Write(r.ID); err != nil { // a second time
			t.Fatal(err)
		}
		if d := deliver(r.ID); d.Detail != "was there already" {
			t.Errorf("the second time: %s", d.Detail)
		}
		if _, err := store.Finalise(r.ID, "Dr A"); err != nil {
			t.Fatal(err)
		}
		if err := out.Verified(r.ID); err != nil { // which is what the server and the command line do, and nothing else
			t.Fatal(err)
		}
		deliver(r.ID)
	}
	check := func(status string) {
		t.Helper()
		for kind, n := range want {
			list := server.of(kind)
			if len(list) != n {
				t.Errorf("%d of %s, want %d", len(list), kind, n)
			}
			for _, r := range list {
				if r["status"] != status || r["subject"].(map[string]any)["reference"] != "Patient/r1" {
					t.Fatalf("%s is %v of %v", kind, r["status"], r["subject"])
				}
				if text := fmt.Sprint(r); strings.Contains(text, "CANARY") || !strings.Contains(text, "research") {
					t.Fatalf("%s", text)
				}
			}
		}
		if n := len(server.of("Device")); n != 3 {
			t.Errorf("%d devices of three bundles", n)
		}
	}
	check("final")
	// A later version of the last one replaces it: that becomes amended, and is retracted like the others.
	all, err := store.List(results.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	last := all[0]
	next, _, err := store.Keep(results.Kept{Model: last.Model, Version: last.Version, Use: last.Use, Inputs: "sha256:" + strings.Repeat("e", 64), Content: last.Content})
	if err != nil || next.Previous != last.ID {
		t.Fatal(err, next.Previous)
	}
	if _, err := out.Write(next.ID); err != nil {
		t.Fatal(err)
	}
	deliver(last.ID)
	deliver(next.ID)
	states := map[string]int{}
	for _, r := range server.of("DiagnosticReport") {
		states[r["status"].(string)]++
		if conclusion := fmt.Sprint(r["conclusion"]); (r["status"] == "amended") != strings.HasPrefix(conclusion, "REPLACED on ") {
			t.Errorf("%s: %s", r["status"], conclusion)
		}
	}
	if states["final"] != cases-1 || states["amended"] != 1 || states["preliminary"] != 1 {
		t.Errorf("%v", states)
	}
	for _, o := range prediction(cases - 1).Outcomes { // as often as the last one
		if o.Kind == clinical.Class {
			want["Observation"]++
		} else {
			want["RiskAssessment"]++
		}
	}
	want["DiagnosticReport"]++
	list, err := store.List(results.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if _, err := store.Retract(r.ID, "Dr B", "mask of another lesion", results.PatientSafety); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Withdraw(r.ID); err != nil {
			t.Fatal(err)
		}
		deliver(r.ID)
		if standing, err := store.Standing(r.ID); err != nil || len(standing) != 0 {
			t.Fatalf("%v %v", standing, err)
		}
	}
	check("entered-in-error")
	if text := fmt.Sprint(server.of("DiagnosticReport")[0]["conclusion"]); !strings.HasPrefix(text, "RETRACTED on ") || !strings.Contains(text, "mask of another lesion") {
		t.Errorf("conclusion %s", text)
	}
	if len(server.of("Patient")) != 1 {
		t.Error("a patient was made")
	}
}

func kept(t *testing.T) results.Result {
	t.Helper()
	return results.Result{ID: "0123456789abcdef0123456789abcdef", Model: "glioma", Version: "sha256:" + strings.Repeat("a", 64), Use: bundle.Research, State: results.Preliminary,
		Inputs: "sha256:" + strings.Repeat("b", 64), Content: results.Content{Prediction: prediction(1).AppendJSON(nil),
			Identity: results.Identity{Patient: "P1", Issuer: "HOSPITAL", Birth: "19500203", Sex: "F"}}}
}

// A result is written only to the one patient whom the server knows, and what the server says of a patient is not repeated.
func TestPatient(t *testing.T) {
	for name, c := range map[string]struct {
		patients []string
		want     string
		later    bool
	}{
		"none":      {nil, "knows no patient by the identifier", true},
		"two":       {[]string{known, known}, "knows 2 patients by the identifier", false},
		"other sex": {[]string{strings.Replace(known, "female", "male", 1)}, "birth date or sex differ", false},
		"born":      {[]string{strings.Replace(known, "1950", "1951", 1)}, "birth date or sex differ", false},
	} {
		server := newStrict(t)
		for _, p := range c.patients {
			server.add(p)
		}
		if d := system(t, to(server, nil)).Write(t.Context(), kept(t)); d.Accepted || !strings.Contains(d.Detail, c.want) || d.Retry != c.later || len(server.transactions) != 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
	server := newStrict(t)
	server.add(known)
	s := system(t, to(server, nil))
	server.allow = func(r *http.Request) int { return map[string]int{"POST": 422}[r.Method] }
	if d := s.Write(t.Context(), kept(t)); d.Accepted || d.Retry || d.Detail != "answered 422 Unprocessable Entity: login" {
		t.Errorf("%+v", d)
	}
	server.allow = func(r *http.Request) int { return 503 }
	if d := s.Write(t.Context(), kept(t)); d.Accepted || !d.Retry {
		t.Errorf("%+v", d)
	}
	server.Close()
	if d := s.Write(t.Context(), kept(t)); d.Accepted || !d.Retry || strings.Contains(d.Detail, "P1") {
		t.Errorf("%+v", d)
	}
	// A server that does not understand the search answers with others; nothing is written to them.
	deaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {"resourceType": "Patient", "id": "7", "identifier": [{"system": "x", "value": "P1"}]}}]}`)
	}))
	defer deaf.Close()
	c := to(server, nil)
	c.URL = deaf.URL
	if d := system(t, c).Write(t.Context(), kept(t)); d.Accepted || !strings.Contains(d.Detail, "what was not looked for") {
		t.Errorf("%+v", d)
	}
	r := kept(t)
	if r.Identity.Issuer = "ELSEWHERE"; s.Takes(&r) {
		t.Error("a patient of another issuer is taken")
	}
}

// With SMART Backend Services each request carries a token, which was asked for with a JWT signed by our key: RS384 or ES384, for the address of
// tokens, used once, of five minutes at most. A token that is refused is renewed.
func TestSmart(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for alg, key := range map[string]crypto.Signer{"RS384": small, "ES384": curve} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "key.pem")
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		server := newStrict(t)
		server.add(known)
		given, seen := 0, map[string]bool{}
		mux := http.NewServeMux()
		auth := httptest.NewServer(mux)
		defer auth.Close()
		mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
			var claims jwt.RegisteredClaims
			tok, err := jwt.ParseWithClaims(r.FormValue("client_assertion"), &claims, func(*jwt.Token) (any, error) { return key.Public(), nil },
				jwt.WithValidMethods([]string{alg}), jwt.WithAudience(auth.URL+"/token"), jwt.WithIssuer("voxgene"), jwt.WithSubject("voxgene"), jwt.WithExpirationRequired())
			if err != nil || seen[claims.ID] || claims.ID == "" || time.Until(claims.ExpiresAt.Time) > 5*time.Minute || tok.Header["kid"] == nil || tok.Header["typ"] != "JWT" ||
				r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || r.FormValue("scope") != fhir.DefaultScope {
				t.Errorf("%s: %v %v", alg, err, r.Form)
				w.WriteHeader(400)
				fmt.Fprint(w, `{"error": "invalid_client", "error_description": "CANARY"}`)
				return
			}
			seen[claims.ID] = true
			given++
			json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprint("secret", given), "token_type": "Bearer", "expires_in": 300})
		})
		least := 1
		server.allow = func(r *http.Request) int {
			var n int
			if _, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer secret%d", &n); err != nil || n < least {
				return 401
			}
			return 0
		}
		smart := fhir.Smart{ClientID: "voxgene", Key: path, TokenURL: auth.URL + "/token"}
		s := system(t, to(server, func(c *fhir.SystemConfig) { c.Smart = smart }))
		if d := s.Write(t.Context(), kept(t)); !d.Accepted || given != 1 {
			t.Fatalf("%s: %+v, %d tokens", alg, d, given)
		}
		least = 2 // the first was revoked
		if d := s.Write(t.Context(), kept(t)); !d.Accepted || given != 2 {
			t.Errorf("%s: %+v, %d tokens", alg, d, given)
		}
		least = 100
		if d := s.Write(t.Context(), kept(t)); d.Accepted || !d.Retry || strings.Contains(d.Detail, "secret") {
			t.Errorf("%s: %+v", alg, d)
		}
		set := fhir.Keys([]*fhir.System{s, s})
		if len(set.Keys) != 1 || !set.Keys[0].IsPublic() || set.Keys[0].Algorithm != alg || set.Keys[0].KeyID == "" {
			t.Errorf("%+v", set)
		}
		// The address of tokens is asked for where it is not known.
		server.allow = nil
		found := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/.well-known/smart-configuration" {
				fmt.Fprintf(w, `{"token_endpoint": %q}`, auth.URL+"/token")
				return
			}
			server.ServeHTTP(w, r)
		}))
		defer found.Close()
		smart.TokenURL = ""
		s = system(t, to(server, func(c *fhir.SystemConfig) { c.Smart, c.URL = smart, found.URL }))
		if d := s.Write(t.Context(), kept(t)); !d.Accepted {
			t.Errorf("%s: %+v", alg, d)
		}
	}
	weak, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(weak)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "weak.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fhir.NewSystem(fhir.SystemConfig{Name: "a", Config: client.Config{URL: "https://x"}, Smart: fhir.Smart{ClientID: "a", Key: path}}, "1"); err == nil || !strings.Contains(err.Error(), "P-384") {
		t.Errorf("got %v", err)
	}
}

func TestSystemConfig(t *testing.T) {
	sound := fhir.SystemConfig{Name: "ehr", Config: client.Config{URL: "https://ehr.example/r4"}, Issuers: []fhir.Issuer{{System: "urn:oid:1", Issuer: "H"}}}
	for want, edit := range map[string]func(*fhir.SystemConfig){
		"":                                  func(*fhir.SystemConfig) {},
		".name: each has a name of its own": func(c *fhir.SystemConfig) { c.Name = "file" },
		".url: want https://host/path":      func(c *fhir.SystemConfig) { c.URL = "ehr" },
		".issuers: under which system":      func(c *fhir.SystemConfig) { c.Issuers = nil },
		".issuers[1]: each issuer has":      func(c *fhir.SystemConfig) { c.Issuers = append(c.Issuers, c.Issuers[0]) },
		".url: tokens go over https":        func(c *fhir.SystemConfig) { c.URL, c.Smart = "http://ehr.example", fhir.Smart{ClientID: "a", Key: "k"} },
		".url: credentials go over https":   func(c *fhir.SystemConfig) { c.URL, c.TokenEnv = "http://ehr.example", "T" },
		".smart: client_id and key_file":    func(c *fhir.SystemConfig) { c.Smart.ClientID = "a" },
		".smart.token_url: want an https": func(c *fhir.SystemConfig) {
			c.Smart = fhir.Smart{ClientID: "a", Key: "k", TokenURL: "http://ehr.example"}
		},
		": want smart, a password": func(c *fhir.SystemConfig) { c.TokenEnv, c.Smart = "T", fhir.Smart{ClientID: "a", Key: "k"} },
	} {
		c := sound
		edit(&c)
		err := fhir.Config{Systems: []fhir.SystemConfig{c}}.Check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "fhir.systems[0]"+want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
