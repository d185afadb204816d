package privacy

import "testing"

func TestRoles(t *testing.T) {
	needsTenant := map[Role]bool{
		RoleOperator: false, RoleTenantAdmin: true, RoleBudgetAdmin: true,
		RoleContributor: true, RoleAnalyst: false, RoleAuditor: false,
	}
	if len(Roles()) != len(needsTenant) {
		t.Fatalf("roles %v", Roles())
	}
	for _, r := range Roles() {
		if want, known := needsTenant[r]; !known || !r.Valid() || r.NeedsTenant() != want {
			t.Errorf("%q: valid %v, needs a tenant %v", r, r.Valid(), r.NeedsTenant())
		}
	}
	for _, r := range []Role{"", "admin", "Operator"} {
		if r.Valid() || r.NeedsTenant() {
			t.Errorf("%q is taken for a role", r)
		}
	}
}

// TestRolesIsACopy: no caller can change what the roles are.
func TestRolesIsACopy(t *testing.T) {
	Roles()[0] = "changed"
	if Roles()[0] != RoleOperator {
		t.Error("the list of roles was changed")
	}
}

func TestPrincipal(t *testing.T) {
	p := Principal{ID: "key_1", Role: RoleAnalyst, Tenant: "dept_5"}
	if !p.Is(RoleOperator, RoleAnalyst) || p.Is(RoleOperator) || p.Is() {
		t.Error("Is")
	}
	if !p.Owns("dept_5") || p.Owns("dept_6") || p.Owns("") {
		t.Error("Owns")
	}
	if (Principal{}).Owns("") {
		t.Error("a principal of no tenant owns the tenant of no name")
	}
}
