package operation

import (
	"slices"
	"strings"

	"github.com/noised/noised/privacy"
)

// Access says who may call an operation.
type Access struct {
	Public bool           // without authentication
	Roles  []privacy.Role // any of them
	own    bool           // the path parameter {tenant} must be the caller's own tenant, unless that is for all: the operator, auditors of none
}

func roles(r ...privacy.Role) Access    { return Access{Roles: r} }
func ownRoles(r ...privacy.Role) Access { return Access{Roles: r, own: true} }

// accessTable is the whole of authorisation by role: one line per operation of
// the document. What is not in it is refused, and New fails when the two
// differ, so that no server starts.
//
// What others own stays hidden in two ways. A path that names a tenant which is
// not the caller's own is forbidden, whether or not such a tenant exists. An
// object that is named by its opaque id alone and belongs to somebody else is
// not found, exactly as one that does not exist.
//
// A dataset's contract is read by those who ask (analysts), those who write it
// (the operator) and those who must decide whether to accept it (tenant admins).
// An auditor that belongs to no tenant audits all of them.
func accessTable() map[string]Access {
	const (
		operator    = privacy.RoleOperator
		tenantAdmin = privacy.RoleTenantAdmin
		budgetAdmin = privacy.RoleBudgetAdmin
		contributor = privacy.RoleContributor
		analyst     = privacy.RoleAnalyst
		auditor     = privacy.RoleAuditor
	)
	return map[string]Access{
		"query":        roles(analyst),
		"queryByURL":   roles(analyst),
		"explain":      roles(analyst),
		"listReleases": roles(analyst),
		"getRelease":   roles(analyst),
		"listDatasets": roles(analyst, operator, tenantAdmin),
		"getDataset":   roles(analyst, operator, tenantAdmin),

		"createLoad":     roles(contributor, operator), // the operator loads public tables, which belong to no tenant
		"listLoads":      roles(contributor, operator),
		"getLoad":        roles(contributor, operator),
		"cancelLoad":     roles(contributor, operator),
		"getLoadRejects": roles(contributor),

		"createErasure": roles(contributor),
		"listErasures":  roles(contributor, tenantAdmin, auditor), // with counts for contributors alone
		"getErasure":    roles(contributor, tenantAdmin, auditor),

		"createTenant":     roles(operator),
		"listTenants":      roles(operator),
		"updateTenant":     roles(operator),
		"deleteTenant":     roles(operator),
		"createKey":        roles(operator),
		"listKeys":         roles(operator),
		"revokeKey":        roles(operator),
		"rotateKey":        roles(operator),
		"revokePrincipal":  roles(operator),
		"createDataset":    roles(operator),
		"deleteDataset":    roles(operator),
		"getDatasetBudget": roles(operator),
		"putDatasetBudget": roles(operator),

		"getPolicies":        roles(operator, auditor),
		"listPolicyVersions": roles(operator, auditor),
		"putPolicies":        roles(operator),

		"getReleaseLineage":       roles(analyst),
		"getLoadLineage":          roles(contributor, operator),
		"getTenantReleaseLineage": roles(operator, tenantAdmin, budgetAdmin, auditor),
		"listRefusals":            roles(operator, tenantAdmin, auditor),

		"listTemplates":    roles(analyst, operator, tenantAdmin),
		"getTemplate":      roles(analyst, operator, tenantAdmin),
		"putTemplate":      roles(operator),
		"deleteTemplate":   roles(operator),
		"listProposals":    roles(operator, tenantAdmin, budgetAdmin, auditor),
		"getProposal":      roles(operator, tenantAdmin, budgetAdmin, auditor),
		"approveProposal":  roles(tenantAdmin, budgetAdmin),
		"rejectProposal":   roles(tenantAdmin, budgetAdmin),
		"withdrawProposal": roles(operator, tenantAdmin, budgetAdmin),
		"listAlerts":       roles(operator, tenantAdmin, auditor),
		"listSuspensions":  roles(operator, tenantAdmin, auditor),
		"putSuspension":    roles(operator, tenantAdmin), // whose it is to suspend, privacy/containment knows
		"deleteSuspension": roles(operator, tenantAdmin),

		"getReceipt": roles(analyst, operator, tenantAdmin, budgetAdmin, auditor), // whose releases, analytics/record knows
		"listLog":    roles(operator, tenantAdmin, budgetAdmin, auditor),

		"createTenantKey": ownRoles(tenantAdmin),
		"listTenantKeys":  ownRoles(tenantAdmin),
		"revokeTenantKey": ownRoles(tenantAdmin),
		"rotateTenantKey": ownRoles(tenantAdmin),
		"putMember":       ownRoles(tenantAdmin),
		"deleteMember":    ownRoles(tenantAdmin),

		"getQuotas": ownRoles(operator, tenantAdmin),
		"putQuotas": roles(operator),

		"getTenantBudget": ownRoles(budgetAdmin),
		"putTenantBudget": ownRoles(budgetAdmin),
		"listCharges":     ownRoles(budgetAdmin, auditor),

		"getLogKey":           {Public: true}, // what is hashed and signed tells nothing else
		"getCheckpoint":       {Public: true},
		"getInclusionProof":   {Public: true},
		"getConsistencyProof": {Public: true},

		"getOpenAPI":   {Public: true},
		"getHealth":    {Public: true},
		"getReadiness": {Public: true},
	}
}

// Check refuses a principal that may not call the operation for the tenant that
// its path names.
func (a Access) Check(p privacy.Principal, tenant string) error {
	if !slices.Contains(a.Roles, p.Role) {
		return privacy.Errorf(privacy.CodeForbidden, "this key has the role %s, which may not do this", p.Role).
			Suggest("use a key with the role %s", oneOf(a.Roles))
	}
	everyTenant := p.Tenant == "" && (p.Role == privacy.RoleAuditor || p.Role == privacy.RoleOperator)
	if a.own && !everyTenant {
		return CheckOwn(p, tenant)
	}
	return nil
}

// CheckOwn refuses a tenant that is not the principal's own. It says the same of
// one that does not exist.
func CheckOwn(p privacy.Principal, tenant string) error {
	if !p.Owns(tenant) {
		return privacy.Errorf(privacy.CodeForbidden, "this key belongs to another tenant")
	}
	return nil
}

func oneOf(roles []privacy.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, " or ")
}
