package authn

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/noised/noised/privacy"
)

// Identity is whom a token or a certificate names: what its issuer vouches for,
// before the control store has been asked about it.
type Identity struct {
	ID     string         // of the principal, stable and opaque
	Tenant string         // empty for none
	Group  string         // that it spends with; empty for none
	Roles  []privacy.Role // that it may act in, one in each call
}

// Tokens checks bearer tokens that others issued. It fails with
// CodeUnauthenticated, the same for every reason, and with CodeUnavailable
// while it cannot tell.
type Tokens interface {
	Verify(ctx context.Context, token string) (Identity, error)
}

// Certificates checks the certificate that a connection was opened with, its
// private key having been proven in the handshake. Its errors are those of
// [Tokens].
type Certificates interface {
	Verify(presented []*x509.Certificate) (Identity, error)
}

// Credentials are all that one request proves about who sent it.
type Credentials struct {
	Bearer       string              // an API key or a token; empty for none
	Certificates []*x509.Certificate // of the connection itself, never of a header
	Role         string              // the role that the caller wants to act in; empty for the only one
}

// Caller is who sent a request.
type Caller struct {
	Principal privacy.Principal
	// Secret is what answers to the caller may be sealed with. Callers with an
	// API key bring one. Tokens change and certificates have none, so that for
	// the others it only tells callers and roles apart, and Lasting is false.
	Secret  string
	Lasting bool
}

// Gate turns credentials into a caller. It asks every source anew at each call.
type Gate struct {
	Keys         *Keys
	Tokens       Tokens       // nil: no tokens are accepted
	Certificates Certificates // nil: no certificates are accepted
}

// Authenticate returns who sent credentials. Where there are both a bearer
// secret and a certificate, both must hold and name the same tenant and role.
//
// Errors: CodeUnauthenticated, the same for every reason; CodeSuspended for a
// suspended tenant; CodeForbidden for a role that was not granted;
// CodeInvalidRequest where one of several roles must be named; CodeUnavailable
// where keys to check with are missing.
func (g *Gate) Authenticate(ctx context.Context, c Credentials) (Caller, error) {
	var certified *Caller
	if len(c.Certificates) > 0 {
		if g.Certificates == nil {
			return Caller{}, unauthenticated()
		}
		id, err := g.Certificates.Verify(c.Certificates)
		if err != nil {
			return Caller{}, err
		}
		caller, err := g.admit(ctx, id, c.Role)
		if err != nil || c.Bearer == "" {
			return caller, err
		}
		certified = &caller
	}
	caller, err := g.bearer(ctx, c)
	if err != nil {
		return Caller{}, err
	}
	if certified != nil && (certified.Principal.Tenant != caller.Principal.Tenant || certified.Principal.Role != caller.Principal.Role) {
		return Caller{}, unauthenticated()
	}
	return caller, nil
}

func (g *Gate) bearer(ctx context.Context, c Credentials) (Caller, error) {
	switch {
	case strings.HasPrefix(c.Bearer, Prefix):
		p, err := g.Keys.Authenticate(ctx, c.Bearer)
		if err != nil {
			return Caller{}, err
		}
		if _, err := pick([]privacy.Role{p.Role}, c.Role); err != nil {
			return Caller{}, of(err, p)
		}
		return Caller{Principal: p, Secret: c.Bearer, Lasting: true}, nil
	case c.Bearer == "" || g.Tokens == nil:
		return Caller{}, unauthenticated()
	}
	id, err := g.Tokens.Verify(ctx, c.Bearer)
	if err != nil {
		return Caller{}, err
	}
	return g.admit(ctx, id, c.Role)
}

// admit makes a principal of an identity whose proof holds: one role of those
// granted, a tenant that exists and is not suspended, not revoked.
func (g *Gate) admit(ctx context.Context, id Identity, wanted string) (Caller, error) {
	p := privacy.Principal{ID: id.ID, Tenant: id.Tenant, Group: id.Group}
	if err := g.Keys.standing(ctx, p); err != nil {
		return Caller{}, err
	}
	role, err := pick(id.Roles, wanted)
	if err != nil {
		return Caller{}, of(err, p)
	}
	p.Role = role
	if role == privacy.RoleOperator {
		p.Tenant = "" // as operators' keys have none
	}
	if role.NeedsTenant() && p.Tenant == "" {
		return Caller{}, of(privacy.Errorf(privacy.CodeForbidden, "the role %s needs a tenant, and these credentials name none", role), p)
	}
	return Caller{Principal: p, Secret: strings.Join([]string{p.ID, string(p.Role), p.Tenant}, "\x00")}, nil
}

// of says whose credentials are refused although they hold.
func of(err *privacy.Error, p privacy.Principal) error { return err.Because(&known{p}) }

// pick returns the role of this call.
func pick(granted []privacy.Role, wanted string) (privacy.Role, *privacy.Error) {
	switch {
	case wanted != "" && !slices.Contains(granted, privacy.Role(wanted)):
		return "", privacy.Errorf(privacy.CodeForbidden, "these credentials do not grant the role that Noised-Role names")
	case wanted != "":
		return privacy.Role(wanted), nil
	case len(granted) == 0:
		return "", privacy.Errorf(privacy.CodeForbidden, "these credentials grant no role here")
	case len(granted) > 1:
		names := make([]string, len(granted))
		for i, r := range granted {
			names[i] = string(r)
		}
		return "", privacy.Errorf(privacy.CodeInvalidRequest, "these credentials grant several roles: name one of %s in the header Noised-Role", strings.Join(names, ", "))
	}
	return granted[0], nil
}
