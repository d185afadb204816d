package oidc

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
)

// Bounds of the tolerance for clocks that differ.
const (
	defaultSkew = time.Minute
	maxSkew     = 5 * time.Minute
)

// Config says what the tokens of one issuer are worth. A claim is named by its
// name, or by a JSON pointer where it lies deeper: "/realm_access/roles".
type Config struct {
	Issuer   string `json:"issuer"`   // as the tokens say it; https, but for this machine
	Audience string `json:"audience"` // this server, as the issuer names it
	// AuthorizedParties are the clients that tokens may have been issued to, where
	// they say so (azp); the audience when there are none.
	AuthorizedParties []string `json:"authorized_parties"`

	Tenant      string            `json:"tenant"`       // every token belongs to this tenant; or
	TenantClaim string            `json:"tenant_claim"` // the claim that names the tenant
	TenantMap   map[string]string `json:"tenant_map"`   // what its values stand for; themselves when left out

	RolesClaim string                  `json:"roles_claim"`
	RoleMap    map[string]privacy.Role `json:"role_map"`    // values that are not here grant nothing
	GroupClaim string                  `json:"group_claim"` // the group that an analyst spends with
	GroupMap   map[string]string       `json:"group_map"`   // what its values stand for; themselves when left out, but not for one tenant's issuer

	AllowOperator bool     `json:"allow_operator"` // the role map may make operators
	ClockSkew     Duration `json:"clock_skew"`     // at most 5m; 1m when left out
}

// Duration is a duration that is written with its unit, as in "30s".
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("a duration is written with its unit, as in \"30s\"")
	}
	v, err := time.ParseDuration(s)
	*d = Duration(v)
	return err
}

// Check refuses settings that let in more than they say.
func Check(configs []Config) error {
	seen := map[string]bool{}
	for _, c := range configs {
		if err := c.check(); err != nil {
			return fmt.Errorf("oidc issuer %q: %w", c.Issuer, err)
		}
		if seen[c.Issuer] {
			return fmt.Errorf("oidc issuer %q is there twice: what its tokens are worth would depend on the order", c.Issuer)
		}
		seen[c.Issuer] = true
	}
	return nil
}

func (c Config) check() error {
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("issuer must be a URL without query and fragment")
	case !secureURL(u):
		return fmt.Errorf("refusing an issuer over %s: whoever is in between could hand out keys. Use https", u.Scheme)
	case c.Audience == "":
		return fmt.Errorf("audience is missing: tokens that were issued for other services would be accepted")
	case c.RolesClaim == "" || len(c.RoleMap) == 0:
		return fmt.Errorf("roles_claim and role_map are both needed: no value of a claim is a role by itself")
	case c.Tenant != "" && c.TenantClaim != "":
		return fmt.Errorf("tenant and tenant_claim exclude each other")
	case c.TenantMap != nil && c.TenantClaim == "":
		return fmt.Errorf("tenant_map needs tenant_claim")
	case c.ClockSkew < 0 || time.Duration(c.ClockSkew) > maxSkew:
		return fmt.Errorf("clock_skew must be between 0s and %s", maxSkew)
	case slices.Contains(c.AuthorizedParties, ""):
		return fmt.Errorf("authorized_parties has an empty entry")
	}
	return c.checkMaps()
}

func (c Config) checkMaps() error {
	for value, role := range c.RoleMap {
		switch {
		case value == "" || !role.Valid():
			return fmt.Errorf("role_map: %q is not one of %v", role, privacy.Roles())
		case role == privacy.RoleOperator && !c.AllowOperator:
			return fmt.Errorf("role_map makes operators of whoever the issuer says %q of: say allow_operator: true if that is meant", value)
		case role.NeedsTenant() && c.Tenant == "" && c.TenantClaim == "":
			return fmt.Errorf("role_map grants %s, which needs a tenant: give tenant or tenant_claim", role)
		}
	}
	for _, tenant := range c.TenantMap {
		if err := privacy.CheckName("tenant", tenant); err != nil {
			return fmt.Errorf("tenant_map: %q is not the name of a tenant", tenant)
		}
	}
	if c.Tenant != "" && privacy.CheckName("tenant", c.Tenant) != nil {
		return fmt.Errorf("%q is not the name of a tenant", c.Tenant)
	}
	return c.checkGroups()
}

// checkGroups has the operator list the groups that the issuer of one tenant may name.
// Contracts admit groups and budgets cap them by name alone, so that a tenant which
// names any could ask as another's analysts, or use up what is theirs.
func (c Config) checkGroups() error {
	switch {
	case c.GroupMap != nil && c.GroupClaim == "":
		return fmt.Errorf("group_map needs group_claim")
	case c.GroupMap == nil && c.GroupClaim != "" && c.ofOneTenant():
		return fmt.Errorf("group_claim without group_map lets the issuer of one tenant name any group, also those of others: list in group_map what it may say")
	}
	for _, group := range c.GroupMap {
		if authn.CheckGroup(group) != nil {
			return fmt.Errorf("group_map: %q is not the name of a group", group)
		}
	}
	return nil
}

// ofOneTenant reports whether all tokens are of the same tenant.
func (c Config) ofOneTenant() bool {
	tenants := map[string]bool{}
	for _, tenant := range c.TenantMap {
		tenants[tenant] = true
	}
	return c.Tenant != "" || len(tenants) == 1
}

// Groups returns the groups that issuers are listed to name, and of which tenants their
// tokens are: "" where they are of several, or of none.
func Groups(configs []Config) map[string][]string {
	out := map[string][]string{}
	for _, c := range configs {
		tenant := c.Tenant
		if tenants := slices.Collect(maps.Values(c.TenantMap)); tenant == "" && c.ofOneTenant() {
			tenant = tenants[0] // and all others
		}
		for _, group := range c.GroupMap {
			out[group] = append(out[group], tenant)
		}
	}
	return out
}

func (c Config) skew() time.Duration {
	if c.ClockSkew == 0 {
		return defaultSkew
	}
	return time.Duration(c.ClockSkew)
}

func (c Config) parties() []string {
	if len(c.AuthorizedParties) == 0 {
		return []string{c.Audience}
	}
	return c.AuthorizedParties
}

// secureURL reports whether what is fetched from a URL cannot be changed on its
// way here.
func secureURL(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return u.Scheme == "https" || u.Scheme == "http" && (strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback())
}
