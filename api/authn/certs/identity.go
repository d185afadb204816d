package certs

import (
	"crypto/sha256"
	"encoding/base32"
	"net/url"
	"regexp"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
)

// identityURI is the whole form of a certificate's URI.
var identityURI = regexp.MustCompile(`^noised://([a-z][a-z0-9_-]{0,62})?/([a-z-]+)(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$`)

// identify reads the one URI of noised's that a certificate must have. The
// principal is named after it and not after the certificate, so that it stays
// the same, and its budgets with it, when the certificate is renewed.
func identify(uris []*url.URL) (authn.Identity, error) {
	var own []string
	for _, u := range uris {
		if u.Scheme == "noised" {
			own = append(own, u.String())
		}
	}
	if len(own) != 1 {
		return authn.Identity{}, refusal("not exactly one URI noised://TENANT/ROLE")
	}
	m := identityURI.FindStringSubmatch(own[0])
	if m == nil {
		return authn.Identity{}, refusal("a URI of another form than noised://TENANT/ROLE/NAME")
	}
	tenant, role := m[1], privacy.Role(m[2])
	if !role.Valid() || role.NeedsTenant() && tenant == "" || role == privacy.RoleOperator && tenant != "" {
		return authn.Identity{}, refusal("no such role, or not with this tenant")
	}
	sum := sha256.Sum256([]byte(own[0]))
	return authn.Identity{ID: "cert_" + idEncoding.EncodeToString(sum[:20]), Tenant: tenant, Roles: []privacy.Role{role}}, nil
}

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
