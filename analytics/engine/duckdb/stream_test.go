package duckdb

import (
	"context"
	"errors"
	"testing"
)

// A stream that was cut off must not look like one that has ended: the rest of
// the run would be a result, and which rows it lacks depends on the rows.
func TestCutOffStreamIsNotAnEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &stream{out: make(chan delivery)}
	close(s.out)   // as produce leaves it when ctx ends
	for range 64 { // a select picks any ready case
		if batch, err := s.Next(ctx); batch != nil || !errors.Is(err, context.Canceled) {
			t.Fatalf("Next after the context's end: batch %v, error %v", batch, err)
		}
	}
}
