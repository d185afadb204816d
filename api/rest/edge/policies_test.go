package edge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// TestPoliciesDecideEveryOperation: whatever is not public is denied when only
// changing policies is permitted, and what is denied reaches no service.
func TestPoliciesDecideEveryOperation(t *testing.T) {
	h := resttest.New(t)
	h.Rule(`@id("shut") forbid (principal, action, resource) unless { principal.role == "operator" && action == Action::"putPolicies" };`)
	for _, op := range resttest.Operations(t) {
		if op.Access.Public || op.ID == "putPolicies" {
			continue
		}
		sample := resttest.Samples[op.ID]
		sample.Method, sample.Key = op.Route.Method, h.Secret[op.Access.Roles[0]]
		if got := h.Do(sample); got.Code() != privacy.CodeForbidden || !strings.Contains(string(got.Body), `\"shut\" forbids`) {
			t.Errorf("%s: %s, want forbidden by its name", op.ID, got)
		}
	}
	if h.Queries.Count() != 0 || len(h.Loads.Created) != 0 {
		t.Error("what policies deny reached a service")
	}
}

// TestPoliciesSeeThePath: datasets and tenants of a path are resources.
func TestPoliciesSeeThePath(t *testing.T) {
	h := resttest.New(t)
	h.Do(resttest.Ask{Method: "POST", Path: "/v1/admin/tenants", Key: h.Secret[privacy.RoleOperator], Body: `{"name": "c", "region": "eu"}`})
	operator := h.Secret[privacy.RoleOperator]
	suspend := func(tenant string) resttest.Ask {
		return resttest.Ask{Method: "PATCH", Path: "/v1/admin/tenants/" + tenant, Key: operator, Body: `{"suspended": false}`}
	}
	h.Rule(`
		@id("no-loads") forbid (principal, action == Action::"createLoad", resource == Dataset::"insteval");
		@id("eu") forbid (principal, action == Action::"updateTenant", resource is Tenant) when { resource.region == "eu" };
		@id("members") forbid (principal, action == Action::"putMember", resource) when { context.tenants.contains("a") };
		@id("office") forbid (principal, action == Action::"listTenants", resource) unless { context.hour < 12 };`)
	load := resttest.Samples["createLoad"]
	load.Method, load.Key = "POST", h.Secret[privacy.RoleContributor]
	if got := h.Do(load); got.Code() != privacy.CodeForbidden {
		t.Errorf("a load: %s", got)
	}
	load.Path = "/v1/datasets/other/loads"
	if got := h.Do(load); got.Status != 202 {
		t.Errorf("a load of another dataset: %s", got)
	}
	if got := h.Do(suspend("c")); got.Code() != privacy.CodeForbidden {
		t.Errorf("a tenant of the region: %s", got)
	}
	if got := h.Do(suspend("a")); got.Status != 200 {
		t.Errorf("a tenant of no region: %s", got)
	}
	if got := h.Do(resttest.Ask{Method: "PUT", Path: resttest.Samples["putMember"].Path, Key: h.Secret[privacy.RoleTenantAdmin], Body: `{"version": 1}`}); got.Code() != privacy.CodeForbidden {
		t.Errorf("a member: %s", got)
	}
	list := resttest.Ask{Method: "GET", Path: "/v1/admin/tenants", Key: operator}
	if got := h.Do(list); got.Status != 200 {
		t.Errorf("at ten: %s", got)
	}
	h.Clock.Advance(3 * time.Hour)
	if got := h.Do(list); got.Code() != privacy.CodeForbidden {
		t.Errorf("at one: %s", got)
	}
}

// TestQuestionsArePassedOn: what only the plan can decide reaches the query
// service with its purpose and the operation that was called.
func TestQuestionsArePassedOn(t *testing.T) {
	h := resttest.New(t)
	h.Rule(`forbid (principal, action in Action::"question", resource) when { context.epsilon.greaterThan(decimal("0.1")) };`)
	got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT 1", "purpose": "research"}`})
	if q := h.Queries.Last(); got.Status != 200 || q.Purpose != "research" || q.Operation != "query" || got.Header.Get(wire.HeaderPolicy) == "" {
		t.Errorf("%s asked %+v", got, q)
	}
	for _, purpose := range []string{"Research", "", "a b", strings.Repeat("a", 64)} {
		body := fmt.Sprintf(`{"sql": "SELECT 1", "purpose": %q}`, purpose)
		if got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: body}); got.Code() != privacy.CodeInvalidRequest {
			t.Errorf("the purpose %q: %s", purpose, got)
		}
	}
}

// TestReplaysAreDecidedByThePoliciesInForce: an resttest.Answer that is kept for an
// Idempotency-Key is given again under the policies that permitted it, and else
// asked for anew.
func TestReplaysAreDecidedByThePoliciesInForce(t *testing.T) {
	h := resttest.New(t)
	again := resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT 1"}`, Header: map[string]string{"Idempotency-Key": "k"}}
	h.Do(again)
	h.Do(again)
	if h.Queries.Count() != 1 {
		t.Fatalf("%d questions for one key", h.Queries.Count())
	}
	h.Rule("")
	h.Do(again)
	if h.Queries.Count() != 2 {
		t.Errorf("%d questions after the policies changed, want it asked anew", h.Queries.Count())
	}
	h.Rule(`forbid (principal, action == Action::"query", resource);`)
	if got := h.Do(again); got.Code() != privacy.CodeForbidden {
		t.Errorf("%s, want forbidden", got)
	}
}

// TestNoPolicyWidensTheAccessTable: whatever is permitted, what roles and
// ownership refuse stays refused, and with the same words.
func TestNoPolicyWidensTheAccessTable(t *testing.T) {
	h := resttest.New(t)
	ops := resttest.Operations(t)
	rapid.Check(t, func(r *rapid.T) {
		pick := func(of ...string) string { return rapid.SampledFrom(of).Draw(r, "part") }
		text := "permit (" + pick("principal", "principal is Principal") + ", " + pick("action", `action in Action::"ask"`, `action in Action::"administer"`) + ", resource)" +
			pick("", ` when { principal.tenant != "" }`, ` unless { context.hour == 3 }`, ` when { principal.role == "analyst" || true }`) + ";"
		_, _, err := h.Policies.Put(t.Context(), policy.Files{"p.cedar": "permit (principal, action, resource);" + text}, privacy.Principal{ID: "o", Role: privacy.RoleOperator})
		if err != nil {
			r.Skip(err)
		}
		keys := make([]string, 0, len(ops))
		for route := range ops {
			keys = append(keys, route)
		}
		slices.Sort(keys)
		op := ops[rapid.SampledFrom(keys).Draw(r, "operation")]
		role := rapid.SampledFrom(privacy.Roles()).Draw(r, "role")
		sample := resttest.Samples[op.ID]
		sample.Method, sample.Key = op.Route.Method, h.Secret[role]
		principal := privacy.Principal{Role: role, Tenant: "a"}
		if rapid.Bool().Draw(r, "foreign") {
			sample.Key, principal.Tenant = h.Foreign[role], "b"
		}
		if role == privacy.RoleOperator {
			principal.Tenant = "" // as its keys have none
		}
		if op.Access.Public || op.ID == "putPolicies" {
			return
		}
		refusal := op.Access.Check(principal, "a")
		if refusal == nil {
			return
		}
		if got := h.Do(sample); got.Code() != privacy.CodeForbidden || *resttest.Into[wire.Problem](t, got).Detail != privacy.AsError(refusal).Message {
			r.Fatalf("%s as %s of %s: %s, want %v", op.ID, role, principal.Tenant, got, refusal)
		}
	})
}
