package edge

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/api/rest/problem"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/containment"
)

// writeError answers with an error, unless an answer has begun, and puts a refusal
// on record.
func (e *Edge) writeError(c *echo.Context, v *visit, err error) {
	p := problem.Of(err, v.ID, v.Principal, e.now())
	if written, _ := echo.UnwrapResponse(c.Response()); written != nil && written.Committed {
		e.logFailure(v, p)
		return // too late: the answer breaks off
	}
	p.Write(c.Response())
	e.refused(v, p.Err)
	e.logFailure(v, p)
}

// logFailure logs what the answer does not say. A cause is for the operator
// only; refusals have none worth a line of their own.
func (e *Edge) logFailure(v *visit, p problem.Problem) {
	if p.Status < 500 || p.Err == nil || p.Err.Cause == nil {
		return
	}
	level := slog.LevelError
	if p.Status == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	e.log.Log(context.Background(), level, "request failed", "request", v.ID, "operation", v.Name(),
		"code", string(p.Err.Code), "cause", p.Err.Cause.Error())
}

// refused puts a refusal on record. The server's own failures are none: rows may
// be behind them.
func (e *Edge) refused(v *visit, err *privacy.Error) {
	code := err.Code
	if !audit.Refused(code) {
		return
	}
	r := audit.Refusal{
		At: v.arrived.Add(v.duration(e.now())), Principal: v.Principal.ID, Tenant: v.Principal.Tenant, Operation: v.Name(), Code: code,
		Params: map[string]string{}, Address: audit.AddressClass(v.remote), Request: v.ID,
	}
	if v.Operation != nil {
		for _, part := range v.path {
			r.Params[part.Name] = audit.Name(part.Value)
		}
	}
	if v.guard != "" { // the tenant that an upload is said to be for
		r.Concerned = []string{audit.Name(v.guard)}
	}
	if r.Params["kind"] == containment.KindTenant { // a suspension's
		r.Concerned = append(r.Concerned, r.Params["name"])
	}
	r.Concerned = append(r.Concerned, residency.Refused(err)...) // whose rows are to stay where they are
	e.Audit.Record(r)
}
