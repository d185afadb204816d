package oidctest

import (
	"context"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// storage is what the provider asks for in the flows that tests use. The other
// methods are of a nil interface: calling them is a mistake of the test.
type storage struct {
	op.Storage
	provider *Provider
}

// Health implements op.Storage.
func (s *storage) Health(context.Context) error { return nil }

// SignatureAlgorithms implements op.Storage.
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

// SigningKey implements op.Storage.
func (s *storage) SigningKey(context.Context) (op.SigningKey, error) {
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	return signingKey{s.provider.keys[0]}, nil
}

// KeySet implements op.Storage.
func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	var keys []op.Key
	for _, k := range s.provider.keys {
		keys = append(keys, publicKey{k})
	}
	return keys, nil
}

// ClientCredentials implements op.ClientCredentialsStorage.
func (s *storage) ClientCredentials(_ context.Context, id, secret string) (op.Client, error) {
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	if _, ok := s.provider.clients[id]; !ok || secret != "secret of "+id {
		return nil, errors.New("unknown client")
	}
	return client{id: id}, nil
}

// ClientCredentialsTokenRequest implements op.ClientCredentialsStorage.
func (s *storage) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return &request{subject: id, audience: s.provider.audience, scopes: scopes}, nil
}

// CreateAccessToken implements op.Storage.
func (s *storage) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	return "token of " + r.GetSubject(), time.Now().Add(s.provider.lifetime), nil
}

// GetPrivateClaimsFromScopes implements op.Storage.
func (s *storage) GetPrivateClaimsFromScopes(_ context.Context, subject, _ string, _ []string) (map[string]any, error) {
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	return s.provider.clients[subject], nil
}

type signingKey struct{ k *Key }

// ID implements op.SigningKey.
func (s signingKey) ID() string { return s.k.id }

// Key implements op.SigningKey.
func (s signingKey) Key() any { return s.k.Private }

// SignatureAlgorithm implements op.SigningKey.
func (s signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }

type publicKey struct{ k *Key }

// ID implements op.Key.
func (p publicKey) ID() string { return p.k.id }

// Key implements op.Key.
func (p publicKey) Key() any { return &p.k.Private.PublicKey }

// Algorithm implements op.Key.
func (p publicKey) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }

// Use implements op.Key.
func (p publicKey) Use() string { return "sig" }

// client is a registered client, as far as the client credentials grant asks.
type client struct {
	op.Client
	id string
}

// GetID implements op.Client.
func (c client) GetID() string { return c.id }

// AccessTokenType implements op.Client.
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// GrantTypes implements op.Client.
func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeClientCredentials}
}

// ClockSkew implements op.Client.
func (c client) ClockSkew() time.Duration { return 0 }

// RestrictAdditionalAccessTokenScopes implements op.Client.
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

type request struct {
	subject  string
	audience []string
	scopes   []string
}

// GetSubject implements op.TokenRequest.
func (r *request) GetSubject() string { return r.subject }

// GetAudience implements op.TokenRequest.
func (r *request) GetAudience() []string { return r.audience }

// GetScopes implements op.TokenRequest.
func (r *request) GetScopes() []string { return r.scopes }
