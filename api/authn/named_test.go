package authn

import (
	"testing"

	"github.com/noised/noised/privacy"
)

// TestAGroupThatTokensOfAnotherTenantName: the operator lists it for b's issuer, and no
// API key is in it.
func TestAGroupThatTokensOfAnotherTenantName(t *testing.T) {
	f := open(t)
	f.Named(map[string][]string{"lab": {"b"}})
	admin := privacy.Principal{ID: "key_adm", Role: privacy.RoleTenantAdmin, Tenant: "a"}
	_, _, err := f.Create(t.Context(), KeyRequest{Role: privacy.RoleAnalyst, Tenant: "a", Group: "lab"}, admin)
	if privacy.CodeOf(err) != privacy.CodeConflict {
		t.Errorf("a's admin created a key that spends what b's group has: %v", err)
	}
}
