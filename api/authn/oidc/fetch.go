package oidc

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// Limits of what an issuer may send.
const (
	fetchTimeout = 5 * time.Second
	maxDocument  = 1 << 20
	maxKeys      = 100
	minRSABits   = 2048
)

// algorithms are those that a token may be signed with. All need a private key:
// with a shared secret, whoever can check a token can make one.
func algorithms() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
		oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
	}
}

// newClient returns a client that follows no redirect, so that documents come
// from where the configuration says, and reads no endless answer.
func newClient(base http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:       fetchTimeout,
		Transport:     limited{base},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// limited cuts answers off.
type limited struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxDocument), res.Body}
	}
	return res, err
}

// fetch reads the issuer's discovery document and the keys that it names.
func fetch(ctx context.Context, client *http.Client, issuer string) ([]jose.JSONWebKey, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, client), fetchTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, issuer) // checks that the document is the issuer's own
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	var doc struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&doc); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	u, err := url.Parse(doc.Keys)
	if err != nil || u.Host == "" || !secureURL(u) {
		return nil, errors.New("discovery: the address of the keys is not one over https")
	}
	return fetchKeys(ctx, client, doc.Keys)
}

func fetchKeys(ctx context.Context, client *http.Client, address string) ([]jose.JSONWebKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("keys: the issuer answered %d", res.StatusCode)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("keys: the issuer publishes more than %d", maxKeys)
	}
	keys := slices.DeleteFunc(parseKeys(set.Keys), func(k jose.JSONWebKey) bool { return !usable(k) })
	if len(keys) == 0 {
		return nil, errors.New("keys: the issuer publishes none that can sign")
	}
	return keys, nil
}

// parseKeys leaves out keys of kinds that are not known: a set may hold those
// of other uses beside the ones that sign.
func parseKeys(raw []json.RawMessage) []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, text := range raw {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(text) == nil {
			keys = append(keys, k)
		}
	}
	return keys
}

// usable reports whether a key is a public one that may sign tokens.
func usable(k jose.JSONWebKey) bool {
	if !k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
		return false
	}
	if k.Algorithm != "" && !slices.Contains(algorithms(), k.Algorithm) {
		return false
	}
	if r, ok := k.Key.(*rsa.PublicKey); ok {
		return r.N.BitLen() >= minRSABits
	}
	return true
}
