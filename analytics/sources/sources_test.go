package sources

import (
	"fmt"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// The planner's scripts join as analysts write it. These state what comes out.

var (
	whole = plan.Of(plan.KindBigint)
	one   = &contract.Contract{Dataset: "d", TenantDimension: true, Unit: contract.Unit{Column: "person"}, Columns: []contract.Column{
		{Name: "person", Type: whole, Role: contract.RoleUnit}, {Name: "age", Type: whole, Role: contract.RoleDimension},
	}}
	shop = &contract.Contract{Dataset: "shop", Unit: contract.Unit{Table: "customers", Column: "c_id"}, Tables: []contract.Table{
		{Name: "customers", Columns: []contract.Column{
			{Name: "c_id", Type: whole, Role: contract.RoleUnit}, {Name: "nation", Type: whole, Role: contract.RoleDimension},
		}},
		{Name: "orders", Via: &contract.Via{Column: "o_customer", Table: "customers", Key: "c_id"}, Columns: []contract.Column{
			{Name: "o_customer", Type: whole, Role: contract.RoleKey}, {Name: "day", Type: plan.Of(plan.KindDate), Role: contract.RoleDimension},
			{Name: "nation", Type: whole, Role: contract.RoleDimension},
		}},
		{Name: "visits", Via: &contract.Via{Column: "v_customer", Table: "customers", Key: "c_id"}, Columns: []contract.Column{
			{Name: "v_id", Type: whole, Role: contract.RoleKey}, {Name: "v_customer", Type: whole, Role: contract.RoleKey},
		}},
		{Name: "steps", Via: &contract.Via{Column: "s_visit", Table: "visits", Key: "v_id"}, Columns: []contract.Column{
			{Name: "s_visit", Type: whole, Role: contract.RoleKey},
		}},
		{Name: "nations", Public: true, Columns: []contract.Column{
			{Name: "n_id", Type: whole, Role: contract.RoleDimension}, {Name: "label", Type: plan.Of(plan.KindVarchar), Role: contract.RoleDimension},
		}},
	}}
)

func table(name string) plan.From { return &plan.Table{Dataset: "shop", Name: name, Pos: 5} }

// column reads "table.column".
func column(name string) *plan.Column {
	qualifier, name, _ := strings.Cut(name, ".")
	return &plan.Column{Qualifier: qualifier, Name: name, Pos: 7}
}

func equal(a, b string) plan.Expr {
	return &plan.Call{Func: "=", Args: []plan.Expr{column(a), column(b)}, Pos: 6}
}

func and(es ...plan.Expr) plan.Expr { return &plan.Call{Func: "and", Args: es} }

func or(es ...plan.Expr) plan.Expr { return &plan.Call{Func: "or", Args: es} }

func join(left, right plan.From, on plan.Expr) plan.From {
	return &plan.Join{Left: left, Right: right, On: on, Pos: 4}
}

func outer(left, right plan.From, on plan.Expr) plan.From {
	return &plan.Join{Left: left, Right: right, Outer: true, On: on, Pos: 4}
}

// show prints the tables of a plan with the equalities that place them.
func show(placed []plan.Source) string {
	var parts []string
	for _, s := range placed {
		part := s.Table
		if s.Outer {
			part = "left " + part
		}
		for _, e := range s.On {
			part += fmt.Sprintf(" on %s=%s", plan.Print(e.Left), plan.Print(e.Right))
		}
		parts = append(parts, part)
	}
	return strings.ReplaceAll(strings.Join(parts, ", "), `"`, "")
}

// TestResolve: tables are placed in an order in which each is connected, and
// what is refused says why.
func TestResolve(t *testing.T) {
	customers, orders, nations := table("customers"), table("orders"), table("nations")
	via, label := equal("orders.o_customer", "customers.c_id"), equal("nations.n_id", "customers.nation")
	for _, tt := range []struct {
		from        plan.From
		where       plan.Expr
		want, rests string // what is placed, and what WHERE still says; or the refusal
	}{
		{from: customers, want: "customers"},
		{from: customers, where: label, want: "customers", rests: plan.Print(label)}, // one table: not looked at
		{from: join(customers, orders, via), want: "customers, orders"},              // the unit is the same: the engine sees to it
		{from: join(customers, orders, nil), where: and(via, equal("orders.nation", "customers.nation")), want: "customers, orders", rests: `(= "orders"."nation" "customers"."nation")`},
		{from: join(nations, join(orders, customers, via), label), want: "orders, customers, nations on customers.nation=nations.n_id"},
		{from: join(customers, join(orders, nations, nil), nil), where: or(and(via, label, column("orders.day")), and(label, via)), want: "customers, orders, nations on customers.nation=nations.n_id"},
		{from: outer(customers, orders, via), want: "customers, left orders"},
		{from: outer(customers, nations, label), want: "customers, left nations on customers.nation=nations.n_id"},

		{from: nations, want: "a query of public tables alone"},
		{from: join(customers, orders, nil), want: "a cross product is not permitted"},
		{from: join(customers, orders, equal("orders.nation", "customers.nation")), want: "a cross product is not permitted"},
		{from: join(customers, nations, equal("nations.n_id", "customers.c_id")), want: "on the privacy unit"},
		{from: join(customers, orders, equal("orders.o_customer", "customers.nation")), want: "on the privacy unit"},
		{from: join(orders, nations, equal("orders.day", "nations.n_id")), want: "joining a column of type bigint with one of type date"},
		{from: outer(nations, customers, label), want: "a LEFT JOIN from public tables"},
		{from: outer(customers, orders, and(via, column("orders.day"))), want: "a condition of LEFT JOIN"},
		{from: outer(customers, join(orders, nations, nil), via), want: "a join on its right side"},
		{from: join(customers, customers, nil), want: "two tables called"},
		{from: join(customers, &plan.Table{Dataset: "shop", Name: "customers", Alias: "c", Pos: 5}, nil), want: "the private table \"customers\" twice"},
		{from: table("nothing"), want: "has no table"},
		{from: &plan.Table{Dataset: "d", Pos: 5}, want: "a query over the datasets"},
	} {
		from, where, err := Resolve(shop, tt.from, tt.where)
		if err != nil {
			if e := privacy.AsError(err); !strings.Contains(e.Message, tt.want) || e.Position == 0 {
				t.Errorf("refused at %d: %v, want %s", e.Position, err, tt.want)
			}
			continue
		}
		if got := show(from.Placed); got != tt.want || plan.Print(where) != tt.rests {
			t.Errorf("got %s where %s, want %s where %s", got, plan.Print(where), tt.want, tt.rests)
		}
	}
}

// TestNames: a name means a column of exactly one table.
func TestNames(t *testing.T) {
	from, _, err := Resolve(shop, join(table("customers"), table("orders"), equal("orders.o_customer", "customers.c_id")), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, col, err := from.Resolve(column("orders.nation"))
	if err != nil || plan.Print(Bound(s, col, 0)) != `"orders"."nation"` || from.IsUnit(s, col) {
		t.Errorf("orders.nation is %v, %v", col, err)
	}
	if s, col, err := from.Resolve(column("customers.c_id")); err != nil || !from.IsUnit(s, col) {
		t.Errorf("c_id is %v, %v", col, err)
	}
	for name, want := range map[string]string{
		".nation": "is ambiguous", ".natoin": "did you mean \"nation\"?", "n.label": "nothing in FROM is called", ".today": "write the date out", ".tenant": "has a column",
	} {
		_, _, err := from.Resolve(column(name))
		if e := privacy.AsError(err); e.Code != privacy.CodeUnknownColumn || !strings.Contains(e.Message+" "+e.Suggestion, want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// TestOneTable: a dataset of one table has no sources, and its columns no
// qualifier.
func TestOneTable(t *testing.T) {
	from, _, err := Resolve(one, &plan.Table{Dataset: "d", Alias: "x"}, nil)
	if err != nil || from.Placed != nil {
		t.Fatal(from, err)
	}
	s, col, err := from.Resolve(column("x.age"))
	if err != nil || plan.Print(Bound(s, col, 0)) != `"age"` {
		t.Errorf("x.age is %v, %v", col, err)
	}
	if s, col, err := from.Resolve(column("." + plan.TenantColumn)); err != nil || s != nil || plan.Print(Bound(s, col, 0)) != `"tenant"` {
		t.Errorf("tenant is %v, %v", col, err)
	}
	if names := strings.Join(from.Names(), " "); names != "person age tenant" {
		t.Errorf("names are %s", names)
	}
	_, _, err = Resolve(one, join(&plan.Table{Dataset: "d", Alias: "x"}, &plan.Table{Dataset: "d", Alias: "y", Pos: 5}, nil), nil)
	if e := privacy.AsError(err); e.Position != 5 || !strings.Contains(e.Message, "with itself") {
		t.Errorf("joined with itself: %v", err)
	}
}

// TestRowsOfAUnitDoNotMultiplyEachOther: private tables form a chain, and a key
// of a unit means one row of the table that it refers to.
func TestRowsOfAUnitDoNotMultiplyEachOther(t *testing.T) {
	chain := join(join(table("customers"), table("visits"), equal("visits.v_customer", "customers.c_id")), table("steps"), equal("steps.s_visit", "visits.v_id"))
	f, _, err := Resolve(shop, chain, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range f.Placed {
		got[s.Table] = fmt.Sprint(s.Once, " ", s.Key)
	}
	for name, want := range map[string]string{"customers": "true ", "visits": "true v_id", "steps": "false "} {
		if got[name] != want {
			t.Errorf("%s is joined %q, want %q", name, got[name], want)
		}
	}
	siblings := join(join(table("customers"), table("visits"), equal("visits.v_customer", "customers.c_id")), table("orders"), equal("orders.o_customer", "customers.c_id"))
	_, _, err = Resolve(shop, siblings, nil)
	if privacy.CodeOf(err) != privacy.CodeQueryNotPermitted || !strings.Contains(err.Error(), "multiply each other") {
		t.Errorf("two tables of one parent: %v", err)
	}
}
