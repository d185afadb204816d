package sqlgen

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func column(name string, k plan.Kind) *plan.Column { return &plan.Column{Name: name, Type: plan.Of(k)} }

func call(f string, args ...plan.Expr) plan.Expr { return &plan.Call{Func: f, Args: args} }

func lit(v plan.Value) plan.Expr { return &plan.Literal{Value: v} }

var (
	rating = column("rating", plan.KindTinyint)
	price  = &plan.Column{Name: "price", Type: plan.Type{Kind: plan.KindDecimal, Precision: 9, Scale: 2}}
	weight = column("weight", plan.KindDouble)
	name   = column("name", plan.KindVarchar)
)

var relation = Relation{Catalog: "s3", Tenant: "o'brien"}

func TestStatements(t *testing.T) {
	stars := plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}
	tests := []struct {
		name string
		plan plan.Bound
		want Statement
	}{
		{
			"a plain count reads units only",
			plan.Bound{Draws: []plan.Draw{{Kind: plan.DrawRows}}},
			Statement{`SELECT "_unit" FROM "s3".main."rows"`, Layout{Draws: []DrawColumns{{None, None, None}}}},
		},
		{
			"the tenant is no column, and a literal of the segment in expressions",
			plan.Bound{
				Keys:   []plan.Key{{Column: plan.TenantColumn}, {Column: "name"}},
				Filter: call("=", column(plan.TenantColumn, plan.KindVarchar), lit(plan.StringValue("it's"))),
			},
			Statement{`SELECT "_unit", "name" FROM "s3".main."rows" WHERE ('o''brien' = 'it''s')`,
				Layout{Keys: []int{None, 1}, Draws: []DrawColumns{}}},
		},
		{
			"a key whose codes are stored is read by them, and as a text where it is filtered by",
			plan.Bound{
				Keys:   []plan.Key{{Column: "name", Type: plan.Of(plan.KindVarchar), Coded: true}, {Column: "other"}},
				Filter: call("=", name, lit(plan.StringValue("x"))),
			},
			Statement{`SELECT "_unit", "_code:name", "other" FROM "s3".main."rows" WHERE ("name" = 'x')`,
				Layout{Keys: []int{1, 2}, Draws: []DrawColumns{}}},
		},
		{
			"an average is one column: the count takes its presence",
			plan.Bound{Draws: []plan.Draw{
				{Kind: plan.DrawRows, Mask: call("is not null", rating)},
				{Kind: plan.DrawSum, Value: rating, Quantum: stars, Mask: call("is not null", rating)},
			}},
			Statement{`SELECT "_unit", "rating" FROM "s3".main."rows"`,
				Layout{Draws: []DrawColumns{{None, 1, None}, {None, None, 1}}}},
		},
		{
			"masks are shared between draws",
			plan.Bound{Draws: []plan.Draw{
				{Kind: plan.DrawRows, Mask: call("and", call("is not null", rating), call("<", weight, lit(plan.FloatValue(1e300))))},
				{Kind: plan.DrawSum, Value: rating, Quantum: stars, Mask: call("<", weight, lit(plan.FloatValue(1e300)))},
			}},
			Statement{`SELECT "_unit", "rating", (("weight" < CAST('1e+300' AS DOUBLE))) FROM "s3".main."rows"`,
				Layout{Draws: []DrawColumns{{2, 1, None}, {2, None, 1}}}},
		},
		{
			"a decimal in its own steps is read as it is, in others in integers",
			plan.Bound{Draws: []plan.Draw{
				{Kind: plan.DrawSum, Value: price, Quantum: plan.Quantum{Mantissa: 1, Scale: 2, Lo: 0, Hi: 100}},
				{Kind: plan.DrawSum, Value: price, Quantum: plan.Quantum{Mantissa: 1, Scale: 3, Lo: 0, Hi: 100}},
			}},
			Statement{`SELECT "_unit", "price", CAST((CASE WHEN _t1 < 0 THEN 0 WHEN _t1 > 100 THEN 100 ELSE _t1 END) AS BIGINT) FROM ` +
				`(SELECT *, (_t0 * 10::BIGINT) AS _t1 FROM (SELECT *, CAST(("price" * CAST(100 AS DECIMAL(3,0))) AS BIGINT) AS _t0 FROM "s3".main."rows"))`,
				Layout{Draws: []DrawColumns{{None, None, 1}, {None, None, 2}}}},
		},
		{
			"a double is clamped before it is cast, and a filter stands below what it does not need",
			plan.Bound{
				Filter: call("is not null", name),
				Draws:  []plan.Draw{{Kind: plan.DrawSum, Value: weight, Quantum: plan.Quantum{Mantissa: 5, Scale: 1, Lo: -2, Hi: 9}}},
			},
			Statement{`SELECT "_unit", (CASE WHEN isnan(_t0) THEN -2::BIGINT WHEN _t0 <= -2 THEN -2::BIGINT WHEN _t0 >= 9 THEN 9::BIGINT ` +
				`ELSE TRY_CAST(_t0 AS BIGINT) END) FROM (SELECT *, (("weight" * CAST('1e1' AS DOUBLE)) / CAST(5 AS DOUBLE)) AS _t0 ` +
				`FROM "s3".main."rows" WHERE ("name" IS NOT NULL))`,
				Layout{Draws: []DrawColumns{{None, None, 1}}}},
		},
		{
			"a divisor is evaluated once, below the filter that needs it",
			plan.Bound{Filter: call(">", call("/", weight, call("+", weight, weight)), lit(plan.FloatValue(0)))},
			Statement{`SELECT "_unit" FROM (SELECT *, ("weight" + "weight") AS _t0 FROM "s3".main."rows") ` +
				`WHERE ((CASE WHEN _t0 = 0 THEN NULL ELSE "weight" / _t0 END) > CAST('0' AS DOUBLE))`, Layout{Draws: []DrawColumns{}}},
		},
		{
			"a value's sum, squares and tree share its column; different values are read as they are",
			plan.Bound{Draws: []plan.Draw{
				{Kind: plan.DrawSum, Value: rating, Quantum: stars},
				{Kind: plan.DrawSquares, Value: rating, Quantum: stars},
				{Kind: plan.DrawTree, Value: rating, Quantum: stars},
				{Kind: plan.DrawDistinct, Value: weight, Mask: call("is not null", weight)},
				{Kind: plan.DrawRows, Mask: call("is not null", weight)},
			}},
			Statement{`SELECT "_unit", "rating", "weight" FROM "s3".main."rows"`,
				Layout{Draws: []DrawColumns{{None, None, 1}, {None, None, 1}, {None, None, 1}, {None, None, 2}, {None, 2, None}}}},
		},
		{
			"an expression that is grouped by has exactly the key's type, and texts are in normal form",
			plan.Bound{
				Keys: []plan.Key{
					{Column: "x", Expr: call("//", column("n", plan.KindBigint), lit(plan.IntValue(plan.Of(plan.KindBigint), 10))), Type: plan.Of(plan.KindBigint)},
					{Column: "y", Expr: call("lower", name), Type: plan.Of(plan.KindVarchar)},
					{Column: "z", Expr: column(plan.TenantColumn, plan.KindVarchar), Type: plan.Of(plan.KindVarchar)},
					{Column: "name", Expr: name, Type: plan.Of(plan.KindVarchar)},
				},
				Draws: []plan.Draw{{Kind: plan.DrawDistinct, Value: call("upper", name)}},
			},
			Statement{`SELECT "_unit", TRY_CAST(("n" // CAST('10' AS BIGINT)) AS BIGINT), nfc_normalize(TRY_CAST(lower("name") AS VARCHAR)), "name", ` +
				`nfc_normalize(upper("name")) FROM "s3".main."rows"`,
				Layout{Keys: []int{1, 2, None, 3}, Draws: []DrawColumns{{None, None, 4}}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Generate(&tt.plan, relation)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("−want +got:\n%s", diff)
			}
		})
	}
}

