package duckdb

import (
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
)

// A reader runs its last statement again from the start, and another one when
// asked for something else in between, also after one that failed.
func TestStatementsAreReused(t *testing.T) {
	w := newWriter(t)
	segment := engine.Segment{Tenant: "a", Path: w.segment(t.TempDir(), "a", "SELECT i::UBIGINT AS _unit, i % 7 AS k FROM range(5000) t(i)")}
	e := newEngine(t, Options{})
	all, some, broken := countPlan(), countPlan(), countPlan()
	k := column("k", plan.KindBigint)
	some.Filter = call("<", k, lit(plan.IntValue(plan.Of(plan.KindBigint), 2)))
	broken.Filter = call("<", column("missing", plan.KindBigint), lit(plan.IntValue(plan.Of(plan.KindBigint), 2)))
	var kept []string
	for i, tt := range []struct {
		plan *plan.Bound
		rows int64
	}{{all, 5000}, {all, 5000}, {some, 1430}, {some, 1430}, {all, 5000}, {broken, -1}, {all, 5000}} {
		if tt.rows < 0 {
			if _, err := e.Run(t.Context(), engine.Input{Plan: tt.plan, Segments: []engine.Segment{segment}}); err == nil {
				t.Fatal("a missing column is no error")
			}
			continue
		}
		if got := total(mustRun(t, e, tt.plan, segment).Draws[0]); got != tt.rows {
			t.Errorf("run %d: %d rows, want %d", i, got, tt.rows)
		}
		kept = append(kept, e.instances.Statements()...)
	}
	if len(kept) != 6 || kept[0] == "" || kept[1] != kept[0] || kept[2] == kept[0] || kept[5] != kept[0] {
		t.Errorf("readers keep %q", kept)
	}
}
