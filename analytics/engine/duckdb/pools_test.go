package duckdb

import (
	"fmt"

	"github.com/noised/noised/analytics/plan"
)

// keyPool are the keys that a random query may group by. Texts of keys follow
// plan.Value.Canonical, in SQL.
func keyPool() []refKey {
	ints := func(kind plan.Kind, values ...int64) (out []plan.Value) {
		for _, v := range values {
			out = append(out, plan.IntValue(plan.Of(kind), v))
		}
		return out
	}
	text := func(c, value string) string { return fmt.Sprintf(`('"%s"=' || coalesce(%s, 'null') || ',')`, c, value) }
	quoted := func(c string) string { return text(c, `'"' || `+c+` || '"'`) }
	return append(expressionKeys(ints, text), []refKey{
		{plan.Key{Column: "s", Type: plan.Of(plan.KindVarchar), Domain: texts("z", "x", "", "absent", "exactlytwelv")}, quoted("s"), "s IN ('z', 'x', '', 'exactlytwelv')"},
		{plan.Key{Column: "s", Type: plan.Of(plan.KindVarchar)}, quoted("s"), "true"},
		{plan.Key{Column: "t", Type: plan.Of(plan.KindVarchar)}, quoted("t"), "true"},
		{plan.Key{Column: "t", Type: plan.Of(plan.KindVarchar), Domain: texts("short", "another text, longer than twelve")}, quoted("t"), "t IN ('short', 'another text, longer than twelve')"},
		{plan.Key{Column: "a", Type: plan.Of(plan.KindTinyint), Domain: ints(plan.KindTinyint, 3, 1, 2)}, text("a", "'ti' || a"), "a IN (1, 2, 3)"},
		{plan.Key{Column: "b", Type: plan.Of(plan.KindBigint)}, text("b", "'bi' || b"), "true"},
		{plan.Key{Column: "b", Type: plan.Of(plan.KindBigint), Domain: ints(plan.KindBigint, -9223372036854775808, 7, 9223372036854775807)}, text("b", "'bi' || b"), "b IN (7, -9223372036854775808, 9223372036854775807)"},
		{plan.Key{Column: "g", Type: plan.Of(plan.KindBoolean), Domain: ints(plan.KindBoolean, 1)}, text("g", "'bo' || g"), "g"},
		{plan.Key{Column: "g", Type: plan.Of(plan.KindBoolean)}, text("g", "'bo' || g"), "true"},
		{plan.Key{Column: "dt", Type: plan.Of(plan.KindDate), Domain: ints(plan.KindDate, 0, 19782)}, text("dt", "'da' || dt"), "dt IN ('1970-01-01', '2024-02-29')"},
		{plan.Key{Column: plan.TenantColumn, Type: plan.Of(plan.KindVarchar), Domain: texts(tenantNames...)}, quoted("tenant"), "true"},
	}...)
}

