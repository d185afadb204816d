package rest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

const agreed = `dataset: visits
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_rows: 1}
columns:
  person: {type: bigint, role: unit}
approvals: {tenants: affected, budget_admins: 1}
analysts: [lab]
`

// apply sends a contract as the operator.
func (h *harness) apply(doc string) answer {
	h.t.Helper()
	return h.do(ask{method: "POST", path: "/v1/admin/datasets", key: h.secret[privacy.RoleOperator], body: doc, header: map[string]string{"Content-Type": "application/yaml"}})
}

func (h *harness) proposal(a answer) wire.Proposal {
	h.t.Helper()
	var p wire.Proposal
	if err := json.Unmarshal(a.body, &p); err != nil {
		h.t.Fatal(err, string(a.body))
	}
	return p
}

func (h *harness) status(want int, a answer) answer {
	h.t.Helper()
	if a.status != want {
		h.t.Fatalf("status %d, want %d: %s", a.status, want, a.body)
	}
	return a
}

func TestChangesThatWidenWait(t *testing.T) {
	h := newHarness(t)
	admin, operator := h.secret[privacy.RoleTenantAdmin], h.secret[privacy.RoleOperator]
	h.status(http.StatusCreated, h.apply(agreed))
	h.status(http.StatusOK, h.do(ask{method: "PUT", path: "/v1/admin/datasets/visits/members/a", key: admin, body: `{"version": 1}`}))

	next := strings.NewReplacer("version: 1", "version: 2", "max_rows: 1", "max_rows: 2").Replace(agreed)
	waits := h.status(http.StatusAccepted, h.apply(next))
	p := h.proposal(waits)
	path := waits.header.Get("Location")
	if path != "/v1/admin/proposals/"+p.ID || p.State != wire.ProposalStatePending || !p.Effect[0].Widens || p.Effect[0].Noise == nil {
		t.Fatalf("%s %+v", path, p)
	}
	if shown := h.proposal(h.status(http.StatusOK, h.do(ask{method: "GET", path: path, key: admin}))); *shown.Contract != next {
		t.Error("the proposal does not hold what was sent")
	}
	h.status(http.StatusNotFound, h.do(ask{method: "GET", path: path, key: h.foreign[privacy.RoleTenantAdmin]}))
	h.status(http.StatusForbidden, h.do(ask{method: "POST", path: path + "/approve", key: operator}))
	if p = h.proposal(h.status(http.StatusOK, h.do(ask{method: "POST", path: path + "/approve", key: admin}))); p.State != wire.ProposalStateApplied {
		t.Errorf("state %s", p.State)
	}
	h.status(http.StatusConflict, h.do(ask{method: "DELETE", path: path, key: operator}))

	joins := h.status(http.StatusAccepted, h.do(ask{method: "PUT", path: "/v1/admin/datasets/visits/members/b", key: h.foreign[privacy.RoleTenantAdmin], body: `{"version": 2}`}))
	h.status(http.StatusOK, h.do(ask{method: "POST", path: joins.header.Get("Location") + "/reject", key: admin}))
	larger := h.status(http.StatusAccepted, h.do(ask{method: "PUT", path: "/v1/admin/datasets/visits/budget", key: operator, body: `{"epsilon": 1, "delta": 1e-6}`}))
	h.status(http.StatusNoContent, h.do(ask{method: "DELETE", path: larger.header.Get("Location"), key: operator}))
	var list wire.ProposalList
	if err := json.Unmarshal(h.status(http.StatusOK, h.do(ask{method: "GET", path: "/v1/admin/proposals", key: operator})).body, &list); err != nil || len(list.Items) != 3 {
		t.Errorf("%d proposals, %v", len(list.Items), err)
	}
	for _, item := range list.Items {
		if item.Contract != nil || item.Values != nil {
			t.Error("a list holds what would be put")
		}
	}
}

// A key that replaced another is the same principal, and so neither a second
// signature nor a second person.
func TestAReplacedKeySignsNoSecondTime(t *testing.T) {
	h := newHarness(t)
	h.status(http.StatusCreated, h.apply(strings.Replace(agreed, "budget_admins: 1", "budget_admins: 2", 1)))
	h.status(http.StatusOK, h.do(ask{method: "PUT", path: "/v1/admin/datasets/visits/members/a", key: h.secret[privacy.RoleTenantAdmin], body: `{"version": 1}`}))
	second, id := h.key(privacy.RoleBudgetAdmin, "a")
	path := h.status(http.StatusAccepted, h.do(ask{method: "PUT", path: "/v1/admin/tenants/a/budget", key: h.secret[privacy.RoleBudgetAdmin], body: `{"epsilon": 1, "delta": 1e-6}`})).header.Get("Location")
	rotate := func(id string) string {
		_, secret, err := h.keys.Rotate(t.Context(), id, 0, authn.System())
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	h.status(http.StatusForbidden, h.do(ask{method: "POST", path: path + "/approve", key: rotate(h.id[privacy.RoleBudgetAdmin])}))
	h.status(http.StatusOK, h.do(ask{method: "POST", path: path + "/approve", key: second}))
	h.status(http.StatusConflict, h.do(ask{method: "POST", path: path + "/approve", key: rotate(id)}))
	third, _ := h.key(privacy.RoleBudgetAdmin, "a")
	if p := h.proposal(h.status(http.StatusOK, h.do(ask{method: "POST", path: path + "/approve", key: third}))); p.State != wire.ProposalStateApplied {
		t.Errorf("state %s", p.State)
	}
}

// Who is in a group that a contract names is not for one tenant to say.
func TestGroupsThatMayAskAreTheOperators(t *testing.T) {
	h := newHarness(t)
	h.status(http.StatusCreated, h.apply(agreed))
	key := ask{method: "POST", path: "/v1/admin/tenants/a/keys", key: h.secret[privacy.RoleTenantAdmin], body: `{"role": "analyst", "group": "lab"}`}
	h.status(http.StatusForbidden, h.do(key))
	key.body = `{"role": "analyst", "group": "ours"}`
	h.status(http.StatusCreated, h.do(key))
	h.status(http.StatusCreated, h.do(ask{method: "POST", path: "/v1/admin/keys", key: h.secret[privacy.RoleOperator], body: `{"role": "analyst", "group": "lab"}`}))
}
