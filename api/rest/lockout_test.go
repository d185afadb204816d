package rest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
)

// oneToken is an issuer that knows one token.
type oneToken struct {
	token string
	id    authn.Identity
}

func (o oneToken) Verify(_ context.Context, token string) (authn.Identity, error) {
	if token != o.token {
		return authn.Identity{}, authn.Unauthenticated()
	}
	return o.id, nil
}

func TestWhoFailsWaitsAndWhoWasGoodDoesNot(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.AuthFailures = 10 })
	list := func(key string) answer { return h.do(ask{method: "GET", path: "/v1/releases", key: key}) }
	if got := list(h.secret[privacy.RoleAnalyst]); got.status != http.StatusOK {
		t.Fatal(got)
	}
	guess := func(i int) string { return authn.Prefix + fmt.Sprintf("%052d", i) }
	for i := range 10 {
		if got := list(guess(i)); got.code() != privacy.CodeUnauthenticated {
			t.Fatalf("guess %d: %s", i, got)
		}
	}
	fresh, _ := h.key(privacy.RoleAnalyst, "a")
	wrong, right := list(guess(99)), list(fresh)
	if wrong.code() != privacy.CodeRateLimited || wrong.header.Get("Retry-After") != "1" {
		t.Errorf("a guess from a locked address: %s", wrong)
	}
	if string(wrong.body) != string(right.body) || wrong.status != right.status {
		t.Errorf("what was sent shows while the address is locked: %s and %s", wrong, right)
	}
	if got := list(h.secret[privacy.RoleAnalyst]); got.status != http.StatusOK {
		t.Errorf("a key that was good from there: %s", got)
	}
	h.clock.advance(time.Second)
	if got := list(fresh); got.status != http.StatusOK {
		t.Errorf("after the wait: %s", got)
	}
	// Each failure doubles the wait, and a success of somebody else changes nothing.
	for range 3 {
		list(guess(100))
		h.clock.advance(10 * time.Second)
	}
	list(guess(101))
	wait, err := strconv.Atoi(list(guess(102)).header.Get("Retry-After"))
	if err != nil || wait < 8 {
		t.Errorf("after more failures it waits %d s, %v", wait, err)
	}
}

func TestRefusalsThatAreNotFailuresLockNobodyOut(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.AuthFailures = 3 })
	for range 20 {
		if got := h.do(ask{method: "GET", path: "/v1/admin/keys", key: h.secret[privacy.RoleAnalyst]}); got.code() != privacy.CodeForbidden {
			t.Fatal(got)
		}
	}
	for range 20 { // without credentials there is nothing to guess
		if got := h.do(ask{method: "GET", path: "/v1/releases"}); got.code() != privacy.CodeUnauthenticated {
			t.Fatal(got)
		}
	}
	for role, want := range map[string]privacy.Code{"operator": privacy.CodeForbidden, "root": privacy.CodeInvalidRequest} {
		got := h.do(ask{method: "GET", path: "/v1/releases", key: h.secret[privacy.RoleAnalyst], header: map[string]string{"Noised-Role": role}})
		if got.code() != want {
			t.Errorf("as %s: %s", role, got)
		}
	}
}

// A token is another one tomorrow, so that answers cannot be sealed with it.
func TestAnswersToTokensAreSealedWithTheirIdempotencyKey(t *testing.T) {
	roles := []privacy.Role{privacy.RoleTenantAdmin, privacy.RoleAnalyst}
	tokens := oneToken{"token-1", authn.Identity{ID: "oidc_x", Tenant: "a", Roles: roles}}
	var callers *authn.Gate
	h := newHarness(t, func(o *Options) {
		callers = &authn.Gate{Keys: o.Keys.(*authn.Keys), Tokens: &tokens}
		o.Callers = callers
	})
	create := func(token, key string) answer {
		return h.do(ask{method: "POST", path: "/v1/admin/tenants/a/keys", key: token, body: `{"role": "analyst"}`,
			header: map[string]string{"Idempotency-Key": key, "Noised-Role": "tenant-admin"}})
	}
	if got := create("token-1", "short"); got.code() != privacy.CodeInvalidRequest || !strings.Contains(got.String(), "at random") {
		t.Errorf("a key that can be guessed: %s", got)
	}
	const random = "2f9d4c1e7b8a4d03a5c6"
	first := create("token-1", random+"ab")
	tokens.token = "token-2"
	second := create("token-2", random+"ab")
	if first.status != http.StatusCreated || string(first.body) != string(second.body) {
		t.Errorf("the same request under a later token: %s and %s", first, second)
	}
}

func TestAReplacedKeyKeepsItsPrincipal(t *testing.T) {
	h := newHarness(t)
	operator := h.secret[privacy.RoleOperator]
	rotate := ask{method: "POST", path: "/v1/admin/keys/" + h.id[privacy.RoleAnalyst] + "/rotate", key: operator, body: `{"overlap": "1h"}`}
	got := h.do(rotate)
	if got.status != http.StatusCreated {
		t.Fatal(got)
	}
	next := into[struct{ ID, Key, Principal string }](t, got)
	if next.Principal != h.id[privacy.RoleAnalyst] || next.ID == next.Principal {
		t.Errorf("the new key is %+v", next)
	}
	for _, body := range []string{`{"overlap": "a day"}`, `{"overlap": "721h"}`, `{"overlap": "-1s"}`, `{"lap": "1h"}`} {
		rotate.body = body
		if got := h.do(rotate); got.code() != privacy.CodeInvalidRequest {
			t.Errorf("%s: %s", body, got)
		}
	}
	h.clock.advance(time.Hour)
	list := ask{method: "GET", path: "/v1/releases", key: h.secret[privacy.RoleAnalyst]}
	if got := h.do(list); got.code() != privacy.CodeUnauthenticated {
		t.Errorf("the old key after the overlap: %s", got)
	}
	list.key = next.Key
	if got := h.do(list); got.status != http.StatusOK {
		t.Errorf("the new key: %s", got)
	}
}
