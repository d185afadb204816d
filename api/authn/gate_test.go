package authn

import (
	"context"
	"crypto/x509"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
)

// named answers with the identity that a token or a certificate stands for.
type named map[string]Identity

func (n named) Verify(_ context.Context, token string) (Identity, error) {
	id, ok := n[token]
	if !ok {
		return Identity{}, Unauthenticated()
	}
	return id, nil
}

type oneCertificate struct{ id Identity }

func (o oneCertificate) Verify([]*x509.Certificate) (Identity, error) { return o.id, nil }

func TestOneRoleInEachCall(t *testing.T) {
	keys := open(t)
	analyst, contributor, operator := privacy.RoleAnalyst, privacy.RoleContributor, privacy.RoleOperator
	g := &Gate{Keys: keys.Keys, Tokens: named{
		"one":      {ID: "oidc_one", Tenant: "a", Roles: []privacy.Role{analyst}, Group: "lab"},
		"two":      {ID: "oidc_two", Tenant: "a", Roles: []privacy.Role{analyst, contributor}},
		"none":     {ID: "oidc_none", Tenant: "a"},
		"nowhere":  {ID: "oidc_nowhere", Tenant: "zzz", Roles: []privacy.Role{analyst}},
		"homeless": {ID: "oidc_homeless", Roles: []privacy.Role{contributor}},
		"chief":    {ID: "oidc_chief", Tenant: "a", Roles: []privacy.Role{operator, contributor}},
	}}
	for _, c := range []struct {
		token, role string
		want        privacy.Principal
		code        privacy.Code
	}{
		{"one", "", privacy.Principal{ID: "oidc_one", Tenant: "a", Role: analyst, Group: "lab"}, ""},
		{"one", "analyst", privacy.Principal{ID: "oidc_one", Tenant: "a", Role: analyst, Group: "lab"}, ""},
		{"one", "contributor", privacy.Principal{}, privacy.CodeForbidden},
		{"one", "root", privacy.Principal{}, privacy.CodeForbidden},
		{"two", "", privacy.Principal{}, privacy.CodeInvalidRequest},
		{"two", "contributor", privacy.Principal{ID: "oidc_two", Tenant: "a", Role: contributor}, ""},
		{"none", "", privacy.Principal{}, privacy.CodeForbidden},
		{"nowhere", "", privacy.Principal{}, privacy.CodeUnauthenticated},
		{"homeless", "", privacy.Principal{}, privacy.CodeForbidden},
		{"chief", "operator", privacy.Principal{ID: "oidc_chief", Role: operator}, ""},
		{"chief", "contributor", privacy.Principal{ID: "oidc_chief", Tenant: "a", Role: contributor}, ""},
		{"other", "", privacy.Principal{}, privacy.CodeUnauthenticated},
		{"", "", privacy.Principal{}, privacy.CodeUnauthenticated},
	} {
		got, err := g.Authenticate(t.Context(), Credentials{Bearer: c.token, Role: c.role})
		if got.Principal != c.want || (err == nil) != (c.code == "") || err != nil && privacy.CodeOf(err) != c.code {
			t.Errorf("%q as %q: %+v, %v", c.token, c.role, got.Principal, err)
		}
		if who, ok := KnownAs(err); ok != (c.code == privacy.CodeForbidden || c.code == privacy.CodeInvalidRequest) || ok && who.ID != "oidc_"+c.token {
			t.Errorf("%q as %q is on record as %q", c.token, c.role, who.ID)
		}
		if err == nil && got.Lasting {
			t.Errorf("%q lasts", c.token)
		}
	}
	if _, err := (&Gate{Keys: keys.Keys}).Authenticate(t.Context(), Credentials{Bearer: "one"}); privacy.CodeOf(err) != privacy.CodeUnauthenticated {
		t.Errorf("a token where none are accepted: %v", err)
	}
}

