package suite

import (
	"maps"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/noised/noised/api"
)

// kind says what an operation gives those who belong to another tenant than the
// one whose things are named.
type kind int

const (
	// ofSystem: things that belong to no tenant. They hold nothing of anybody.
	ofSystem kind = iota
	// ofCaller: what is the caller's own, whatever it says. Others' things cannot be
	// named, or naming them changes nothing.
	ofCaller
	// known: contracts, their members and policies, which whoever has the role reads.
	known
	// ofTenant: one tenant's, named in the path. Others are refused, whether such a
	// tenant or such a thing in it exists or not.
	ofTenant
	// ofOwner: named by an opaque id alone. It is not found, as one that does not exist.
	ofOwner
	// ofOperator: the operator's, and closed to every tenant.
	ofOperator
	// asks: a question. Policies decide whose rows it may read.
	asks
)

// rule is what the suite must know of an operation beside the document: who may have
// what of others by it, and a request that its owner makes with success.
type rule struct {
	kind kind
	// owner is the role that the operation is for: the control calls as the victim's
	// principal in it, or as the operator, and must succeed.
	owner string
	// none are the roles that belong to no tenant and see everybody's by right.
	none []string
	// body is one that the operation takes, JSON unless media says otherwise. Names in
	// braces are replaced as those of path parameters are.
	body, media string
	// finds is the code of the control's answer where the object is in a state that
	// the operation does not serve: to be told so is to have found it.
	finds string
	// as are the paths that it is called by, where what one parameter names depends on
	// another; that of the document where it is left out.
	as []string
	// own reports that the call is harmless with the attacker's own objects too.
	own bool
}

const (
	tenantAdmin = "tenant-admin"
	budgetAdmin = "budget-admin"
	contributor = "contributor"
	analyst     = "analyst"
	auditor     = "auditor"
	operator    = "operator"
)

// rolesOfTenants are those that belong to a tenant here.
func rolesOfTenants() []string {
	return []string{tenantAdmin, budgetAdmin, contributor, analyst, auditor}
}

