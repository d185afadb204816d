package e2e

import (
	"testing"
	"time"
)

// patience is the longest that anything here may take to come true.
const patience = 5 * time.Minute

// eventually asks until there is an answer.
func eventually[T any](t testing.TB, ask func() (T, bool)) T {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		v, ok := ask()
		if ok {
			return v
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s", patience)
		}
	}
}