func TestACertificateAndABearerSecretMustAgree(t *testing.T) {
	keys := open(t)
	_, secret, err := keys.Create(t.Context(), KeyRequest{Role: privacy.RoleContributor, Tenant: "a"}, System())
	if err != nil {
		t.Fatal(err)
	}
	presented := []*x509.Certificate{{}}
	gate := func(tenant string, role privacy.Role) *Gate {
		return &Gate{Keys: keys.Keys, Certificates: oneCertificate{Identity{ID: "cert_x", Tenant: tenant, Roles: []privacy.Role{role}}}}
	}
	same := gate("a", privacy.RoleContributor)
	if got, err := same.Authenticate(t.Context(), Credentials{Certificates: presented}); err != nil || got.Principal.ID != "cert_x" {
		t.Errorf("the certificate alone: %+v, %v", got.Principal, err)
	}
	if got, err := same.Authenticate(t.Context(), Credentials{Certificates: presented, Bearer: secret}); err != nil || got.Principal.ID[:4] != "key_" || !got.Lasting {
		t.Errorf("both: %+v, %v", got.Principal, err)
	}
	for name, g := range map[string]*Gate{
		"of another tenant": gate("b", privacy.RoleContributor), "of another role": gate("a", privacy.RoleAnalyst), "of no tenant": gate("", privacy.RoleAnalyst),
		"where none are accepted": {Keys: keys.Keys},
	} {
		if _, err := g.Authenticate(t.Context(), Credentials{Certificates: presented, Bearer: secret}); privacy.CodeOf(err) != privacy.CodeUnauthenticated {
			t.Errorf("a certificate %s beside the key: %v", name, err)
		}
	}
	if _, err := same.Authenticate(t.Context(), Credentials{Certificates: presented, Bearer: secret + "x"}); privacy.CodeOf(err) != privacy.CodeUnauthenticated {
		t.Errorf("a good certificate beside a bad key: %v", err)
	}
}

func TestARevokedPrincipalIsRefusedWhateverItSends(t *testing.T) {
	keys := open(t)
	k, secret, err := keys.Create(t.Context(), KeyRequest{Role: privacy.RoleAnalyst, Tenant: "a"}, System())
	if err != nil {
		t.Fatal(err)
	}
	analyst := []privacy.Role{privacy.RoleAnalyst}
	g := &Gate{Keys: keys.Keys, Tokens: named{"token": {ID: "oidc_x", Tenant: "a", Roles: analyst}}, Certificates: oneCertificate{Identity{ID: "cert_x", Tenant: "a", Roles: analyst}}}
	for id, c := range map[string]Credentials{
		k.Principal: {Bearer: secret}, "oidc_x": {Bearer: "token"}, "cert_x": {Certificates: []*x509.Certificate{{}}},
	} {
		if _, err := g.Authenticate(t.Context(), c); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		for range 2 {
			if err := keys.RevokePrincipal(t.Context(), id, System()); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
		}
		if _, err := g.Authenticate(t.Context(), c); privacy.CodeOf(err) != privacy.CodeUnauthenticated {
			t.Errorf("%s, revoked: %v", id, err)
		}
	}
	for id, code := range map[string]privacy.Code{"": privacy.CodeInvalidRequest, "ann@example.org": privacy.CodeInvalidRequest, System().ID: privacy.CodeInvalidRequest} {
		if err := keys.RevokePrincipal(t.Context(), id, System()); privacy.CodeOf(err) != code {
			t.Errorf("revoking %q: %v", id, err)
		}
	}
	admin := privacy.Principal{ID: "key_admin", Role: privacy.RoleTenantAdmin, Tenant: "a"}
	if err := keys.RevokePrincipal(t.Context(), "oidc_y", admin); privacy.CodeOf(err) != privacy.CodeForbidden {
		t.Errorf("a tenant admin: %v", err)
	}
	operator := privacy.Principal{ID: "key_op", Role: privacy.RoleOperator}
	if err := keys.RevokePrincipal(t.Context(), "key_op", operator); privacy.CodeOf(err) != privacy.CodeConflict {
		t.Errorf("itself: %v", err)
	}
}

func TestASuspendedTenantIsSuspendedForAll(t *testing.T) {
	keys := open(t)
	g := &Gate{Keys: keys.Keys, Tokens: named{"token": {ID: "oidc_x", Tenant: "a", Roles: []privacy.Role{privacy.RoleAnalyst}}}}
	keys.ok(keys.catalog.SetSuspended(t.Context(), "a", true, System()))
	if _, err := g.Authenticate(t.Context(), Credentials{Bearer: "token"}); privacy.CodeOf(err) != privacy.CodeSuspended {
		t.Errorf("got %v", err)
	}
}

