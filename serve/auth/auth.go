// Package auth says who asks: by an API key, a client certificate or a token of an OpenID Connect provider.
//
// Keys are stored as their SHA-256 only; they are random and long, so that a slow hash would add nothing. A principal may be bound to
// some models. A server that asks nobody who they are listens on the loopback interface alone, unless its configuration says otherwise.
package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/serve/problem"
)

// Config is the auth and tls part of the server's configuration.
type Config struct {
	Anonymous string `mapstructure:"anonymous"` // loopback, never, everywhere
	Keys      []Key  `mapstructure:"keys"`
	OIDC      OIDC   `mapstructure:"oidc"`
}

// Key is one API key.
type Key struct {
	Name   string   `mapstructure:"name"`   // of the client, for the audit
	Hash   string   `mapstructure:"hash"`   // sha256: and the hexadecimal SHA-256 of the key
	Models []string `mapstructure:"models"` // that it may ask; empty means all
}

// TLS is the tls part of the server's configuration.
type TLS struct {
	Cert     string `mapstructure:"cert"`
	Key      string `mapstructure:"key"`
	ClientCA string `mapstructure:"client_ca"` // when set, clients show a certificate that it signed
}

// Principal is who asks.
type Principal struct {
	Name   string
	Models []string // that it may ask; empty means all
}

// May reports whether the principal may ask a model.
func (p Principal) May(model string) bool {
	return len(p.Models) == 0 || slices.Contains(p.Models, model)
}

type contextKey struct{}

// From returns who asks in a request that passed the gate.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(contextKey{}).(Principal)
	return p
}

// Gate lets requests through that say who they are from.
type Gate struct {
	keys      []key
	tokens    *verifier
	anonymous bool
	log       *slog.Logger
}

type key struct {
	principal Principal
	hash      [sha256.Size]byte
}

// open are the paths that anyone may ask: those that tell a balancer and a developer about the server, and the page that asks for a
// key; nothing of a model.
var open = map[string]bool{"/": true, "/healthz": true, "/readyz": true, "/openapi.json": true, "/v2/health/live": true, "/v2/health/ready": true,
	"/.well-known/jwks.json": true, "/ping": true, "/health": true}

// Page is where the parts of the page lie. They say nothing of a model or a patient.
const Page = "/page/"

// ownTokens reports whether a path belongs to CDS Hooks, whose front checks the tokens of its own clients. Where there is no such front there
// is nothing at these paths.
func ownTokens(path string) bool {
	return path == "/cds-services" || strings.HasPrefix(path, "/cds-services/")
}

// New returns the gate of a configuration for a server that listens on an address. mutual says that clients show certificates.
func New(c Config, listen string, mutual bool, log *slog.Logger) (*Gate, error) {
	g := &Gate{log: log}
	var faults []error
	names := map[string]bool{}
	for i, k := range c.Keys {
		text, ok := strings.CutPrefix(k.Hash, "sha256:")
		hash, err := hex.DecodeString(text)
		switch {
		case !ok || err != nil || len(hash) != sha256.Size:
			faults = append(faults, fmt.Errorf("auth.keys[%d].hash: want sha256: and 64 hexadecimal digits, the hash of the key", i))
			continue
		case k.Name == "" || names[k.Name]:
			faults = append(faults, fmt.Errorf("auth.keys[%d].name: each key has a name of its own", i))
			continue
		}
		names[k.Name] = true
		g.keys = append(g.keys, key{Principal{k.Name, k.Models}, [sha256.Size]byte(hash)})
	}
	if c.OIDC.Issuer != "" {
		v, err := newVerifier(c.OIDC)
		if err != nil {
			faults = append(faults, err)
		}
		g.tokens = v
	}
	asks := len(g.keys) > 0 || g.tokens != nil || mutual
	switch c.Anonymous {
	case "", "loopback":
		g.anonymous = !asks
		if !asks && !loopback(listen) {
			faults = append(faults, fmt.Errorf("listen: %s can be reached from other machines, and nobody is asked who they are; add auth.keys, auth.oidc or tls.client_ca, or set auth.anonymous: everywhere", listen))
		}
	case "never":
		if !asks {
			faults = append(faults, errors.New("auth.anonymous: never, and there is no key, token or certificate to say who asks"))
		}
	case "everywhere":
		g.anonymous = true
	default:
		faults = append(faults, fmt.Errorf("auth.anonymous: %q is not loopback, never or everywhere", c.Anonymous))
	}
	return g, errors.Join(faults...)
}

// loopback reports whether an address can be reached from this machine alone.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Wrap returns next behind the gate.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := g.who(r)
		if err != nil && !open[r.URL.Path] && !strings.HasPrefix(r.URL.Path, Page) && !ownTokens(r.URL.Path) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="voxgene"`)
			problem.Write(w, r, g.log, problem.New(http.StatusUnauthorized, err.Error()), nil)
			return
		}
		if p.Name == "" {
			next.ServeHTTP(w, r)
			return
		}
		c := r.WithContext(context.WithValue(r.Context(), contextKey{}, p))
		next.ServeHTTP(w, c)
		r.Pattern = c.Pattern // the mux writes the route into the copy
	})
}

// who returns who asks, or what is wrong with how they say it. Credentials that are wrong are never taken for none.
func (g *Gate) who(r *http.Request) (Principal, error) {
	secret := r.Header.Get("X-API-Key")
	if secret == "" {
		if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
			secret = strings.TrimSpace(rest)
		} else if r.Header.Get("Authorization") != "" {
			return Principal{}, errors.New("the Authorization header is not a Bearer token")
		}
	}
	switch {
	case secret != "":
		if p, ok := g.key(secret); ok {
			return p, nil
		}
		if g.tokens != nil && strings.Count(secret, ".") == 2 {
			return g.tokens.verify(r.Context(), secret)
		}
		return Principal{}, errors.New("the key is not known here")
	case r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
		return Principal{Name: "certificate " + r.TLS.PeerCertificates[0].Subject.CommonName}, nil
	case g.anonymous:
		return Principal{}, nil
	}
	return Principal{}, errors.New("say who asks: Authorization: Bearer KEY")
}

// Client is the name of the client whose credentials a request carries; empty where it has none, or none that are known here.
func (g *Gate) Client(r *http.Request) string {
	p, err := g.who(r)
	if err != nil {
		return ""
	}
	return p.Name
}

// key finds the principal of a key, comparing all hashes in constant time.
func (g *Gate) key(secret string) (Principal, bool) {
	hash := sha256.Sum256([]byte(secret))
	found := -1
	for i := range g.keys {
		if subtle.ConstantTimeCompare(hash[:], g.keys[i].hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Principal{}, false
	}
	return g.keys[found].principal, true
}

// Load returns the TLS configuration, or nil where there is none. TLS 1.2 is the least that is spoken.
func (t TLS) Load() (*tls.Config, error) {
	if t == (TLS{}) {
		return nil, nil
	}
	if t.Cert == "" || t.Key == "" {
		return nil, errors.New("tls: a certificate and its key go together")
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if t.ClientCA != "" {
		b, err := os.ReadFile(t.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("tls.client_ca: %w", err)
		}
		c.ClientCAs = x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("tls.client_ca: %s has no certificate in PEM", t.ClientCA)
		}
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c, nil
}
