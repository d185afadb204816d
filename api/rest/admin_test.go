package rest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// TestSettingUpADataset walks the way from nothing to a dataset with a member
// and budgets, over the real catalog, ledger and keys.
func TestSettingUpADataset(t *testing.T) {
	h := newHarness(t)
	operator, admin, budget := h.secret[privacy.RoleOperator], h.secret[privacy.RoleTenantAdmin], h.secret[privacy.RoleBudgetAdmin]
	text := contractText(t)
	yaml := map[string]string{"Content-Type": "application/yaml"}
	steps := []struct {
		name string
		ask  ask
		want int
		code privacy.Code
	}{
		{"a tenant", ask{method: "POST", path: "/v1/admin/tenants", key: operator, body: `{"name": "c", "region": "eu"}`}, 201, ""},
		{"the same tenant", ask{method: "POST", path: "/v1/admin/tenants", key: operator, body: `{"name": "c"}`}, 409, privacy.CodeConflict},
		{"deleting it", ask{method: "DELETE", path: "/v1/admin/tenants/c", key: operator}, 204, ""},
		{"deleting it again", ask{method: "DELETE", path: "/v1/admin/tenants/c", key: operator}, 404, privacy.CodeNotFound},
		{"a budget for no dataset", ask{method: "PUT", path: "/v1/admin/datasets/insteval/budget", key: operator, body: `{"epsilon": 1, "delta": 1e-6}`}, 404, privacy.CodeUnknownDataset},
		{"a contract", ask{method: "POST", path: "/v1/admin/datasets", key: operator, body: text, header: yaml}, 201, ""},
		{"the same version", ask{method: "POST", path: "/v1/admin/datasets", key: operator, body: text, header: yaml}, 409, privacy.CodeConflict},
		{"the next version", ask{method: "POST", path: "/v1/admin/datasets", key: operator, body: strings.Replace(text, "version: 1", "version: 2", 1), header: yaml}, 201, ""},
		{"accepting no version", ask{method: "PUT", path: "/v1/admin/datasets/insteval/members/a", key: admin, body: `{"version": 9}`}, 404, privacy.CodeNotFound},
		{"accepting no dataset", ask{method: "PUT", path: "/v1/admin/datasets/zzz/members/a", key: admin, body: `{"version": 1}`}, 404, privacy.CodeUnknownDataset},
		{"accepting", ask{method: "PUT", path: "/v1/admin/datasets/insteval/members/a", key: admin, body: `{"version": 1}`}, 200, ""},
		{"the dataset", ask{method: "GET", path: "/v1/datasets/insteval", key: h.secret[privacy.RoleAnalyst]}, 200, ""},
		{"its next version", ask{method: "GET", path: "/v1/datasets/insteval?version=2", key: admin}, 200, ""},
		{"no such version", ask{method: "GET", path: "/v1/datasets/insteval?version=3", key: admin}, 404, privacy.CodeNotFound},
		{"no such dataset", ask{method: "GET", path: "/v1/datasets/zzz", key: admin}, 404, privacy.CodeUnknownDataset},
		{"the datasets", ask{method: "GET", path: "/v1/datasets", key: operator}, 200, ""},
		{"a budget for the dataset", ask{method: "PUT", path: "/v1/admin/datasets/insteval/budget", key: operator, body: `{"epsilon": 2, "delta": 1e-6, "window": "week", "lifetime": {"epsilon": 8, "delta": 1e-6}}`}, 200, ""},
		{"a budget beyond the ceiling", ask{method: "PUT", path: "/v1/admin/datasets/insteval/budget", key: operator, body: `{"epsilon": 9, "delta": 1e-6}`}, 409, privacy.CodeConflict},
		{"the dataset's budget", ask{method: "GET", path: "/v1/admin/datasets/insteval/budget", key: operator}, 200, ""},
		{"a budget for the tenant", ask{method: "PUT", path: "/v1/admin/tenants/a/budget", key: budget, body: `{"epsilon": 3, "delta": 1e-6,
			"per_dataset": {"insteval": {"epsilon": 1, "delta": 1e-7}, "default": {"epsilon": 0.5, "delta": 1e-7}},
			"per_principal": {"default": {"epsilon": 2, "delta": 1e-7}}, "per_group": {"acme": {"epsilon": 2, "delta": 1e-7}}}`}, 200, ""},
		{"a budget for a group of no valid name", ask{method: "PUT", path: "/v1/admin/tenants/a/budget", key: budget, body: `{"epsilon": 3, "delta": 1e-6, "per_group": {"A B": {"epsilon": 1, "delta": 1e-7}}}`}, 400, privacy.CodeInvalidRequest},
		{"the tenant's charges", ask{method: "GET", path: "/v1/admin/tenants/a/charges?limit=5", key: budget}, 200, ""},
		{"a cursor that is none", ask{method: "GET", path: "/v1/admin/tenants/a/charges?cursor=zzz", key: budget}, 400, privacy.CodeInvalidRequest},
		{"leaving", ask{method: "DELETE", path: "/v1/admin/datasets/insteval/members/a", key: admin}, 204, ""},
		{"a key", ask{method: "POST", path: "/v1/admin/tenants/a/keys", key: admin, body: `{"role": "contributor", "expires_at": "2027-01-01T00:00:00Z"}`}, 201, ""},
		{"a key of a group", ask{method: "POST", path: "/v1/admin/tenants/a/keys", key: admin, body: `{"role": "analyst", "group": "acme"}`}, 201, ""},
		{"the keys", ask{method: "GET", path: "/v1/admin/tenants/a/keys", key: admin}, 200, ""},
	}
	for _, s := range steps {
		if got := h.do(s.ask); got.status != s.want || s.code != "" && got.code() != s.code {
			t.Errorf("%s: %s, want %d %s", s.name, got, s.want, s.code)
		}
	}
}

