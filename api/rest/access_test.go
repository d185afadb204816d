package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// samples are the paths and bodies with which each operation is called here.
var samples = map[string]ask{
	"query":                   {path: "/v1/query", body: `{"sql": "SELECT 1"}`},
	"queryByURL":              {path: "/v1/query?sql=SELECT+1"},
	"explain":                 {path: "/v1/explain", body: `{"sql": "SELECT 1"}`},
	"listReleases":            {path: "/v1/releases"},
	"getRelease":              {path: "/v1/releases/rel_1"},
	"listDatasets":            {path: "/v1/datasets"},
	"getDataset":              {path: "/v1/datasets/insteval"},
	"createLoad":              {path: "/v1/datasets/insteval/loads", body: "x", header: map[string]string{"Content-Type": "text/csv"}},
	"listLoads":               {path: "/v1/loads"},
	"getLoad":                 {path: "/v1/loads/load_1"},
	"cancelLoad":              {path: "/v1/loads/load_1"},
	"getLoadRejects":          {path: "/v1/loads/load_1/rejects"},
	"createErasure":           {path: "/v1/datasets/insteval/erasures", body: `{"units": ["1"]}`},
	"listErasures":            {path: "/v1/erasures"},
	"getErasure":              {path: "/v1/erasures/ers_1"},
	"createTenant":            {path: "/v1/admin/tenants", body: `{"name": "c"}`},
	"listTenants":             {path: "/v1/admin/tenants"},
	"updateTenant":            {path: "/v1/admin/tenants/b", body: `{"suspended": false}`},
	"deleteTenant":            {path: "/v1/admin/tenants/nobody"},
	"createKey":               {path: "/v1/admin/keys", body: `{"role": "analyst"}`},
	"listKeys":                {path: "/v1/admin/keys"},
	"revokeKey":               {path: "/v1/admin/keys/key_none"},
	"rotateKey":               {path: "/v1/admin/keys/key_none/rotate", body: `{}`},
	"revokePrincipal":         {path: "/v1/admin/principals/oidc_none/revoke"},
	"rotateTenantKey":         {path: "/v1/admin/tenants/a/keys/key_none/rotate", body: `{"overlap": "1h"}`},
	"createDataset":           {path: "/v1/admin/datasets", body: `{}`},
	"getDatasetBudget":        {path: "/v1/admin/datasets/insteval/budget"},
	"putDatasetBudget":        {path: "/v1/admin/datasets/insteval/budget", body: `{"epsilon": 1, "delta": 1e-6}`},
	"getPolicies":             {path: "/v1/admin/policies"},
	"listPolicyVersions":      {path: "/v1/admin/policies/versions"},
	"putPolicies":             {path: "/v1/admin/policies", body: `{"files": {"a.cedar": "permit(principal, action, resource);"}}`},
	"getReleaseLineage":       {path: "/v1/releases/rel_1/lineage"},
	"getLoadLineage":          {path: "/v1/loads/load_1/lineage"},
	"getTenantReleaseLineage": {path: "/v1/admin/lineage/releases/rel_1"},
	"listRefusals":            {path: "/v1/admin/audit"},
	"listTemplates":           {path: "/v1/datasets/insteval/templates"},
	"getTemplate":             {path: "/v1/datasets/insteval/templates/one"},
	"putTemplate":             {path: "/v1/admin/datasets/insteval/templates/one", body: `{"sql": "SELECT 1", "epsilon": 1}`},
	"deleteTemplate":          {path: "/v1/admin/datasets/insteval/templates/one"},
	"listProposals":           {path: "/v1/admin/proposals"},
	"getProposal":             {path: "/v1/admin/proposals/prop_none"},
	"approveProposal":         {path: "/v1/admin/proposals/prop_none/approve"},
	"rejectProposal":          {path: "/v1/admin/proposals/prop_none/reject"},
	"withdrawProposal":        {path: "/v1/admin/proposals/prop_none"},
	"listAlerts":              {path: "/v1/admin/alerts"},
	"listSuspensions":         {path: "/v1/admin/suspensions"},
	"putSuspension":           {path: "/v1/admin/suspensions/principal/oidc_none", body: `{"reason": "a test"}`},
	"deleteSuspension":        {path: "/v1/admin/suspensions/principal/oidc_none"},
	"createTenantKey":         {path: "/v1/admin/tenants/a/keys", body: `{"role": "analyst"}`},
	"listTenantKeys":          {path: "/v1/admin/tenants/a/keys"},
	"revokeTenantKey":         {path: "/v1/admin/tenants/a/keys/key_none"},
	"putMember":               {path: "/v1/admin/datasets/insteval/members/a", body: `{"version": 1}`},
	"deleteMember":            {path: "/v1/admin/datasets/insteval/members/a"},
	"getQuotas":               {path: "/v1/admin/tenants/a/quotas"},
	"putQuotas":               {path: "/v1/admin/tenants/a/quotas", body: `{"queries": 3, "unlimited": ["stored_bytes"]}`},
	"getTenantBudget":         {path: "/v1/admin/tenants/a/budget"},
	"putTenantBudget":         {path: "/v1/admin/tenants/a/budget", body: `{"epsilon": 1, "delta": 1e-6}`},
	"listCharges":             {path: "/v1/admin/tenants/a/charges"},
	"getReceipt":              {path: "/v1/releases/rel_1/receipt"},
	"getLogKey":               {path: "/v1/log/key"},
	"getCheckpoint":           {path: "/v1/log/checkpoint"},
	"getInclusionProof":       {path: "/v1/log/proof/inclusion?leaf=0&size=1"},
	"getConsistencyProof":     {path: "/v1/log/proof/consistency?from=1&to=2"},
	"listLog":                 {path: "/v1/log/entries"},
	"getOpenAPI":              {path: "/v1/openapi.json"},
	"getHealth":               {path: "/healthz"},
	"getReadiness":            {path: "/readyz"},
}

