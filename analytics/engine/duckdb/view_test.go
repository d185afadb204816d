package duckdb

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/privacy"
)

// A file in which the rows are a view could have the rows of another tenant be its own,
// as often as it likes: files are attached beside one another. It is refused.
func TestViewsAreNoRows(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	victim := engine.Segment{Tenant: "a", Path: w.segment(dir, "a", "SELECT 1::UBIGINT AS _unit")}
	path := filepath.Join(dir, "b.duckdb")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"ATTACH ':memory:' AS s0", "CREATE TABLE s0.main.rows (_unit UBIGINT)",
		"CREATE VIEW main.rows AS SELECT _unit FROM s0.main.rows, range(1000)", "CHECKPOINT",
	} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, Options{})
	got, err := e.Run(context.Background(), engine.Input{Plan: countPlan(), Segments: []engine.Segment{victim, {Tenant: "b", Path: path}}})
	if got != nil || privacy.CodeOf(err) != privacy.CodeInternal {
		if got != nil {
			t.Errorf("%d rows of one", total(got.Draws[0]))
		}
		t.Errorf("a view was read: %v", err)
	}
}
