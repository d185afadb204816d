package edge_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/privacy"
)

// TestEveryRefusalOfEveryOperationIsOnRecord walks the document: each operation
// without a key, with a wrong one, with every role and for every tenant. A new
// operation is walked as soon as it is in the document.
func TestEveryRefusalOfEveryOperationIsOnRecord(t *testing.T) {
	h := resttest.New(t)
	refused := 0
	for _, op := range resttest.Operations(t) {
		if op.Access.Public {
			continue
		}
		sample := resttest.Samples[op.ID]
		sample.Method = op.Route.Method
		named := []string{}
		if strings.Contains(op.Route.Path, "{tenant}") {
			named = []string{strings.Split(strings.TrimPrefix(sample.Path, "/v1/admin/"), "/")[1]}
			if strings.HasPrefix(sample.Path, "/v1/admin/datasets") {
				named = []string{"a"}
			}
		}
		h.Refused(op.ID+" without a key", h.Do(sample), op.ID, named...)
		sample.Key = "noised_wrong"
		h.Refused(op.ID+" with a wrong key", h.Do(sample), op.ID, named...)
		for _, role := range privacy.Roles() {
			for tenant, key := range map[string]string{"a": h.Secret[role], "b": h.Foreign[role]} {
				sample.Key = key
				got := h.Do(sample)
				if got.Status < 400 || got.Status >= 500 {
					if n := len(h.Recorded(got)); n != 0 {
						t.Errorf("%s as %s: %d is on record", op.ID, role, got.Status)
					}
					continue
				}
				refused++
				concerned := slices.Clone(named)
				if role != privacy.RoleOperator && !slices.Contains(concerned, tenant) {
					concerned = append(concerned, tenant)
				}
				slices.Sort(concerned)
				h.Refused(op.ID+" as "+string(role)+" of "+tenant, got, op.ID, concerned...)
			}
		}
	}
	if refused < 200 {
		t.Errorf("only %d refusals were walked", refused)
	}
}

// TestEveryCodeIsOnRecordOrTheServersOwn provokes each code behind the query.
func TestEveryCodeIsOnRecordOrTheServersOwn(t *testing.T) {
	h := resttest.New(t)
	ask := resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT 1"}`}
	for _, code := range []privacy.Code{
		privacy.CodeSQLSyntax, privacy.CodeQueryNotPermitted, privacy.CodeUnknownDataset, privacy.CodeUnknownColumn, privacy.CodeBudgetExhausted,
		privacy.CodePrivacyParameters, privacy.CodeForbidden, privacy.CodeSuspended, privacy.CodeConflict, privacy.CodeIdempotencyMismatch,
		privacy.CodeNotFound, privacy.CodeRateLimited, privacy.CodeUnavailable, privacy.CodeInternal,
	} {
		h.Queries.Fail(privacy.Errorf(code, "no"))
		got := h.Do(ask)
		want := 1
		if got.Status >= 500 {
			want = 0
		}
		if n := len(h.Recorded(got)); n != want {
			t.Errorf("%s: %d rows, want %d", code, n, want)
		}
	}
	h.Queries.Fail(nil)
	for what, bad := range map[string]struct {
		method, path, operation string
	}{
		"an unknown path":       {"GET", "/v1/nothing/secret", ""},
		"a method it has not":   {"PUT", "/v1/query", ""},
		"an unknown parameter":  {"GET", "/v1/releases?epsilonn=1", "listReleases"},
		"a form that is not":    {"GET", "/v1/releases/rel_1?intervals=maybe", "getRelease"},
		"a value for a name":    {"GET", "/v1/releases/SELECT%20name%20FROM%20people", "getReleaseX"},
		"a key where an id was": {"GET", "/v1/releases/" + h.Secret[privacy.RoleAnalyst], "getReleaseX"},
	} {
		ask.Method, ask.Path, ask.Body = bad.method, bad.path, ""
		got := h.Do(ask)
		rows := h.Recorded(got)
		if len(rows) != 1 {
			t.Errorf("%s: %s has %d rows", what, got, len(rows))
			continue
		}
		if text, _ := json.Marshal(rows[0]); strings.Contains(string(text), "SELECT") || strings.Contains(string(text), "secret") || strings.Contains(string(text), authn.Prefix) {
			t.Errorf("%s: on record with what the caller wrote: %s", what, text)
		}
	}
}

// TestHeldFailuresLeaveNoTrace: what fails behind a charge may depend on rows, and
// whether it is on record would tell.
func TestHeldFailuresLeaveNoTrace(t *testing.T) {
	h := resttest.New(t, func(o *rest.Options) { o.Limits.ResponseSlot = 10_000_000 })
	ask := resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT 1"}`}
	h.Queries.Fail(query.Refusal(privacy.Errorf(privacy.CodeForbidden, "no")))
	if got := h.Do(ask); got.Status != http.StatusForbidden || len(h.Recorded(got)) != 1 {
		t.Errorf("a refusal before the charge: %s with %d rows", got, len(h.Recorded(got)))
	}
	h.Queries.Fail(privacy.Errorf(privacy.CodeInternal, "no"))
	if got := h.Do(ask); got.Status != http.StatusInternalServerError || len(h.Recorded(got)) != 0 {
		t.Errorf("a failure behind it: %s with %d rows", got, len(h.Recorded(got)))
	}
}

// TestWhenARunEndedIsNotOnRecord: a refusal behind a charge has the time of its
// slot, and not that at which reading rows came to an end.
func TestWhenARunEndedIsNotOnRecord(t *testing.T) {
	h := resttest.New(t, onSlots)
	arrived := h.Clock.Now()
	h.Queries.Run = func(context.Context) { h.Clock.Advance(3 * time.Millisecond) }
	h.Queries.Fail(privacy.Errorf(privacy.CodeBudgetExhausted, "no"))
	got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT 1"}`})
	if rows := h.Recorded(got); len(rows) != 1 || !rows[0].At.Equal(arrived.Add(slot)) {
		t.Errorf("%s is on record as %+v, want it at %s", got, rows, arrived.Add(slot))
	}
}

// TestASuspendedTenantIsKnown: whose credentials hold is on record, also where the
// tenant is suspended.
func TestASuspendedTenantIsKnown(t *testing.T) {
	h := resttest.New(t)
	suspend := resttest.Ask{Method: "PATCH", Path: "/v1/admin/tenants/a", Key: h.Secret[privacy.RoleOperator], Body: `{"suspended": true}`}
	if got := h.Do(suspend); got.Status != http.StatusOK {
		t.Fatal(got)
	}
	got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/releases", Key: h.Secret[privacy.RoleAnalyst]})
	if rows := h.Recorded(got); got.Code() != privacy.CodeSuspended || len(rows) != 1 || rows[0].Principal != h.ID[privacy.RoleAnalyst] || !slices.Equal(rows[0].Concerned, []string{"a"}) {
		t.Errorf("%s is on record as %+v", got, rows)
	}
}
