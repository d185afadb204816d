//go:build audit

package e2e

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/noised/noised/api/wire"
)

// TestAuditAttack11HangUp breaks connections off, and has a server that is too
// slow for its own time limit. The charge stays, and the retry under the same
// Idempotency-Key gives the same bytes again and again, for nothing.
func TestAuditAttack11HangUp(t *testing.T) {
	s := build(t, cellsContract, map[string]string{"t": cellsFile(1, 5)}, "--query-timeout", "100ms")
	const questions = 20
	for i := range questions {
		q := cellsQuery("COUNT(*)", 1-1e-6*float64(i))
		r := s.query(q)
		r.header = map[string]string{wire.HeaderIdempotencyKey: fmt.Sprint("hang-up-", i)}
		hangUp(t, s.Server, r)
		first := eventually(t, func() (answer, bool) { a := s.call(r); return a, a.status == http.StatusOK })
		spent := s.spentBy("t")
		for range 3 {
			again := s.call(r)
			if again.status != http.StatusOK || !bytes.Equal(first.body, again.body) {
				t.Fatalf("question %d: the retry has another answer: %d", i, again.status)
			}
		}
		if now := s.spentBy("t"); now != spent {
			t.Errorf("question %d: retries cost %d units", i, now-spent)
		}
	}
	charges := s.allCharges("t")
	if len(charges) != questions {
		t.Errorf("%d charges for %d questions", len(charges), questions)
	}
	verdict(t, "attack-11", questions, questions, len(charges))
}

// TestAuditAttack12Averaging repeats a question in other spellings: each is the
// stored release or is charged. The variance of answers that were paid for is
// the stated one.
func TestAuditAttack12Averaging(t *testing.T) {
	s := build(t, cellsContract, map[string]string{"t": cellsFile(1, 5)})
	where := func(condition string) wire.QueryRequest {
		return wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM cells WHERE " + condition, Epsilon: ptr(1.0), Delta: ptr(1e-2)}
	}
	first := s.ask(where("cell < 5 AND x = 5"))
	variants := []string{
		"cell < 5 AND x = 5", "x = 5 AND cell < 5", "5 > cell AND 5 = x", "cell<5 and x=5", "(cell < 5) AND (x = 5) AND 1=1", "cell < 5.0 AND x = 5",
		"NOT (cell >= 5) AND x = 5", "cell < 4+1 AND x = 5", "cell < 5 AND x = 5 AND x = 5", "cell < 5 AND x BETWEEN 5 AND 5", "cell < 5 AND x IN (5)",
		"cell < 5 AND x IN (5, 5)", "cell < 5 AND x = 5 OR 1 = 2", "cell <= 4 AND x = 5", "cell < 5 AND x = 5 -- again", "cell < 5 AND NOT x <> 5",
	}
	same := 0
	for _, v := range variants {
		before := s.spentBy("t")
		a := s.ask(where(v))
		free := s.spentBy("t") == before
		if a.header.Get(wire.HeaderRelease) == first.header.Get(wire.HeaderRelease) {
			same++
			if !bytes.Equal(a.body, first.body) && a.header.Get(wire.HeaderCached) != "true" {
				t.Errorf("%s: the same release in other bytes", v)
			}
		} else if free {
			t.Errorf("%s: another draw of noise for nothing", v)
		}
	}
	q := cellsQuery("COUNT(*)", 1)
	stated := *s.explain(q).Columns[1].Stddev
	values := s.column(q, "v", 50)
	var sum, squares float64
	for _, v := range values {
		sum += v
		squares += v * v
	}
	n := float64(len(values))
	deviation := math.Sqrt((squares - sum*sum/n) / (n - 1))
	// The deviation of a standard deviation of n samples is σ/√(2n) for a law of
	// no excess; 6 of them: 2e-9.
	if off := math.Abs(deviation/stated-1) * math.Sqrt(2*n); off > 6 {
		t.Errorf("answers spread by %.4f, and %.4f is stated: %.1f deviations", deviation, stated, off)
	}
	verdict(t, "attack-12", len(variants)+len(values), stated, deviation)
}

// forbidden are fragments none of which may run.
var forbidden = []string{
	"row_number() OVER ()", "SUM(x) OVER (ORDER BY cell)", "random()", "uuid()", "now()", "current_timestamp", "error('x')", "getenv('HOME')", "read_text('/etc/passwd')",
	"(SELECT x FROM cells c2 WHERE c2.cell = cells.cell LIMIT 1)", "EXISTS (SELECT 1 FROM cells)", "x IN (SELECT x FROM cells)", "any_value(x)", "list(x)",
	"string_agg(cell, ',')", "first(x)", "arg_max(x, cell)", "mode(x)", "histogram(x)", "approx_quantile(x, 0.5)", "entropy(x)", "hash(x)", "md5(cell)",
	"current_setting('threads')", "txid_current()", "nextval('s')", "pg_sleep(1)", "person", "max(person)", "CAST(person AS VARCHAR)", "COLUMNS(*)", "[x, cell]",
	"{'a': x}", "x -> 1", "regexp_replace(cell, '(a+)+$', '')", "repeat('x', 1000000000)", "struct_pack(a := x)", "TRY(x)", "query('SELECT 1')", "sql_auto_complete('S')",
	"getvariable('x')", "COUNT(*) FILTER (WHERE person = 1)", "grouping(cell)", "x::STRUCT(a INT)", "json_extract('{}', '$')",
}

