//go:build governance

package suite

import (
	"net/http"
	"testing"
	"time"

	"github.com/noised/noised/api/authn/oidc/oidctest"
	"github.com/noised/noised/api/wire"
)

// TestIdentityFromIssueToRevocation: a provider issues, rotates and revokes, and the
// server follows each step.
func TestIdentityFromIssueToRevocation(t *testing.T) {
	s := newServer(t, newCA(t))
	op := s.api(s.operator)
	for _, tenant := range []string{attacker, victim} {
		_, err := op.CreateTenant(t.Context(), tenant, "")
		check(t, err)
	}
	id := attacker + "-" + analyst
	s.issuer.SetClient(id, oidctest.Claims{"org": attacker, "roles": []string{analyst, contributor}})
	c := &caller{client: s.client()}
	as := func(token, role string) request {
		c.bearer = token
		r := request{method: http.MethodGet, path: "/v1/releases"}
		if role != "" {
			r.header = http.Header{wire.HeaderRole: {role}}
		}
		return r
	}
	steps := 0
	step := func(what, token, role string, want int) {
		t.Helper()
		steps++
		if a := s.send(c, as(token, role)); a.status != want {
			t.Errorf("%s: %d %s, want %d", what, a.status, a.body, want)
		}
	}
	first := s.issuer.MustToken(id)
	step("a token with two roles and none named", first, "", http.StatusBadRequest)
	step("as an analyst", first, analyst, http.StatusOK)
	step("as a contributor, who has no releases", first, contributor, http.StatusForbidden)
	step("as somebody that the token does not grant", first, operator, http.StatusForbidden)

	s.issuer.Rotate()
	second := s.issuer.MustToken(id)
	step("a token of the next key", second, analyst, http.StatusOK)
	step("a token of the key before, which is still published", first, analyst, http.StatusOK)
	s.issuer.Withdraw()
	s.issuer.Rotate()
	s.issuer.Withdraw()
	third := s.issuer.MustToken(id)
	// Keys that nobody knows are asked for every ten seconds at most.
	eventually(t, "the next key is fetched", func() bool { return s.send(c, as(third, analyst)).ok() })
	step("a token of a key that is not published any more", first, analyst, http.StatusUnauthorized)

	for what, token := range s.deadTokens(attacker, analyst) {
		step(what, token, analyst, http.StatusUnauthorized)
	}
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	skewed := func(from, to time.Duration) string {
		claims := s.issuer.Claims(id, time.Now())
		claims["org"], claims["roles"] = attacker, analyst
		claims["iat"], claims["nbf"], claims["exp"] = at(from), at(from), at(to)
		return s.issuer.Sign(claims)
	}
	step("expired within the tolerance for clocks", skewed(-time.Hour, -10*time.Second), analyst, http.StatusOK)
	step("valid from within it", skewed(10*time.Second, time.Hour), analyst, http.StatusOK)
	step("expired beyond it", skewed(-time.Hour, -45*time.Second), analyst, http.StatusUnauthorized)
	step("valid from beyond it", skewed(45*time.Second, time.Hour), analyst, http.StatusUnauthorized)

	s.issuer.Revoke(id)
	if _, err := s.issuer.Token(id); err == nil {
		t.Error("the provider gives out a token after the revocation")
	}
	check(t, op.RevokePrincipal(t.Context(), s.principalOf(c, third)))
	step("the first call after the revocation", third, analyst, http.StatusUnauthorized)
	report(t, "identity_steps", steps)
}

// principalOf is who a token stands for, as the record of a refusal has it.
func (s *server) principalOf(c *caller, token string) string {
	s.t.Helper()
	c.bearer = token
	refused := s.send(c, request{method: http.MethodGet, path: "/v1/admin/keys", header: http.Header{wire.HeaderRole: {analyst}}})
	principal := ""
	eventually(s.t, "the refusal is on record", func() bool {
		l, err := s.api(s.operator).Refusals(s.t.Context(), wire.RefusalSearch{Operation: "listKeys", Limit: 500})
		check(s.t, err)
		for _, r := range l.Items {
			if r.Request != nil && *r.Request == refused.id() && r.Principal != nil {
				principal = *r.Principal
			}
		}
		return principal != ""
	})
	return principal
}

// TestARevokedKeyIsRefusedAtItsNextCall, however often it was good before.
func TestARevokedKeyIsRefusedAtItsNextCall(t *testing.T) {
	s := newServer(t, newCA(t))
	op := s.api(s.operator)
	_, err := op.CreateTenant(t.Context(), attacker, "")
	check(t, err)
	get := request{method: http.MethodGet, path: "/v1/releases"}
	for range 20 {
		k, err := op.CreateKey(t.Context(), wire.KeyRequest{Role: wire.Analyst, Tenant: ptr(attacker)})
		check(t, err)
		c := &caller{client: s.client(), bearer: k.Key}
		for range 3 {
			if a := s.send(c, get); a.status != http.StatusOK {
				t.Fatalf("a good key: %d %s", a.status, a.body)
			}
		}
		check(t, op.RevokeKey(t.Context(), k.ID))
		if a := s.send(c, get); a.status != http.StatusUnauthorized {
			t.Errorf("the first call after the revocation: %d %s", a.status, a.body)
		}
	}
	report(t, "revoked_refused_at_next_call", true)
}

// TestACertificateIsNoBearerToken: who has seen a certificate lacks its key, and in a
// header it proves nothing.
func TestACertificateIsNoBearerToken(t *testing.T) {
	s := newServer(t, newCA(t))
	_, err := s.api(s.operator).CreateTenant(t.Context(), attacker, "")
	check(t, err)
	get := request{method: http.MethodGet, path: "/v1/admin/tenants/" + attacker + "/keys"}
	uri := "noised://" + attacker + "/" + tenantAdmin
	good := s.ca.service(uri, nil)
	if a := s.send(&caller{client: s.client(good)}, get); a.status != http.StatusOK {
		t.Fatalf("its own: %d %s", a.status, a.body)
	}
	replayed := s.ca.service(uri, nil)
	replayed.Certificate = good.Certificate
	if res, err := s.client(replayed).Get(s.URL + get.path); err == nil {
		res.Body.Close()
		t.Errorf("a certificate without its key: %s", res.Status)
	}
}
