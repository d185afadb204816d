package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// kind is how a code shows in HTTP.
type kind struct {
	status int
	title  string
}

// kindOf returns the status and title of a code. An unknown code is internal.
func kindOf(code privacy.Code) kind {
	switch code {
	case privacy.CodeSQLSyntax:
		return kind{http.StatusBadRequest, "The SQL does not parse"}
	case privacy.CodeInvalidRequest:
		return kind{http.StatusBadRequest, "The request is not valid"}
	case privacy.CodeUnauthenticated:
		return kind{http.StatusUnauthorized, "The caller is not known"}
	case privacy.CodeForbidden:
		return kind{http.StatusForbidden, "The caller may not do this"}
	case privacy.CodeSuspended:
		return kind{http.StatusForbidden, "This is suspended"}
	case privacy.CodeNotFound:
		return kind{http.StatusNotFound, "There is no such thing"}
	case privacy.CodeUnknownDataset:
		return kind{http.StatusNotFound, "There is no such dataset"}
	case privacy.CodeNotAcceptable:
		return kind{http.StatusNotAcceptable, "The answer has no such form"}
	case privacy.CodeConflict:
		return kind{http.StatusConflict, "The request conflicts with the present state"}
	case privacy.CodeTooLarge:
		return kind{http.StatusRequestEntityTooLarge, "The request is too large"}
	case privacy.CodeUnsupportedMediaType:
		return kind{http.StatusUnsupportedMediaType, "The body has the wrong form"}
	case privacy.CodeQueryNotPermitted:
		return kind{http.StatusUnprocessableEntity, "The query is not permitted"}
	case privacy.CodeUnknownColumn:
		return kind{http.StatusUnprocessableEntity, "There is no such column"}
	case privacy.CodePrivacyParameters:
		return kind{http.StatusUnprocessableEntity, "The privacy parameters are out of range"}
	case privacy.CodeContractInvalid:
		return kind{http.StatusUnprocessableEntity, "The contract does not hold"}
	case privacy.CodeLoadRejected:
		return kind{http.StatusUnprocessableEntity, "The load was rejected"}
	case privacy.CodeIdempotencyMismatch:
		return kind{http.StatusUnprocessableEntity, "The Idempotency-Key belongs to another request"}
	case privacy.CodeBudgetExhausted:
		return kind{http.StatusTooManyRequests, "The privacy budget is exhausted"}
	case privacy.CodeRateLimited:
		return kind{http.StatusTooManyRequests, "Too many requests"}
	case privacy.CodeUnavailable:
		return kind{http.StatusServiceUnavailable, "The server cannot answer now"}
	case privacy.CodeInternal:
	}
	return kind{http.StatusInternalServerError, "The server failed"}
}

func problemType(code privacy.Code) string { return "/problems/" + string(code) }

// problem is an error as it leaves the server.
type problem struct {
	wire.Problem
	retryAfter time.Duration // 0: do not say
	err        *privacy.Error
}

// problemOf translates an error. id is under what its cause is logged; what a
// refusal for lack of budget tells depends on the principal.
func problemOf(err error, id string, p privacy.Principal, now time.Time) problem {
	e := classify(err)
	k := kindOf(e.Code)
	out := problem{err: e, Problem: wire.Problem{Type: problemType(e.Code), Title: k.title, Status: k.status}}
	if k.status == http.StatusInternalServerError {
		out.Type = problemType(privacy.CodeInternal)
		out.Instance = optional(id)
		return out
	}
	out.Detail = optional(e.Message)
	out.Position = optional(e.Position)
	out.Suggestion = optional(e.Suggestion)
	for _, d := range e.Problems {
		out.Errors = append(out.Errors, wire.DocumentProblem{Line: optional(d.Line), Field: optional(d.Field), Message: d.Message})
	}
	switch e.Code {
	case privacy.CodeBudgetExhausted:
		out.describeExhausted(e, p, now)
	case privacy.CodeUnavailable, privacy.CodeRateLimited:
		out.retryAfter = time.Second
		var locked *lockedOut
		if errors.As(e, &locked) {
			out.retryAfter = locked.wait
		}
	default: // nothing to add
	}
	return out
}

