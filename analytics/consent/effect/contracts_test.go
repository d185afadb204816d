package effect

import (
	"strings"
	"testing"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/privacy"
)

const base = `dataset: shop
version: 1
description: Sales
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 4, max_rows_per_partition: 3, max_l2: 5}
columns:
  person: {type: bigint, role: unit}
  city:   {type: varchar, role: dimension, domain: {values: [x, "y", z]}}
  street: {type: varchar, role: dimension}
  price:  {type: decimal(9,2), role: measure, bounds: [0, 100]}
  items:  {type: integer, role: measure, bounds: [0, 50]}
budget_defaults: {epsilon_per_query: 0.5, delta_per_query: 1e-9}
approvals: {tenants: affected, budget_admins: 2, expires_after: 72h}
analysts: [lab]
`

const several = `dataset: chain
version: 1
privacy_unit: {column: customers.id, scope: tenant}
contribution: {max_partitions: 4, max_rows_per_partition: 3}
tables:
  nations:   {public: true, columns: {name: {type: varchar, role: dimension, domain: {values: [a]}}}}
  customers: {columns: {id: {type: bigint, role: unit}, key: {type: bigint, role: key}}}
  orders:    {unit: {via: "customer -> customers.id"}, columns: {customer: {type: bigint, role: key}, total: {type: integer, role: measure, bounds: [0, 9]}}}
`

func parse(t testing.TB, doc string) *contract.Contract {
	t.Helper()
	c, err := contractparse.Parse([]byte(doc))
	if err != nil {
		for _, p := range privacy.AsError(err).Problems {
			t.Log(p.Line, p.Field, p.Message)
		}
		t.Fatal(err, doc)
	}
	return c
}

// mutations replace one text of a contract by another. Every field of a contract
// is here, and classed.
var mutations = []struct {
	in, from, to string
	field        string // that changes; empty: no field does
	widens       bool
}{
	{base, "Sales", "More sales", "description", false},
	{base, "version: 1", "version: 2", "", false},
	{base, "scope: tenant", "scope: person", "privacy_unit.scope", true},
	{base, "{column: person", "{column: human", "privacy_unit.column", true},
	{base, "columns:", "tenant_dimension: public\ncolumns:", "tenant_dimension", true},
	{base + "tenant_dimension: public\n", "tenant_dimension: public\n", "", "tenant_dimension", false},
	{base, "max_partitions: 4", "max_partitions: 5", "contribution.max_partitions", true},
	{base, "max_partitions: 4", "max_partitions: 3", "contribution.max_partitions", false},
	{base, "max_rows_per_partition: 3", "max_rows_per_partition: 4", "contribution.max_rows_per_partition", true},
	{base, "max_rows_per_partition: 3", "max_rows_per_partition: 2", "contribution.max_rows_per_partition", false},
	{base, "max_l2: 5", "max_l2: 6", "contribution.max_l2", true},
	{base, "max_l2: 5", "max_l2: 4", "contribution.max_l2", false},
	{base, ", max_l2: 5", "", "contribution.max_l2", true},
	{base, "{max_partitions: 4, max_rows_per_partition: 3, max_l2: 5}", "{max_rows: 1}", "contribution", true},
	{base, "columns:", "bounding_index: [[city]]\ncolumns:", "", false},
	{base, "  items:", "  extra:  {type: date, role: dimension}\n  items:", "columns.extra", true},
	{base, "  items:  {type: integer, role: measure, bounds: [0, 50]}\n", "", "columns.items", false},
	{base, "items:  {type: integer", "items:  {type: bigint", "columns.items", true},
	{base, "items:  {type: integer, role: measure, bounds: [0, 50]}", "items:  {type: integer, role: dimension}", "columns.items", true},
	{base, "bounds: [0, 50]", "bounds: [0, 51]", "columns.items.bounds", true},
	{base, "bounds: [0, 50]", "bounds: [1, 49]", "columns.items.bounds", false},
	{base, "bounds: [0, 50]", "bounds: [1, 60]", "columns.items.bounds", true}, // neither only wider nor only narrower
	{base, "bounds: [0, 100]", "bounds: [0, 100.00]", "", false},
	{base, "bounds: [0, 100]", "bounds: [0, 100], resolution: 0.5", "columns.price.resolution", true},
	{base, `domain: {values: [x, "y", z]}`, "domain: private", "columns.city.domain", true},
	{base, "street: {type: varchar, role: dimension}", "street: {type: varchar, role: dimension, domain: {values: [s]}}", "columns.street.domain", true},
	{base, `[x, "y", z]`, `[x, "y", z, w]`, "columns.city.domain", true},
	{base, `[x, "y", z]`, `[x, "y"]`, "columns.city.domain", false},
	{base, `[x, "y", z]`, `[x, "y", w]`, "columns.city.domain", true},
	{base, `[x, "y", z]`, `[z, x, "y"]`, "", false},
	{base, "epsilon_per_query: 0.5", "epsilon_per_query: 0.6", "budget_defaults.epsilon_per_query", true},
	{base, "epsilon_per_query: 0.5", "epsilon_per_query: 0.4", "budget_defaults.epsilon_per_query", false},
	{base, "delta_per_query: 1e-9", "delta_per_query: 1e-8", "budget_defaults.delta_per_query", true},
	{base, "delta_per_query: 1e-9", "delta_per_query: 1e-10", "budget_defaults.delta_per_query", false},
	{base, "budget_admins: 2", "budget_admins: 1", "approvals.budget_admins", true},
	{base, "budget_admins: 2", "budget_admins: 3", "approvals.budget_admins", false},
	{base, "tenants: affected, ", "", "approvals.tenants", true},
	{base, "72h", "73h", "approvals.expires_after", true},
	{base, "72h", "71h", "approvals.expires_after", false},
	{base, "72h}", "72h, proposer_may_sign: true}", "approvals.proposer_may_sign", true},
	{base, "[lab]", "[lab, acme]", "analysts", true},
	{base, "[lab]", "[]", "analysts", false},
	{base, "analysts: [lab]\n", "", "analysts", true},
	{base, "columns:", "queries: templates\ncolumns:", "queries", false},
	{base + "queries: templates\n", "queries: templates", "queries: free", "queries", true},
	{several, "tables:\n", "tables:\n  more: {public: true, columns: {name: {type: varchar, role: dimension}}}\n", "tables.more", true},
	{several, "  orders:    {unit: {via: \"customer -> customers.id\"}, columns: {customer: {type: bigint, role: key}, total: {type: integer, role: measure, bounds: [0, 9]}}}\n", "", "tables.orders", false},
	{several, "bounds: [0, 9]", "bounds: [0, 10]", "tables.orders.columns.total.bounds", true},
	{several, "{values: [a]}", "{values: [a, b]}", "tables.nations.columns.name.domain", true},
	{several, `"customer -> customers.id"`, `"customer -> customers.key"`, "tables.orders.unit", true},
}

