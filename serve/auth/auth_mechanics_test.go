package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/voxgene/voxgene/serve/auth"
)

const secret = "0123456789abcdef0123456789abcdef"

func hashed(s string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(s))) }

// who answers with the principal that passed the gate, and whether it may ask the model glioma.
var who = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	p := auth.From(r.Context())
	fmt.Fprintf(w, "%s %v", p.Name, p.May("glioma"))
})

func ask(h http.Handler, path string, header ...string) (int, string) {
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func gate(t *testing.T, c auth.Config, listen string) http.Handler {
	t.Helper()
	g, err := auth.New(c, listen, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return g.Wrap(who)
}

func TestKeys(t *testing.T) {
	h := gate(t, auth.Config{Keys: []auth.Key{{Name: "pacs", Hash: hashed(secret)}, {Name: "ehr", Hash: hashed("other"), Models: []string{"lung"}}}}, "0.0.0.0:80")
	for _, c := range []struct {
		path   string
		header []string
		code   int
		body   string
	}{
		{"/v1/models", []string{"Authorization", "Bearer " + secret}, 200, "pacs true"},
		{"/v1/models", []string{"X-API-Key", secret}, 200, "pacs true"},
		{"/v1/models", []string{"X-API-Key", "other"}, 200, "ehr false"},
		{"/v1/models", nil, 401, "Bearer KEY"},
		{"/v1/models", []string{"X-API-Key", secret + "x"}, 401, "not known"},
		{"/v1/models", []string{"Authorization", "Basic eDp5"}, 401, "not a Bearer"},
		{"/healthz", nil, 200, " true"},
		{"/metrics", nil, 401, "Bearer KEY"},
	} {
		if code, body := ask(h, c.path, c.header...); code != c.code || !strings.Contains(body, c.body) || strings.Contains(body, secret) {
			t.Errorf("%s %v: %d %s, want %d %s", c.path, c.header, code, body, c.code, c.body)
		}
	}
}

// Nobody is asked on loopback when nothing could say who they are; elsewhere such a server does not start.
func TestAnonymous(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:80", "localhost:80", "[::1]:80"} {
		if code, _ := ask(gate(t, auth.Config{}, listen), "/v1/models"); code != 200 {
			t.Errorf("%s: %d", listen, code)
		}
	}
	if code, _ := ask(gate(t, auth.Config{Anonymous: "everywhere"}, ":80"), "/v1/models"); code != 200 {
		t.Errorf("everywhere: %d", code)
	}
	if code, _ := ask(gate(t, auth.Config{Keys: []auth.Key{{Name: "a", Hash: hashed("k")}}}, "127.0.0.1:80"), "/v1/models"); code != 401 {
		t.Errorf("loopback with keys: %d", code)
	}
	for want, c := range map[string]auth.Config{
		"can be reached from other machines":         {},
		"no key, token or certificate":               {Anonymous: "never"},
		`"sometimes" is not loopback`:                {Anonymous: "sometimes"},
		"auth.keys[0].hash: want sha256:":            {Keys: []auth.Key{{Name: "a", Hash: secret}}},
		"auth.keys[1].name":                          {Keys: []auth.Key{{Name: "a", Hash: hashed("k")}, {Name: "a", Hash: hashed("l")}}},
		"auth.oidc: an issuer needs an audience and": {OIDC: auth.OIDC{Issuer: "https://x"}},
	} {
		if _, err := auth.New(c, "0.0.0.0:80", false, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Tokens are taken from the issuer, for the audience, in time, with the scope, signed with its key and by an algorithm with a public key.
func TestTokens(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	provider := httptest.NewServer(mux)
	defer provider.Close()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"issuer": provider.URL, "jwks_uri": provider.URL + "/keys", "authorization_endpoint": provider.URL, "token_endpoint": provider.URL})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		encode := base64.RawURLEncoding.EncodeToString
		json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig",
			"n": encode(private.N.Bytes()), "e": encode(big.NewInt(int64(private.E)).Bytes())}}})
	})
	h := gate(t, auth.Config{OIDC: auth.OIDC{Issuer: provider.URL, Audience: "voxgene", Scope: "predict"}}, ":443")
	token := func(m jwt.SigningMethod, k crypto.PrivateKey, edit func(jwt.MapClaims)) string {
		t.Helper()
		claims := jwt.MapClaims{"iss": provider.URL, "aud": "voxgene", "sub": "dr-a", "exp": time.Now().Add(time.Minute).Unix(), "scope": "openid predict"}
		if edit != nil {
			edit(claims)
		}
		tok := jwt.NewWithClaims(m, claims)
		tok.Header["kid"] = "1"
		s, err := tok.SignedString(k)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	set := func(k string, v any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[k] = v } }
	for _, c := range []struct {
		name, token string
		code        int
		body        string
	}{
		{"sound", token(jwt.SigningMethodRS256, private, nil), 200, "dr-a true"},
		{"one model", token(jwt.SigningMethodRS256, private, set("scope", "predict:glioma predict:lung")), 200, "dr-a true"},
		{"another model", token(jwt.SigningMethodRS256, private, set("scope", []string{"predict:lung"})), 200, "dr-a false"},
		{"no scope", token(jwt.SigningMethodRS256, private, set("scope", "openid")), 401, "does not hold predict"},
		{"expired", token(jwt.SigningMethodRS256, private, set("exp", time.Now().Add(-time.Hour).Unix())), 401, "expired"},
		{"another audience", token(jwt.SigningMethodRS256, private, set("aud", "pacs")), 401, "not valid"},
		{"another issuer", token(jwt.SigningMethodRS256, private, set("iss", "https://x")), 401, "not valid"},
		{"another key", token(jwt.SigningMethodES256, stranger, nil), 401, "not valid"},
		{"a secret as key", token(jwt.SigningMethodHS256, private.N.Bytes(), nil), 401, "not valid"},
		{"unsigned", token(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), 401, "not valid"},
		{"no token", "a.b.c", 401, "not valid"},
	} {
		if code, body := ask(h, "/v1/models", "Authorization", "Bearer "+c.token); code != c.code || !strings.Contains(body, c.body) {
			t.Errorf("%s: %d %s, want %d %s", c.name, code, body, c.code, c.body)
		}
	}
}
