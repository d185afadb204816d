package duckdb

import (
	"strings"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// What values can be is known where it follows from the extremes of columns, up
// to the last bit, and otherwise not.
func TestWithin(t *testing.T) {
	w := newWriter(t)
	path := w.segment(t.TempDir(), "a", `SELECT 1::UBIGINT AS _unit, n::INTEGER AS n, p::DECIMAL(9,2) AS p, p::DOUBLE AS f, NULL::INTEGER AS none, b::BIGINT AS b
		FROM (VALUES (-2, 0.10, -9223372036854775808), (7, 3.45, 9223372036854775807), (NULL, NULL, NULL)) v(n, p, b)`)
	e := newEngine(t, Options{})
	open, err := e.instances.Acquire(attached.Aggregating, []string{path})
	if err != nil {
		t.Fatal(err)
	}
	defer e.instances.Release(open)
	p := &plan.Bound{Tenants: []string{"a"}}
	a, err := newAggregation(engine.Input{Plan: p, Segments: []engine.Segment{{Tenant: "a", Path: path}}}, open.Instance)
	if err != nil {
		t.Fatal(err)
	}
	s := spans{t.Context(), a, a.batches[0]}
	n, price := column("n", plan.KindInteger), &plan.Column{Name: "p", Type: decimalType}
	cast := func(e plan.Expr) plan.Expr { return &plan.Cast{Arg: e, To: plan.Of(plan.KindDouble)} }
	number := func(v float64) plan.Expr { return lit(plan.FloatValue(v)) }
	q := func(scale int, lo, hi int64) plan.Quantum {
		return plan.Quantum{Mantissa: 1, Scale: scale, Lo: lo, Hi: hi}
	}
	x := 0.1 // its product with 3.45 in doubles, which is not that of real numbers
	product := x * 3.45
	for _, tt := range []struct {
		name  string
		value plan.Expr
		q     plan.Quantum
		want  bool
	}{
		{"a column", n, q(0, -2, 7), true},
		{"a column, from below", n, q(0, -1, 7), false},
		{"a column, from above", n, q(0, -2, 6), false},
		{"decimals", price, q(2, 10, 345), true},
		{"decimals in coarser steps", price, q(1, 1, 35), true},
		{"decimals that round into the bounds", price, q(1, 1, 34), false},
		{"a column without a value", column("none", plan.KindInteger), q(0, -100, 100), false},
		{"a column that is a double", column("f", plan.KindDouble), q(0, -100, 100), false},
		{"the ends of integers", column("b", plan.KindBigint), q(0, -plan.MaxStep, plan.MaxStep), false},
		{"integers that are no doubles", call("*", cast(column("b", plan.KindBigint)), number(0)), q(0, -1, 1), false},
		{"a product", call("*", cast(n), cast(price)), q(1, -69, 242), true},
		{"a product, from above", call("*", cast(n), cast(price)), q(1, -69, 241), false},
		{"a product, to the last bit", call("-", call("*", cast(price), number(x)), number(product)), q(12, -plan.MaxStep*100, 0), true},
		{"a difference", call("-", number(1), cast(price)), q(2, -246, 90), true},
		{"a sum", call("+", cast(n), cast(price)), q(2, -190, 1045), true},
		{"a quotient", call("/", cast(n), cast(price)), q(0, -20, 70), true},
		{"a quotient by what may be zero", call("/", cast(price), cast(n)), q(0, -100, 100), false},
		{"a case", &plan.Case{Whens: []plan.When{{If: call("is null", n), Then: cast(n)}}, Else: number(9)}, q(0, -2, 9), true},
		{"a case with NULL", &plan.Case{Whens: []plan.When{{If: call("is null", n), Then: cast(n)}}}, q(0, -2, 7), true},
		{"a case with what is not known", &plan.Case{Whens: []plan.When{{If: call("is null", n), Then: cast(n)}}, Else: call("abs", cast(n))}, q(0, -9, 9), false},
		{"what overflows", call("*", call("*", cast(n), number(1e308)), number(1e308)), q(0, -1, 1), false},
		{"a text as a number", cast(column("t", plan.KindVarchar)), q(0, -1, 1), false},
	} {
		if got := s.within(tt.value, tt.q); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
	if _, err := sqlgen.Extremes(column("f", plan.KindDouble), "s0"); err == nil {
		t.Error("doubles have extremes")
	}
	for limit, want := range map[int64]bool{7: false, 8: true} {
		if got := s.below("", "n", limit); got != want {
			t.Errorf("ranks up to 7 are below %d: %t", limit, got)
		}
	}
	if s.below("", "missing", 8) {
		t.Error("ranks that are not there are below a limit")
	}
}

// Ranks are compared with a limit unless all that are stored are below it, and
// the rows that are kept are the same.
func TestRanksThatExcludeNoRow(t *testing.T) {
	w := newWriter(t)
	path := w.segment(t.TempDir(), "a", `SELECT i::UBIGINT AS _unit, 'x' AS k, 0::USMALLINT AS "_key:k", (i % 3)::USMALLINT AS "_row:k" FROM range(3000) t(i)`)
	segment := engine.Segment{Tenant: "a", Path: path, Ranks: [][]string{{"k"}}}
	for limit, want := range map[int64]struct {
		rows     int64
		compared bool
	}{2: {2000, true}, 3: {3000, false}, 4: {3000, false}} {
		p := countPlan()
		p.Scope, p.Tenants, p.Keys, p.Draws = plan.ScopeTenant, p.Tenants[:1], []plan.Key{{Column: "k", Type: plan.Of(plan.KindVarchar)}}, p.Draws[:1]
		p.Limits = privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: limit}
		p.Strategy = plan.Strategy{Bounding: plan.BoundIndex, Grouping: []string{"k"}}
		e := newEngine(t, Options{})
		if got := total(mustRun(t, e, p, segment).Draws[0]); got != want.rows {
			t.Errorf("at %d: %d rows, want %d", limit, got, want.rows)
		}
		for _, sql := range e.instances.Statements() {
			if got := strings.Contains(sql, `"_row:k" <`); got != want.compared || strings.Contains(sql, `"_key:k"`) {
				t.Errorf("at %d: %s", limit, sql)
			}
		}
	}
}
