package duckdb

import (
	"context"
	"errors"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/analytics/sqlgen"
)

// A stream that was cut off must not look like one that has ended: the rest of
// the run would be a result, and which rows it lacks depends on the rows.
func TestCutOffStreamIsNotAnEnd(t *testing.T) {
	w := newWriter(t)
	path := w.segment(t.TempDir(), "a", "SELECT i::UBIGINT AS _unit FROM range(100000) t(i)")
	for blocks := range 3 {
		in, err := attached.Open(Options{}.withDefaults().settings(), attached.Streaming, []string{path})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		r, err := newRun(Options{}.withDefaults(), engine.Input{Plan: countPlan(), Segments: []engine.Segment{{Tenant: "a", Path: path}}}, in, sqlgen.Cap{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := newWorker(r).open(r.parts[0].relations[0], r.parts[0])
		if err != nil {
			t.Fatal(err)
		}
		for range blocks {
			if b, err := s.Next(ctx); b == nil || err != nil {
				t.Fatalf("%v, %v", b, err)
			}
		}
		cancel()
		r.interrupt()
		for range 2 {
			if b, err := s.Next(ctx); b != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("after %d blocks and the context's end: %v, %v", blocks, b, err)
			}
		}
		s.close(false)
		in.Close()
	}
}