// expressionKeys are keys that a query computes, some with a declared NULL.
func expressionKeys(ints func(plan.Kind, ...int64) []plan.Value, text func(c, value string) string) []refKey {
	key := func(name string, kind plan.Kind, e plan.Expr, domain ...plan.Value) plan.Key {
		return plan.Key{Column: name, Type: plan.Of(kind), Expr: e, Domain: domain}
	}
	null := func(kind plan.Kind, values []plan.Value) []plan.Value {
		return append(values, plan.Null(plan.Of(kind)))
	}
	b, f, s, ts := column("b", plan.KindBigint), column("f", plan.KindDouble), column("s", plan.KindVarchar), column("ts", plan.KindTimestamp)
	zero, five := lit(plan.FloatValue(0)), lit(plan.IntValue(plan.Of(plan.KindBigint), 5))
	rest := "(b::HUGEINT - 5 * (b::HUGEINT // 5))"
	bucket := "(CASE WHEN f < -1 THEN 0 WHEN f >= 13 THEN 5 WHEN f IS NOT NULL THEN 1 + floor((f + 1) / 3.5)::BIGINT END)"
	sign := &plan.Case{Whens: []plan.When{{If: call("<", f, zero), Then: lit(plan.StringValue("negative"))}, {If: call(">=", f, zero), Then: lit(plan.StringValue("a text beyond twelve"))}}}
	signSQL := "(CASE WHEN f < 0 THEN 'negative' WHEN f >= 0 THEN 'a text beyond twelve' END)"
	month := "(CASE WHEN isfinite(ts) AND year(ts) BETWEEN 1 AND 9999 THEN 'ti' || lpad(year(ts)::VARCHAR, 4, '0') || '-' || lpad(month(ts)::VARCHAR, 2, '0') || '-01 00:00:00' END)"
	return []refKey{
		{key("rest", plan.KindBigint, call("%", b, five)), text("rest", "'bi' || "+rest), "true"},
		{key("rest", plan.KindBigint, call("%", b, five), null(plan.KindBigint, ints(plan.KindBigint, 0, 2, -2))...),
			text("rest", "'bi' || "+rest), "(b IS NULL OR " + rest + " IN (0, 2, -2))"},
		{key("bucket", plan.KindBigint, call("width_bucket", f, lit(plan.FloatValue(-1)), lit(plan.FloatValue(13)), lit(plan.IntValue(plan.Of(plan.KindBigint), 4))),
			ints(plan.KindBigint, 0, 1, 2, 3, 4, 5)...), text("bucket", "'bi' || "+bucket), "f IS NOT NULL"},
		{key("small", plan.KindBoolean, call("<", f, zero), null(plan.KindBoolean, ints(plan.KindBoolean, 0, 1))...), text("small", "'bo' || (f < 0)"), "true"},
		{key("sign", plan.KindVarchar, sign, null(plan.KindVarchar, texts("negative", "a text beyond twelve"))...),
			text("sign", `'"' || `+signSQL+` || '"'`), "true"},
		{key("sign", plan.KindVarchar, sign, texts("a text beyond twelve")...), text("sign", `'"' || `+signSQL+` || '"'`), signSQL + " = 'a text beyond twelve'"},
		{key("upper", plan.KindVarchar, call("upper", s)), text("upper", `'"' || upper(s) || '"'`), "true"},
		{key("month", plan.KindTimestamp, call("date_trunc", lit(plan.StringValue("month")), ts)), text("month", month), "true"},
		{key("year", plan.KindBigint, call("year", column("dt", plan.KindDate)), null(plan.KindBigint, ints(plan.KindBigint, 2024, 9999))...),
			text("year", "'bi' || if(isfinite(dt) AND year(dt) BETWEEN 1 AND 9999, year(dt), NULL)"),
			"(dt IS NULL OR NOT isfinite(dt) OR year(dt) IN (2024, 9999) OR year(dt) NOT BETWEEN 1 AND 9999)"},
		{key(plan.TenantColumn, plan.KindVarchar, column(plan.TenantColumn, plan.KindVarchar), texts("beta", "gamma")...),
			text("tenant", `'"' || tenant || '"'`), "tenant <> 'alpha'"},
	}
}

// distinctPool are the values whose different ones a random query may count, as
// what the writer returns for them: infinite dates are the ends of their type.
func distinctPool(number pair) []refDraw {
	distinct := func(e plan.Expr, sql string) refDraw {
		return refDraw{plan.Draw{Kind: plan.DrawDistinct, Value: e}, "true", sql}
	}
	ends := func(c, finite string, most int64) string {
		return fmt.Sprintf("(CASE WHEN %s IS NULL THEN NULL WHEN %s = 'infinity' THEN %d WHEN %s = '-infinity' THEN %d ELSE %s END)::BIGINT", c, c, most, c, -most, finite)
	}
	t := column("t", plan.KindVarchar)
	return []refDraw{
		distinct(column("a", plan.KindTinyint), "a::BIGINT"),
		distinct(column("b", plan.KindBigint), "b"),
		distinct(&plan.Column{Name: "d", Type: decimalType}, "(d * 100)::BIGINT"),
		distinct(column("f", plan.KindDouble), "f"),
		distinct(column("s", plan.KindVarchar), "s"),
		distinct(t, "t"),
		distinct(call("concat", t, lit(plan.StringValue("e\u0301"))), "concat(t, 'é')"),
		distinct(column("dt", plan.KindDate), ends("dt", "dt - DATE '1970-01-01'", 1<<31-1)),
		distinct(column("ts", plan.KindTimestamp), ends("ts", "epoch_us(ts)", 1<<63-1)),
		distinct(column("g", plan.KindBoolean), "g"),
		distinct(number.expr, number.sql),
	}
}

