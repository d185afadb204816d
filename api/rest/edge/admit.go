package edge

import (
	"context"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/api/rest/limits"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/privacy"
)

// admit takes a slot for the request and sets its time limit. Probes need no
// slot, so that a busy server does not look dead; uploads have slots of their
// own and no time limit but the silence that they may keep. So have strangers, who
// may read the log: however many come, they leave the callers their slots.
func (e *Edge) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		v := visitOf(c.Request().Context())
		if v.Operation == nil || v.Operation.Probe {
			return next(c)
		}
		slots := e.slotsOf(v.Operation)
		if !slots.Take() {
			return privacy.Errorf(privacy.CodeUnavailable, "the server is answering as many requests as it can")
		}
		defer slots.Give()
		if v.Operation.Upload {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), e.Timeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// slotsOf returns the slots that an operation takes one of.
func (e *Edge) slotsOf(op *operation.Operation) *limits.Slots {
	switch {
	case op.Upload:
		return e.uploads
	case op.Access.Public:
		return e.strangers
	}
	return e.slots
}

// withinTenant holds a principal to what all of its tenant's may make together:
// a second's worth at once.
func (e *Edge) withinTenant(ctx context.Context, p privacy.Principal) error {
	if p.Tenant == "" {
		return nil
	}
	most, err := e.Quotas.Of(ctx, p.Tenant)
	if err != nil {
		return err
	}
	perSecond := most[quota.RequestsPerSecond]
	if perSecond == quota.Unlimited {
		return nil
	}
	if perSecond > 0 {
		interval := max(time.Second/time.Duration(perSecond), 1)
		if e.shares.Admit(p.Tenant, interval, time.Second-interval) {
			return nil
		}
	}
	return most.Exceeded(quota.RequestsPerSecond)
}
