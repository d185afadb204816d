package privacy

import "slices"

// Role says what a principal may do. A principal has exactly one.
type Role string

// The roles of the system. The operator never queries and never reads rejects;
// tenants' own rows are reachable by their contributors only, and only to load.
const (
	RoleOperator    Role = "operator"     // tenants, datasets, dataset budgets, suspension
	RoleTenantAdmin Role = "tenant-admin" // own keys, membership
	RoleBudgetAdmin Role = "budget-admin" // own budget and charges
	RoleContributor Role = "contributor"  // own loads
	RoleAnalyst     Role = "analyst"      // datasets, query, explain, own releases
	RoleAuditor     Role = "auditor"      // charges and log, read-only
)

// Roles lists every role.
func Roles() []Role {
	return []Role{RoleOperator, RoleTenantAdmin, RoleBudgetAdmin, RoleContributor, RoleAnalyst, RoleAuditor}
}

// Valid reports whether r is a known role.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// NeedsTenant reports whether a principal with this role must belong to a
// tenant. Analysts and auditors may belong to one or to none.
func (r Role) NeedsTenant() bool {
	return r == RoleTenantAdmin || r == RoleBudgetAdmin || r == RoleContributor
}

// Principal is an authenticated caller.
type Principal struct {
	ID     string // stable and opaque, e.g. "key_01J…"
	Name   string // chosen by whoever created it; may be empty
	Role   Role
	Tenant string // the tenant it belongs to; empty for none
	Group  string // the group it spends with, fixed when it was created; empty for none
}

// Is reports whether the principal has one of the given roles.
func (p Principal) Is(roles ...Role) bool { return slices.Contains(roles, p.Role) }

// Owns reports whether the principal belongs to the named tenant.
func (p Principal) Owns(tenant string) bool { return p.Tenant != "" && p.Tenant == tenant }
