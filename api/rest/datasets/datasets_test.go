package datasets_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func TestAContractIsToldEveryProblemWithItsLine(t *testing.T) {
	h := resttest.New(t)
	bad := strings.Replace(resttest.Contract(t), "bounds:", "bonds:", 1)
	for _, body := range []string{bad, "dataset: [", ""} {
		got := h.Do(resttest.Ask{
			Method: "POST", Path: "/v1/admin/datasets", Key: h.Secret[privacy.RoleOperator], Body: body,
			Header: map[string]string{"Content-Type": "application/yaml"},
		})
		p := resttest.Into[wire.Problem](t, got)
		if got.Code() != privacy.CodeContractInvalid || len(p.Errors) == 0 || p.Errors[0].Message == "" {
			t.Errorf("%s", got)
		}
		if body == bad && p.Errors[0].Line == nil {
			t.Errorf("no line: %s", got)
		}
	}
}

func TestADatasetShowsItsTablesAndPeriods(t *testing.T) {
	h := resttest.New(t)
	operator, _ := h.Key(privacy.RoleOperator, "")
	put := func(doc string) {
		t.Helper()
		if got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/admin/datasets", Key: operator, Body: doc, Header: map[string]string{"Content-Type": "application/yaml"}}); got.Status != 201 {
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
	analyst := h.Secret[privacy.RoleAnalyst]
	shop := resttest.Into[wire.Dataset](t, h.Do(resttest.Ask{Method: "GET", Path: "/v1/datasets/shop", Key: analyst}))
	want := []wire.DatasetTable{
		{Name: "city", Public: true, Columns: []wire.DatasetColumn{{Name: "c", Type: "integer", Role: "dimension"}}},
		{Name: "customer", Columns: []wire.DatasetColumn{{Name: "id", Type: "bigint", Role: "unit"}}},
		{Name: "orders", Via: new("who -> customer.id"), Columns: []wire.DatasetColumn{{Name: "who", Type: "bigint", Role: "key"}, {Name: "price", Type: "integer", Role: "measure"}}},
	}
	if diff := cmp.Diff(want, shop.Tables); diff != "" || shop.BudgetPer != nil {
		t.Errorf("%v %s", shop.BudgetPer, diff)
	}
	visits := resttest.Into[wire.Dataset](t, h.Do(resttest.Ask{Method: "GET", Path: "/v1/datasets/visits", Key: analyst}))
	if diff := cmp.Diff(&wire.BudgetPer{Column: "day", Every: "month", From: "2024-01-01", To: "2024-03-01"}, visits.BudgetPer); diff != "" || visits.Tables != nil {
		t.Errorf("%v %s", visits.Tables, diff)
	}
}
