package reduce_test

import (
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestTheReducedQueryHasTheSameAnswer runs each query of the script as it was
// written and as it was reduced, over random rows with NULLs and repeats.
func TestTheReducedQueryHasTheSameAnswer(t *testing.T) {
	script, err := os.ReadFile("testdata/reduced.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := newParser(t)
	type pair struct{ written, reduced string }
	var pairs []pair
	for _, line := range strings.Split(string(script), "\n") {
		if q, ok := strings.CutPrefix(line, "> "); ok {
			sel, err := parse(p, q)
			if err != nil {
				t.Fatal(q, err)
			}
			pairs = append(pairs, pair{q, sqlOf(sel)})
		}
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(t rapid.TB, s string) {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(s, err)
		}
	}
	exec(t, `CREATE SCHEMA shop`)
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.SampledFrom([]string{"NULL", "0", "1", "2", "7", "18", "40"})
		text := rapid.SampledFrom([]string{"NULL", "'a'", "'b'", "'c'", "'x'"})
		fill := func(table, columns string, kinds ...*rapid.Generator[string]) {
			exec(t, "CREATE OR REPLACE TABLE "+table+" ("+columns+")")
			var rows []string
			for range rapid.IntRange(0, 8).Draw(t, "rows") {
				var row []string
				for i, k := range kinds {
					row = append(row, k.Draw(t, fmt.Sprint(table, i)))
				}
				rows = append(rows, "("+strings.Join(row, ", ")+")")
			}
			if len(rows) > 0 {
				exec(t, "INSERT INTO "+table+" VALUES "+strings.Join(rows, ", "))
			}
		}
		tenant := rapid.Just("'t'")
		fill("visits", "patient INT, ward VARCHAR, day INT, cost INT, age INT, tenant VARCHAR", number, text, number, number, number, tenant)
		fill("shop.people", "p_id INT, p_city VARCHAR, p_age INT, tenant VARCHAR", number, text, number, tenant)
		fill("shop.orders", "o_id INT, o_person INT, o_total INT, o_kind VARCHAR, tenant VARCHAR", number, number, number, text, tenant)
		fill("shop.city", "city VARCHAR, region VARCHAR", text, text)
		for _, q := range pairs {
			want, got := rowsOf(t, db, q.written), rowsOf(t, db, q.reduced)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s\n%s\n%s", q.written, q.reduced, diff)
			}
		}
	})
}

func rowsOf(t *rapid.T, db *sql.DB, query string) []string {
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(query, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, v := range values {
			line += fmt.Sprintf("%v|", *v.(*any))
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(query, err)
	}
	slices.Sort(out)
	return out
}
