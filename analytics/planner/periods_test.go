package planner

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/periods"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// clinicTable holds a row for each of many moments: around the ends of periods
// and of the calendar, far beyond it, and without a date.
func clinicTable(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	db.SetMaxOpenConns(1)
	for _, s := range []string{
		"ATTACH ':memory:' AS seg",
		"CREATE TABLE seg.rows (_unit UBIGINT, seen TIMESTAMP, booked DATE, ward VARCHAR, cost DECIMAL(9,2), age INTEGER)",
		`INSERT INTO seg.rows SELECT row_number() OVER (), seen, DATE '2024-02-01', 'a', 1, row_number() OVER () % 7 FROM (
			SELECT TIMESTAMP '2023-11-28 00:00:00' + to_hours(7 * i::INTEGER) AS seen FROM range(900) r(i)
			UNION ALL SELECT make_timestamp(1704067200000000 + d * 86400000000 + e) FROM range(0, 190) r(d), (VALUES (-1), (0), (1)) v(e)
			UNION ALL SELECT unnest([TIMESTAMP 'infinity', TIMESTAMP '-infinity', NULL, TIMESTAMP '294247-01-10 04:00:54', TIMESTAMP '290309-12-22 (BC) 00:00:00',
				TIMESTAMP '0001-01-01', TIMESTAMP '9999-12-31 23:59:59.999999', TIMESTAMP '1969-12-31 23:59:59.999999']))`,
	} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// passing returns the units and periods of the rows that a statement keeps.
func passing(t interface{ Fatal(...any) }, db *sql.DB, per *contract.BudgetPer, statement string) (units []uint64, periods map[string]bool) {
	rows, err := db.Query("SELECT r._unit, date_diff('day', DATE '1970-01-01', CASE WHEN isfinite(seen) THEN seen END) FROM seg.rows r JOIN (" +
		statement + ") s(_unit) ON r._unit = s._unit ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	periods = map[string]bool{}
	for rows.Next() {
		var unit uint64
		var day *int64
		if err := rows.Scan(&unit, &day); err != nil {
			t.Fatal(err)
		}
		units = append(units, unit)
		if day == nil {
			periods[contract.PeriodOther] = true
		} else {
			periods[per.PeriodOf(*day)] = true
		}
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return units, periods
}

func drawDates(t *rapid.T, depth int) string {
	if depth > 0 && rapid.Bool().Draw(t, "compound") {
		sub := func() string { return drawDates(t, depth-1) }
		return fmt.Sprintf(rapid.SampledFrom([]string{"(%s AND %s)", "(%s OR %s)", "(NOT (%s AND %s))", "(NOT (%s OR %s))", "(%s AND (%s OR age = 3))"}).Draw(t, "junction"), sub(), sub())
	}
	day := rapid.SampledFrom([]string{"2023-12-31", "2024-01-01", "2024-01-02", "2024-02-29", "2024-03-31", "2024-04-01", "2024-06-30", "2024-07-01", "2024-08-15"}).Draw(t, "day")
	moment := day + rapid.SampledFrom([]string{"", " 00:00:00.000001", " 12:30:00", " 23:59:59.999999"}).Draw(t, "time")
	op := rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">="}).Draw(t, "op")
	part := rapid.SampledFrom([]string{"year", "quarter", "month", "week", "day", "hour", "minute"}).Draw(t, "part")
	return rapid.SampledFrom([]string{
		fmt.Sprintf("seen %s '%s'", op, moment),
		fmt.Sprintf("TIMESTAMP '%s' %s seen", moment, op),
		fmt.Sprintf("CAST(seen AS DATE) %s DATE '%s'", op, day),
		fmt.Sprintf("date_trunc('%s', seen) %s TIMESTAMP '%s'", part, op, moment),
		fmt.Sprintf("date_trunc('%s', CAST(seen AS DATE)) %s '%s'", part, op, day),
		fmt.Sprintf("date_trunc('month', seen) %s TIMESTAMP '2024-04-01'", op),
		fmt.Sprintf("date_trunc('quarter', CAST(seen AS DATE)) %s '2024-04-01'", op),
		fmt.Sprintf("year(seen) %s 2024", op),
		fmt.Sprintf("year(CAST(seen AS DATE)) %s 2023", op),
		fmt.Sprintf("seen IN ('%s', '2024-05-05')", moment),
		fmt.Sprintf("seen NOT IN ('%s', '2024-05-05')", moment),
		fmt.Sprintf("seen BETWEEN '2024-02-10' AND '%s'", moment),
		"seen IS NULL", "seen IS NOT NULL", "month(seen) = 2", "age > 3", "coalesce(seen, '2024-01-05') < '2024-02-01'",
	}).Draw(t, "condition")
}

// TestThePeriodsOfAFilterAreThoseOfItsRows: every row that a filter lets through
// lies in a period that is charged; the plan keeps exactly the rows that the
// filter does, and reads none of a period that it does not name.
func TestThePeriodsOfAFilterAreThoseOfItsRows(t *testing.T) {
	f, db := newFixture(t), clinicTable(t)
	per := f.contracts["clinic"].BudgetPer
	unbudgeted := newFixture(t) // whose plans have the filter as it is written
	without := *unbudgeted.contracts["clinic"]
	without.BudgetPer = nil
	unbudgeted.contracts["clinic"] = &without
	rowsOf := func(t interface{ Fatal(...any) }, b *plan.Bound) ([]uint64, map[string]bool) {
		st, err := sqlgen.Generate(b, sqlgen.Relation{Catalog: "seg", Tenant: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		return passing(t, db, per, "SELECT x FROM ("+st.SQL+") t(x)")
	}
	rapid.Check(t, func(t *rapid.T) {
		where := drawDates(t, 2)
		sql := "SELECT COUNT(*) FROM clinic WHERE " + where
		written, err := unbudgeted.plan(sql, Request{})
		if err != nil {
			t.Fatal(where, err)
		}
		original, touched := rowsOf(t, written.Plan)
		p, err := f.plan(sql, Request{})
		if err != nil {
			if privacy.CodeOf(err) != privacy.CodeQueryNotPermitted || len(original) > 0 {
				t.Fatalf("%s, which keeps %d rows: %v", where, len(original), err)
			}
			return
		}
		for name := range touched {
			if !slices.Contains(p.Periods, name) {
				t.Fatalf("%s keeps rows of %s, and charges %v", where, name, p.Periods)
			}
		}
		kept, _ := rowsOf(t, p.Plan)
		if !slices.Equal(kept, original) {
			t.Fatalf("%s keeps %d rows, the plan %d", where, len(original), len(kept))
		}
		// Even if the periods were wrong: the condition alone keeps to the periods.
		alone := *p.Plan
		alone.Filter = periods.Of(f.contracts["clinic"]).Only(p.Periods)
		_, read := rowsOf(t, &alone)
		for name := range read {
			if !slices.Contains(p.Periods, name) {
				t.Fatalf("%s reads rows of %s, and charges %v", where, name, p.Periods)
			}
		}
	})
}

// TestPeriodsDoNotDependOnSpelling: a period is charged for what a filter can
// let through, not for how it is written.
func TestPeriodsDoNotDependOnSpelling(t *testing.T) {
	f := newFixture(t)
	for _, same := range [][]string{
		{"seen >= '2024-02-01' AND seen < '2024-03-01'", "date_trunc('month', seen) = TIMESTAMP '2024-02-01'", "CAST(seen AS DATE) BETWEEN '2024-02-01' AND '2024-02-29'",
			"NOT (seen < '2024-02-01' OR '2024-03-01' <= seen)", "seen BETWEEN '2024-02-01' AND '2024-02-29 23:59:59.999999'"},
		{"seen < '2024-01-01'", "year(seen) < 2024 AND seen IS NOT NULL", "CAST(seen AS DATE) <= '2023-12-31'"},
	} {
		want := ""
		for _, where := range same {
			p, err := f.plan("SELECT COUNT(*) FROM clinic WHERE "+where, Request{})
			if err != nil {
				t.Fatal(where, err)
			}
			got := strings.Join(p.Periods, " ")
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s touches %s, but %s %s", same[0], want, where, got)
			}
		}
	}
}
