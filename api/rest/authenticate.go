package rest

import (
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/privacy"
)

// authenticate finds the principal behind the bearer secret, and holds it to its
// rate. It runs before the body is read, so that strangers cost nothing.
func (s *server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		ctx := c.Request().Context()
		cl := callOf(ctx)
		if cl.op == nil || cl.op.access.public {
			return next(c)
		}
		headers := c.Request().Header.Values("Authorization")
		if len(headers) != 1 {
			return privacy.Errorf(privacy.CodeUnauthenticated, "send one header Authorization: Bearer <API key>")
		}
		scheme, secret, _ := strings.Cut(headers[0], " ")
		if secret = strings.TrimSpace(secret); !strings.EqualFold(scheme, "Bearer") || secret == "" {
			return privacy.Errorf(privacy.CodeUnauthenticated, "send one header Authorization: Bearer <API key>")
		}
		p, err := s.Keys.Authenticate(ctx, secret)
		if err != nil {
			return err
		}
		cl.principal, cl.secret = p, secret
		if err := s.rates.allow(p.ID); err != nil {
			return err
		}
		return next(c)
	}
}

// authorize holds the call against the access table, and then against the
// policies. What has no line in the one, and what nothing permits in the others, is
// refused.
func (s *server) authorize(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		cl := callOf(c.Request().Context())
		if cl.op == nil || cl.op.access.public {
			return next(c) // no such route, or free for all
		}
		if err := cl.op.access.check(cl.principal, c.Param("tenant")); err != nil {
			return err
		}
		if err := s.permit(c, cl); err != nil {
			return err
		}
		return next(c)
	}
}
