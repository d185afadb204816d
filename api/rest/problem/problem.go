package problem

import (
	"encoding/json"
	"errors"
	"fmt"
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

// Problem is an error as it leaves the server.
type Problem struct {
	wire.Problem
	RetryAfter time.Duration  // 0: do not say
	Err        *privacy.Error // what it was; its cause is not for the caller
}

// Of translates an error. id is under what its cause is logged; what a
// refusal for lack of budget tells depends on the principal.
func Of(err error, id string, p privacy.Principal, now time.Time) Problem {
	if errors.Is(err, echo.ErrMethodNotAllowed) {
		return Problem{
			Problem: wire.Problem{
				Type: typeOf(privacy.CodeInvalidRequest), Title: "The path does not know this method", Status: http.StatusMethodNotAllowed,
			},
			Err: privacy.Errorf(privacy.CodeInvalidRequest, "method not allowed"),
		}
	}
	e := classify(err)
	k := kindOf(e.Code)
	out := Problem{Err: e, Problem: wire.Problem{Type: typeOf(e.Code), Title: k.title, Status: k.status}}
	if k.status == http.StatusInternalServerError {
		out.Type = typeOf(privacy.CodeInternal)
		out.Instance = wire.Optional(id)
		return out
	}
	out.Detail = wire.Optional(e.Message)
	out.Position = wire.Optional(e.Position)
	out.Suggestion = wire.Optional(e.Suggestion)
	for _, d := range e.Problems {
		out.Errors = append(out.Errors, wire.DocumentProblem{Line: wire.Optional(d.Line), Field: wire.Optional(d.Field), Message: d.Message})
	}
	switch e.Code {
	case privacy.CodeBudgetExhausted:
		out.describeExhausted(e, p, now)
	case privacy.CodeUnavailable, privacy.CodeRateLimited:
		out.RetryAfter = time.Second
		var locked *LockedOut
		if errors.As(e, &locked) {
			out.RetryAfter = locked.Wait
		}
	default: // nothing to add
	}
	return out
}

// describeExhausted says when the budget reopens and, to those who may know,
// whose it is.
func (out *Problem) describeExhausted(e *privacy.Error, p privacy.Principal, now time.Time) {
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
		out.RetryAfter = max(why.ReopensAt.Sub(now), time.Second)
	}
	out.Detail = &detail
}

// mayName reports whether a principal may learn that an account is exhausted.
func mayName(p privacy.Principal, a privacy.Account) bool {
	switch a.Kind {
	case privacy.AccountTenant, privacy.AccountTenantDataset, privacy.AccountTenantPrincipal,
		privacy.AccountTenantGroup, privacy.AccountTenantPeriod:
		return p.Is(privacy.RoleOperator) || p.Is(privacy.RoleBudgetAdmin) && p.Owns(a.Owner)
	case privacy.AccountDataset, privacy.AccountDatasetPeriod:
		return p.Is(privacy.RoleOperator)
	}
	return false
}

// Write answers with the problem. Headers of an answer that was about to be given
// go with it.
func (out Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	for _, name := range []string{
		"Content-Length", "Content-Encoding", "Location",
		wire.HeaderRelease, wire.HeaderEpsilon, wire.HeaderDelta, wire.HeaderCached, wire.HeaderPolicy,
	} {
		h.Del(name)
	}
	if out.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(out.RetryAfter.Seconds()))))
	}
	if out.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="noised"`)
	}
	body, err := json.Marshal(out.Problem)
	if err != nil {
		body = fmt.Appendf(nil, `{"type":"/problems/internal","title":"The server failed","status":%d}`, out.Status)
	}
	h.Set("Content-Type", wire.TypeProblem)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(out.Status)
	_, _ = w.Write(body) // a caller that has gone needs no answer
}
