package duckdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/bounding/boundingtest"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// indexed are the groupings whose ranks the random tables store.
var indexed = [][]string{{"s"}, {"b"}, {"a", "t"}}

// rankedTable writes a random table with ranks, which plain SQL computes by
// windows over a keyed hash, as one segment per tenant, twice: in two orders of
// rows.
func rankedTable(w *writer, dir string, seed uint64) table {
	base := randomTable(w, dir, seed)
	name := "ranked" + base.name
	ranks := func(g []string) string {
		key := "concat_ws(',', '" + strings.Join(g, "/") + "', coalesce(" + strings.Join(g, "::VARCHAR, 'NULL'), coalesce(") + "::VARCHAR, 'NULL'))"
		hash := fmt.Sprintf("md5(concat('salt', _unit, %s))", key)
		return fmt.Sprintf(`, (dense_rank() OVER (PARTITION BY tenant, _unit ORDER BY %s) - 1)::USMALLINT AS "%s", (row_number() OVER (PARTITION BY tenant, _unit, %s ORDER BY hash) - 1)::USMALLINT AS "%s"`,
			hash, plan.KeyRank(g), key, plan.RowRank(g))
	}
	columns := ""
	for _, g := range indexed {
		columns += ranks(g)
	}
	w.exec(fmt.Sprintf(`CREATE TABLE %s AS SELECT * EXCLUDE (seg, hash), (row_number() OVER (PARTITION BY tenant, _unit ORDER BY hash) - 1)::USMALLINT AS "_row" %s
		FROM (SELECT *, md5(concat(rowid, %d)) AS hash FROM %s)`, name, columns, seed, base.name))
	t, codes := table{name: name}, randomCodes(seed)
	for shuffle := range t.segments {
		for _, tenant := range tenantNames {
			columns, of := codes(tenant, 0)
			path := w.segment(dir, fmt.Sprintf("%s-%d-%s", name, shuffle, tenant), fmt.Sprintf("SELECT * EXCLUDE tenant%s FROM %s WHERE tenant = '%s' ORDER BY _unit, random()", columns, name, tenant))
			t.segments[shuffle] = append(t.segments[shuffle], engine.Segment{Tenant: tenant, Path: path, Ranks: indexed, Codes: of})
		}
	}
	slices.Reverse(t.segments[1])
	return t
}

func rankedTables(t testing.TB, n int) (*writer, []table) {
	w, dir := newWriter(t), t.TempDir()
	var tables []table
	for seed := range n {
		tables = append(tables, rankedTable(w, dir, uint64(100+seed)))
	}
	return w, tables
}

