package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/privacy"
)

// observe gives the request its id, turns errors and panics into answers, and
// logs and measures what happened. Neither log nor metrics hold anything that a
// caller wrote: the route is its template, and query strings and bodies stay out.
func (e *Edge) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		route := c.RouteInfo()
		v := &visit{
			Call:    operation.Call{ID: privacy.NewID("req"), Operation: e.Operations.Of(route.Method, route.Path)},
			arrived: e.now(), gone: c.Request().Context().Done(),
		}
		v.path, v.remote = c.PathValues(), c.Request().RemoteAddr
		if v.Operation != nil && v.Operation.Upload {
			v.guard = c.QueryParam("tenant")
		}
		setSecurityHeaders(c.Response().Header(), v.ID)
		e.setDeadlines(c.Response())
		c.SetRequest(c.Request().WithContext(with(c.Request().Context(), v)))

		e.metrics.inFlight.Inc()
		defer e.metrics.inFlight.Dec()
		if err := recovered(next, c, e.log, v); err != nil {
			e.writeError(c, v, err)
		}

		path := "unmatched"
		if v.Operation != nil {
			path = v.Operation.Route.Path
		}
		status := statusOf(c)
		took := v.duration(e.now())
		method := methodOf(c.Request())
		e.metrics.observe(method, path, status, took)
		if level := e.logLevel(v); e.log.Enabled(c.Request().Context(), level) {
			e.log.LogAttrs(context.WithoutCancel(c.Request().Context()), level, "request",
				slog.String("request", v.ID), slog.String("method", method), slog.String("route", path),
				slog.Int("status", status), slog.Duration("took", took), slog.String("principal", v.Principal.ID))
		}
		return nil
	}
}

// SendGrace is how long an answer that was ready in time may take to send.
const SendGrace = 30 * time.Second

// setDeadlines keeps callers that dribble their body or do not read their answer
// from holding a slot. Uploads move their deadlines as bytes come. Without a
// connection beneath, as in tests, there is nothing to time out.
func (e *Edge) setDeadlines(w http.ResponseWriter) {
	limit := time.Now().Add(e.Timeout) // a connection's deadline is on the machine's clock
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(limit)
	_ = conn.SetWriteDeadline(limit.Add(SendGrace))
}

// logLevel keeps probes out of the log unless somebody is debugging.
func (e *Edge) logLevel(v *visit) slog.Level {
	if v.Operation != nil && v.Operation.Access.Public {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func statusOf(c *echo.Context) int {
	if r, err := echo.UnwrapResponse(c.Response()); err == nil && r.Status != 0 {
		return r.Status
	}
	return http.StatusOK
}

// recovered runs the rest of the line. A panic becomes an internal error; what
// was panicked with may hold a value, and so may the arguments in a stack, so
// only its type and the names of the functions are logged.
func recovered(next echo.HandlerFunc, c *echo.Context, log *slog.Logger, v *visit) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if e, ok := r.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(r) // net/http's own way to break off
		}
		log.Error("panic", "request", v.ID, "operation", v.Name(), "type", fmt.Sprintf("%T", r), "stack", callers())
		err = privacy.Internal(errors.New("panic"), "serve request")
	}()
	return next(c)
}

// callers names the functions that led to a panic, innermost first, without the
// arguments that debug.Stack prints.
func callers() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)]) // 3: Callers, callers and the deferred function
	var b strings.Builder
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		fmt.Fprintf(&b, "%s:%d ", f.Function, f.Line)
	}
	return strings.TrimSpace(b.String())
}

// setSecurityHeaders makes browsers treat every answer as data that belongs to
// one caller.
func setSecurityHeaders(h http.Header, id string) {
	h.Set("X-Request-Id", id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Add("Vary", "Accept, Authorization")
}
