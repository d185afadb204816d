package edge

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest/problem"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// authenticate finds the principal behind a key, a token or a certificate, and
// holds it to its rate, and to that and the share of its tenant. It runs before the
// body is read, so that strangers cost nothing, and whoever failed often waits
// before anything is looked at.
func (e *Edge) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		r := c.Request()
		v := visitOf(r.Context())
		if v.Operation == nil || v.Operation.Access.Public {
			return next(c)
		}
		credentials, err := credentialsOf(r)
		if err != nil {
			return err
		}
		attempt := e.lockout.Begin(r.RemoteAddr, claimOf(credentials))
		if wait := attempt.Wait(); wait > 0 {
			return privacy.Errorf(privacy.CodeRateLimited, "too many attempts to authenticate have failed: wait before the next one").Because(&problem.LockedOut{Wait: wait})
		}
		caller, err := e.Callers.Authenticate(r.Context(), credentials)
		switch {
		case privacy.CodeOf(err) == privacy.CodeUnauthenticated:
			attempt.Failed()
			return err
		case err != nil: // the credentials hold; they do not do for this call
			v.Principal, _ = authn.KnownAs(err) // for the record
			return err
		}
		attempt.Succeeded()
		v.Principal, v.secret, v.lasting = caller.Principal, caller.Secret, caller.Lasting
		if err := e.rates.Allow(v.Principal.ID); err != nil {
			return err
		}
		if err := e.withinTenant(r.Context(), v.Principal); err != nil {
			return err
		}
		if err := e.Containment.Check(r.Context(), containment.Touches{Principal: v.Principal}); err != nil {
			return err
		}
		give, err := e.slotsOf(v.Operation).Share(v.Principal)
		if err != nil {
			return err
		}
		defer give()
		return next(c)
	}
}

// credentialsOf reads what a request proves. A certificate counts only as that
// of the connection itself: no header can bring one.
func credentialsOf(r *http.Request) (authn.Credentials, error) {
	var c authn.Credentials
	if r.TLS != nil {
		c.Certificates = r.TLS.PeerCertificates
	}
	wanted := r.Header.Values(wire.HeaderRole)
	if len(wanted) > 1 || len(wanted) == 1 && !privacy.Role(wanted[0]).Valid() {
		return c, privacy.Errorf(privacy.CodeInvalidRequest, "the header %s names one role of %v", wire.HeaderRole, privacy.Roles())
	}
	if len(wanted) == 1 {
		c.Role = wanted[0]
	}
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 && len(c.Certificates) > 0 {
		return c, nil
	}
	if len(headers) == 1 {
		scheme, secret, _ := strings.Cut(headers[0], " ")
		if c.Bearer = strings.TrimSpace(secret); strings.EqualFold(scheme, "Bearer") && c.Bearer != "" {
			return c, nil
		}
	}
	return c, privacy.Errorf(privacy.CodeUnauthenticated, "send one header Authorization: Bearer <API key or token>")
}

// claimOf is what repeated failures are told apart by.
func claimOf(c authn.Credentials) []byte {
	if c.Bearer == "" && len(c.Certificates) > 0 {
		return c.Certificates[0].Raw
	}
	return []byte(c.Bearer)
}
