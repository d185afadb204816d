package roweval

import (
	"testing"
	"time"

	"github.com/noised/noised/analytics/plan"
)

// The planner's tests hold Evaluator to the engine, over random expressions and
// rows. These state what both agree on.

var (
	double = plan.Of(plan.KindDouble)
	bigint = plan.Of(plan.KindBigint)
	date   = plan.Of(plan.KindDate)
	text   = plan.Of(plan.KindVarchar)
)

func literal(v plan.Value) plan.Expr { return &plan.Literal{Value: v} }

func call(fn string, args ...plan.Value) plan.Expr {
	c := &plan.Call{Func: fn}
	for _, a := range args {
		c.Args = append(c.Args, literal(a))
	}
	return c
}

// TestOf: an expression has its value, or is said to be uncertain ("?").
func TestOf(t *testing.T) {
	yes, null, boolean := plan.BoolValue(true), plan.Null(double), plan.Null(plan.Of(plan.KindBoolean))
	number, whole, str := plan.FloatValue, func(n int64) plan.Value { return plan.IntValue(bigint, n) }, plan.StringValue
	for _, tt := range []struct {
		e    plan.Expr
		want string
	}{
		{call("and", yes, boolean), "NULL"},
		{call("or", yes, boolean), "true"},
		{call("is null", null), "true"},
		{call("coalesce", null, number(2)), "2"},
		{call("least", null, number(2), number(1)), "1"},
		{call("nullif", number(2), number(2)), "NULL"},
		{call("+", number(1), null), "NULL"},
		{call("/", number(1), number(0)), "NULL"},
		{call("*", number(1e200), number(1e200)), "?"}, // an infinity is no key
		{call("//", whole(-7), whole(2)), "-3"},
		{call("%", whole(-7), whole(2)), "-1"},
		{call("round", number(2.5)), "3"},
		{call("sqrt", number(-1)), "NULL"},
		{call("ln", number(2)), "?"}, // engines differ in the last digit
		{call("lower", str("ÀB")), "?"},
		{call("lower", str("AB")), "ab"},
		{call("substring", str("é🙂x"), whole(2), whole(1)), "🙂"},
		{call("length", str("é🙂x")), "3"},
		{call("like", str("abcabd"), str("%ab_")), "true"},
		{call("concat", str("a"), plan.Null(text), str("b")), "ab"},
		{call("||", str("e"), str("\u0301")), "?"}, // keys are in normal form
		{call("year", plan.IntValue(date, 19_782)), "2024"},
		{call("year", plan.IntValue(date, 1<<31)), "NULL"},
		{call("date_trunc", str("week"), plan.IntValue(date, 19_782)), "2024-02-26"},
		{&plan.Cast{Arg: literal(number(2.5)), To: bigint}, "2"},
		{&plan.Cast{Arg: literal(plan.IntValue(plan.Type{Kind: plan.KindDecimal, Precision: 3, Scale: 1}, 25)), To: bigint}, "3"},
		{&plan.Cast{Arg: literal(number(300)), To: plan.Of(plan.KindTinyint)}, "NULL"},
		{&plan.Cast{Arg: literal(number(0.1)), To: text}, "?"},
		{&plan.Cast{Arg: literal(str("-7")), To: bigint}, "-7"},
		{&plan.Cast{Arg: literal(str(" 1e3")), To: bigint}, "?"},
		{&plan.In{Arg: literal(whole(2)), List: []plan.Expr{literal(whole(2))}, Not: true}, "false"},
		{&plan.In{Arg: literal(plan.Null(bigint)), List: []plan.Expr{literal(whole(2))}}, "NULL"},
		{&plan.Case{Whens: []plan.When{{If: literal(boolean), Then: literal(str("x"))}}}, "NULL"},
		{&plan.Column{Name: "x"}, "?"}, // no atom
	} {
		v := &Evaluator{Kind: func(plan.Expr) plan.Type { return double }}
		got, ok := v.Of(tt.e)
		if text := map[bool]string{true: got.Text(), false: "?"}[ok]; text != tt.want {
			t.Errorf("%s is %s, want %s", plan.Print(tt.e), text, tt.want)
		}
	}
}

// TestTextsAreBounded: finding one domain makes no more text than it may.
func TestTextsAreBounded(t *testing.T) {
	column := &plan.Column{Name: "x", Type: text}
	v := &Evaluator{Atoms: map[plan.Expr]int{column: 0}, Given: []plan.Value{plan.StringValue("x")}, Bytes: maxMadeText - 2}
	twice := &plan.Call{Func: "||", Args: []plan.Expr{column, column}}
	if got, ok := v.Of(twice); !ok || got.Str != "xx" {
		t.Errorf("the last text that may be made is %q, %t", got.Str, ok)
	}
	if _, ok := v.Of(twice); ok {
		t.Error("one more was made")
	}
}

// TestExact: a literal takes another type only without loss ("?").
func TestExact(t *testing.T) {
	price := plan.Type{Kind: plan.KindDecimal, Precision: 4, Scale: 2}
	for _, tt := range []struct {
		v    plan.Value
		to   plan.Type
		want string
	}{
		{plan.FloatValue(2), bigint, "2"},
		{plan.FloatValue(2.5), bigint, "?"},
		{plan.FloatValue(128), plan.Of(plan.KindTinyint), "?"},
		{plan.FloatValue(-128), plan.Of(plan.KindTinyint), "-128"},
		{plan.FloatValue(0.1), price, "0.10"},
		{plan.FloatValue(0.125), price, "?"},
		{plan.IntValue(bigint, 100), price, "?"},
		{plan.IntValue(bigint, 1<<53+1), double, "?"},
		{plan.IntValue(price, 10), double, "0.1"}, // the nearest
		{plan.StringValue(" 1.5 "), double, "1.5"},
		{plan.StringValue("0x10"), double, "?"},
		{plan.StringValue("NaN"), double, "?"},
		{plan.StringValue("2024-02-29"), date, "2024-02-29"},
		{plan.StringValue("2023-02-29"), date, "?"},
		{plan.StringValue("T"), plan.Of(plan.KindBoolean), "true"},
		{plan.IntValue(plan.Of(plan.KindTimestamp), MicrosPerDay+1), date, "?"},
		{plan.IntValue(date, 1), plan.Of(plan.KindTimestamp), "1970-01-02 00:00:00"},
	} {
		got, ok := Exact(tt.v, tt.to)
		if text := map[bool]string{true: got.Text(), false: "?"}[ok]; text != tt.want {
			t.Errorf("%s as %s is %s, want %s", tt.v.Text(), tt.to, text, tt.want)
		}
	}
}

// TestTruncate: a moment lies in the part that begins before it and ends after it.
func TestTruncate(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
	for part, want := range map[string]string{
		"year": "2024-01-01T00:00 2025-01-01T00:00", "quarter": "2024-01-01T00:00 2024-04-01T00:00", "month": "2024-02-01T00:00 2024-03-01T00:00",
		"week": "2024-02-26T00:00 2024-03-04T00:00", "day": "2024-02-29T00:00 2024-03-01T00:00",
		"hour": "2024-02-29T12:00 2024-02-29T13:00", "minute": "2024-02-29T12:34 2024-02-29T12:35",
	} {
		start, next := Truncate(part, at)
		if got := start.Format("2006-01-02T15:04 ") + next.Format("2006-01-02T15:04"); got != want {
			t.Errorf("%s is %s, want %s", part, got, want)
		}
	}
}
