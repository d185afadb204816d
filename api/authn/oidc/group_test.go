package oidc

import (
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/authn/oidc/oidctest"
	"github.com/noised/noised/privacy"
)

// The issuer of one tenant names the groups that the operator has listed for it and no
// others, though a contract may admit those or a budget be theirs.
func TestATenantsIssuerNamesListedGroupsOnly(t *testing.T) {
	p := oidctest.Start(t, "noised")
	own := config(p)
	own.TenantClaim, own.Tenant, own.GroupMap = "", "north", map[string]string{"lab": "lab", "Field Team": "field"}
	v := verifier(t, &clock{now: time.Now()}, own)
	for team, want := range map[any]string{"lab": "lab", "Field Team": "field", "field": "", "acme": "", "": "", 7: "", nil: ""} {
		claims := oidctest.Claims{"roles": "asks"}
		if team != nil {
			claims["team"] = team
		}
		p.SetClient("ann", claims)
		id, err := v.Verify(t.Context(), p.MustToken("ann"))
		if want == "" && privacy.CodeOf(err) != privacy.CodeUnauthenticated || want != "" && (err != nil || id.Group != want) {
			t.Errorf("team %v is group %q, %v", team, id.Group, err)
		}
	}
	p.SetClient("bob", oidctest.Claims{"roles": "loads", "team": "acme"}) // who asks nothing has no group
	if id, err := v.Verify(t.Context(), p.MustToken("bob")); err != nil || id.Group != "" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestGroupsOfIssuersAreChecked(t *testing.T) {
	p := oidctest.Start(t, "noised")
	for name, c := range map[string]struct {
		change func(*Config)
		why    string // empty where it is good
	}{
		"several tenants":               {func(*Config) {}, ""},
		"several tenants by a map":      {func(c *Config) { c.TenantMap = map[string]string{"a": "north", "b": "south"} }, ""},
		"no tenant":                     {func(c *Config) { c.TenantClaim, c.RoleMap = "", map[string]privacy.Role{"asks": privacy.RoleAnalyst} }, ""},
		"one tenant":                    {func(c *Config) { c.TenantClaim, c.Tenant = "", "north" }, "name any group"},
		"one tenant by a map":           {func(c *Config) { c.TenantMap = map[string]string{"a": "north", "b": "north"} }, "name any group"},
		"one tenant and a list":         {func(c *Config) { c.TenantClaim, c.Tenant, c.GroupMap = "", "north", map[string]string{"a": "lab"} }, ""},
		"one tenant that names none":    {func(c *Config) { c.TenantClaim, c.Tenant, c.GroupClaim = "", "north", "" }, ""},
		"a list without a claim":        {func(c *Config) { c.GroupClaim, c.GroupMap = "", map[string]string{"a": "lab"} }, "group_map needs group_claim"},
		"what is no name":               {func(c *Config) { c.GroupMap = map[string]string{"a": "No Name"} }, "is not the name of a group"},
		"what budgets call everybody's": {func(c *Config) { c.GroupMap = map[string]string{"a": "default"} }, "is not the name of a group"},
	} {
		one := config(p)
		c.change(&one)
		if err := Check([]Config{one}); (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
