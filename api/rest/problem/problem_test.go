package problem_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/rest/problem"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

func TestEveryCodeHasItsStatus(t *testing.T) {
	h := resttest.New(t)
	for code, status := range map[privacy.Code]int{
		privacy.CodeSQLSyntax: 400, privacy.CodeQueryNotPermitted: 422, privacy.CodeUnknownDataset: 404, privacy.CodeUnknownColumn: 422,
		privacy.CodeBudgetExhausted: 429, privacy.CodePrivacyParameters: 422, privacy.CodeUnauthenticated: 401, privacy.CodeForbidden: 403,
		privacy.CodeSuspended: 403, privacy.CodeInvalidRequest: 400, privacy.CodeNotFound: 404, privacy.CodeConflict: 409,
		privacy.CodeUnsupportedMediaType: 415, privacy.CodeNotAcceptable: 406, privacy.CodeRateLimited: 429, privacy.CodeContractInvalid: 422,
		privacy.CodeLoadRejected: 422, privacy.CodeTooLarge: 413, privacy.CodeIdempotencyMismatch: 422, privacy.CodeUnavailable: 503,
		privacy.CodeInternal: 500, "no-such-code": 500,
	} {
		h.Queries.Fail(privacy.Errorf(code, "said so").At(7).Suggest("do otherwise"))
		got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT"}`})
		p := resttest.Into[wire.Problem](t, got)
		if got.Status != status || p.Status != status || p.Title == "" {
			t.Errorf("%s: %s, want %d", code, got, status)
		}
		if status == 500 {
			if got.Code() != privacy.CodeInternal || p.Detail != nil || p.Position != nil || p.Suggestion != nil || p.Instance == nil {
				t.Errorf("%s: %s, want an id and nothing more", code, got)
			}
			continue
		}
		if got.Code() != code || *p.Detail != "said so" || *p.Position != 7 || *p.Suggestion != "do otherwise" {
			t.Errorf("%s: %s", code, got)
		}
	}
}

func TestAnInternalErrorShowsItsIDOnlyAndLogsItsCause(t *testing.T) {
	h := resttest.New(t)
	for _, err := range []error{privacy.Internal(errors.New("disk on fire"), "read segment"), errors.New("disk on fire"), fmt.Errorf("wrapped: %w", errors.New("disk on fire"))} {
		h.Queries.Fail(err)
		got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT"}`})
		p := resttest.Into[wire.Problem](t, got)
		if strings.Contains(string(got.Body), "fire") || p.Instance == nil || *p.Instance != got.Header.Get("X-Request-Id") {
			t.Errorf("%s", got)
		}
		if log := h.Log.String(); !strings.Contains(log, "disk on fire") || !strings.Contains(log, *p.Instance) {
			t.Errorf("the log does not have the cause under %s:\n%s", *p.Instance, log)
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
		p := problem.Of(why, "req_1", c.who, now)
		for _, name := range []string{"tenant:a", "tenant:b", "dataset:d"} {
			if got, want := strings.Contains(*p.Detail, name), slices.Contains(c.named, name); got != want {
				t.Errorf("%s of %q: %q names %s: %v, want %v", c.who.Role, c.who.Tenant, *p.Detail, name, got, want)
			}
		}
		if !strings.Contains(*p.Detail, "2026-03-03T00:00:00Z") || p.RetryAfter != 14*time.Hour {
			t.Errorf("%q after %s", *p.Detail, p.RetryAfter)
		}
	}
}

func TestAnExhaustedBudgetSaysWhenToComeBack(t *testing.T) {
	h := resttest.New(t)
	exhausted := func(reopens time.Time) resttest.Answer {
		h.Queries.Fail(privacy.Errorf(privacy.CodeBudgetExhausted, "a budget does not suffice").Because(&ledger.Exhausted{ReopensAt: reopens}))
		return h.Do(resttest.Ask{Method: "GET", Path: "/v1/query?sql=x", Key: h.Secret[privacy.RoleAnalyst]})
	}
	if got := exhausted(h.Clock.Now().Add(90*time.Second + time.Millisecond)); got.Header.Get("Retry-After") != "91" {
		t.Errorf("Retry-After %q: %s", got.Header.Get("Retry-After"), got)
	}
	if got := exhausted(time.Time{}); got.Header.Get("Retry-After") != "" || !strings.Contains(string(got.Body), "no window") {
		t.Errorf("Retry-After %q: %s", got.Header.Get("Retry-After"), got)
	}
}

func TestATimeoutIsUnavailable(t *testing.T) {
	h := resttest.New(t)
	h.Queries.Fail(fmt.Errorf("wait: %w", context.DeadlineExceeded))
	got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/query?sql=x", Key: h.Secret[privacy.RoleAnalyst]})
	if got.Code() != privacy.CodeUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("%s", got)
	}
}
