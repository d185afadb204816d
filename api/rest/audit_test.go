package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
)

// recorded returns what is on record of a request, by its answer.
func (h *harness) recorded(a answer) []audit.Refusal {
	h.t.Helper()
	all, _, err := h.audit.Search(h.t.Context(), audit.Search{Limit: 10_000})
	if err != nil {
		h.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r audit.Refusal) bool { return r.Request != a.header.Get("X-Request-Id") })
}

// refusal demands that a request is on record as what it was, once.
func (h *harness) refusal(what string, a answer, operation string, concerned ...string) {
	h.t.Helper()
	got := h.recorded(a)
	if len(got) != 1 {
		h.t.Errorf("%s: %s has %d rows, want one", what, a, len(got))
		return
	}
	if r := got[0]; r.Code != a.code() || r.Operation != operation || r.Address != "loopback" || !slices.Equal(r.Concerned, append([]string{}, concerned...)) {
		h.t.Errorf("%s: on record as %+v, want %s of %s, concerning %v", what, r, a.code(), operation, concerned)
	}
}

// TestEveryRefusalOfEveryOperationIsOnRecord walks the document: each operation
// without a key, with a wrong one, with every role and for every tenant. A new
// operation is walked as soon as it is in the document.
func TestEveryRefusalOfEveryOperationIsOnRecord(t *testing.T) {
	h := newHarness(t)
	refused := 0
	for _, op := range testOperations(t) {
		if op.access.public {
			continue
		}
		sample := samples[op.id]
		sample.method = op.route.Method
		named := []string{}
		if strings.Contains(op.route.Path, "{tenant}") {
			named = []string{strings.Split(strings.TrimPrefix(sample.path, "/v1/admin/"), "/")[1]}
			if strings.HasPrefix(sample.path, "/v1/admin/datasets") {
				named = []string{"a"}
			}
		}
		h.refusal(op.id+" without a key", h.do(sample), op.id, named...)
		sample.key = "noised_wrong"
		h.refusal(op.id+" with a wrong key", h.do(sample), op.id, named...)
		for _, role := range privacy.Roles() {
			for tenant, key := range map[string]string{"a": h.secret[role], "b": h.foreign[role]} {
				sample.key = key
				got := h.do(sample)
				if got.status < 400 || got.status >= 500 {
					if n := len(h.recorded(got)); n != 0 {
						t.Errorf("%s as %s: %d is on record", op.id, role, got.status)
					}
					continue
				}
				refused++
				concerned := slices.Clone(named)
				if role != privacy.RoleOperator && !slices.Contains(concerned, tenant) {
					concerned = append(concerned, tenant)
				}
				slices.Sort(concerned)
				h.refusal(op.id+" as "+string(role)+" of "+tenant, got, op.id, concerned...)
			}
		}
	}
	if refused < 200 {
		t.Errorf("only %d refusals were walked", refused)
	}
}

// TestEveryCodeIsOnRecordOrTheServersOwn provokes each code behind the query.
func TestEveryCodeIsOnRecordOrTheServersOwn(t *testing.T) {
	h := newHarness(t)
	ask := ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "SELECT 1"}`}
	for _, code := range []privacy.Code{
		privacy.CodeSQLSyntax, privacy.CodeQueryNotPermitted, privacy.CodeUnknownDataset, privacy.CodeUnknownColumn, privacy.CodeBudgetExhausted,
		privacy.CodePrivacyParameters, privacy.CodeForbidden, privacy.CodeSuspended, privacy.CodeConflict, privacy.CodeIdempotencyMismatch,
		privacy.CodeNotFound, privacy.CodeRateLimited, privacy.CodeUnavailable, privacy.CodeInternal,
	} {
		h.queries.fail(privacy.Errorf(code, "no"))
		got := h.do(ask)
		want := 1
		if got.status >= 500 {
			want = 0
		}
		if n := len(h.recorded(got)); n != want {
			t.Errorf("%s: %d rows, want %d", code, n, want)
		}
	}
	h.queries.fail(nil)
	for what, bad := range map[string]struct {
		method, path, operation string
	}{
		"an unknown path":       {"GET", "/v1/nothing/secret", ""},
		"a method it has not":   {"PUT", "/v1/query", ""},
		"an unknown parameter":  {"GET", "/v1/releases?epsilonn=1", "listReleases"},
		"a form that is not":    {"GET", "/v1/releases/rel_1?intervals=maybe", "getRelease"},
		"a value for a name":    {"GET", "/v1/releases/SELECT%20name%20FROM%20people", "getReleaseX"},
		"a key where an id was": {"GET", "/v1/releases/" + h.secret[privacy.RoleAnalyst], "getReleaseX"},
	} {
		ask.method, ask.path, ask.body = bad.method, bad.path, ""
		got := h.do(ask)
		rows := h.recorded(got)
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
	h := newHarness(t, func(o *Options) { o.ResponseSlot = 10_000_000 })
	ask := ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "SELECT 1"}`}
	h.queries.fail(query.Refusal(privacy.Errorf(privacy.CodeForbidden, "no")))
	if got := h.do(ask); got.status != http.StatusForbidden || len(h.recorded(got)) != 1 {
		t.Errorf("a refusal before the charge: %s with %d rows", got, len(h.recorded(got)))
	}
	h.queries.fail(privacy.Errorf(privacy.CodeInternal, "no"))
	if got := h.do(ask); got.status != http.StatusInternalServerError || len(h.recorded(got)) != 0 {
		t.Errorf("a failure behind it: %s with %d rows", got, len(h.recorded(got)))
	}
}

