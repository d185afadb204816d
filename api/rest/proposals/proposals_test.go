package proposals_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest/resttest"
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
func apply(h *resttest.Harness, doc string) resttest.Answer {
	h.T.Helper()
	return h.Do(resttest.Ask{Method: "POST", Path: "/v1/admin/datasets", Key: h.Secret[privacy.RoleOperator], Body: doc, Header: map[string]string{"Content-Type": "application/yaml"}})
}

func proposal(h *resttest.Harness, a resttest.Answer) wire.Proposal {
	h.T.Helper()
	var p wire.Proposal
	if err := json.Unmarshal(a.Body, &p); err != nil {
		h.T.Fatal(err, string(a.Body))
	}
	return p
}

func status(h *resttest.Harness, want int, a resttest.Answer) resttest.Answer {
	h.T.Helper()
	if a.Status != want {
		h.T.Fatalf("status %d, want %d: %s", a.Status, want, a.Body)
	}
	return a
}

func TestChangesThatWidenWait(t *testing.T) {
	h := resttest.New(t)
	admin, operator := h.Secret[privacy.RoleTenantAdmin], h.Secret[privacy.RoleOperator]
	status(h, http.StatusCreated, apply(h, agreed))
	status(h, http.StatusOK, h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/visits/members/a", Key: admin, Body: `{"version": 1}`}))

	next := strings.NewReplacer("version: 1", "version: 2", "max_rows: 1", "max_rows: 2").Replace(agreed)
	waits := status(h, http.StatusAccepted, apply(h, next))
	p := proposal(h, waits)
	path := waits.Header.Get("Location")
	if path != "/v1/admin/proposals/"+p.ID || p.State != wire.ProposalStatePending || !p.Effect[0].Widens || p.Effect[0].Noise == nil {
		t.Fatalf("%s %+v", path, p)
	}
	if shown := proposal(h, status(h, http.StatusOK, h.Do(resttest.Ask{Method: "GET", Path: path, Key: admin}))); *shown.Contract != next {
		t.Error("the proposal does not hold what was sent")
	}
	status(h, http.StatusNotFound, h.Do(resttest.Ask{Method: "GET", Path: path, Key: h.Foreign[privacy.RoleTenantAdmin]}))
	status(h, http.StatusForbidden, h.Do(resttest.Ask{Method: "POST", Path: path + "/approve", Key: operator}))
	if p = proposal(h, status(h, http.StatusOK, h.Do(resttest.Ask{Method: "POST", Path: path + "/approve", Key: admin}))); p.State != wire.ProposalStateApplied {
		t.Errorf("state %s", p.State)
	}
	status(h, http.StatusConflict, h.Do(resttest.Ask{Method: "DELETE", Path: path, Key: operator}))

	joins := status(h, http.StatusAccepted, h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/visits/members/b", Key: h.Foreign[privacy.RoleTenantAdmin], Body: `{"version": 2}`}))
	status(h, http.StatusOK, h.Do(resttest.Ask{Method: "POST", Path: joins.Header.Get("Location") + "/reject", Key: admin}))
	larger := status(h, http.StatusAccepted, h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/visits/budget", Key: operator, Body: `{"epsilon": 1, "delta": 1e-6}`}))
	status(h, http.StatusNoContent, h.Do(resttest.Ask{Method: "DELETE", Path: larger.Header.Get("Location"), Key: operator}))
	var list wire.ProposalList
	if err := json.Unmarshal(status(h, http.StatusOK, h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/proposals", Key: operator})).Body, &list); err != nil || len(list.Items) != 3 {
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
	h := resttest.New(t)
	status(h, http.StatusCreated, apply(h, strings.Replace(agreed, "budget_admins: 1", "budget_admins: 2", 1)))
	status(h, http.StatusOK, h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/visits/members/a", Key: h.Secret[privacy.RoleTenantAdmin], Body: `{"version": 1}`}))
	second, id := h.Key(privacy.RoleBudgetAdmin, "a")
	path := status(h, http.StatusAccepted, h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/a/budget", Key: h.Secret[privacy.RoleBudgetAdmin], Body: `{"epsilon": 1, "delta": 1e-6}`})).Header.Get("Location")
	rotate := func(id string) string {
		_, secret, err := h.Keys.Rotate(t.Context(), id, 0, authn.System())
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	status(h, http.StatusForbidden, h.Do(resttest.Ask{Method: "POST", Path: path + "/approve", Key: rotate(h.ID[privacy.RoleBudgetAdmin])}))
	status(h, http.StatusOK, h.Do(resttest.Ask{Method: "POST", Path: path + "/approve", Key: second}))
	status(h, http.StatusConflict, h.Do(resttest.Ask{Method: "POST", Path: path + "/approve", Key: rotate(id)}))
	third, _ := h.Key(privacy.RoleBudgetAdmin, "a")
	if p := proposal(h, status(h, http.StatusOK, h.Do(resttest.Ask{Method: "POST", Path: path + "/approve", Key: third}))); p.State != wire.ProposalStateApplied {
		t.Errorf("state %s", p.State)
	}
}
