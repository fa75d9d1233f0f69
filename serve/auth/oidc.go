package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// OIDC says whose tokens are taken.
type OIDC struct {
	Issuer   string `mapstructure:"issuer"`   // https://login.hospital.example
	Audience string `mapstructure:"audience"` // that a token must name
	// Scope is what a token's scope must hold; followed by a colon and a model's name, it is for that model only.
	Scope string `mapstructure:"scope"`
}

// verifier checks tokens. The provider is asked for its keys when the first token comes, so that a server starts without it.
type verifier struct {
	OIDC
	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
}

func newVerifier(c OIDC) (*verifier, error) {
	if c.Audience == "" || c.Scope == "" {
		return nil, errors.New("auth.oidc: an issuer needs an audience and a scope")
	}
	return &verifier{OIDC: c}, nil
}

// algorithms that are taken: none that is symmetric, and never none.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// keys returns what verifies a token's signature, asking the provider once.
func (v *verifier) keys(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, v.Issuer)
	if err != nil {
		return nil, errors.New("the token's provider cannot be asked for its keys")
	}
	v.verifier = provider.VerifierContext(context.WithoutCancel(ctx), &oidc.Config{ClientID: v.Audience, SupportedSigningAlgs: algorithms})
	return v.verifier, nil
}

// verify returns the principal of a token: its subject, and the models that its scope names.
func (v *verifier) verify(ctx context.Context, token string) (Principal, error) {
	keys, err := v.keys(ctx)
	if err != nil {
		return Principal{}, err
	}
	t, err := keys.Verify(ctx, token)
	if err != nil {
		var expired *oidc.TokenExpiredError
		if errors.As(err, &expired) {
			return Principal{}, errors.New("the token has expired")
		}
		return Principal{}, errors.New("the token is not valid here: its signature, issuer or audience is not the one that is wanted")
	}
	var claims struct {
		Scope any `json:"scope"`
	}
	if err := t.Claims(&claims); err != nil {
		return Principal{}, errors.New("the token has no claims that can be read")
	}
	p := Principal{Name: t.Subject}
	all := false
	for _, s := range scopes(claims.Scope) {
		if s == v.Scope {
			all = true
		} else if model, ok := strings.CutPrefix(s, v.Scope+":"); ok && model != "" {
			p.Models = append(p.Models, model)
		}
	}
	switch {
	case all:
		p.Models = nil
	case len(p.Models) == 0:
		return Principal{}, fmt.Errorf("the token's scope does not hold %s", v.Scope)
	}
	return p, nil
}

// scopes reads a scope claim: a text of words, or a list.
func scopes(claim any) []string {
	switch c := claim.(type) {
	case string:
		return strings.Fields(c)
	case []any:
		var out []string
		for _, e := range c {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
