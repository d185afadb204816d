package rest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// rule puts policies in force beside a permit for everything.
func (h *harness) rule(text string) answer {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"files": map[string]string{"p.cedar": "permit (principal, action, resource);\n" + text}})
	if err != nil {
		h.t.Fatal(err)
	}
	got := h.do(ask{method: "PUT", path: "/v1/admin/policies", key: h.secret[privacy.RoleOperator], body: string(body)})
	if got.status != 200 {
		h.t.Fatalf("%s: %s", text, got)
	}
	return got
}

func TestPoliciesOfTheAPI(t *testing.T) {
	h := newHarness(t)
	operator := h.secret[privacy.RoleOperator]
	put := func(body, media string) answer {
		return h.do(ask{method: "PUT", path: "/v1/admin/policies", key: operator, body: body, header: map[string]string{"Content-Type": media}})
	}
	first := into[wire.PolicyText](t, h.do(ask{method: "GET", path: "/v1/admin/policies", key: operator}))
	if first.Version != 1 || first.Source != "default" || !first.InForce || !strings.Contains(first.Files[policy.DefaultFile], "analysts-ask") {
		t.Errorf("%+v", first)
	}
	if got := into[wire.PolicyAccepted](t, put(`@id("all") permit (principal, action, resource);`, "text/plain")); got.Version != 2 || !slices.Equal(got.Policies, []string{"all"}) {
		t.Errorf("%+v", got)
	}
	h.rule("")
	bad := put("permit (principal, action, resource);\npermit (principal, action == Action::\"fly\", resource);", "text/plain")
	if bad.status != 400 || into[wire.Problem](t, bad).Errors[0].Line == nil || *into[wire.Problem](t, bad).Errors[0].Line != 2 {
		t.Errorf("an unknown action: %s", bad)
	}
	for _, body := range []string{`{"files": {}}`, `{"files": {"x.cedar": 1}}`, `{}`, `{"files": {"/etc/x": "permit (principal, action, resource);"}}`} {
		if got := put(body, "application/json"); got.code() != privacy.CodeInvalidRequest {
			t.Errorf("%s: %s", body, got)
		}
	}
	if got := put(`permit (principal, action in Action::"ask", resource);`, "text/plain"); got.code() != privacy.CodeConflict {
		t.Errorf("a set that locks its author out: %s", got)
	}
	list := into[wire.PolicyVersionList](t, h.do(ask{method: "GET", path: "/v1/admin/policies/versions", key: h.secret[privacy.RoleAuditor]}))
	if len(list.Items) != 3 || !list.Items[0].InForce || list.Items[1].InForce || *list.Items[0].CreatedBy != h.id[privacy.RoleOperator] {
		t.Errorf("%+v", list)
	}
	second := into[wire.PolicyText](t, h.do(ask{method: "GET", path: "/v1/admin/policies?version=2", key: operator}))
	if second.InForce || second.Files["policies.cedar"] == "" {
		t.Errorf("%+v", second)
	}
	if got := h.do(ask{method: "GET", path: "/v1/admin/policies?version=77", key: operator}); got.code() != privacy.CodeNotFound {
		t.Errorf("no such version: %s", got)
	}
}

// TestPoliciesDecideEveryOperation: whatever is not public is denied when only
// changing policies is permitted, and what is denied reaches no service.
func TestPoliciesDecideEveryOperation(t *testing.T) {
	h := newHarness(t)
	h.rule(`@id("shut") forbid (principal, action, resource) unless { principal.role == "operator" && action == Action::"putPolicies" };`)
	for _, op := range testOperations(t) {
		if op.access.public || op.id == "putPolicies" {
			continue
		}
		sample := samples[op.id]
		sample.method, sample.key = op.route.Method, h.secret[op.access.roles[0]]
		if got := h.do(sample); got.code() != privacy.CodeForbidden || !strings.Contains(string(got.body), `\"shut\" forbids`) {
			t.Errorf("%s: %s, want forbidden by its name", op.id, got)
		}
	}
	if h.queries.count() != 0 || len(h.loads.created) != 0 {
		t.Error("what policies deny reached a service")
	}
}