func TestEveryFieldIsClassed(t *testing.T) {
	for _, m := range mutations {
		next := strings.Replace(m.in, m.from, m.to, 1)
		if m.from == "{column: person" {
			next = strings.ReplaceAll(m.in, "person", "human")
		}
		got := Contracts(parse(t, m.in), parse(t, next))
		if m.field == "" {
			if len(got) != 0 {
				t.Errorf("%q → %q: %v, want no change", m.from, m.to, got)
			}
			continue
		}
		var found *Change
		for i := range got {
			if got[i].Field == m.field {
				found = &got[i]
			}
		}
		if found == nil || found.Widens != m.widens || Widens(got) != m.widens && m.from != "{column: person" {
			t.Errorf("%q → %q: %+v, want %s with widens %v", m.from, m.to, got, m.field, m.widens)
			continue
		}
		if found.Before == found.After || !strings.HasSuffix(found.Says, ".") {
			t.Errorf("%+v says nothing", *found)
		}
	}
}

func TestSameContractsHaveNoChanges(t *testing.T) {
	for _, doc := range []string{base, several} {
		if got := Contracts(parse(t, doc), parse(t, doc)); len(got) != 0 {
			t.Errorf("%v", got)
		}
	}
}

// The noise of a count is in proportion to the bounds, and that of a sum to the
// largest magnitude too.
func TestBoundsSayWhatTheyDoToNoise(t *testing.T) {
	was := parse(t, strings.Replace(base, ", max_l2: 5", "", 1))
	double := parse(t, strings.NewReplacer(", max_l2: 5", "", "max_rows_per_partition: 3", "max_rows_per_partition: 6", "bounds: [0, 50]", "bounds: [0, 100]").Replace(base))
	for _, c := range Contracts(was, double) {
		want := 2.0
		if c.Field == "columns.items.bounds" {
			want = 4
		}
		if len(c.Noise) != 1 {
			t.Fatalf("%+v", c)
		}
		if ratio := c.Noise[0].After / c.Noise[0].Before; ratio < want*0.999 || ratio > want*1.001 {
			t.Errorf("%s: noise of %s from %g to %g, want %g times as much", c.Field, c.Noise[0].Of, c.Noise[0].Before, c.Noise[0].After, want)
		}
	}
}

func TestBudgets(t *testing.T) {
	a := privacy.TenantAccount("a")
	one := Cap{Loss: privacy.Loss{Epsilon: 1, Delta: 1e-6}, Window: privacy.WindowWeek}
	for _, tt := range []struct {
		name          string
		was           *Cap
		next          Cap
		required      bool
		changes, wide bool
	}{
		{"the same", &one, one, true, false, false},
		{"the first of a required account", nil, one, true, true, true},
		{"the first of another", nil, one, false, true, false},
		{"a larger epsilon", &one, Cap{privacy.Loss{Epsilon: 2, Delta: 1e-6}, one.Window}, true, true, true},
		{"a larger delta", &one, Cap{privacy.Loss{Epsilon: 1, Delta: 2e-6}, one.Window}, true, true, true},
		{"less of both", &one, Cap{privacy.Loss{Epsilon: 0.5, Delta: 1e-7}, one.Window}, true, true, false},
		{"refilled more often", &one, Cap{one.Loss, privacy.WindowDay}, true, true, true},
		{"refilled less often", &one, Cap{one.Loss, privacy.WindowMonth}, true, true, false},
		{"never refilled", &one, Cap{one.Loss, privacy.WindowNone}, true, true, false},
	} {
		got := Account(a, tt.was, tt.next, tt.required)
		if (len(got) > 0) != tt.changes || Widens(got) != tt.wide {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
