package duckdb

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// Every unit of every relation is in exactly one part, and of a person's
// relations all are in one.
func TestPartsHaveEachUnitOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Threads: rapid.IntRange(1, 9).Draw(t, "threads"), partRows: 10, maxStreams: 3}
		p := &plan.Bound{Scope: rapid.SampledFrom([]plan.Scope{plan.ScopePerson, plan.ScopeTenant}).Draw(t, "scope")}
		rows := map[string]int64{}
		var relations []sqlgen.Relation
		for i := range rapid.IntRange(1, 9).Draw(t, "relations") {
			of := sqlgen.Relation{Catalog: fmt.Sprint("s", i), Tenant: rapid.SampledFrom(tenantNames).Draw(t, "tenant")}
			rows[of.Catalog] = rapid.Int64Range(0, 300).Draw(t, "rows")
			relations = append(relations, of)
		}
		unit := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1<<64 - 1, 1 << 63, 1<<63 - 1})).Draw(t, "unit")
		parts, met := o.parts(p, relations, rows), map[string]int{}
		for _, part := range parts {
			of := 0
			for _, r := range part.relations {
				if unit >= r.Units.From && (r.Units.Below == 0 || unit < r.Units.Below) {
					of++
					met[r.Catalog]++
				}
			}
			if of != 0 && of != len(part.relations) || p.Scope == plan.ScopePerson && len(part.relations) != len(relations) {
				t.Fatalf("a part has unit %d of %d of %d relations", unit, of, len(part.relations))
			}
		}
		for _, r := range relations {
			if met[r.Catalog] != 1 {
				t.Fatalf("unit %d of %s is in %d of %d parts", unit, r.Catalog, met[r.Catalog], len(parts))
			}
		}
	})
}

// Little data is not worth more statements than it has segments, and much is
// worth one for each thread.
func TestPartsFollowTheNumberOfRows(t *testing.T) {
	for _, tt := range []struct {
		name           string
		streams, rows  int64
		scope          plan.Scope
		joined         bool
		parts, threads int
	}{
		{"nothing", 1, 0, plan.ScopePerson, false, 1, 8},
		{"a little", 14, 73_000, plan.ScopePerson, false, 1, 8},
		{"enough for two threads", 14, 300_000, plan.ScopePerson, false, 2, 8},
		{"enough for all", 14, 4_000_000, plan.ScopePerson, false, 8, 8},
		{"enough in one stream", 1, 20_000_000, plan.ScopePerson, false, 8, 2},
		{"a join", 1, 20_000_000, plan.ScopePerson, true, 2, 2},
		{"tenants of their own", 100, 2_000_000, plan.ScopeTenant, false, 100, 2},
		{"too many streams at once", 1000, 20_000_000, plan.ScopePerson, false, 5, 2},
	} {
		p := &plan.Bound{Scope: tt.scope, Draws: make([]plan.Draw, 1)}
		if tt.joined {
			p.Sources = make([]plan.Source, 2)
		}
		rows := map[string]int64{}
		var relations []sqlgen.Relation
		for i := range tt.streams {
			name := fmt.Sprint("s", i)
			rows[name] = tt.rows / tt.streams
			relations = append(relations, sqlgen.Relation{Catalog: name, Tenant: name})
		}
		if got := len(Options{Threads: tt.threads}.withDefaults().parts(p, relations, rows)); got != tt.parts {
			t.Errorf("%s: %d parts, want %d", tt.name, got, tt.parts)
		}
	}
}

// A segment whose units go back within a range fails the run, whatever the ranges.
func TestUnorderedRangeFailsClosed(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	path := w.segment(dir, "a", "SELECT (CASE WHEN i = 7000 THEN 6990 ELSE i END * 2000000000000000::UBIGINT)::UBIGINT AS _unit FROM range(9000) t(i)")
	for _, o := range []Options{{Threads: 1}, {Threads: 2, partRows: 1}, {Threads: 8, partRows: 1}} {
		got, err := newEngine(t, o).Run(context.Background(), engine.Input{Plan: countPlan(), Segments: []engine.Segment{{Tenant: "a", Path: path}}})
		if got != nil || privacy.CodeOf(err) != privacy.CodeInternal {
			t.Errorf("%+v: got %v, %v; want an internal error", o, got, err)
		}
	}
}