// quantised makes a draw of another kind out of a sum: squares or a tree over
// the same steps, where those are narrow enough.
func quantised(d refDraw, kind plan.DrawKind) refDraw {
	q := d.draw.Quantum
	if kind == plan.DrawSum || q.Hi-q.Lo > plan.MaxSteps {
		return d
	}
	steps := "(" + d.value + ")::HUGEINT"
	if d.draw.Kind = kind; kind == plan.DrawSquares {
		d.draw.Square = plan.SquareOf(q)
		d.value = fmt.Sprintf("(((%s) * (%s)) // %d - %d)::BIGINT", steps, steps, int64(1)<<d.draw.Square.Shift, d.draw.Square.Centre)
		return d
	}
	d.draw.Tree = plan.TreeOf(q)
	d.value = fmt.Sprintf("((%s + %d) // %d)::BIGINT", steps, q.Centre-q.Lo, d.draw.Tree.StepsPerLeaf)
	return d
}

// drawPool are the values that a random query may sum, with their quanta.
func drawPool(n pair) []refDraw {
	clamp := func(x string, lo, hi, centre int) string {
		return fmt.Sprintf("CASE WHEN (%s) IS NULL THEN NULL ELSE least(greatest(%s, %d), %d) - %d END", x, x, lo, hi, centre)
	}
	real := func(x string, lo, hi int) string {
		return fmt.Sprintf("CASE WHEN isnan(%s) THEN %d ELSE (%s)::BIGINT END", x, lo, clamp("round_even(("+x+") * 10::DOUBLE / 5::DOUBLE, 0)", lo, hi, 0))
	}
	sum := func(e plan.Expr, m int64, scale int, lo, hi, centre int64, sql string) refDraw {
		return refDraw{plan.Draw{Kind: plan.DrawSum, Value: e, Quantum: plan.Quantum{Mantissa: m, Scale: scale, Lo: lo, Hi: hi, Centre: centre}}, "true", "(" + sql + ")::BIGINT"}
	}
	half := func(x string, num, den int) string { // x·num/den, half away from zero
		return fmt.Sprintf("(sign(%s) * ((2 * %d * abs(%s) + %d) // %d))::HUGEINT", x, num, x, den, 2*den)
	}
	d, a, b, f := &plan.Column{Name: "d", Type: decimalType}, column("a", plan.KindTinyint), column("b", plan.KindBigint), column("f", plan.KindDouble)
	return []refDraw{
		sum(a, 1, 0, 1, 5, 3, clamp("a::BIGINT", 1, 5, 3)),
		sum(a, 2, 0, -10, 10, 0, clamp(half("a::HUGEINT", 1, 2), -10, 10, 0)),
		sum(a, 1, 1, -500, 500, 0, clamp("a::BIGINT * 10", -500, 500, 0)),
		sum(b, 1, 0, -100, 100, 0, clamp("b", -100, 100, 0)),
		sum(b, 3, 0, -100, 100, 0, clamp(half("b::HUGEINT", 1, 3), -100, 100, 0)),
		sum(d, 1, 2, -1000, 1000, 5, clamp("(d * 100)::BIGINT", -1000, 1000, 5)),
		sum(d, 25, 2, -10, 10, 0, clamp(half("(d * 100)::HUGEINT", 1, 25), -10, 10, 0)),
		sum(d, 1, 4, -1<<24, 1<<24, 0, clamp("(d * 100)::BIGINT * 100", -1<<24, 1<<24, 0)),
		sum(d, 1, 1, -40, 40, 0, clamp(half("(d * 100)::HUGEINT", 1, 10), -40, 40, 0)),
		sum(f, 5, 1, -20, 30, 0, real("f", -20, 30)),
		sum(n.expr, 5, 1, -20, 30, 0, real(n.sql, -20, 30)),
	}
}