func TestARotatedKeyIsTheSamePrincipal(t *testing.T) {
	keys := open(t)
	end := keys.now().Add(100 * time.Hour)
	old, oldSecret, err := keys.Create(t.Context(), KeyRequest{Role: privacy.RoleAnalyst, Tenant: "a", Group: "lab", Name: "ann", ExpiresAt: &end}, System())
	if err != nil {
		t.Fatal(err)
	}
	keys.at = keys.at.Add(10 * time.Hour)
	next, nextSecret, err := keys.Rotate(t.Context(), old.ID, 24*time.Hour, System())
	if err != nil {
		t.Fatal(err)
	}
	if next.ID == old.ID || next.Principal != old.ID || next.Role != old.Role || next.Tenant != "a" || next.Group != "lab" || next.Name != "ann" ||
		next.RotatedFrom != old.ID || !next.ExpiresAt.Equal(keys.now().Add(100*time.Hour)) {
		t.Errorf("the new key is %+v", next)
	}
	both := func() (o, n privacy.Principal, oErr, nErr error) {
		o, oErr = keys.Authenticate(t.Context(), oldSecret)
		n, nErr = keys.Authenticate(t.Context(), nextSecret)
		return
	}
	if o, n, oErr, nErr := both(); oErr != nil || nErr != nil || o != n {
		t.Errorf("in the overlap: %+v, %v and %+v, %v", o, oErr, n, nErr)
	}
	keys.at = keys.at.Add(24 * time.Hour)
	if _, n, oErr, nErr := both(); privacy.CodeOf(oErr) != privacy.CodeUnauthenticated || nErr != nil || n.ID != old.ID {
		t.Errorf("after the overlap: %v and %+v, %v", oErr, n, nErr)
	}
	third, _, err := keys.Rotate(t.Context(), next.ID, 0, System())
	if err != nil || third.Principal != old.ID {
		t.Errorf("rotated again: %+v, %v", third, err)
	}
	if _, _, _, nErr := both(); privacy.CodeOf(nErr) != privacy.CodeUnauthenticated {
		t.Errorf("after no overlap: %v", nErr)
	}
}

func TestWhoMayRotateWhat(t *testing.T) {
	keys := open(t)
	create := func(tenant string) string {
		k, _, err := keys.Create(t.Context(), KeyRequest{Role: privacy.RoleAnalyst, Tenant: tenant}, System())
		if err != nil {
			t.Fatal(err)
		}
		return k.ID
	}
	own, foreign, ended, twice := create("a"), create("b"), create("a"), create("a")
	if err := keys.Revoke(t.Context(), ended, System()); err != nil {
		t.Fatal(err)
	}
	admin := privacy.Principal{ID: "key_admin", Role: privacy.RoleTenantAdmin, Tenant: "a"}
	if _, _, err := keys.Rotate(t.Context(), twice, 0, admin); err != nil {
		t.Errorf("its own: %v", err)
	}
	for name, c := range map[string]struct {
		id      string
		overlap time.Duration
		by      privacy.Principal
		code    privacy.Code
	}{
		"another tenant's": {foreign, 0, admin, privacy.CodeNotFound},
		"none":             {"key_none", 0, admin, privacy.CodeNotFound},
		"a revoked one":    {ended, 0, admin, privacy.CodeConflict},
		"one twice":        {twice, 0, admin, privacy.CodeConflict},
		"for too long":     {own, MaxOverlap + 1, admin, privacy.CodeInvalidRequest},
		"for less than 0":  {own, -1, admin, privacy.CodeInvalidRequest},
		"as an analyst":    {own, 0, privacy.Principal{ID: own, Role: privacy.RoleAnalyst, Tenant: "a"}, privacy.CodeForbidden},
	} {
		if _, _, err := keys.Rotate(t.Context(), c.id, c.overlap, c.by); privacy.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUsesAreWrittenTogetherAndLater(t *testing.T) {
	keys := open(t)
	k, secret, err := keys.Create(t.Context(), KeyRequest{Role: privacy.RoleAnalyst}, System())
	if err != nil {
		t.Fatal(err)
	}
	lastUse := func() *time.Time {
		list, err := keys.List(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range list {
			if l.ID == k.ID {
				return l.LastUsedAt
			}
		}
		return nil
	}
	for range 3 {
		if _, err := keys.Authenticate(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	if got := lastUse(); got != nil {
		t.Errorf("a call wrote its use at once: %v", got)
	}
	if err := keys.writeUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := lastUse(); got == nil || !got.Equal(keys.now().UTC().Truncate(time.Microsecond)) {
		t.Errorf("last used %v, want %v", got, keys.now())
	}
	if err := keys.Revoke(t.Context(), k.ID, System()); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Authenticate(t.Context(), secret); err == nil {
		t.Fatal("a revoked key")
	}
	if len(keys.uses.take()) != 0 {
		t.Error("a refused call counts as a use")
	}
}

func BenchmarkGate(b *testing.B) {
	keys := open(b)
	_, secret, err := keys.Create(b.Context(), KeyRequest{Role: privacy.RoleAnalyst, Tenant: "a"}, System())
	if err != nil {
		b.Fatal(err)
	}
	g := &Gate{Keys: keys.Keys, Tokens: named{"token": {ID: "oidc_x", Tenant: "a", Roles: []privacy.Role{privacy.RoleAnalyst}}}}
	for name, bearer := range map[string]string{"key": secret, "standing": "token"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := g.Authenticate(b.Context(), Credentials{Bearer: bearer}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