// rules has one line for each operation of the document.
func rules() map[string]rule {
	everybodys := []string{operator, auditor}
	return map[string]rule{
		"query":        {kind: asks, owner: analyst, body: `{"sql": "SELECT count(*) AS n FROM {dataset}", "tenants": ["{tenant}"], "epsilon": 0.5}`},
		"queryByURL":   {kind: asks, owner: analyst},
		"explain":      {kind: asks, owner: analyst, body: `{"sql": "SELECT count(*) AS n FROM {dataset}", "tenants": ["{tenant}"]}`},
		"listReleases": {kind: ofCaller, owner: analyst, own: true},
		"getRelease":   {kind: ofOwner, owner: analyst, own: true},
		"listDatasets": {kind: known, owner: analyst, own: true},
		"getDataset":   {kind: known, owner: analyst, own: true},

		"createLoad":     {kind: ofOwner, owner: contributor, body: victimsRows, media: "text/csv"},
		"listLoads":      {kind: ofCaller, owner: contributor, own: true},
		"getLoad":        {kind: ofOwner, owner: contributor, own: true},
		"cancelLoad":     {kind: ofOwner, owner: contributor, finds: "conflict"},
		"getLoadRejects": {kind: ofOwner, owner: contributor, own: true},

		"createErasure": {kind: ofOwner, owner: contributor, body: `{"units": ["1"]}`},
		"listErasures":  {kind: ofCaller, owner: contributor, own: true},
		"getErasure":    {kind: ofOwner, owner: contributor, own: true},

		"createTenant":     {kind: ofOperator, owner: operator, body: `{"name": "newcomer"}`},
		"listTenants":      {kind: ofOperator, owner: operator},
		"updateTenant":     {kind: ofOperator, owner: operator, body: `{"suspended": false}`},
		"deleteTenant":     {kind: ofOperator, owner: operator},
		"createKey":        {kind: ofOperator, owner: operator, body: `{"role": "tenant-admin", "tenant": "{tenant}"}`},
		"listKeys":         {kind: ofOperator, owner: operator},
		"revokeKey":        {kind: ofOperator, owner: operator},
		"rotateKey":        {kind: ofOperator, owner: operator, body: `{"overlap": "1h"}`},
		"revokePrincipal":  {kind: ofOperator, owner: operator},
		"createDataset":    {kind: ofOperator, owner: operator, body: contractOf("newset", 1), media: "application/yaml"},
		"deleteDataset":    {kind: ofOperator, owner: operator},
		"getDatasetBudget": {kind: ofOperator, owner: operator},
		"putDatasetBudget": {kind: ofOperator, owner: operator, body: `{"epsilon": 9, "delta": 1e-6}`},

		"getPolicies":        {kind: known, owner: operator},
		"listPolicyVersions": {kind: known, owner: operator},
		"putPolicies":        {kind: ofOperator, owner: operator, body: `permit (principal, action, resource);`, media: "text/plain"},

		"getReleaseLineage":       {kind: ofOwner, owner: analyst, own: true},
		"getLoadLineage":          {kind: ofOwner, owner: contributor, own: true},
		"getTenantReleaseLineage": {kind: ofOwner, owner: auditor, none: everybodys, own: true},
		"listRefusals":            {kind: ofCaller, owner: auditor, none: everybodys, own: true},

		"listProposals":    {kind: ofCaller, owner: tenantAdmin, none: everybodys, own: true},
		"getProposal":      {kind: ofOwner, owner: budgetAdmin, none: everybodys, own: true},
		"approveProposal":  {kind: ofOwner, owner: tenantAdmin},
		"rejectProposal":   {kind: ofOwner, owner: tenantAdmin, finds: "conflict"}, // it was approved before
		"withdrawProposal": {kind: ofOwner, owner: operator, finds: "conflict"},

		"listSuspensions":  {kind: ofCaller, owner: tenantAdmin, none: everybodys, own: true},
		"putSuspension":    {kind: ofOwner, owner: operator, body: `{"reason": "a test"}`, as: suspensions()},
		"deleteSuspension": {kind: ofOwner, owner: operator, as: suspensions()},
		"listAlerts":       {kind: ofCaller, owner: auditor, none: everybodys, own: true},

		"createTenantKey": {kind: ofTenant, owner: tenantAdmin, body: `{"role": "analyst"}`},
		"listTenantKeys":  {kind: ofTenant, owner: tenantAdmin, own: true},
		"revokeTenantKey": {kind: ofTenant, owner: tenantAdmin},
		"rotateTenantKey": {kind: ofTenant, owner: tenantAdmin, body: `{"overlap": "1h"}`},
		"putMember":       {kind: ofTenant, owner: tenantAdmin, body: `{"version": 1}`},
		"deleteMember":    {kind: ofTenant, owner: tenantAdmin},
		"getTenantBudget": {kind: ofTenant, owner: budgetAdmin, own: true},
		"putTenantBudget": {kind: ofTenant, owner: budgetAdmin, body: `{"epsilon": 60, "delta": 1e-6}`},
		"listTemplates":   {kind: known, owner: analyst, own: true},
		"getTemplate":     {kind: known, owner: analyst, own: true},
		"putTemplate":     {kind: ofOperator, owner: operator, body: `{"sql": "SELECT count(*) AS n FROM {dataset}", "epsilon": 0.5}`},
		"deleteTemplate":  {kind: ofOperator, owner: operator},

		"getQuotas":   {kind: ofTenant, owner: tenantAdmin, none: everybodys[:1], own: true},
		"putQuotas":   {kind: ofOperator, owner: operator, body: `{"queries": 128}`},
		"listCharges": {kind: ofTenant, owner: auditor, none: everybodys[1:], own: true},

		"getReceipt": {kind: ofOwner, owner: analyst, none: everybodys, own: true},
		"listLog":    {kind: ofCaller, owner: auditor, none: everybodys, own: true},

		"getLogKey":           {kind: ofSystem, own: true},
		"getCheckpoint":       {kind: ofSystem, own: true},
		"getInclusionProof":   {kind: ofSystem, own: true},
		"getConsistencyProof": {kind: ofSystem, own: true},

		"getOpenAPI":   {kind: ofSystem, own: true},
		"getHealth":    {kind: ofSystem, own: true},
		"getReadiness": {kind: ofSystem, own: true},
	}
}

// suspensions are the paths of what can be suspended.
func suspensions() []string {
	const all = "/v1/admin/suspensions/"
	return []string{all + "tenant/{tenant}", all + "principal/{colleague}", all + "dataset/{dataset}", all + "everything/all"}
}

// TestEveryOperationHasALine: whoever adds a route says here who may have what of
// other tenants by it.
func TestEveryOperationHasALine(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	table := rules()
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			r, ok := table[op.OperationID]
			if !ok {
				t.Errorf("%s %s (%s) has no line in the table: say what it gives to other tenants", method, path, op.OperationID)
			}
			if ok && op.RequestBody != nil && r.body == "" {
				t.Errorf("%s has no body in the table", op.OperationID)
			}
			delete(table, op.OperationID)
		}
	}
	if len(table) > 0 {
		t.Errorf("the table has lines for what is no operation: %v", slices.Sorted(maps.Keys(table)))
	}
}
