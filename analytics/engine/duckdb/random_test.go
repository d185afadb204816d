package duckdb

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// pair is an expression of a plan and the same in SQL.
type pair struct {
	expr plan.Expr
	sql  string
}

// pools are the values of the random tables, as SQL: ordinary ones, NULL, and
// those at which a careless engine fails.
var pools = map[string][]string{
	"a":  {"1", "2", "3", "5", "NULL", "-128", "127", "0"},
	"b":  {"7", "-7", "10", "11", "NULL", "9223372036854775807", "-9223372036854775808", "0"},
	"d":  {"0.10", "0.13", "-0.12", "9999999.99", "-9999999.99", "NULL", "2.50", "0.125"},
	"f":  {"0.25", "-0.75", "1e308", "-1e308", "'nan'", "'inf'", "'-inf'", "NULL", "0.0", "-0.0", "12.5", "5e-324"},
	"s":  {"'x'", "'y'", "'z'", "''", "NULL", "'12'", "'1e999'", "'exactlytwelv'"},
	"t":  {"'a text that is longer than twelve'", "'another text, longer than twelve'", "'short'", "NULL", "'''quoted'", "'%_'"},
	"dt": {"'2024-02-29'", "'1970-01-01'", "NULL", "'5881580-07-09'", "'infinity'", "'-infinity'", "'5877642-06-25 (BC)'", "'9999-12-31'"},
	"ts": {"'2024-02-29 13:14:15.5'", "NULL", "'infinity'", "'-infinity'", "'294246-12-31 23:59:59'", "'290308-01-01 (BC)'", "'0001-01-01 00:00:00'"},
	"g":  {"true", "false", "NULL"},
}

var columnTypes = []struct{ name, sql string }{
	{"a", "TINYINT"}, {"b", "BIGINT"}, {"d", "DECIMAL(9,2)"}, {"f", "DOUBLE"}, {"s", "VARCHAR"},
	{"t", "VARCHAR"}, {"dt", "DATE"}, {"ts", "TIMESTAMP"}, {"g", "BOOLEAN"},
}

var tenantNames = []string{"alpha", "beta", "gamma"}

// table is one random data set, as a table of the writer and as two sets of
// segments that differ in the order of rows within a unit and of segments.
type table struct {
	name     string
	segments [2][]engine.Segment
}

func randomTable(w *writer, dir string, seed uint64) table {
	r := rand.New(rand.NewPCG(seed, 1))
	codes := randomCodes(seed)
	units := []uint64{0, 1, 2, 1 << 40, 1<<63 + 5, 1<<64 - 1}[:1+r.IntN(6)]
	name := fmt.Sprintf("rows%d", seed)
	columns, values := "", ""
	for _, c := range columnTypes {
		columns += ", " + c.name + " " + c.sql
	}
	for range r.IntN(160) {
		tenant := r.IntN(len(tenantNames))
		row := fmt.Sprintf("('%s', %d, %d", tenantNames[tenant], r.IntN(1+tenant), units[r.IntN(len(units))])
		for _, c := range columnTypes {
			pool := pools[c.name]
			row += ", CAST(" + pool[r.IntN(len(pool))] + " AS " + c.sql + ")"
		}
		values += row + "), "
	}
	w.exec("CREATE TABLE " + name + " (tenant VARCHAR, seg INTEGER, _unit UBIGINT" + columns + ")")
	if values != "" {
		w.exec("INSERT INTO " + name + " VALUES " + values[:len(values)-2])
	}
	t := table{name: name}
	for shuffle := range t.segments {
		for i, tenant := range tenantNames {
			for seg := range 1 + i {
				columns, of := codes(tenant, seg)
				path := w.segment(dir, fmt.Sprintf("%s-%d-%s-%d", name, shuffle, tenant, seg), fmt.Sprintf(
					"SELECT * EXCLUDE (tenant, seg)%s FROM %s WHERE tenant = '%s' AND seg = %d ORDER BY _unit, random()", columns, name, tenant, seg))
				t.segments[shuffle] = append(t.segments[shuffle], engine.Segment{Tenant: tenant, Path: path, Codes: of})
			}
		}
	}
	r.Shuffle(len(t.segments[1]), func(i, j int) {
		t.segments[1][i], t.segments[1][j] = t.segments[1][j], t.segments[1][i]
	})
	return t
}

// decimalType is the type of column d.
var decimalType = plan.Type{Kind: plan.KindDecimal, Precision: 9, Scale: 2}

