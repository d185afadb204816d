package planner

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // the engine that plans are rendered for
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
)

// shopTable opens a database with one segment of the shop dataset, attached as
// "seg".
func shopTable(t *testing.T, rows string) *sql.DB {
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
		`CREATE TABLE seg.rows (_unit UBIGINT, city VARCHAR, region VARCHAR, grade INTEGER, paid BOOLEAN, ordered DATE, shipped TIMESTAMP,
			price DECIMAL(10,2), discount DECIMAL(3,2), weight DOUBLE, items SMALLINT)`,
		"INSERT INTO seg.rows " + rows,
	} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// poison holds rows at the edges of every type: each must be just another row.
const poison = `VALUES
	(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(2, '', 'north', 2147483647, TRUE, DATE '5881580-07-10', TIMESTAMP '294247-01-10 04:00:54.775806', 99999999.99, 9.99, 'nan'::DOUBLE, 32767),
	(3, repeat('x', 1000), 'south', -2147483648, FALSE, DATE '5877642-06-25 (BC)', TIMESTAMP '290309-12-22 (BC) 00:00:00', -99999999.99, -9.99, 'inf'::DOUBLE, -32768),
	(4, '%_\', 'east', 0, TRUE, DATE 'infinity', TIMESTAMP 'infinity', 0, 0, '-inf'::DOUBLE, 0),
	(5, '1e999', 'x', 1, FALSE, DATE '-infinity', TIMESTAMP '-infinity', 0.01, 0.01, 1.7976931348623157e308, 1),
	(6, 'é🙂', '2024-02-30', -1, TRUE, DATE '0001-01-01', TIMESTAMP '9999-12-31 23:59:59', -0.01, 1, -5e-324, -1),
	(7, '12', '9', 7, TRUE, DATE '2024-02-29', TIMESTAMP '2024-02-29 12:00:00', 7, 0.5, -0.0, 7)`

// run executes the statement of a plan and returns the number of its rows.
func run(db *sql.DB, b *plan.Bound) (int, error) {
	st, err := sqlgen.Generate(b, sqlgen.Relation{Catalog: "seg", Tenant: "acme"})
	if err != nil {
		return 0, err
	}
	n := 0
	err = db.QueryRow("SELECT count(*) FROM (SELECT * FROM (" + st.SQL + ") OFFSET 0)").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, st.SQL)
	}
	rows, err := db.Query(st.SQL) // every column, which a count might leave out
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, st.SQL)
	}
	defer rows.Close()
	for rows.Next() {
	}
	return n, rows.Err()
}

// TestPermittedQueriesNeverFail: no row makes a permitted query fail, since its
// failing would tell that the row exists.
func TestPermittedQueriesNeverFail(t *testing.T) {
	f, db := newFixture(t), shopTable(t, poison)
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			q, ok := strings.CutPrefix(line, "> ")
			if !ok {
				continue
			}
			p, err := f.plan(q, Request{})
			if err != nil || p.Plan.Dataset != "shop" {
				continue
			}
			ran++
			if _, err := run(db, p.Plan); err != nil {
				t.Errorf("%s\n%v", q, err)
			}
		}
	}
	if ran < 30 {
		t.Errorf("only %d queries ran", ran)
	}
}

// TestPermittedExpressionsNeverFail does the same for random, well-typed trees.
func TestPermittedExpressionsNeverFail(t *testing.T) {
	f, db := newFixture(t), shopTable(t, poison)
	ds := Dataset{Contract: f.contracts["shop"], Members: members}
	count := &plan.Aggregate{Func: "count", Star: true}
	rapid.Check(t, func(t *rapid.T) {
		e := drawTyped(t, anyKind(t), 4)
		for _, sel := range []*plan.Select{
			{Where: e, Items: []plan.Item{{Expr: count}}},
			{Where: &plan.Call{Func: "is not null", Args: []plan.Expr{e}}, Items: []plan.Item{{Expr: count}}},
			{Items: []plan.Item{{Expr: &plan.Aggregate{Func: "avg", Args: []plan.Expr{e}}}}},
			{Items: []plan.Item{{Expr: &plan.Aggregate{Func: "count", Args: []plan.Expr{e}}}}},
		} {
			sel.From = &plan.Table{Dataset: "shop"}
			p, err := Plan(sel, ds, Request{})
			if err != nil {
				continue
			}
			if _, err := run(db, p.Plan); err != nil {
				t.Fatalf("%s\n%v", plan.Print(e), err)
			}
		}
	})
}

// TestConditionsMeanWhatTheySay compares what a plan keeps with DuckDB's own
// reading of the same condition.
func TestConditionsMeanWhatTheySay(t *testing.T) {
	f := newFixture(t)
	db := shopTable(t, `SELECT i, ['north', 'ab', 'x', NULL, 'abc'][i % 5 + 1], ['north', 'south', 'east', NULL][i % 4 + 1], (i * 7) % 12, i % 3 = 0,
		DATE '2024-02-01' + (i % 60)::INTEGER, TIMESTAMP '2023-12-15 10:00:00' + to_days((i % 40)::INTEGER), (i % 30) / 10, 0.5, (i % 17) / 4 - 2, i % 13
		FROM range(400) r(i)`)
	if _, err := db.Exec("CREATE VIEW shop AS SELECT *, 'acme' AS tenant FROM seg.rows"); err != nil {
		t.Fatal(err)
	}
	ways := append([][]string{
		{"NOT (region = 'north' AND paid)", "CASE WHEN paid THEN grade ELSE items END > 4", "coalesce(city, 'x') = 'x'", "nullif(grade, 3) IS NULL"},
		{"grade % 2 = 1", "grade // 2 = 1", "price * 2 + weight / 3 > 1", "greatest(grade, items) = 7", "least(price, weight, 1) < 0", "-weight > 1"},
		{"city LIKE 'a%'", "city NOT LIKE '_b'", "lower(upper(city)) = 'ab'", "length(city) = 2", "contains(city, 'b')", "starts_with(city, 'n')"},
		{"month(ordered) = 2", "dayofweek(ordered) = 0", "date_trunc('month', shipped) = TIMESTAMP '2024-01-01'", "quarter(shipped) = 4", "ordered > shipped"},
		{"CAST(price AS INTEGER) = 1", "CAST(grade AS VARCHAR) = '7'", "CAST(shipped AS DATE) = ordered", "TRY_CAST(city AS INTEGER) IS NULL", "round(weight) = 1"},
		{"abs(weight) > 1", "sign(weight) = -1", "floor(weight) = -1", "ceil(price) = 2", "round(price, 1) = 1.5", "concat(city, region) = 'ab'", "city || region IS NULL"},
		{"grade > 3 AND NULL", "grade > 3 OR NULL", "grade NOT IN (1, 2, 3)", "NOT (grade IN (1, 2))", "trim(' ' || city) = 'ab'"},
	}, conditions...)
	for _, same := range ways {
		for _, where := range same {
			p, err := f.plan("SELECT COUNT(*) FROM shop WHERE "+where, Request{})
			if err != nil {
				t.Fatal(where, err)
			}
			got, err := run(db, p.Plan)
			if err != nil {
				t.Fatal(where, err)
			}
			want := 0
			if err := db.QueryRow("SELECT count(*) FROM shop WHERE " + where).Scan(&want); err != nil {
				t.Fatal(where, err)
			}
			if got != want {
				t.Errorf("%s keeps %d rows, DuckDB %d: %s", where, got, want, plan.Print(p.Plan.Filter))
			}
		}
	}
}
