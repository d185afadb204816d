package tenants_test

import (
	"testing"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/privacy"
)

func TestATenantAdminCannotMakeAnOperator(t *testing.T) {
	h := resttest.New(t)
	for _, body := range []string{`{"role": "operator"}`, `{"role": "analyst", "tenant": "b"}`} {
		got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/admin/tenants/a/keys", Key: h.Secret[privacy.RoleTenantAdmin], Body: body})
		if got.Status < 400 {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func TestKeysEndWhenTheyAreRevokedAndTenantsWhenTheyAreSuspended(t *testing.T) {
	h := resttest.New(t)
	operator, analyst := h.Secret[privacy.RoleOperator], h.Secret[privacy.RoleAnalyst]
	list := resttest.Ask{Method: "GET", Path: "/v1/releases", Key: analyst}
	suspend := func(body string) {
		if got := h.Do(resttest.Ask{Method: "PATCH", Path: "/v1/admin/tenants/a", Key: operator, Body: body}); got.Status != 200 {
			t.Fatal(got)
		}
	}
	suspend(`{"suspended": true}`)
	if got := h.Do(list); got.Status != 403 || got.Code() != privacy.CodeSuspended {
		t.Errorf("suspended: %s", got)
	}
	suspend(`{"suspended": false}`)
	if got := h.Do(list); got.Status != 200 {
		t.Errorf("not suspended any more: %s", got)
	}
	if got := h.Do(resttest.Ask{Method: "DELETE", Path: "/v1/admin/keys/" + h.ID[privacy.RoleAnalyst], Key: operator}); got.Status != 204 {
		t.Fatal(got)
	}
	if got := h.Do(list); got.Code() != privacy.CodeUnauthenticated {
		t.Errorf("revoked: %s", got)
	}
}
