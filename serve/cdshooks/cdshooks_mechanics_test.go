package cdshooks_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/cdshooks"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/results"
)

const address = "https://voxgene.example"

// hospital is a server with kept results, and a client with keys.
type hospital struct {
	mux     *http.ServeMux
	results *results.Store
	audit   *audit.Log
	version string // of the bundle glioma
	log     bytes.Buffer
	now     time.Time
	rsa     *rsa.PrivateKey
	ec      *ecdsa.PrivateKey
	jti     int
}

func newHospital(t testing.TB) *hospital {
	t.Helper()
	h := &hospital{mux: http.NewServeMux(), now: time.Now()}
	dir := t.TempDir()
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, filepath.Join(dir, "glioma.voxgene"))
	h.version = b.Version()
	bundles, err := registry.Open([]string{dir}, nil)
	must(t, err)
	h.results, err = results.Open(filepath.Join(dir, "results.db"))
	must(t, err)
	t.Cleanup(func() { h.results.Close() })
	h.audit, err = audit.Open(filepath.Join(dir, "audit.db"))
	must(t, err)
	t.Cleanup(func() { h.audit.Close() })
	h.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	h.ec, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &h.rsa.PublicKey, KeyID: "r", Algorithm: "RS384", Use: "sig"}, {Key: &h.ec.PublicKey, KeyID: "e", Algorithm: "ES384", Use: "sig"}}})
	must(t, err)
	file := filepath.Join(dir, "ehr.jwks.json")
	must(t, os.WriteFile(file, keys, 0o600))
	front, err := cdshooks.New(cdshooks.Options{
		Config: cdshooks.Config{URL: address, Clients: []cdshooks.Client{{Issuer: "https://ehr.example", Keys: file}}, Issuers: []cdshooks.Issuer{{System: "urn:oid:1.2.3", Issuer: "HOSP"}},
			MaxAge: 1000 * time.Hour, Origins: []string{"https://ehr.example"}},
		Results: h.results, Registry: bundles, Writeback: results.Writeback{ApprovedBy: "the board", Protocol: "P-7", Expires: "2999-12-31"}, Audit: h.audit,
		Log: slog.New(slog.NewJSONHandler(&h.log, nil)), Metrics: prometheus.NewRegistry(), Body: 1 << 16, Now: func() time.Time { return h.now }})
	must(t, err)
	front.Register(h.mux)
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// keep keeps a result of patient CANARY-1 and verifies it.
func (h *hospital) keep(t testing.TB, inputs string) results.Result {
	t.Helper()
	r, _, err := h.results.Keep(results.Kept{Model: "glioma", Version: h.version, Use: "research", Inputs: inputs, Content: results.Content{
		Identity:   results.Identity{Patient: "CANARY-1", Issuer: "HOSP", Birth: "19600102", Sex: "F", Study: "1.2"},
		Prediction: json.RawMessage(`{"id":"CANARY-1","outcomes":{"idh":{"kind":"class","label":"1","probabilities":{"0":0.12,"1":0.88}},"os":{"kind":"survival","unit":"d","risk_group":"high","times":[365.25],"survival":[0.82]}},"warnings":[{"code":"x","message":"a <b> warning"}]}`)}})
	must(t, err)
	r, err = h.results.Finalise(r.ID, "dr-a")
	must(t, err)
	return r
}

// token is a sound token, edited.
func (h *hospital) token(t testing.TB, path string, m jwt.SigningMethod, key crypto.PrivateKey, edit func(map[string]any, jwt.MapClaims)) string {
	t.Helper()
	h.jti++
	claims := jwt.MapClaims{"iss": "https://ehr.example", "aud": address + path, "iat": h.now.Unix(), "exp": h.now.Add(4 * time.Minute).Unix(), "jti": fmt.Sprint(h.jti)}
	tok := jwt.NewWithClaims(m, claims)
	tok.Header["kid"] = map[bool]string{true: "r", false: "e"}[m == jwt.SigningMethodRS384]
	if edit != nil {
		edit(tok.Header, claims)
	}
	s, err := tok.SignedString(key)
	must(t, err)
	return s
}