// TestATenantSeesWhatConcernsIt: another tenant's auditor sees nothing of ours, and
// of what others did to us we see no name.
func TestATenantSeesWhatConcernsIt(t *testing.T) {
	h := newHarness(t)
	tries := []ask{
		{method: "GET", path: "/v1/admin/tenants/a/budget", key: h.secret[privacy.RoleAnalyst]},            // a's own, of a
		{method: "GET", path: "/v1/admin/tenants/b/budget", key: h.foreign[privacy.RoleAnalyst]},           // b's own, of b
		{method: "GET", path: "/v1/admin/tenants/a/keys", key: h.foreign[privacy.RoleTenantAdmin]},         // b's, of a
		{method: "GET", path: "/v1/loads/load_none", key: h.foreign[privacy.RoleContributor]},              // b's, of nothing
		{method: "DELETE", path: "/v1/admin/tenants/b/keys/key_x", key: h.secret[privacy.RoleTenantAdmin]}, // a's, of b
		{method: "GET", path: "/v1/admin/audit?tenant=b", key: h.secret[privacy.RoleAuditor]},              // a's, of nobody
		{method: "POST", path: "/v1/datasets/x/loads?tenant=a", body: "x", key: h.foreign[privacy.RoleContributor], // b's, for a
			header: map[string]string{"Content-Type": "text/csv"}},
	}
	var requests []string
	for _, a := range tries {
		requests = append(requests, h.do(a).header.Get("X-Request-Id"))
	}
	list := func(key string) (seen []int, text string) {
		got := h.do(ask{method: "GET", path: "/v1/admin/audit?limit=500", key: key})
		for _, r := range into[wire.RefusalList](t, got).Items {
			seen = append(seen, slices.Index(requests, *r.Request))
		}
		slices.Sort(seen)
		return seen, string(got.body)
	}
	a, text := list(h.secret[privacy.RoleAuditor])
	if !slices.Equal(a, []int{0, 2, 4, 5, 6}) {
		t.Errorf("a's auditor sees %v", a)
	}
	if strings.Contains(text, `"tenant":"b"`) && !strings.Contains(text, `"params":{"key":"key_x","tenant":"b"}`) || strings.Contains(text, `"tenants"`) {
		t.Errorf("a's auditor sees names of others: %s", text)
	}
	if b, _ := list(h.foreign[privacy.RoleTenantAdmin]); !slices.Equal(b, []int{1, 2, 3, 4, 6}) {
		t.Errorf("b's admin sees %v", b)
	}
	if all, text := list(h.secret[privacy.RoleOperator]); len(all) < len(tries) || !strings.Contains(text, `"tenants":["a","b"]`) {
		t.Errorf("the operator sees %v: %s", all, text)
	}
	for _, role := range []privacy.Role{privacy.RoleAnalyst, privacy.RoleContributor, privacy.RoleBudgetAdmin} {
		if got := h.do(ask{method: "GET", path: "/v1/admin/audit", key: h.secret[role]}); got.status != http.StatusForbidden {
			t.Errorf("as %s: %s", role, got)
		}
	}
}

// TestASuspendedTenantIsKnown: whose credentials hold is on record, also where the
// tenant is suspended.
func TestASuspendedTenantIsKnown(t *testing.T) {
	h := newHarness(t)
	suspend := ask{method: "PATCH", path: "/v1/admin/tenants/a", key: h.secret[privacy.RoleOperator], body: `{"suspended": true}`}
	if got := h.do(suspend); got.status != http.StatusOK {
		t.Fatal(got)
	}
	got := h.do(ask{method: "GET", path: "/v1/releases", key: h.secret[privacy.RoleAnalyst]})
	if rows := h.recorded(got); got.code() != privacy.CodeSuspended || len(rows) != 1 || rows[0].Principal != h.id[privacy.RoleAnalyst] || !slices.Equal(rows[0].Concerned, []string{"a"}) {
		t.Errorf("%s is on record as %+v", got, rows)
	}
}