// TestPoliciesSeeThePath: datasets and tenants of a path are resources.
func TestPoliciesSeeThePath(t *testing.T) {
	h := newHarness(t)
	h.do(ask{method: "POST", path: "/v1/admin/tenants", key: h.secret[privacy.RoleOperator], body: `{"name": "c", "region": "eu"}`})
	operator := h.secret[privacy.RoleOperator]
	suspend := func(tenant string) ask {
		return ask{method: "PATCH", path: "/v1/admin/tenants/" + tenant, key: operator, body: `{"suspended": false}`}
	}
	h.rule(`
		@id("no-loads") forbid (principal, action == Action::"createLoad", resource == Dataset::"insteval");
		@id("eu") forbid (principal, action == Action::"updateTenant", resource is Tenant) when { resource.region == "eu" };
		@id("members") forbid (principal, action == Action::"putMember", resource) when { context.tenants.contains("a") };
		@id("office") forbid (principal, action == Action::"listTenants", resource) unless { context.hour < 12 };`)
	load := samples["createLoad"]
	load.method, load.key = "POST", h.secret[privacy.RoleContributor]
	if got := h.do(load); got.code() != privacy.CodeForbidden {
		t.Errorf("a load: %s", got)
	}
	load.path = "/v1/datasets/other/loads"
	if got := h.do(load); got.status != 202 {
		t.Errorf("a load of another dataset: %s", got)
	}
	if got := h.do(suspend("c")); got.code() != privacy.CodeForbidden {
		t.Errorf("a tenant of the region: %s", got)
	}
	if got := h.do(suspend("a")); got.status != 200 {
		t.Errorf("a tenant of no region: %s", got)
	}
	if got := h.do(ask{method: "PUT", path: samples["putMember"].path, key: h.secret[privacy.RoleTenantAdmin], body: `{"version": 1}`}); got.code() != privacy.CodeForbidden {
		t.Errorf("a member: %s", got)
	}
	list := ask{method: "GET", path: "/v1/admin/tenants", key: operator}
	if got := h.do(list); got.status != 200 {
		t.Errorf("at ten: %s", got)
	}
	h.clock.advance(3 * time.Hour)
	if got := h.do(list); got.code() != privacy.CodeForbidden {
		t.Errorf("at one: %s", got)
	}
}

// TestQuestionsArePassedOn: what only the plan can decide reaches the query
// service with its purpose and the operation that was called.
func TestQuestionsArePassedOn(t *testing.T) {
	h := newHarness(t)
	h.rule(`forbid (principal, action in Action::"question", resource) when { context.epsilon.greaterThan(decimal("0.1")) };`)
	got := h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "SELECT 1", "purpose": "research"}`})
	if q := h.queries.last(); got.status != 200 || q.Purpose != "research" || q.Operation != "query" || got.header.Get(wire.HeaderPolicy) == "" {
		t.Errorf("%s asked %+v", got, q)
	}
	for _, purpose := range []string{"Research", "", "a b", strings.Repeat("a", 64)} {
		body := fmt.Sprintf(`{"sql": "SELECT 1", "purpose": %q}`, purpose)
		if got := h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: body}); got.code() != privacy.CodeInvalidRequest {
			t.Errorf("the purpose %q: %s", purpose, got)
		}
	}
}

// TestReplaysAreDecidedByThePoliciesInForce: an answer that is kept for an
// Idempotency-Key is given again under the policies that permitted it, and else
// asked for anew.
func TestReplaysAreDecidedByThePoliciesInForce(t *testing.T) {
	h := newHarness(t)
	again := ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "SELECT 1"}`, header: map[string]string{"Idempotency-Key": "k"}}
	h.do(again)
	h.do(again)
	if h.queries.count() != 1 {
		t.Fatalf("%d questions for one key", h.queries.count())
	}
	h.rule("")
	h.do(again)
	if h.queries.count() != 2 {
		t.Errorf("%d questions after the policies changed, want it asked anew", h.queries.count())
	}
	h.rule(`forbid (principal, action == Action::"query", resource);`)
	if got := h.do(again); got.code() != privacy.CodeForbidden {
		t.Errorf("%s, want forbidden", got)
	}
}

// TestNoPolicyWidensTheAccessTable: whatever is permitted, what roles and
// ownership refuse stays refused, and with the same words.
func TestNoPolicyWidensTheAccessTable(t *testing.T) {
	h := newHarness(t)
	ops := testOperations(t)
	rapid.Check(t, func(r *rapid.T) {
		pick := func(of ...string) string { return rapid.SampledFrom(of).Draw(r, "part") }
		text := "permit (" + pick("principal", "principal is Principal") + ", " + pick("action", `action in Action::"ask"`, `action in Action::"administer"`) + ", resource)" +
			pick("", ` when { principal.tenant != "" }`, ` unless { context.hour == 3 }`, ` when { principal.role == "analyst" || true }`) + ";"
		_, _, err := h.policies.Put(t.Context(), policy.Files{"p.cedar": "permit (principal, action, resource);" + text}, privacy.Principal{ID: "o", Role: privacy.RoleOperator})
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
		sample := samples[op.id]
		sample.method, sample.key = op.route.Method, h.secret[role]
		principal := privacy.Principal{Role: role, Tenant: "a"}
		if rapid.Bool().Draw(r, "foreign") {
			sample.key, principal.Tenant = h.foreign[role], "b"
		}
		if role == privacy.RoleOperator {
			principal.Tenant = "" // as its keys have none
		}
		if op.access.public || op.id == "putPolicies" {
			return
		}
		refusal := op.access.check(principal, "a")
		if refusal == nil {
			return
		}
		if got := h.do(sample); got.code() != privacy.CodeForbidden || *into[wire.Problem](t, got).Detail != privacy.AsError(refusal).Message {
			r.Fatalf("%s as %s of %s: %s, want %v", op.id, role, principal.Tenant, got, refusal)
		}
	})
}
