// Package oidctest runs an OpenID Connect provider in the process of a test. It
// is zitadel/oidc's own server over a storage in memory: discovery, keys, the
// client credentials grant and revocation are what a real provider answers.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Claims are what a token says beside the registered claims.
type Claims map[string]any

// Provider is an issuer with clients of its own.
type Provider struct {
	URL string // the issuer

	t      testing.TB
	server *httptest.Server
	routes http.Handler

	mu       sync.Mutex
	down     bool
	fetches  int // of the keys
	serial   int
	keys     []*Key // the first one signs
	clients  map[string]Claims
	audience []string
	lifetime time.Duration
}

// Key is a key that the provider signs with.
type Key struct {
	id      string
	Private *ecdsa.PrivateKey
}

// Start runs a provider until the test ends. Its tokens are for one audience.
func Start(t testing.TB, audience string) *Provider {
	t.Helper()
	p := &Provider{t: t, clients: map[string]Claims{}, audience: []string{audience}, lifetime: 5 * time.Minute}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	p.URL = p.server.URL
	p.Rotate()
	provider, err := op.NewProvider(&op.Config{CodeMethodS256: true}, &storage{provider: p}, op.StaticIssuer(p.URL), op.WithAllowInsecure())
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes = provider
	return p
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	down, routes := p.down, p.routes
	if r.URL.Path == "/keys" {
		p.fetches++
	}
	p.mu.Unlock()
	if down {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	routes.ServeHTTP(w, r)
}

// SetDown makes the provider answer nothing but 502.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Fetches counts how often the keys were asked for.
func (p *Provider) Fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

// SetLifetime says how long tokens live from now on.
func (p *Provider) SetLifetime(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lifetime = d
}

// Rotate signs with a new key from now on. The keys before stay published.
func (p *Provider) Rotate() *Key {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	k := &Key{id: fmt.Sprintf("key-%d", p.serial), Private: private}
	p.keys = slices.Insert(p.keys, 0, k)
	return k
}

// Withdraw publishes the newest key only.
func (p *Provider) Withdraw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = p.keys[:1]
}

// SetClient registers who may get tokens, and what these say.
func (p *Provider) SetClient(id string, c Claims) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[id] = c
}

// Revoke takes a client's registration back: it gets no more tokens.
func (p *Provider) Revoke(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.clients, id)
}

// Token asks the provider's token endpoint, as the client.
func (p *Provider) Token(client string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"openid"}}
	req, err := http.NewRequest(http.MethodPost, p.URL+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(client, "secret of "+client)
	res, err := p.server.Client().Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("the provider answered %d, %w", res.StatusCode, errors.Join(err, errNoToken))
	}
	return answer.Token, nil
}

var errNoToken = errors.New("no token")

// MustToken is Token in a test that goes no further without.
func (p *Provider) MustToken(client string) string {
	p.t.Helper()
	token, err := p.Token(client)
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// Claims are those of a good token, to be changed and signed by Sign.
func (p *Provider) Claims(subject string, now time.Time) Claims {
	return Claims{
		"iss": p.URL, "sub": subject, "aud": p.audience,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
}

// Sign makes a token that the provider itself would not make.
func (p *Provider) Sign(c Claims) string {
	p.mu.Lock()
	k := p.keys[0]
	p.mu.Unlock()
	return Sign(p.t, jose.SigningKey{Algorithm: jose.ES256, Key: k.Private}, k.id, "JWT", c)
}

// KeyID names the key that signs now.
func (p *Provider) KeyID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[0].id
}

// Sign makes a token with any key, key id and type.
func Sign(t testing.TB, key jose.SigningKey, id, kind string, c Claims) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(kind))
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
