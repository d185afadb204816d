package tenants_test

import (
	"slices"
	"testing"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// TestQuotasAreSetAndShown: what is not named is the default, and nothing is both
// limited and unlimited.
func TestQuotasAreSetAndShown(t *testing.T) {
	h := resttest.New(t)
	operator := h.Secret[privacy.RoleOperator]
	put := func(tenant, body string) resttest.Answer {
		return h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/" + tenant + "/quotas", Key: operator, Body: body})
	}
	got := put("a", `{"stored_bytes": 7, "queries": 0, "unlimited": ["loads_waiting"]}`)
	q := resttest.Into[wire.TenantQuotas](t, got)
	if got.Status != 200 || q.Tenant != "a" || *q.StoredBytes != 7 || *q.Queries != 0 || q.LoadsWaiting != nil ||
		!slices.Equal(q.Own, []wire.QuotaName{"stored_bytes", "loads_waiting", "queries"}) ||
		!slices.Equal(q.Unlimited, []wire.QuotaName{"loads_waiting", "loads_running", "requests_per_second"}) {
		t.Errorf("%s", got)
	}
	show := resttest.Ask{Method: "GET", Path: "/v1/admin/tenants/a/quotas", Key: h.Secret[privacy.RoleTenantAdmin]}
	if shown := h.Do(show); string(shown.Body) != string(got.Body) {
		t.Errorf("the tenant's admin sees %s", shown)
	}
	for body, code := range map[string]privacy.Code{
		`{"queries": 1, "unlimited": ["queries"]}`: privacy.CodeInvalidRequest,
		`{"queries": -1}`:                          privacy.CodeInvalidRequest,
		`{"unlimited": ["everything"]}`:            privacy.CodeInvalidRequest,
		`{"bytes": 1}`:                             privacy.CodeInvalidRequest,
	} {
		if got := put("a", body); got.Code() != code {
			t.Errorf("%s: %s", body, got)
		}
	}
	if got := put("nobody", `{}`); got.Code() != privacy.CodeNotFound {
		t.Errorf("a tenant that there is not: %s", got)
	}
	if got := resttest.Into[wire.TenantQuotas](t, put("a", `{}`)); len(got.Own) != 0 {
		t.Errorf("taken back: %+v", got)
	}
}
