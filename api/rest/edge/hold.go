package edge

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/api/idempotency"
	"github.com/noised/noised/api/rest/problem"
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
// that at the boundary nothing is left to do but to send it. Log lines,
// metrics and the record of refusals know of a held answer its slot only.
func (e *Edge) hold(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		v := visitOf(c.Request().Context())
		if e.ResponseSlot <= 0 || v.Operation == nil || !v.Operation.Spends() {
			return next(c)
		}
		outer := c.Response()
		rec := idempotency.NewRecorder()
		c.SetResponse(echo.NewResponse(rec, e.log))
		defer c.SetResponse(outer)
		err := recovered(next, c, e.log, v)
		if err != nil && (!v.Asked || query.Unpaid(err)) {
			return err
		}
		var failed problem.Problem
		if err != nil {
			failed = e.failed(rec, v, err)
		}
		elapsed := e.now().Sub(v.arrived)
		left := pace.Left(elapsed, e.ResponseSlot)
		v.took = elapsed + left
		pace.Wait(left, e.ResponseSlot, v.gone)
		if cut := e.Containment.Check(context.WithoutCancel(c.Request().Context()), containment.Touches{Principal: v.Principal}); cut != nil {
			failed = e.failed(rec, v, cut) // meanwhile the caller was suspended
		}
		if failed.Err != nil {
			e.refused(v, failed.Err) // with the time of the slot: when a run ended depends on rows
		}
		sendAtOnce(outer, rec)
		e.logFailure(v, failed)
		return nil
	}
}

// failed writes a problem in place of what was written before.
func (e *Edge) failed(rec *idempotency.Recorder, v *visit, err error) problem.Problem {
	rec.Reset()
	p := problem.Of(err, v.ID, v.Principal, e.now())
	p.Write(rec)
	return p
}

// sendAtOnce writes a whole answer and does not leave it in a buffer.
func sendAtOnce(w http.ResponseWriter, rec *idempotency.Recorder) {
	if rec.Answer().Write(w) == nil {
		_ = http.NewResponseController(w).Flush() // what fails here has no reader any more
	}
}