// randomRanked draws a plan that ranks bound, with the condition on ranks that
// the reference asks.
func randomRanked(t *rapid.T) (refQuery, string) {
	q := refQuery{filter: "true", plan: plan.Bound{Dataset: "d", Version: 1, Tenants: tenantNames, Scope: plan.ScopeTenant}}
	bare := slices.DeleteFunc(keyPool(), func(k refKey) bool {
		return k.key.Expr != nil && k.key.Column != plan.TenantColumn
	})
	add := func(k refKey) { q.keys, q.plan.Keys = append(q.keys, k), append(q.plan.Keys, k.key) }
	of := func(column string) refKey {
		return rapid.SampledFrom(slices.DeleteFunc(slices.Clone(bare), func(k refKey) bool { return k.key.Column != column })).Draw(t, "key")
	}
	kinds := []plan.DrawKind{plan.DrawRows, plan.DrawSum, plan.DrawSquares}
	ranks := ""
	index := rapid.Bool().Draw(t, "index")
	if index {
		q.plan.Strategy = plan.Strategy{Bounding: plan.BoundIndex, Grouping: rapid.SampledFrom(indexed).Draw(t, "grouping")}
		for _, c := range q.plan.Strategy.Grouping {
			add(of(c))
		}
		if rapid.Bool().Draw(t, "by tenant") {
			add(of(plan.TenantColumn))
		}
		if rapid.Bool().Draw(t, "of a tenant") {
			q.plan.Filter, q.filter = call("=", column(plan.TenantColumn, plan.KindVarchar), lit(plan.StringValue("beta"))), "tenant = 'beta'"
		}
		l0, c := rapid.Int64Range(1, 6).Draw(t, "L0"), rapid.Int64Range(1, 5).Draw(t, "c")
		q.plan.Limits = privacy.Bounds{MaxPartitions: l0, MaxRowsPerPartition: c}
		ranks = fmt.Sprintf(`"%s" < %d`, plan.RowRank(q.plan.Strategy.Grouping), c)
		if n := q.plan.UnitGroups(); n == 0 || n > l0 {
			ranks += fmt.Sprintf(` AND "%s" < %d`, plan.KeyRank(q.plan.Strategy.Grouping), l0)
		}
		kinds = append(kinds, plan.DrawUnits)
	} else {
		m := rapid.Int64Range(1, 8).Draw(t, "m")
		q.plan.Strategy, q.plan.Limits = plan.Strategy{Bounding: plan.BoundRows}, privacy.Bounds{MaxPartitions: m, MaxRowsPerPartition: m, MaxRows: m}
		ranks = fmt.Sprintf(`"_row" < %d`, m)
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(keyPool()), 0, 2).Draw(t, "keys") {
			if !slices.ContainsFunc(q.keys, func(o refKey) bool { return o.key.Column == k.key.Column }) {
				add(k)
			}
		}
		if rapid.Bool().Draw(t, "filtered") {
			f := randomTest(t, 2)
			q.plan.Filter, q.filter = f.expr, f.sql
		}
		if len(q.keys) == 0 && q.plan.Filter == nil {
			kinds = append(kinds, plan.DrawUnits)
		}
	}
	for range rapid.IntRange(1, 4).Draw(t, "draws") {
		q.randomSum(t, rapid.SampledFrom(kinds).Draw(t, "kind"), !index)
	}
	return q, ranks
}

// randomSum adds a draw of a kind, and as AVG does a count of its values; with a
// mask if there may be one.
func (q *refQuery) randomSum(t *rapid.T, kind plan.DrawKind, masks bool) {
	d := refDraw{draw: plan.Draw{Kind: kind}, mask: "true", value: "1::BIGINT"}
	value := rapid.SampledFrom(drawPool(randomNumber(t, 2))).Draw(t, "value")
	if kind == plan.DrawSum || kind == plan.DrawSquares {
		d = quantised(value, kind)
	}
	if masks && kind != plan.DrawUnits && rapid.Bool().Draw(t, "masked") {
		m := randomTest(t, 1)
		d.draw.Mask, d.mask = m.expr, m.sql
	}
	q.draws, q.plan.Draws = append(q.draws, d), append(q.plan.Draws, d.draw)
	if kind == plan.DrawUnits || rapid.Bool().Draw(t, "alone") {
		return
	}
	n := plan.Draw{Kind: plan.DrawRows, Mask: call("is not null", value.draw.Value)}
	mask := "(" + value.value + ") IS NOT NULL"
	if d.draw.Mask != nil {
		n.Mask, mask = call("and", d.draw.Mask, n.Mask), "("+d.mask+") AND "+mask
	}
	q.draws, q.plan.Draws = append(q.draws, refDraw{n, mask, "1::BIGINT"}), append(q.plan.Draws, n)
}