func TestABudgetShowsWhatWasSetAndWhatIsLeft(t *testing.T) {
	h := newHarness(t)
	key := h.secret[privacy.RoleBudgetAdmin]
	put := h.do(ask{method: "PUT", path: "/v1/admin/tenants/a/budget", key: key, body: `{"epsilon": 3, "delta": 1e-6, "per_principal": {"key_x": {"epsilon": 1, "delta": 1e-7}, "default": {"epsilon": 2, "delta": 1e-7}}}`})
	get := h.do(ask{method: "GET", path: "/v1/admin/tenants/a/budget", key: key})
	if string(put.body) != string(get.body) {
		t.Errorf("PUT %s\nGET %s", put, get)
	}
	b := into[wire.TenantBudget](t, get)
	if b.Tenant != "a" || b.Epsilon != 3 || b.Delta != 1e-6 || b.Window != "none" || b.Accounting != "gdp" || b.Lifetime != (wire.Loss{Epsilon: 3, Delta: 1e-6}) {
		t.Errorf("%s", get)
	}
	if b.Spent.Epsilon != 0 || b.Spent.Rho != 0 || b.Remaining.Epsilon != 3 || b.Remaining.Rho <= 0 {
		t.Errorf("%s", get)
	}
	if p := *b.PerPrincipal; len(p) != 2 || p["key_x"].Epsilon != 1 || p["default"].Epsilon != 2 || b.PerDataset != nil {
		t.Errorf("%s", get)
	}
}

