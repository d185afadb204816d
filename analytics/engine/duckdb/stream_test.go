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

// Only a stream that produce saw to its end is complete.
func TestStreamThatStoppedIsNotAnEnd(t *testing.T) {
	for _, done := range []bool{true, false} {
		s := &stream{out: make(chan delivery), done: done}
		close(s.out)
		if batch, err := s.Next(t.Context()); batch != nil || (err == nil) != done {
			t.Errorf("done %t: batch %v, error %v", done, batch, err)
		}
	}
}
