package oidc

import (
	"slices"
	"strings"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
)

// identify maps the claims of a token that holds.
//
// A claim that is configured and missing is a refusal, not an empty value: a
// token without its tenant would otherwise act for none, and one without its
// group would spend past the group's cap.
func (c Config) identify(subject string, all map[string]any) (authn.Identity, error) {
	id := authn.Identity{ID: principalOf(c.Issuer, subject), Tenant: c.Tenant, Roles: c.roles(all)}
	needsTenant := slices.ContainsFunc(id.Roles, func(r privacy.Role) bool { return r != privacy.RoleOperator })
	if c.TenantClaim != "" {
		tenant, ok := c.tenant(all)
		if !ok && needsTenant {
			return authn.Identity{}, refusal("tenant")
		}
		id.Tenant = tenant
	}
	if c.GroupClaim != "" && slices.Contains(id.Roles, privacy.RoleAnalyst) {
		group, ok := find(all, c.GroupClaim).(string)
		if ok && c.GroupMap != nil {
			group, ok = c.GroupMap[group]
		}
		if !ok || authn.CheckGroup(group) != nil {
			return authn.Identity{}, refusal("group")
		}
		id.Group = group
	}
	return id, nil
}

func (c Config) tenant(all map[string]any) (string, bool) {
	value, ok := find(all, c.TenantClaim).(string)
	if ok && c.TenantMap != nil {
		value, ok = c.TenantMap[value]
	}
	if !ok || privacy.CheckName("tenant", value) != nil {
		return "", false
	}
	return value, true
}

// roles are those that the values of the roles claim are mapped to, in the
// order of privacy.Roles. The claim is a string, a list of strings, or an
// object whose keys are the values.
func (c Config) roles(all map[string]any) []privacy.Role {
	granted := map[privacy.Role]bool{}
	grant := func(value string) {
		if role, ok := c.RoleMap[value]; ok {
			granted[role] = true
		}
	}
	switch v := find(all, c.RolesClaim).(type) {
	case string:
		grant(v)
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				grant(s)
			}
		}
	case map[string]any:
		for s := range v {
			grant(s)
		}
	}
	return slices.DeleteFunc(privacy.Roles(), func(r privacy.Role) bool { return !granted[r] })
}

// find returns the claim of a name, or what a JSON pointer leads to; nil when
// there is none.
func find(all map[string]any, name string) any {
	if !strings.HasPrefix(name, "/") {
		return all[name]
	}
	var at any = all
	for _, part := range strings.Split(name[1:], "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return at
}
