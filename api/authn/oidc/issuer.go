package oidc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// How keys are kept.
const (
	refreshEvery = 5 * time.Minute  // keys that an issuer withdraws count no longer than this
	demandEvery  = 10 * time.Second // between fetches for tokens that name an unknown key
	staleAfter   = time.Hour        // after which keys that could not be confirmed are dropped
	maxWait      = time.Second      // of a request for a fetch that another one began
	maxWaiting   = 16               // requests at a time; strangers must not fill the server with them
	firstRetry   = time.Second
	longRetry    = time.Minute
)

// Reasons of a key set.
var (
	errNoKeys     = errors.New("no keys")
	errUnknownKey = errors.New("unknown key")
	errSignature  = errors.New("signature")
)

// issuer keeps the keys of one issuer. It is safe for concurrent use.
type issuer struct {
	config   Config
	client   *http.Client
	now      func() time.Time
	log      *slog.Logger
	verifier *oidc.IDTokenVerifier

	mu      sync.RWMutex
	keys    []jose.JSONWebKey
	fetched time.Time // when keys were last confirmed

	fetching chan struct{} // holds one token: one fetch at a time
	waiting  chan struct{} // holds one token for each request that may wait
	demanded time.Time     // when a bearer token last made a fetch; guarded by fetching
}

func newIssuer(c Config, o Options) *issuer {
	i := &issuer{
		config: c, client: newClient(o.Transport), now: o.Now, log: o.Log,
		fetching: make(chan struct{}, 1), waiting: make(chan struct{}, maxWaiting),
	}
	// Times are checked with the configured tolerance, in verify.
	i.verifier = oidc.NewVerifier(c.Issuer, i, &oidc.Config{ClientID: c.Audience, SupportedSigningAlgs: algorithms(), SkipExpiryCheck: true, Now: o.Now})
	return i
}

// run fetches keys until ctx ends: at once, then regularly, and soon again
// while that fails.
func (i *issuer) run(ctx context.Context) {
	retry := firstRetry
	for {
		wait := refreshEvery
		if err := i.refresh(ctx); err != nil && ctx.Err() == nil {
			wait = retry
			retry = min(2*retry, longRetry)
			i.log.Warn("the keys of an issuer cannot be fetched; trying again", "issuer", i.config.Issuer, "ready", i.ready(), "retry", wait, "error", err)
		} else {
			retry = firstRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// refresh fetches the keys.
func (i *issuer) refresh(ctx context.Context) error {
	select {
	case i.fetching <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-i.fetching }()
	return i.load(ctx)
}

// load fetches the keys. The caller holds fetching.
func (i *issuer) load(ctx context.Context) error {
	keys, err := fetch(ctx, i.client, i.config.Issuer)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.keys == nil {
		i.log.Info("the keys of an issuer were fetched", "issuer", i.config.Issuer, "keys", len(keys))
	}
	i.keys, i.fetched = keys, i.now()
	return nil
}

// demand fetches the keys for a token that names an unknown one, unless another
// token did so a moment ago. It is false when it cannot tell whether there is
// such a key. A caller that hangs up does not stop the fetch, which others wait
// for.
func (i *issuer) demand(ctx context.Context, missing func([]jose.JSONWebKey) bool) bool {
	select {
	case i.waiting <- struct{}{}:
		defer func() { <-i.waiting }()
	default:
		return false
	}
	wait, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	select {
	case i.fetching <- struct{}{}:
		defer func() { <-i.fetching }()
	case <-wait.Done():
		return false
	}
	if keys, _ := i.current(); !missing(keys) || i.now().Sub(i.demanded) < demandEvery {
		return true
	}
	i.demanded = i.now()
	if err := i.load(context.WithoutCancel(ctx)); err != nil {
		i.log.Warn("the keys of an issuer cannot be fetched", "issuer", i.config.Issuer, "error", err)
		return false
	}
	return true
}

// current returns the keys that count now, false when there are none.
func (i *issuer) current() ([]jose.JSONWebKey, bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if len(i.keys) == 0 || i.now().Sub(i.fetched) > staleAfter {
		return nil, false
	}
	return i.keys, true
}

func (i *issuer) ready() bool {
	_, ok := i.current()
	return ok
}

// whyKey is the context key of a *error that learns why a signature does not
// hold: the library passes on no more than its text.
type whyKey struct{}

// VerifySignature implements oidc.KeySet. It returns the payload of a token that
// one of the issuer's keys signed.
func (i *issuer) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := i.payload(ctx, token)
	if why, ok := ctx.Value(whyKey{}).(*error); ok {
		*why = err
	}
	return payload, err
}

func (i *issuer) payload(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, signatureAlgorithms())
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errSignature
	}
	id, alg := jws.Signatures[0].Header.KeyID, jws.Signatures[0].Header.Algorithm
	missing := func(keys []jose.JSONWebKey) bool { return len(candidates(keys, id, alg)) == 0 }
	keys, ok := i.current()
	if !ok || missing(keys) {
		told := i.demand(ctx, missing)
		if keys, ok = i.current(); !ok || !told {
			return nil, errNoKeys
		}
	}
	found := candidates(keys, id, alg)
	if len(found) == 0 {
		return nil, errUnknownKey
	}
	for _, k := range found {
		if payload, err := jws.Verify(k.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errSignature
}

// candidates are the keys that a token may have been signed with. One without a
// key id may have been by any.
func candidates(keys []jose.JSONWebKey, id, alg string) []jose.JSONWebKey {
	var found []jose.JSONWebKey
	for _, k := range keys {
		if (id == "" || k.KeyID == id) && (k.Algorithm == "" || k.Algorithm == alg) {
			found = append(found, k)
		}
	}
	return found
}

func signatureAlgorithms() []jose.SignatureAlgorithm {
	var algs []jose.SignatureAlgorithm
	for _, a := range algorithms() {
		algs = append(algs, jose.SignatureAlgorithm(a))
	}
	return algs
}