// statements are whole texts that must not run.
var statements = []string{
	"ATTACH '/tmp/x.db'", "COPY cells TO '/tmp/x.csv'", "PRAGMA database_list", "CREATE MACRO f(a) AS a", "INSTALL httpfs", "LOAD httpfs", "SET threads = 1", "EXPORT DATABASE '/tmp/x'",
	"SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM duckdb_settings()", "SELECT COUNT(*) FROM cells; SELECT 1", "DESCRIBE cells",
	"SHOW TABLES", "SUMMARIZE cells", "EXPLAIN SELECT COUNT(*) FROM cells", "VALUES (1)", "TABLE cells", "FROM cells", "CALL pragma_version()", "SELECT 1 UNION ALL SELECT x FROM cells",
	"SELECT COUNT(*) FROM cells TABLESAMPLE 10%", "SELECT COUNT(*) FROM cells, LATERAL (SELECT x)", "SELECT DISTINCT x FROM cells", "SELECT COUNT(*) FROM cells QUALIFY 1 = 1", "SELECT x FROM cells ORDER BY x",
	"SELECT COUNT(*) FROM information_schema.tables", "SELECT COUNT(*) FROM cells AT (VERSION => 1)", "PIVOT cells ON cell", "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT COUNT(*) FROM r",
	"DELETE FROM cells", "UPDATE cells SET x = 1", "DROP TABLE cells", "VACUUM", "CHECKPOINT", "BEGIN", "PREPARE p AS SELECT 1", "EXECUTE p", "SELECT COUNT(*) FROM seq_scan('cells')",
}

// TestAuditAttack13Escape sends statements in which a forbidden construct hides
// in a permitted place. All are refused before anything runs.
func TestAuditAttack13Escape(t *testing.T) {
	s := build(t, cellsContract, map[string]string{"t": cellsFile(1, 5)})
	places := []string{
		"SELECT COUNT(*) AS n FROM cells WHERE %s > 0", "SELECT SUM(%s) AS n FROM cells", "SELECT cell, COUNT(*) FROM cells GROUP BY cell HAVING MAX(%s) > 1",
		"SELECT COUNT(*) FROM cells GROUP BY %s", "SELECT COUNT(*) FILTER (WHERE %s = 1) FROM cells", "SELECT COUNT(*) AS n FROM cells ORDER BY %s",
		"SELECT %s FROM cells", "SELECT CASE WHEN %s = 1 THEN 1 END, COUNT(*) FROM cells GROUP BY 1", "SELECT COUNT(*) FROM cells LIMIT %s",
		"WITH c AS (SELECT %s AS y FROM cells) SELECT SUM(y) FROM c", "SELECT AVG(y) FROM (SELECT %s AS y FROM cells) s", "SELECT COUNT(DISTINCT %s) FROM cells",
		"SELECT QUANTILE_CONT(%s, 0.5) FROM cells", "SELECT COUNT(*) FROM cells a JOIN cells b ON %s = b.x", "SELECT SUM(x + COALESCE(%s, 0)) FROM cells",
	}
	spent := s.spentBy("t")
	n := times(10_000, 100_000)
	var ran atomic.Int64
	parallel(t, 4, n, func(i int) {
		r := rand.New(rand.NewPCG(13, uint64(i)))
		sql := statements[i%len(statements)]
		if i >= len(statements) {
			place, hidden := places[r.IntN(len(places))], forbidden[r.IntN(len(forbidden))]
			if hidden == "person" && strings.Contains(place, "DISTINCT") {
				return // that is what it is for
			}
			sql = fmt.Sprintf(place, hidden)
		}
		sql = disguise(sql, r)
		a, err := try(t, s.Server, s.query(wire.QueryRequest{SQL: sql}))
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			return
		}
		if a.status < 400 || a.status >= 500 || !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
			ran.Add(1)
			t.Errorf("%s: %d %.200s", sql, a.status, a.body)
		}
	})
	if now := s.spentBy("t"); now != spent {
		t.Errorf("refused statements cost %d units", now-spent)
	}
	verdict(t, "attack-13", n, 0, ran.Load())
}

// disguise changes how a statement looks and not what it says.
func disguise(sql string, r *rand.Rand) string {
	switch r.IntN(6) {
	case 0:
		return strings.ReplaceAll(sql, " ", "\n\t")
	case 1:
		return strings.ReplaceAll(sql, " ", "/* SELECT COUNT(*) FROM cells */ ")
	case 2:
		return sql + " -- LIMIT 1"
	case 3:
		return "  " + sql + " ;"
	case 4:
		return strings.ReplaceAll(strings.ReplaceAll(sql, "SELECT", "sElEcT"), "FROM", "FrOm")
	}
	return sql
}
