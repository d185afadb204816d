package duckdb

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/reduce"
)

// byRanks plans a question about trade, where loads enforce max_rows.
func (a asker) byRanks(t testing.TB, sql string, rows int) *plan.Bound {
	t.Helper()
	c, err := contractparse.Parse([]byte(strings.Replace(trade, "{max_partitions: %d, max_rows_per_partition: %d}", fmt.Sprintf("{max_rows: %d}", rows), 1)))
	if err != nil {
		t.Fatal(err)
	}
	sel, err := a.parser.Parse(t.Context(), sql)
	if err == nil {
		sel, err = reduce.Reduce(sel, planner.Columns(c))
	}
	if err != nil {
		t.Fatal(sql, err)
	}
	priced, err := planner.Plan(sel, planner.Dataset{Contract: c, Members: []string{"north", "south"}}, planner.Request{})
	if err != nil {
		t.Fatal(sql, err)
	}
	return priced.Plan
}

// gather makes tables of all segments' rows, with their ranks, where u is the
// unit with its tenant.
func (w *writer) gather(segments []engine.Segment) {
	for table, columns := range stored {
		if columns = "u VARCHAR, " + columns; ranksOf[table] != "" {
			columns += `, "_row" BIGINT`
		}
		if table == "buy" {
			columns += `, "_row:number" BIGINT`
		}
		w.exec("CREATE OR REPLACE TABLE " + table + " (" + columns + ")")
	}
	for _, s := range segments {
		w.exec("ATTACH '" + s.Path + "' AS seg (READ_ONLY)")
		if s.Tenant == "" {
			w.exec("INSERT INTO " + s.Table + " SELECT '', COLUMNS(c -> c NOT LIKE '_code:%') FROM seg.rows")
		} else {
			w.exec("INSERT INTO " + s.Table + " SELECT '" + s.Tenant + "' || _unit, COLUMNS(c -> c <> '_unit' AND c NOT LIKE '_code:%') FROM seg.rows")
		}
		w.exec("DETACH seg")
	}
}

// TestRankedJoinsAreThoseOfSQL: of the table that is joined with all of its rows
// a unit has the m of the lowest rank, of the others one row of each key, as
// plain SQL says; and a public table that has several rows for one of theirs
// makes the engine stream, within the same limits.
func TestRankedJoinsAreThoseOfSQL(t *testing.T) {
	a, w := newAsker(t, 1, 1), newWriter(t)
	const m = 3
	person, buy, item := `(SELECT * FROM person WHERE "_row" = 0)`, `(SELECT * FROM buy WHERE "_row:number" = 0)`, fmt.Sprintf(`(SELECT * FROM item WHERE "_row" < %d)`, m)
	pairs := []struct{ asked, plain string }{
		{"SELECT SUM(price) FROM trade.buy, trade.item WHERE buy = number AND shop = 'a'",
			"SELECT coalesce(sum(least(20, greatest(0, price))), 0) FROM " + buy + " b JOIN " + item + " i ON b.u = i.u AND i.buy = b.number WHERE shop = 'a'"},
		{"SELECT COUNT(*) FROM trade.person, trade.buy, trade.item WHERE id = buyer AND buy = buy.number AND home = 'a'",
			"SELECT count(*) FROM " + person + " p JOIN " + buy + " b ON p.u = b.u JOIN " + item + " i ON b.u = i.u AND i.buy = b.number WHERE home = 'a'"},
		{"SELECT COUNT(*) FROM trade.person, trade.buy WHERE id = buyer AND age > 10",
			fmt.Sprintf(`SELECT count(*) FROM %s p JOIN (SELECT * FROM buy WHERE "_row" < %d) b ON p.u = b.u WHERE age > 10`, person, m)},
	}
	public := "SELECT COUNT(*) FROM trade.person JOIN trade.city ON home = name"
	for seed := range examples {
		e := newEngine(t, Options{Threads: 1 + seed%2*7})
		segments := load(t, w, rapid.Custom(drawRows).Example(200+seed), 1)
		w.gather(segments)
		for _, q := range pairs {
			p, want := a.byRanks(t, q.asked, m), int64(0)
			if p.Strategy.Bounding != plan.BoundRows {
				t.Fatalf("%s is bounded by %s", q.asked, p.Strategy)
			}
			if err := w.db.QueryRow(q.plain).Scan(&want); err != nil {
				t.Fatal(q.plain, err)
			}
			if got := total(e.answer(t, p, segments).Draws[0]); got != want {
				t.Errorf("%s\ngot %d, want %d", q.asked, got, want)
			}
		}
		p := a.byRanks(t, public, m)
		ranked, streamed := e.answer(t, p, segments), e.answer(t, planner.Streamed(p), segments)
		var most int64
		if err := w.db.QueryRow("SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM city WHERE name IS NOT NULL GROUP BY name)").Scan(&most); err != nil {
			t.Fatal(err)
		}
		if most > 1 && total(ranked.Draws[0]) != total(streamed.Draws[0]) {
			t.Errorf("where a row meets %d of a public table: %v, streamed %v", most, ranked, streamed)
		}
	}
}
