package rest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

func TestATableIsNamedInItsLoad(t *testing.T) {
	h := newHarness(t)
	for role, tenant := range map[privacy.Role]string{privacy.RoleContributor: "a", privacy.RoleOperator: ""} {
		key, id := h.secret[role], h.id[role]
		if role == privacy.RoleOperator {
			key, id = h.key(role, "")
		}
		got := h.do(ask{method: "POST", path: "/v1/datasets/shop/loads?table=orders", key: key, body: "x", header: map[string]string{"Content-Type": "text/csv"}})
		if got.status != 202 {
			t.Fatalf("%s: %s", role, got)
		}
		want := job.Request{Dataset: "shop", Table: "orders", Tenant: tenant, Write: job.WriteAppend, Format: "csv", Length: 1, By: privacy.Principal{ID: id, Role: role, Tenant: tenant}}
		if diff := cmp.Diff(want, h.loads.created[len(h.loads.created)-1]); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
		// A public load's operator has no tenant to guard against.
		if got := h.do(ask{method: "POST", path: "/v1/datasets/shop/loads?table=orders&tenant=b", key: key, body: "x", header: map[string]string{"Content-Type": "text/csv"}}); got.code() != privacy.CodeForbidden {
			t.Errorf("%s, for another tenant: %s", role, got)
		}
	}
	if l := loadOf(job.Load{Table: "orders"}); l.Table == nil || *l.Table != "orders" {
		t.Errorf("shown as %v", l.Table)
	}
	if l := loadOf(job.Load{}); l.Table != nil {
		t.Errorf("a dataset of one table has the table %q", *l.Table)
	}
}

func TestADatasetShowsItsTablesAndPeriods(t *testing.T) {
	h := newHarness(t)
	operator, _ := h.key(privacy.RoleOperator, "")
	put := func(doc string) {
		t.Helper()
		if got := h.do(ask{method: "POST", path: "/v1/admin/datasets", key: operator, body: doc, header: map[string]string{"Content-Type": "application/yaml"}}); got.status != 201 {
			t.Fatalf("%s", got)
		}
	}
	put(`dataset: shop
version: 1
privacy_unit: {column: customer.id, scope: tenant}
contribution: {max_rows: 3}
tables:
  city:     {public: true, columns: {c: {type: integer, role: dimension}}}
  customer: {columns: {id: {type: bigint, role: unit}}}
  orders:   {unit: {via: "who->customer.id"}, columns: {who: {type: bigint, role: key}, price: {type: integer, role: measure, bounds: [0, 5]}}}
`)
	put(`dataset: visits
version: 1
privacy_unit: {column: id, scope: tenant}
contribution: {max_rows: 3}
columns: {id: {type: bigint, role: unit}, day: {type: date, role: dimension}}
budget_per: {column: day, every: month, from: 2024-01-15, to: 2024-02-01}
`)
	analyst := h.secret[privacy.RoleAnalyst]
	shop := into[wire.Dataset](t, h.do(ask{method: "GET", path: "/v1/datasets/shop", key: analyst}))
	want := []wire.DatasetTable{
		{Name: "city", Public: true, Columns: []wire.DatasetColumn{{Name: "c", Type: "integer", Role: "dimension"}}},
		{Name: "customer", Columns: []wire.DatasetColumn{{Name: "id", Type: "bigint", Role: "unit"}}},
		{Name: "orders", Via: ptr("who -> customer.id"), Columns: []wire.DatasetColumn{{Name: "who", Type: "bigint", Role: "key"}, {Name: "price", Type: "integer", Role: "measure"}}},
	}
	if diff := cmp.Diff(want, shop.Tables); diff != "" || shop.BudgetPer != nil {
		t.Errorf("%v %s", shop.BudgetPer, diff)
	}
	visits := into[wire.Dataset](t, h.do(ask{method: "GET", path: "/v1/datasets/visits", key: analyst}))
	if diff := cmp.Diff(&wire.BudgetPer{Column: "day", Every: "month", From: "2024-01-01", To: "2024-03-01"}, visits.BudgetPer); diff != "" || visits.Tables != nil {
		t.Errorf("%v %s", visits.Tables, diff)
	}
}