// ranked evaluates a query in plain SQL over the rows within the ranks, each of
// which counts as itself.
func (w *writer) ranked(q refQuery, table, ranks string) boundingtest.Draws {
	keep, text := []string{ranks, "coalesce(" + q.filter + ", false)"}, []string{"''"}
	for _, k := range q.keys {
		keep, text = append(keep, "coalesce("+k.in+", false)"), append(text, k.text)
	}
	values := ""
	for _, d := range q.draws {
		what := "sum(" + d.value + ")"
		if d.draw.Kind == plan.DrawUnits {
			what = "count(DISTINCT (tenant, _unit))"
		}
		values += fmt.Sprintf(", coalesce(%s FILTER (WHERE coalesce(%s, false)), 0)::VARCHAR", what, d.mask)
	}
	rows, err := w.db.Query(fmt.Sprintf("SELECT %s AS key%s FROM %s WHERE %s GROUP BY key", strings.Join(text, " || "), values, table, strings.Join(keep, " AND ")))
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	out := boundingtest.Draws{}
	for rows.Next() {
		key, totals := "", make([]string, len(q.draws))
		into := []any{&key}
		for i := range totals {
			into = append(into, &totals[i])
		}
		if err := rows.Scan(into...); err != nil {
			w.t.Fatal(err)
		}
		out[key] = totals
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// What ranks bound is what plain SQL says, bit for bit, whatever the order of
// rows and segments and the number of threads; and what a stream bounds, where
// no unit exceeds a limit.
func TestRanksAgreeWithPlainSQL(t *testing.T) {
	w, tables := rankedTables(t, 6)
	engines := []*Engine{newEngine(t, Options{Threads: 1}), newEngine(t, Options{Threads: 2, MaxInstances: 2}), newEngine(t, Options{Threads: 8})}
	rapid.Check(t, func(t *rapid.T) {
		q, ranks := randomRanked(t)
		table := rapid.SampledFrom(tables).Draw(t, "table")
		want := w.ranked(q, table.name, ranks)
		sameOnAll(t, engines, q, table, [16]byte{}, want)
		agreesWithStream(t, engines[0], q.plan, table.segments[0])
	})
}

// agreesWithStream compares both ways of bounding within limits that nobody
// reaches.
func agreesWithStream(t *rapid.T, e *Engine, p plan.Bound, segments []engine.Segment) {
	p.Limits = privacy.Bounds{MaxPartitions: plan.MaxRank, MaxRowsPerPartition: plan.MaxRank}
	if p.Strategy.Bounding == plan.BoundRows {
		p.Limits.MaxRows = plan.MaxRank
	}
	in := engine.Input{Plan: &p, Segments: segments}
	ranked, err := e.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	p.Strategy = plan.Strategy{}
	streamed, err := e.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(spelledOut(&p, streamed), spelledOut(&p, ranked)); diff != "" {
		t.Fatalf("−stream +ranks:\n%s", diff)
	}
}

// A run that is stopped says why, and one that fails is tried again with care
// before it fails with an internal error; later runs are not affected.
func TestAggregatesFailAsStreamsDo(t *testing.T) {
	w := newWriter(t)
	path := w.segment(t.TempDir(), "a", `SELECT i::UBIGINT AS _unit, 0::USMALLINT AS "_row" FROM range(5000) t(i)`)
	counting := func() *plan.Bound {
		p := countPlan()
		p.Scope, p.Draws, p.Strategy.Bounding = plan.ScopeTenant, p.Draws[:1], plan.BoundRows
		p.Limits = privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxRows: 1}
		return p
	}
	in := engine.Input{Plan: counting(), Segments: []engine.Segment{{Tenant: "a", Path: path, Ranks: [][]string{}}}}
	e := newEngine(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Run(ctx, in); !errors.Is(err, context.Canceled) || privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("stopped: %v", err)
	}
	broken := in
	broken.Plan = counting()
	broken.Plan.Filter = call("<", column("missing", plan.KindBigint), lit(plan.IntValue(plan.Of(plan.KindBigint), 2)))
	if _, err := e.Run(t.Context(), broken); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("a missing column: %v", err)
	}
	if n := e.instances.Len(); n != 2 {
		t.Errorf("%d instances are open, want one for each try", n)
	}
	if got := total(mustRun(t, e, in.Plan, in.Segments...).Draws[0]); got != 5000 {
		t.Errorf("%d rows after a failure", got)
	}
}
