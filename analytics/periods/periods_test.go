package periods

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
)

// The planner's tests hold periods to rows in the engine. These state which
// conditions are understood.

func dayOf(s string) int64 {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t.Unix() / 86_400
}

// calendar has the months from January to March of 2024.
func calendar(kind plan.Kind) Calendar {
	return Of(&contract.Contract{
		Columns:   []contract.Column{{Name: "seen", Type: plan.Of(kind), Role: contract.RoleDimension}},
		BudgetPer: &contract.BudgetPer{Column: "seen", Every: "month", From: dayOf("2024-01-01"), To: dayOf("2024-04-01")},
	})
}

func seen(kind plan.Kind) plan.Expr { return &plan.Column{Name: "seen", Type: plan.Of(kind)} }

func date(s string) plan.Expr {
	return &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindDate), dayOf(s))}
}

func call(fn string, args ...plan.Expr) plan.Expr { return &plan.Call{Func: fn, Args: args} }

// TestTouched: a filter touches the periods whose rows it can let through; one
// that is not understood touches all.
func TestTouched(t *testing.T) {
	c, x, age := calendar(plan.KindDate), seen(plan.KindDate), &plan.Column{Name: "age", Type: plan.Of(plan.KindInteger)}
	const all = "2024-01-01 2024-02-01 2024-03-01 other"
	february := call("and", call(">=", x, date("2024-02-01")), call("<", x, date("2024-03-01")))
	for _, tt := range []struct {
		filter plan.Expr
		want   string
	}{
		{nil, all},
		{call(">", age, &plan.Literal{Value: plan.IntValue(age.Type, 3)}), all},
		{call("=", x, age), all},
		{february, "2024-02-01"},
		{call("=", x, date("2024-03-31")), "2024-03-01"},
		{call("<=", x, date("2024-02-01")), "2024-01-01 2024-02-01 other"}, // and before the calendar
		{call("<", x, date("2024-02-01")), "2024-01-01 other"},
		{call(">", x, date("2024-02-29")), "2024-03-01 other"}, // and after it
		{call("<>", x, date("2024-02-01")), all},
		{call("is null", x), "other"},
		{call("is not null", x), all},
		{call("or", february, call("is null", x)), "2024-02-01 other"},
		{call("and", february, call("is null", x)), ""},
		{call("not", call("or", call("<", x, date("2024-02-01")), call(">=", x, date("2024-03-01")))), "2024-02-01"},
		{&plan.In{Arg: x, List: []plan.Expr{date("2024-01-31"), date("2024-03-01")}}, "2024-01-01 2024-03-01"},
		{call("=", call("date_trunc", &plan.Literal{Value: plan.StringValue("month")}, x), date("2024-02-01")), "2024-02-01"},
		{call("=", call("date_trunc", &plan.Literal{Value: plan.StringValue("month")}, x), date("2024-02-02")), ""},
		{call("=", call("year", x), &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindBigint), 2025)}), "other"},
		{call("=", call("month", x), &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindBigint), 2)}), all},
		{&plan.Literal{Value: plan.BoolValue(false)}, ""},
	} {
		if got := strings.Join(c.Touched(tt.filter), " "); got != tt.want {
			t.Errorf("%s touches %q, want %q", plan.Print(tt.filter), got, tt.want)
		}
	}
}

// TestOnly: the condition of some periods touches these and no other, whatever
// the type of the column.
func TestOnly(t *testing.T) {
	for _, kind := range []plan.Kind{plan.KindDate, plan.KindTimestamp} {
		c := calendar(kind)
		for _, names := range []string{"2024-01-01", "2024-02-01 2024-03-01", "2024-01-01 2024-03-01", "2024-01-01 2024-03-01 other", "other", ""} {
			only := c.Only(strings.Fields(names))
			if got := strings.Join(c.Touched(only), " "); got != names {
				t.Errorf("of %q passes %q: %s", names, got, plan.Print(only))
			}
		}
		if only := c.Only(c.Touched(nil)); only != nil {
			t.Errorf("of all periods: %s", plan.Print(only))
		}
	}
}

// TestDatesAreSets: unions and intersections of dates are those of their rows.
func TestDatesAreSets(t *testing.T) {
	a := dates{days: []span{{0, 10}, {20, 30}}, null: true}
	b := dates{days: []span{{5, 20}, {40, 50}}}
	for day := int64(-1); day <= 51; day++ {
		at := span{day, day + 1}
		if got, want := a.with(b).meets(at), a.meets(at) || b.meets(at); got != want {
			t.Errorf("day %d is in the union: %t", day, got)
		}
		if got, want := a.within(b).meets(at), a.meets(at) && b.meets(at); got != want {
			t.Errorf("day %d is in the intersection: %t", day, got)
		}
	}
	if !a.with(b).null || a.within(b).null {
		t.Error("rows without a date")
	}
	if every := everyDate(); !every.meets(span{math.MinInt32, math.MinInt32 + 1}) || !every.meets(span{math.MaxInt32, math.MaxInt32 + 1}) {
		t.Error("a date that an engine holds is in no set")
	}
	if canon.IsTruth(calendar(plan.KindDate).Only(nil), true) {
		t.Error("rows of no period pass")
	}
}
