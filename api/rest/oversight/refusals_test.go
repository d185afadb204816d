package oversight_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// TestATenantSeesWhatConcernsIt: another tenant's auditor sees nothing of ours, and
// of what others did to us we see no name.
func TestATenantSeesWhatConcernsIt(t *testing.T) {
	h := resttest.New(t)
	tries := []resttest.Ask{
		{Method: "GET", Path: "/v1/admin/tenants/a/budget", Key: h.Secret[privacy.RoleAnalyst]},            // a's own, of a
		{Method: "GET", Path: "/v1/admin/tenants/b/budget", Key: h.Foreign[privacy.RoleAnalyst]},           // b's own, of b
		{Method: "GET", Path: "/v1/admin/tenants/a/keys", Key: h.Foreign[privacy.RoleTenantAdmin]},         // b's, of a
		{Method: "GET", Path: "/v1/loads/load_none", Key: h.Foreign[privacy.RoleContributor]},              // b's, of nothing
		{Method: "DELETE", Path: "/v1/admin/tenants/b/keys/key_x", Key: h.Secret[privacy.RoleTenantAdmin]}, // a's, of b
		{Method: "GET", Path: "/v1/admin/audit?tenant=b", Key: h.Secret[privacy.RoleAuditor]},              // a's, of nobody
		{Method: "POST", Path: "/v1/datasets/x/loads?tenant=a", Body: "x", Key: h.Foreign[privacy.RoleContributor], // b's, for a
			Header: map[string]string{"Content-Type": "text/csv"}},
	}
	var requests []string
	for _, a := range tries {
		requests = append(requests, h.Do(a).Header.Get("X-Request-Id"))
	}
	list := func(key string) (seen []int, text string) {
		got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/audit?limit=500", Key: key})
		for _, r := range resttest.Into[wire.RefusalList](t, got).Items {
			seen = append(seen, slices.Index(requests, *r.Request))
		}
		slices.Sort(seen)
		return seen, string(got.Body)
	}
	a, text := list(h.Secret[privacy.RoleAuditor])
	if !slices.Equal(a, []int{0, 2, 4, 5, 6}) {
		t.Errorf("a's auditor sees %v", a)
	}
	if strings.Contains(text, `"tenant":"b"`) && !strings.Contains(text, `"params":{"key":"key_x","tenant":"b"}`) || strings.Contains(text, `"tenants"`) {
		t.Errorf("a's auditor sees names of others: %s", text)
	}
	if b, _ := list(h.Foreign[privacy.RoleTenantAdmin]); !slices.Equal(b, []int{1, 2, 3, 4, 6}) {
		t.Errorf("b's admin sees %v", b)
	}
	if all, text := list(h.Secret[privacy.RoleOperator]); len(all) < len(tries) || !strings.Contains(text, `"tenants":["a","b"]`) {
		t.Errorf("the operator sees %v: %s", all, text)
	}
	for _, role := range []privacy.Role{privacy.RoleAnalyst, privacy.RoleContributor, privacy.RoleBudgetAdmin} {
		if got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/audit", Key: h.Secret[role]}); got.Status != http.StatusForbidden {
			t.Errorf("as %s: %s", role, got)
		}
	}
}