// allowed is the specification's paragraph on roles, written down a second time.
var allowed = map[privacy.Role][]string{
	privacy.RoleOperator: {
		"createTenant", "listTenants", "updateTenant", "deleteTenant", "createKey", "listKeys", "revokeKey", "rotateKey", "revokePrincipal",
		"createDataset", "listDatasets", "getDataset", "getDatasetBudget", "putDatasetBudget",
		"getPolicies", "putPolicies", "listPolicyVersions", "getTenantReleaseLineage", "listRefusals", "getLoadLineage", "listAlerts", "listSuspensions", "putSuspension", "deleteSuspension",
		"listProposals", "getProposal", "withdrawProposal", "listTemplates", "getTemplate", "putTemplate", "deleteTemplate",
		"createLoad", "listLoads", "getLoad", "cancelLoad", // of public tables
		"getQuotas", "putQuotas", "getReceipt", "listLog",
	},
	privacy.RoleTenantAdmin: {"getReceipt", "listLog", "listTemplates", "getTemplate", "getQuotas", "listAlerts", "listSuspensions", "putSuspension", "deleteSuspension", "listProposals", "getProposal", "approveProposal", "rejectProposal", "withdrawProposal", "getTenantReleaseLineage", "listRefusals", "createTenantKey", "listTenantKeys", "revokeTenantKey", "rotateTenantKey", "putMember", "deleteMember", "listDatasets", "getDataset"},
	privacy.RoleBudgetAdmin: {"getReceipt", "listLog", "listProposals", "getProposal", "approveProposal", "rejectProposal", "withdrawProposal", "getTenantReleaseLineage", "getTenantBudget", "putTenantBudget", "listCharges"},
	privacy.RoleContributor: {"getLoadLineage", "createLoad", "listLoads", "getLoad", "cancelLoad", "getLoadRejects", "createErasure", "listErasures", "getErasure"},
	privacy.RoleAnalyst:     {"getReceipt", "listTemplates", "getTemplate", "getReleaseLineage", "query", "queryByURL", "explain", "listReleases", "getRelease", "listDatasets", "getDataset"},
	privacy.RoleAuditor:     {"getReceipt", "listLog", "listAlerts", "listSuspensions", "listProposals", "getProposal", "getTenantReleaseLineage", "listRefusals", "listCharges", "getPolicies", "listPolicyVersions"},
}

var public = []string{"getLogKey", "getCheckpoint", "getInclusionProof", "getConsistencyProof", "getOpenAPI", "getHealth", "getReadiness"}