const service = "/cds-services/" + cdshooks.Service

func (h *hospital) ask(method, path, token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Origin", "https://ehr.example")
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

const view = `{"hook":"patient-view","hookInstance":"d1577c69-dfbe-44ad-ba6d-3e05e953b2ea","context":{"userId":"Practitioner/1","patientId":"17"},
 "prefetch":{"patient":{"resourceType":"Patient","id":"17","identifier":[{"system":"urn:oid:1.2.3","value":"CANARY-1"},{"system":"urn:x","value":"9"}],"birthDate":"1960-01-02","gender":"female"}}}`

type answer struct {
	Cards []struct {
		UUID, Summary, Detail, Indicator string
		Source                           struct{ Label string }
	}
}

func (h *hospital) cards(t testing.TB, body string) answer {
	t.Helper()
	w := h.ask("POST", service, h.token(t, service, jwt.SigningMethodES384, h.ec, nil), body)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || a.Cards == nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return a
}

func TestDiscovery(t *testing.T) {
	h := newHospital(t)
	w := h.ask("GET", "/cds-services", "", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"hook":"patient-view"`) || w.Header().Get("Access-Control-Allow-Origin") != "https://ehr.example" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if w := h.ask("OPTIONS", service, "", ""); w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// A verified result of that very patient is a card that says what it is for; nothing in doubt is.
func TestPatientView(t *testing.T) {
	h := newHospital(t)
	if a := h.cards(t, view); len(a.Cards) != 0 {
		t.Errorf("a card without a result: %+v", a)
	}
	r := h.keep(t, "sha256:1")
	a := h.cards(t, view)
	if len(a.Cards) != 1 {
		t.Fatalf("got %+v", a)
	}
	c := a.Cards[0]
	if c.Summary != "glioma: idh: 1 (88 %); os: 82 % at 365.2 d, high risk — Use: research" || utf8.RuneCountInString(c.Summary) >= 140 || c.Indicator != "info" ||
		strings.ReplaceAll(c.UUID, "-", "") != r.ID || !strings.Contains(c.Detail, "a &lt;b&gt; warning") || !strings.Contains(c.Detail, "protocol P-7 by the board") {
		t.Errorf("got %+v", c)
	}
	for name, body := range map[string]string{
		"another number":      strings.Replace(view, `"CANARY-1"`, `"CANARY-2"`, 1),
		"two numbers":         strings.Replace(view, `"urn:x","value":"9"`, `"urn:oid:1.2.3","value":"CANARY-3"`, 1),
		"no known system":     strings.Replace(view, "urn:oid:1.2.3", "urn:oid:9", 1),
		"another birth date":  strings.Replace(view, "1960-01-02", "1961-01-02", 1),
		"another sex":         strings.Replace(view, "female", "male", 1),
		"no identifier there": strings.Replace(view, `"value":"CANARY-1"`, `"value":""`, 1),
	} {
		if a := h.cards(t, body); len(a.Cards) != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
	was := h.now
	h.now = was.Add(1001 * time.Hour)
	if a := h.cards(t, view); len(a.Cards) != 0 {
		t.Errorf("stale: %+v", a)
	}
	h.now = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)
	if a := h.cards(t, view); len(a.Cards) != 0 {
		t.Errorf("the permission expired: %+v", a)
	}
	h.now = was
	if _, err := h.results.Retract(r.ID, "dr-a", "wrong mask", results.Quality); err != nil {
		t.Fatal(err)
	}
	if a := h.cards(t, view); len(a.Cards) != 0 {
		t.Errorf("retracted: %+v", a)
	}
	if _, _, err := h.results.Keep(results.Kept{Model: "glioma", Version: h.version, Use: "research", Inputs: "sha256:2", Content: results.Content{
		Identity: results.Identity{Patient: "CANARY-1", Issuer: "HOSP", Study: "1.3"}, Prediction: json.RawMessage(`{"outcomes":{"idh":{"kind":"class","label":"1"}}}`)}}); err != nil {
		t.Fatal(err)
	}
	if a := h.cards(t, view); len(a.Cards) != 0 {
		t.Errorf("unverified: %+v", a)
	}
	if strings.Contains(h.log.String(), "CANARY") {
		t.Errorf("the log names a patient: %s", &h.log)
	}
}

// A card of a result of lesions says what was predicted of each, also where the model gives none; where it gives none of any, there is no card.
func TestLesionCard(t *testing.T) {
	h := newHospital(t)
	keep := func(inputs string, predictions ...string) {
		c := results.Content{Identity: results.Identity{Patient: "CANARY-1", Issuer: "HOSP", Birth: "19600102", Sex: "F", Study: "1.2"}}
		for i, p := range predictions {
			c.Lesions = append(c.Lesions, results.Lesion{Name: fmt.Sprint(i + 1), Prediction: json.RawMessage(p)})
		}
		r, _, err := h.results.Keep(results.Kept{Model: "glioma", Version: h.version, Use: "research", Inputs: inputs, Content: c})
		must(t, err)
		_, err = h.results.Finalise(r.ID, "dr-a")
		must(t, err)
	}
	given := `{"outcomes":{"idh":{"kind":"class","label":"1","probabilities":{"0":0.12,"1":0.88}}},"warnings":[{"code":"x","message":"small"}]}`
	withheld := `{"outcomes":{"idh":{"kind":"class","label":null,"probabilities":{"0":null,"1":null}}},"warnings":[],"abstained":["too much is missing"]}`
	keep("sha256:1", given, withheld)
	if a := h.cards(t, view); len(a.Cards) != 1 || a.Cards[0].Summary != "glioma: lesion 1, idh: 1 (88 %); lesion 2: no prediction — Use: research" || !strings.Contains(a.Cards[0].Detail, "- Mind: lesion 1, small") {
		t.Errorf("%+v", a)
	}
	keep("sha256:2", withheld, withheld)
	if a := h.cards(t, view); len(a.Cards) != 0 {
		t.Errorf("%+v", a)
	}
}

// Only a token of a known client, for this address, in time, signed by its key and used once, is taken.
func TestTokens(t *testing.T) {
	h := newHospital(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	claim := func(name string, v any) func(map[string]any, jwt.MapClaims) {
		return func(_ map[string]any, c jwt.MapClaims) {
			if c[name] = v; v == nil {
				delete(c, name)
			}
		}
	}
	head := func(name string, v any) func(map[string]any, jwt.MapClaims) {
		return func(h map[string]any, _ jwt.MapClaims) { h[name] = v }
	}
	es := func(edit func(map[string]any, jwt.MapClaims)) string {
		return h.token(t, service, jwt.SigningMethodES384, h.ec, edit)
	}
	once := es(nil)
	for _, c := range []struct {
		name, token string
		code        int
	}{
		{"ES384", once, 200}, {"played again", once, 401},
		{"RS384", h.token(t, service, jwt.SigningMethodRS384, h.rsa, nil), 200},
		{"no issuer", es(claim("iss", nil)), 401}, {"another issuer", es(claim("iss", "https://x")), 401},
		{"another audience", es(claim("aud", address)), 401}, {"two audiences", es(claim("aud", []string{address + service, "x"})), 401},
		{"expired", es(claim("exp", h.now.Add(-time.Hour).Unix())), 401}, {"no end", es(claim("exp", nil)), 401}, {"long", es(claim("exp", h.now.Add(time.Hour).Unix())), 401},
		{"no beginning", es(claim("iat", nil)), 401}, {"of the future", es(claim("iat", h.now.Add(time.Hour).Unix())), 401}, {"no jti", es(claim("jti", nil)), 401},
		{"another type", es(head("typ", "at+jwt")), 401}, {"another jku", es(head("jku", "https://x/keys")), 401}, {"another kid", es(head("kid", "z")), 401},
		{"the key of another", h.token(t, service, jwt.SigningMethodES384, stranger, nil), 401},
		{"RS256", h.token(t, service, jwt.SigningMethodRS256, h.rsa, head("kid", "r")), 401},
		{"a secret", h.token(t, service, jwt.SigningMethodHS384, []byte("x"), nil), 401},
		{"unsigned", h.token(t, service, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), 401},
		{"none", "", 401}, {"no token", "a.b.c", 401},
	} {
		if w := h.ask("POST", service, c.token, view); w.Code != c.code {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.code)
		}
	}
}

func TestRefusals(t *testing.T) {
	h := newHospital(t)
	for _, c := range []struct {
		path, body string
		code       int
	}{
		{service, "x", 400}, {service, "{}", 400}, {service, strings.Replace(view, "patient-view", "order-sign", 1), 400},
		{service, strings.Replace(view, `"patientId":"17"`, `"patientId":"18"`, 1), 412}, {service, strings.Replace(view, `"Patient"`, `"OperationOutcome"`, 1), 412},
		{service, `{"hook":"patient-view","hookInstance":"x","context":{"userId":"u","patientId":"17"}}`, 412},
		{"/cds-services/other", view, 404}, {service, strings.Repeat(" ", 1<<16) + view, 413},
		{service + "/feedback", `{"feedback":[{"card":"x","outcome":"accepted"}]}`, 400},
	} {
		if w := h.ask("POST", c.path, h.token(t, c.path, jwt.SigningMethodES384, h.ec, nil), c.body); w.Code != c.code {
			t.Errorf("%s %.60s: %d %s, want %d", c.path, c.body, w.Code, w.Body, c.code)
		}
	}
}

// What became of a card is in the audit, under the patient's key.
func TestFeedback(t *testing.T) {
	h := newHospital(t)
	r := h.keep(t, "sha256:1")
	path := service + "/feedback"
	body := fmt.Sprintf(`{"feedback":[{"card":"%s-%s","outcome":"overridden","overrideReason":{"userComment":"CANARY says no"},"outcomeTimestamp":"2026-01-01T00:00:00Z"}]}`, r.ID[:8], r.ID[8:])
	if w := h.ask("POST", path, h.token(t, path, jwt.SigningMethodES384, h.ec, nil), body); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	e, err := h.audit.Of("CANARY-1")
	if err != nil || len(e) != 1 || e[0].Who != "https://ehr.example" || !strings.Contains(string(e[0].Answer), "CANARY says no") {
		t.Errorf("%+v %v", e, err)
	}
	if strings.Contains(h.log.String(), "CANARY") {
		t.Errorf("the log names a patient: %s", &h.log)
	}
}

// FuzzHook: whatever the body is, the answer is never a fault of ours.
func FuzzHook(f *testing.F) {
	h := newHospital(f)
	h.keep(f, "sha256:1")
	f.Add([]byte(view))
	f.Fuzz(func(t *testing.T, body []byte) {
		w := h.ask("POST", service, h.token(t, service, jwt.SigningMethodES384, h.ec, nil), string(body))
		if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// BenchmarkPatientView is one card among a thousand patients, its token included; p99-us is the 99th percentile.
func BenchmarkPatientView(b *testing.B) {
	h := newHospital(b)
	h.keep(b, "sha256:1")
	tokens := make([]string, b.N)
	for i := range tokens {
		tokens[i] = h.token(b, service, jwt.SigningMethodES384, h.ec, nil)
	}
	took := make([]time.Duration, b.N)
	b.ResetTimer()
	for i := range b.N {
		start := time.Now()
		if w := h.ask("POST", service, tokens[i], view); w.Code != 200 {
			b.Fatal(w.Body)
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}