// TestABudgetShowsWhatItsAccountsSpent: a charge debits the accounts of its
// dataset, principal and group, those that a default opens too.
func TestABudgetShowsWhatItsAccountsSpent(t *testing.T) {
	h := newHarness(t)
	key := h.secret[privacy.RoleBudgetAdmin]
	put := h.do(ask{method: "PUT", path: "/v1/admin/tenants/a/budget", key: key, body: `{"epsilon": 3, "delta": 1e-6,
		"per_dataset": {"sales": {"epsilon": 2, "delta": 1e-7}, "stock": {"epsilon": 2, "delta": 1e-7}},
		"per_principal": {"default": {"epsilon": 2, "delta": 1e-7}}, "per_group": {"acme": {"epsilon": 1, "delta": 1e-7}}}`})
	if put.status != 200 {
		t.Fatal(put)
	}
	loss := privacy.Loss{Epsilon: 1, Delta: 1e-7}
	_, err := h.ledger.Charge(t.Context(), ledger.Request{
		Key: "1", Principal: "key_p", Dataset: "sales", Tenants: []string{"a"}, Group: "acme", Loss: loss, Cost: privacy.CapOf(loss),
	})
	if err != nil {
		t.Fatal(err)
	}
	get := h.do(ask{method: "GET", path: "/v1/admin/tenants/a/budget", key: key})
	b := into[wire.TenantBudget](t, get)
	var names []string
	for _, a := range b.Accounts {
		names = append(names, a.Account)
		spent, left := a.Spent.Rho > 0, a.Remaining.Rho > 0
		if spent != (a.Account != "tenant-dataset:a/stock") || left != (a.Account != "tenant-group:a/acme") || spent && a.Spent.Rho != b.Spent.Rho {
			t.Errorf("%+v", a)
		}
	}
	want := []string{"tenant-dataset:a/sales", "tenant-dataset:a/stock", "tenant-group:a/acme", "tenant-principal:a/key_p"}
	if !slices.Equal(names, want) {
		t.Errorf("accounts %v, want %v", names, want)
	}
	if p := *b.PerPrincipal; p["key_p"] != (wire.Loss{Epsilon: 2, Delta: 1e-7}) || p["default"] != p["key_p"] {
		t.Errorf("the caps are not those that were set: %s", get)
	}
}

func TestABudgetShowsAThousandAccountsAtMost(t *testing.T) {
	for _, n := range []int{0, 1000, 1001} {
		if got := len(accountsOf(make([]ledger.State, n))); got != min(n, 1000) {
			t.Errorf("of %d accounts %d are shown", n, got)
		}
	}
}

// TestABudgetShowsGroupsAndPeriods: what was charged for periods of rows is
// there beside caps per group, and what a lifetime leaves beside its window.
func TestABudgetShowsGroupsAndPeriods(t *testing.T) {
	h := newHarness(t)
	key := h.secret[privacy.RoleBudgetAdmin]
	put := h.do(ask{method: "PUT", path: "/v1/admin/tenants/a/budget", key: key, body: `{"epsilon": 1, "delta": 1e-6, "window": "day",
		"lifetime": {"epsilon": 3, "delta": 2e-6}, "per_group": {"acme": {"epsilon": 1, "delta": 1e-7}, "default": {"epsilon": 2, "delta": 1e-7}}}`})
	if put.status != 200 {
		t.Fatal(put)
	}
	whole := privacy.CapOf(privacy.Loss{Epsilon: 1, Delta: 1e-6})
	for i, periods := range [][]string{nil, {"2026-01-01", "2026-02-01"}} {
		_, err := h.ledger.Charge(t.Context(), ledger.Request{
			Key: fmt.Sprint(i), Principal: "key_p", Dataset: "sales", Tenants: []string{"a"}, Periods: periods,
			Loss: privacy.Loss{Epsilon: 1, Delta: 1e-9}, Cost: whole,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	get := h.do(ask{method: "GET", path: "/v1/admin/tenants/a/budget", key: key})
	b := into[wire.TenantBudget](t, get)
	if groups := *b.PerGroup; len(groups) != 2 || groups["acme"].Epsilon != 1 || groups["default"].Epsilon != 2 {
		t.Errorf("groups in %s", get)
	}
	if b.Remaining.Rho != 0 || b.Spent.Rho != b.LifetimeSpent.Rho || b.LifetimeRemaining.Rho <= 0 || b.LifetimeRemaining.Epsilon <= 0 {
		t.Errorf("window and lifetime in %s", get)
	}
	if p := b.Periods; len(p) != 2 || p[0].Dataset != "sales" || p[0].Period != "2026-02-01" || p[0].Remaining.Rho != 0 || p[0].Spent != b.Spent {
		t.Errorf("periods in %s", get)
	}
	charges := into[wire.ChargeList](t, h.do(ask{method: "GET", path: "/v1/admin/tenants/a/charges", key: key}))
	if len(charges.Items) != 2 {
		t.Errorf("the history is %+v", charges)
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	h := newHarness(t)
	doc := into[map[string]any](t, h.do(ask{method: "GET", path: "/v1/openapi.json"}))
	if doc["openapi"] != "3.1.0" || len(doc["paths"].(map[string]any)) < 20 || doc["security"] == nil {
		t.Errorf("openapi %v with %d paths", doc["openapi"], len(doc["paths"].(map[string]any)))
	}
}
