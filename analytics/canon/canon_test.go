package canon

import (
	"testing"

	"github.com/noised/noised/analytics/plan"
)

func column(name string) plan.Expr {
	return &plan.Column{Name: name, Type: plan.Of(plan.KindBoolean)}
}

func number(f float64) plan.Expr { return &plan.Literal{Value: plan.FloatValue(f)} }

func boolean(b bool) plan.Expr { return &plan.Literal{Value: plan.BoolValue(b)} }

func null() plan.Expr { return &plan.Literal{Value: plan.Null(plan.Of(plan.KindBoolean))} }

func call(fn string, args ...plan.Expr) plan.Expr {
	return Simplify(&plan.Call{Func: fn, Args: args})
}

func in(not bool, arg plan.Expr, list ...plan.Expr) plan.Expr {
	return Simplify(&plan.In{Arg: arg, List: list, Not: not})
}

// TestOneForm: the spellings of one expression have one print.
func TestOneForm(t *testing.T) {
	a, b, c := column("a"), column("b"), column("c")
	for _, same := range [][]plan.Expr{
		{call("and", a, call("and", b, c)), call("and", call("and", c, a), b, a), call("and", a, b, c, boolean(true))},
		{call("or", a, b), call("or", b, boolean(false), a)},
		{a, call("not", call("not", a)), call("or", a), call("and", a, a)},
		{boolean(false), call("and", a, boolean(false)), call("not", boolean(true)), call("<", number(2), number(1)), in(false, number(1), number(2))},
		{call("<", a, number(1)), call(">", number(1), a), call("not", call(">=", a, number(1)))},
		{call("=", a, b), call("=", b, a), call("not", call("<>", b, a))},
		{call("<", a, b), call(">", b, a)},
		{in(false, a, number(1), number(2)), in(false, a, number(2), number(1), number(2)), call("not", in(true, a, number(1), number(2)))},
		{in(true, a, number(1)), call("<>", a, number(1))},
		{call("+", a, b), call("+", b, a)},
		{number(3), call("+", number(1), number(2)), call("*", number(1.5), number(2)), call("-", number(-3))},
		{null(), call("=", a, null()), call("not", null())},
		{boolean(true), call("is null", null()), call("is not null", number(1))},
		{a, call("coalesce", a), call("greatest", a)},
	} {
		for _, e := range same {
			if got, want := plan.Print(e), plan.Print(same[0]); got != want {
				t.Errorf("%s is not brought to %s", got, want)
			}
		}
	}
}

// TestWhatDiffersStays: no step changes a value, also where something is NULL.
func TestWhatDiffersStays(t *testing.T) {
	a, b := column("a"), column("b")
	seen := map[string]bool{}
	for _, e := range []plan.Expr{
		a, call("and", a, b), call("or", a, b), call("and", a, null()), call("or", a, null()), call("<", a, b), call("<", b, a), call("-", a, b), call("-", b, a),
		call("is not null", a), call("/", number(1), number(0)), in(false, a, number(1)), in(true, a, number(1)), call("concat", a), call("=", a, a), boolean(true), boolean(false), null(),
	} {
		text := plan.Print(e)
		if seen[text] {
			t.Errorf("%s twice", text)
		}
		seen[text] = true
	}
}

// TestConjuncts: a condition is the conjunction of its parts, and one that is
// NULL passes no row.
func TestConjuncts(t *testing.T) {
	a, b := column("a"), column("b")
	for _, tt := range []struct {
		e     plan.Expr
		parts int
		want  string
	}{
		{nil, 0, ""},
		{boolean(true), 0, ""},
		{a, 1, plan.Print(a)},
		{call("and", a, b), 2, plan.Print(call("and", a, b))},
		{null(), 1, plan.Print(boolean(false))},
		{call("and", a, null()), 1, plan.Print(boolean(false))},
	} {
		parts := Conjuncts(tt.e)
		if got := plan.Print(Conjunction(parts)); len(parts) != tt.parts || got != tt.want {
			t.Errorf("%s has %d parts, together %s", plan.Print(tt.e), len(parts), got)
		}
	}
	if got := plan.Print(Conjunction([]plan.Expr{nil, a, nil})); got != plan.Print(a) {
		t.Errorf("no condition counts: %s", got)
	}
}