// describeExhausted says when the budget reopens and, to those who may know,
// whose it is.
func (out *problem) describeExhausted(e *privacy.Error, p privacy.Principal, now time.Time) {
	var why *ledger.Exhausted
	if !errors.As(e, &why) {
		return
	}
	detail := e.Message
	var named []string
	for _, a := range why.Accounts {
		if mayName(p, a) {
			named = append(named, a.String())
		}
	}
	if len(named) > 0 {
		detail += ": " + strings.Join(named, ", ")
	}
	if why.ReopensAt.IsZero() {
		detail += "; no window will reopen it"
	} else {
		detail += "; a window reopens it at " + why.ReopensAt.UTC().Format(time.RFC3339)
		out.retryAfter = max(why.ReopensAt.Sub(now), time.Second)
	}
	out.Detail = &detail
}

// classify returns err as a *privacy.Error. Errors of the HTTP machinery get
// the code that they stand for; whatever else is unknown is internal.
func classify(err error) *privacy.Error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return privacy.Errorf(privacy.CodeTooLarge, "the body exceeds %d bytes", tooLarge.Limit)
	}
	var broken *bodyError
	if errors.As(err, &broken) {
		return privacy.Errorf(privacy.CodeInvalidRequest, "the body ended early").Because(err)
	}
	var known *privacy.Error
	if errors.As(err, &known) && known.Code != privacy.CodeInternal {
		return known
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return privacy.Errorf(privacy.CodeUnavailable, "the answer was not ready in time").Because(err)
	}
	if known != nil {
		return known
	}
	switch echo.StatusCode(err) {
	case http.StatusNotFound:
		return privacy.Errorf(privacy.CodeNotFound, "there is no such path")
	case http.StatusBadRequest:
		return privacy.Errorf(privacy.CodeInvalidRequest, "the request cannot be read").Because(err)
	}
	return privacy.AsError(err)
}

// writeError answers with an error, unless an answer has begun.
func (s *server) writeError(c *echo.Context, call *call, err error) {
	if written, _ := echo.UnwrapResponse(c.Response()); written != nil && written.Committed {
		s.logFailure(call, s.problem(call, err))
		return // too late: the answer breaks off
	}
	s.logFailure(call, s.render(c.Response(), call, err))
}

// problem translates an error of a call.
func (s *server) problem(call *call, err error) problem {
	p := problemOf(err, call.id, call.principal, s.now())
	if errors.Is(err, echo.ErrMethodNotAllowed) {
		p.Problem = wire.Problem{
			Type: problemType(privacy.CodeInvalidRequest), Title: "The path does not know this method",
			Status: http.StatusMethodNotAllowed,
		}
		p.err = privacy.Errorf(privacy.CodeInvalidRequest, "method not allowed")
	}
	return p
}

// render is the one place where an error becomes an answer, and where a refusal is
// put on record.
func (s *server) render(w http.ResponseWriter, call *call, err error) problem {
	p := s.problem(call, err)
	h := w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Location", wire.HeaderRelease, wire.HeaderEpsilon, wire.HeaderDelta, wire.HeaderCached} {
		h.Del(name)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="noised"`)
	}
	body, err := json.Marshal(p.Problem)
	if err != nil {
		body = fmt.Appendf(nil, `{"type":"/problems/internal","title":"The server failed","status":%d}`, p.Status)
	}
	h.Set("Content-Type", wire.TypeProblem)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // a caller that has gone needs no answer
	s.refused(call, p.err)
	return p
}

// logFailure logs what the answer does not say. A cause is for the operator
// only; refusals have none worth a line of their own.
func (s *server) logFailure(call *call, p problem) {
	if p.Status < 500 || p.err == nil || p.err.Cause == nil {
		return
	}
	level := slog.LevelError
	if p.Status == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, "request failed", "request", call.id, "operation", call.operation(),
		"code", string(p.err.Code), "cause", p.err.Cause.Error())
}

// optional returns nil for the zero value, so that it is left out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
