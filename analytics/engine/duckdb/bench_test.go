package duckdb

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// insteval loads the sample data as one segment per department.
func insteval(t testing.TB) (tenants []string, segments []engine.Segment) {
	w, dir := newWriter(t), t.TempDir()
	source, err := filepath.Abs("../../../testdata/insteval.parquet")
	if err != nil {
		t.Fatal(err)
	}
	w.exec("CREATE TABLE source AS SELECT * FROM read_parquet('" + source + "')")
	for d := 1; d <= 15; d++ {
		if d == 13 { // the data has no department 13
			continue
		}
		tenant := fmt.Sprintf("dept%02d", d)
		path := w.segment(dir, tenant, fmt.Sprintf(`SELECT hash(student)::UBIGINT AS _unit, lecturer::BIGINT AS lecturer,
			service::VARCHAR AS service, studage::VARCHAR AS studage, lectage::VARCHAR AS lectage, rating::TINYINT AS rating
			FROM source WHERE dept::INTEGER = %d ORDER BY 1`, d))
		tenants = append(tenants, tenant)
		segments = append(segments, engine.Segment{Tenant: tenant, Path: path})
	}
	return tenants, segments
}

var (
	rating  = column("rating", plan.KindTinyint)
	stars   = plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5, Centre: 3}
	average = []plan.Draw{
		{Kind: plan.DrawRows, Mask: call("is not null", rating)},
		{Kind: plan.DrawSum, Value: rating, Quantum: stars},
	}
	service  = plan.Key{Column: "service", Type: plan.Of(plan.KindVarchar), Domain: texts("0", "1")}
	lectage  = plan.Key{Column: "lectage", Type: plan.Of(plan.KindVarchar), Domain: texts("1", "2", "3", "4", "5", "6")}
	lecturer = plan.Key{Column: "lecturer", Type: plan.Of(plan.KindBigint)}
)

func tenantKey(tenants []string) plan.Key {
	return plan.Key{Column: plan.TenantColumn, Type: plan.Of(plan.KindVarchar), Domain: texts(tenants...)}
}

func BenchmarkRun(b *testing.B) {
	tenants, segments := insteval(b)
	base := plan.Bound{Scope: plan.ScopePerson, Tenants: tenants, Limits: privacy.Bounds{MaxPartitions: 14, MaxRowsPerPartition: 12}}
	units, twoKeys, secret := base, base, base
	units.Keys, units.Draws = []plan.Key{tenantKey(tenants)}, []plan.Draw{{Kind: plan.DrawUnits}}
	twoKeys.Keys, twoKeys.Draws = []plan.Key{service, lectage}, average
	filtered := twoKeys
	filtered.Filter = call("=", column("studage", plan.KindVarchar), lit(plan.StringValue("2")))
	secret.Keys, secret.Draws = []plan.Key{lecturer}, append([]plan.Draw{{Kind: plan.DrawUnits}}, average...)
	counts := base
	counts.Limits = privacy.Bounds{MaxPartitions: 8, MaxRowsPerPartition: 1}
	counts.Keys, counts.Draws = []plan.Key{lecturer}, []plan.Draw{{Kind: plan.DrawUnits}, {Kind: plan.DrawRows}}
	for _, bm := range []struct {
		name string
		plan plan.Bound
	}{{"UnitsByTenant", units}, {"AverageByTwoKeys", twoKeys}, {"Filtered", filtered}, {"SecretKeys", secret}, {"SecretCounts", counts}} {
		b.Run(bm.name, func(b *testing.B) {
			e := newEngine(b, Options{})
			benchmark(b, e, engine.Input{Plan: &bm.plan, Segments: segments}, 73421)
		})
	}
}

func BenchmarkTwoMillionRows(b *testing.B) {
	w, dir := newWriter(b), b.TempDir()
	var tenants []string
	var segments []engine.Segment
	for i := range 14 {
		tenant := fmt.Sprintf("t%02d", i)
		path := w.segment(dir, tenant, fmt.Sprintf(`SELECT hash((i * 7919 + %d) %% 50000)::UBIGINT AS _unit, (i %% 2)::VARCHAR AS service,
			(1 + i %% 6)::VARCHAR AS lectage, (1 + i %% 5)::TINYINT AS rating FROM range(143000) t(i) ORDER BY 1`, i*1000))
		tenants, segments = append(tenants, tenant), append(segments, engine.Segment{Tenant: tenant, Path: path})
	}
	p := &plan.Bound{Scope: plan.ScopePerson, Tenants: tenants, Keys: []plan.Key{service, lectage}, Draws: average,
		Limits: privacy.Bounds{MaxPartitions: 12, MaxRowsPerPartition: 12}}
	b.Run("Segments14", func(b *testing.B) {
		benchmark(b, newEngine(b, Options{}), engine.Input{Plan: p, Segments: segments}, 14*143000)
	})
	var all []string
	for i, s := range segments {
		w.exec(fmt.Sprintf("ATTACH '%s' AS a%d (READ_ONLY)", s.Path, i))
		all = append(all, fmt.Sprintf("SELECT * FROM a%d.rows", i))
	}
	one := w.segment(dir, "one", "SELECT * FROM ("+strings.Join(all, " UNION ALL ")+") ORDER BY 1")
	b.Run("Segments1", func(b *testing.B) {
		benchmark(b, newEngine(b, Options{}), engine.Input{Plan: p, Segments: []engine.Segment{{Tenant: "t00", Path: one}}}, 14*143000)
	})
}

func benchmark(b *testing.B, e *Engine, in engine.Input, rows int64) {
	if _, err := e.Run(context.Background(), in); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	spent := processorTime(b)
	for b.Loop() {
		if _, err := e.Run(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((processorTime(b)-spent).Microseconds())/float64(b.N), "cpu-µs")
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

// BenchmarkJoin joins 100,000 people with 500,000 purchases of 2,000,000 items.
func BenchmarkJoin(b *testing.B) {
	a := newAsker(b, 2, 3)
	w, dir := newWriter(b), b.TempDir()
	segments := []engine.Segment{
		{Tenant: "north", Table: "person", Path: w.segment(dir, "person", "SELECT i::UBIGINT AS _unit, chr((97 + i % 3)::INTEGER) AS home, (i % 100)::INTEGER AS age FROM range(100000) r(i)")},
		{Tenant: "north", Table: "buy", Path: w.segment(dir, "buy", "SELECT (i // 5)::UBIGINT AS _unit, i AS number, chr((97 + i % 3)::INTEGER) AS shop, (i % 90 - 45)::INTEGER AS paid FROM range(500000) r(i)")},
		{Tenant: "north", Table: "item", Path: w.segment(dir, "item", "SELECT (i // 20)::UBIGINT AS _unit, i // 4 AS buy, 'k' || (i % 7) AS kind, (i % 20)::INTEGER AS price FROM range(2000000) r(i)")},
		{Table: "city", Path: w.segment(dir, "city", "SELECT chr((97 + i)::INTEGER) AS name, (i + 1)::INTEGER AS land FROM range(3) r(i)")},
		{Table: "land", Path: w.segment(dir, "land", "SELECT i + 1 AS number, chr((88 + i)::INTEGER) AS title FROM range(3) r(i)")},
	}
	e := newEngine(b, Options{})
	for name, sql := range map[string]string{"one": questions[1], "two": questions[7], "five": questions[3]} {
		p := a.plan(b, sql)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				e.answer(b, p, segments)
			}
		})
	}
}
