package edge_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/resttest"
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
	h := resttest.New(t, func(o *rest.Options) { o.Limits.AuthFailures = 10 })
	list := func(key string) resttest.Answer {
		return h.Do(resttest.Ask{Method: "GET", Path: "/v1/releases", Key: key})
	}
	if got := list(h.Secret[privacy.RoleAnalyst]); got.Status != http.StatusOK {
		t.Fatal(got)
	}
	guess := func(i int) string { return authn.Prefix + fmt.Sprintf("%052d", i) }
	for i := range 10 {
		if got := list(guess(i)); got.Code() != privacy.CodeUnauthenticated {
			t.Fatalf("guess %d: %s", i, got)
		}
	}
	fresh, _ := h.Key(privacy.RoleAnalyst, "a")
	wrong, right := list(guess(99)), list(fresh)
	if wrong.Code() != privacy.CodeRateLimited || wrong.Header.Get("Retry-After") != "1" {
		t.Errorf("a guess from a locked address: %s", wrong)
	}
	if string(wrong.Body) != string(right.Body) || wrong.Status != right.Status {
		t.Errorf("what was sent shows while the address is locked: %s and %s", wrong, right)
	}
	if got := list(h.Secret[privacy.RoleAnalyst]); got.Status != http.StatusOK {
		t.Errorf("a key that was good from there: %s", got)
	}
	h.Clock.Advance(time.Second)
	if got := list(fresh); got.Status != http.StatusOK {
		t.Errorf("after the wait: %s", got)
	}
	// Each failure doubles the wait, and a success of somebody else changes nothing.
	for range 3 {
		list(guess(100))
		h.Clock.Advance(10 * time.Second)
	}
	list(guess(101))
	wait, err := strconv.Atoi(list(guess(102)).Header.Get("Retry-After"))
	if err != nil || wait < 8 {
		t.Errorf("after more failures it waits %d s, %v", wait, err)
	}
}

func TestRefusalsThatAreNotFailuresLockNobodyOut(t *testing.T) {
	h := resttest.New(t, func(o *rest.Options) { o.Limits.AuthFailures = 3 })
	for range 20 {
		if got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/keys", Key: h.Secret[privacy.RoleAnalyst]}); got.Code() != privacy.CodeForbidden {
			t.Fatal(got)
		}
	}
	for range 20 { // without credentials there is nothing to guess
		if got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/releases"}); got.Code() != privacy.CodeUnauthenticated {
			t.Fatal(got)
		}
	}
	for role, want := range map[string]privacy.Code{"operator": privacy.CodeForbidden, "root": privacy.CodeInvalidRequest} {
		got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/releases", Key: h.Secret[privacy.RoleAnalyst], Header: map[string]string{"Noised-Role": role}})
		if got.Code() != want {
			t.Errorf("as %s: %s", role, got)
		}
	}
}

// A token is another one tomorrow, so that answers cannot be sealed with it.
func TestAnswersToTokensAreSealedWithTheirIdempotencyKey(t *testing.T) {
	roles := []privacy.Role{privacy.RoleTenantAdmin, privacy.RoleAnalyst}
	tokens := oneToken{"token-1", authn.Identity{ID: "oidc_x", Tenant: "a", Roles: roles}}
	var callers *authn.Gate
	h := resttest.New(t, func(o *rest.Options) {
		callers = &authn.Gate{Keys: o.Keys.(*authn.Keys), Tokens: &tokens}
		o.Callers = callers
	})
	create := func(token, key string) resttest.Answer {
		return h.Do(resttest.Ask{Method: "POST", Path: "/v1/admin/tenants/a/keys", Key: token, Body: `{"role": "analyst"}`,
			Header: map[string]string{"Idempotency-Key": key, "Noised-Role": "tenant-admin"}})
	}
	if got := create("token-1", "short"); got.Code() != privacy.CodeInvalidRequest || !strings.Contains(got.String(), "at random") {
		t.Errorf("a key that can be guessed: %s", got)
	}
	const random = "2f9d4c1e7b8a4d03a5c6"
	first := create("token-1", random+"ab")
	tokens.token = "token-2"
	second := create("token-2", random+"ab")
	if first.Status != http.StatusCreated || string(first.Body) != string(second.Body) {
		t.Errorf("the same request under a later token: %s and %s", first, second)
	}
}

func TestAReplacedKeyKeepsItsPrincipal(t *testing.T) {
	h := resttest.New(t)
	operator := h.Secret[privacy.RoleOperator]
	rotate := resttest.Ask{Method: "POST", Path: "/v1/admin/keys/" + h.ID[privacy.RoleAnalyst] + "/rotate", Key: operator, Body: `{"overlap": "1h"}`}
	got := h.Do(rotate)
	if got.Status != http.StatusCreated {
		t.Fatal(got)
	}
	next := resttest.Into[struct{ ID, Key, Principal string }](t, got)
	if next.Principal != h.ID[privacy.RoleAnalyst] || next.ID == next.Principal {
		t.Errorf("the new key is %+v", next)
	}
	for _, body := range []string{`{"overlap": "a day"}`, `{"overlap": "721h"}`, `{"overlap": "-1s"}`, `{"lap": "1h"}`} {
		rotate.Body = body
		if got := h.Do(rotate); got.Code() != privacy.CodeInvalidRequest {
			t.Errorf("%s: %s", body, got)
		}
	}
	h.Clock.Advance(time.Hour)
	list := resttest.Ask{Method: "GET", Path: "/v1/releases", Key: h.Secret[privacy.RoleAnalyst]}
	if got := h.Do(list); got.Code() != privacy.CodeUnauthenticated {
		t.Errorf("the old key after the overlap: %s", got)
	}
	list.Key = next.Key
	if got := h.Do(list); got.Status != http.StatusOK {
		t.Errorf("the new Key: %s", got)
	}
}