// randomNumber draws a double expression.
func randomNumber(t *rapid.T, depth int) pair {
	cast := func(e plan.Expr) plan.Expr { return &plan.Cast{Arg: e, To: plan.Of(plan.KindDouble)} }
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
		return rapid.SampledFrom([]pair{
			{column("f", plan.KindDouble), "f"},
			{cast(column("a", plan.KindTinyint)), "a::DOUBLE"},
			{cast(column("b", plan.KindBigint)), "b::DOUBLE"},
			{cast(&plan.Column{Name: "d", Type: decimalType}), "d::DOUBLE"},
			{cast(column("s", plan.KindVarchar)), "TRY_CAST(s AS DOUBLE)"},
			{lit(plan.FloatValue(0)), "0::DOUBLE"},
			{lit(plan.FloatValue(-2.5)), "-2.5::DOUBLE"},
			{cast(call("length", column("t", plan.KindVarchar))), "len(t)::DOUBLE"},
			{cast(call("%", column("b", plan.KindBigint), lit(plan.IntValue(plan.Of(plan.KindBigint), 5)))), "(b::HUGEINT - 5 * (b::HUGEINT // 5))::DOUBLE"},
			{cast(call("year", column("dt", plan.KindDate))), "CASE WHEN isfinite(dt) AND year(dt) BETWEEN 1 AND 9999 THEN year(dt) END::DOUBLE"},
			{cast(call("month", call("date_trunc", lit(plan.StringValue("quarter")), column("ts", plan.KindTimestamp)))),
				"CASE WHEN isfinite(ts) AND year(ts) BETWEEN 1 AND 9999 THEN 3 * quarter(ts) - 2 END::DOUBLE"},
		}).Draw(t, "number")
	}
	x, y := randomNumber(t, depth-1), randomNumber(t, depth-1)
	return rapid.SampledFrom([]pair{
		{call("+", x.expr, y.expr), "(" + x.sql + " + " + y.sql + ")"},
		{call("-", x.expr, y.expr), "(" + x.sql + " - " + y.sql + ")"},
		{call("*", x.expr, y.expr), "(" + x.sql + " * " + y.sql + ")"},
		{call("/", x.expr, y.expr), "(" + x.sql + " / nullif(" + y.sql + ", 0))"},
		{call("-", x.expr), "(-1 * " + x.sql + ")"},
		{call("abs", x.expr), "greatest(" + x.sql + ", -(" + x.sql + "))"},
		{call("floor", x.expr), "floor(" + x.sql + ")"},
		{call("sqrt", x.expr), "TRY(sqrt(" + x.sql + "))"},
		{call("ln", x.expr), "TRY(ln(" + x.sql + "))"},
		{call("log10", x.expr), "TRY(log10(" + x.sql + "))"},
		{call("exp", x.expr), "exp(" + x.sql + ")"},
		{call("power", x.expr, y.expr), "if(" + x.sql + " < 0 AND " + y.sql + " <> round(" + y.sql + "), NULL, pow(" + x.sql + ", " + y.sql + "))"},
		{call("nullif", x.expr, y.expr), "nullif(" + x.sql + ", " + y.sql + ")"},
		{call("coalesce", x.expr, y.expr), "ifnull(" + x.sql + ", " + y.sql + ")"},
		{&plan.Case{Whens: []plan.When{{If: call("<", x.expr, y.expr), Then: x.expr}}}, "if(" + x.sql + " < " + y.sql + ", " + x.sql + ", NULL)"},
	}).Draw(t, "arithmetic")
}

// randomTest draws a condition.
func randomTest(t *rapid.T, depth int) pair {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
		x, y := randomNumber(t, 1), randomNumber(t, 1)
		s, text := column("s", plan.KindVarchar), column("t", plan.KindVarchar)
		return rapid.SampledFrom([]pair{
			{call("<", x.expr, y.expr), x.sql + " < " + y.sql},
			{call("=", x.expr, y.expr), x.sql + " = " + y.sql},
			{call("is null", x.expr), "(" + x.sql + ") IS NULL"},
			{call("is not null", s), "s IS NOT NULL"},
			{call("like", text, lit(plan.StringValue("%long_r%"))), "contains(t, 'longer')"},
			{call("like", text, lit(plan.StringValue("''quoted"))), "(t IS NULL AND NULL)"},
			{call("starts_with", call("upper", text), lit(plan.StringValue("A"))), "left(t, 1) = 'a'"},
			{&plan.In{Arg: s, List: []plan.Expr{lit(plan.StringValue("x")), lit(plan.StringValue("12"))}}, "(s = 'x' OR s = '12')"},
			{&plan.In{Arg: column("a", plan.KindTinyint), List: tinyints(40), Not: true}, "NOT (a BETWEEN 0 AND 39)"},
			{call("=", column(plan.TenantColumn, plan.KindVarchar), lit(plan.StringValue("beta"))), "tenant = 'beta'"},
			{call(">=", column("dt", plan.KindDate), lit(plan.IntValue(plan.Of(plan.KindDate), 19782))), "dt >= '2024-02-29'"},
			{call("<", column("ts", plan.KindTimestamp), lit(plan.IntValue(plan.Of(plan.KindTimestamp), 0))), "ts < '1970-01-01'"},
			{column("g", plan.KindBoolean), "g"},
			{call("=", call("substring", text, lit(plan.IntValue(plan.Of(plan.KindBigint), 2)), lit(plan.IntValue(plan.Of(plan.KindBigint), plan.MaxIndex))), lit(plan.StringValue("hort"))), "t = 'short'"},
		}).Draw(t, "test")
	}
	x, y := randomTest(t, depth-1), randomTest(t, depth-1)
	return rapid.SampledFrom([]pair{
		{call("and", x.expr, y.expr), "((" + x.sql + ") AND (" + y.sql + "))"},
		{call("or", x.expr, y.expr), "((" + x.sql + ") OR (" + y.sql + "))"},
		{call("not", x.expr), "(NOT (" + x.sql + "))"},
	}).Draw(t, "logic")
}

