package duckdb

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// The benchmarks of this file report what a run costs as a multiple of a plain
// statement over the same files, with as many threads, each run of the one
// followed by one of the other. They are about ratioRows rows, ten to a unit.
const ratioRows = 4_000_000

// purchases makes rows with a key of 50 values, one of 100,000, an amount and a
// number by which half of them are picked.
const purchases = `SELECT hash(i %% %d)::UBIGINT AS _unit, 'k' || hash(i, 1) %% 50 AS kind, 's' || hash(i, 4) %% 100000 AS shop,
	(hash(i, 2) %% 1000)::INTEGER AS amount, (hash(i, 3) %% 100)::TINYINT AS dice FROM range(%d, %d, %d) t(i) ORDER BY 1`

// purchasesOf returns a plan that counts and sums purchases by a key.
func purchasesOf(key plan.Key, tenants ...string) *plan.Bound {
	amount := column("amount", plan.KindInteger)
	return &plan.Bound{
		Scope: plan.ScopePerson, Tenants: tenants, Keys: []plan.Key{key},
		Draws: []plan.Draw{
			{Kind: plan.DrawRows},
			{Kind: plan.DrawSum, Value: amount, Quantum: plan.Quantum{Mantissa: 1, Lo: 0, Hi: 1000, Centre: 500}},
		},
		Limits: privacy.Bounds{MaxPartitions: 5, MaxRowsPerPartition: 10},
	}
}

func kindKey() plan.Key {
	var values []string
	for i := range 50 {
		values = append(values, fmt.Sprintf("k%d", i))
	}
	return plan.Key{Column: "kind", Type: plan.Of(plan.KindVarchar), Domain: texts(values...)}
}

// ratioTenants writes the purchases as one segment and as one per tenant, in
// which each person has some.
func ratioTenants(b *testing.B, tenants int) (one engine.Segment, all []engine.Segment, names []string) {
	w, dir := newWriter(b), b.TempDir()
	units := ratioRows / 10
	kinds := kindKey().Domain
	codes := "SELECT *" + codeColumn("kind", kinds) + " FROM ("
	one = engine.Segment{Tenant: "t00", Path: w.segment(dir, "one", codes+fmt.Sprintf(purchases, units, 0, ratioRows, 1)+")")}
	one.Codes = map[string]string{"kind": plan.CodesOf(kinds)}
	for t := range tenants {
		name := fmt.Sprintf("t%02d", t)
		path := w.segment(dir, name, fmt.Sprintf(purchases, units, t, ratioRows, tenants))
		names, all = append(names, name), append(all, engine.Segment{Tenant: name, Path: path})
	}
	return one, all, names
}

var half = call("<", column("dice", plan.KindTinyint), lit(plan.IntValue(plan.Of(plan.KindTinyint), 50)))

// BenchmarkStreamOverPlain compares runs with a plain GROUP BY.
func BenchmarkStreamOverPlain(b *testing.B) {
	one, _, _ := ratioTenants(b, 0)
	filtered, all, secret := purchasesOf(kindKey(), "t00"), purchasesOf(kindKey(), "t00"), purchasesOf(plan.Key{Column: "shop", Type: plan.Of(plan.KindVarchar)}, "t00")
	filtered.Filter = half
	byCodes := coded(filtered, []engine.Segment{one})
	for _, bm := range []struct {
		name, key, where string
		plan             *plan.Bound
	}{{"Filtered", "kind", " WHERE dice < 50", filtered}, {"FilteredByCodes", "kind", " WHERE dice < 50", byCodes}, {"All", "kind", "", all}, {"Secret100k", "shop", "", secret}} {
		b.Run(bm.name, func(b *testing.B) {
			compare(b, func(e *Engine) {
				mustRun(b, e, bm.plan, one)
			}, plainly(b, 2, fmt.Sprintf("SELECT %s, count(*), sum(amount) FROM s.rows%s GROUP BY 1", bm.key, bm.where), one.Path))
		})
	}
}

// BenchmarkJointOverOne compares a run over people known to 14 tenants with one
// over the same rows of a single tenant.
func BenchmarkJointOverOne(b *testing.B) {
	one, all, names := ratioTenants(b, 14)
	p := purchasesOf(kindKey(), names...)
	compare(b, func(e *Engine) { mustRun(b, e, p, all...) }, func(e *Engine) { mustRun(b, e, p, one) })
}

// BenchmarkManyOverOne compares an index over many small tables with the plain
// GROUP BY on one of the same rows, by texts and by their codes.
func BenchmarkManyOverOne(b *testing.B) {
	const tables, units = 200, 2000
	w, dir := newWriter(b), b.TempDir()
	one, _, _ := ratioTenants(b, 0)
	byText := purchasesOf(kindKey())
	byText.Scope, byText.Strategy = plan.ScopeTenant, plan.Strategy{Bounding: plan.BoundIndex, Grouping: []string{"kind"}}
	var all []engine.Segment
	for t := range tables {
		rows := fmt.Sprintf(purchases, units, t, ratioRows, tables)
		s := engine.Segment{Tenant: fmt.Sprintf("t%03d", t), Ranks: [][]string{{"kind"}}, Codes: one.Codes}
		s.Path = w.segment(dir, s.Tenant, fmt.Sprintf(`SELECT *, (dense_rank() OVER (PARTITION BY _unit ORDER BY kind) - 1)::USMALLINT AS "_key:kind",
			(row_number() OVER (PARTITION BY _unit, kind) - 1)::USMALLINT AS "_row:kind"%s FROM (%s) ORDER BY 1`, codeColumn("kind", kindKey().Domain), rows))
		byText.Tenants, all = append(byText.Tenants, s.Tenant), append(all, s)
	}
	for name, p := range map[string]*plan.Bound{"ByTexts": byText, "ByCodes": coded(byText, all)} {
		b.Run(name, func(b *testing.B) {
			compare(b, func(e *Engine) { mustRun(b, e, p, all...) }, plainly(b, 2, "SELECT kind, count(*), sum(amount) FROM s.rows GROUP BY 1", one.Path))
		})
	}
}

// plainly returns a baseline that runs a statement over a file, attached as s.
func plainly(b *testing.B, threads int, sql, path string) func(*Engine) {
	db, err := native.Open(map[string]string{"threads": fmt.Sprint(threads)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	c, err := db.Connect()
	if err == nil {
		err = c.Exec("attach", "ATTACH '"+strings.ReplaceAll(path, "'", "''")+"' AS s (READ_ONLY)")
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return func(*Engine) {
		if err := c.Exec("run", sql); err != nil {
			b.Fatal(err)
		}
	}
}

// compare reports the time of a run, with two threads, as a multiple of a
// baseline's, and the same of the processors' time, which other load on the
// machine disturbs less.
func compare(b *testing.B, run, baseline func(*Engine)) {
	e := newEngine(b, Options{Threads: 2})
	run(e)
	baseline(e)
	var ours, theirs, cpu, theirCPU time.Duration
	for b.Loop() {
		start, spent := time.Now(), processorTime(b)
		run(e)
		ours, cpu = ours+time.Since(start), cpu+processorTime(b)-spent
		start, spent = time.Now(), processorTime(b)
		baseline(e)
		theirs, theirCPU = theirs+time.Since(start), theirCPU+processorTime(b)-spent
	}
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
	b.ReportMetric(float64(cpu)/float64(theirCPU), "cpu-ratio")
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N)/1e3, "cpu-ms")
	b.ReportMetric(float64(theirCPU.Microseconds())/float64(b.N)/1e3, "baseline-cpu-ms")
	b.ReportMetric(0, "ns/op")
}

// processorTime returns what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
