package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

func TestEveryCodeHasItsStatus(t *testing.T) {
	h := newHarness(t)
	for code, status := range map[privacy.Code]int{
		privacy.CodeSQLSyntax: 400, privacy.CodeQueryNotPermitted: 422, privacy.CodeUnknownDataset: 404, privacy.CodeUnknownColumn: 422,
		privacy.CodeBudgetExhausted: 429, privacy.CodePrivacyParameters: 422, privacy.CodeUnauthenticated: 401, privacy.CodeForbidden: 403,
		privacy.CodeSuspended: 403, privacy.CodeInvalidRequest: 400, privacy.CodeNotFound: 404, privacy.CodeConflict: 409,
		privacy.CodeUnsupportedMediaType: 415, privacy.CodeNotAcceptable: 406, privacy.CodeRateLimited: 429, privacy.CodeContractInvalid: 422,
		privacy.CodeLoadRejected: 422, privacy.CodeTooLarge: 413, privacy.CodeIdempotencyMismatch: 422, privacy.CodeUnavailable: 503,
		privacy.CodeInternal: 500, "no-such-code": 500,
	} {
		h.queries.fail(privacy.Errorf(code, "said so").At(7).Suggest("do otherwise"))
		got := h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "SELECT"}`})
		p := into[wire.Problem](t, got)
		if got.status != status || p.Status != status || p.Title == "" {
			t.Errorf("%s: %s, want %d", code, got, status)
		}
		if status == 500 {
			if got.code() != privacy.CodeInternal || p.Detail != nil || p.Position != nil || p.Suggestion != nil || p.Instance == nil {
				t.Errorf("%s: %s, want an id and nothing more", code, got)
			}
			continue
		}
		if got.code() != code || *p.Detail != "said so" || *p.Position != 7 || *p.Suggestion != "do otherwise" {
			t.Errorf("%s: %s", code, got)
		}
	}
}

func TestAnInternalErrorShowsItsIDOnlyAndLogsItsCause(t *testing.T) {
	h := newHarness(t)
	for _, err := range []error{privacy.Internal(errors.New("disk on fire"), "read segment"), errors.New("disk on fire"), fmt.Errorf("wrapped: %w", errors.New("disk on fire"))} {
		h.queries.fail(err)
		got := h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "SELECT"}`})
		p := into[wire.Problem](t, got)
		if strings.Contains(string(got.body), "fire") || p.Instance == nil || *p.Instance != got.header.Get("X-Request-Id") {
			t.Errorf("%s", got)
		}
		if log := h.log.String(); !strings.Contains(log, "disk on fire") || !strings.Contains(log, *p.Instance) {
			t.Errorf("the log does not have the cause under %s:\n%s", *p.Instance, log)
		}
	}
}

func TestAContractIsToldEveryProblemWithItsLine(t *testing.T) {
	h := newHarness(t)
	bad := strings.Replace(contractText(t), "bounds:", "bonds:", 1)
	for _, body := range []string{bad, "dataset: [", ""} {
		got := h.do(ask{
			method: "POST", path: "/v1/admin/datasets", key: h.secret[privacy.RoleOperator], body: body,
			header: map[string]string{"Content-Type": "application/yaml"},
		})
		p := into[wire.Problem](t, got)
		if got.code() != privacy.CodeContractInvalid || len(p.Errors) == 0 || p.Errors[0].Message == "" {
			t.Errorf("%s", got)
		}
		if body == bad && p.Errors[0].Line == nil {
			t.Errorf("no line: %s", got)
		}
	}
}

func TestExhaustedBudgetsAreNamedOnlyToThoseWhoMayKnow(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	why := privacy.Errorf(privacy.CodeBudgetExhausted, "a budget does not suffice").Because(&ledger.Exhausted{
		Accounts:  []privacy.Account{privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("d")},
		ReopensAt: now.Add(14 * time.Hour),
	})
	for _, c := range []struct {
		who   privacy.Principal
		named []string
	}{
		{privacy.Principal{Role: privacy.RoleAnalyst, Tenant: "a"}, nil},
		{privacy.Principal{Role: privacy.RoleAnalyst}, nil},
		{privacy.Principal{Role: privacy.RoleBudgetAdmin, Tenant: "a"}, []string{"tenant:a"}},
		{privacy.Principal{Role: privacy.RoleTenantAdmin, Tenant: "a"}, nil},
		{privacy.Principal{Role: privacy.RoleOperator}, []string{"tenant:a", "tenant:b", "dataset:d"}},
	} {
		p := problemOf(why, "req_1", c.who, now)
		for _, name := range []string{"tenant:a", "tenant:b", "dataset:d"} {
			if got, want := strings.Contains(*p.Detail, name), slices.Contains(c.named, name); got != want {
				t.Errorf("%s of %q: %q names %s: %v, want %v", c.who.Role, c.who.Tenant, *p.Detail, name, got, want)
			}
		}
		if !strings.Contains(*p.Detail, "2026-03-03T00:00:00Z") || p.retryAfter != 14*time.Hour {
			t.Errorf("%q after %s", *p.Detail, p.retryAfter)
		}
	}
}

