package rest

import (
	"slices"
	"testing"
	"time"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// TestQuotasAreSetAndShown: what is not named is the default, and nothing is both
// limited and unlimited.
func TestQuotasAreSetAndShown(t *testing.T) {
	h := newHarness(t)
	operator := h.secret[privacy.RoleOperator]
	put := func(tenant, body string) answer {
		return h.do(ask{method: "PUT", path: "/v1/admin/tenants/" + tenant + "/quotas", key: operator, body: body})
	}
	got := put("a", `{"stored_bytes": 7, "queries": 0, "unlimited": ["loads_waiting"]}`)
	q := into[wire.TenantQuotas](t, got)
	if got.status != 200 || q.Tenant != "a" || *q.StoredBytes != 7 || *q.Queries != 0 || q.LoadsWaiting != nil ||
		!slices.Equal(q.Own, []wire.QuotaName{"stored_bytes", "loads_waiting", "queries"}) ||
		!slices.Equal(q.Unlimited, []wire.QuotaName{"loads_waiting", "loads_running", "requests_per_second"}) {
		t.Errorf("%s", got)
	}
	show := ask{method: "GET", path: "/v1/admin/tenants/a/quotas", key: h.secret[privacy.RoleTenantAdmin]}
	if shown := h.do(show); string(shown.body) != string(got.body) {
		t.Errorf("the tenant's admin sees %s", shown)
	}
	for body, code := range map[string]privacy.Code{
		`{"queries": 1, "unlimited": ["queries"]}`: privacy.CodeInvalidRequest,
		`{"queries": -1}`:                          privacy.CodeInvalidRequest,
		`{"unlimited": ["everything"]}`:            privacy.CodeInvalidRequest,
		`{"bytes": 1}`:                             privacy.CodeInvalidRequest,
	} {
		if got := put("a", body); got.code() != code {
			t.Errorf("%s: %s", body, got)
		}
	}
	if got := put("nobody", `{}`); got.code() != privacy.CodeNotFound {
		t.Errorf("a tenant that there is not: %s", got)
	}
	if got := into[wire.TenantQuotas](t, put("a", `{}`)); len(got.Own) != 0 {
		t.Errorf("taken back: %+v", got)
	}
}

// TestATenantHasItsRate: its principals together, and no other tenant's.
func TestATenantHasItsRate(t *testing.T) {
	h := newHarness(t)
	h.do(ask{method: "PUT", path: "/v1/admin/tenants/a/quotas", key: h.secret[privacy.RoleOperator], body: `{"requests_per_second": 4}`})
	h.clock.advance(time.Second)
	list := func(key string) answer { return h.do(ask{method: "GET", path: "/v1/datasets", key: key}) }
	analyst, admin := h.secret[privacy.RoleAnalyst], h.secret[privacy.RoleTenantAdmin]
	for round := range 2 {
		for i, key := range []string{analyst, admin, analyst, admin} {
			if got := list(key); got.status != 200 {
				t.Fatalf("round %d, request %d: %s", round, i, got)
			}
		}
		got := list(analyst)
		if p := into[wire.Problem](t, got); got.code() != privacy.CodeRateLimited || p.Detail == nil ||
			*p.Detail != "the quota requests_per_second is 4, and this would be more: all keys of the tenant count together" {
			t.Errorf("%s", got)
		}
		if got := list(h.foreign[privacy.RoleAnalyst]); got.status != 200 {
			t.Errorf("another tenant: %s", got)
		}
		h.clock.advance(time.Second)
	}
	h.do(ask{method: "PUT", path: "/v1/admin/tenants/a/quotas", key: h.secret[privacy.RoleOperator], body: `{"requests_per_second": 0}`})
	h.clock.advance(time.Second)
	if got := list(analyst); got.code() != privacy.CodeRateLimited {
		t.Errorf("a quota of nothing: %s", got)
	}
}

// TestRegions: the operator says where a tenant's rows belong, and a refusal for a
// region is on record for the tenants whose rows it is about.
func TestRegions(t *testing.T) {
	h := newHarness(t)
	patch := func(body string) answer {
		return h.do(ask{method: "PATCH", path: "/v1/admin/tenants/b", key: h.secret[privacy.RoleOperator], body: body})
	}
	if got := into[wire.Tenant](t, patch(`{"region": "EU West", "suspended": true}`)); *got.Region != "eu-west" || !got.Suspended {
		t.Errorf("%+v", got)
	}
	if got := into[wire.Tenant](t, patch(`{"suspended": false}`)); *got.Region != "eu-west" || got.Suspended {
		t.Errorf("%+v", got)
	}
	for _, body := range []string{`{}`, `{"region": "eu/1"}`} {
		if got := patch(body); got.code() != privacy.CodeInvalidRequest {
			t.Errorf("%s: %s", body, got)
		}
	}
	h.queries.fail(residency.Refusal("b", "zzz"))
	got := h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "SELECT 1", "on_elsewhere": "exclude"}`})
	if asked := h.queries.last(); asked.OnElsewhere != "exclude" {
		t.Errorf("asked: %+v", asked)
	}
	h.refusal("a query of another region", got, "query", "a", "b", "zzz")
}
