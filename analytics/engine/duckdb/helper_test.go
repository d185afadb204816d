package duckdb

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // the driver that writes the tests' segments

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// writer makes segment files as ingestion does: a table of rows in the given
// order, and a table of facts about it. It is a second DuckDB, with another
// interface than the engine's.
type writer struct {
	t  testing.TB
	db *sql.DB
}

func newWriter(t testing.TB) *writer {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return &writer{t: t, db: db}
}

func (w *writer) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(query, args...); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

// segment writes the result of a SELECT, whose first column is _unit, as a new
// segment.
func (w *writer) segment(dir, name, query string) string {
	w.t.Helper()
	path := filepath.Join(dir, name+".duckdb")
	w.exec(fmt.Sprintf("ATTACH '%s' AS seg", path))
	w.exec("CREATE TABLE seg.rows AS " + query)
	w.exec("CREATE TABLE seg.meta (key VARCHAR, value VARCHAR)")
	w.exec("INSERT INTO seg.meta VALUES ('format_version', '1')")
	w.exec("DETACH seg")
	if err := os.Chmod(path, 0o400); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func newEngine(t testing.TB, o Options) *Engine {
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func column(name string, k plan.Kind) *plan.Column { return &plan.Column{Name: name, Type: plan.Of(k)} }

func call(f string, args ...plan.Expr) plan.Expr { return &plan.Call{Func: f, Args: args} }

func lit(v plan.Value) plan.Expr { return &plan.Literal{Value: v} }

func texts(values ...string) []plan.Value {
	var out []plan.Value
	for _, v := range values {
		out = append(out, plan.StringValue(v))
	}
	return out
}

// total returns what one draw sums to over all groups.
func total(draw []privacy.Int128) int64 {
	var sum privacy.Int128
	for _, v := range draw {
		sum = sum.Add(v)
	}
	return sum.Clamp(privacy.MaxRelease)
}
