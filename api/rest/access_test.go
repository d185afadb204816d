package rest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// allowed is the specification's paragraph on roles, written down a second time.
var allowed = map[privacy.Role][]string{
	privacy.RoleOperator: {
		"createTenant", "listTenants", "updateTenant", "deleteTenant", "deleteDataset", "createKey", "listKeys", "revokeKey", "rotateKey", "revokePrincipal",
		"createDataset", "listDatasets", "getDataset", "getDatasetBudget", "putDatasetBudget",
		"getPolicies", "putPolicies", "listPolicyVersions", "getTenantReleaseLineage", "listRefusals", "getLoadLineage", "listAlerts", "listSuspensions", "putSuspension", "deleteSuspension",
		"listProposals", "getProposal", "withdrawProposal", "listTemplates", "getTemplate", "putTemplate", "deleteTemplate",
		"createLoad", "listLoads", "getLoad", "cancelLoad", // of public tables
		"getQuotas", "putQuotas", "getReceipt", "listLog",
	},
	privacy.RoleTenantAdmin: {"listErasures", "getErasure", "getReceipt", "listLog", "listTemplates", "getTemplate", "getQuotas", "listAlerts", "listSuspensions", "putSuspension", "deleteSuspension", "listProposals", "getProposal", "approveProposal", "rejectProposal", "withdrawProposal", "getTenantReleaseLineage", "listRefusals", "createTenantKey", "listTenantKeys", "revokeTenantKey", "rotateTenantKey", "putMember", "deleteMember", "listDatasets", "getDataset"},
	privacy.RoleBudgetAdmin: {"getReceipt", "listLog", "listProposals", "getProposal", "approveProposal", "rejectProposal", "withdrawProposal", "getTenantReleaseLineage", "getTenantBudget", "putTenantBudget", "listCharges"},
	privacy.RoleContributor: {"getLoadLineage", "createLoad", "listLoads", "getLoad", "cancelLoad", "getLoadRejects", "createErasure", "listErasures", "getErasure"},
	privacy.RoleAnalyst:     {"getReceipt", "listTemplates", "getTemplate", "getReleaseLineage", "query", "queryByURL", "explain", "listReleases", "getRelease", "listDatasets", "getDataset"},
	privacy.RoleAuditor:     {"listErasures", "getErasure", "getReceipt", "listLog", "listAlerts", "listSuspensions", "listProposals", "getProposal", "getTenantReleaseLineage", "listRefusals", "listCharges", "getPolicies", "listPolicyVersions"},
}

var public = []string{"getLogKey", "getCheckpoint", "getInclusionProof", "getConsistencyProof", "getOpenAPI", "getHealth", "getReadiness"}

func TestEveryOperationIsInTheAccessTable(t *testing.T) {
	for _, op := range resttest.Operations(t) {
		if _, ok := resttest.Samples[op.ID]; !ok {
			t.Errorf("operation %s has no sample in this test", op.ID)
		}
	}
}

func TestRolesMayCallWhatTheTableSaysAndNothingElse(t *testing.T) {
	h := resttest.New(t)
	for _, op := range resttest.Operations(t) {
		sample := resttest.Samples[op.ID]
		sample.Method = op.Route.Method
		if slices.Contains(public, op.ID) {
			if got := h.Do(sample); got.Status != http.StatusOK {
				t.Errorf("%s without a Key: %s, want 200", op.ID, got)
			}
			continue
		}
		if got := h.Do(sample); got.Status != http.StatusUnauthorized || got.Code() != privacy.CodeUnauthenticated || got.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s without a Key: %s, want 401", op.ID, got)
		}
		for _, role := range privacy.Roles() {
			sample.Key = h.Secret[role]
			got := h.Do(sample)
			if refused := got.Status == http.StatusForbidden; refused == slices.Contains(allowed[role], op.ID) {
				t.Errorf("%s as %s: %s", op.ID, role, got)
			}
			if got.Status == http.StatusInternalServerError || got.Status == http.StatusUnauthorized {
				t.Errorf("%s as %s: %s", op.ID, role, got)
			}
			if strings.Contains(op.Route.Path, "{tenant}") && role != privacy.RoleOperator {
				sample.Key = h.Foreign[role]
				if got := h.Do(sample); got.Status != http.StatusForbidden {
					t.Errorf("%s as %s of another tenant: %s, want 403", op.ID, role, got)
				}
			}
		}
	}
}

func TestARefusedRoleIsToldWhichOnesMay(t *testing.T) {
	h := resttest.New(t)
	sample := resttest.Samples["listDatasets"]
	sample.Key = h.Secret[privacy.RoleContributor]
	if got := h.Do(sample); !strings.Contains(got.String(), "use a key with the role analyst or operator or tenant-admin") {
		t.Errorf("a contributor who lists datasets: %s", got)
	}
}

func TestOtherTenantsStayHidden(t *testing.T) {
	h := resttest.New(t)
	admin, budget := h.Secret[privacy.RoleTenantAdmin], h.Secret[privacy.RoleBudgetAdmin]
	_, other := h.Key(privacy.RoleAnalyst, "b")
	for _, c := range []struct {
		name         string
		exists, does resttest.Ask // the same call for something of tenant b, and for nothing at all
	}{
		{"budgets", resttest.Ask{Method: "GET", Key: budget, Path: "/v1/admin/tenants/b/budget"}, resttest.Ask{Method: "GET", Key: budget, Path: "/v1/admin/tenants/zzz/budget"}},
		{"keys", resttest.Ask{Method: "GET", Key: admin, Path: "/v1/admin/tenants/b/keys"}, resttest.Ask{Method: "GET", Key: admin, Path: "/v1/admin/tenants/zzz/keys"}},
		{"a key", resttest.Ask{Method: "DELETE", Key: admin, Path: "/v1/admin/tenants/a/keys/" + other}, resttest.Ask{Method: "DELETE", Key: admin, Path: "/v1/admin/tenants/a/keys/key_zzz"}},
		{"a load", resttest.Ask{Method: "GET", Key: h.Foreign[privacy.RoleContributor], Path: "/v1/loads/load_1"}, resttest.Ask{Method: "GET", Key: h.Foreign[privacy.RoleContributor], Path: "/v1/loads/load_zzz"}},
	} {
		got, want := h.Do(c.exists), h.Do(c.does)
		if got.Status != want.Status || string(got.Body) != string(want.Body) || got.Status < 400 {
			t.Errorf("%s: %s\nbut for nothing at all: %s", c.name, got, want)
		}
	}
}

func TestAnAuditorWithoutATenantAuditsAll(t *testing.T) {
	h := resttest.New(t)
	_, secret, err := h.Keys.Create(t.Context(), authn.KeyRequest{Role: privacy.RoleAuditor}, authn.System())
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []string{"a", "b"} {
		if err := h.Ledger.SetBudget(t.Context(), privacy.TenantAccount(tenant), ledger.Budget{Cap: privacy.Loss{Epsilon: 1, Delta: 1e-6}}, authn.System()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		path string
		want int
	}{{"/v1/admin/tenants/a/charges", 200}, {"/v1/admin/tenants/b/charges", 200}, {"/v1/admin/tenants/a/budget", 403}} {
		if got := h.Do(resttest.Ask{Method: "GET", Path: c.path, Key: secret}); got.Status != c.want {
			t.Errorf("%s: %s, want %d", c.path, got, c.want)
		}
	}
}
