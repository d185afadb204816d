package edge

import (
	"github.com/labstack/echo/v5"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// authorize holds the call against the access table, and then against the
// policies. What has no line in the one, and what nothing permits in the others, is
// refused.
func (e *Edge) authorize(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		v := visitOf(c.Request().Context())
		if v.Operation == nil || v.Operation.Access.Public {
			return next(c) // no such route, or free for all
		}
		if err := v.Operation.Access.Check(v.Principal, c.Param("tenant")); err != nil {
			return err
		}
		if err := e.permit(c, v); err != nil {
			return err
		}
		return next(c)
	}
}

// permit asks the policies, once the access table has admitted a call: no policy
// widens what that refuses. Of a question nothing is known yet; the query service
// asks again when its plan is there, and before anything is charged.
func (e *Edge) permit(c *echo.Context, v *visit) error {
	ctx := c.Request().Context()
	if v.Operation.Asks() {
		d, err := e.Policies.Might(ctx, v.Principal, v.Operation.ID)
		if err != nil {
			return err
		}
		return d.Err()
	}
	r := policy.Request{Principal: v.Principal, Action: v.Operation.ID, Resource: policy.Resource{Type: v.Operation.Resource()}}
	tenant := c.Param("tenant")
	if tenant != "" {
		r.Tenants = []string{tenant}
	}
	switch r.Resource.Type {
	case policy.TypeDataset:
		r.Resource.Name = c.Param("dataset")
	case policy.TypeTenant:
		t, err := e.Tenants.Tenant(ctx, tenant)
		if err != nil && privacy.CodeOf(err) != privacy.CodeNotFound {
			return err
		}
		r.Resource.Name, r.Resource.Region = tenant, t.Region // one that does not exist has no region
	}
	d, err := e.Policies.Decide(ctx, r)
	if err != nil {
		return err
	}
	return d.Err()
}
