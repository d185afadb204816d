package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/pace"
)

// hold keeps the answers of queries back to the boundaries of response slots,
// which are at whole multiples of the slot after the request's arrival. How long
// a run takes depends on rows; which slot its answer falls into hardly does.
//
// Everything that leaves after rows may have been read is held: releases, fresh,
// stored or replayed, and every failure behind a charge. A refusal that was
// decided before leaves at once. An answer is rendered to its last byte first, so
// that at the boundary nothing is left to do but to send it. Log lines and
// metrics of a held answer come after it and know its slot only.
func (s *server) hold(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		cl := callOf(c.Request().Context())
		if s.ResponseSlot <= 0 || !cl.spends() {
			return next(c)
		}
		outer := c.Response()
		rec := newRecorder()
		c.SetResponse(echo.NewResponse(rec, s.log))
		defer c.SetResponse(outer)
		err := recovered(next, c, s.log, cl)
		if err != nil && (!cl.asked || query.Unpaid(err)) {
			return err
		}
		var failed problem
		if err != nil {
			rec.reset()
			failed = s.render(rec, cl, err)
		}
		elapsed := s.now().Sub(cl.arrived)
		left := pace.Left(elapsed, s.ResponseSlot)
		cl.took = elapsed + left
		pace.Wait(left, s.ResponseSlot, cl.gone)
		if cut := s.Containment.Check(context.WithoutCancel(c.Request().Context()), containment.Touches{Principal: cl.principal}); cut != nil {
			rec.reset() // meanwhile the caller was suspended
			failed = s.render(rec, cl, cut)
		}
		sendAtOnce(outer, rec)
		s.logFailure(cl, failed)
		return nil
	}
}

// sendAtOnce writes a whole answer and does not leave it in a buffer.
func sendAtOnce(w http.ResponseWriter, rec *recorder) {
	if writeStored(w, rec.whole()) == nil {
		_ = http.NewResponseController(w).Flush() // what fails here has no reader any more
	}
}

// spends reports whether the call may charge budgets.
func (c *call) spends() bool {
	return c.op != nil && (c.op.id == "query" || c.op.id == "queryByURL")
}

// duration is how long a call took, as far as logs and metrics may know.
func (c *call) duration(now time.Time) time.Duration {
	if c.took > 0 {
		return c.took
	}
	return now.Sub(c.arrived)
}
