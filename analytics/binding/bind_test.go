package binding

import (
	"math"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

var types = map[string]plan.Type{
	"paid": plan.Of(plan.KindBoolean), "grade": plan.Of(plan.KindInteger), "items": plan.Of(plan.KindSmallint), "weight": plan.Of(plan.KindDouble),
	"price": {Kind: plan.KindDecimal, Precision: 10, Scale: 2}, "city": plan.Of(plan.KindVarchar), "ordered": plan.Of(plan.KindDate), "shipped": plan.Of(plan.KindTimestamp),
}

// rows returns a binder over columns of every type.
func rows(view bool) *Binder {
	return &Binder{
		Place: "WHERE", View: view,
		Column: func(c *plan.Column) (plan.Expr, error) {
			t, ok := types[c.Name]
			if !ok {
				return nil, privacy.Errorf(privacy.CodeUnknownColumn, "no column %q", c.Name)
			}
			return &plan.Column{Name: c.Name, Type: t, Pos: c.Pos}, nil
		},
		Aggregate: func(*plan.Aggregate) (plan.Expr, error) { return &plan.AggRef{}, nil },
		TypeOf: func(e plan.Expr) plan.Type {
			if c, ok := e.(*plan.Column); ok {
				return c.Type
			}
			return plan.Of(plan.KindDouble)
		},
	}
}

func column(name string) plan.Expr { return &plan.Column{Name: name, Pos: 7} }

func text(s string) plan.Expr { return &plan.Literal{Value: plan.StringValue(s), Pos: 8} }

func number(f float64) plan.Expr { return &plan.Literal{Value: plan.FloatValue(f), Pos: 8} }

func whole(n int64) plan.Expr {
	return &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindBigint), n), Pos: 8}
}

func null() plan.Expr { return &plan.Literal{Value: plan.Null(plan.Type{}), Pos: 8} }

func call(fn string, args ...plan.Expr) plan.Expr { return &plan.Call{Func: fn, Args: args, Pos: 9} }

// TestBind: what is bound has explicit casts and one form; what is refused says
// where and what would be permitted.
func TestBind(t *testing.T) {
	for _, tt := range []struct {
		e    plan.Expr
		want string // its print, or what the refusal says
		at   int    // of the refusal
	}{
		{e: call("+", column("grade"), number(1)), want: `(+ (cast "grade" double) f3ff0000000000000)`},
		{e: call(">", column("grade"), number(1)), want: `(> "grade" in1)`},
		{e: call(">", column("grade"), number(1.5)), want: `(> (cast "grade" double) f3ff8000000000000)`},
		{e: call("=", column("grade"), column("items")), want: `(= (cast "grade" bigint) (cast "items" bigint))`},
		{e: call("<", column("ordered"), column("shipped")), want: `(> "shipped" (cast "ordered" timestamp))`},
		{e: call("=", text("2024-02-29"), column("ordered")), want: `(= "ordered" da2024-02-29)`},
		{e: call("coalesce", column("city"), null()), want: `(coalesce "city" null)`},
		{e: &plan.Cast{Arg: text("12"), To: plan.Of(plan.KindBigint)}, want: "bi12"},
		{e: call("date_trunc", text("MONTH"), column("shipped")), want: `(date_trunc va"month" "shipped")`},
		{e: call("width_bucket", column("price"), whole(0), whole(1), whole(10)), want: `(width_bucket (cast "price" double) f0000000000000000 f3ff0000000000000 bi10)`},

		{e: column("nothing"), want: "no column", at: 7},
		{e: call("random"), want: "the function random is not permitted", at: 9},
		{e: call("lowr", column("city")), want: "did you mean lower?", at: 9},
		{e: call("lower"), want: "with 0 arguments", at: 9},
		{e: call("lower", column("grade")), want: "it takes a text", at: 7},
		{e: call("=", column("city"), whole(1)), want: "write the value as a text", at: 8},
		{e: call("=", column("ordered"), text("2023-02-29")), want: "write DATE '2024-01-31'", at: 8},
		{e: call("=", null(), null()), want: "NULL alone", at: 8},
		{e: call("//", column("weight"), whole(2)), want: "floor(x / 10)", at: 7},
		{e: call("//", column("grade"), whole(0)), want: "from 1 to", at: 8},
		{e: call("//", column("grade"), column("items")), want: "not a constant", at: 7},
		{e: call("round", column("weight"), whole(plan.MaxDigits+1)), want: "to this many digits", at: 8},
		{e: call("like", column("city"), text("%_%_%")), want: "LIKE pattern", at: 8},
		{e: call("width_bucket", column("weight"), number(1), number(1), whole(10)), want: "do not ascend", at: 8},
		{e: call("width_bucket", column("weight"), number(math.Inf(-1)), number(1), whole(10)), want: "with this constant", at: 8},
		{e: call("width_bucket", column("weight"), number(0), number(1), whole(maxBuckets+1)), want: "at most 10000", at: 8},
		{e: &plan.In{Arg: column("grade"), List: []plan.Expr{null()}}, want: "anything but constants", at: 8},
		{e: &plan.Cast{Arg: column("paid"), To: plan.Of(plan.KindDate)}, want: "of type boolean to date", at: 0},
		{e: &plan.KeyRef{}, want: "is not permitted in WHERE", at: 0},
	} {
		got, err := rows(false).Bind(tt.e)
		if err == nil {
			if plan.Print(got) != tt.want {
				t.Errorf("%s is bound as %s, want %s", plan.Print(tt.e), plan.Print(got), tt.want)
			}
			continue
		}
		e := privacy.AsError(err)
		if said := e.Message + "; " + e.Suggestion; !strings.Contains(said, tt.want) || e.Position != tt.at {
			t.Errorf("%s is refused at %d with %q, want %q at %d", plan.Print(tt.e), e.Position, said, tt.want, tt.at)
		}
	}
}

// TestViewsMixNumbers: of noised values numbers compare without casts, and only
// functions that are computed after the noise are permitted.
func TestViewsMixNumbers(t *testing.T) {
	b := rows(true)
	sum := &plan.Aggregate{Func: "sum"}
	e, err := b.Bind(call("+", sum, whole(1)))
	if err != nil || plan.Print(e) != "(+ agg#0 bi1)" || b.Kind(e) != plan.Of(plan.KindDouble) {
		t.Errorf("%s of type %s, %v", plan.Print(e), b.Kind(e), err)
	}
	_, err = b.Bind(call("lower", column("city")))
	if e := privacy.AsError(err); !strings.Contains(e.Message, "which is computed on noised values") {
		t.Errorf("%v", err)
	}
}

// TestConditionsAreBoolean: NULL is one, a number is not.
func TestConditionsAreBoolean(t *testing.T) {
	if e, err := rows(false).Condition(null()); err != nil || RowType(e) != plan.Of(plan.KindBoolean) {
		t.Errorf("NULL: %v", err)
	}
	if _, err := rows(false).Condition(column("grade")); privacy.AsError(err).Position != 7 {
		t.Errorf("a number: %v", err)
	}
}
