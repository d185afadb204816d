package tenants_test

import (
	"testing"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// TestRegions: the operator says where a tenant's rows belong, and a refusal for a
// region is on record for the tenants whose rows it is about.
func TestRegions(t *testing.T) {
	h := resttest.New(t)
	patch := func(body string) resttest.Answer {
		return h.Do(resttest.Ask{Method: "PATCH", Path: "/v1/admin/tenants/b", Key: h.Secret[privacy.RoleOperator], Body: body})
	}
	if got := resttest.Into[wire.Tenant](t, patch(`{"region": "EU West", "suspended": true}`)); *got.Region != "eu-west" || !got.Suspended {
		t.Errorf("%+v", got)
	}
	if got := resttest.Into[wire.Tenant](t, patch(`{"suspended": false}`)); *got.Region != "eu-west" || got.Suspended {
		t.Errorf("%+v", got)
	}
	for _, body := range []string{`{}`, `{"region": "eu/1"}`} {
		if got := patch(body); got.Code() != privacy.CodeInvalidRequest {
			t.Errorf("%s: %s", body, got)
		}
	}
	h.Queries.Fail(residency.Refusal("b", "zzz"))
	got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT 1", "on_elsewhere": "exclude"}`})
	if asked := h.Queries.Last(); asked.OnElsewhere != "exclude" {
		t.Errorf("asked: %+v", asked)
	}
	h.Refused("a query of another region", got, "query", "a", "b", "zzz")
}
