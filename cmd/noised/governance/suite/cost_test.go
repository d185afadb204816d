//go:build governance

package suite

import (
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/authn/oidc"
	"github.com/noised/noised/api/authn/oidc/oidctest"
	served "github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/policy"
)

// TestWhatADecisionCosts measures what stands between a request and its handler: the
// check of a token, with the standing of its principal in the store, and the decision
// of the default policies. It reports medians; whether they are low enough is for who
// reads them.
func TestWhatADecisionCosts(t *testing.T) {
	ctx := t.Context()
	db, err := controldb.Open(ctx, filepath.Join(t.TempDir(), "control.db"))
	check(t, err)
	defer func() { check(t, db.Close()) }()
	boss := privacy.Principal{ID: "key_boss", Role: privacy.RoleOperator}
	_, err = catalog.New(db, time.Now).CreateTenant(ctx, attacker, "", boss)
	check(t, err)
	keys := authn.New(db, time.Now)
	_, secret, err := keys.Create(ctx, authn.KeyRequest{Role: privacy.RoleAnalyst, Tenant: attacker}, boss)
	check(t, err)

	issuer := oidctest.Start(t, audience)
	tokens, err := oidc.New([]oidc.Config{{
		Issuer: issuer.URL, Audience: audience, AuthorizedParties: []string{"ann"}, TenantClaim: "org", RolesClaim: "roles",
		RoleMap: map[string]privacy.Role{analyst: privacy.RoleAnalyst},
	}}, oidc.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	check(t, err)
	issuer.SetClient("ann", oidctest.Claims{"org": attacker, "roles": []string{analyst}})
	token := issuer.MustToken("ann")
	go tokens.Run(ctx) // fetches the keys
	eventually(t, "the issuer's keys are fetched", func() bool { _, err := tokens.Verify(ctx, token); return err == nil })

	schema, err := served.PolicySchema()
	check(t, err)
	policies, err := policy.Open(ctx, policy.Options{DB: db, Schema: schema, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	check(t, err)
	gate := &authn.Gate{Keys: keys, Tokens: tokens}
	decide := func(bearer string) func() {
		return func() {
			c, err := gate.Authenticate(ctx, authn.Credentials{Bearer: bearer})
			check(t, err)
			d, err := policies.Decide(ctx, policy.Request{
				Principal: c.Principal, Action: "query", Resource: policy.Resource{Type: policy.TypeDataset, Name: shared}, Tenants: []string{attacker},
				Question: &policy.Question{Purpose: "research", Aggregates: []string{"count"}, Loss: privacy.Loss{Epsilon: 0.5, Delta: 1e-9}},
			})
			if err != nil || !d.Allowed {
				t.Fatalf("%+v, %v", d, err)
			}
		}
	}
	report(t, "policy_ms", median(decide(token)))
	report(t, "policy_key_ms", median(decide(secret)))
}

// median is the median duration of many calls, in milliseconds: the least of several,
// since what others do on the machine only ever adds to it.
func median(call func()) float64 {
	const rounds, calls = 6, 1000
	least := time.Duration(math.MaxInt64)
	took := make([]time.Duration, calls)
	for range rounds {
		for i := range took {
			began := time.Now()
			call()
			took[i] = time.Since(began)
		}
		slices.Sort(took)
		least = min(least, took[calls/2])
	}
	return float64(least.Microseconds()) / 1000
}
