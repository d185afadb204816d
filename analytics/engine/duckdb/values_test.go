package duckdb

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Values of every type are told apart in full, over tenants too; both zeros are
// one value, so are all NaNs, and NULL is none.
func TestDifferentValues(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	long := "a text that is longer than twelve, "
	path := func(name string) string {
		return w.segment(dir, name, fmt.Sprintf(`SELECT * FROM (VALUES
			(1::UBIGINT, true, 1::TINYINT, 1::BIGINT, 1.10::DECIMAL(9,2), 0.0::DOUBLE, '%sone', DATE '2024-02-29', TIMESTAMP '2024-02-29 00:00:00'),
			(2, true, -1, -9223372036854775808, 1.1, '-0.0', '%stwo', 'infinity', 'infinity'),
			(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
			(4, false, 1, 9223372036854775807, 1.12, 'nan', '', '-infinity', '-infinity'),
			(5, false, 2, 9223372036854775806, -1.1, '-nan', 'short', '2024-03-01', '2024-02-29 00:00:00.000001'),
			(6, false, 3, 0, 0, 'inf', 'shorT', '2024-03-01', '2024-02-29 00:00:00.000001'))
			AS v(_unit, g, a, b, d, f, t, dt, ts) ORDER BY 1`, long, long))
	}
	segments := []engine.Segment{{Tenant: "a", Path: path("one")}, {Tenant: "b", Path: path("two")}}
	p := countPlan()
	p.Scope, p.Draws = plan.ScopeTenant, nil
	for _, c := range []*plan.Column{column("g", plan.KindBoolean), column("a", plan.KindTinyint), column("b", plan.KindBigint), {Name: "d", Type: decimalType},
		column("f", plan.KindDouble), column("t", plan.KindVarchar), column("dt", plan.KindDate), column("ts", plan.KindTimestamp)} {
		p.Draws = append(p.Draws, plan.Draw{Kind: plan.DrawDistinct, Value: c})
	}
	var got []int64
	for _, draw := range mustRun(t, newEngine(t, Options{}), p, segments...).Draws {
		got = append(got, total(draw))
	}
	if diff := cmp.Diff([]int64{2, 4, 5, 4, 3, 5, 4, 4}, got); diff != "" {
		t.Errorf("−want +got:\n%s", diff)
	}
}

// A declared NULL is a group like any other, in its declared place; without it
// rows with NULL are in no group.
func TestDeclaredNull(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	path := w.segment(dir, "a", "SELECT i::UBIGINT AS _unit, CASE i % 4 WHEN 0 THEN '0' WHEN 1 THEN '1' WHEN 2 THEN 'other' END AS service FROM range(40) t(i)")
	e := newEngine(t, Options{})
	for _, tt := range []struct {
		domain []plan.Value
		want   []int64
	}{
		{texts("0", "1"), []int64{10, 10}},
		{append(texts("0", "1"), plan.Null(plan.Of(plan.KindVarchar))), []int64{10, 10, 10}},
		{[]plan.Value{plan.Null(plan.Of(plan.KindVarchar))}, []int64{10}},
	} {
		p := countPlan()
		p.Keys = []plan.Key{{Column: "service", Type: plan.Of(plan.KindVarchar), Domain: tt.domain}}
		var got []int64
		for _, n := range mustRun(t, e, p, engine.Segment{Tenant: "a", Path: path}).Draws[0] {
			got = append(got, n.Clamp(privacy.MaxRelease))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%d values, −want +got:\n%s", len(tt.domain), diff)
		}
	}
}

