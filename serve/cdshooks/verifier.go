package cdshooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// Client is a system that may call the hooks.
type Client struct {
	Issuer string `mapstructure:"issuer"` // iss of its tokens
	Keys   string `mapstructure:"keys"`   // its public keys (JWKS): a file, or an https address
}

// Verifier checks the tokens of CDS clients: signed by RS384 or ES384 with a key of a known issuer, for the very address that is called,
// issued and in time, and each once.
type Verifier struct {
	clients map[string]*keys
	now     func() time.Time

	mu   sync.Mutex
	seen map[string]time.Time // of a token, until when it could be played again
}

// keys are those of one client.
type keys struct {
	from  string
	mu    sync.Mutex
	set   jose.JSONWebKeySet
	asked time.Time
}

const (
	skew      = 30 * time.Second // between two clocks
	longest   = 5 * time.Minute  // that a token may live, as the standard recommends
	mostSeen  = 100_000          // tokens that are remembered
	askAgain  = time.Minute      // before an address is asked for keys that were not among the last
	keysBytes = 1 << 20
)

// NewVerifier reads the keys that lie in files. Addresses are asked when a first token comes.
func NewVerifier(clients []Client, now func() time.Time) (*Verifier, error) {
	v := &Verifier{clients: map[string]*keys{}, now: now, seen: map[string]time.Time{}}
	var faults []error
	for i, c := range clients {
		if c.Issuer == "" || v.clients[c.Issuer] != nil {
			faults = append(faults, fmt.Errorf("cdshooks.clients[%d].issuer: each client has an issuer of its own", i))
			continue
		}
		k := &keys{from: c.Keys}
		v.clients[c.Issuer] = k
		switch {
		case strings.HasPrefix(c.Keys, "https://"), strings.HasPrefix(c.Keys, "http://127.0.0.1:"), strings.HasPrefix(c.Keys, "http://localhost:"):
		case strings.Contains(c.Keys, "://"):
			faults = append(faults, fmt.Errorf("cdshooks.clients[%d].keys: want a file or an https address", i))
		default:
			b, err := os.ReadFile(c.Keys)
			if err == nil {
				err = json.Unmarshal(b, &k.set)
			}
			if err != nil {
				faults = append(faults, fmt.Errorf("cdshooks.clients[%d].keys: %w", i, err))
			}
		}
	}
	return v, errors.Join(faults...)
}

// find returns the public key of that name.
func (k *keys) find(ctx context.Context, kid string, now time.Time) (any, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := k.set.Key(kid)
	if len(found) == 0 && strings.Contains(k.from, "://") && now.Sub(k.asked) > askAgain {
		k.asked = now
		if err := k.ask(ctx); err != nil {
			return nil, err
		}
		found = k.set.Key(kid)
	}
	if len(found) != 1 || !found[0].Valid() || !found[0].IsPublic() {
		return nil, errors.New("the client has no such public key")
	}
	return found[0].Key, nil
}

// ask reads the keys anew.
func (k *keys) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	failed := errors.New("the client's keys cannot be had")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.from, nil)
	if err != nil {
		return failed
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return failed
	}
	defer answer.Body.Close()
	var set jose.JSONWebKeySet
	if answer.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(answer.Body, keysBytes)).Decode(&set) != nil {
		return failed
	}
	k.set = set
	return nil
}

// Verify checks an Authorization header for a call of an address, and returns the issuer. The error says what is wrong with the token and
// quotes nothing of it.
func (v *Verifier) Verify(ctx context.Context, header, address string) (string, error) {
	scheme, text, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", errors.New("say who asks: Authorization: Bearer JWT")
	}
	var claims jwt.RegisteredClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS384", "ES384"}), jwt.WithAudience(address), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(skew), jwt.WithTimeFunc(v.now), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(strings.TrimSpace(text), &claims, func(t *jwt.Token) (any, error) {
		k := v.clients[claims.Issuer]
		if k == nil {
			return nil, errors.New("its issuer is not known here")
		}
		if jku, ok := t.Header["jku"]; ok && jku != k.from {
			return nil, errors.New("its jku is not where the client's keys are")
		}
		if typ, ok := t.Header["typ"].(string); !ok || !strings.EqualFold(typ, "JWT") {
			return nil, errors.New("its type is not JWT")
		}
		kid, _ := t.Header["kid"].(string)
		return k.find(ctx, kid, v.now())
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "", errors.New("the token has expired")
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return "", errors.New("the token is not for this address")
	case err != nil:
		return "", errors.New("the token is not valid here: its issuer, key, algorithm (RS384, ES384), signature or times")
	case claims.IssuedAt == nil || claims.ID == "" || len(claims.Audience) != 1:
		return "", errors.New("the token needs one aud, iat and jti")
	case claims.ExpiresAt.Sub(claims.IssuedAt.Time) > longest:
		return "", fmt.Errorf("the token lives longer than %v", longest)
	}
	return claims.Issuer, v.once(claims.Issuer+"\x00"+claims.ID, claims.ExpiresAt.Add(skew))
}

// once remembers a token and refuses one that came before.
func (v *Verifier) once(token string, until time.Time) error {
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if end, ok := v.seen[token]; ok && now.Before(end) {
		return errors.New("the token was used before")
	}
	if len(v.seen) >= mostSeen {
		for t, end := range v.seen {
			if !now.Before(end) {
				delete(v.seen, t)
			}
		}
		if len(v.seen) >= mostSeen {
			return errors.New("more tokens came than can be remembered; try again in some minutes")
		}
	}
	v.seen[token] = until
	return nil
}
