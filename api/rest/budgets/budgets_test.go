package budgets_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

func TestABudgetShowsWhatWasSetAndWhatIsLeft(t *testing.T) {
	h := resttest.New(t)
	key := h.Secret[privacy.RoleBudgetAdmin]
	put := h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/a/budget", Key: key, Body: `{"epsilon": 3, "delta": 1e-6, "per_principal": {"key_x": {"epsilon": 1, "delta": 1e-7}, "default": {"epsilon": 2, "delta": 1e-7}}}`})
	get := h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/tenants/a/budget", Key: key})
	if string(put.Body) != string(get.Body) {
		t.Errorf("PUT %s\nGET %s", put, get)
	}
	b := resttest.Into[wire.TenantBudget](t, get)
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
	h := resttest.New(t)
	key := h.Secret[privacy.RoleBudgetAdmin]
	put := h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/a/budget", Key: key, Body: `{"epsilon": 3, "delta": 1e-6,
		"per_dataset": {"sales": {"epsilon": 2, "delta": 1e-7}, "stock": {"epsilon": 2, "delta": 1e-7}},
		"per_principal": {"default": {"epsilon": 2, "delta": 1e-7}}, "per_group": {"acme": {"epsilon": 1, "delta": 1e-7}}}`})
	if put.Status != 200 {
		t.Fatal(put)
	}
	loss := privacy.Loss{Epsilon: 1, Delta: 1e-7}
	_, err := h.Ledger.Charge(t.Context(), ledger.Request{
		Key: "1", Principal: "key_p", Dataset: "sales", Tenants: []string{"a"}, Group: "acme", Loss: loss, Cost: privacy.CapOf(loss),
	})
	if err != nil {
		t.Fatal(err)
	}
	get := h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/tenants/a/budget", Key: key})
	b := resttest.Into[wire.TenantBudget](t, get)
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

// TestABudgetShowsGroupsAndPeriods: what was charged for periods of rows is
// there beside caps per group, and what a lifetime leaves beside its window.
func TestABudgetShowsGroupsAndPeriods(t *testing.T) {
	h := resttest.New(t)
	key := h.Secret[privacy.RoleBudgetAdmin]
	put := h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/a/budget", Key: key, Body: `{"epsilon": 1, "delta": 1e-6, "window": "day",
		"lifetime": {"epsilon": 3, "delta": 2e-6}, "per_group": {"acme": {"epsilon": 1, "delta": 1e-7}, "default": {"epsilon": 2, "delta": 1e-7}}}`})
	if put.Status != 200 {
		t.Fatal(put)
	}
	whole := privacy.CapOf(privacy.Loss{Epsilon: 1, Delta: 1e-6})
	for i, periods := range [][]string{nil, {"2026-01-01", "2026-02-01"}} {
		_, err := h.Ledger.Charge(t.Context(), ledger.Request{
			Key: fmt.Sprint(i), Principal: "key_p", Dataset: "sales", Tenants: []string{"a"}, Periods: periods,
			Loss: privacy.Loss{Epsilon: 1, Delta: 1e-9}, Cost: whole,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	get := h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/tenants/a/budget", Key: key})
	b := resttest.Into[wire.TenantBudget](t, get)
	if groups := *b.PerGroup; len(groups) != 2 || groups["acme"].Epsilon != 1 || groups["default"].Epsilon != 2 {
		t.Errorf("groups in %s", get)
	}
	if b.Remaining.Rho != 0 || b.Spent.Rho != b.LifetimeSpent.Rho || b.LifetimeRemaining.Rho <= 0 || b.LifetimeRemaining.Epsilon <= 0 {
		t.Errorf("window and lifetime in %s", get)
	}
	if p := b.Periods; len(p) != 2 || p[0].Dataset != "sales" || p[0].Period != "2026-02-01" || p[0].Remaining.Rho != 0 || p[0].Spent != b.Spent {
		t.Errorf("periods in %s", get)
	}
	charges := resttest.Into[wire.ChargeList](t, h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/tenants/a/charges", Key: key}))
	if len(charges.Items) != 2 {
		t.Errorf("the history is %+v", charges)
	}
}