func TestAnExhaustedBudgetSaysWhenToComeBack(t *testing.T) {
	h := newHarness(t)
	exhausted := func(reopens time.Time) answer {
		h.queries.fail(privacy.Errorf(privacy.CodeBudgetExhausted, "a budget does not suffice").Because(&ledger.Exhausted{ReopensAt: reopens}))
		return h.do(ask{method: "GET", path: "/v1/query?sql=x", key: h.secret[privacy.RoleAnalyst]})
	}
	if got := exhausted(h.clock.Now().Add(90*time.Second + time.Millisecond)); got.header.Get("Retry-After") != "91" {
		t.Errorf("Retry-After %q: %s", got.header.Get("Retry-After"), got)
	}
	if got := exhausted(time.Time{}); got.header.Get("Retry-After") != "" || !strings.Contains(string(got.body), "no window") {
		t.Errorf("Retry-After %q: %s", got.header.Get("Retry-After"), got)
	}
}

func TestExplainTurnsRefusalsIntoAnswers(t *testing.T) {
	h := newHarness(t)
	explain := func() answer {
		return h.do(ask{method: "POST", path: "/v1/explain", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "SELECT"}`})
	}
	if got := into[wire.Explanation](t, explain()); !got.Permitted || len(got.Charges) != 1 || got.Charges[0].Account != "tenant:a" {
		t.Errorf("%+v", got)
	}
	h.queries.fail(privacy.Errorf(privacy.CodeQueryNotPermitted, "no joins").At(12))
	got := explain()
	x := into[wire.Explanation](t, got)
	if got.status != http.StatusOK || x.Permitted || x.Problem == nil || x.Problem.Type != "/problems/query-not-permitted" || *x.Problem.Position != 12 {
		t.Errorf("%s", got)
	}
	h.queries.fail(privacy.Errorf(privacy.CodeUnavailable, "later"))
	if got := explain(); got.code() != privacy.CodeUnavailable {
		t.Errorf("%s", got)
	}
}

func TestATimeoutIsUnavailable(t *testing.T) {
	h := newHarness(t)
	h.queries.fail(fmt.Errorf("wait: %w", context.DeadlineExceeded))
	got := h.do(ask{method: "GET", path: "/v1/query?sql=x", key: h.secret[privacy.RoleAnalyst]})
	if got.code() != privacy.CodeUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("%s", got)
	}
}

func TestWhatIsNotThereIsAProblemToo(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		ask    ask
		status int
		allow  string
	}{
		{ask{method: "GET", path: "/"}, 404, ""},
		{ask{method: "GET", path: "/v2/query"}, 404, ""},
		{ask{method: "GET", path: "/v1/receipts"}, 404, ""},
		{ask{method: "GET", path: "/metrics"}, 404, ""},
		{ask{method: "DELETE", path: "/v1/query"}, 405, "POST"},
		{ask{method: "HEAD", path: "/v1/query?sql=x", key: h.secret[privacy.RoleAnalyst]}, 405, "POST"},
		{ask{method: "PUT", path: "/v1/datasets"}, 405, "GET"},
	} {
		got := h.do(c.ask)
		if got.status != c.status || got.header.Get("Content-Type") != wire.TypeProblem {
			t.Errorf("%s %s: %s, want %d", c.ask.method, c.ask.path, got, c.status)
		}
		if !strings.Contains(got.header.Get("Allow"), c.allow) {
			t.Errorf("%s %s: Allow %q, want %s", c.ask.method, c.ask.path, got.header.Get("Allow"), c.allow)
		}
	}
	if n := h.queries.count(); n != 0 {
		t.Errorf("%d queries ran", n)
	}
}
