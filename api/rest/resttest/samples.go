package resttest

import (
	"context"
	"testing"

	"github.com/noised/noised/api/rest/operation"
)

// Samples are the paths and bodies with which each operation is called here.
var Samples = map[string]Ask{
	"query":                   {Path: "/v1/query", Body: `{"sql": "SELECT 1"}`},
	"queryByURL":              {Path: "/v1/query?sql=SELECT+1"},
	"explain":                 {Path: "/v1/explain", Body: `{"sql": "SELECT 1"}`},
	"listReleases":            {Path: "/v1/releases"},
	"getRelease":              {Path: "/v1/releases/rel_1"},
	"listDatasets":            {Path: "/v1/datasets"},
	"getDataset":              {Path: "/v1/datasets/insteval"},
	"createLoad":              {Path: "/v1/datasets/insteval/loads", Body: "x", Header: map[string]string{"Content-Type": "text/csv"}},
	"listLoads":               {Path: "/v1/loads"},
	"getLoad":                 {Path: "/v1/loads/load_1"},
	"cancelLoad":              {Path: "/v1/loads/load_1"},
	"getLoadRejects":          {Path: "/v1/loads/load_1/rejects"},
	"createErasure":           {Path: "/v1/datasets/insteval/erasures", Body: `{"units": ["1"]}`},
	"listErasures":            {Path: "/v1/erasures"},
	"getErasure":              {Path: "/v1/erasures/ers_1"},
	"createTenant":            {Path: "/v1/admin/tenants", Body: `{"name": "c"}`},
	"listTenants":             {Path: "/v1/admin/tenants"},
	"updateTenant":            {Path: "/v1/admin/tenants/b", Body: `{"suspended": false}`},
	"deleteTenant":            {Path: "/v1/admin/tenants/nobody"},
	"createKey":               {Path: "/v1/admin/keys", Body: `{"role": "analyst"}`},
	"listKeys":                {Path: "/v1/admin/keys"},
	"revokeKey":               {Path: "/v1/admin/keys/key_none"},
	"rotateKey":               {Path: "/v1/admin/keys/key_none/rotate", Body: `{}`},
	"revokePrincipal":         {Path: "/v1/admin/principals/oidc_none/revoke"},
	"rotateTenantKey":         {Path: "/v1/admin/tenants/a/keys/key_none/rotate", Body: `{"overlap": "1h"}`},
	"deleteDataset":           {Path: "/v1/admin/datasets/nothing"},
	"createDataset":           {Path: "/v1/admin/datasets", Body: `{}`},
	"getDatasetBudget":        {Path: "/v1/admin/datasets/insteval/budget"},
	"putDatasetBudget":        {Path: "/v1/admin/datasets/insteval/budget", Body: `{"epsilon": 1, "delta": 1e-6}`},
	"getPolicies":             {Path: "/v1/admin/policies"},
	"listPolicyVersions":      {Path: "/v1/admin/policies/versions"},
	"putPolicies":             {Path: "/v1/admin/policies", Body: `{"files": {"a.cedar": "permit(principal, action, resource);"}}`},
	"getReleaseLineage":       {Path: "/v1/releases/rel_1/lineage"},
	"getLoadLineage":          {Path: "/v1/loads/load_1/lineage"},
	"getTenantReleaseLineage": {Path: "/v1/admin/lineage/releases/rel_1"},
	"listRefusals":            {Path: "/v1/admin/audit"},
	"listTemplates":           {Path: "/v1/datasets/insteval/templates"},
	"getTemplate":             {Path: "/v1/datasets/insteval/templates/one"},
	"putTemplate":             {Path: "/v1/admin/datasets/insteval/templates/one", Body: `{"sql": "SELECT 1", "epsilon": 1}`},
	"deleteTemplate":          {Path: "/v1/admin/datasets/insteval/templates/one"},
	"listProposals":           {Path: "/v1/admin/proposals"},
	"getProposal":             {Path: "/v1/admin/proposals/prop_none"},
	"approveProposal":         {Path: "/v1/admin/proposals/prop_none/approve"},
	"rejectProposal":          {Path: "/v1/admin/proposals/prop_none/reject"},
	"withdrawProposal":        {Path: "/v1/admin/proposals/prop_none"},
	"listAlerts":              {Path: "/v1/admin/alerts"},
	"listSuspensions":         {Path: "/v1/admin/suspensions"},
	"putSuspension":           {Path: "/v1/admin/suspensions/principal/oidc_none", Body: `{"reason": "a test"}`},
	"deleteSuspension":        {Path: "/v1/admin/suspensions/principal/oidc_none"},
	"createTenantKey":         {Path: "/v1/admin/tenants/a/keys", Body: `{"role": "analyst"}`},
	"listTenantKeys":          {Path: "/v1/admin/tenants/a/keys"},
	"revokeTenantKey":         {Path: "/v1/admin/tenants/a/keys/key_none"},
	"putMember":               {Path: "/v1/admin/datasets/insteval/members/a", Body: `{"version": 1}`},
	"deleteMember":            {Path: "/v1/admin/datasets/insteval/members/a"},
	"getQuotas":               {Path: "/v1/admin/tenants/a/quotas"},
	"putQuotas":               {Path: "/v1/admin/tenants/a/quotas", Body: `{"queries": 3, "unlimited": ["stored_bytes"]}`},
	"getTenantBudget":         {Path: "/v1/admin/tenants/a/budget"},
	"putTenantBudget":         {Path: "/v1/admin/tenants/a/budget", Body: `{"epsilon": 1, "delta": 1e-6}`},
	"listCharges":             {Path: "/v1/admin/tenants/a/charges"},
	"getReceipt":              {Path: "/v1/releases/rel_1/receipt"},
	"getLogKey":               {Path: "/v1/log/key"},
	"getCheckpoint":           {Path: "/v1/log/checkpoint"},
	"getInclusionProof":       {Path: "/v1/log/proof/inclusion?leaf=0&size=1"},
	"getConsistencyProof":     {Path: "/v1/log/proof/consistency?from=1&to=2"},
	"listLog":                 {Path: "/v1/log/entries"},
	"getOpenAPI":              {Path: "/v1/openapi.json"},
	"getHealth":               {Path: "/healthz"},
	"getReadiness":            {Path: "/readyz"},
}

// Operations returns the operations of the document.
func Operations(t *testing.T) operation.Index {
	t.Helper()
	doc, _, err := operation.Document(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ops, err := operation.New(doc)
	if err != nil {
		t.Fatal(err)
	}
	return ops
}