// What the planner should never let through is refused before a row is read.
func TestRefusals(t *testing.T) {
	deep := plan.Draw{Kind: plan.DrawSum, Value: rating, Quantum: plan.Quantum{Mantissa: 1, Hi: plan.MaxStep + 1}}
	for name, p := range map[string]plan.Bound{
		"an unknown function":        {Filter: call("getenv", name)},
		"a wrong number of operands": {Filter: call("not")},
		"NUL in a text":              {Filter: call("=", name, lit(plan.StringValue("a\x00b")))},
		"NUL in a name":              {Keys: []plan.Key{{Column: "a\x00"}}},
		"an untyped literal":         {Filter: call("=", name, lit(plan.Value{}))},
		"an aggregate in a row":      {Filter: call("is null", &plan.AggRef{})},
		"an empty list":              {Filter: &plan.In{Arg: name}},
		"a CASE without arms":        {Filter: &plan.Case{}},
		"rounding to a column":       {Filter: call("is null", call("round", weight, rating))},
		"an unknown unit of time":    {Filter: call("is null", call("date_trunc", lit(plan.StringValue("') --")), column("d", plan.KindDate)))},
		"the year of a text":         {Filter: call("is null", call("year", name))},
		"a key without a type":       {Keys: []plan.Key{{Column: "x", Expr: call("lower", name)}}},
		"a bucket without bounds":    {Filter: call("is null", call("width_bucket", weight, weight, weight, lit(plan.IntValue(plan.Of(plan.KindBigint), 2))))},
		"a tree of texts":            {Draws: []plan.Draw{{Kind: plan.DrawTree, Value: name, Quantum: plan.Quantum{Mantissa: 1}}}},
		"a sum of texts":             {Draws: []plan.Draw{{Kind: plan.DrawSum, Value: name, Quantum: plan.Quantum{Mantissa: 1}}}},
		"a quantum out of range":     {Draws: []plan.Draw{deep}},
		"an unusable date":           {Filter: call("=", column("d", plan.KindDate), lit(plan.IntValue(plan.Of(plan.KindDate), 1<<40)))},
	} {
		if st, err := Generate(&p, relation); err == nil || privacy.CodeOf(err) != privacy.CodeInternal {
			t.Errorf("%s: got %v, %v; want an internal error", name, st, err)
		}
	}
}

