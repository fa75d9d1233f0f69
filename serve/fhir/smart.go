package fhir

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/voxgene/voxgene/serve/problem"
)

// Smart is how we say who we are to a FHIR server: SMART Backend Services (SMART App Launch 2.0), a JWT signed by our key for a token of some
// minutes. The key's public half, which the server's people register, is at /.well-known/jwks.json of our server.
type Smart struct {
	ClientID string `mapstructure:"client_id"` // under which we are registered
	Key      string `mapstructure:"key_file"`  // PEM file of our private key: RSA of 2048 bits or more (RS384), or P-384 (ES384)
	Scope    string `mapstructure:"scope"`     // empty is what is needed, in the words of SMART 1
	TokenURL string `mapstructure:"token_url"` // empty asks the server's .well-known/smart-configuration
}

// DefaultScope is what writing and withdrawing needs.
const DefaultScope = "system/Patient.read system/DiagnosticReport.read system/DiagnosticReport.write system/Observation.write system/RiskAssessment.write " +
	"system/Device.write system/Provenance.write"

const (
	assertionLife = 4 * time.Minute
	maxToken      = 1 << 20
)

// signer signs what says who we are.
type signer struct {
	method jwt.SigningMethod
	key    crypto.Signer
	kid    string
}

// readSigner reads a private key. Its identifier is the thumbprint of RFC 7638.
func readSigner(path string) (*signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no key in PEM", path)
	}
	key, err := privateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s := &signer{key: key}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < 2048 {
			return nil, fmt.Errorf("%s: an RSA key of %d bits; want 2048 or more", path, k.N.BitLen())
		}
		s.method = jwt.SigningMethodRS384
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P384() {
			return nil, fmt.Errorf("%s: want the curve P-384, for ES384", path)
		}
		s.method = jwt.SigningMethodES384
	default:
		return nil, fmt.Errorf("%s: want an RSA key, or one of the curve P-384", path)
	}
	thumb, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.kid = base64.RawURLEncoding.EncodeToString(thumb)
	return s, nil
}

func privateKey(der []byte) (crypto.Signer, error) {
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if s, ok := k.(crypto.Signer); ok {
			return s, nil
		}
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	return nil, errors.New("not a private key in PKCS #8, PKCS #1 or SEC 1, without a password")
}

// public is the key as others check signatures with.
func (s *signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: s.key.Public(), KeyID: s.kid, Algorithm: s.method.Alg(), Use: "sig"}
}

// tokens asks for access tokens and keeps the last one while it is good.
type tokens struct {
	Smart
	base string // of the FHIR server
	sign *signer
	http *http.Client
	now  func() time.Time

	mu    sync.Mutex
	token string
	until time.Time
	where string // the address of tokens, once it was asked for
}

// authorise adds a token to a request.
func (t *tokens) authorise(r *http.Request) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == "" || !t.now().Before(t.until) {
		if err := t.ask(r.Context()); err != nil {
			return err
		}
	}
	r.Header.Set("Authorization", "Bearer "+t.token)
	return nil
}

// forget drops a token that was refused.
func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = ""
}

// ask asks for a new token. No error quotes what came, which could hold one.
func (t *tokens) ask(ctx context.Context) error {
	address, err := t.address(ctx)
	if err != nil {
		return err
	}
	now := t.now()
	claims := jwt.RegisteredClaims{Issuer: t.ClientID, Subject: t.ClientID, Audience: jwt.ClaimStrings{address}, ID: problem.NewID() + problem.NewID(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(assertionLife))}
	assertion := jwt.NewWithClaims(t.sign.method, claims)
	assertion.Header["kid"] = t.sign.kid
	signed, err := assertion.SignedString(t.sign.key)
	if err != nil {
		return fmt.Errorf("our key does not sign: %w", err)
	}
	scope := t.Scope
	if scope == "" {
		scope = DefaultScope
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion": {signed},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("the address of tokens makes no request")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	var got struct {
		Token   string  `json:"access_token"`
		Type    string  `json:"token_type"`
		Expires float64 `json:"expires_in"`
		Error   string  `json:"error"`
	}
	status, err := t.json(r, &got)
	switch {
	case err != nil:
		return fmt.Errorf("no token: %w", err)
	case status != http.StatusOK && oauthError[got.Error]:
		return fmt.Errorf("no token: answered %d, %s", status, got.Error)
	case status != http.StatusOK || got.Token == "" || !strings.EqualFold(got.Type, "bearer"):
		return fmt.Errorf("no token: answered %d without a bearer token", status)
	}
	if got.Expires <= 0 {
		got.Expires = 60
	}
	life := time.Duration(min(got.Expires, 86400) * float64(time.Second))
	t.token, t.until = got.Token, now.Add(life-min(30*time.Second, life/4))
	return nil
}

// oauthError are the errors of RFC 6749, the only words of an answer that are repeated.
var oauthError = map[string]bool{"invalid_request": true, "invalid_client": true, "invalid_grant": true, "unauthorized_client": true, "unsupported_grant_type": true, "invalid_scope": true}

// address is where tokens are given.
func (t *tokens) address(ctx context.Context) (string, error) {
	if t.TokenURL != "" {
		return t.TokenURL, nil
	}
	if t.where != "" {
		return t.where, nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.base+"/.well-known/smart-configuration", nil)
	if err != nil {
		return "", errors.New("the address makes no request")
	}
	r.Header.Set("Accept", "application/json")
	var got struct {
		Token string `json:"token_endpoint"`
	}
	status, err := t.json(r, &got)
	if err != nil || status != http.StatusOK {
		return "", fmt.Errorf("the server has no .well-known/smart-configuration (answered %d); set smart.token_url", status)
	}
	if err := secure(got.Token); err != nil {
		return "", fmt.Errorf("the server's token_endpoint: %w", err)
	}
	t.where = got.Token
	return t.where, nil
}

// secure refuses addresses that others could read on the way.
func secure(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")) {
		return errors.New("want an https address")
	}
	return nil
}

// json sends a request and reads the answer, which may be of any status.
func (t *tokens) json(r *http.Request, v any) (int, error) {
	answer, err := t.http.Do(r)
	if err != nil {
		return 0, errors.New("no answer")
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxToken))
	if err != nil {
		return answer.StatusCode, errors.New("the answer broke off")
	}
	if json.Unmarshal(b, v) != nil && answer.StatusCode == http.StatusOK {
		return answer.StatusCode, errors.New("the answer is not JSON")
	}
	return answer.StatusCode, nil
}
