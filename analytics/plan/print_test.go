package plan_test

import (
	"testing"

	"github.com/noised/noised/analytics/plan"
)

// TestPrintTellsExpressionsApart: what prints alike shares draws and releases,
// so that one is answered with the other's numbers.
func TestPrintTellsExpressionsApart(t *testing.T) {
	text := plan.Of(plan.KindVarchar)
	column := func(name string) plan.Expr { return &plan.Column{Name: name, Type: text} }
	literal := func(v plan.Value) plan.Expr { return &plan.Literal{Value: v} }
	call := func(fn string, args ...plan.Expr) plan.Expr { return &plan.Call{Func: fn, Args: args} }
	expressions := []plan.Expr{
		nil,
		column("ward"),
		literal(plan.StringValue("ward")),
		literal(plan.StringValue(`va"ward"`)),
		literal(plan.Null(text)),
		literal(plan.StringValue("null")),
		literal(plan.IntValue(plan.Of(plan.KindTinyint), 2)),
		literal(plan.IntValue(plan.Of(plan.KindBigint), 2)),
		literal(plan.FloatValue(2)),
		literal(plan.StringValue("ti2")),
		call("=", column("a"), column("ward")),
		call("=", column("a"), literal(plan.StringValue("ward"))),
		call("concat", literal(plan.StringValue("a")), literal(plan.StringValue("b"))),
		call("concat", literal(plan.StringValue(`a" va"b`))),
		&plan.In{Arg: column("a"), List: []plan.Expr{literal(plan.StringValue("b"))}},
		&plan.In{Arg: column("a"), List: []plan.Expr{column("b")}},
		&plan.In{Arg: column("a"), List: []plan.Expr{column("b")}, Not: true},
	}
	seen := map[string]int{}
	for i, e := range expressions {
		print := plan.Print(e)
		if first, twice := seen[print]; twice {
			t.Errorf("expressions %d and %d both print %s", first, i, print)
		}
		seen[print] = i
	}
}
