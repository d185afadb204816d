package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
)

// Limits of a token.
const (
	maxToken   = 16 << 10
	maxSubject = 255
)

// Options are what a verifier is made of.
type Options struct {
	Log       *slog.Logger
	Now       func() time.Time
	Transport http.RoundTripper // http.DefaultTransport when nil
}

// Verifier checks the tokens of several issuers. It is safe for concurrent use.
type Verifier struct {
	issuers map[string]*issuer
	log     *slog.Logger
	now     func() time.Time
}

var _ authn.Tokens = (*Verifier)(nil)

// New returns a verifier of tokens. It fetches nothing: an issuer that is down
// does not keep the server from starting. Run fetches.
func New(configs []Config, o Options) (*Verifier, error) {
	if err := Check(configs); err != nil {
		return nil, err
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	v := &Verifier{issuers: map[string]*issuer{}, log: o.Log, now: o.Now}
	for _, c := range configs {
		v.issuers[c.Issuer] = newIssuer(c, o)
	}
	return v, nil
}

// Run fetches the issuers' keys and keeps them fresh until ctx ends.
func (v *Verifier) Run(ctx context.Context) {
	var work sync.WaitGroup
	for _, i := range v.issuers {
		work.Go(func() { i.run(ctx) })
	}
	work.Wait()
}

// Verify implements authn.Tokens.
func (v *Verifier) Verify(ctx context.Context, token string) (authn.Identity, error) {
	id, why := v.verify(ctx, token)
	switch {
	case why == nil:
		return id, nil
	case errors.Is(why, errNoKeys):
		return authn.Identity{}, privacy.Errorf(privacy.CodeUnavailable, "the issuer's keys could not be fetched so far")
	}
	v.log.Debug("a token was refused", "reason", why.Error())
	return authn.Identity{}, authn.Unauthenticated()
}

// refusal is why a token does not count. Its text is fixed, so that nobody
// writes into the log.
type refusal string

func (r refusal) Error() string { return string(r) }

// claims are the registered claims of a token.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Party    *string  `json:"azp"`
	Expires  *float64 `json:"exp"`
	Issued   *float64 `json:"iat"`
	NotUntil *float64 `json:"nbf"`
}

func (v *Verifier) verify(ctx context.Context, token string) (authn.Identity, error) {
	i, err := v.issuerOf(token)
	if err != nil {
		return authn.Identity{}, err
	}
	var why error
	verified, err := i.verifier.Verify(context.WithValue(ctx, whyKey{}, &why), token)
	switch {
	case why != nil:
		return authn.Identity{}, why
	case err != nil:
		return authn.Identity{}, refusal("algorithm, issuer or audience")
	}
	var c claims
	var all map[string]any
	if verified.Claims(&c) != nil || verified.Claims(&all) != nil {
		return authn.Identity{}, refusal("claims")
	}
	if err := i.config.checkClaims(c, verified.Audience, v.now()); err != nil {
		return authn.Identity{}, err
	}
	return i.config.identify(c.Subject, all)
}

// issuerOf finds whose a token claims to be. Nothing is believed yet.
func (v *Verifier) issuerOf(token string) (*issuer, error) {
	if len(token) > maxToken {
		return nil, refusal("size")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, refusal("form")
	}
	var header struct {
		Type string `json:"typ"`
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &c) {
		return nil, refusal("form")
	}
	// Tokens of other kinds, such as those that announce a logout, are signed with
	// the same keys for the same audience.
	kind := strings.TrimPrefix(strings.ToLower(header.Type), "application/")
	if !slices.Contains([]string{"", "jwt", "at+jwt"}, kind) {
		return nil, refusal("kind")
	}
	i, ok := v.issuers[c.Issuer]
	if !ok {
		return nil, refusal("issuer")
	}
	return i, nil
}

func decodePart(part string, into any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(raw, into) == nil
}

// checkClaims holds a token whose signature, issuer and audience are right
// against the clock and against who it was issued to.
func (c Config) checkClaims(t claims, audience []string, now time.Time) error {
	skew := c.skew().Seconds()
	at := float64(now.UnixMicro()) / 1e6
	switch {
	case t.Expires == nil || !(*t.Expires+skew > at):
		return refusal("expired")
	case t.Issued == nil || !(*t.Issued-skew <= at):
		return refusal("issued in the future")
	case t.NotUntil != nil && !(*t.NotUntil-skew <= at):
		return refusal("not yet valid")
	case t.Subject == "" || len(t.Subject) > maxSubject:
		return refusal("subject")
	case t.Party != nil && !slices.Contains(c.parties(), *t.Party):
		return refusal("authorized party")
	case t.Party == nil && len(audience) > 1:
		return refusal("several audiences and no authorized party")
	}
	return nil
}

// principalOf names the principal behind a subject: stable, since both parts
// are, and opaque, since neither can be read from it.
func principalOf(issuer, subject string) string {
	text := binary.BigEndian.AppendUint32(nil, uint32(len(issuer)))
	sum := sha256.Sum256(append(append(text, issuer...), subject...))
	return "oidc_" + idEncoding.EncodeToString(sum[:20])
}

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
