package duckdb

import (
	"os"
	"slices"
	"testing"

	"github.com/noised/noised/analytics/engine"
)

// What another process removed is closed, and nothing else is.
func TestForgetGone(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	one, two := w.segment(dir, "one", "SELECT 1::UBIGINT AS _unit"), w.segment(dir, "two", "SELECT 2::UBIGINT AS _unit")
	e := newEngine(t, Options{})
	segment := func(path string) engine.Segment { return engine.Segment{Tenant: "a", Path: path} }
	mustRun(t, e, countPlan(), segment(one), segment(two))
	mustRun(t, e, countPlan(), segment(two))
	e.ForgetGone()
	if n := e.instances.Len(); n != 2 {
		t.Errorf("%d instances are open, want both", n)
	}
	if err := os.Remove(one); err != nil {
		t.Fatal(err)
	}
	e.ForgetGone()
	if open := e.instances.Paths(); !slices.Equal(open, []string{two}) {
		t.Errorf("open are %v", open)
	}
	if got := mustRun(t, e, countPlan(), segment(two)); total(got.Draws[0]) != 1 {
		t.Errorf("the other one: %v", got)
	}
}
