package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/noised/noised/privacy"
)

// observe gives the request its id, turns errors and panics into answers, and
// logs and measures what happened. Neither log nor metrics hold anything that a
// caller wrote: the route is its template, and query strings and bodies stay out.
func (s *server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		route := c.RouteInfo()
		cl := &call{id: privacy.NewID("req"), op: s.ops.of(route.Method, route.Path), arrived: s.now(), gone: c.Request().Context().Done()}
		cl.path, cl.remote = c.PathValues(), c.Request().RemoteAddr
		if cl.op != nil && cl.op.upload {
			cl.guard = c.QueryParam("tenant")
		}
		setSecurityHeaders(c.Response().Header(), cl.id)
		s.setDeadlines(c.Response())
		c.SetRequest(c.Request().WithContext(withCall(c.Request().Context(), cl)))

		s.metrics.inFlight.Inc()
		defer s.metrics.inFlight.Dec()
		if err := recovered(next, c, s.log, cl); err != nil {
			s.writeError(c, cl, err)
		}

		path := "unmatched"
		if cl.op != nil {
			path = cl.op.route.Path
		}
		status := statusOf(c)
		took := cl.duration(s.now())
		method := methodOf(c.Request())
		s.metrics.observe(method, path, status, took)
		if level := s.logLevel(cl); s.log.Enabled(c.Request().Context(), level) {
			s.log.LogAttrs(context.WithoutCancel(c.Request().Context()), level, "request",
				slog.String("request", cl.id), slog.String("method", method), slog.String("route", path),
				slog.Int("status", status), slog.Duration("took", took), slog.String("principal", cl.principal.ID))
		}
		return nil
	}
}

// sendGrace is how long an answer that was ready in time may take to send.
const sendGrace = 30 * time.Second

// setDeadlines keeps callers that dribble their body or do not read their answer
// from holding a slot. Uploads move their deadlines as bytes come. Without a
// connection beneath, as in tests, there is nothing to time out.
func (s *server) setDeadlines(w http.ResponseWriter) {
	limit := time.Now().Add(s.Timeout) // a connection's deadline is on the machine's clock
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(limit)
	_ = conn.SetWriteDeadline(limit.Add(sendGrace))
}

// logLevel keeps probes out of the log unless somebody is debugging.
func (s *server) logLevel(cl *call) slog.Level {
	if cl.op != nil && cl.op.access.public {
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
func recovered(next echo.HandlerFunc, c *echo.Context, log *slog.Logger, cl *call) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if e, ok := r.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(r) // net/http's own way to break off
		}
		log.Error("panic", "request", cl.id, "operation", cl.operation(), "type", fmt.Sprintf("%T", r), "stack", callers())
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

// metrics are what the server measures: counts and durations by route.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "noised_http_requests_total", Help: "Requests by method, route and status.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "noised_http_request_seconds", Help: "Duration of requests by method and route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "noised_http_requests_in_flight", Help: "Requests being answered.",
		}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.inFlight} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("rest: register metrics: %w", err)
		}
	}
	return m, nil
}

// methodOf names the method of a request. Callers must not be able to write into
// logs or to invent labels, so that unknown ones share a name.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return r.Method
	default:
		return "other"
	}
}

func (m *metrics) observe(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(method, route).Observe(took.Seconds())
}

// MetricsHandler serves what was registered, for a listener of its own.
func MetricsHandler(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{})
}