// tinyints are the literals 0 to n−1: a list long enough for DuckDB to prefer a
// join.
func tinyints(n int) []plan.Expr {
	var out []plan.Expr
	for i := range n {
		out = append(out, lit(plan.IntValue(plan.Of(plan.KindTinyint), int64(i))))
	}
	return out
}

func randomDraw(t *rapid.T) refDraw {
	d := refDraw{draw: plan.Draw{Kind: plan.DrawRows}, mask: "true", value: "0::BIGINT"}
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
	case 1:
		d.draw.Kind = plan.DrawUnits
	case 2:
		d = rapid.SampledFrom(distinctPool(randomNumber(t, 2))).Draw(t, "value")
	default:
		d = rapid.SampledFrom(drawPool(randomNumber(t, 2))).Draw(t, "sum")
		d = quantised(d, rapid.SampledFrom([]plan.DrawKind{plan.DrawSum, plan.DrawSum, plan.DrawSquares, plan.DrawTree}).Draw(t, "quantised"))
	}
	if rapid.Bool().Draw(t, "masked") {
		m := randomTest(t, 1)
		d.draw.Mask, d.mask = m.expr, m.sql
	}
	return d
}

func randomQuery(t *rapid.T) refQuery {
	q := refQuery{filter: "true", plan: plan.Bound{
		Dataset: "d", Version: 1, Tenants: tenantNames,
		Scope: rapid.SampledFrom([]plan.Scope{plan.ScopePerson, plan.ScopeTenant}).Draw(t, "scope"),
		Limits: privacy.Bounds{
			MaxPartitions:       rapid.Int64Range(1, 4).Draw(t, "L0"),
			MaxRowsPerPartition: rapid.Int64Range(1, 5).Draw(t, "c"),
			MaxL2:               rapid.Int64Range(0, 9).Draw(t, "C"),
		},
	}}
	if rapid.Bool().Draw(t, "filtered") {
		f := randomTest(t, 2)
		q.plan.Filter, q.filter = f.expr, f.sql
	}
	used := map[string]bool{}
	for range rapid.IntRange(0, 3).Draw(t, "keys") {
		k := rapid.SampledFrom(keyPool()).Draw(t, "key")
		if !used[k.key.Column] {
			used[k.key.Column] = true
			q.keys, q.plan.Keys = append(q.keys, k), append(q.plan.Keys, k.key)
		}
	}
	for range rapid.IntRange(1, 4).Draw(t, "draws") {
		d := randomDraw(t)
		q.draws, q.plan.Draws = append(q.draws, d), append(q.plan.Draws, d.draw)
		if d.draw.Value != nil && rapid.Bool().Draw(t, "counted") { // as AVG does
			n := plan.Draw{Kind: plan.DrawRows, Mask: call("is not null", d.draw.Value)}
			mask := "(" + d.value + ") IS NOT NULL"
			if d.draw.Mask != nil {
				n.Mask, mask = call("and", d.draw.Mask, n.Mask), "("+d.mask+") AND "+mask
			}
			q.draws, q.plan.Draws = append(q.draws, refDraw{n, mask, "0::BIGINT"}), append(q.plan.Draws, n)
		}
	}
	return q
}

func randomTables(t testing.TB, n int) (*writer, []table) {
	w, dir := newWriter(t), t.TempDir()
	var tables []table
	for seed := range n {
		tables = append(tables, randomTable(w, dir, uint64(seed)))
	}
	return w, tables
}