// Buckets in SQL are those of plan.WidthBucket, also at the edges, where the
// domain of a key is computed with the latter.
func TestWidthBuckets(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	lo, hi := -0.3, 0.7
	for n := int64(1); n <= 10; n += 3 {
		values := []float64{lo, hi, math.Nextafter(hi, lo), math.Nextafter(lo, -1), math.Inf(1), math.Inf(-1), 0, 1e300}
		for i := range n {
			edge := lo + (hi-lo)*float64(i)/float64(n)
			values = append(values, edge, math.Nextafter(edge, 1), math.Nextafter(edge, -1))
		}
		rows, want := "", make([]int64, n+2)
		for i, x := range values {
			rows += fmt.Sprintf(", (%d, '%v')", i, x)
			b, _ := plan.WidthBucket(x, lo, hi, n)
			want[b]++
		}
		path := w.segment(dir, fmt.Sprint("n", n), "SELECT i::UBIGINT AS _unit, x::DOUBLE AS x FROM (VALUES "+rows[2:]+") v(i, x) ORDER BY 1")
		p := countPlan()
		bucket := plan.Key{Column: "bucket", Type: plan.Of(plan.KindBigint), Expr: call("width_bucket", column("x", plan.KindDouble),
			lit(plan.FloatValue(lo)), lit(plan.FloatValue(hi)), lit(plan.IntValue(plan.Of(plan.KindBigint), n)))}
		for b := range n + 2 {
			bucket.Domain = append(bucket.Domain, plan.IntValue(bucket.Type, b))
		}
		p.Keys = []plan.Key{bucket}
		var got []int64
		for _, n := range mustRun(t, newEngine(t, Options{}), p, engine.Segment{Tenant: "a", Path: path}).Draws[0] {
			got = append(got, n.Clamp(privacy.MaxRelease))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d buckets, −plan.WidthBucket +engine:\n%s", n, diff)
		}
	}
}

// What is forgotten is closed, when its last run ends, and opens again when it
// is asked for.
func TestForget(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	one, two := w.segment(dir, "one", "SELECT 1::UBIGINT AS _unit"), w.segment(dir, "two", "SELECT 2::UBIGINT AS _unit")
	e := newEngine(t, Options{})
	segment := func(path string) engine.Segment { return engine.Segment{Tenant: "a", Path: path} }
	mustRun(t, e, countPlan(), segment(one), segment(two))
	mustRun(t, e, countPlan(), segment(two))
	held, err := e.instances.Acquire(attached.Streaming, []string{one})
	if err != nil {
		t.Fatal(err)
	}
	e.Forget(one, filepath.Join(dir, "never opened"))
	if n := e.instances.Len(); n != 1 {
		t.Errorf("%d instances are open, want that of the other file", n)
	}
	if _, err := held.Borrow(held.Catalogs[one]); err != nil {
		t.Errorf("a run under way lost its instance: %v", err)
	}
	e.instances.Release(held)
	if got := mustRun(t, e, countPlan(), segment(one)); total(got.Draws[0]) != 1 {
		t.Errorf("opened again: %v", got)
	}
	e.Forget(one, two)
	if err := os.Remove(one); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(context.Background(), engine.Input{Plan: countPlan(), Segments: []engine.Segment{segment(one)}}); err == nil {
		t.Error("a forgotten segment whose file is gone was read")
	}
}

// Where a root, a logarithm or a power is not defined it is NULL, and nowhere
// else: infinities are values.
func TestUndefinedIsNull(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	path := w.segment(dir, "a", "SELECT i::UBIGINT AS _unit, x::DOUBLE AS x FROM (VALUES (1, '-8'), (2, '-0.0'), (3, '0'), (4, '2'), (5, 'inf'), (6, 'nan')) v(i, x)")
	x, number := column("x", plan.KindDouble), func(v float64) plan.Expr { return lit(plan.FloatValue(v)) }
	e := newEngine(t, Options{})
	for _, tt := range []struct {
		value plan.Expr
		want  int64 // rows of six where it is not NULL
	}{
		{call("sqrt", x), 5}, {call("ln", x), 3}, {call("log10", x), 3}, {call("exp", x), 6},
		{call("power", x, number(0.5)), 5}, {call("power", x, number(3)), 6}, {call("power", x, number(-1)), 6},
		{call("power", number(-2), x), 6}, {call("power", number(-2), call("/", x, number(16))), 4},
		{call("width_bucket", x, number(0), number(1), lit(plan.IntValue(plan.Of(plan.KindBigint), 3))), 6},
		{call("width_bucket", x, number(1), number(1), lit(plan.IntValue(plan.Of(plan.KindBigint), 3))), 0},
	} {
		p := countPlan()
		p.Draws[0].Mask = call("is not null", tt.value)
		if got := total(mustRun(t, e, p, engine.Segment{Tenant: "a", Path: path}).Draws[0]); got != tt.want {
			t.Errorf("%s has %d values, want %d", plan.Print(tt.value), got, tt.want)
		}
	}
}