// Calls that need an operand twice do not double the text at every level.
func TestTextGrowsLinearly(t *testing.T) {
	length := func(depth int) int {
		e := plan.Expr(weight)
		for i := range depth {
			e = call("/", weight, call("nullif", call("+", e, lit(plan.FloatValue(float64(i)))), weight))
		}
		st, err := Generate(&plan.Bound{Filter: call("is null", e)}, relation)
		if err != nil {
			t.Fatal(err)
		}
		return len(st.SQL)
	}
	if short, long := length(10), length(90); long > 12*short {
		t.Errorf("90 levels take %d bytes, 10 take %d", long, short)
	}
}

// Every function of the allow-list has a rendering.
func TestEveryFunctionIsRendered(t *testing.T) {
	operands := map[plan.Class]plan.Expr{
		plan.ClassAny: name, plan.ClassSame: weight, plan.ClassDouble: weight, plan.ClassText: name,
		plan.ClassBoolean: lit(plan.BoolValue(true)), plan.ClassBigint: column("n", plan.KindBigint),
		plan.ClassTime: column("d", plan.KindDate), plan.ClassPattern: lit(plan.StringValue("%")),
		plan.ClassPart: lit(plan.StringValue("month")), plan.ClassDigits: lit(plan.IntValue(plan.Of(plan.KindInteger), 2)),
		plan.ClassFinite: lit(plan.FloatValue(2)),
		plan.ClassIndex:  lit(plan.IntValue(plan.Of(plan.KindBigint), 2)), plan.ClassDivisor: lit(plan.IntValue(plan.Of(plan.KindBigint), 2)),
	}
	for _, f := range plan.RowFunctions {
		for n := len(f.Args) - f.Optional; n <= len(f.Args); n++ {
			var args []plan.Expr
			for _, class := range f.Args[:n] {
				args = append(args, operands[class])
			}
			if _, err := Generate(&plan.Bound{Filter: call("is null", call(f.Name, args...))}, relation); err != nil {
				t.Errorf("%s with %d operands: %v", f.Name, n, err)
			}
		}
	}
}

func ExampleGenerate() {
	st, err := Generate(&plan.Bound{
		Filter: call("like", name, lit(plan.StringValue("A%"))),
		Keys:   []plan.Key{{Column: "name"}},
		Draws:  []plan.Draw{{Kind: plan.DrawRows}},
	}, Relation{Catalog: "s0", Tenant: "acme"})
	fmt.Println(st.SQL, err)
	// Output: SELECT "_unit", "name" FROM "s0".main."rows" WHERE ("name" LIKE 'A%') <nil>
}
