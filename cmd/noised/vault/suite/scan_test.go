//go:build vault

package suite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // writes the files and asks them, beside the engine

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// visits makes rows of about eighty units each, in the order of units.
const visits = `SELECT hash(i // 80)::UBIGINT AS _unit, 'k' || hash(i, 1) %% 50 AS kind, 's' || hash(i, 4) %% 1000 AS shop,
	(hash(i, 2) %% 1000)::INTEGER AS amount, (hash(i, 3) %% 100)::TINYINT AS dice FROM range(%d) t(i) ORDER BY 1`

// both are the same rows, plain and encrypted.
type both struct {
	rows          int
	plain, sealed string
	key           []byte
}

func asked(t testing.TB, settings ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	check(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	for _, s := range append([]string{"LOAD '" + extension(t) + "'", "SET threads = 2"}, settings...) {
		run1(t, db, s)
	}
	return db
}

func run1(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func (b both) sealing() string {
	return "ENCRYPTION_KEY '" + hex.EncodeToString(b.key) + "', ENCRYPTION_CIPHER 'GCM'"
}

func write(t testing.TB, dir string, rows int) both {
	t.Helper()
	b := both{rows: rows, plain: filepath.Join(dir, fmt.Sprintf("plain%d.duckdb", rows)), sealed: filepath.Join(dir, fmt.Sprintf("sealed%d.duckdb", rows))}
	b.key = make([]byte, 32)
	copy(b.key, "a key of no secrecy: "+strconv.Itoa(rows))
	db := asked(t)
	run1(t, db, "ATTACH '"+b.plain+"' AS p")
	run1(t, db, "ATTACH '"+b.sealed+"' AS s ("+b.sealing()+")")
	run1(t, db, "CREATE TABLE p.rows AS "+fmt.Sprintf(visits, rows))
	run1(t, db, "CREATE TABLE s.rows AS SELECT * FROM p.rows")
	for _, name := range []string{"p", "s"} {
		run1(t, db, "CREATE TABLE "+name+".meta (key VARCHAR, value VARCHAR)")
		run1(t, db, "CHECKPOINT "+name)
		run1(t, db, "DETACH "+name)
	}
	return b
}

// cost is the time of a step: of processors, and by the clock.
type cost struct{ cpu, wall time.Duration }

func costOf(step func()) cost {
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	began := time.Now()
	step()
	c := cost{wall: time.Since(began)}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	spent := func(r syscall.Rusage) time.Duration {
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	c.cpu = spent(after) - spent(before)
	return c
}

// pairs takes the same step plain and encrypted, in turn, and returns how many times
// as much the encrypted one costs at the median.
func pairs(n int, plain, sealed func()) (cpu, wall float64) {
	over := func(a, b time.Duration) float64 { return float64(a) / float64(b) }
	var cp, cs, wp, ws []time.Duration
	for i := range n {
		var a, b cost
		if i%2 == 0 {
			a, b = costOf(plain), costOf(sealed)
		} else {
			b, a = costOf(sealed), costOf(plain)
		}
		cp, cs, wp, ws = append(cp, a.cpu), append(cs, b.cpu), append(wp, a.wall), append(ws, b.wall)
	}
	return over(median(cs), median(cp)), over(median(ws), median(wp))
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// TestScansOfEncryptedFiles compares a GROUP BY of DuckDB and runs of the engine over
// the same rows, plain and encrypted.
func TestScansOfEncryptedFiles(t *testing.T) {
	dir := t.TempDir()
	worst, worstFirst, worstWall := 0.0, 0.0, 0.0
	fresh := asked(t)
	for _, rows := range []int{200_000, 2_000_000, 8_000_000} {
		b := write(t, dir, rows)
		db := asked(t, "ATTACH '"+b.plain+"' AS p (READ_ONLY)", "ATTACH '"+b.sealed+"' AS s (READ_ONLY, "+b.sealing()+")",
			"SET enable_external_access = false", "SET lock_configuration = true")
		ask := func(name string) func() {
			return func() {
				run1(t, db, "SELECT kind, count(*), sum(amount) FROM "+name+".rows WHERE dice < 50 GROUP BY kind")
			}
		}
		// What is attached anew is in memory no longer.
		again := func(name, from string) func() {
			return func() {
				run1(t, fresh, "ATTACH "+from)
				run1(t, fresh, "SELECT kind, count(*), sum(amount) FROM "+name+".rows WHERE dice < 50 GROUP BY kind")
				run1(t, fresh, "DETACH "+name)
			}
		}
		first, _ := pairs(9, again("p", "'"+b.plain+"' AS p (READ_ONLY)"), again("s", "'"+b.sealed+"' AS s (READ_ONLY, "+b.sealing()+")"))
		ask("p")()
		ask("s")()
		warm, wall := pairs(41, ask("p"), ask("s"))
		t.Logf("GROUP BY of %d rows: first %.2f, warm %.3f (%.3f by the clock)", rows, first, warm, wall)
		worst, worstFirst, worstWall = max(worst, warm), max(worstFirst, first), max(worstWall, wall)

		of := enginePair(t, b)
		more := costOf(of.sealed).cpu - costOf(of.plain).cpu
		warm, wall = pairs(61, of.plain, of.sealed)
		t.Logf("run of the engine over %d rows: the first takes %v more, warm %.3f (%.3f by the clock)", rows, more, warm, wall)
		worst, worstWall = max(worst, warm), max(worstWall, wall)
	}
	report(t, "encrypted_scan_ratio", fmt.Sprintf("%.3f", worst))
	report(t, "encrypted_scan_wall_ratio", fmt.Sprintf("%.3f", worstWall))
	report(t, "encrypted_first_scan_ratio", fmt.Sprintf("%.2f", worstFirst))
}

type runs struct{ plain, sealed func() }

// enginePair are runs of one plan by two engines, as the server has them.
func enginePair(t *testing.T, b both) runs {
	t.Helper()
	amount := &plan.Column{Name: "amount", Type: plan.Of(plan.KindInteger)}
	var kinds []plan.Value
	for i := range 50 {
		kinds = append(kinds, plan.StringValue("k"+strconv.Itoa(i)))
	}
	p := &plan.Bound{
		Scope: plan.ScopePerson, Tenants: []string{"t"}, Keys: []plan.Key{{Column: "kind", Type: plan.Of(plan.KindVarchar), Domain: kinds}},
		Draws: []plan.Draw{
			{Kind: plan.DrawRows},
			{Kind: plan.DrawSum, Value: amount, Quantum: plan.Quantum{Mantissa: 1, Lo: 0, Hi: 1000, Centre: 500}},
		},
		Limits: privacy.Bounds{MaxPartitions: 5, MaxRowsPerPartition: 10},
	}
	var answers []*engine.Partials
	over := func(path string, o duckdb.Options) func() {
		o.Threads = 2
		e, err := duckdb.New(o)
		check(t, err)
		t.Cleanup(func() { _ = e.Close() })
		return func() {
			got, err := e.Run(t.Context(), engine.Input{Plan: p, Segments: []engine.Segment{{Tenant: "t", Path: path}}})
			check(t, err)
			answers = append(answers[:min(1, len(answers))], got)
			if fmt.Sprint(answers[0].Draws) != fmt.Sprint(got.Draws) {
				t.Error("the rows differ")
			}
		}
	}
	return runs{over(b.plain, duckdb.Options{}), over(b.sealed, duckdb.Options{
		Extension: extension(t), Key: func(context.Context, string) ([]byte, error) { return b.key, nil },
	})}
}

// TestScansThatDoNotFit reports what it costs when rows are decrypted in every scan,
// as they do not fit in the memory that is granted.
func TestScansThatDoNotFit(t *testing.T) {
	b := write(t, t.TempDir(), 8_000_000)
	db := asked(t, "SET memory_limit = '40MB'", "ATTACH '"+b.plain+"' AS p (READ_ONLY)", "ATTACH '"+b.sealed+"' AS s (READ_ONLY, "+b.sealing()+")")
	ask := func(name string) func() {
		return func() {
			run1(t, db, "SELECT kind, count(*), sum(amount), min(shop), bit_xor(_unit) FROM "+name+".rows WHERE dice < 50 GROUP BY kind")
		}
	}
	again, wall := pairs(9, ask("p"), ask("s"))
	t.Logf("GROUP BY of %d rows in 40 MB: %.3f (%.3f by the clock)", b.rows, again, wall)

}
