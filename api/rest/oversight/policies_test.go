package oversight_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

func TestPoliciesOfTheAPI(t *testing.T) {
	h := resttest.New(t)
	operator := h.Secret[privacy.RoleOperator]
	put := func(body, media string) resttest.Answer {
		return h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/policies", Key: operator, Body: body, Header: map[string]string{"Content-Type": media}})
	}
	first := resttest.Into[wire.PolicyText](t, h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/policies", Key: operator}))
	if first.Version != 1 || first.Source != "default" || !first.InForce || !strings.Contains(first.Files[policy.DefaultFile], "analysts-ask") {
		t.Errorf("%+v", first)
	}
	if got := resttest.Into[wire.PolicyAccepted](t, put(`@id("all") permit (principal, action, resource);`, "text/plain")); got.Version != 2 || !slices.Equal(got.Policies, []string{"all"}) {
		t.Errorf("%+v", got)
	}
	h.Rule("")
	bad := put("permit (principal, action, resource);\npermit (principal, action == Action::\"fly\", resource);", "text/plain")
	if bad.Status != 400 || resttest.Into[wire.Problem](t, bad).Errors[0].Line == nil || *resttest.Into[wire.Problem](t, bad).Errors[0].Line != 2 {
		t.Errorf("an unknown action: %s", bad)
	}
	for _, body := range []string{`{"files": {}}`, `{"files": {"x.cedar": 1}}`, `{}`, `{"files": {"/etc/x": "permit (principal, action, resource);"}}`} {
		if got := put(body, "application/json"); got.Code() != privacy.CodeInvalidRequest {
			t.Errorf("%s: %s", body, got)
		}
	}
	if got := put(`permit (principal, action in Action::"ask", resource);`, "text/plain"); got.Code() != privacy.CodeConflict {
		t.Errorf("a set that locks its author out: %s", got)
	}
	list := resttest.Into[wire.PolicyVersionList](t, h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/policies/versions", Key: h.Secret[privacy.RoleAuditor]}))
	if len(list.Items) != 3 || !list.Items[0].InForce || list.Items[1].InForce || *list.Items[0].CreatedBy != h.ID[privacy.RoleOperator] {
		t.Errorf("%+v", list)
	}
	second := resttest.Into[wire.PolicyText](t, h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/policies?version=2", Key: operator}))
	if second.InForce || second.Files["policies.cedar"] == "" {
		t.Errorf("%+v", second)
	}
	if got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/policies?version=77", Key: operator}); got.Code() != privacy.CodeNotFound {
		t.Errorf("no such version: %s", got)
	}
}
