package duckdb

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/bounding/boundingtest"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
)

// The engine computes what plain SQL says, bit for bit, on random data with
// NULLs and extreme values, whatever the order of rows within a unit, the order
// of segments, the number of threads, the ranges of units, whether streams are
// read ahead, and whether texts are read or the codes of those that have some.
func TestEngineAgreesWithPlainSQL(t *testing.T) {
	w, tables := randomTables(t, 8)
	engines := []*Engine{newEngine(t, Options{Threads: 1}), newEngine(t, Options{Threads: 2, MaxInstances: 2, partRows: 1, maxStreams: 2}),
		newEngine(t, Options{Threads: 2, partRows: 50}), newEngine(t, Options{Threads: 8, partRows: 1})}
	rapid.Check(t, func(t *rapid.T) {
		q := randomQuery(t)
		table := rapid.SampledFrom(tables).Draw(t, "table")
		salt := [16]byte{rapid.Byte().Draw(t, "salt")}
		st, err := sqlgen.Generate(&q.plan, sqlgen.Relation{Catalog: "segment", Tenant: "beta"})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("filter %s\ndraws %+v\n%s", q.filter, q.draws, st.SQL)
		want := w.reference(q, table.name, salt)
		sameOnAll(t, engines, q, table, salt, want)
	})
}

// spelledOut makes the nodes of all groups.
func spelledOut(of *plan.Bound, p *engine.Partials) *engine.Partials {
	out := &engine.Partials{Keys: p.Keys}
	every := make([]int, len(p.Keys))
	for i := range every {
		every[i] = i
	}
	for d, draw := range of.Draws {
		out.Draws = append(out.Draws, p.Of(d, draw.Width(), every))
	}
	return out
}

// sameOnAll runs a query on every engine, on rows in another order from the second
// on, and there by codes: each gives what is wanted, and all of them the same.
func sameOnAll(t *rapid.T, engines []*Engine, q refQuery, rows table, salt [16]byte, want boundingtest.Draws) {
	t.Helper()
	var first *engine.Partials
	for i, e := range engines {
		of := &q.plan
		if i > 0 {
			of = coded(of, rows.segments[1])
		}
		p, err := e.Run(context.Background(), engine.Input{Plan: of, Segments: rows.segments[min(i, 1)], Salt: salt})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, drawsOf(q, p, want)); diff != "" {
			t.Fatalf("engine %d, −want +got:\n%s", i, diff)
		}
		if p = spelledOut(&q.plan, p); i == 0 {
			first = p
		} else if diff := cmp.Diff(first, p); diff != "" {
			t.Fatalf("shuffled rows and more threads, −first +second:\n%s", diff)
		}
	}
}