func testOperations(t *testing.T) operations {
	t.Helper()
	doc, _, err := loadDocument(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ops, err := newOperations(doc)
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

func TestEveryOperationIsInTheAccessTable(t *testing.T) {
	for _, op := range testOperations(t) {
		if _, ok := samples[op.id]; !ok {
			t.Errorf("operation %s has no sample in this test", op.id)
		}
	}
}

func TestEveryRouteIsAnOperation(t *testing.T) {
	ops := testOperations(t)
	s := &server{ops: ops}
	for _, r := range s.routes().(*echo.Echo).Router().Routes() {
		if ops.of(r.Method, r.Path) == nil {
			t.Errorf("%s %s is served but not in the document", r.Method, r.Path)
		}
		delete(ops, r.Method+" "+r.Path)
	}
	for route := range ops {
		t.Errorf("%s is in the document but not served", route)
	}
}

func TestRolesMayCallWhatTheTableSaysAndNothingElse(t *testing.T) {
	h := newHarness(t)
	for _, op := range testOperations(t) {
		sample := samples[op.id]
		sample.method = op.route.Method
		if slices.Contains(public, op.id) {
			if got := h.do(sample); got.status != http.StatusOK {
				t.Errorf("%s without a key: %s, want 200", op.id, got)
			}
			continue
		}
		if got := h.do(sample); got.status != http.StatusUnauthorized || got.code() != privacy.CodeUnauthenticated || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s without a key: %s, want 401", op.id, got)
		}
		for _, role := range privacy.Roles() {
			sample.key = h.secret[role]
			got := h.do(sample)
			if refused := got.status == http.StatusForbidden; refused == slices.Contains(allowed[role], op.id) {
				t.Errorf("%s as %s: %s", op.id, role, got)
			}
			if got.status == http.StatusInternalServerError || got.status == http.StatusUnauthorized {
				t.Errorf("%s as %s: %s", op.id, role, got)
			}
			if strings.Contains(op.route.Path, "{tenant}") && role != privacy.RoleOperator {
				sample.key = h.foreign[role]
				if got := h.do(sample); got.status != http.StatusForbidden {
					t.Errorf("%s as %s of another tenant: %s, want 403", op.id, role, got)
				}
			}
		}
	}
}

func TestARefusedRoleIsToldWhichOnesMay(t *testing.T) {
	h := newHarness(t)
	sample := samples["listDatasets"]
	sample.key = h.secret[privacy.RoleContributor]
	if got := h.do(sample); !strings.Contains(got.String(), "use a key with the role analyst or operator or tenant-admin") {
		t.Errorf("a contributor who lists datasets: %s", got)
	}
}

func TestOtherTenantsStayHidden(t *testing.T) {
	h := newHarness(t)
	admin, budget := h.secret[privacy.RoleTenantAdmin], h.secret[privacy.RoleBudgetAdmin]
	_, other := h.key(privacy.RoleAnalyst, "b")
	for _, c := range []struct {
		name         string
		exists, does ask // the same call for something of tenant b, and for nothing at all
	}{
		{"budgets", ask{method: "GET", key: budget, path: "/v1/admin/tenants/b/budget"}, ask{method: "GET", key: budget, path: "/v1/admin/tenants/zzz/budget"}},
		{"keys", ask{method: "GET", key: admin, path: "/v1/admin/tenants/b/keys"}, ask{method: "GET", key: admin, path: "/v1/admin/tenants/zzz/keys"}},
		{"a key", ask{method: "DELETE", key: admin, path: "/v1/admin/tenants/a/keys/" + other}, ask{method: "DELETE", key: admin, path: "/v1/admin/tenants/a/keys/key_zzz"}},
		{"a load", ask{method: "GET", key: h.foreign[privacy.RoleContributor], path: "/v1/loads/load_1"}, ask{method: "GET", key: h.foreign[privacy.RoleContributor], path: "/v1/loads/load_zzz"}},
	} {
		got, want := h.do(c.exists), h.do(c.does)
		if got.status != want.status || string(got.body) != string(want.body) || got.status < 400 {
			t.Errorf("%s: %s\nbut for nothing at all: %s", c.name, got, want)
		}
	}
}

func TestAnAuditorWithoutATenantAuditsAll(t *testing.T) {
	h := newHarness(t)
	_, secret, err := h.keys.Create(t.Context(), authn.KeyRequest{Role: privacy.RoleAuditor}, authn.System())
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []string{"a", "b"} {
		if err := h.ledger.SetBudget(t.Context(), privacy.TenantAccount(tenant), ledger.Budget{Cap: privacy.Loss{Epsilon: 1, Delta: 1e-6}}, authn.System()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		path string
		want int
	}{{"/v1/admin/tenants/a/charges", 200}, {"/v1/admin/tenants/b/charges", 200}, {"/v1/admin/tenants/a/budget", 403}} {
		if got := h.do(ask{method: "GET", path: c.path, key: secret}); got.status != c.want {
			t.Errorf("%s: %s, want %d", c.path, got, c.want)
		}
	}
}

func TestATenantAdminCannotMakeAnOperator(t *testing.T) {
	h := newHarness(t)
	for _, body := range []string{`{"role": "operator"}`, `{"role": "analyst", "tenant": "b"}`} {
		got := h.do(ask{method: "POST", path: "/v1/admin/tenants/a/keys", key: h.secret[privacy.RoleTenantAdmin], body: body})
		if got.status < 400 {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func TestKeysEndWhenTheyAreRevokedAndTenantsWhenTheyAreSuspended(t *testing.T) {
	h := newHarness(t)
	operator, analyst := h.secret[privacy.RoleOperator], h.secret[privacy.RoleAnalyst]
	list := ask{method: "GET", path: "/v1/releases", key: analyst}
	suspend := func(body string) {
		if got := h.do(ask{method: "PATCH", path: "/v1/admin/tenants/a", key: operator, body: body}); got.status != 200 {
			t.Fatal(got)
		}
	}
	suspend(`{"suspended": true}`)
	if got := h.do(list); got.status != 403 || got.code() != privacy.CodeSuspended {
		t.Errorf("suspended: %s", got)
	}
	suspend(`{"suspended": false}`)
	if got := h.do(list); got.status != 200 {
		t.Errorf("not suspended any more: %s", got)
	}
	if got := h.do(ask{method: "DELETE", path: "/v1/admin/keys/" + h.id[privacy.RoleAnalyst], key: operator}); got.status != 204 {
		t.Fatal(got)
	}
	if got := h.do(list); got.code() != privacy.CodeUnauthenticated {
		t.Errorf("revoked: %s", got)
	}
}
